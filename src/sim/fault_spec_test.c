// SPDX-License-Identifier: Apache-2.0
/* The specifications of faults: what is understood, what is refused, what the help says. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "fovea/sim.h"
#include "sim/docs_path.h"
#include "sim/fault.h"

static struct fv_sim_fault_spec good(const char *text)
{
    struct fv_sim_fault_spec spec;
    struct fv_error err = {0};
    if (fv_sim_fault_parse(text, &spec, &err) < 0)
        fail_msg("%s: %s", text, err.text);
    return spec;
}

static void keys_are_understood(void **state)
{
    struct fv_sim_fault_spec spec = good("loss");
    assert_string_equal(spec.fault->name, "loss");
    assert_true(spec.all);
    assert_true(spec.lasting == FV_TIME_NEVER);
    assert_true(spec.own[0] == 1);
    spec = good("loss:cam=3-5,after=1.5,for=2,packets=7,bytes=8,every=9,probability=0.25,burst=4,"
                "connections=2,since=start");
    assert_int_equal(spec.after, 1500 * FV_MS);
    assert_int_equal(spec.lasting, 2 * FV_S);
    assert_int_equal(spec.packets, 7);
    assert_int_equal(spec.bytes, 8);
    assert_int_equal(spec.every, 9);
    assert_true(spec.probability == 0.25);
    assert_true(spec.own[0] == 4);
    assert_int_equal(spec.connections, 2);
    assert_int_equal(spec.since, FV_SIM_SINCE_START);
    spec = good("redirect:to=rtsp://[::1]:554/x?y=z");
    assert_string_equal(spec.text, "rtsp://[::1]:554/x?y=z");
    spec = good(" ts-jump : by = -3.5 , cam = even ");
    assert_true(spec.own[0] == -3.5);
    assert_int_equal(spec.parity, 0);
}

static void cameras_are_covered(void **state)
{
    const struct {
        const char *spec;
        unsigned camera;
        bool covered;
    } cases[] = {
        {"mute", 4095, true},       {"mute:cam=all", 0, true},  {"mute:cam=2", 2, true},
        {"mute:cam=2", 1, false},   {"mute:cam=2-4", 1, false}, {"mute:cam=2-4", 2, true},
        {"mute:cam=2-4", 4, true},  {"mute:cam=2-4", 5, false}, {"mute:cam=odd", 7, true},
        {"mute:cam=odd", 8, false}, {"mute:cam=even", 8, true}, {"mute:cam=even", 7, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct fv_sim_fault_spec spec = good(cases[i].spec);
        assert_int_equal(fv_sim_fault_covers(&spec, cases[i].camera), cases[i].covered);
    }
}

static void nonsense_is_refused(void **state)
{
    const struct {
        const char *spec, *says;
    } cases[] = {
        {"", "unknown fault ''"},
        {"lost", "unknown fault 'lost'; did you mean 'loss'?"},
        {"ssrc-chnage", "did you mean 'ssrc-change'?"},
        {"xyzzy", "--fault help lists them all"},
        {"loss:probabilty=1", "has no key 'probabilty'; did you mean 'probability'?"},
        {"loss:brust=1", "did you mean 'burst'?"},
        {"loss:ms=1", "fault loss has no key 'ms'"},
        {"loss:=", "has no key ''"},
        {"loss:,", "has no key ''"},
        {"loss:cam", "cam= is not N|N-M|odd|even|all"},
        {"loss:cam=4-2", "cam=4-2 is not"},
        {"loss:cam=4-", "cam=4- is not"},
        {"loss:cam=-1", "cam=-1 is not"},
        {"loss:cam=two", "cam=two is not"},
        {"loss:after=-1", "after=-1 is not"},
        {"loss:after=nan", "after=nan is not"},
        {"loss:after=1e300", "after=1e300 is not"},
        {"loss:for=0x10", "for=0x10 is not"},
        {"loss:every=0", "every=0 is not"},
        {"loss:every=1.5", "every=1.5 is not"},
        {"loss:probability=0", "probability=0 is not"},
        {"loss:probability=1.1", "probability=1.1 is not"},
        {"loss:burst=0", "burst=0 is not a number from 1 to 10000"},
        {"mute:at=lunch", "at=lunch is not one of: any options describe"},
        {"refuse:at=media", "at=media is not one of"},
        {"refuse:status=200", "status=200 is not a number from 300 to 599"},
        {"redirect:to=", "to= is not a text"},
        {"redirect:to=a b", "to=a b is not a text"},
        {"redirect:to=a\r\nb", "is not a text"},
        {"loss:since=noon", "since=noon is not"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct fv_sim_fault_spec spec;
        struct fv_error err = {0};
        if (fv_sim_fault_parse(cases[i].spec, &spec, &err) != -EINVAL ||
            !strstr(err.text, cases[i].says))
            fail_msg("%s: %s", cases[i].spec, err.text);
        assert_int_equal(fv_sim_fault_parse(cases[i].spec, &spec, NULL), -EINVAL);
    }
}

static void the_table_is_sound(void **state)
{
    const struct fv_sim_fault *fault;
    unsigned count = 0;
    for (; (fault = fv_sim_fault_at(count)); count++) {
        char line[100];
        snprintf(line, sizeof(line), "\n  %s  ", fault->name);
        if (!fault->help || !strstr(fv_sim_fault_help(), line))
            fail_msg("%s is not in the help", fault->name);
        if (!fault->connected && !fault->request && !fault->description && !fault->answer &&
            !fault->tick && !fault->allow && !fault->picture && !fault->packet && !fault->report)
            fail_msg("%s does nothing", fault->name);
        for (unsigned i = 0; i < FV_SIM_FAULT_OWN && fault->keys[i].name; i++) {
            const struct fv_sim_fault_key *key = &fault->keys[i];
            if (key->kind == FV_SIM_KEY_NUMBER &&
                (key->preset < key->low || key->preset > key->high))
                fail_msg("%s: the preset of %s is out of bounds", fault->name, key->name);
        }
        for (unsigned i = 0; i < count; i++)
            assert_string_not_equal(fv_sim_fault_at(i)->name, fault->name);
    }
    assert_true(count > 30);
}

/* docs/simulator.md contains the help text as it is. */
static void the_document_is_up_to_date(void **state)
{
    static char document[64 << 10];
    FILE *file = fopen(FV_DOCS "/simulator.md", "rbe");
    assert_non_null(file);
    size_t size = fread(document, 1, sizeof(document) - 1, file);
    document[size] = '\0';
    fclose(file);
    if (!strstr(document, fv_sim_fault_help()))
        fail_msg("docs/simulator.md does not contain what 'fovea sim --fault help' prints");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_understood),        cmocka_unit_test(cameras_are_covered),
        cmocka_unit_test(nonsense_is_refused),        cmocka_unit_test(the_table_is_sound),
        cmocka_unit_test(the_document_is_up_to_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

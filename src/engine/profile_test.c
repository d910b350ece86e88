// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/profile.h"
#include "flow.h"

static struct fv_stamps picture(int64_t receive, int64_t decode, int64_t infer, int64_t result)
{
    const int64_t start = 1000 * FV_MS;
    return (struct fv_stamps){.first_packet = start,
                              .last_packet = start + receive,
                              .decoded = start + receive + decode,
                              .inferred = start + receive + decode + infer,
                              .event = start + receive + decode + infer + result};
}

/* Of ten pictures every third is measured: the 1st, 4th, 7th and 10th. */
static void test_sampling(void **state)
{
    (void)state;
    static struct fv_profile profile = {.every = 3};
    struct fv_engine_stage stages[FV_ENGINE_STAGES];
    for (int i = 0; i < 10; i++) {
        const int64_t slow = i % 3 ? FV_S : 0; /* those that are not measured */
        const struct fv_stamps at =
            picture(slow + FV_MS, slow + 2 * FV_MS, slow + 4 * FV_MS, slow + 8 * FV_MS);
        fv_profile_add(&profile, &at);
    }
    fv_profile_figures(&profile, stages);
    static const char *const names[] = {"receive", "decode", "infer", "result"};
    for (int i = 0; i < FV_ENGINE_STAGES; i++) {
        assert_string_equal(stages[i].name, names[i]);
        assert_int_equal(stages[i].pictures, 4);
        assert_int_equal(stages[i].max, FV_MS << i);
        assert_true(llabs((long long)(stages[i].p50 - (FV_MS << i))) < FV_MS << i >> 4);
    }
}

static void test_off_and_unknown(void **state)
{
    (void)state;
    static struct fv_profile off, on = {.every = 1};
    struct fv_engine_stage stages[FV_ENGINE_STAGES];
    struct fv_stamps at = picture(FV_MS, FV_MS, FV_MS, FV_MS);
    fv_profile_add(&off, &at);
    fv_profile_figures(&off, stages);
    assert_int_equal(stages[0].pictures + stages[3].pictures, 0);
    at.first_packet = at.last_packet = FV_TIME_UNKNOWN; /* of a file */
    fv_profile_add(&on, &at);
    fv_profile_figures(&on, stages);
    assert_int_equal(stages[0].pictures + stages[1].pictures, 0);
    assert_int_equal(stages[2].pictures, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sampling),
                                       cmocka_unit_test(test_off_and_unknown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
/* What the probe reports, on the look-alike of tests/fakegpu. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fakegpu_tools.h"
#include "gpu/probe.h"

struct list {
    unsigned count;
    char text[3000];
};

static void note(void *data, const struct fv_problem *problem)
{
    struct list *list = data;
    size_t used = strlen(list->text);
    list->count++;
    assert_int_equal(problem->severity, FV_SEVERITY_ERROR);
    assert_string_equal(problem->code, "gpu_missing");
    assert_true(strlen(problem->fix) > 10);
    snprintf(list->text + used, sizeof(list->text) - used, "%s => %s\n", problem->message,
             problem->fix);
}

static void probe(const char *script, const struct fv_gpu_params *params, struct list *list)
{
    struct fv_error err = {0};
    memset(list, 0, sizeof(*list));
    fakegpu_play(script);
    int r = fv_gpu_probe(params, note, list, &err);
    assert_int_equal(r, list->count ? -ENODEV : 0);
    assert_int_equal(err.code, r);
    if (list->count)
        assert_non_null(strstr(err.text, "There is no silent fallback to the CPU"));
    assert_int_equal(fv_gpu_probe(params, NULL, NULL, NULL), r);
    assert_nothing_left();
}

static void assert_reported(const struct list *list, const char *text)
{
    if (!strstr(list->text, text))
        fail_msg("'%s' is not in:\n%s", text, list->text);
}

static void test_all_there(void **state)
{
    struct list list;
    probe("", &(struct fv_gpu_params){.pool_bytes = 500 << 20}, &list);
    assert_null(strstr(list.text, "driver"));
    assert_null(strstr(list.text, "decoder"));
    assert_null(strstr(list.text, "memory"));
}

static void test_each_missing_thing(void **state)
{
    static const struct {
        const char *script, *text;
    } rows[] = {
        {"no-device", "the NVIDIA driver gives no GPU"},
        {"driver=11080", "the NVIDIA driver is too old: it offers CUDA 11.8"},
        {"devices=0", "lists none"},
        {"devices=2", "there is no GPU 2: the driver lists 2"},
        {"compute=5,devices=3", "GPU 2 (fake GPU 2 for tests) is too old: compute capability 5.0"},
        {"memory-mb=800,free-mb=100,devices=3",
         "GPU 2 has 100 MiB of memory free of 800, and the memory pool alone wants 500"},
        {"call-fail=cuvidGetDecoderCaps:1,devices=3,run=x",
         "the hardware decoder does not answer for H.264: cuvidGetDecoderCaps: CUDA_ERROR_INVALID"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct list list = {0};
        struct fv_gpu_params params = {.device = 2, .pool_bytes = 500 << 20};
        fakegpu_play(rows[i].script);
        assert_int_equal(fv_gpu_probe(&params, note, &list, NULL), -ENODEV);
        assert_reported(&list, rows[i].text);
        assert_nothing_left();
    }
}

/* Things that are missing at the same time are all told. */
static void test_several(void **state)
{
    struct list list;
    probe("compute=3,free-mb=10,memory-mb=100", &(struct fv_gpu_params){.pool_bytes = 64 << 20},
          &list);
    assert_reported(&list, "is too old: compute capability 3.0, 6.0 is needed");
    assert_reported(&list, "10 MiB of memory free");
}

static void test_lost_device(void **state)
{
    struct list list = {0};
    for (unsigned n = 3; n < 14; n++) {
        char script[40];
        snprintf(script, sizeof(script), "lost-after=%u:999,reset-helps", n);
        fakegpu_play(script);
        assert_int_equal(fv_gpu_probe(&(struct fv_gpu_params){0}, note, &list, NULL), -ENODEV);
        assert_nothing_left();
        assert_int_equal(fv_gpu_reset(0, NULL), 0);
    }
    assert_reported(&list, "the GPU cannot be used: ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_there),
        cmocka_unit_test(test_each_missing_thing),
        cmocka_unit_test(test_several),
        cmocka_unit_test(test_lost_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

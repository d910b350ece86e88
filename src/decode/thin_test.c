// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "decode/thin.h"

/* How many of `count` pictures of a rate are kept; each comes `waver` early or late in turn. */
static unsigned kept(struct fv_thin *thin, double fps, double target, unsigned count, int64_t waver)
{
    unsigned kept = 0;
    int64_t gap = (int64_t)((double)FV_S / target);
    for (unsigned i = 0; i < count; i++) {
        struct fv_frame_info info = {.pts = 1000 * FV_S + (int64_t)(i * (double)FV_S / fps)};
        info.pts += i % 2 ? waver : -waver;
        kept += fv_thin_keep(thin, 1, gap, &info);
    }
    return kept;
}

static void test_interval(void **state)
{
    struct fv_thin thin = {0};
    struct fv_frame_info info = {0};
    const bool want[] = {true, false, false, true, false, false, true};
    for (unsigned i = 0; i < 7; i++)
        assert_int_equal(fv_thin_keep(&thin, 3, 0, &info), want[i]);
}

static void test_slower_passes(void **state)
{
    struct fv_thin thin = {0};
    assert_int_equal(kept(&thin, 25, 30, 500, 5 * FV_MS), 500);
    thin = (struct fv_thin){0};
    assert_int_equal(kept(&thin, 30, 30, 500, 12 * FV_MS), 500);
}

static void test_faster_is_thinned(void **state)
{
    static const double rates[] = {31, 45, 50, 60, 120};
    for (unsigned i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        struct fv_thin thin = {0};
        unsigned want = (unsigned)(30 * 20); /* 20 s */
        unsigned got = kept(&thin, rates[i], 30, (unsigned)(rates[i] * 20), FV_MS);
        assert_in_range(got, want - 2, want + 2);
    }
}

/* A jump in either direction, a new connection, an unknown time: the next picture is kept. */
static void test_anew(void **state)
{
    struct fv_thin thin = {0};
    struct fv_frame_info info = {.pts = 100 * FV_S};
    assert_true(fv_thin_keep(&thin, 1, FV_S, &info));
    info.pts += 100 * FV_MS;
    assert_false(fv_thin_keep(&thin, 1, FV_S, &info));
    info.epoch = 1;
    assert_true(fv_thin_keep(&thin, 1, FV_S, &info));
    info.pts -= 50 * FV_S;
    assert_true(fv_thin_keep(&thin, 1, FV_S, &info));
    info.pts += 500 * FV_S;
    assert_true(fv_thin_keep(&thin, 1, FV_S, &info));
    info.pts = FV_TIME_UNKNOWN;
    assert_true(fv_thin_keep(&thin, 1, FV_S, &info));
    info.pts = 5 * FV_S;
    assert_true(fv_thin_keep(&thin, 1, FV_S, &info));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interval),
        cmocka_unit_test(test_slower_passes),
        cmocka_unit_test(test_faster_is_thinned),
        cmocka_unit_test(test_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>

#include "base/clock.h"
#include "track/kalman.h"
#include "track/lifetime.h"

#define NEAR 1e-9

static const struct fv_box start = {0, 0, 40, 100};

/* Height 100: a position is known to 100/20 = 5, at the start to twice that: variance 100. The rate's deviation starts at
 * 10 * 100/160 = 6.25: 39.0625. */
static void test_start(void **state)
{
    struct fv_kalman filter;
    const double values[] = {20, 50, 40, 100};
    fv_kalman_start(&filter, &start);
    for (int i = 0; i < FV_KALMAN_PARTS; i++) {
        assert_float_equal(filter.part[i].value, values[i], NEAR);
        assert_float_equal(filter.part[i].rate, 0, NEAR);
        assert_float_equal(filter.part[i].value_variance, 100, NEAR);
        assert_float_equal(filter.part[i].covariance, 0, NEAR);
        assert_float_equal(filter.part[i].rate_variance, 39.0625, NEAR);
    }
}

/* One unit later: walk 25, shake (100/160)^2 = 0.390625.
 *   value    100 + 39.0625 + 25 + 0.390625/3 = 164.1927083...
 *   both     39.0625 + 0.390625/2            = 39.2578125
 *   rate     39.0625 + 0.390625              = 39.453125
 * Then seen 10 to the right, noise 25: total 189.1927083..., gains 0.8678596... and 0.2075017... */
static void test_predict_and_correct(void **state)
{
    struct fv_kalman filter;
    const struct fv_kalman_axis *x = &filter.part[FV_KALMAN_X], *y = &filter.part[FV_KALMAN_Y];
    fv_kalman_start(&filter, &start);
    fv_kalman_predict(&filter, 1);
    assert_float_equal(x->value_variance, 164.192708333333, NEAR);
    assert_float_equal(x->covariance, 39.2578125, NEAR);
    assert_float_equal(x->rate_variance, 39.453125, NEAR);

    fv_kalman_correct(&filter, &(struct fv_box){10, 0, 50, 100}, 1);
    assert_float_equal(x->value, 28.678596008258776, NEAR);
    assert_float_equal(x->rate, 2.075017205781143, NEAR);
    assert_float_equal(x->value_variance, 21.696490020646937, NEAR);
    assert_float_equal(x->covariance, 5.187543014452853, NEAR);
    assert_float_equal(x->rate_variance, 31.307061360117, NEAR);
    assert_float_equal(y->value, 50, NEAR); /* seen where it was foretold */
    assert_float_equal(y->rate, 0, NEAR);
    assert_float_equal(y->value_variance, x->value_variance, NEAR);
}

/* As before, but seen in doubt: twice the deviation, noise 100. Total 264.1927083..., gains 0.6214884... and 0.1485953... */
static void test_doubt(void **state)
{
    struct fv_kalman filter;
    const struct fv_kalman_axis *x = &filter.part[FV_KALMAN_X];
    fv_kalman_start(&filter, &start);
    fv_kalman_predict(&filter, 1);
    fv_kalman_correct(&filter, &(struct fv_box){10, 0, 50, 100}, 2);
    assert_float_equal(x->value, 26.214884179399, NEAR);
    assert_float_equal(x->rate, 1.485953671759, NEAR);
    assert_float_equal(x->value_variance, 62.148841793987, NEAR);

    assert_float_equal(fv_kalman_doubt(0.8), 1, NEAR);
    assert_float_equal(fv_kalman_doubt(0.6), 2, NEAR);
    assert_float_equal(fv_kalman_doubt(0.95), 0.5, NEAR); /* no better than that */
    assert_float_equal(fv_kalman_doubt(0.1), 4, NEAR);    /* no worse than that */
}

/* A span of time cut into pieces is the same span: exactly so while the height, which scales the noise, stays. */
static void test_steps_add_up(void **state)
{
    static const double cuts[][4] = {
        {3, 0, 0, 0}, {1, 1, 1, 0}, {0.5, 0.25, 2.25, 0}, {2, 0, 0.9, 0.1}};
    struct fv_kalman whole;
    for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
        struct fv_kalman filter;
        fv_kalman_start(&filter, &start);
        filter.part[FV_KALMAN_X].rate = 4;
        for (int k = 0; k < 4; k++)
            fv_kalman_predict(&filter, cuts[i][k]);
        if (i == 0)
            whole = filter;
        assert_float_equal(filter.part[FV_KALMAN_X].value, 32, NEAR);
        for (int k = 0; k < FV_KALMAN_PARTS; k++) {
            const struct fv_kalman_axis *a = &filter.part[k], *b = &whole.part[k];
            assert_float_equal(a->value_variance, b->value_variance, NEAR);
            assert_float_equal(a->covariance, b->covariance, NEAR);
            assert_float_equal(a->rate_variance, b->rate_variance, NEAR);
        }
    }
}

/* What moves 3 pixels a unit is soon believed to do so, at any rate of pictures. */
static void test_finds_the_rate(void **state)
{
    static const double intervals[] = {0.5, 1, 3, 6};
    for (size_t i = 0; i < sizeof(intervals) / sizeof(intervals[0]); i++) {
        struct fv_kalman filter;
        fv_kalman_start(&filter, &start);
        for (double t = intervals[i]; t <= 60; t += intervals[i]) {
            fv_kalman_predict(&filter, intervals[i]);
            fv_kalman_correct(&filter, &(struct fv_box){3 * t, 0, 40 + 3 * t, 100}, 1);
        }
        assert_float_equal(filter.part[FV_KALMAN_X].rate, 3, 0.05);
        assert_float_equal(filter.part[FV_KALMAN_Y].rate, 0, 1e-6);
    }
}

/* Thousands of steps of all sizes, with boxes of all sizes: variances stay positive, and boxes boxes. */
static void test_stays_sane(void **state)
{
    struct fv_kalman filter;
    fv_kalman_start(&filter, &start);
    for (int i = 0; i < 20000; i++) {
        const double size = i % 3 ? 1e-3 : (i % 7) * 1e5 + 1;
        fv_kalman_predict(&filter, i % 11 ? 1 : 3000);
        const struct fv_box box = fv_kalman_box(&filter);
        assert_true(isfinite(box.x0) && isfinite(box.y1) && box.x0 < box.x1 && box.y0 < box.y1);
        if (i % 13 == 0)
            fv_kalman_hold_size(&filter);
        fv_kalman_correct(&filter, &(struct fv_box){-size, 0, size, size},
                          i % 5 ? 0.5 : 4);
        for (int k = 0; k < FV_KALMAN_PARTS; k++) {
            const struct fv_kalman_axis *axis = &filter.part[k];
            assert_true(axis->value_variance > 0 && axis->rate_variance > 0);
            assert_true(axis->covariance * axis->covariance <=
                        axis->value_variance * axis->rate_variance * (1 + 1e-9));
        }
    }
}

static void test_hold_size_and_box(void **state)
{
    struct fv_kalman filter;
    fv_kalman_start(&filter, &start);
    filter.part[FV_KALMAN_X].rate = 1;
    filter.part[FV_KALMAN_WIDTH].rate = filter.part[FV_KALMAN_HEIGHT].rate = -30;
    fv_kalman_predict(&filter, 1); /* width 40 - 30, height 100 - 30, centre 21, 50 */
    struct fv_box box = fv_kalman_box(&filter);
    assert_float_equal(box.x0, 16, NEAR);
    assert_float_equal(box.x1, 26, NEAR);
    assert_float_equal(box.y0, 15, NEAR);
    assert_float_equal(box.y1, 85, NEAR);
    fv_kalman_hold_size(&filter);
    fv_kalman_predict(&filter, 4);
    box = fv_kalman_box(&filter);
    assert_float_equal(box.x0, 20, NEAR); /* goes on moving */
    assert_float_equal(box.x1 - box.x0, 10, NEAR);
    filter.part[FV_KALMAN_WIDTH].value = -5;
    box = fv_kalman_box(&filter);
    assert_float_equal(box.x1 - box.x0, 1, NEAR);
}

static void test_lifetime(void **state)
{
    struct fv_lifetime lifetime;
    fv_lifetime_init(&lifetime, FV_S);
    assert_int_equal(fv_lifetime(&lifetime), FV_S);
    for (int i = 0; i < 23; i++)
        fv_lifetime_note(&lifetime, 100 * FV_MS);
    fv_lifetime_note(&lifetime, 30 * FV_S); /* one gap, even two, is no rate */
    fv_lifetime_note(&lifetime, 30 * FV_S);
    assert_int_equal(fv_lifetime(&lifetime), FV_S);
    fv_lifetime_note(&lifetime, 2 * FV_S); /* of 0.1, 0.1, 30, 30, 2 the middle one is 2 */
    assert_int_equal(fv_lifetime(&lifetime), 3 * FV_S);
    for (int i = 0; i < 3; i++)
        fv_lifetime_note(&lifetime, 100 * FV_MS);
    assert_int_equal(fv_lifetime(&lifetime), FV_S);
    for (int i = 0; i < 3; i++)
        fv_lifetime_note(&lifetime, INT64_MAX); /* bounded by an hour */
    assert_int_equal(fv_lifetime(&lifetime), 5400 * FV_S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start),        cmocka_unit_test(test_doubt),
        cmocka_unit_test(test_predict_and_correct),
        cmocka_unit_test(test_steps_add_up), cmocka_unit_test(test_finds_the_rate),
        cmocka_unit_test(test_stays_sane),   cmocka_unit_test(test_hold_size_and_box),
        cmocka_unit_test(test_lifetime),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

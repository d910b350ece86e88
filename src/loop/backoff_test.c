// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "loop/backoff.h"

#define MS(n) ((int64_t)(n)*FV_MS)

static struct fv_backoff make(enum fv_backoff_strategy strategy, double jitter)
{
    struct fv_backoff_params params;
    struct fv_backoff backoff;
    fv_backoff_defaults(&params);
    params.strategy = strategy;
    params.jitter = jitter;
    assert_int_equal(fv_backoff_check(&params), 0);
    fv_backoff_init(&backoff, &params, 1, 0);
    return backoff;
}

static int64_t fail_once(struct fv_backoff *backoff, int64_t least, int64_t now)
{
    fv_backoff_attempt(backoff, now);
    return fv_backoff_failure(backoff, least, now);
}

static void test_exponential(void **state)
{
    static const int64_t want[] = {1, 2, 4, 8, 16, 32, 60, 60, 60};
    struct fv_backoff b = make(FV_BACKOFF_EXPONENTIAL, 0);
    for (size_t i = 0; i < 9; i++)
        assert_int_equal(fail_once(&b, 0, 0), want[i] * FV_S);
    for (size_t i = 0; i < 10000; i++)
        assert_int_equal(fail_once(&b, 0, 0), 60 * FV_S);
    fv_backoff_attempt(&b, 5);
    fv_backoff_success(&b, 5);
    assert_int_equal(fv_backoff_failure(&b, 0, 6), 1 * FV_S); /* the connection ended */
    assert_int_equal(fail_once(&b, 0, 7), 2 * FV_S);
    assert_int_equal(b.stats.attempts, 10011);
    assert_int_equal(b.stats.successes, 1);
    assert_int_equal(b.stats.failures, 10011);
    assert_int_equal(b.stats.delay, 2 * FV_S);
    assert_int_equal(b.stats.state, FV_BREAKER_CLOSED);
}

static void test_parameters(void **state)
{
    struct fv_backoff b = make(FV_BACKOFF_EXPONENTIAL, 0);
    b.params.initial = MS(100);
    b.params.maximum = MS(500);
    b.stats.factor = 3;
    static const int64_t want[] = {100, 300, 500, 500};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(fail_once(&b, 0, 0), MS(want[i]));
}

static void test_least(void **state)
{
    struct fv_backoff b = make(FV_BACKOFF_EXPONENTIAL, 0);
    static const int64_t no_stream[] = {10, 20, 40, 60, 60};
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(fail_once(&b, 10 * FV_S, 0), no_stream[i] * FV_S);
    b = make(FV_BACKOFF_EXPONENTIAL, 0);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(fail_once(&b, 90 * FV_S, 0), 90 * FV_S); /* above the maximum */
}

static void test_adaptive_shrinks(void **state)
{
    struct fv_backoff b = make(FV_BACKOFF_ADAPTIVE, 0);
    for (int i = 0; i < 4; i++) {
        fv_backoff_attempt(&b, 0);
        fv_backoff_success(&b, 0);
        fv_backoff_failure(&b, 0, 0); /* ends: not a failed attempt */
    }
    assert_true(b.stats.factor == 2.0);
    fv_backoff_attempt(&b, 0);
    fv_backoff_success(&b, 0);
    assert_true(b.stats.factor == 2.0 * 0.9);
    assert_int_equal(fv_backoff_failure(&b, 0, 0), 1 * FV_S);
    assert_int_equal(fail_once(&b, 0, 0), MS(1800));
    assert_int_equal(fail_once(&b, 0, 0), MS(3240));
    for (int i = 0; i < 15; i++) {
        fv_backoff_attempt(&b, 0);
        fv_backoff_success(&b, 0);
    }
    assert_true(b.stats.factor == 1.5); /* 1.62, then the floor instead of 1.458 */
}

static void test_adaptive_needs_a_row(void **state)
{
    struct fv_backoff b = make(FV_BACKOFF_ADAPTIVE, 0);
    for (int i = 0; i < 20; i++) {
        fv_backoff_attempt(&b, 0);
        fv_backoff_success(&b, 0);
        fv_backoff_failure(&b, 0, 0);
        if (i % 4 == 3)
            fail_once(&b, 0, 0); /* never five in a row */
    }
    assert_true(b.stats.factor == 2.0);
}

static void test_adaptive_grows(void **state)
{
    struct fv_backoff b = make(FV_BACKOFF_ADAPTIVE, 0);
    for (int i = 0; i < 10; i++)
        fail_once(&b, 0, 0);
    assert_true(b.stats.factor == 2.0);
    fail_once(&b, 0, 0);
    assert_true(b.stats.factor == 2.0 * 1.1);
    for (int i = 0; i < 20; i++)
        assert_int_equal(fail_once(&b, 0, 0), 60 * FV_S);
    assert_true(b.stats.factor == 3.0);
}

static void test_breaker(void **state)
{
    struct fv_backoff b = make(FV_BACKOFF_BREAKER, 0);
    static const int64_t closed[] = {1, 2, 4, 8};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(fail_once(&b, 0, (int64_t)i), closed[i] * FV_S);
        assert_int_equal(b.stats.state, FV_BREAKER_CLOSED);
    }
    assert_int_equal(fail_once(&b, 0, 100), 60 * FV_S);
    assert_int_equal(b.stats.state, FV_BREAKER_OPEN);
    assert_int_equal(b.stats.since, 100);

    fv_backoff_attempt(&b, 200);
    assert_int_equal(b.stats.state, FV_BREAKER_HALF_OPEN);
    assert_int_equal(b.stats.since, 200);
    assert_int_equal(fv_backoff_failure(&b, 0, 300), 60 * FV_S); /* one failure opens again */
    assert_int_equal(b.stats.state, FV_BREAKER_OPEN);
    assert_int_equal(b.stats.since, 300);

    for (int probe = 1; probe <= 3; probe++) {
        fv_backoff_attempt(&b, 400);
        assert_int_equal(b.stats.state, FV_BREAKER_HALF_OPEN);
        fv_backoff_success(&b, 400 + probe);
        if (probe < 3)
            assert_int_equal(fv_backoff_failure(&b, 0, 500), 1 * FV_S); /* the probe ended */
    }
    assert_int_equal(b.stats.state, FV_BREAKER_CLOSED);
    assert_int_equal(b.stats.since, 403);
    assert_int_equal(fv_backoff_failure(&b, 0, 600), 1 * FV_S);
}

static void test_breaker_counts_probes_anew(void **state)
{
    struct fv_backoff b = make(FV_BACKOFF_BREAKER, 0);
    for (int i = 0; i < 5; i++)
        fail_once(&b, 0, 0);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 2; i++) {
            fv_backoff_attempt(&b, 0);
            fv_backoff_success(&b, 0);
            fv_backoff_failure(&b, 0, 0);
        }
        assert_int_equal(fail_once(&b, 0, 0), 60 * FV_S);
    }
    assert_int_equal(b.stats.state, FV_BREAKER_OPEN);
}

struct bounds {
    enum fv_backoff_strategy strategy;
    unsigned failures;
    int64_t least, low, high; /* s * 1000 */
};

static void test_jitter(void **state)
{
    static const struct bounds table[] = {
        {FV_BACKOFF_EXPONENTIAL, 1, 0, 900, 1100},
        {FV_BACKOFF_EXPONENTIAL, 3, 0, 3600, 4400},
        {FV_BACKOFF_EXPONENTIAL, 9, 0, 54000, 60000},     /* never above the maximum */
        {FV_BACKOFF_EXPONENTIAL, 1, 30000, 30000, 33000}, /* never below the bound */
        {FV_BACKOFF_EXPONENTIAL, 1, 60000, 60000, 66000},
        {FV_BACKOFF_EXPONENTIAL, 2, 10000, 18000, 22000},
        {FV_BACKOFF_BREAKER, 5, 0, 60000, 66000}, /* open for at least its time */
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const struct bounds *t = &table[i];
        int64_t low = INT64_MAX, high = 0;
        for (uint64_t seed = 0; seed < 500; seed++) {
            struct fv_backoff b = make(t->strategy, 0.1);
            fv_rand_seed(&b.rand, seed);
            int64_t delay = 0;
            for (unsigned n = 0; n < t->failures; n++)
                delay = fail_once(&b, MS(t->least), 0);
            low = fv_min64(low, delay);
            high = fv_max64(high, delay);
        }
        int64_t width = MS(t->high - t->low);
        assert_true(low >= MS(t->low) && low < MS(t->low) + width / 20);
        assert_true(high <= MS(t->high) && high > MS(t->high) - width / 20);
    }
}

static void test_check(void **state)
{
    struct fv_backoff_params good, p;
    fv_backoff_defaults(&good);
    assert_int_equal(fv_backoff_check(&good), 0);
    p = good, p.initial = 0;
    assert_int_equal(fv_backoff_check(&p), -EINVAL);
    p = good, p.maximum = FV_MS;
    assert_int_equal(fv_backoff_check(&p), -EINVAL);
    p = good, p.factor = 0.9;
    assert_int_equal(fv_backoff_check(&p), -EINVAL);
    p = good, p.jitter = 1.1;
    assert_int_equal(fv_backoff_check(&p), -EINVAL);
    p = good, p.stable_after = 0;
    assert_int_equal(fv_backoff_check(&p), -EINVAL);
    p = good, p.breaker_probes = 0;
    assert_int_equal(fv_backoff_check(&p), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exponential),
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_least),
        cmocka_unit_test(test_adaptive_shrinks),
        cmocka_unit_test(test_adaptive_needs_a_row),
        cmocka_unit_test(test_adaptive_grows),
        cmocka_unit_test(test_breaker),
        cmocka_unit_test(test_breaker_counts_probes_anew),
        cmocka_unit_test(test_jitter),
        cmocka_unit_test(test_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

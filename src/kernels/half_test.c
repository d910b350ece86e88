// SPDX-License-Identifier: Apache-2.0
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <math.h>

#include "kernels/exp.h"
#include "kernels/half.h"

/* By the standard's formula, IEEE 754 3.4, for finite numbers. */
static double value_of(uint32_t half)
{
    const int exponent = half >> 10 & 31, fraction = half & 1023;
    const double magnitude =
        exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
    return half & 0x8000 ? -magnitude : magnitude;
}

static void test_each_half(void **state)
{
    (void)state;
    for (uint32_t half = 0; half < 65536; half++) {
        const float value = fv_float_of_half(half);
        const uint32_t magnitude = half & 0x7FFF;
        if (magnitude > 0x7C00)
            assert_true(isnan(value) && isnan(fv_float_of_half(fv_half_of_float(value))));
        else if (magnitude == 0x7C00)
            assert_true(value == (half & 0x8000 ? -INFINITY : INFINITY));
        else
            assert_true((double)value == value_of(half) && !signbit(value) == !(half & 0x8000));
        if (magnitude <= 0x7C00)
            assert_int_equal(fv_half_of_float(value), half);
    }
}

static void assert_half(float value, uint32_t want)
{
    if (fv_half_of_float(value) != want)
        fail_msg("%a: want %04x, got %04x", (double)value, want, fv_half_of_float(value));
    if (fv_half_of_float(-value) != (want | 0x8000))
        fail_msg("%a: want %04x, got %04x", (double)-value, want | 0x8000,
                 fv_half_of_float(-value));
}

/* Between two neighbours: their middle goes to the even one, its neighbours to the nearer one. */
static void test_each_boundary(void **state)
{
    (void)state;
    for (uint32_t half = 0; half < 0x7C00; half++) {
        const double next = half == 0x7BFF ? 65536 : value_of(half + 1);
        const float middle = (float)((value_of(half) + next) / 2); /* exact */
        assert_half(middle, half % 2 ? half + 1 : half);
        assert_half(nextafterf(middle, 0), half);
        assert_half(nextafterf(middle, INFINITY), half + 1);
    }
    assert_half(0x1p-149f, 0);
    assert_half(0x1.fffffep127f, 0x7C00);
    assert_half(INFINITY, 0x7C00);
}

static void test_exp(void **state)
{
    (void)state;
    for (double x = -63.99; x < 64; x += 0.00097) {
        const double want = exp((double)(float)x), got = (double)fv_exp((float)x);
        if (!(fabs(got - want) <= want * 0x1p-23 * 2))
            fail_msg("exp(%a) = %a, want %a", x, got, want);
    }
    assert_true(fv_exp(0) == 1);
    assert_true(fv_exp(-1000) == 0 && fv_exp(-INFINITY) == 0);
    assert_true(fv_exp(1000) > 1e27f && fv_exp(INFINITY) > 1e27f);
    assert_true(isnan(fv_exp(NAN)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_half),
        cmocka_unit_test(test_each_boundary),
        cmocka_unit_test(test_exp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

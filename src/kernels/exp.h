// SPDX-License-Identifier: Apache-2.0
/*
 * The exponential function by operations that every IEEE 754 machine rounds alike (no fused multiply-add: compile with
 * -ffp-contract=off): a CPU and a GPU give the same bits, so that boxes of both back ends are the same. Pure.
 */
#ifndef FV_KERNELS_EXP_H
#define FV_KERNELS_EXP_H

#ifdef FV_DEVICE
#define FV_EXP_FUNCTION FV_DEVICE
#else
#include "kernels/half.h"
#define FV_EXP_FUNCTION static inline
#endif

#define FV_EXP_LIMIT 64.0f

/* Within 2 units in the last place. Above FV_EXP_LIMIT as at it, below -FV_EXP_LIMIT 0: no box has a place there. NaN for NaN. */
FV_EXP_FUNCTION float fv_exp(float x)
{
    if (x > FV_EXP_LIMIT)
        x = FV_EXP_LIMIT;
    if (x < -FV_EXP_LIMIT)
        return 0;
    /* x = n ln 2 + r, |r| <= ln 2 / 2. Adding 1.5 * 2^23 rounds to a whole number, in the low bits. */
    const float shifted = x * 1.44269504f + 12582912.0f;
    const float n = shifted - 12582912.0f;
    const float r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
    /* e^r: Taylor's series; what is left out is below 2^-26. */
    float sum = r * (1.0f / 5040) + 1.0f / 720;
    sum = sum * r + 1.0f / 120;
    sum = sum * r + 1.0f / 24;
    sum = sum * r + 1.0f / 6;
    sum = sum * r + 0.5f;
    sum = sum * r * r + r + 1.0f;
    return sum * fv_float_of_bits((fv_bits_of_float(shifted) + 127u) << 23);
}

#undef FV_EXP_FUNCTION
#endif

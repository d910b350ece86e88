// SPDX-License-Identifier: Apache-2.0
/* IEEE 754 half precision in its 16 bits <-> float, on the host. Pure. */
#ifndef FV_KERNELS_HALF_H
#define FV_KERNELS_HALF_H

#include <stdint.h>
#include <string.h>

static inline float fv_float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static inline uint32_t fv_bits_of_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

/* Exact. A NaN stays one. */
static inline float fv_float_of_half(uint32_t half)
{
    const uint32_t sign = (half & 0x8000u) << 16, magnitude = half & 0x7FFFu;
    if (magnitude >= 0x7C00u) /* infinite, NaN */
        return fv_float_of_bits(sign | 0x7F800000u | (magnitude & 0x3FFu) << 13);
    /* The exponent's bias is 112 less; the product also makes normal numbers of subnormal ones. */
    float value = fv_float_of_bits(magnitude << 13) * 0x1p112f;
    return fv_float_of_bits(sign | fv_bits_of_float(value));
}

/* To the nearest, ties to even; beyond 65519.996 infinite. A NaN stays one. */
static inline uint16_t fv_half_of_float(float value)
{
    const uint32_t bits = fv_bits_of_float(value);
    const uint32_t sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7FFFFFFFu;
    if (magnitude > 0x7F800000u)
        return (uint16_t)(sign | 0x7E00u);
    if (magnitude >= 0x477FF000u) /* the middle between 65504 and what would be next */
        return (uint16_t)(sign | 0x7C00u);
    if (magnitude < 0x38800000u) { /* subnormal: the sum's last bit is worth 2^-24 and rounds */
        uint32_t sum = fv_bits_of_float(fv_float_of_bits(magnitude) + 0.5f);
        return (uint16_t)(sign | (sum - 0x3F000000u));
    }
    uint32_t odd = magnitude >> 13 & 1;
    return (uint16_t)(sign | (magnitude - 0x38000000u + 0xFFFu + odd) >> 13);
}

#endif

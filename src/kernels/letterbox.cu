// SPDX-License-Identifier: Apache-2.0
/*
 * Pictures -> network input, a whole batch of different sizes in one launch. letterbox.c is the definition. A thread makes one
 * pixel of the tensor: it blends the samples under it, in luma and in chroma, and converts once. The threads of a warp read
 * neighbouring samples of the same rows and write neighbouring elements.
 */
#include "kernels/device.h"
#include "kernels/layout.h"

/* The samples of one axis under an output pixel: the first and the last with weights of their own, alike between them. */
struct span {
    uint32_t first, last;
    float head, middle, tail; /* first == last: head is the whole weight, tail 0 */
};

/* One axis of a plane; see struct fv_filter_axis. */
struct axis {
    uint32_t samples, extent, step, out;
};

/* The average over the pixel's interval; all positions in parts of a sample, den of them, as in filter.c. */
FV_DEVICE struct span average_span(const struct axis *axis, uint32_t i)
{
    const uint32_t den = axis->out * axis->step;
    const uint32_t begin = i * axis->extent, end = begin + axis->extent;
    const float unit = 1.0f / (float)axis->extent;
    struct span span;
    span.first = begin / den;
    span.last = (end - 1) / den;
    span.middle = (float)den * unit;
    span.head = (float)((span.first + 1) * den - begin) * unit;
    span.tail = (float)(end - span.last * den) * unit;
    if (span.first == span.last) {
        span.head = 1;
        span.tail = 0;
    }
    return span;
}

FV_DEVICE struct span bilinear_span(const struct axis *axis, uint32_t i)
{
    const int32_t den = (int32_t)(axis->out * axis->step);
    const int32_t centre = (int32_t)((2 * i + 1) * axis->extent) - den;
    struct span span = {0, 0, 1, 0, 0};
    if (centre > 0) {
        span.first = (uint32_t)(centre / (2 * den));
        span.tail = (float)(centre % (2 * den)) / (float)(2 * den);
    }
    if (span.first + 1 >= axis->samples) {
        span.first = axis->samples - 1;
        span.tail = 0;
    }
    span.last = span.first + (span.tail > 0);
    span.head = 1 - span.tail;
    return span;
}

FV_DEVICE struct span span_of(const struct axis *axis, uint32_t i)
{
    return axis->extent >= axis->out * axis->step ? average_span(axis, i) : bilinear_span(axis, i);
}

FV_DEVICE float row_weight(const struct span *span, uint32_t row)
{
    if (row == span->first)
        return span->head;
    return row == span->last ? span->tail : span->middle;
}

/* The weighted sum of one row of samples. `distance`: bytes from one to the next. The plain sum in the middle is whole. */
#define DEFINE_SUM_ROW(name, load)                                                                 \
    FV_DEVICE float name(uint64_t row, uint32_t distance, const struct span *x)                    \
    {                                                                                              \
        uint32_t middle = 0;                                                                       \
        for (uint32_t k = x->first + 1; k < x->last; k++)                                          \
            middle += load(row + k * distance);                                                    \
        return x->head * (float)load(row + x->first * distance) + x->middle * (float)middle +      \
               x->tail * (float)load(row + x->last * distance);                                    \
    }
DEFINE_SUM_ROW(sum_row_8, fv_load_u8)
DEFINE_SUM_ROW(sum_row_16, fv_load_u16)

FV_DEVICE float sum_plane(uint64_t plane, uint32_t pitch, uint32_t wide, const struct span *x,
                          const struct span *y)
{
    float sum = 0;
    for (uint32_t row = y->first; row <= y->last; row++) {
        const uint64_t at = plane + (uint64_t)row * pitch;
        sum += row_weight(y, row) * (wide ? sum_row_16(at, 2, x) : sum_row_8(at, 1, x));
    }
    return sum;
}

struct pair {
    float cb, cr;
};

/* Two samples in one read, the first in the lower half. */
#define DEFINE_SUM_PAIRS(name, load, bits)                                                         \
    FV_DEVICE struct pair name(uint64_t row, const struct span *x)                                 \
    {                                                                                              \
        const uint32_t mask = (1u << bits) - 1, size = bits / 4;                                   \
        const uint32_t head = load(row + x->first * size), tail = load(row + x->last * size);      \
        uint32_t cb = 0, cr = 0;                                                                   \
        for (uint32_t k = x->first + 1; k < x->last; k++) {                                        \
            const uint32_t both = load(row + k * size);                                            \
            cb += both & mask;                                                                     \
            cr += both >> bits;                                                                    \
        }                                                                                          \
        struct pair sum;                                                                           \
        sum.cb = x->head * (float)(head & mask) + x->middle * (float)cb +                          \
                 x->tail * (float)(tail & mask);                                                   \
        sum.cr = x->head * (float)(head >> bits) + x->middle * (float)cr +                         \
                 x->tail * (float)(tail >> bits);                                                  \
        return sum;                                                                                \
    }
DEFINE_SUM_PAIRS(sum_pairs_8, fv_load_u16, 8)
DEFINE_SUM_PAIRS(sum_pairs_16, fv_load_u32, 16)

FV_DEVICE struct pair sum_interleaved(uint64_t plane, uint32_t pitch, uint32_t wide,
                                      const struct span *x, const struct span *y)
{
    struct pair sum = {0, 0};
    for (uint32_t row = y->first; row <= y->last; row++) {
        const uint64_t at = plane + (uint64_t)row * pitch;
        const struct pair pair = wide ? sum_pairs_16(at, x) : sum_pairs_8(at, x);
        const float weight = row_weight(y, row);
        sum.cb += weight * pair.cb;
        sum.cr += weight * pair.cr;
    }
    return sum;
}

/* Y, Cb and Cr of pixel x, y of the scaled picture, in the picture's own scale. */
FV_DEVICE void sample(const struct fv_launch_picture *p, uint32_t x, uint32_t y, float *ret_luma,
                      struct pair *ret_chroma)
{
    const struct axis luma_x = {p->width, p->width, 1, p->out_width};
    const struct axis luma_y = {p->height, p->height, 1, p->out_height};
    const struct span lx = span_of(&luma_x, x), ly = span_of(&luma_y, y);
    *ret_luma = sum_plane(p->plane[0], p->pitch[0], p->wide, &lx, &ly);

    const struct axis chroma_x = {(p->width + 1) / 2, p->width, 2, p->out_width};
    const struct axis chroma_y = {(p->height + 1) / 2, p->height, 2, p->out_height};
    const struct span cx = span_of(&chroma_x, x), cy = span_of(&chroma_y, y);
    if (p->interleaved) {
        *ret_chroma = sum_interleaved(p->plane[1], p->pitch[1], p->wide, &cx, &cy);
    } else {
        ret_chroma->cb = sum_plane(p->plane[1], p->pitch[1], p->wide, &cx, &cy);
        ret_chroma->cr = sum_plane(p->plane[2], p->pitch[2], p->wide, &cx, &cy);
    }
}

FV_DEVICE float convert(const struct fv_colour_channel *c, float luma, struct pair chroma)
{
    float value = c->y * luma + (c->cb * chroma.cb + c->cr * chroma.cr) + c->constant;
    value = value > 0 ? value : 0;
    value = value < 1 ? value : 1;
    return value * c->gain + c->bias;
}

FV_DEVICE void store(uint64_t tensor, uint64_t index, uint32_t half, float value)
{
    if (half)
        ((uint16_t *)(uintptr_t)tensor)[index] = fv_half_of_float(value);
    else
        ((float *)(uintptr_t)tensor)[index] = value;
}

FV_KERNEL fv_letterbox(const struct fv_launch_letterbox launch)
{
    const uint32_t x = fv_block_x() * fv_threads_x() + fv_thread_x();
    const uint32_t y = fv_block_y() * fv_threads_y() + fv_thread_y();
    if (x >= launch.width || y >= launch.height)
        return;
    const struct fv_launch_picture *p =
        (const struct fv_launch_picture *)(uintptr_t)launch.pictures + fv_block_z();
    const uint64_t area = (uint64_t)launch.width * launch.height;
    const uint64_t at = 3 * area * fv_block_z() + (uint64_t)y * launch.width + x;

    /* Left of or above the picture the difference wraps around and is large. */
    const uint32_t inner_x = x - p->x, inner_y = y - p->y;
    if (inner_x >= p->out_width || inner_y >= p->out_height) {
        for (uint32_t i = 0; i < 3; i++)
            store(launch.tensor, at + i * area, launch.half, launch.padding[i]);
        return;
    }
    float luma;
    struct pair chroma;
    sample(p, inner_x, inner_y, &luma, &chroma);
    for (uint32_t i = 0; i < 3; i++)
        store(launch.tensor, at + i * area, launch.half,
              convert(&p->colour.channel[i], luma, chroma));
}

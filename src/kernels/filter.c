// SPDX-License-Identifier: Apache-2.0
/*
 * All positions are whole numbers: with the picture's pixel cut into `out` parts, output pixel i
 * covers [i * extent, (i + 1) * extent) and sample j covers [j * den, (j + 1) * den), den = out *
 * step. No rounding puts a spurious sample into an interval.
 */
#include "kernels/filter.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/mem.h"

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static bool shrinks(const struct fv_filter_axis *axis)
{
    return axis->extent >= axis->out * axis->step;
}

static uint32_t count_taps(const struct fv_filter_axis *axis)
{
    uint32_t taps = 2;
    if (shrinks(axis)) {
        uint64_t den = (uint64_t)axis->out * axis->step;
        taps = 1;
        for (uint64_t i = 0; i < axis->out; i++) {
            uint64_t begin = i * axis->extent / den;
            uint64_t end = ((i + 1) * axis->extent + den - 1) / den;
            taps = (uint32_t)max_u64(taps, end - begin);
        }
    }
    return (uint32_t)min_u64(taps, axis->samples);
}

/* The share of each sample in the interval of output pixel i. */
static void set_average(struct fv_filter *filter, uint32_t i, float *weight)
{
    uint64_t den = (uint64_t)filter->axis.out * filter->axis.step;
    uint64_t begin = (uint64_t)i * filter->axis.extent;
    uint64_t end = begin + filter->axis.extent;
    filter->first[i] = (uint32_t)min_u64(begin / den, filter->axis.samples - filter->taps);
    for (uint32_t k = 0; k < filter->taps; k++) {
        uint64_t sample = (uint64_t)filter->first[i] + k;
        uint64_t from = max_u64(begin, sample * den);
        uint64_t to = min_u64(end, (sample + 1) * den);
        weight[k] = to > from ? (float)((double)(to - from) / filter->axis.extent) : 0;
    }
}

/* The two samples whose centres enclose the centre of output pixel i; at the border the outermost
 * one alone. */
static void set_bilinear(struct fv_filter *filter, uint32_t i, float *weight)
{
    int64_t den = 2 * (int64_t)filter->axis.out * filter->axis.step;
    int64_t centre = (2 * (int64_t)i + 1) * filter->axis.extent - den / 2;
    int64_t last = (int64_t)filter->axis.samples - 1;
    int64_t left = centre < 0 ? 0 : centre / den;
    float share = centre < 0 ? 0 : (float)((double)(centre % den) / (double)den);
    if (left >= last) {
        left = last;
        share = 0;
    }
    filter->first[i] = (uint32_t)min_u64((uint64_t)left, filter->axis.samples - filter->taps);
    memset(weight, 0, filter->taps * sizeof(*weight));
    uint32_t at = (uint32_t)left - filter->first[i];
    weight[at] = 1 - share;
    if (at + 1 < filter->taps)
        weight[at + 1] = share;
}

static int reserve(void **array, uint32_t *capacity, uint32_t count, size_t size)
{
    if (count <= *capacity)
        return 0;
    void *grown = fv_realloc(*array, count * size);
    if (!grown)
        return -ENOMEM;
    *array = grown;
    *capacity = count;
    return 0;
}

int fv_filter_set(struct fv_filter *filter, const struct fv_filter_axis *axis)
{
    if (memcmp(&filter->axis, axis, sizeof(*axis)) == 0)
        return 0;
    filter->axis = (struct fv_filter_axis){0};
    uint32_t taps = count_taps(axis);
    int code = reserve((void **)&filter->first, &filter->first_capacity, axis->out,
                       sizeof(*filter->first));
    if (code == 0)
        code = reserve((void **)&filter->weight, &filter->weight_capacity, axis->out * taps,
                       sizeof(*filter->weight));
    if (code < 0)
        return code;
    filter->axis = *axis;
    filter->taps = taps;
    for (uint32_t i = 0; i < axis->out; i++) {
        float *weight = filter->weight + (size_t)i * taps;
        if (shrinks(axis))
            set_average(filter, i, weight);
        else
            set_bilinear(filter, i, weight);
    }
    return 0;
}

void fv_filter_finish(struct fv_filter *filter)
{
    fv_free(filter->first);
    fv_free(filter->weight);
    memset(filter, 0, sizeof(*filter));
}

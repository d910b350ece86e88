// SPDX-License-Identifier: Apache-2.0
/*
 * One axis of a resize as a list of weighted source samples for each output pixel: the average
 * over the output pixel's source interval when shrinking, bilinear with half-pixel centres when
 * enlarging.
 */
#ifndef FV_KERNELS_FILTER_H
#define FV_KERNELS_FILTER_H

#include <stdint.h>

struct fv_filter_axis {
    uint32_t samples; /* source samples in this plane */
    uint32_t extent;  /* picture pixels that the output covers */
    uint32_t step;    /* picture pixels per sample: 1 luma, 2 chroma */
    uint32_t out;     /* output pixels */
};

struct fv_filter {
    struct fv_filter_axis axis;
    uint32_t taps;   /* weights per output pixel, some may be 0 */
    uint32_t *first; /* [out]; first + taps <= samples */
    float *weight;   /* [out][taps]; each row sums to 1 */
    uint32_t first_capacity, weight_capacity;
};

/* (Re)builds `filter` (zeroed at first) unless it is already the one for `axis`. All numbers
 * 1..16384, samples * step >= extent. 0 or -ENOMEM, which leaves a filter that is rebuilt next
 * time. */
int fv_filter_set(struct fv_filter *filter, const struct fv_filter_axis *axis);
void fv_filter_finish(struct fv_filter *filter);

#endif

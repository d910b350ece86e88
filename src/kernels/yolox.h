// SPDX-License-Identifier: Apache-2.0
/*
 * Rows of a YOLOX network -> candidate boxes. This is the plain-C twin of the CUDA kernel: the
 * definition that the kernel must match.
 *
 * A row is cx, cy, w, h, objectness, class scores. Rows go over the strides in order and over each
 * stride's grid line by line; with (column, line) of the grid: centre = ((cx, cy) + (column,
 * line)) * stride, size = exp((w, h)) * stride, class = the best score (the lower number of equal
 * ones), score = objectness * class score, at most 1.
 *
 * A row is a candidate when objectness and score reach the threshold, its class is wanted, its
 * sides are positive and its corners lie within FV_BOX_EXTENT of the origin. A NaN or an infinite
 * value fails one of these; a class score that is NaN never wins.
 */
#ifndef FV_KERNELS_YOLOX_H
#define FV_KERNELS_YOLOX_H

#include "kernels/nms.h"

#define FV_BOX_EXTENT 65536.0f /* tensor pixels */
#define FV_SCORE_SLACK 1.001f  /* what rounding in half precision may make of a score of 1 */

struct fv_yolox_spec {
    uint32_t width, height; /* of the input tensor, multiples of each stride */
    uint32_t strides[4], stride_count;
    uint32_t classes;      /* a row has 5 + classes values */
    float score_threshold; /* >= 0 */
    const uint8_t *wanted; /* [classes], not 0: report it; NULL: all */
};

/* `out` has room for all rows. Returns the number of candidates, in the order of their rows. */
uint32_t fv_yolox_decode(const struct fv_yolox_spec *spec, const float *output,
                         struct fv_candidate *out);

#endif

// SPDX-License-Identifier: Apache-2.0
/*
 * Rows of a network's output -> candidate boxes, for each layout that is known. This is the plain-C twin of the CUDA kernel: the
 * definition that the kernel must match. One table (candidates.c) says where a row's values lie in each layout; the rest is common:
 *
 *   layout   first output                     second output         box                        score of a class
 *   yolox    [rows, 5 + classes]                                    of a cell of a grid        objectness x value
 *   yolov5   [rows, 5 + classes]                                    centre, size in pixels     objectness x value
 *   yolov8   [4 + classes, rows]                                    centre, size in pixels     value
 *   ssd      [rows, 4]                        [rows, columns]       corners, or from a prior   activation of the value
 *   detr     [rows, 4]                        [rows, columns]       centre, size in fractions  activation of the value
 *   classes  [classes]                                              the whole input            activation of the value
 *
 * Boxes, by enum fv_box_code:
 *   grid     rows go over the strides in order and over each stride's grid line by line; with (column, line) of the grid
 *            centre = ((v0, v1) + (column, line)) * stride, size = exp((v2, v3)) * stride
 *   centre   centre = (v0, v1) * scale, size = (v2, v3) * scale
 *   corners  (x0, y0, x1, y1) = v * scale; corners_yx: (y0, x0, y1, x1)
 *   prior    with the row's prior (cx, cy, w, h) and variances a: centre = ((v0, v1) * (a0, a1) * (w, h) + (cx, cy)) * scale,
 *            size = exp((v2, v3) * (a2, a3)) * (w, h) * scale
 * where scale is 1, or the input's width and height for fractions; whole: of a classifier, (0, 0) to the input's width and height.
 *
 * The class is the one with the best value (the lower number of equal ones). Scores: none: the value; softmax: over all columns,
 * those that are no class too; sigmoid: 1 / (1 + exp(-value)). At most 1.
 *
 * A row is a candidate when objectness and score reach the threshold, its class is wanted, its sides are positive and its corners
 * lie within FV_BOX_EXTENT of the origin. A NaN or an infinite value fails one of these, at any threshold; a class score that is NaN
 * never wins, and a row whose best value is NaN or infinite is no candidate.
 */
#ifndef FV_KERNELS_CANDIDATES_H
#define FV_KERNELS_CANDIDATES_H

#include "kernels/layout.h"
#include "kernels/nms.h"

#define FV_BOX_EXTENT 65536.0f /* tensor pixels */
#define FV_SCORE_SLACK 1.001f  /* what rounding in half precision may make of a score of 1 */

enum fv_layout {
    FV_LAYOUT_YOLOX,
    FV_LAYOUT_YOLOV5,
    FV_LAYOUT_YOLOV8,
    FV_LAYOUT_SSD,
    FV_LAYOUT_DETR,
    FV_LAYOUT_CLASSES, /* a classifier's */
    FV_LAYOUTS,
};

/* What a layout is beside its arithmetic: for the manifest and its checks. */
struct fv_layout_info {
    const char *name;  /* "yolox" */
    bool transposed;   /* the first output is [columns, rows] */
    bool second;       /* boxes in the first output, scores in the second */
    bool objectness;   /* a row has it before its classes */
    bool suppressed;   /* overlapping boxes of one class are the rule: NMS is needed */
    uint32_t own_code; /* enum fv_box_code; FV_BOX_CODES: the manifest says which */
};
/* Never NULL for a layout below FV_LAYOUTS. */
const struct fv_layout_info *fv_layout_info(enum fv_layout layout);

struct fv_box_spec {
    enum fv_layout layout;
    uint32_t width, height;            /* of the input tensor; yolox: multiples of each stride */
    uint32_t strides[4], stride_count; /* yolox */
    uint32_t rows;    /* boxes; yolox: not read, it follows from the strides; classes: 1 */
    uint32_t classes; /* that are reported */
    uint32_t columns; /* ssd, detr: classes, or one more that is no object: */
    enum fv_score_activation
        activation;        /* first for ssd, last for detr; softmax needs it; classes: has none */
    enum fv_box_code code; /* ssd: any but grid and whole */
    bool fraction;         /* ssd: boxes are fractions of the input, not pixels */
    const float *priors;   /* FV_BOX_PRIOR: [rows, 4]: cx, cy, w, h */
    float variances[4];    /* FV_BOX_PRIOR */
    float score_threshold; /* >= 0 */
    const uint8_t *wanted; /* [classes], not 0: report it; NULL: all */
};

/* How the rows of `spec` are read. 0, or -EINVAL: strides or columns that make no layout, no rows, no priors. */
int fv_box_reading_init(struct fv_launch_reading *reading, const struct fv_box_spec *spec);

/* One image's outputs; `scores`: the second output, NULL for layouts with one. `out` has room for all rows. Returns the number of
 * candidates, in the order of their rows; none when the spec makes no reading. */
uint32_t fv_candidates_decode(const struct fv_box_spec *spec, const float *output,
                              const float *scores, struct fv_candidate *out);

#endif

// SPDX-License-Identifier: Apache-2.0
/*
 * Non-maximum suppression: of the boxes of one class that overlap, the best stays. This is the
 * plain-C twin of the CUDA kernel: the definition that the kernel must match.
 *
 * Candidates are taken by falling score, equal scores by rising row. One is kept unless a kept box
 * of its class overlaps it with intersection / union > iou_threshold. Candidates behind the first
 * `max_candidates`, and those that nothing suppressed after `max_boxes` are kept, are dropped and
 * counted.
 */
#ifndef FV_KERNELS_NMS_H
#define FV_KERNELS_NMS_H

#include "flow.h"

struct fv_candidate {
    struct fv_detection box;
    uint32_t row; /* of the network's output: unique, decides between equal scores */
};

struct fv_nms_params {
    float iou_threshold;     /* 0..1; infinite: nothing is suppressed */
    uint32_t max_candidates; /* bounds the time */
    uint32_t max_boxes;      /* room in `out` */
};

/* Kept boxes by falling score; returns their number. `candidates` (coordinates and scores finite)
 * is used as scratch memory. */
uint32_t fv_nms_run(const struct fv_nms_params *params, struct fv_candidate *candidates,
                    uint32_t count, struct fv_detection *out, uint32_t *ret_dropped);

#endif

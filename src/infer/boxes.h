// SPDX-License-Identifier: Apache-2.0
/* Network output -> detections in tensor pixels: decode of the model's layout, threshold, class filter, NMS per class. */
#ifndef FV_INFER_BOXES_H
#define FV_INFER_BOXES_H

#include "infer/model.h"

struct fv_boxes; /* scratch memory for one thread */

struct fv_boxes_params {
    const struct fv_model *model; /* borrowed */
    float score_threshold;        /* 0..1; what is below is not a box */
    float iou_threshold; /* 0..1; of two boxes of one class that overlap more, the better stays */
    const uint16_t *classes; /* wanted class numbers, borrowed during create */
    uint32_t class_count;    /* 0: all */
};

/* What the kernels of either kind need to know. */
struct fv_boxes_plan {
    struct fv_box_spec boxes; /* borrows the model's priors */
    struct fv_nms_params nms;
    uint8_t *wanted; /* one per class, or NULL: all; boxes.wanted points here */
};

/* 0, -ENOMEM, or -EINVAL (threshold outside 0..1, class number beyond the labels, model whose numbers contradict each other), which
 * leave nothing behind. */
int fv_boxes_plan_init(struct fv_boxes_plan *plan, const struct fv_boxes_params *params);
void fv_boxes_plan_finish(struct fv_boxes_plan *plan); /* a zeroed one is fine */

/* A box belongs to its best class of all; then it is reported or, when that class is not wanted, left out. 0, -ENOMEM, -EINVAL,
 * as fv_boxes_plan_init. */
int fv_boxes_create(const struct fv_boxes_params *params, struct fv_boxes **ret_boxes);
void fv_boxes_destroy(struct fv_boxes *boxes);
/* One image's outputs (model.h; `scores`: the second one, NULL when there is none) -> at most FV_DETECTIONS_MAX detections by falling
 * score (ties: lower row first). Returns their number; *ret_dropped (may be NULL) counts candidates beyond the limits. Not finite
 * values are never a box. */
uint32_t fv_boxes_decode(struct fv_boxes *boxes, const float *output, const float *scores,
                         struct fv_detection *out, uint32_t *ret_dropped);

#endif

// SPDX-License-Identifier: Apache-2.0
#include "infer/boxes.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"

/* Of so many candidates NMS looks at the best: it bounds the time that a hostile picture or a tiny threshold can cost. */
#define CANDIDATES_MAX 4096

struct fv_boxes {
    struct fv_boxes_plan plan;
    struct fv_candidate *candidates; /* one per row */
};

static bool within_unit(float value)
{
    return value >= 0 && value <= 1; /* false for NaN */
}

/* The decoder trusts these sums with every row that it reads. */
static bool model_usable(const struct fv_model *model)
{
    uint64_t rows = 0;
    if (model->layout != FV_LAYOUT_YOLOX || model->stride_count > 4 || model->label_count > 65535)
        return false;
    for (uint32_t i = 0; i < model->stride_count; i++) {
        if (model->strides[i] == 0)
            return false;
        rows += (uint64_t)(model->width / model->strides[i]) * (model->height / model->strides[i]);
    }
    return rows > 0 && rows == model->rows && model->columns == 5 + model->label_count;
}

static int choose_classes(struct fv_boxes_plan *plan, const struct fv_boxes_params *params)
{
    if (params->class_count == 0)
        return 0;
    plan->wanted = fv_calloc(params->model->label_count, 1);
    if (!plan->wanted)
        return -ENOMEM;
    for (uint32_t i = 0; i < params->class_count; i++) {
        if (params->classes[i] >= params->model->label_count)
            return -EINVAL;
        plan->wanted[params->classes[i]] = 1;
    }
    plan->yolox.wanted = plan->wanted;
    return 0;
}

int fv_boxes_plan_init(struct fv_boxes_plan *plan, const struct fv_boxes_params *params)
{
    const struct fv_model *model = params->model;
    *plan = (struct fv_boxes_plan){0};
    if (!within_unit(params->score_threshold) || !within_unit(params->iou_threshold) ||
        !model_usable(model))
        return -EINVAL;
    plan->yolox = (struct fv_yolox_spec){
        .width = model->width,
        .height = model->height,
        .stride_count = model->stride_count,
        .classes = model->label_count,
        .score_threshold = params->score_threshold,
    };
    memcpy(plan->yolox.strides, model->strides, sizeof(plan->yolox.strides));
    plan->nms = (struct fv_nms_params){
        .iou_threshold = params->iou_threshold,
        .max_candidates = CANDIDATES_MAX,
        .max_boxes = FV_DETECTIONS_MAX,
    };
    int result = choose_classes(plan, params);
    if (result < 0)
        fv_boxes_plan_finish(plan);
    return result;
}

void fv_boxes_plan_finish(struct fv_boxes_plan *plan)
{
    fv_free(plan->wanted);
    *plan = (struct fv_boxes_plan){0};
}

int fv_boxes_create(const struct fv_boxes_params *params, struct fv_boxes **ret_boxes)
{
    struct fv_boxes *boxes = FV_NEW(struct fv_boxes);
    if (!boxes)
        return -ENOMEM;
    int result = fv_boxes_plan_init(&boxes->plan, params);
    if (result == 0) {
        boxes->candidates = fv_calloc(params->model->rows, sizeof(*boxes->candidates));
        result = boxes->candidates ? 0 : -ENOMEM;
    }
    if (result < 0)
        fv_boxes_destroy(boxes);
    else
        *ret_boxes = boxes;
    return result;
}

void fv_boxes_destroy(struct fv_boxes *boxes)
{
    if (!boxes)
        return;
    fv_boxes_plan_finish(&boxes->plan);
    fv_free(boxes->candidates);
    fv_free(boxes);
}

uint32_t fv_boxes_decode(struct fv_boxes *boxes, const float *output, struct fv_detection *out,
                         uint32_t *ret_dropped)
{
    uint32_t dropped;
    uint32_t count = fv_yolox_decode(&boxes->plan.yolox, output, boxes->candidates);
    count = fv_nms_run(&boxes->plan.nms, boxes->candidates, count, out, &dropped);
    if (ret_dropped)
        *ret_dropped = dropped;
    return count;
}

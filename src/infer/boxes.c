// SPDX-License-Identifier: Apache-2.0
#include "infer/boxes.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "kernels/yolox.h"

/* Of so many candidates NMS looks at the best: it bounds the time that a hostile picture or a tiny threshold can cost. */
#define CANDIDATES_MAX 4096

struct fv_boxes {
    struct fv_yolox_spec spec;
    struct fv_nms_params nms;
    struct fv_candidate *candidates; /* one per row */
    uint8_t *wanted;                 /* one per class, or NULL */
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

static int choose_classes(struct fv_boxes *boxes, const struct fv_boxes_params *params)
{
    if (params->class_count == 0)
        return 0;
    boxes->wanted = fv_calloc(params->model->label_count, 1);
    if (!boxes->wanted)
        return -ENOMEM;
    for (uint32_t i = 0; i < params->class_count; i++) {
        if (params->classes[i] >= params->model->label_count)
            return -EINVAL;
        boxes->wanted[params->classes[i]] = 1;
    }
    boxes->spec.wanted = boxes->wanted;
    return 0;
}

static int prepare(struct fv_boxes *boxes, const struct fv_boxes_params *params)
{
    const struct fv_model *model = params->model;
    boxes->spec = (struct fv_yolox_spec){
        .width = model->width,
        .height = model->height,
        .stride_count = model->stride_count,
        .classes = model->label_count,
        .score_threshold = params->score_threshold,
    };
    memcpy(boxes->spec.strides, model->strides, sizeof(boxes->spec.strides));
    boxes->nms = (struct fv_nms_params){
        .iou_threshold = params->iou_threshold,
        .max_candidates = CANDIDATES_MAX,
        .max_boxes = FV_DETECTIONS_MAX,
    };
    boxes->candidates = fv_calloc(model->rows, sizeof(*boxes->candidates));
    if (!boxes->candidates)
        return -ENOMEM;
    return choose_classes(boxes, params);
}

int fv_boxes_create(const struct fv_boxes_params *params, struct fv_boxes **ret_boxes)
{
    if (!within_unit(params->score_threshold) || !within_unit(params->iou_threshold) ||
        !model_usable(params->model))
        return -EINVAL;
    struct fv_boxes *boxes = FV_NEW(struct fv_boxes);
    if (!boxes)
        return -ENOMEM;
    int result = prepare(boxes, params);
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
    fv_free(boxes->candidates);
    fv_free(boxes->wanted);
    fv_free(boxes);
}

uint32_t fv_boxes_decode(struct fv_boxes *boxes, const float *output, struct fv_detection *out,
                         uint32_t *ret_dropped)
{
    uint32_t dropped;
    uint32_t count = fv_yolox_decode(&boxes->spec, output, boxes->candidates);
    count = fv_nms_run(&boxes->nms, boxes->candidates, count, out, &dropped);
    if (ret_dropped)
        *ret_dropped = dropped;
    return count;
}

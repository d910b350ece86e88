// SPDX-License-Identifier: Apache-2.0
#include "infer/boxes.h"

#include <errno.h>
#include <math.h>

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
static bool model_usable(const struct fv_model *model, const struct fv_box_spec *spec)
{
    struct fv_launch_reading reading;
    struct fv_model_output outputs[FV_MODEL_OUTPUTS_MAX];
    if (fv_box_reading_init(&reading, spec) < 0 || reading.rows != model->rows)
        return false;
    return fv_model_outputs(model, outputs) == 2
               ? outputs[1].count == reading.score_image && outputs[0].count == reading.box_image
               : outputs[0].count == reading.box_image;
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
    plan->boxes.wanted = plan->wanted;
    return 0;
}

int fv_boxes_plan_init(struct fv_boxes_plan *plan, const struct fv_boxes_params *params)
{
    const struct fv_model *model = params->model;
    *plan = (struct fv_boxes_plan){0};
    fv_model_box_spec(model, &plan->boxes);
    plan->boxes.score_threshold = params->score_threshold;
    if (!within_unit(params->score_threshold) || !within_unit(params->iou_threshold) ||
        !model_usable(model, &plan->boxes))
        return -EINVAL;
    plan->nms = (struct fv_nms_params){
        .iou_threshold =
            fv_layout_info(model->layout)->suppressed ? params->iou_threshold : INFINITY,
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

uint32_t fv_boxes_decode(struct fv_boxes *boxes, const float *output, const float *scores,
                         struct fv_detection *out, uint32_t *ret_dropped)
{
    uint32_t dropped;
    uint32_t count = fv_candidates_decode(&boxes->plan.boxes, output, scores, boxes->candidates);
    count = fv_nms_run(&boxes->plan.nms, boxes->candidates, count, out, &dropped);
    if (ret_dropped)
        *ret_dropped = dropped;
    return count;
}

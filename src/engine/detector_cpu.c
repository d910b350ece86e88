// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "engine/detector.h"
#include "kernels/letterbox.h"

struct detector {
    struct fv_detector head;
    struct fv_detector_params params;
    struct fv_tensor_spec spec;
    struct fv_resizer *resizer;
    struct fv_boxes *boxes;
    const float *output; /* of the batch under way */
};

void fv_detector_tensor_spec(const struct fv_model *model, struct fv_tensor_spec *ret_spec)
{
    *ret_spec = (struct fv_tensor_spec){
        .width = model->width,
        .height = model->height,
        .bgr = model->order == FV_ORDER_BGR,
        .range = model->range,
        .pad_value = model->pad_value,
    };
    memcpy(ret_spec->mean, model->mean, sizeof(ret_spec->mean));
    memcpy(ret_spec->std, model->std, sizeof(ret_spec->std));
}

struct fv_boxes_params fv_detector_boxes(const struct fv_detector_params *params)
{
    return (struct fv_boxes_params){
        .model = params->model,
        .score_threshold = params->score_threshold,
        .iou_threshold = params->iou_threshold,
        .classes = params->classes,
        .class_count = params->class_count,
    };
}

void fv_detector_destroy(struct fv_detector *detector)
{
    if (detector)
        detector->ops->destroy(detector);
}

static int cpu_enter(struct fv_detector *head, struct fv_error *err)
{
    return 0;
}

static bool cpu_usable(const struct fv_detector *head, const struct fv_picture *picture)
{
    return picture->memory == FV_MEMORY_HOST && (unsigned)picture->format <= FV_PIXEL_I010;
}

static int cpu_submit(struct fv_detector *head, unsigned lane, const struct fv_batch *batch,
                      struct fv_error *err)
{
    struct detector *detector = (struct detector *)head;
    const struct fv_detector_params *params = &detector->params;
    float *input = params->runtime_ops->input(params->runtime, lane);
    size_t image = (size_t)3 * params->model->width * params->model->height;
    for (unsigned i = 0; i < batch->count; i++) {
        int r = fv_letterbox_run(detector->resizer, batch->pictures[i], &batch->places[i],
                                 &detector->spec, input + i * image);
        if (r < 0)
            return fv_error_set(err, r, "a picture could not be prepared for the model: %s",
                                fv_strerror(r));
    }
    const void *output = NULL;
    int r = params->runtime_ops->run(params->runtime, lane, batch->count, &output, err);
    detector->output = output;
    return r;
}

static int cpu_collect(struct fv_detector *head, unsigned lane, struct fv_error *err)
{
    return 0; /* submit did it all */
}

static uint32_t cpu_read(struct fv_detector *head, unsigned lane, unsigned index,
                         struct fv_detection *out)
{
    struct detector *detector = (struct detector *)head;
    const struct fv_detector_params *params = &detector->params;
    struct fv_model_output outputs[FV_MODEL_OUTPUTS_MAX];
    size_t offset;
    const bool two = fv_model_outputs(params->model, outputs) > 1;
    fv_model_output_bytes(params->model, params->max_batch, &offset);
    const float *output = detector->output + index * outputs[0].count;
    const float *scores =
        two ? detector->output + offset / sizeof(float) + index * outputs[1].count : NULL;
    return fv_boxes_decode(detector->boxes, output, scores, out, NULL);
}

static void cpu_destroy(struct fv_detector *head)
{
    struct detector *detector = (struct detector *)head;
    if (!detector)
        return;
    fv_resizer_destroy(detector->resizer);
    fv_boxes_destroy(detector->boxes);
    fv_free(detector);
}

static const struct fv_detector_ops cpu_ops = {
    .enter = cpu_enter,
    .usable = cpu_usable,
    .submit = cpu_submit,
    .collect = cpu_collect,
    .read = cpu_read,
    .destroy = cpu_destroy,
};

int fv_detector_cpu_create(const struct fv_detector_params *params,
                           struct fv_detector **ret_detector, struct fv_error *err)
{
    struct detector *detector = FV_NEW(struct detector);
    if (!detector)
        return fv_error_set(err, -ENOMEM, "out of memory");
    detector->head = (struct fv_detector){.ops = &cpu_ops, .lanes = 1};
    detector->params = *params;
    detector->params.classes = NULL; /* only borrowed */
    fv_detector_tensor_spec(params->model, &detector->spec);
    const struct fv_boxes_params boxes = fv_detector_boxes(params);
    int r = fv_boxes_create(&boxes, &detector->boxes);
    if (r == 0)
        r = fv_resizer_create(&detector->resizer);
    if (r < 0) {
        cpu_destroy(&detector->head);
        return fv_error_set(err, r, "box decoding could not be set up: %s", fv_strerror(r));
    }
    *ret_detector = &detector->head;
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * All of it on the GPU, in one stream:
 *
 *   lane 0: letterbox -> network -> boxes -> event     lane 1: letterbox -> network -> boxes -> event     lane 0: ...
 *
 * Each lane has tensors and results of its own. A wait for its event would have the device interrupt the host, wake a thread of the
 * driver, and that one ours: whoever waits asks now and then instead.
 */
#include <errno.h>

#include "base/mem.h"
#include "engine/detector.h"
#include "gpu/kernels.h"

struct detector {
    struct fv_detector head;
    struct fv_detector_params params;
    struct fv_gpu_kernels *kernels;
    struct fv_gpu_event *done[FV_DETECTOR_GPU_LANES];
};

static int gpu_enter(struct fv_detector *head, struct fv_error *err)
{
    struct detector *detector = (struct detector *)head;
    return fv_gpu_enter(detector->params.gpu, err);
}

static bool gpu_usable(const struct fv_detector *head, const struct fv_picture *picture)
{
    return picture->memory == FV_MEMORY_DEVICE &&
           (picture->format == FV_PIXEL_NV12 || picture->format == FV_PIXEL_P016);
}

static int gpu_submit(struct fv_detector *head, unsigned lane, const struct fv_batch *batch,
                      struct fv_error *err)
{
    struct detector *detector = (struct detector *)head;
    const struct fv_detector_params *params = &detector->params;
    const struct fv_gpu_letterbox_batch letterbox = {
        .pictures = batch->pictures,
        .places = batch->places,
        .count = batch->count,
        .tensor = (fv_gpu_address)(uintptr_t)params->runtime_ops->input(params->runtime, lane),
    };
    const void *output = NULL;
    int r = fv_gpu_letterbox(detector->kernels, lane, params->stream, &letterbox, err);
    if (r == 0)
        r = params->runtime_ops->run(params->runtime, lane, batch->count, &output, err);
    if (r == 0)
        r = fv_gpu_boxes(detector->kernels, lane, params->stream, (fv_gpu_address)(uintptr_t)output,
                         batch->count, err);
    if (r == 0)
        r = fv_gpu_event_record(detector->done[lane], params->stream, err);
    /* The pictures are given up now, but what was enqueued still reads them. */
    if (r < 0)
        fv_gpu_stream_finish(params->stream, NULL);
    return r;
}

static bool gpu_done(struct fv_detector *head, unsigned lane)
{
    struct detector *detector = (struct detector *)head;
    return fv_gpu_event_done(detector->done[lane]);
}

static int gpu_collect(struct fv_detector *head, unsigned lane, struct fv_error *err)
{
    struct detector *detector = (struct detector *)head;
    return fv_gpu_event_wait(detector->done[lane], err); /* at once: it is done, or failed */
}

static uint32_t gpu_read(struct fv_detector *head, unsigned lane, unsigned index,
                         struct fv_detection *out)
{
    struct detector *detector = (struct detector *)head;
    return fv_gpu_boxes_read(detector->kernels, lane, index, out, NULL);
}

static void gpu_destroy(struct fv_detector *head)
{
    struct detector *detector = (struct detector *)head;
    if (!detector)
        return;
    for (unsigned i = 0; i < FV_DETECTOR_GPU_LANES; i++)
        fv_gpu_event_destroy(detector->done[i]);
    fv_gpu_kernels_destroy(detector->kernels);
    fv_free(detector);
}

static const struct fv_detector_ops gpu_ops = {
    .enter = gpu_enter,
    .usable = gpu_usable,
    .submit = gpu_submit,
    .done = gpu_done,
    .collect = gpu_collect,
    .read = gpu_read,
    .destroy = gpu_destroy,
};

static int create_kernels(struct detector *detector, struct fv_error *err)
{
    const struct fv_detector_params *params = &detector->params;
    enum fv_element element = params->runtime_ops->element(params->runtime);
    const struct fv_boxes_params boxes = fv_detector_boxes(params);
    struct fv_boxes_plan plan;
    int r = fv_boxes_plan_init(&plan, &boxes);
    if (r < 0)
        return fv_error_set(err, r, "box decoding could not be set up: %s", fv_strerror(r));
    struct fv_gpu_kernels_params kernels = {
        .gpu = params->gpu,
        .max_batch = params->max_batch,
        .lanes = FV_DETECTOR_GPU_LANES,
        .input = element,
        .output = element,
        .boxes = plan.boxes,
        .nms = plan.nms,
    };
    fv_detector_tensor_spec(params->model, &kernels.spec);
    fv_model_output_bytes(params->model, params->max_batch, &kernels.scores_offset);
    r = fv_gpu_kernels_create(&kernels, &detector->kernels, err);
    fv_boxes_plan_finish(&plan);
    return r;
}

static int create_parts(struct detector *detector, struct fv_error *err)
{
    int r = create_kernels(detector, err);
    for (unsigned i = 0; r == 0 && i < FV_DETECTOR_GPU_LANES; i++)
        r = fv_gpu_event_create_quiet(detector->params.gpu, &detector->done[i], err);
    return r;
}

int fv_detector_gpu_create(const struct fv_detector_params *params,
                           struct fv_detector **ret_detector, struct fv_error *err)
{
    struct detector *detector = FV_NEW(struct detector);
    if (!detector)
        return fv_error_set(err, -ENOMEM, "out of memory");
    detector->head = (struct fv_detector){.ops = &gpu_ops, .lanes = FV_DETECTOR_GPU_LANES};
    detector->params = *params;
    int r = create_parts(detector, err);
    detector->params.classes = NULL; /* only borrowed */
    if (r < 0) {
        gpu_destroy(&detector->head);
        return r;
    }
    *ret_detector = &detector->head;
    return 0;
}

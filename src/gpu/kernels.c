// SPDX-License-Identifier: Apache-2.0
#include "gpu/kernels.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "gpu/kernel.h"
#include "kernels/launch.h"

/* What the launches of one lane use; it is theirs until the stream has passed them. */
struct lane {
    struct fv_launch_picture *pictures; /* [max_batch], pinned */
    fv_gpu_address device_pictures;     /* the same on the GPU */
    fv_gpu_address keys, corners;       /* scratch of the box kernel */
    struct fv_launch_result *results;   /* [max_batch], pinned */
    fv_gpu_address device_results;      /* the same memory, as the kernel writes it */
};

struct fv_gpu_kernels {
    struct fv_gpu *gpu;
    unsigned max_batch, lane_count;
    struct fv_tensor_spec spec;
    struct fv_gpu_kernel letterbox, boxes;
    struct fv_launch_letterbox letterbox_launch; /* but for the addresses */
    struct fv_launch_boxes boxes_launch;
    size_t scores_offset;
    fv_gpu_address wanted, priors;
    struct lane *lanes;
};

/* --- Memory --- */

static int create_lane(struct fv_gpu_kernels *k, struct lane *lane, struct fv_error *err)
{
    const size_t batch = k->max_batch;
    const size_t rows = k->boxes_launch.reading.rows, looked_at = k->boxes_launch.max_candidates;
    fv_gpu_address same;
    int code = fv_gpu_host_alloc(k->gpu, batch * sizeof(*lane->pictures), (void **)&lane->pictures,
                                 &same, err);
    if (code == 0)
        code = fv_gpu_alloc(k->gpu, batch * sizeof(*lane->pictures), "picture descriptors",
                            &lane->device_pictures, err);
    if (code == 0)
        code = fv_gpu_alloc(k->gpu, batch * rows * sizeof(uint64_t), "box candidates", &lane->keys,
                            err);
    if (code == 0)
        code = fv_gpu_alloc(k->gpu, batch * looked_at * sizeof(struct fv_launch_corners),
                            "box candidates", &lane->corners, err);
    if (code == 0)
        code = fv_gpu_host_alloc(k->gpu, batch * sizeof(*lane->results), (void **)&lane->results,
                                 &lane->device_results, err);
    return code;
}

static void destroy_lane(struct fv_gpu *gpu, struct lane *lane)
{
    fv_gpu_host_free(gpu, lane->pictures);
    fv_gpu_free(gpu, lane->device_pictures);
    fv_gpu_free(gpu, lane->keys);
    fv_gpu_free(gpu, lane->corners);
    fv_gpu_host_free(gpu, lane->results);
}

static int create_lanes(struct fv_gpu_kernels *k, struct fv_error *err)
{
    k->lanes = fv_calloc(k->lane_count, sizeof(*k->lanes));
    if (!k->lanes)
        return fv_error_set(err, -ENOMEM, "out of memory");
    for (unsigned i = 0; i < k->lane_count; i++) {
        int code = create_lane(k, &k->lanes[i], err);
        if (code < 0)
            return code;
    }
    return 0;
}

/* A table that goes to the GPU once. NULL: there is none. */
static int upload_table(struct fv_gpu_kernels *k, const void *table, size_t bytes,
                        fv_gpu_address *ret_address, struct fv_error *err)
{
    struct fv_gpu_stream *stream = NULL;
    if (!table)
        return 0;
    int code = fv_gpu_alloc(k->gpu, bytes, "classes and priors", ret_address, err);
    if (code == 0)
        code = fv_gpu_stream_create(k->gpu, &stream, err);
    if (code == 0)
        code = fv_gpu_upload(stream, *ret_address, table, bytes, FV_GPU_WEIGHTS, err);
    if (code == 0)
        code = fv_gpu_stream_finish(stream, err);
    fv_gpu_stream_destroy(stream);
    return code;
}

static int upload_tables(struct fv_gpu_kernels *k, const struct fv_box_spec *boxes,
                         struct fv_error *err)
{
    const struct fv_launch_reading *reading = &k->boxes_launch.reading;
    const float *priors = reading->code == FV_BOX_PRIOR ? boxes->priors : NULL;
    int code = upload_table(k, boxes->wanted, boxes->classes, &k->wanted, err);
    if (code == 0)
        code =
            upload_table(k, priors, (size_t)4 * reading->rows * sizeof(*priors), &k->priors, err);
    return code;
}

/* --- Life --- */

static int prepare(struct fv_gpu_kernels *k, const struct fv_gpu_kernels_params *params,
                   struct fv_error *err)
{
    if (k->max_batch == 0 || k->lane_count == 0 || k->spec.width == 0 || k->spec.height == 0 ||
        fv_launch_boxes_init(&k->boxes_launch, &params->boxes, &params->nms, params->output) < 0)
        return fv_error_set(err, -EINVAL,
                            "the model's shape or a limit is beyond what the kernels can do");
    if (fv_layout_info(params->boxes.layout)->second)
        k->scores_offset = params->scores_offset;
    fv_launch_letterbox_init(&k->letterbox_launch, &k->spec, params->input);
    int code = fv_gpu_kernel_load(k->gpu, fv_ptx_letterbox, "fv_letterbox", &k->letterbox, err);
    if (code == 0)
        code = fv_gpu_kernel_load(k->gpu, fv_ptx_boxes, "fv_boxes", &k->boxes, err);
    if (code == 0)
        code = upload_tables(k, &params->boxes, err);
    return code == 0 ? create_lanes(k, err) : code;
}

int fv_gpu_kernels_create(const struct fv_gpu_kernels_params *params,
                          struct fv_gpu_kernels **ret_kernels, struct fv_error *err)
{
    struct fv_gpu_kernels *k = FV_NEW(struct fv_gpu_kernels);
    if (!k)
        return fv_error_set(err, -ENOMEM, "out of memory");
    k->gpu = params->gpu;
    k->max_batch = params->max_batch;
    k->lane_count = params->lanes;
    k->spec = params->spec;
    int code = prepare(k, params, err);
    if (code < 0)
        fv_gpu_kernels_destroy(k);
    else
        *ret_kernels = k;
    return code;
}

void fv_gpu_kernels_destroy(struct fv_gpu_kernels *k)
{
    if (!k)
        return;
    for (unsigned i = 0; k->lanes && i < k->lane_count; i++)
        destroy_lane(k->gpu, &k->lanes[i]);
    fv_free(k->lanes);
    fv_gpu_free(k->gpu, k->wanted);
    fv_gpu_free(k->gpu, k->priors);
    fv_gpu_kernel_unload(k->gpu, &k->letterbox);
    fv_gpu_kernel_unload(k->gpu, &k->boxes);
    fv_free(k);
}

/* --- Launches --- */

static int describe(const struct fv_gpu_kernels *k, const struct fv_gpu_letterbox_batch *batch,
                    struct fv_launch_picture *launches, struct fv_error *err)
{
    for (unsigned i = 0; i < batch->count; i++) {
        const struct fv_picture *picture = batch->pictures[i];
        int code = picture->memory == FV_MEMORY_DEVICE
                       ? fv_launch_picture_init(&launches[i], picture, &batch->places[i], &k->spec)
                       : -ENOTSUP;
        if (code < 0)
            return fv_error_set(err, code,
                                "picture %u of the batch (%ux%u, format %d) cannot be scaled on "
                                "the GPU",
                                i, picture->info.width, picture->info.height, picture->format);
    }
    return 0;
}

static int gate(const struct fv_gpu_letterbox_batch *batch, struct fv_gpu_stream *stream,
                struct fv_error *err)
{
    for (unsigned i = 0; i < batch->count; i++) {
        struct fv_gpu_event *ready = batch->pictures[i]->ready;
        int code = ready ? fv_gpu_event_gate(ready, stream, err) : 0;
        if (code < 0)
            return code;
    }
    return 0;
}

static int check_use(const struct fv_gpu_kernels *k, unsigned lane, unsigned count,
                     struct fv_error *err)
{
    if (lane >= k->lane_count || count == 0 || count > k->max_batch)
        return fv_error_set(err, -EINVAL, "lane %u of %u, batch of %u of %u", lane, k->lane_count,
                            count, k->max_batch);
    return 0;
}

int fv_gpu_letterbox(struct fv_gpu_kernels *k, unsigned lane, struct fv_gpu_stream *stream,
                     const struct fv_gpu_letterbox_batch *batch, struct fv_error *err)
{
    int code = check_use(k, lane, batch->count, err);
    if (code < 0)
        return code;
    struct lane *l = &k->lanes[lane];
    code = describe(k, batch, l->pictures, err);
    if (code == 0)
        code = fv_gpu_upload(stream, l->device_pictures, l->pictures,
                             batch->count * sizeof(*l->pictures), FV_GPU_CONTROL, err);
    if (code == 0)
        code = gate(batch, stream, err);
    if (code < 0)
        return code;
    struct fv_launch_letterbox parameter = k->letterbox_launch;
    parameter.pictures = l->device_pictures;
    parameter.tensor = batch->tensor;
    const struct fv_launch_shape shape = fv_launch_letterbox_shape(&k->spec, batch->count);
    return fv_gpu_kernel_launch(&k->letterbox, &shape, stream, &parameter, err);
}

int fv_gpu_boxes(struct fv_gpu_kernels *k, unsigned lane, struct fv_gpu_stream *stream,
                 fv_gpu_address output, unsigned count, struct fv_error *err)
{
    int code = check_use(k, lane, count, err);
    if (code < 0)
        return code;
    const struct lane *l = &k->lanes[lane];
    struct fv_launch_boxes parameter = k->boxes_launch;
    parameter.output = output;
    parameter.scores = output + k->scores_offset;
    parameter.wanted = k->wanted;
    parameter.priors = k->priors;
    parameter.keys = l->keys;
    parameter.corners = l->corners;
    parameter.results = l->device_results;
    const struct fv_launch_shape shape = fv_launch_boxes_shape(count);
    return fv_gpu_kernel_launch(&k->boxes, &shape, stream, &parameter, err);
}

uint32_t fv_gpu_boxes_read(struct fv_gpu_kernels *k, unsigned lane, unsigned index,
                           struct fv_detection *out, uint32_t *ret_dropped)
{
    const struct fv_launch_result *result = &k->lanes[lane].results[index];
    uint32_t count = result->count;
    if (count > k->boxes_launch.max_boxes) /* not written: the device was lost */
        count = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct fv_launch_box *box = &result->boxes[i];
        out[i] = (struct fv_detection){.x0 = box->x0,
                                       .y0 = box->y0,
                                       .x1 = box->x1,
                                       .y1 = box->y1,
                                       .score = box->score,
                                       .class_id = (uint16_t)box->class_id};
    }
    if (ret_dropped)
        *ret_dropped = result->dropped;
    fv_gpu_account(k->gpu, FV_GPU_BOXES, false,
                   offsetof(struct fv_launch_result, boxes) + count * sizeof(result->boxes[0]));
    return count;
}

// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "engine/frames_impl.h"
#include "gpu/gpu.h"

static int format_of(enum fv_pixel_format format)
{
    switch (format) {
    case FV_PIXEL_NV12:
        return FV_READER_NV12;
    case FV_PIXEL_P016:
        return FV_READER_P016;
    case FV_PIXEL_I010:
        return FV_READER_I010;
    case FV_PIXEL_I420:
        break;
    }
    return FV_READER_I420;
}

void fv_frames_describe(const struct fv_picture *picture, unsigned device,
                        struct fv_reader_picture *ret_view)
{
    *ret_view = (struct fv_reader_picture){
        .frame = picture->info,
        .format = format_of(picture->format),
        .bt709 = picture->matrix == FV_MATRIX_BT709,
        .full_range = picture->full_range,
        .on_device = picture->memory == FV_MEMORY_DEVICE,
        .device = picture->memory == FV_MEMORY_DEVICE ? device : 0,
    };
    memcpy(ret_view->plane, picture->plane, sizeof(ret_view->plane));
    memcpy(ret_view->pitch, picture->pitch, sizeof(ret_view->pitch));
}

/* --- What a consumer does with a frame --- */

const struct fv_reader_picture *fv_reader_frame_picture(const struct fv_reader_frame *frame)
{
    return &frame->view;
}

int fv_reader_frame_gate(struct fv_reader_frame *frame, void *stream, struct fv_error *err)
{
    struct fv_gpu *gpu = frame->frames->params.gpu;
    void *before = NULL;
    if (!gpu || !frame->picture->ready)
        return 0;
    int r = fv_gpu_visit(gpu, &before, err);
    if (r < 0)
        return r;
    r = fv_gpu_event_gate_handle(frame->picture->ready, stream, err);
    fv_gpu_leave(gpu, before);
    return r;
}

int fv_reader_frame_hold(struct fv_reader_frame *frame, void *stream, struct fv_error *err)
{
    struct fv_gpu *gpu = frame->frames->params.gpu;
    void *before = NULL;
    if (!gpu)
        return 0;
    int r = fv_gpu_visit(gpu, &before, err);
    if (r < 0)
        return r;
    if (frame->marked) /* another stream was named before: this one goes on behind it */
        r = fv_gpu_event_gate_handle(frame->done, stream, err);
    if (r == 0)
        r = fv_gpu_event_record_handle(frame->done, stream, err);
    frame->marked |= r == 0;
    fv_gpu_leave(gpu, before);
    return r;
}

/* --- Tensors --- */

static void drop_slot(struct fv_frame_slot *slot)
{
    struct fv_reader_frame *frame = slot->frame;
    atomic_store(&slot->used, false);
    fv_reader_frame_release(frame);
}

static void drop_plain(struct fv_dl_tensor *self)
{
    drop_slot(self->context);
}

static void drop_versioned(struct fv_dl_tensor_versioned *self)
{
    drop_slot(self->context);
}

/* Rows, elements of a row, and whether these are pairs. */
static void fill_shape(struct fv_frame_slot *slot, const struct fv_picture *picture, unsigned plane,
                       int64_t size)
{
    const bool chroma = plane > 0;
    slot->shape[0] = chroma ? (picture->info.height + 1) / 2 : picture->info.height;
    slot->shape[1] = chroma ? (picture->info.width + 1) / 2 : picture->info.width;
    slot->shape[2] = 2;
    slot->strides[0] = (int64_t)picture->pitch[plane] / size;
    slot->strides[1] = 1;
    slot->strides[2] = 1;
}

static int make_view(struct fv_frame_slot *slot, unsigned plane, struct fv_dl_view *ret_view)
{
    const struct fv_reader_frame *frame = slot->frame;
    const struct fv_picture *picture = frame->picture;
    const bool wide = picture->format == FV_PIXEL_P016 || picture->format == FV_PIXEL_I010;
    const bool pairs =
        plane > 0 && (picture->format == FV_PIXEL_NV12 || picture->format == FV_PIXEL_P016);
    const int64_t size = wide ? 2 : 1;
    if (picture->pitch[plane] % (size_t)size)
        return -ENOTSUP;
    fill_shape(slot, picture, plane, size);
    if (pairs)
        slot->strides[1] = 2;
    *ret_view = (struct fv_dl_view){
        .data = (void *)(uintptr_t)picture->plane[plane],
        .device = {frame->view.on_device ? FV_DL_CUDA : FV_DL_CPU, (int32_t)frame->view.device},
        .dimensions = pairs ? 3 : 2,
        .type = {FV_DL_UINT, wide ? 16 : 8, 1},
        .shape = slot->shape,
        .strides = slot->strides,
    };
    return 0;
}

/* Takes the plane's slot, and a reference of the frame with it. */
static int take_slot(struct fv_reader_frame *frame, unsigned plane, struct fv_frame_slot **ret_slot,
                     struct fv_dl_view *ret_view)
{
    if (plane >= 3 || !frame->view.plane[plane])
        return -EINVAL;
    struct fv_frame_slot *slot = &frame->slots[plane];
    if (atomic_exchange(&slot->used, true))
        return -EBUSY;
    int r = make_view(slot, plane, ret_view);
    if (r < 0) {
        atomic_store(&slot->used, false);
        return r;
    }
    frame->refs++;
    *ret_slot = slot;
    return 0;
}

int fv_reader_frame_tensor(struct fv_reader_frame *frame, unsigned plane,
                           struct fv_dl_tensor **ret_tensor)
{
    struct fv_frame_slot *slot;
    struct fv_dl_view view;
    int r = take_slot(frame, plane, &slot, &view);
    if (r < 0)
        return r;
    slot->tensor.plain =
        (struct fv_dl_tensor){.view = view, .context = slot, .deleter = drop_plain};
    *ret_tensor = &slot->tensor.plain;
    return 0;
}

int fv_reader_frame_tensor_versioned(struct fv_reader_frame *frame, unsigned plane,
                                     struct fv_dl_tensor_versioned **ret_tensor)
{
    struct fv_frame_slot *slot;
    struct fv_dl_view view;
    int r = take_slot(frame, plane, &slot, &view);
    if (r < 0)
        return r;
    slot->tensor.versioned = (struct fv_dl_tensor_versioned){.major = FV_DL_MAJOR,
                                                             .minor = FV_DL_MINOR,
                                                             .context = slot,
                                                             .deleter = drop_versioned,
                                                             .flags = FV_DL_READ_ONLY,
                                                             .view = view};
    *ret_tensor = &slot->tensor.versioned;
    return 0;
}

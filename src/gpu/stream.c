// SPDX-License-Identifier: Apache-2.0
/* Streams and events. */
#include <errno.h>

#include "base/mem.h"
#include "gpu/driver.h"
#include "gpu/gpu.h"
#include "gpu/impl.h"

int fv_gpu_stream_create(struct fv_gpu *gpu, struct fv_gpu_stream **ret_stream,
                         struct fv_error *err)
{
    struct fv_gpu_stream *stream = FV_NEW(struct fv_gpu_stream);
    if (!stream)
        return fv_error_set(err, -ENOMEM, "out of memory");
    stream->gpu = gpu;
    int r = FV_GPU_CALL(gpu, err, cuStreamCreate, &stream->handle, CU_STREAM_NON_BLOCKING);
    if (r < 0) {
        fv_free(stream);
        return r;
    }
    *ret_stream = stream;
    return 0;
}

/* A wait that failed says nothing about the work: it may go on, and write to what the caller is about to free. */
static bool waits_again(const struct fv_gpu *gpu, int r)
{
    return r < 0 && !fv_gpu_lost(gpu);
}

void fv_gpu_stream_destroy(struct fv_gpu_stream *stream)
{
    if (!stream)
        return;
    fv_gpu_stream_finish(stream, NULL);
    FV_GPU_CALL(stream->gpu, NULL, cuStreamDestroy, stream->handle);
    fv_free(stream);
}

int fv_gpu_stream_finish(struct fv_gpu_stream *stream, struct fv_error *err)
{
    int r = FV_GPU_CALL(stream->gpu, err, cuStreamSynchronize, stream->handle);
    if (waits_again(stream->gpu, r))
        FV_GPU_CALL(stream->gpu, NULL, cuStreamSynchronize, stream->handle);
    return r;
}

void *fv_gpu_stream_handle(struct fv_gpu_stream *stream)
{
    return stream->handle;
}

CUstream fv_gpu_stream_cuda(const struct fv_gpu_stream *stream)
{
    return stream->handle;
}

static int create_event(struct fv_gpu *gpu, unsigned flags, struct fv_gpu_event **ret_event,
                        struct fv_error *err)
{
    struct fv_gpu_event *event = FV_NEW(struct fv_gpu_event);
    if (!event)
        return fv_error_set(err, -ENOMEM, "out of memory");
    event->gpu = gpu;
    int r = FV_GPU_CALL(gpu, err, cuEventCreate, &event->handle, flags | CU_EVENT_DISABLE_TIMING);
    if (r < 0) {
        fv_free(event);
        return r;
    }
    *ret_event = event;
    return 0;
}

int fv_gpu_event_create(struct fv_gpu *gpu, struct fv_gpu_event **ret_event, struct fv_error *err)
{
    return create_event(gpu, CU_EVENT_BLOCKING_SYNC, ret_event, err);
}

int fv_gpu_event_create_quiet(struct fv_gpu *gpu, struct fv_gpu_event **ret_event,
                              struct fv_error *err)
{
    return create_event(gpu, 0, ret_event, err);
}

void fv_gpu_event_destroy(struct fv_gpu_event *event)
{
    if (!event)
        return;
    FV_GPU_CALL(event->gpu, NULL, cuEventDestroy, event->handle);
    fv_free(event);
}

int fv_gpu_event_record(struct fv_gpu_event *event, struct fv_gpu_stream *stream,
                        struct fv_error *err)
{
    return FV_GPU_CALL(event->gpu, err, cuEventRecord, event->handle, stream->handle);
}

int fv_gpu_event_gate(struct fv_gpu_event *event, struct fv_gpu_stream *stream,
                      struct fv_error *err)
{
    return FV_GPU_CALL(event->gpu, err, cuStreamWaitEvent, stream->handle, event->handle, 0);
}

int fv_gpu_event_gate_handle(struct fv_gpu_event *event, void *handle, struct fv_error *err)
{
    return FV_GPU_CALL(event->gpu, err, cuStreamWaitEvent, handle, event->handle, 0);
}

int fv_gpu_event_record_handle(struct fv_gpu_event *event, void *handle, struct fv_error *err)
{
    return FV_GPU_CALL(event->gpu, err, cuEventRecord, event->handle, handle);
}

int fv_gpu_event_wait(struct fv_gpu_event *event, struct fv_error *err)
{
    int r = FV_GPU_CALL(event->gpu, err, cuEventSynchronize, event->handle);
    if (waits_again(event->gpu, r))
        FV_GPU_CALL(event->gpu, NULL, cuEventSynchronize, event->handle);
    return r;
}

bool fv_gpu_event_done(struct fv_gpu_event *event)
{
    CUresult result = event->gpu->driver.cuEventQuery(event->handle);
    if (result == CUDA_ERROR_NOT_READY)
        return fv_gpu_lost(event->gpu);
    fv_gpu_check(event->gpu, result, "cuEventQuery", NULL); /* notes a loss */
    return true;
}

CUevent fv_gpu_event_cuda(const struct fv_gpu_event *event)
{
    return event->handle;
}

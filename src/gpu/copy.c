// SPDX-License-Identifier: Apache-2.0
/* Copies between host and device, and the account of them. */
#include <errno.h>

#include "gpu/driver.h"
#include "gpu/gpu.h"
#include "gpu/impl.h"

static void add(_Atomic uint64_t *counter, uint64_t value)
{
    atomic_fetch_add_explicit(counter, value, memory_order_relaxed);
}

static int trip(struct fv_gpu *gpu, enum fv_gpu_purpose purpose, size_t bytes, const char *what,
                struct fv_error *err)
{
    struct fv_error local;
    if (!err)
        err = &local;
    add(&gpu->tripped, 1);
    fv_error_set(err, -EPROTO,
                 "a copy of %zu bytes from the GPU to the host for the purpose '%s' %s: only "
                 "snapshots may be as large as a picture",
                 bytes, fv_gpu_purpose_name(purpose), what);
    if (gpu->alarm.tripped)
        gpu->alarm.tripped(gpu->alarm.data, err->text);
    return -EPROTO;
}

static bool is_forbidden(enum fv_gpu_purpose purpose, size_t bytes)
{
    return bytes >= FV_GPU_PIXEL_SIZED && purpose != FV_GPU_SNAPSHOT;
}

int fv_gpu_upload(struct fv_gpu_stream *stream, fv_gpu_address to, const void *from, size_t bytes,
                  enum fv_gpu_purpose purpose, struct fv_error *err)
{
    struct fv_gpu *gpu = stream->gpu;
    int r = FV_GPU_CALL(gpu, err, cuMemcpyHtoDAsync, to, from, bytes, stream->handle);
    if (r == 0)
        add(&gpu->to_device[purpose], bytes);
    return r;
}

int fv_gpu_download(struct fv_gpu_stream *stream, void *to, fv_gpu_address from, size_t bytes,
                    enum fv_gpu_purpose purpose, struct fv_error *err)
{
    struct fv_gpu *gpu = stream->gpu;
    if (is_forbidden(purpose, bytes))
        return trip(gpu, purpose, bytes, "was refused", err);
    int r = FV_GPU_CALL(gpu, err, cuMemcpyDtoHAsync, to, from, bytes, stream->handle);
    if (r == 0)
        add(&gpu->to_host[purpose], bytes);
    return r;
}

void fv_gpu_account(struct fv_gpu *gpu, enum fv_gpu_purpose purpose, bool to_device, size_t bytes)
{
    add(to_device ? &gpu->to_device[purpose] : &gpu->to_host[purpose], bytes);
    if (!to_device && is_forbidden(purpose, bytes))
        trip(gpu, purpose, bytes, "was made", NULL);
}

void fv_gpu_traffic(const struct fv_gpu *gpu, struct fv_gpu_traffic *ret_traffic)
{
    for (unsigned i = 0; i < FV_GPU_PURPOSES; i++) {
        ret_traffic->to_device[i] = atomic_load_explicit(&gpu->to_device[i], memory_order_relaxed);
        ret_traffic->to_host[i] = atomic_load_explicit(&gpu->to_host[i], memory_order_relaxed);
    }
    ret_traffic->tripped = atomic_load_explicit(&gpu->tripped, memory_order_relaxed);
}

// SPDX-License-Identifier: Apache-2.0
/* Device memory from the pool or the driver, and pinned host memory. */
#include <assert.h>
#include <errno.h>

#include "base/mem.h"
#include "gpu/driver.h"
#include "gpu/gpu.h"
#include "gpu/impl.h"

#define MIB 1048576.0

/* Adds what is free to an error of -ENOMEM. */
static int no_memory(struct fv_gpu *gpu, size_t bytes, const char *what, const char *cure,
                     struct fv_error *err)
{
    size_t free = 0, total = 0;
    gpu->driver.cuMemGetInfo(&free, &total);
    return fv_error_set(err, -ENOMEM,
                        "GPU %u (%s) cannot give %.1f MiB for %s: %.1f of %.1f MiB are free: %s",
                        gpu->ordinal, gpu->name, (double)bytes / MIB, what, (double)free / MIB,
                        (double)total / MIB, cure);
}

int fv_gpu_memory_init(struct fv_gpu *gpu, size_t pool_bytes, struct fv_error *err)
{
    if (pool_bytes == 0)
        return 0;
    CUdeviceptr memory = 0;
    int r = FV_GPU_CALL(gpu, err, cuMemAlloc, &memory, pool_bytes);
    if (r == -ENOMEM)
        return no_memory(gpu, pool_bytes, "the memory pool",
                         "lower GPU_MEMORY_POOL_SIZE_MB or stop what uses the GPU ('nvidia-smi' "
                         "lists it)",
                         err);
    if (r < 0)
        return r;
    r = fv_gpu_pool_init(&gpu->pool, memory, pool_bytes);
    if (r < 0) {
        FV_GPU_CALL(gpu, NULL, cuMemFree, memory);
        return fv_error_set(err, r,
                            r == -ENOMEM ? "out of memory" : "the memory pool is too small");
    }
    gpu->pool_memory = memory;
    return 0;
}

void fv_gpu_memory_finish(struct fv_gpu *gpu)
{
    assert(gpu->pool.blocks == 0 && !gpu->outside && !gpu->pinned);
    if (gpu->pool_memory)
        FV_GPU_CALL(gpu, NULL, cuMemFree, gpu->pool_memory);
    fv_gpu_pool_finish(&gpu->pool);
}

static int from_pool(struct fv_gpu *gpu, size_t bytes, fv_gpu_address *ret_address)
{
    pthread_mutex_lock(&gpu->lock);
    int r = gpu->pool_memory ? fv_gpu_pool_alloc(&gpu->pool, bytes, ret_address) : -ENOBUFS;
    pthread_mutex_unlock(&gpu->lock);
    return r;
}

static int from_driver(struct fv_gpu *gpu, size_t bytes, const char *what,
                       fv_gpu_address *ret_address, struct fv_error *err)
{
    struct fv_gpu_block *block = FV_NEW(struct fv_gpu_block);
    if (!block)
        return fv_error_set(err, -ENOMEM, "out of memory");
    CUdeviceptr address = 0;
    int r = FV_GPU_CALL(gpu, err, cuMemAlloc, &address, bytes);
    if (r < 0) {
        fv_free(block);
        return r == -ENOMEM ? no_memory(gpu, bytes, what,
                                        "fewer or smaller cameras, a smaller batch, or stop what "
                                        "else uses the GPU ('nvidia-smi' lists it)",
                                        err)
                            : r;
    }
    pthread_mutex_lock(&gpu->lock);
    *block = (struct fv_gpu_block){gpu->outside, address, bytes};
    gpu->outside = block;
    gpu->outside_count++;
    gpu->outside_used += bytes;
    pthread_mutex_unlock(&gpu->lock);
    *ret_address = address;
    return 0;
}

int fv_gpu_alloc(struct fv_gpu *gpu, size_t bytes, const char *what, fv_gpu_address *ret_address,
                 struct fv_error *err)
{
    int r = from_pool(gpu, bytes, ret_address);
    if (r == -ENOBUFS)
        return from_driver(gpu, bytes, what, ret_address, err);
    return r == 0 ? 0 : fv_error_set(err, r, "no device memory for %s: %s", what, fv_strerror(r));
}

/* Takes the block of `address` out of a list; it must be there. */
static struct fv_gpu_block *take(struct fv_gpu_block **list, uint64_t address)
{
    while (*list && (*list)->address != address)
        list = &(*list)->next;
    struct fv_gpu_block *block = *list;
    assert(block);
    if (block)
        *list = block->next;
    return block;
}

void fv_gpu_free(struct fv_gpu *gpu, fv_gpu_address address)
{
    struct fv_gpu_block *block = NULL;
    int r = 0;
    if (!address)
        return;
    pthread_mutex_lock(&gpu->lock);
    if (gpu->pool_memory && fv_gpu_pool_holds(&gpu->pool, address)) {
        r = fv_gpu_pool_free(&gpu->pool, address);
    } else {
        block = take(&gpu->outside, address);
        gpu->outside_used -= block->bytes;
    }
    pthread_mutex_unlock(&gpu->lock);
    assert(r == 0);
    (void)r;
    if (block)
        FV_GPU_CALL(gpu, NULL, cuMemFree, address);
    fv_free(block);
}

int fv_gpu_host_alloc(struct fv_gpu *gpu, size_t bytes, void **ret_host, fv_gpu_address *ret_device,
                      struct fv_error *err)
{
    struct fv_gpu_block *block = FV_NEW(struct fv_gpu_block);
    if (!block)
        return fv_error_set(err, -ENOMEM, "out of memory");
    void *host = NULL;
    CUdeviceptr device = 0;
    int r = FV_GPU_CALL(gpu, err, cuMemHostAlloc, &host, bytes,
                        FV_CUDA_HOST_PORTABLE | FV_CUDA_HOST_MAPPED);
    if (r == 0)
        r = FV_GPU_CALL(gpu, err, cuMemHostGetDevicePointer, &device, host, 0);
    if (r < 0) {
        if (host)
            FV_GPU_CALL(gpu, NULL, cuMemFreeHost, host);
        fv_free(block);
        return r;
    }
    pthread_mutex_lock(&gpu->lock);
    *block = (struct fv_gpu_block){gpu->pinned, (uintptr_t)host, bytes};
    gpu->pinned = block;
    gpu->host_used += bytes;
    pthread_mutex_unlock(&gpu->lock);
    *ret_host = host;
    *ret_device = device;
    return 0;
}

void fv_gpu_host_free(struct fv_gpu *gpu, void *host)
{
    if (!host)
        return;
    pthread_mutex_lock(&gpu->lock);
    struct fv_gpu_block *block = take(&gpu->pinned, (uintptr_t)host);
    gpu->host_used -= block->bytes;
    pthread_mutex_unlock(&gpu->lock);
    FV_GPU_CALL(gpu, NULL, cuMemFreeHost, host);
    fv_free(block);
}

void fv_gpu_memory_stats(struct fv_gpu *gpu, struct fv_gpu_memory_stats *ret_stats)
{
    pthread_mutex_lock(&gpu->lock);
    *ret_stats = (struct fv_gpu_memory_stats){
        .pool_bytes = gpu->pool.bytes,
        .pool_used = gpu->pool.used,
        .pool_peak = gpu->pool.peak,
        .pool_largest_free = fv_gpu_pool_largest_free(&gpu->pool),
        .pool_blocks = gpu->pool.blocks,
        .outside = gpu->outside_count,
        .outside_used = gpu->outside_used,
        .host_used = gpu->host_used,
    };
    pthread_mutex_unlock(&gpu->lock);
}

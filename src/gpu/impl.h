// SPDX-License-Identifier: Apache-2.0
/* What is behind gpu.h; for the files of gpu/ that implement it. */
#ifndef FV_GPU_IMPL_H
#define FV_GPU_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "gpu/driver.h"
#include "gpu/gpu.h"
#include "gpu/pool.h"

/* Memory that the driver gave: an allocation that the pool could not serve, or a pinned one. */
struct fv_gpu_block {
    struct fv_gpu_block *next;
    uint64_t address;
    size_t bytes;
};

struct fv_gpu {
    /* set at open */
    struct fv_driver driver;
    CUdevice device;
    CUcontext context;
    unsigned ordinal;
    bool spins;
    char name[128];
    fv_gpu_address pool_memory;
    struct fv_gpu_alarm alarm;

    atomic_bool lost;
    _Atomic uint64_t to_device[FV_GPU_PURPOSES], to_host[FV_GPU_PURPOSES], tripped;

    pthread_mutex_t
        lock; /* protects what follows; held for arithmetic, not during calls of the driver */
    struct fv_gpu_pool pool;
    struct fv_gpu_block *outside, *pinned;
    uint64_t outside_count;
    size_t outside_used, host_used;
};

struct fv_gpu_stream {
    struct fv_gpu *gpu;
    CUstream handle;
};

struct fv_gpu_event {
    struct fv_gpu *gpu;
    CUevent handle;
};

/* memory.c: the pool's memory. 0, -ENOMEM (err says what is free), -EIO, -ENODEV. */
int fv_gpu_memory_init(struct fv_gpu *gpu, size_t pool_bytes, struct fv_error *err);
void fv_gpu_memory_finish(struct fv_gpu *gpu);

#endif

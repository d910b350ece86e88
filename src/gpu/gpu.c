// SPDX-License-Identifier: Apache-2.0
/* The device and its primary context. */
#include "gpu/gpu.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "gpu/driver.h"
#include "gpu/impl.h"

#define SCHEDULING 7u /* the bits of a context's flags that say how waits are made */

const struct fv_driver *fv_gpu_driver(const struct fv_gpu *gpu)
{
    return &gpu->driver;
}

CUcontext fv_gpu_context(const struct fv_gpu *gpu)
{
    return gpu->context;
}

int fv_gpu_check(struct fv_gpu *gpu, CUresult result, const char *call, struct fv_error *err)
{
    struct fv_error local;
    if (!err)
        err = &local;
    int r = fv_driver_check(&gpu->driver, result, call, err);
    if (r == -ENODEV && !atomic_exchange_explicit(&gpu->lost, true, memory_order_acq_rel) &&
        gpu->alarm.lost)
        gpu->alarm.lost(gpu->alarm.data, err->text);
    return r;
}

bool fv_gpu_lost(const struct fv_gpu *gpu)
{
    return atomic_load_explicit(&gpu->lost, memory_order_acquire);
}

/* The device by its ordinal. */
static int choose(struct fv_gpu *gpu, struct fv_error *err)
{
    int count = 0;
    int r = FV_GPU_CALL(gpu, err, cuDeviceGetCount, &count);
    if (r < 0)
        return r;
    if (gpu->ordinal >= (unsigned)count)
        return fv_error_set(err, -EINVAL,
                            "there is no GPU %u: the driver lists %d, counted from 0 "
                            "('nvidia-smi -L' shows them; CUDA_VISIBLE_DEVICES hides some)",
                            gpu->ordinal, count);
    r = FV_GPU_CALL(gpu, err, cuDeviceGet, &gpu->device, (int)gpu->ordinal);
    if (r == 0)
        r = FV_GPU_CALL(gpu, err, cuDeviceGetName, gpu->name, (int)sizeof(gpu->name) - 1,
                        gpu->device);
    return r;
}

/*
 * Waits must sleep: a context spins a core in every wait unless its flags say otherwise, and the flags count from the
 * moment that somebody activates it. So they are set before; when another library was quicker, newer drivers still change them.
 */
static int schedule(struct fv_gpu *gpu, struct fv_error *err)
{
    unsigned flags = 0;
    int active = 0;
    int r = FV_GPU_CALL(gpu, err, cuDevicePrimaryCtxGetState, gpu->device, &flags, &active);
    if (r < 0 || (active && (flags & SCHEDULING) == CU_CTX_SCHED_BLOCKING_SYNC))
        return r;
    unsigned wanted = (flags & ~SCHEDULING) | CU_CTX_SCHED_BLOCKING_SYNC;
    if (!active)
        return FV_GPU_CALL(gpu, err, cuDevicePrimaryCtxSetFlags, gpu->device, wanted);
    if (gpu->driver.cuDevicePrimaryCtxSetFlags(gpu->device, wanted) == CUDA_SUCCESS)
        r = FV_GPU_CALL(gpu, err, cuDevicePrimaryCtxGetState, gpu->device, &flags, &active);
    gpu->spins = (flags & SCHEDULING) != CU_CTX_SCHED_BLOCKING_SYNC;
    return r;
}

static int activate(struct fv_gpu *gpu, struct fv_error *err)
{
    int r = choose(gpu, err);
    if (r == 0)
        r = schedule(gpu, err);
    if (r == 0)
        r = FV_GPU_CALL(gpu, err, cuDevicePrimaryCtxRetain, &gpu->context, gpu->device);
    if (r == 0)
        r = fv_gpu_enter(gpu, err);
    return r;
}

int fv_gpu_open(const struct fv_gpu_params *params, struct fv_gpu **ret_gpu, struct fv_error *err)
{
    struct fv_gpu *gpu = FV_NEW(struct fv_gpu);
    if (!gpu)
        return fv_error_set(err, -ENOMEM, "out of memory");
    pthread_mutex_init(&gpu->lock, NULL);
    gpu->ordinal = params->device;
    gpu->alarm = params->alarm;
    int r = fv_driver_open(&gpu->driver, err);
    if (r == 0)
        r = activate(gpu, err);
    if (r == 0)
        r = fv_gpu_memory_init(gpu, params->pool_bytes, err);
    if (r < 0) {
        fv_gpu_close(gpu);
        return r;
    }
    *ret_gpu = gpu;
    return 0;
}

void fv_gpu_close(struct fv_gpu *gpu)
{
    if (!gpu)
        return;
    if (gpu->context) {
        gpu->driver.cuCtxSetCurrent(gpu->context);
        fv_gpu_memory_finish(gpu);
        gpu->driver.cuCtxSetCurrent(NULL);
        gpu->driver.cuDevicePrimaryCtxRelease(gpu->device);
    }
    fv_driver_close(&gpu->driver);
    pthread_mutex_destroy(&gpu->lock);
    fv_free(gpu);
}

int fv_gpu_enter(struct fv_gpu *gpu, struct fv_error *err)
{
    return FV_GPU_CALL(gpu, err, cuCtxSetCurrent, gpu->context);
}

int fv_gpu_visit(struct fv_gpu *gpu, void **ret_before, struct fv_error *err)
{
    CUcontext before = NULL;
    int r = FV_GPU_CALL(gpu, err, cuCtxGetCurrent, &before);
    if (r == 0)
        r = fv_gpu_enter(gpu, err);
    if (r == 0)
        *ret_before = before;
    return r;
}

void fv_gpu_leave(struct fv_gpu *gpu, void *before)
{
    FV_GPU_CALL(gpu, NULL, cuCtxSetCurrent, before);
}

int fv_gpu_info(struct fv_gpu *gpu, struct fv_gpu_info *ret_info, struct fv_error *err)
{
    struct fv_gpu_info info = {
        .device = gpu->ordinal, .driver = gpu->driver.version, .spins = gpu->spins};
    memcpy(info.name, gpu->name, sizeof(info.name));
    fv_driver_build(FV_DRIVER_BUILD, info.build);
    int r = FV_GPU_CALL(gpu, err, cuDeviceGetAttribute, &info.major,
                        CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, gpu->device);
    if (r == 0)
        r = FV_GPU_CALL(gpu, err, cuDeviceGetAttribute, &info.minor,
                        CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, gpu->device);
    if (r == 0)
        r = FV_GPU_CALL(gpu, err, cuMemGetInfo, &info.memory_free, &info.memory_total);
    if (r == 0)
        *ret_info = info;
    return r;
}

/* Resets, and activates the context for a moment to see whether that helped: the reset alone always succeeds. */
static int reset_and_try(const struct fv_driver *driver, unsigned ordinal, struct fv_error *err)
{
    CUdevice device;
    CUcontext context;
    int r = fv_driver_check(driver, driver->cuDeviceGet(&device, (int)ordinal), "cuDeviceGet", err);
    if (r == 0)
        r = fv_driver_check(driver, driver->cuDevicePrimaryCtxReset(device),
                            "cuDevicePrimaryCtxReset", err);
    if (r == 0)
        r = fv_driver_check(driver, driver->cuDevicePrimaryCtxRetain(&context, device),
                            "cuDevicePrimaryCtxRetain", err);
    if (r == 0)
        driver->cuDevicePrimaryCtxRelease(device);
    return r;
}

int fv_gpu_reset(unsigned device, struct fv_error *err)
{
    struct fv_driver driver;
    struct fv_error why = {0};
    int r = fv_driver_open(&driver, err);
    if (r < 0)
        return r;
    r = reset_and_try(&driver, device, &why);
    fv_driver_close(&driver);
    if (r == 0)
        return 0;
    return fv_error_set(err, -ENODEV,
                        "GPU %u cannot be used again by this process, start a new one: %s", device,
                        why.text);
}

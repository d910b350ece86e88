// SPDX-License-Identifier: Apache-2.0
/* The driver, its devices and their primary contexts. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "impl.h"

/* A device; its address is the handle of its primary context. */
struct device {
    unsigned retains, flags;
    bool active;
};

static struct device devices[FAKEGPU_DEVICES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the devices */
static _Thread_local struct device *current;
static atomic_bool initialized;

static struct device *device_at(const char *call, CUdevice device)
{
    if (!atomic_load(&initialized))
        fakegpu_abort(call, "before cuInit");
    if (device < 0 || device >= fakegpu_plan.devices)
        fakegpu_abort(call, "device %d of %d", device, fakegpu_plan.devices);
    return &devices[device];
}

struct device *fakegpu_current(const char *call)
{
    if (!current)
        fakegpu_abort(call, "no context is current for this thread");
    return current;
}

CUresult cuInit(unsigned flags)
{
    fakegpu_script_read();
    COUNT();
    if (fakegpu_plan.no_device)
        return (CUresult)FV_CUDA_NO_DEVICE;
    atomic_store(&initialized, true);
    return flags == 0 ? CUDA_SUCCESS : (CUresult)FV_CUDA_INVALID_VALUE;
}

CUresult cuDriverGetVersion(int *version)
{
    fakegpu_script_read();
    *version = fakegpu_plan.driver;
    return CUDA_SUCCESS;
}

static const struct {
    int code;
    const char *name, *text;
} errors[] = {
    {CUDA_SUCCESS, "CUDA_SUCCESS", "no error"},
    {FV_CUDA_INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {FV_CUDA_OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {FV_CUDA_NO_DEVICE, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {FV_CUDA_INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {FV_CUDA_INVALID_PTX, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"},
    {FV_CUDA_NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {CUDA_ERROR_NOT_READY, "CUDA_ERROR_NOT_READY", "device not ready"},
    {FV_CUDA_ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS",
     "an illegal memory access was encountered"},
    {CUDA_ERROR_UNKNOWN, "CUDA_ERROR_UNKNOWN", "unknown error"},
};

CUresult cuGetErrorName(CUresult error, const char **text)
{
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        if (errors[i].code == (int)error) {
            *text = errors[i].name;
            return CUDA_SUCCESS;
        }
    return (CUresult)FV_CUDA_INVALID_VALUE;
}

CUresult cuGetErrorString(CUresult error, const char **text)
{
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        if (errors[i].code == (int)error) {
            *text = errors[i].text;
            return CUDA_SUCCESS;
        }
    return (CUresult)FV_CUDA_INVALID_VALUE;
}

CUresult cuDeviceGetCount(int *count)
{
    COUNT();
    *count = fakegpu_plan.devices;
    return CUDA_SUCCESS;
}

CUresult cuDeviceGet(CUdevice *device, int ordinal)
{
    COUNT();
    if (ordinal < 0 || ordinal >= fakegpu_plan.devices)
        return (CUresult)FV_CUDA_INVALID_DEVICE;
    *device = ordinal;
    return CUDA_SUCCESS;
}

CUresult cuDeviceGetName(char *name, int size, CUdevice device)
{
    COUNT();
    device_at(__func__, device);
    snprintf(name, (size_t)size, "fake GPU %d for tests", device);
    return CUDA_SUCCESS;
}

CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice device)
{
    COUNT();
    device_at(__func__, device);
    switch (attribute) {
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR:
        *value = fakegpu_plan.compute;
        return CUDA_SUCCESS;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR:
        *value = 0;
        return CUDA_SUCCESS;
    case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT:
        *value = 4;
        return CUDA_SUCCESS;
    default:
        *value = 1;
        return CUDA_SUCCESS;
    }
}

CUresult cuDeviceTotalMem(size_t *bytes, CUdevice device)
{
    COUNT();
    device_at(__func__, device);
    *bytes = (size_t)fakegpu_plan.memory_mb << 20;
    return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxGetState(CUdevice device, unsigned *flags, int *active)
{
    COUNT();
    struct device *d = device_at(__func__, device);
    pthread_mutex_lock(&lock);
    *flags = d->flags;
    *active = d->active;
    pthread_mutex_unlock(&lock);
    return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxSetFlags(CUdevice device, unsigned flags)
{
    COUNT();
    struct device *d = device_at(__func__, device);
    pthread_mutex_lock(&lock);
    bool refused = d->active && fakegpu_plan.fixed_flags;
    if (!refused)
        d->flags = flags;
    pthread_mutex_unlock(&lock);
    return refused ? (CUresult)708 /* primary context active */ : CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device)
{
    COUNT();
    struct device *d = device_at(__func__, device);
    if (fakegpu_is_lost())
        return fakegpu_lost_code();
    pthread_mutex_lock(&lock);
    d->retains++;
    d->active = true;
    pthread_mutex_unlock(&lock);
    *context = (CUcontext)d;
    return CUDA_SUCCESS;
}

void fakegpu_live(struct fakegpu_live *ret_live)
{
    struct fakegpu_live live = {0};
    live.streams = fakegpu_streams();
    live.events = fakegpu_events();
    live.modules = fakegpu_modules();
    live.graphs = fakegpu_graphs();
    live.device_blocks = fakegpu_device_blocks(&live.device_bytes);
    live.host_blocks = fakegpu_host_blocks();
    live.retains = fakegpu_retains();
    *ret_live = live;
}

/* Prints what is left; true when something is. */
static bool tell_left(const char *when)
{
    struct fakegpu_live live;
    fakegpu_live(&live);
    if (live.streams + live.events + live.modules + live.graphs + live.device_blocks +
            live.host_blocks + live.retains ==
        0)
        return false;
    fprintf(stderr,
            "fakegpu: %s: left are %u streams, %u events, %u modules, %u device allocations (%zu "
            "bytes), %u pinned allocations, %u retains of a context, %u graphs\n",
            when, live.streams, live.events, live.modules, live.device_blocks, live.device_bytes,
            live.host_blocks, live.retains, live.graphs);
    return true;
}

unsigned fakegpu_retains(void)
{
    unsigned sum = 0;
    pthread_mutex_lock(&lock);
    for (unsigned i = 0; i < FAKEGPU_DEVICES; i++)
        sum += devices[i].retains;
    pthread_mutex_unlock(&lock);
    return sum;
}

CUresult cuDevicePrimaryCtxRelease(CUdevice device)
{
    CUresult result = fakegpu_count(__func__);
    struct device *d = device_at(__func__, device);
    pthread_mutex_lock(&lock);
    if (d->retains == 0)
        fakegpu_abort(__func__, "more often than retained");
    if (--d->retains == 0)
        d->active = false;
    pthread_mutex_unlock(&lock);
    if (fakegpu_retains() == 0 && tell_left("the last context ends") && !fakegpu_plan.leaks_ok)
        fakegpu_abort(__func__, "objects outlive their context");
    return result;
}

CUresult cuDevicePrimaryCtxReset(CUdevice device)
{
    COUNT();
    struct device *d = device_at(__func__, device);
    if (fakegpu_plan.reset_helps)
        fakegpu_lose(0);
    fakegpu_streams_reset();
    fakegpu_modules_reset();
    fakegpu_memory_reset();
    pthread_mutex_lock(&lock);
    d->active = d->retains > 0;
    pthread_mutex_unlock(&lock);
    return CUDA_SUCCESS;
}

CUresult cuCtxSetCurrent(CUcontext context)
{
    COUNT();
    struct device *d = (struct device *)context;
    if (d && (d < devices || d >= devices + FAKEGPU_DEVICES))
        fakegpu_abort(__func__, "%p is not a context", (void *)context);
    if (d) {
        pthread_mutex_lock(&lock);
        bool active = d->active;
        pthread_mutex_unlock(&lock);
        if (!active)
            fakegpu_abort(__func__, "the context is not active");
    }
    current = d;
    return CUDA_SUCCESS;
}

CUresult cuCtxGetCurrent(CUcontext *context)
{
    COUNT();
    *context = (CUcontext)current;
    return CUDA_SUCCESS;
}

CUresult cuCtxSynchronize(void)
{
    ENTER();
    fakegpu_streams_drain();
    return fakegpu_enter(__func__);
}

__attribute__((destructor)) static void at_exit(void)
{
    if (tell_left("the process ends") && !fakegpu_plan.leaks_ok)
        _exit(99);
}

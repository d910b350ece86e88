// SPDX-License-Identifier: Apache-2.0
/*
 * The NVIDIA driver's libraries, opened at run time: one table of the entry points that Fovea calls. Types come from
 * ffnvcodec's headers; neither building nor running needs a CUDA SDK. For gpu/ and decode/nvdec.c only.
 */
#ifndef FV_GPU_DRIVER_H
#define FV_GPU_DRIVER_H

#include <ffnvcodec/dynlink_cuda.h>
#include <ffnvcodec/dynlink_nvcuvid.h>

#include "base/error.h"

/* X(name, symbol, arguments): all return CUresult. `symbol` is the versioned name that the library exports. */
#define FV_CUDA_ENTRIES(X)                                                                         \
    X(cuInit, "cuInit", (unsigned flags))                                                          \
    X(cuDriverGetVersion, "cuDriverGetVersion", (int *version))                                    \
    X(cuGetErrorName, "cuGetErrorName", (CUresult error, const char **text))                       \
    X(cuGetErrorString, "cuGetErrorString", (CUresult error, const char **text))                   \
    X(cuDeviceGetCount, "cuDeviceGetCount", (int *count))                                          \
    X(cuDeviceGet, "cuDeviceGet", (CUdevice * device, int ordinal))                                \
    X(cuDeviceGetName, "cuDeviceGetName", (char *name, int size, CUdevice device))                 \
    X(cuDeviceGetAttribute, "cuDeviceGetAttribute",                                                \
      (int *value, CUdevice_attribute attribute, CUdevice device))                                 \
    X(cuDeviceTotalMem, "cuDeviceTotalMem_v2", (size_t * bytes, CUdevice device))                  \
    X(cuDevicePrimaryCtxRetain, "cuDevicePrimaryCtxRetain",                                        \
      (CUcontext * context, CUdevice device))                                                      \
    X(cuDevicePrimaryCtxRelease, "cuDevicePrimaryCtxRelease_v2", (CUdevice device))                \
    X(cuDevicePrimaryCtxReset, "cuDevicePrimaryCtxReset_v2", (CUdevice device))                    \
    X(cuDevicePrimaryCtxSetFlags, "cuDevicePrimaryCtxSetFlags_v2",                                 \
      (CUdevice device, unsigned flags))                                                           \
    X(cuDevicePrimaryCtxGetState, "cuDevicePrimaryCtxGetState",                                    \
      (CUdevice device, unsigned *flags, int *active))                                             \
    X(cuCtxSetCurrent, "cuCtxSetCurrent", (CUcontext context))                                     \
    X(cuCtxGetCurrent, "cuCtxGetCurrent", (CUcontext * context))                                   \
    X(cuCtxSynchronize, "cuCtxSynchronize", (void))                                                \
    X(cuMemGetInfo, "cuMemGetInfo_v2", (size_t * free, size_t * total))                            \
    X(cuMemAlloc, "cuMemAlloc_v2", (CUdeviceptr * address, size_t bytes))                          \
    X(cuMemFree, "cuMemFree_v2", (CUdeviceptr address))                                            \
    X(cuMemHostAlloc, "cuMemHostAlloc", (void **address, size_t bytes, unsigned flags))            \
    X(cuMemHostGetDevicePointer, "cuMemHostGetDevicePointer_v2",                                   \
      (CUdeviceptr * address, void *host, unsigned flags))                                         \
    X(cuMemFreeHost, "cuMemFreeHost", (void *address))                                             \
    X(cuMemcpyHtoDAsync, "cuMemcpyHtoDAsync_v2",                                                   \
      (CUdeviceptr to, const void *from, size_t bytes, CUstream stream))                           \
    X(cuMemcpyDtoHAsync, "cuMemcpyDtoHAsync_v2",                                                   \
      (void *to, CUdeviceptr from, size_t bytes, CUstream stream))                                 \
    X(cuMemcpyDtoDAsync, "cuMemcpyDtoDAsync_v2",                                                   \
      (CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream))                           \
    X(cuMemcpy2DAsync, "cuMemcpy2DAsync_v2", (const CUDA_MEMCPY2D *copy, CUstream stream))         \
    X(cuMemsetD8Async, "cuMemsetD8Async",                                                          \
      (CUdeviceptr address, unsigned char value, size_t bytes, CUstream stream))                   \
    X(cuStreamCreate, "cuStreamCreate", (CUstream * stream, unsigned flags))                       \
    X(cuStreamDestroy, "cuStreamDestroy_v2", (CUstream stream))                                    \
    X(cuStreamSynchronize, "cuStreamSynchronize", (CUstream stream))                               \
    X(cuStreamQuery, "cuStreamQuery", (CUstream stream))                                           \
    X(cuStreamWaitEvent, "cuStreamWaitEvent", (CUstream stream, CUevent event, unsigned flags))    \
    X(cuEventCreate, "cuEventCreate", (CUevent * event, unsigned flags))                           \
    X(cuEventDestroy, "cuEventDestroy_v2", (CUevent event))                                        \
    X(cuEventRecord, "cuEventRecord", (CUevent event, CUstream stream))                            \
    X(cuEventQuery, "cuEventQuery", (CUevent event))                                               \
    X(cuEventSynchronize, "cuEventSynchronize", (CUevent event))                                   \
    X(cuEventElapsedTime, "cuEventElapsedTime", (float *ms, CUevent from, CUevent to))             \
    X(cuStreamBeginCapture, "cuStreamBeginCapture_v2", (CUstream stream, int mode))                \
    X(cuStreamEndCapture, "cuStreamEndCapture", (CUstream stream, void **graph))                   \
    X(cuGraphInstantiateWithFlags, "cuGraphInstantiateWithFlags",                                  \
      (void **executable, void *graph, unsigned long long flags))                                  \
    X(cuGraphLaunch, "cuGraphLaunch", (void *executable, CUstream stream))                         \
    X(cuGraphExecDestroy, "cuGraphExecDestroy", (void *executable))                                \
    X(cuGraphDestroy, "cuGraphDestroy", (void *graph))                                             \
    X(cuModuleLoadDataEx, "cuModuleLoadDataEx",                                                    \
      (CUmodule * module, const void *image, unsigned options, CUjit_option *names,                \
       void **values))                                                                             \
    X(cuModuleUnload, "cuModuleUnload", (CUmodule module))                                         \
    X(cuModuleGetFunction, "cuModuleGetFunction",                                                  \
      (CUfunction * function, CUmodule module, const char *name))                                  \
    X(cuLaunchKernel, "cuLaunchKernel",                                                            \
      (CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,   \
       unsigned block_y, unsigned block_z, unsigned shared_bytes, CUstream stream,                 \
       void **parameters, void **extra))

#define FV_CUVID_ENTRIES(X)                                                                        \
    X(cuvidGetDecoderCaps, "cuvidGetDecoderCaps", (CUVIDDECODECAPS * caps))                        \
    X(cuvidCreateDecoder, "cuvidCreateDecoder",                                                    \
      (CUvideodecoder * decoder, CUVIDDECODECREATEINFO * info))                                    \
    X(cuvidDestroyDecoder, "cuvidDestroyDecoder", (CUvideodecoder decoder))                        \
    X(cuvidReconfigureDecoder, "cuvidReconfigureDecoder",                                          \
      (CUvideodecoder decoder, CUVIDRECONFIGUREDECODERINFO * info))                                \
    X(cuvidDecodePicture, "cuvidDecodePicture",                                                    \
      (CUvideodecoder decoder, CUVIDPICPARAMS * parameters))                                       \
    X(cuvidGetDecodeStatus, "cuvidGetDecodeStatus",                                                \
      (CUvideodecoder decoder, int picture, CUVIDGETDECODESTATUS *status))                         \
    X(cuvidMapVideoFrame, "cuvidMapVideoFrame64",                                                  \
      (CUvideodecoder decoder, int picture, CUdeviceptr *address, unsigned *pitch,                 \
       CUVIDPROCPARAMS *parameters))                                                               \
    X(cuvidUnmapVideoFrame, "cuvidUnmapVideoFrame64",                                              \
      (CUvideodecoder decoder, CUdeviceptr address))                                               \
    X(cuvidCreateVideoParser, "cuvidCreateVideoParser",                                            \
      (CUvideoparser * parser, CUVIDPARSERPARAMS * parameters))                                    \
    X(cuvidParseVideoData, "cuvidParseVideoData",                                                  \
      (CUvideoparser parser, CUVIDSOURCEDATAPACKET * packet))                                      \
    X(cuvidDestroyVideoParser, "cuvidDestroyVideoParser", (CUvideoparser parser))                  \
    X(cuvidCtxLockCreate, "cuvidCtxLockCreate", (CUvideoctxlock * lock, CUcontext context))        \
    X(cuvidCtxLockDestroy, "cuvidCtxLockDestroy", (CUvideoctxlock lock))

struct fv_driver {
    void *cuda, *cuvid; /* handles of the libraries */
    int version;        /* CUDA version that the driver offers: 13000 for 13.0; 0: not asked */
#define FV_DRIVER_MEMBER(name, symbol, arguments) CUresult(CUDAAPI *name) arguments;
    FV_CUDA_ENTRIES(FV_DRIVER_MEMBER)
    FV_CUVID_ENTRIES(FV_DRIVER_MEMBER)
#undef FV_DRIVER_MEMBER
};

/* Oldest driver that is accepted: CUDA 12.0 (525), the first with everything the providers at hand build on. */
#define FV_DRIVER_VERSION_MIN 12000

/* Results that ffnvcodec's header does not name. */
enum {
    FV_CUDA_INVALID_VALUE = 1,
    FV_CUDA_OUT_OF_MEMORY = 2,
    FV_CUDA_DEINITIALIZED = 4,
    FV_CUDA_DEVICE_UNAVAILABLE = 46,
    FV_CUDA_NO_DEVICE = 100,
    FV_CUDA_INVALID_DEVICE = 101,
    FV_CUDA_INVALID_CONTEXT = 201,
    FV_CUDA_ECC_UNCORRECTABLE = 214,
    FV_CUDA_INVALID_PTX = 218,
    FV_CUDA_NVLINK_UNCORRECTABLE = 220,
    FV_CUDA_INVALID_HANDLE = 400,
    FV_CUDA_NOT_FOUND = 500,
    FV_CUDA_ILLEGAL_ADDRESS = 700,
    FV_CUDA_CONTEXT_IS_DESTROYED = 709,
    FV_CUDA_ASSERT = 710,
    FV_CUDA_HARDWARE_STACK_ERROR = 714,
    FV_CUDA_LAUNCH_FAILED = 719,
    FV_CUDA_NOT_SUPPORTED = 801,
};
/* Flags of cuMemHostAlloc. */
enum { FV_CUDA_HOST_PORTABLE = 1, FV_CUDA_HOST_MAPPED = 2 };

/* One thing that is missing, as two phrases that begin in lower case: what, and the cure. */
typedef void (*fv_driver_missing_fn)(void *data, const char *what, const char *cure);

/*
 * Opens libcuda.so.1 and libnvcuvid.so.1 by the dynamic linker's rules, fills the table, calls cuInit. 0; -ENODEV: a library, an
 * entry point or the device is missing, or the driver is too old: err has one sentence with the cure. Any thread. The libraries
 * stay mapped until the process ends: the driver is not made for being unloaded.
 */
int fv_driver_open(struct fv_driver *ret_driver, struct fv_error *err);
void fv_driver_close(struct fv_driver *driver); /* a zeroed one is fine */

/* As fv_driver_open(), but goes on after the first missing thing and reports each. Returns their number; with 0 the driver is
 * whole. *ret_driver is to be closed in either case. */
unsigned fv_driver_survey(struct fv_driver *ret_driver, fv_driver_missing_fn missing, void *data);

#define FV_DRIVER_BUILD "/sys/module/nvidia/version"
/* The driver's own version, "580.159.04", as its kernel module tells it in `file` (FV_DRIVER_BUILD); "unknown" where it does not, as
 * under WSL. Any thread. */
void fv_driver_build(const char *file, char ret_build[32]);

/* Turns a result into 0 or a negative errno and a sentence "<call>: <name of the error>: <text>". -ENOMEM: out of device memory;
 * -ENODEV: the device or its context is lost for good (a sticky error: nothing on this context will work again); -EAGAIN: not
 * ready; -ENOTSUP; -EIO. */
int fv_driver_check(const struct fv_driver *driver, CUresult result, const char *call,
                    struct fv_error *err);

/* --- For those beside gpu.c who call the driver on a fv_gpu: the kernels and decode/nvdec --- */

struct fv_gpu;
struct fv_gpu_stream;
struct fv_gpu_event;

const struct fv_driver *fv_gpu_driver(const struct fv_gpu *gpu); /* borrowed, as long as the gpu */
CUcontext fv_gpu_context(const struct fv_gpu *gpu);
CUstream fv_gpu_stream_cuda(const struct fv_gpu_stream *stream);
CUevent fv_gpu_event_cuda(const struct fv_gpu_event *event);
/* fv_driver_check(); a sticky error also marks the gpu as lost. */
int fv_gpu_check(struct fv_gpu *gpu, CUresult result, const char *call, struct fv_error *err);

/* Calls an entry of the table: r = FV_GPU_CALL(gpu, err, cuStreamQuery, stream); */
#define FV_GPU_CALL(gpu, err, name, ...)                                                           \
    fv_gpu_check((gpu), fv_gpu_driver(gpu)->name(__VA_ARGS__), #name, (err))

#endif

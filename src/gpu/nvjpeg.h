// SPDX-License-Identifier: Apache-2.0
/*
 * NVIDIA's JPEG library, opened at run time when somebody wants a JPEG: one table of the entry points that Fovea calls, which also
 * yields the prototypes of the look-alike in tests/fakegpu. Declared by hand: no header of the CUDA toolkit is needed
 * (tests/gpu/nvjpeg_header.c compares with it where there is one). For gpu/jpeg.c only.
 */
#ifndef FV_GPU_NVJPEG_H
#define FV_GPU_NVJPEG_H

#include <stddef.h>

#include "base/error.h"

/* nvjpegStatus_t */
enum {
    FV_NVJPEG_SUCCESS = 0,
    FV_NVJPEG_INVALID_PARAMETER = 2,
    FV_NVJPEG_ALLOCATOR_FAILURE = 5,
    FV_NVJPEG_EXECUTION_FAILED = 6,
    FV_NVJPEG_ARCH_MISMATCH = 7,
    FV_NVJPEG_NOT_SUPPORTED = 9,
};
enum { FV_NVJPEG_CSS_420 = 2 }; /* nvjpegChromaSubsampling_t */

/* nvjpegImage_t: device addresses */
struct fv_nvjpeg_image {
    unsigned char *channel[4];
    size_t pitch[4];
};

/* nvjpegDevAllocatorV2_t and nvjpegPinnedAllocatorV2_t. 0, or a CUDA error. */
struct fv_nvjpeg_allocator {
    int (*alloc)(void *context, void **ret_address, size_t bytes, void *stream);
    int (*free)(void *context, void *address, size_t bytes, void *stream);
    void *context;
};

/* X(name, arguments): all return nvjpegStatus_t, an int. Handles are opaque; `stream` is a CUstream. */
#define FV_NVJPEG_ENTRIES(X)                                                                       \
    X(nvjpegCreateExV2, (int backend, struct fv_nvjpeg_allocator *device,                          \
                         struct fv_nvjpeg_allocator *pinned, unsigned flags, void **library))      \
    X(nvjpegDestroy, (void *library))                                                              \
    X(nvjpegEncoderStateCreate, (void *library, void **state, void *stream))                       \
    X(nvjpegEncoderStateDestroy, (void *state))                                                    \
    X(nvjpegEncoderParamsCreate, (void *library, void **params, void *stream))                     \
    X(nvjpegEncoderParamsDestroy, (void *params))                                                  \
    X(nvjpegEncoderParamsSetQuality, (void *params, int quality, void *stream))                    \
    X(nvjpegEncoderParamsSetSamplingFactors, (void *params, int subsampling, void *stream))        \
    X(nvjpegEncodeYUV,                                                                             \
      (void *library, void *state, void *params, const struct fv_nvjpeg_image *source,             \
       int subsampling, int width, int height, void *stream))                                      \
    X(nvjpegEncodeRetrieveBitstream,                                                               \
      (void *library, void *state, unsigned char *data, size_t *length, void *stream))

struct fv_nvjpeg {
#define FV_NVJPEG_MEMBER(name, arguments) int(*name) arguments;
    FV_NVJPEG_ENTRIES(FV_NVJPEG_MEMBER)
#undef FV_NVJPEG_MEMBER
};

/* libnvjpeg.so.13, libnvjpeg.so.12; ends with NULL. */
extern const char *const fv_nvjpeg_names[];

/* Opens the first of `names` that there is (base/library.h), for good. 0; -ENOTSUP: none, or one that is no whole nvJPEG: err has the
 * cure. Any thread. */
int fv_nvjpeg_open(const char *const *names, struct fv_nvjpeg *ret_nvjpeg, struct fv_error *err);

/* Turns a status into 0 or a negative errno with "<call>: <name of the status>". -ENOMEM, -ENOTSUP (this GPU), -EIO. */
int fv_nvjpeg_check(int status, const char *call, struct fv_error *err);

#endif

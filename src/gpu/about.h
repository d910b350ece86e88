// SPDX-License-Identifier: Apache-2.0
/* What there is to tell about a GPU, for people: `fovea doctor`. */
#ifndef FV_GPU_ABOUT_H
#define FV_GPU_ABOUT_H

#include "gpu/gpu.h"

struct fv_gpu_about {
    struct fv_gpu_info info;
    char codecs[300]; /* "H.264 up to 4096x4096, H.265 up to 8192x8192; not AV1" by cuvidGetDecoderCaps */
};

/* 0; -ENODEV, -EINVAL (no such device), -EIO, -ENOTSUP (not built in), with a sentence. Activates the device's context for a moment;
 * no context is current for the calling thread afterwards. */
int fv_gpu_about(unsigned device, struct fv_gpu_about *ret_about, struct fv_error *err);

#endif

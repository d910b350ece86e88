// SPDX-License-Identifier: Apache-2.0
/* A picture of the device for somebody on the host: a snapshot that was asked for, never part of the steady flow. */
#ifndef FV_GPU_PICTURE_H
#define FV_GPU_PICTURE_H

#include "flow.h"
#include "gpu/gpu.h"

/* Copies an NV12 or P016 picture in device memory to host memory, accounted as FV_GPU_SNAPSHOT; sleeps until it is there. Enters
 * the GPU's context on the calling thread. The copy has the same info and lives without the original. 0, -ENOTSUP (format),
 * -ENOMEM, -EIO, -ENODEV. */
int fv_gpu_picture_fetch(struct fv_gpu *gpu, struct fv_gpu_stream *stream,
                         const struct fv_picture *picture, struct fv_picture **ret_copy,
                         struct fv_error *err);

#endif

// SPDX-License-Identifier: Apache-2.0
/*
 * A picture of the device as JPEG, made there:
 *
 *   NV12, P016 -> (kernel: planes, BT.601, full range) -> nvJPEG -> the compressed bytes -> host, accounted as FV_GPU_SNAPSHOT
 *
 * On demand only: nothing of it is there before somebody creates one. The planes lie in scratch memory of the pool, which is given back
 * after each picture; nvJPEG's own memory comes from the pool, too, and is kept until destroy. One user thread at a time, which has
 * entered the GPU.
 */
#ifndef FV_GPU_JPEG_H
#define FV_GPU_JPEG_H

#include "flow.h"
#include "gpu/gpu.h"

struct fv_gpu_jpeg;

/* Whether the library is there: 0, or -ENOTSUP with the cure. Any thread, without a GPU. */
int fv_gpu_jpeg_check(struct fv_error *err);
/* Some hundred ms at the first time. 0; -ENOTSUP: the library is missing, or cannot use this GPU: err has the cure; -ENOMEM, -EIO,
 * -ENODEV. */
int fv_gpu_jpeg_create(struct fv_gpu *gpu, struct fv_gpu_jpeg **ret_jpeg, struct fv_error *err);
void fv_gpu_jpeg_destroy(struct fv_gpu_jpeg *jpeg); /* NULL is fine */

struct fv_gpu_jpeg_file {
    uint8_t *data; /* fv_free() */
    size_t size;
};

/* Waits for the picture and the work. Borrows the picture. `quality`: 1 to 100. 0; -EINVAL (quality, a side of 0 or above 16384);
 * -ENOTSUP (host memory, format); -ENOMEM, -EIO, -ENODEV. But for the last one, the encoder can be used again. */
int fv_gpu_jpeg_encode(struct fv_gpu_jpeg *jpeg, const struct fv_picture *picture, unsigned quality,
                       struct fv_gpu_jpeg_file *ret_file, struct fv_error *err);

#endif

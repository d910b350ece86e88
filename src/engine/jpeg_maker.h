// SPDX-License-Identifier: Apache-2.0
/* Pictures as JPEG, made where they lie: on a GPU by nvJPEG, and no picture is fetched instead; in host memory by libturbojpeg. */
#ifndef FV_ENGINE_JPEG_MAKER_H
#define FV_ENGINE_JPEG_MAKER_H

#include <pthread.h>

#include "flow.h"
#include "gpu/jpeg.h"

struct fv_jpeg_maker {
    struct fv_gpu *gpu; /* of device pictures; NULL: there are none */
    pthread_mutex_t lock;
    struct fv_gpu_jpeg *jpeg; /* under the lock; NULL before the first one is wanted */
};

void fv_jpeg_maker_init(struct fv_jpeg_maker *maker, struct fv_gpu *gpu); /* borrows it */
/* On a thread that has entered the GPU; nobody makes one. */
void fv_jpeg_maker_finish(struct fv_jpeg_maker *maker);
/* Any thread: it visits the GPU; callers take turns there. Borrows the picture. 0; -EINVAL (quality, a side above 16384), -ENOTSUP
 * (this build or this machine cannot: err has the cure), -ENOMEM, -EIO, -ENODEV. */
int fv_jpeg_maker_make(struct fv_jpeg_maker *maker, const struct fv_picture *picture,
                       unsigned quality, struct fv_gpu_jpeg_file *ret_file, struct fv_error *err);

#endif

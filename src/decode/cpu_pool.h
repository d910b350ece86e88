// SPDX-License-Identifier: Apache-2.0
/*
 * Pictures around libavcodec's frames, recycled. A picture may outlive its decoder and is released
 * on any thread: the pool lives until the decoder and all pictures have let go of it.
 */
#ifndef FV_DECODE_CPU_POOL_H
#define FV_DECODE_CPU_POOL_H

#include <libavutil/frame.h>

#include "flow.h"

struct fv_cpu_pool;

struct fv_cpu_picture {
    struct fv_picture picture; /* first: the public part */
    AVFrame *frame;            /* never NULL; its buffers are given back on release */
    struct fv_cpu_pool *pool;
    struct fv_cpu_picture *next;
};

int fv_cpu_pool_create(struct fv_cpu_pool **ret_pool); /* with one reference; 0 or -ENOMEM */
void fv_cpu_pool_unref(struct fv_cpu_pool *pool);      /* NULL is fine */
/* A picture with one reference and an empty frame; fv_picture_unref() brings it back. 0 or
 * -ENOMEM. */
int fv_cpu_pool_get(struct fv_cpu_pool *pool, struct fv_cpu_picture **ret_picture);

#endif

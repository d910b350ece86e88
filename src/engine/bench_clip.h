// SPDX-License-Identifier: Apache-2.0
/* A file in memory as access units that many cameras share, for benches and checks. */
#ifndef FV_ENGINE_BENCH_CLIP_H
#define FV_ENGINE_BENCH_CLIP_H

#include "base/error.h"
#include "flow.h"

#define FV_BENCH_CLIP_BYTES ((size_t)1 << 30)

struct fv_bench_clip {
    enum fv_codec codec;
    struct fv_buf_pool *pool;
    struct fv_au *units; /* buf, size, codec, flags */
    size_t count;
};

/* 0; as fv_movie_open(); -EBADMSG, -ENOTSUP: no video that is read, or without a key picture; -EIO, -ENOMEM. */
int fv_bench_clip_load(const char *path, struct fv_bench_clip *ret_clip, struct fv_error *err);
void fv_bench_clip_free(struct fv_bench_clip *clip); /* zeroed is fine */

#endif

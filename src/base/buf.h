// SPDX-License-Identifier: Apache-2.0
/*
 * Reference-counted byte buffers from a pool of power-of-two size classes (4 KiB .. 8 MiB). The pool keeps returned buffers
 * up to `keep_bytes` and reuses them, so that a steady flow allocates nothing. Any thread.
 */
#ifndef FV_BASE_BUF_H
#define FV_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#define FV_BUF_MAX (8u << 20)

struct fv_buf_pool;

struct fv_buf {
    uint8_t *data;
    size_t capacity;
    /* owner: buf.c */
    _Atomic int refs;
    struct fv_buf_pool *pool;
    struct fv_buf *next_free;
};

struct fv_buf_stats {
    uint64_t gets;     /* buffers handed out */
    uint64_t fresh;    /* of these, freshly allocated: stands still in the steady state */
    size_t bytes_used; /* capacity handed out now */
    size_t bytes_kept; /* capacity waiting for reuse */
};

/* `limit_bytes` bounds used + kept; beyond it fv_buf_get() answers -ENOBUFS. 0 or -ENOMEM. */
int fv_buf_pool_create(size_t limit_bytes, size_t keep_bytes, struct fv_buf_pool **ret_pool);
/* Other limits from now on; what is handed out or kept beyond them goes as it comes home or is taken. */
void fv_buf_pool_resize(struct fv_buf_pool *pool, size_t limit_bytes, size_t keep_bytes);
/* The pool lives until the last of its buffers came home. NULL is fine. */
void fv_buf_pool_destroy(struct fv_buf_pool *pool);
void fv_buf_pool_stats(struct fv_buf_pool *pool, struct fv_buf_stats *ret_stats);

/* A buffer of at least `size` bytes with one reference. 0, -ENOBUFS (limit, or size > FV_BUF_MAX), -ENOMEM. Contents undefined. */
int fv_buf_get(struct fv_buf_pool *pool, size_t size, struct fv_buf **ret_buf);
struct fv_buf *fv_buf_ref(struct fv_buf *buf); /* returns a reference */
void fv_buf_unref(struct fv_buf *buf);         /* NULL is fine */

#endif

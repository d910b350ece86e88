// SPDX-License-Identifier: Apache-2.0
#include "base/buf.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/mem.h"
#include "base/pages.h"

#define SMALLEST_SHIFT 12 /* 4 KiB */
#define CLASSES 12        /* .. 8 MiB */

struct fv_buf_pool {
    pthread_mutex_t lock;
    struct fv_buf *free[CLASSES];
    size_t limit, keep;
    struct fv_buf_stats stats;
    size_t handed_out; /* buffers; the pool outlives them */
    bool closing;      /* destroy was called: the last buffer takes the pool along */
};

int fv_buf_pool_create(size_t limit_bytes, size_t keep_bytes, struct fv_buf_pool **ret_pool)
{
    struct fv_buf_pool *pool = FV_NEW(struct fv_buf_pool);
    if (!pool)
        return -ENOMEM;
    pool->limit = limit_bytes;
    pool->keep = keep_bytes;
    pthread_mutex_init(&pool->lock, NULL);
    *ret_pool = pool;
    return 0;
}

void fv_buf_pool_resize(struct fv_buf_pool *pool, size_t limit_bytes, size_t keep_bytes)
{
    pthread_mutex_lock(&pool->lock);
    pool->limit = limit_bytes;
    pool->keep = keep_bytes;
    pthread_mutex_unlock(&pool->lock);
}

static void buf_free(struct fv_buf *buf)
{
    fv_pages_free(buf->data, buf->capacity);
    fv_free(buf);
}

/* Frees kept buffers until at most `keep` bytes wait. The lock is held. */
static void trim(struct fv_buf_pool *pool, size_t keep)
{
    for (int class = CLASSES - 1; class >= 0; class --) {
        while (pool->free[class] && pool->stats.bytes_kept > keep) {
            struct fv_buf *buf = pool->free[class];
            pool->free[class] = buf->next_free;
            pool->stats.bytes_kept -= buf->capacity;
            buf_free(buf);
        }
    }
}

static void pool_free(struct fv_buf_pool *pool)
{
    pthread_mutex_destroy(&pool->lock);
    fv_free(pool);
}

void fv_buf_pool_destroy(struct fv_buf_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    trim(pool, 0);
    pool->closing = true;
    bool last = pool->handed_out == 0;
    pthread_mutex_unlock(&pool->lock);
    if (last)
        pool_free(pool);
}

void fv_buf_pool_stats(struct fv_buf_pool *pool, struct fv_buf_stats *ret_stats)
{
    pthread_mutex_lock(&pool->lock);
    *ret_stats = pool->stats;
    pthread_mutex_unlock(&pool->lock);
}

static unsigned class_of(size_t size)
{
    unsigned class = 0;
    while (((size_t)1 << (SMALLEST_SHIFT + class)) < size)
        class ++;
    return class;
}

/* A fresh buffer; the lock is held. */
static int buf_new(struct fv_buf_pool *pool, size_t capacity, struct fv_buf **ret_buf)
{
    if (pool->stats.bytes_used + pool->stats.bytes_kept + capacity > pool->limit)
        trim(pool, 0);
    if (pool->stats.bytes_used + capacity > pool->limit)
        return -ENOBUFS;
    struct fv_buf *buf = FV_NEW(struct fv_buf);
    uint8_t *data = buf ? fv_pages_alloc(capacity) : NULL;
    if (!data) {
        fv_free(buf);
        return -ENOMEM;
    }
    buf->data = data;
    buf->capacity = capacity;
    buf->pool = pool;
    pool->stats.fresh++;
    *ret_buf = buf;
    return 0;
}

int fv_buf_get(struct fv_buf_pool *pool, size_t size, struct fv_buf **ret_buf)
{
    if (size > FV_BUF_MAX)
        return -ENOBUFS;
    unsigned class = class_of(size);
    pthread_mutex_lock(&pool->lock);
    struct fv_buf *buf = pool->free[class];
    int r = 0;
    if (buf) {
        pool->free[class] = buf->next_free;
        pool->stats.bytes_kept -= buf->capacity;
    } else {
        r = buf_new(pool, (size_t)1 << (SMALLEST_SHIFT + class), &buf);
    }
    if (r == 0) {
        pool->stats.gets++;
        pool->stats.bytes_used += buf->capacity;
        pool->handed_out++;
        buf->refs = 1;
        *ret_buf = buf;
    }
    pthread_mutex_unlock(&pool->lock);
    return r;
}

struct fv_buf *fv_buf_ref(struct fv_buf *buf)
{
    if (buf)
        buf->refs++;
    return buf;
}

void fv_buf_unref(struct fv_buf *buf)
{
    /* The last holder needs no locked instruction: nobody else can take a reference. */
    if (!buf || (atomic_load_explicit(&buf->refs, memory_order_acquire) > 1 && --buf->refs > 0))
        return;
    struct fv_buf_pool *pool = buf->pool;
    pthread_mutex_lock(&pool->lock);
    pool->stats.bytes_used -= buf->capacity;
    pool->handed_out--;
    bool last = pool->closing && pool->handed_out == 0;
    if (pool->closing || pool->stats.bytes_kept + buf->capacity > pool->keep) {
        buf_free(buf);
    } else {
        unsigned class = class_of(buf->capacity);
        buf->next_free = pool->free[class];
        pool->free[class] = buf;
        pool->stats.bytes_kept += buf->capacity;
    }
    pthread_mutex_unlock(&pool->lock);
    if (last)
        pool_free(pool);
}

// SPDX-License-Identifier: Apache-2.0
#include "decode/cpu_pool.h"

#include <errno.h>
#include <pthread.h>

#include "base/mem.h"

struct fv_cpu_pool {
    pthread_mutex_t lock;
    /* under lock */
    struct fv_cpu_picture *free;
    unsigned refs; /* the decoder and each picture that is out */
};

int fv_cpu_pool_create(struct fv_cpu_pool **ret_pool)
{
    struct fv_cpu_pool *pool = FV_NEW(struct fv_cpu_pool);
    if (!pool)
        return -ENOMEM;
    pthread_mutex_init(&pool->lock, NULL);
    pool->refs = 1;
    *ret_pool = pool;
    return 0;
}

static void destroy(struct fv_cpu_pool *pool)
{
    while (pool->free) {
        struct fv_cpu_picture *picture = pool->free;
        pool->free = picture->next;
        av_frame_free(&picture->frame);
        fv_free(picture);
    }
    pthread_mutex_destroy(&pool->lock);
    fv_free(pool);
}

/* Gives one reference back, and with it `picture` when there is one. */
static void give_back(struct fv_cpu_pool *pool, struct fv_cpu_picture *picture)
{
    pthread_mutex_lock(&pool->lock);
    if (picture) {
        picture->next = pool->free;
        pool->free = picture;
    }
    bool last = --pool->refs == 0;
    pthread_mutex_unlock(&pool->lock);
    if (last)
        destroy(pool);
}

void fv_cpu_pool_unref(struct fv_cpu_pool *pool)
{
    if (pool)
        give_back(pool, NULL);
}

static void release(struct fv_picture *public)
{
    struct fv_cpu_picture *picture = (struct fv_cpu_picture *)public;
    av_frame_unref(picture->frame);
    give_back(picture->pool, picture);
}

static struct fv_cpu_picture *make(struct fv_cpu_pool *pool)
{
    struct fv_cpu_picture *picture = FV_NEW(struct fv_cpu_picture);
    if (!picture)
        return NULL;
    picture->frame = av_frame_alloc();
    if (!picture->frame) {
        fv_free(picture);
        return NULL;
    }
    picture->pool = pool;
    picture->picture.release = release;
    return picture;
}

int fv_cpu_pool_get(struct fv_cpu_pool *pool, struct fv_cpu_picture **ret_picture)
{
    pthread_mutex_lock(&pool->lock);
    struct fv_cpu_picture *picture = pool->free;
    if (picture) {
        pool->free = picture->next;
        pool->refs++;
    }
    pthread_mutex_unlock(&pool->lock);
    if (!picture) {
        picture = make(pool);
        if (!picture)
            return -ENOMEM;
        pthread_mutex_lock(&pool->lock);
        pool->refs++;
        pthread_mutex_unlock(&pool->lock);
    }
    picture->picture.refs = 1;
    *ret_picture = picture;
    return 0;
}

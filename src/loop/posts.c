// SPDX-License-Identifier: Apache-2.0
#include "loop/posts.h"

#include <errno.h>

#include "base/mem.h"

#define RESERVED 16

static int reserve(struct fv_post_list *posts, size_t capacity)
{
    if (capacity <= posts->capacity)
        return 0;
    struct fv_post *list = fv_realloc(posts->list, capacity * sizeof(*list));
    if (!list)
        return -ENOMEM;
    posts->list = list;
    posts->capacity = capacity;
    return 0;
}

int fv_posts_init(struct fv_posts *posts)
{
    *posts = (struct fv_posts){.running.count = 0};
    pthread_mutex_init(&posts->lock, NULL);
    int ret = reserve(&posts->pending, RESERVED);
    return ret < 0 ? ret : reserve(&posts->running, RESERVED);
}

void fv_posts_finish(struct fv_posts *posts)
{
    pthread_mutex_destroy(&posts->lock);
    fv_free(posts->pending.list);
    fv_free(posts->running.list);
}

int fv_posts_add(struct fv_posts *posts, struct fv_post post, bool *ret_first)
{
    pthread_mutex_lock(&posts->lock);
    struct fv_post_list *pending = &posts->pending;
    bool first = pending->count == 0;
    int ret = pending->count < pending->capacity ? 0 : reserve(pending, pending->capacity * 2);
    if (ret >= 0)
        pending->list[pending->count++] = post;
    pthread_mutex_unlock(&posts->lock);
    *ret_first = first && ret >= 0;
    return ret;
}

struct fv_post_list fv_posts_take(struct fv_posts *posts)
{
    pthread_mutex_lock(&posts->lock);
    struct fv_post_list taken = posts->pending;
    posts->pending = posts->running;
    posts->pending.count = 0;
    pthread_mutex_unlock(&posts->lock);
    return taken;
}

void fv_posts_done(struct fv_posts *posts, struct fv_post_list taken)
{
    posts->running = taken;
}

// SPDX-License-Identifier: Apache-2.0
/* Calls that other threads leave for the loop's thread. Used by loop.c alone. */
#ifndef FV_LOOP_POSTS_H
#define FV_LOOP_POSTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct fv_post {
    void (*call)(void *data);
    void *data;
};

struct fv_post_list {
    struct fv_post *list;
    size_t count, capacity;
};

struct fv_posts {
    struct fv_post_list running; /* the loop's thread */
    pthread_mutex_t lock;
    struct fv_post_list pending; /* under `lock` */
};

/* Room for some calls is reserved. 0 or -ENOMEM (finish it all the same). */
int fv_posts_init(struct fv_posts *posts);
void fv_posts_finish(struct fv_posts *posts);
/* Any thread. *ret_first: nothing was pending, so that the loop must be woken. 0 or -ENOMEM. */
int fv_posts_add(struct fv_posts *posts, struct fv_post post, bool *ret_first);
/* Takes what is pending: to be called one after the other. What comes meanwhile is for the next time. */
struct fv_post_list fv_posts_take(struct fv_posts *posts);
/* Gives the list back that was taken. */
void fv_posts_done(struct fv_posts *posts, struct fv_post_list taken);

#endif

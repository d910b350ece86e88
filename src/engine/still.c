// SPDX-License-Identifier: Apache-2.0
#include "engine/still.h"

#include <errno.h>
#include <time.h>

/* One call of take(), on its stack. */
struct waiter {
    struct fv_list link;
    uint32_t camera;
    struct fv_picture *picture; /* a reference, once it came */
};

void fv_stills_init(struct fv_stills *stills)
{
    atomic_init(&stills->waiting, 0);
    pthread_mutex_init(&stills->lock, NULL);
    pthread_cond_init(&stills->news, NULL);
    fv_list_init(&stills->waiters);
    stills->ended = false;
}

void fv_stills_finish(struct fv_stills *stills)
{
    pthread_cond_destroy(&stills->news);
    pthread_mutex_destroy(&stills->lock);
}

void fv_stills_end(struct fv_stills *stills)
{
    pthread_mutex_lock(&stills->lock);
    stills->ended = true;
    pthread_mutex_unlock(&stills->lock);
    pthread_cond_broadcast(&stills->news);
}

void fv_stills_offer(struct fv_stills *stills, struct fv_picture *picture)
{
    if (atomic_load_explicit(&stills->waiting, memory_order_relaxed) == 0 ||
        (picture->info.flags & (FV_FRAME_DAMAGED | FV_FRAME_PARTIAL)))
        return;
    bool taken = false;
    pthread_mutex_lock(&stills->lock);
    FV_LIST_FOR (it, &stills->waiters) {
        struct waiter *waiter = FV_CONTAINER(it, struct waiter, link);
        if (waiter->camera == picture->info.camera && !waiter->picture) {
            waiter->picture = fv_picture_ref(picture);
            taken = true;
        }
    }
    pthread_mutex_unlock(&stills->lock);
    if (taken)
        pthread_cond_broadcast(&stills->news);
}

/* Under the lock. */
static void wait_for_picture(struct fv_stills *stills, const struct waiter *waiter, int64_t timeout)
{
    const int64_t end = fv_now() + timeout;
    const struct timespec limit = {end / FV_S, end % FV_S};
    while (!waiter->picture && !stills->ended &&
           pthread_cond_clockwait(&stills->news, &stills->lock, CLOCK_MONOTONIC, &limit) == 0)
        ;
}

int fv_stills_take(struct fv_stills *stills, uint32_t camera, int64_t timeout,
                   struct fv_picture **ret_picture)
{
    struct waiter waiter = {.camera = camera};
    pthread_mutex_lock(&stills->lock);
    fv_list_append(&stills->waiters, &waiter.link);
    atomic_fetch_add(&stills->waiting, 1);
    wait_for_picture(stills, &waiter, timeout);
    atomic_fetch_sub(&stills->waiting, 1);
    fv_list_remove(&waiter.link);
    const int why = stills->ended ? -ECANCELED : -ETIMEDOUT;
    pthread_mutex_unlock(&stills->lock);
    if (!waiter.picture)
        return why;
    *ret_picture = waiter.picture;
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
#include "base/ring.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"

struct fv_ring {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    size_t capacity, head, count; /* head: the oldest */
    bool closed, woken, sleeping;
    void *items[];
};

int fv_ring_create(size_t capacity, struct fv_ring **ret_ring)
{
    struct fv_ring *ring = fv_calloc(1, sizeof(*ring) + capacity * sizeof(ring->items[0]));
    if (!ring)
        return -ENOMEM;
    ring->capacity = capacity;
    pthread_mutex_init(&ring->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&ring->wake, &attr);
    pthread_condattr_destroy(&attr);
    *ret_ring = ring;
    return 0;
}

void fv_ring_destroy(struct fv_ring *ring)
{
    if (!ring)
        return;
    pthread_cond_destroy(&ring->wake);
    pthread_mutex_destroy(&ring->lock);
    fv_free(ring);
}

/* Releases the lock; signals only a consumer that sleeps, so that a busy one costs no system call. */
static void unlock_and_signal(struct fv_ring *ring)
{
    bool signal = ring->sleeping;
    ring->sleeping = false;
    pthread_mutex_unlock(&ring->lock);
    if (signal)
        pthread_cond_signal(&ring->wake);
}

int fv_ring_push_all(struct fv_ring *ring, void *const *items, size_t count)
{
    int r = 0;
    pthread_mutex_lock(&ring->lock);
    if (ring->closed)
        r = -ECANCELED;
    else if (ring->capacity - ring->count < count)
        r = -ENOBUFS;
    for (size_t i = 0; r == 0 && i < count; i++)
        ring->items[(ring->head + ring->count++) % ring->capacity] = items[i];
    unlock_and_signal(ring);
    return r;
}

int fv_ring_push(struct fv_ring *ring, void *item)
{
    return fv_ring_push_all(ring, &item, 1);
}

/* The lock is held. Returns false when the deadline has passed. */
static bool sleep_until(struct fv_ring *ring, int64_t deadline)
{
    ring->sleeping = true;
    int r = 0;
    if (deadline == FV_TIME_NEVER) {
        pthread_cond_wait(&ring->wake, &ring->lock);
    } else {
        struct timespec t = {.tv_sec = (time_t)(deadline / FV_S),
                             .tv_nsec = (long)(deadline % FV_S)};
        r = pthread_cond_timedwait(&ring->wake, &ring->lock, &t);
    }
    ring->sleeping = false;
    return r != ETIMEDOUT;
}

int fv_ring_pop(struct fv_ring *ring, void **items, size_t max, int64_t deadline)
{
    pthread_mutex_lock(&ring->lock);
    bool wait = deadline > 0;
    while (ring->count == 0 && !ring->closed && !ring->woken && wait)
        wait = sleep_until(ring, deadline);
    ring->woken = false;
    int n = 0;
    while (ring->count > 0 && (size_t)n < max) {
        items[n++] = ring->items[ring->head];
        ring->head = (ring->head + 1) % ring->capacity;
        ring->count--;
    }
    if (n == 0 && ring->closed)
        n = -ECANCELED;
    pthread_mutex_unlock(&ring->lock);
    return n;
}

void fv_ring_wake(struct fv_ring *ring)
{
    pthread_mutex_lock(&ring->lock);
    ring->woken = true;
    unlock_and_signal(ring);
}

void fv_ring_close(struct fv_ring *ring)
{
    pthread_mutex_lock(&ring->lock);
    ring->closed = true;
    unlock_and_signal(ring);
}

size_t fv_ring_count(struct fv_ring *ring)
{
    pthread_mutex_lock(&ring->lock);
    size_t count = ring->count;
    pthread_mutex_unlock(&ring->lock);
    return count;
}

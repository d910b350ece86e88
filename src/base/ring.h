// SPDX-License-Identifier: Apache-2.0
/*
 * A bounded queue of pointers between threads: any number of producers, one consumer that sleeps when it is empty.
 * Producers never block: a full ring answers -ENOBUFS and the producer applies its declared drop policy.
 * All functions: any thread, unless said otherwise.
 */
#ifndef FV_BASE_RING_H
#define FV_BASE_RING_H

#include <stddef.h>
#include <stdint.h>

struct fv_ring;

/* capacity >= 1. 0 or -ENOMEM. */
int fv_ring_create(size_t capacity, struct fv_ring **ret_ring);
/* Items still inside are the caller's: pop them first. NULL is fine. */
void fv_ring_destroy(struct fv_ring *ring);

/* 0, -ENOBUFS when full, -ECANCELED when closed. On failure the item stays the caller's. Wakes the consumer only if it sleeps. */
int fv_ring_push(struct fv_ring *ring, void *item);
/* All of them, or on failure none: the consumer is woken once. */
int fv_ring_push_all(struct fv_ring *ring, void *const *items, size_t count);
/* Consumer only. Waits until there is an item, the ring is closed or woken, or the monotonic clock reaches `deadline`
 * (FV_TIME_NEVER: no limit; 0: does not wait). Returns 1..max items, 0 on deadline or wake, -ECANCELED when closed *and* empty. */
int fv_ring_pop(struct fv_ring *ring, void **items, size_t max, int64_t deadline);
/* Makes a waiting fv_ring_pop() return 0 once. */
void fv_ring_wake(struct fv_ring *ring);
/* No more pushes; the consumer drains what is there. */
void fv_ring_close(struct fv_ring *ring);
size_t fv_ring_count(struct fv_ring *ring);

#endif

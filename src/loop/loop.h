// SPDX-License-Identifier: Apache-2.0
/*
 * The event loop: sockets, timers and posted calls of one thread. Idle, it sleeps in the kernel without a timeout.
 *
 * Gathering: after a pass over the ready sockets the loop lets `gather` nanoseconds go by before it looks again, so that one
 * wake-up serves every camera (docs/design/flow.md). Timers and posted calls are not delayed by it.
 *
 * Lateness: within a pass timers come before sockets. When the last pass is long ago, because nothing happened or because the process
 * stood still, the sockets come first: a deadline is never judged before what waits in a socket.
 *
 * Sweeping: a socket that has something in nearly every pass need not be asked about first. When its owner allows it (`steady`), the loop
 * takes it out of epoll and calls ready(FV_IO_READ) in every pass, until fv_loop_found_nothing() came too often.
 *
 * All functions on the loop's thread, except fv_loop_post() and fv_loop_stop(). fv_io and fv_timer are embedded in their owner.
 */
#ifndef FV_LOOP_LOOP_H
#define FV_LOOP_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

struct fv_loop;

#define FV_IO_READ 1u
#define FV_IO_WRITE 2u
#define FV_IO_NEAR 192

struct fv_io {
    int fd; /* -1: not added */
    unsigned events;
    /* `events` holds FV_IO_READ and/or FV_IO_WRITE; errors and hang-ups are reported as readable (and writable when asked for). */
    void (*ready)(struct fv_io *io, unsigned events);
    /* The owner's, after fv_loop_add(): it promises fv_loop_found_nothing() when a call was in vain. Only for FV_IO_READ alone. */
    bool steady;
    /* Likewise: what ready() looks at first, FV_IO_NEAR bytes. The loop asks the memory for it while it serves the socket before. */
    const void *near;
    /* owner: loop.c */
    bool swept;
    int score;       /* passes with something, less those without */
    uint64_t served; /* number of the last pass with something */
    struct fv_list link;
};

struct fv_timer {
    int64_t due; /* monotonic; FV_TIME_NEVER when not set */
    void (*fire)(struct fv_timer *timer, int64_t now);
    struct fv_timer *child, *sibling, *back; /* owner: timer.c */
};

struct fv_loop_stats {
    uint64_t passes;        /* times that the loop woke up and looked at sockets, timers or posted calls */
    uint64_t swept;         /* calls without asking first */
    uint64_t slow_calls;    /* callbacks that took longer than 20 ms */
    int64_t slowest;        /* ns */
};

int fv_loop_create(int64_t gather, struct fv_loop **ret_loop);
void fv_loop_destroy(struct fv_loop *loop);
/* Runs until fv_loop_stop(). 0 or negative errno. */
int fv_loop_run(struct fv_loop *loop);
void fv_loop_stop(struct fv_loop *loop); /* any thread, async-signal-safe */
/* `now` of the current pass: read once per wake-up. */
int64_t fv_loop_now(const struct fv_loop *loop);

/* The descriptor stays the owner's. */
int fv_loop_add(struct fv_loop *loop, struct fv_io *io, int fd, unsigned events, void (*ready)(struct fv_io *, unsigned));
int fv_loop_change(struct fv_loop *loop, struct fv_io *io, unsigned events);
void fv_loop_remove(struct fv_loop *loop, struct fv_io *io); /* before close(); safe inside any callback; no callback comes afterwards */
/* From inside ready(): there was nothing to read. Harmless for a socket that is not swept. */
static inline void fv_loop_found_nothing(struct fv_io *io)
{
    io->score -= 3;
}

void fv_timer_init(struct fv_timer *timer, void (*fire)(struct fv_timer *, int64_t now));
/* Sets or moves the timer; FV_TIME_NEVER clears it. Always 0: the links are in the timer, nothing is allocated. */
int fv_timer_set(struct fv_loop *loop, struct fv_timer *timer, int64_t due);
void fv_timer_clear(struct fv_loop *loop, struct fv_timer *timer);

/* Calls `call(data)` on the loop's thread soon. Any thread. 0 or -ENOMEM. What is posted before fv_loop_destroy() is called there at the latest. */
int fv_loop_post(struct fv_loop *loop, void (*call)(void *data), void *data);
void fv_loop_stats(const struct fv_loop *loop, struct fv_loop_stats *ret_stats); /* any thread */

#endif

// SPDX-License-Identifier: Apache-2.0
/*
 * The loop's timers as a pairing heap whose links live in the timers themselves: setting one allocates nothing and cannot fail.
 * Setting is O(1), taking out O(log n) amortised. Used by loop.c alone; no clock, so that tests can play one.
 */
#ifndef FV_LOOP_TIMER_H
#define FV_LOOP_TIMER_H

#include "loop/loop.h"

struct fv_timers {
    struct fv_timer *root; /* the earliest; NULL when empty */
    size_t count;
};

/* Puts the timer in or moves it. due < FV_TIME_NEVER. */
void fv_timers_set(struct fv_timers *timers, struct fv_timer *timer, int64_t due);
/* Takes the timer out; harmless when it is not in. */
void fv_timers_clear(struct fv_timers *timers, struct fv_timer *timer);
/* Takes out and returns the earliest timer when it is due by `now`, else NULL. */
struct fv_timer *fv_timers_take(struct fv_timers *timers, int64_t now);
/* When the earliest is due; FV_TIME_NEVER when there is none. */
int64_t fv_timers_next(const struct fv_timers *timers);

#endif

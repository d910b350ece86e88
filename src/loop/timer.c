// SPDX-License-Identifier: Apache-2.0
#include "loop/timer.h"

#include "base/clock.h"

/*
 * Children of a node hang in a list: parent.child -> first, then .sibling. A node's `back` points to the
 * sibling before it, or to the parent for the first child; the root's is NULL and so is that of a timer that is not set.
 */
void fv_timer_init(struct fv_timer *timer, void (*fire)(struct fv_timer *, int64_t now))
{
    *timer = (struct fv_timer){.due = FV_TIME_NEVER, .fire = fire};
}

static struct fv_timer *meld(struct fv_timer *a, struct fv_timer *b)
{
    if (!a)
        return b;
    if (!b)
        return a;
    if (b->due < a->due) {
        struct fv_timer *swap = a;
        a = b;
        b = swap;
    }
    b->sibling = a->child;
    if (b->sibling)
        b->sibling->back = b;
    b->back = a;
    a->child = b;
    return a;
}

/* Two passes: pairs from left to right, then the pairs from right to left. `sibling` chains the pairs. */
static struct fv_timer *meld_children(struct fv_timer *first)
{
    struct fv_timer *pairs = NULL;
    while (first) {
        struct fv_timer *a = first, *b = first->sibling;
        first = b ? b->sibling : NULL;
        a->sibling = a->back = NULL;
        if (b)
            b->sibling = b->back = NULL;
        struct fv_timer *pair = meld(a, b);
        pair->sibling = pairs;
        pairs = pair;
    }
    struct fv_timer *root = NULL;
    while (pairs) {
        struct fv_timer *next = pairs->sibling;
        pairs->sibling = NULL;
        root = meld(root, pairs);
        pairs = next;
    }
    return root;
}

static void unlink_from_parent(struct fv_timer *timer)
{
    if (timer->back->child == timer)
        timer->back->child = timer->sibling;
    else
        timer->back->sibling = timer->sibling;
    if (timer->sibling)
        timer->sibling->back = timer->back;
    timer->back = timer->sibling = NULL;
}

void fv_timers_clear(struct fv_timers *timers, struct fv_timer *timer)
{
    if (timer->due == FV_TIME_NEVER)
        return;
    struct fv_timer *rest = meld_children(timer->child);
    timer->child = NULL;
    if (timers->root == timer) {
        timers->root = rest;
    } else {
        unlink_from_parent(timer);
        timers->root = meld(timers->root, rest);
    }
    timer->due = FV_TIME_NEVER;
    timers->count--;
}

void fv_timers_set(struct fv_timers *timers, struct fv_timer *timer, int64_t due)
{
    fv_timers_clear(timers, timer);
    timer->due = due;
    timers->root = meld(timers->root, timer);
    timers->count++;
}

struct fv_timer *fv_timers_take(struct fv_timers *timers, int64_t now)
{
    struct fv_timer *timer = timers->root;
    if (!timer || timer->due > now)
        return NULL;
    fv_timers_clear(timers, timer);
    return timer;
}

int64_t fv_timers_next(const struct fv_timers *timers)
{
    return timers->root ? timers->root->due : FV_TIME_NEVER;
}

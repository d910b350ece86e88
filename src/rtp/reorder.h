// SPDX-License-Identifier: Apache-2.0
/*
 * The reorder window (UDP): packets that came before their turn wait here, as copies in pooled buffers, for those that are missing.
 * Packets in order never enter. Bounded in time (the first one held waits at most `window`) and in number.
 */
#ifndef FV_RTP_REORDER_H
#define FV_RTP_REORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"

#define FV_REORDER_SLOTS 256 /* a power of two */

struct fv_reorder_slot {
    struct fv_buf *buf; /* NULL: empty */
    size_t size;
    int64_t arrival;
};

struct fv_reorder {
    int64_t window; /* ns; 0: never holds anything */
    struct fv_buf_pool *pool;
    struct fv_reorder_slot *slots; /* by extended sequence number modulo FV_REORDER_SLOTS */
    unsigned held;
    int64_t next;  /* the extended sequence number whose turn it is */
    int64_t since; /* earliest arrival of those held */
};

/* 0 or -ENOMEM. `pool` is borrowed. */
int fv_reorder_init(struct fv_reorder *reorder, int64_t window, struct fv_buf_pool *pool);
void fv_reorder_finish(struct fv_reorder *reorder);

/* Is there a place for packet `number`, which is >= next? */
static inline bool fv_reorder_fits(const struct fv_reorder *reorder, int64_t number)
{
    return reorder->slots && number - reorder->next < FV_REORDER_SLOTS;
}

/* Keeps a copy; a second copy of the same number is ignored. 0, or fv_buf_get()'s error. */
int fv_reorder_hold(struct fv_reorder *reorder, int64_t number, const uint8_t *packet, size_t size,
                    int64_t arrival);
/* Takes the packet out whose turn it is, and advances. False when it is not here. The caller unrefs ret_slot->buf. */
bool fv_reorder_take(struct fv_reorder *reorder, struct fv_reorder_slot *ret_slot);
/* Gives up what is missing: the lowest packet held is the next. No-op when nothing is held. */
void fv_reorder_skip(struct fv_reorder *reorder);

static inline int64_t fv_reorder_deadline(const struct fv_reorder *reorder)
{
    return reorder->held ? fv_later(reorder->since, reorder->window) : FV_TIME_NEVER;
}

#endif

// SPDX-License-Identifier: Apache-2.0
/*
 * One camera's decoder in a worker: opened at a key picture, flushed or replaced after a failure, its pictures numbered. All
 * functions belong to the worker's thread; the counters may be read, and what is wanted may be set, by any.
 */
#ifndef FV_DECODE_FEED_H
#define FV_DECODE_FEED_H

#include <stdatomic.h>

#include "decode/thin.h"
#include "decode/worker.h"

#define FV_FEED_CAUSES 8

struct fv_feed {
    const struct fv_decode_worker_params *params;
    uint32_t camera;
    _Atomic uint64_t submitted, decoded, errors, skipped_interval, dropped_full, dropped_key,
        dropped_late;
    /* what is wanted: any thread */
    _Atomic bool keys_only;
    _Atomic unsigned interval;
    _Atomic int64_t gap;
    /* owner: the worker thread */
    struct fv_decoder *decoder;
    enum fv_codec codec; /* of the decoder, or of the last attempt to open one */
    uint32_t epoch;
    bool wait_key;
    bool catching_up; /* what comes waited for the decoder: of it, late pictures are decoded for the others' sake only */
    struct fv_thin thin;
    int causes[FV_FEED_CAUSES]; /* faults that were reported for this codec */
    unsigned cause_count;
};

void fv_feed_init(struct fv_feed *feed, const struct fv_decode_worker_params *params,
                  uint32_t camera);
/* Borrows the access unit. 0, whatever became of it; -EAGAIN: the decoder wants it again after its next collect(). */
int fv_feed_push(struct fv_feed *feed, const struct fv_au *au);
/* In place of a push: the access unit waited too long, and a newer key one waits. Counted; the next one that is decoded is a key one. */
void fv_feed_miss(struct fv_feed *feed);
/* Asks the decoder for a fault that came up since; true when there was one. */
bool fv_feed_check(struct fv_feed *feed);
/* The stream ended: pictures that are held back are handed out. Only close may follow. */
void fv_feed_drain(struct fv_feed *feed);
/* Closes the decoder; the next access unit must be a key one. Figures stay. */
void fv_feed_close(struct fv_feed *feed);

static inline void fv_feed_count(_Atomic uint64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

#endif

// SPDX-License-Identifier: Apache-2.0
/*
 * Which pictures go into the next batch. A batch is due when it is full or when its oldest picture
 * has waited `timeout`; an absent camera takes no slot. Each camera holds at most `per_camera`
 * pictures: when more come, its oldest is dropped (the newest wins). Under overload cameras take
 * turns. Pure logic: no thread, no clock, no lock (the owner has one); nothing is allocated after
 * create.
 */
#ifndef FV_PREP_BATCH_H
#define FV_PREP_BATCH_H

#include "flow.h"

struct fv_batcher;

struct fv_batcher_params {
    uint32_t cameras;    /* ids 0 .. cameras-1 */
    unsigned per_camera; /* >= 1 */
    unsigned batch;      /* pictures per batch, >= 1 */
    int64_t timeout;     /* ns; PIPELINE_QUEUE_TIMEOUT_MS */
};

int fv_batcher_create(const struct fv_batcher_params *params, struct fv_batcher **ret_batcher);
void fv_batcher_destroy(struct fv_batcher *batcher); /* unrefs what is inside; NULL is fine */
/* Takes the reference. Waiting time counts from `now`. *ret_dropped is the picture that had to go
 * (the caller unrefs and counts it), or NULL. */
void fv_batcher_put(struct fv_batcher *batcher, struct fv_picture *picture, int64_t now,
                    struct fv_picture **ret_dropped);
/* Unrefs the pictures that wait of this camera. Returns their number. */
unsigned fv_batcher_forget(struct fv_batcher *batcher, uint32_t camera);
/* When the next batch is due: a time in the past or now when it is full, FV_TIME_NEVER when empty.
 */
int64_t fv_batcher_due(const struct fv_batcher *batcher);
/* Takes out up to `batch` pictures, at most one of each camera per round, oldest first, cameras in
 * turn. Returns their number; references go to the caller. */
unsigned fv_batcher_take(struct fv_batcher *batcher, struct fv_picture **out);
size_t fv_batcher_count(const struct fv_batcher *batcher);

#endif

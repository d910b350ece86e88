// SPDX-License-Identifier: Apache-2.0
/*
 * The second stage: what an object is, asked of a classifier about the part of a picture in its box. It never delays or changes
 * the first: the newest answer waits at the track, and later results of that track carry it.
 *
 *   fv-result: a result with tracks --result()--> crops --> batcher --[fv-classify: detector]--> ring --[fv-labels: the track's label]
 *                                   <-- marks: the newest labels
 *
 * A crop is a picture like another: planes that begin inside those of the picture it is cut from, which it keeps. So batches, letterbox,
 * lanes and faults are those of pipeline.h. A camera has crops of one picture at a time under way, at most FV_CLASSIFY_CROPS:
 * more than one surface of a decoder is never held. What is not taken for that reason is counted and asked with a later result, the
 * track that waits for longest first.
 */
#ifndef FV_ENGINE_CLASSIFY_H
#define FV_ENGINE_CLASSIFY_H

#include "base/error.h"
#include "engine/detector.h"
#include "flow.h"

struct fv_classify;

#define FV_CLASSIFY_CROPS 16u /* of a camera, under way */
/* Of a camera, remembered: the last ones that were seen. In a picture with more of them nothing is asked of those beyond. */
#define FV_CLASSIFY_TRACKS 256u

struct fv_classify_params {
    uint32_t cameras;
    const struct fv_model
        *model; /* of the classifier; borrowed, outlives the stage, as the detector */
    struct fv_detector *detector; /* made of that model */
    unsigned batch;               /* crops per batch, at least 1 */
    int64_t timeout;              /* ns; how long a crop waits for its batch to fill */
    const uint8_t
        *wanted; /* [class_count], by class of the detector: not 0: ask; borrowed, outlives it */
    uint32_t class_count;
    int64_t interval;  /* ns; a track is asked about again after so long */
    unsigned min_size; /* pixels; shorter side of a box */
    /* Nothing is skipped: result() returns when all that was due has its answer, so that the same pictures give the same labels.
     * Time is that of the pictures, and a batch is one crop, whose numbers do not depend on its neighbours. */
    bool waits;
    void (*began)(void *data); /* on each of the two threads, first of all; may be NULL */
    /* On fv-classify, once per cause: the batch is lost, counted. */
    void (*fault)(void *data, int code, const char *reason);
    void *data;
};

struct fv_classify_stats {
    uint64_t classified; /* crops with an answer, be it that none is certain enough */
    uint64_t skipped;    /* a box was due, and there was no room for its crop */
    uint64_t lost; /* crops that a fault took; their tracks are asked about again a second later */
};

/* 0, -EINVAL, -ENOMEM; err says why. */
int fv_classify_create(const struct fv_classify_params *params, struct fv_classify **ret_classify,
                       struct fv_error *err);
int fv_classify_start(struct fv_classify *classify, struct fv_error *err);
/* Result thread. Borrows; takes references to the picture, which must be there. Gives result->marks the newest labels. False: it would
 * have had to wait, and was cancelled. */
bool fv_classify_result(struct fv_classify *classify, struct fv_result *result);
/* Nobody waits any more, now or later. Any thread. */
void fv_classify_cancel(struct fv_classify *classify);
/* The camera is gone: what is known of its tracks is forgotten. Any thread, no result of the camera meanwhile. */
void fv_classify_forget(struct fv_classify *classify, uint32_t camera);
void fv_classify_stats(struct fv_classify *classify,
                       struct fv_classify_stats *ret_stats); /* any thread */
/* Ends both threads; no result may follow. Idempotent. */
void fv_classify_stop(struct fv_classify *classify);
void fv_classify_destroy(struct fv_classify *classify); /* stops first; NULL is fine */

#endif

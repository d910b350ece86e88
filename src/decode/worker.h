// SPDX-License-Identifier: Apache-2.0
/*
 * The decode worker: one thread that serves every camera's decoder (docs/design/threads.md says
 * why one). Access units are pushed from the ingest thread; pictures leave through a callback on
 * the worker's thread.
 */
#ifndef FV_DECODE_WORKER_H
#define FV_DECODE_WORKER_H

#include "decode/decoder.h"

struct fv_decode_worker;

/* Which pictures of a camera are wanted. */
struct fv_decode_choice {
    bool keys_only; /* decode key pictures only; DECODE_MODE */
    unsigned
        interval; /* hand out every n-th decoded picture, at least 1; ANALYSIS_FRAME_INTERVAL and others */
    int64_t
        gap; /* ns: hand out at most one in so much of the camera's time; 0: no limit; TARGET_FPS */
};

struct fv_decode_worker_params {
    const struct fv_decoder_ops *ops;
    void *shared;     /* handed to each decoder (nvdec: struct fv_nvdec); borrowed; NULL for cpu */
    uint32_t cameras; /* ids 0 .. cameras-1 */
    unsigned queue_per_camera; /* access units waiting per camera; MAX_QUEUE_SIZE */
    unsigned interval;         /* of each camera until fv_decode_worker_choose() */
    /* ns since `delivered`, beyond which an access unit is given up when a newer key picture of its camera waits already: the camera
     * goes on with that. Of what waited while its decoder was made, pictures that old are decoded and not handed out. 0: nothing is
     * given up. */
    int64_t late;
    bool complete;             /* no picture may be missing: see fv_decoder_params */
    void (*began)(void *data); /* on the worker's thread, first of all; may be NULL */
    /* Takes the reference. info.number and info.at.decoded are set. */
    void (*picture)(void *data, struct fv_picture *picture);
    /* A camera's stream cannot be decoded (codec not supported, decoder refused): once per cause.
     * Borrowed text. On the worker's thread. */
    void (*fault)(void *data, uint32_t camera, int code, const char *reason);
    /* An access unit left the worker, after its pictures: for who feeds it with back-pressure. May
     * be NULL. */
    void (*served)(void *data, uint32_t camera);
    void *data;
};

struct fv_decode_stats {
    uint64_t submitted, decoded, errors; /* errors: access units the decoder refused */
    uint64_t skipped_interval; /* not decoded, or decoded and not handed out, by setting */
    uint64_t dropped_full;     /* access units refused because the queue was full */
    uint64_t
        dropped_key; /* access units dropped while waiting for a key picture, after an error or a late one */
    uint64_t dropped_late; /* access units and pictures that had waited too long */
};

/* Returns when the worker's thread runs and has entered `shared`: an error of that is create's. */
int fv_decode_worker_create(const struct fv_decode_worker_params *params,
                            struct fv_decode_worker **ret_worker, struct fv_error *err);
/* Ingest thread. Takes a share of the access unit. False: the camera's queue is full (counted);
 * the caller makes the camera wait for a key picture. */
bool fv_decode_worker_push(struct fv_decode_worker *worker, const struct fv_au *au);
/* From the next picture on. Any thread. */
void fv_decode_worker_choose(struct fv_decode_worker *worker, uint32_t camera,
                             const struct fv_decode_choice *choice);
/* Closes the camera's decoder after what is queued for it; what is pushed later begins anew with a key picture. For a camera
 * that was removed. Returns at once. Any thread. */
void fv_decode_worker_forget(struct fv_decode_worker *worker, uint32_t camera);
void fv_decode_worker_stats(struct fv_decode_worker *worker, uint32_t camera,
                            struct fv_decode_stats *ret_stats); /* any thread */
/* The streams ended: decodes what is queued, hands out what the decoders hold back, ends the thread.
 * No push may follow; fv_decode_worker_stop() then does nothing. */
void fv_decode_worker_finish(struct fv_decode_worker *worker);
/* Ends the thread; queued access units are dropped, no callback comes after the return. The figures
 * stay readable. Idempotent. */
void fv_decode_worker_stop(struct fv_decode_worker *worker);
void fv_decode_worker_destroy(struct fv_decode_worker *worker); /* stops first; NULL is fine */

#endif

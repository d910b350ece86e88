// SPDX-License-Identifier: Apache-2.0
/*
 * Pictures in, results out: the inference thread and the result thread.
 *
 *   decode worker --put()--> batcher --[fv-infer: detector]--> ring --[fv-result: count, callback, sinks]
 *
 * What may be lost, and where it is counted: a camera's oldest picture when it holds too many (batcher), and a result when the result thread
 * falls `RESULT_SLOTS` behind. Both appear as `dropped` of the camera.
 */
#ifndef FV_ENGINE_PIPELINE_H
#define FV_ENGINE_PIPELINE_H

#include "base/error.h"
#include "engine/detector.h"
#include "flow.h"

struct fv_pipeline;

/* That wait for the result thread, 3 MB; a further one is dropped, counted. */
#define FV_PIPELINE_RESULTS 256u

struct fv_pipeline_params {
    uint32_t cameras;
    unsigned batch;               /* pictures per batch, at least 1 */
    unsigned per_camera;          /* pictures that may wait per camera */
    int64_t timeout; /* ns; how long a picture waits for its batch to fill; FV_TIME_NEVER: until it is full */
    bool keep_pictures;           /* results carry their picture (snapshots) */
    const struct fv_model *model; /* borrowed, outlives the pipeline, as the detector */
    struct fv_detector *detector;
    const char *thread_names[2]; /* NULL: "fv-infer", "fv-result" */
    void (*began)(void *data); /* on each of the two threads, first of all; may be NULL */
    /* On the result thread; the result is borrowed and may be changed. info.at.event is set. */
    void (*result)(void *data, struct fv_result *result);
    void (*idle)(void *data);  /* on the result thread, about once a second; may be NULL */
    void (*ended)(void *data); /* on the result thread, once, after the last result; may be NULL */
    /* On the inference thread, once per cause: inference fails. The batch is lost (counted as dropped). */
    void (*fault)(void *data, int code, const char *reason);
    void *data;
};

struct fv_pipeline_stats {
    uint64_t batches, batched;
};

int fv_pipeline_create(const struct fv_pipeline_params *params, struct fv_pipeline **ret_pipeline,
                       struct fv_error *err);
int fv_pipeline_start(struct fv_pipeline *pipeline, struct fv_error *err);
/* Takes the reference. Any one thread (the decode worker's). Never blocks for longer than a batch is taken out. */
void fv_pipeline_put(struct fv_pipeline *pipeline, struct fv_picture *picture);
/* The camera is gone: pictures of it that wait are thrown away, and its figure begins again at 0. Nothing of it is put meanwhile.
 * Any thread. */
void fv_pipeline_forget(struct fv_pipeline *pipeline, uint32_t camera);
/* A change without a stop. Between two batches, when none is under way, `detector` (NULL: none) takes the place of the one in use,
 * which comes back in it: made with the same number of lanes. Then, when every result of before was handed over, result(data) runs
 * on the result thread. Returns when that is done; runs in the caller when the threads do not run. Not from the pipeline's threads;
 * one caller at a time, not together with start, finish or stop. */
struct fv_pipeline_change {
    struct fv_detector *detector;
    void (*result)(void *data);
    void *data;
};
void fv_pipeline_change(struct fv_pipeline *pipeline, struct fv_pipeline_change *change);
/* Pictures and results of this camera that were given up. Any thread. */
uint64_t fv_pipeline_dropped(struct fv_pipeline *pipeline, uint32_t camera);
void fv_pipeline_stats(struct fv_pipeline *pipeline, struct fv_pipeline_stats *ret_stats);
/* No more pictures come: analyses those that wait, be the last batch full or not, and ends both threads. */
void fv_pipeline_finish(struct fv_pipeline *pipeline);
/* Ends both threads; results that are ready are delivered first. Idempotent. */
void fv_pipeline_stop(struct fv_pipeline *pipeline);
void fv_pipeline_destroy(struct fv_pipeline *pipeline); /* stops first; NULL is fine */

#endif

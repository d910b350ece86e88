// SPDX-License-Identifier: Apache-2.0
/* The engine itself. Private to engine.c (its life) and figures.c (what it says about itself). */
#ifndef FV_ENGINE_IMPL_H
#define FV_ENGINE_IMPL_H

#include <stdatomic.h>

#include "decode/worker.h"
#include "engine/analysis.h"
#include "engine/cameras.h"
#include "engine/classify.h"
#include "engine/jpeg_maker.h"
#include "engine/pipeline.h"
#include "engine/profile.h"
#include "engine/setup.h"
#include "engine/still.h"
#include "engine/threads.h"
#include "sink/sink.h"

#define FV_ENGINE_SINKS 3

/* What fv_analyze and the bench ask for beyond the public parameters: the same stages, but access units come from them instead of
 * from the network, and nothing may be lost on the way. Borrowed for the engine's life. Functions may be NULL but for fault. */
struct fv_engine_job {
    /* After the configuration was read: makes it that of the job. */
    int (*adapt)(void *data, struct fv_config *config, struct fv_error *err);
    bool stand_in; /* the configuration needs no camera: as in fv_config_params */
    bool
        live; /* from the network after all, with queues and drops as ever; `served` is not called then */
    bool paced; /* not live, and yet at a camera's pace: access units wait and are given up as there */
    unsigned
        room; /* access units and pictures that may be under way, beside two batches: every queue holds them */
    bool
        repeatable; /* not live: full batches only and no clock but the file's, so that two runs give the same */
    int64_t start; /* not live: wall time of the first picture */
    const char *events, *tracks,
        *pictures;               /* files and folder to write, NULL: none; output.* is not heeded */
    unsigned interval;           /* every n-th analysed picture is drawn */
    void (*served)(void *data);  /* fv-decode: an access unit left the decoder */
    void (*picture)(void *data); /* fv-decode: one goes into the pipeline */
    void (*result)(void *data,
                   const struct fv_result *result); /* fv-result, after sinks and rules */
    void (*fault)(void *data, int code,
                  const char *reason); /* fv-decode, fv-infer, fv-classify: once per cause */
    void *data;
};

struct fv_engine {
    const struct fv_engine_job *job; /* NULL: none */

    struct fv_engine_params params; /* callbacks; the texts are the engine's own, config_text is not kept */
    struct fv_config *config;
    struct fv_cameras cameras;
    struct fv_setup setup;
    struct fv_setup second;       /* the classifier's; empty when there is none, as the next two */
    struct fv_classify *classify;
    uint8_t *classified;          /* by class of the detector: not 0: the classifier is asked */
    struct fv_threads threads;
    struct fv_analysis *analysis;
    struct fv_sink_context sink_context;
    struct fv_sink *sinks[FV_ENGINE_SINKS];
    unsigned sink_count;
    bool receive_only;      /* ENABLE_PROCESSING is false */
    struct fv_profile profile;
    struct fv_areas *drawn; /* what annotated pictures show; NULL when there are none */
    struct fv_sink *events; /* the one of them that writes events.jsonl, or NULL */
    struct fv_pipeline *pipeline;
    struct fv_decode_worker *decode;
    struct fv_ingest *ingest;
    struct fv_stills stills;     /* snapshot.c, as the next */
    struct fv_jpeg_maker jpegs;
    int64_t started_at;
    /* What a reload changes and others read: config, cameras, analysis. The result thread, which alone changes `analysis`, and the
     * thread of open read them without it. */
    pthread_mutex_t lock;
    bool started, stopped;
    /* failure.c; any thread */
    _Atomic int failure; /* why it cannot go on; 0: it can */
    atomic_bool alive;   /* `failed` may be called */
    atomic_bool opening; /* until it was started: then a loss ends it in any case */
    atomic_bool tripped;
    bool loss_ends, trip_ends; /* as configured at open */
};

/* fv_engine_open() with a job. */
int fv_engine_open_job(const struct fv_engine_params *params, const struct fv_engine_job *job,
                       struct fv_engine **ret_engine, struct fv_error *err);
/* For what the caller's thread does: another engine that ended, or work of its own on a GPU, may have left it another context than
 * open did, or none. */
void fv_engine_enter(struct fv_engine *engine);
/* In place of fv_engine_stop() when no more access units come: all that is under way is analysed and written. */
void fv_engine_finish(struct fv_engine *engine);

static inline unsigned fv_engine_job_room(const struct fv_engine *engine)
{
    return engine->job->room + 2 * engine->setup.batch;
}

/* failure.c: for the device, once the configuration is there. */
struct fv_gpu_alarm fv_engine_alarm(struct fv_engine *engine);
/* What happened since open; 0: nothing. From now on a loss ends the engine only when the setting says so. */
int fv_engine_failure(struct fv_engine *engine, struct fv_error *err);

/* classifier.c: when the configuration has one; the setup and the cameras are there. Close comes before the setup ends. */
int fv_engine_open_classifier(struct fv_engine *engine, struct fv_error *err);
void fv_engine_close_classifier(struct fv_engine *engine);

/* sinks.c: what the configuration or the job wants written. */
int fv_engine_open_sinks(struct fv_engine *engine, struct fv_error *err);
/* The zones and lines of a configuration, for annotated pictures. `places`: of the enabled cameras, see analysis.h. 0, -ENOMEM. */
int fv_engine_make_sheet(const struct fv_engine *engine, const struct fv_config *config,
                         const uint32_t *places, struct fv_areas_sheet **ret_sheet);
/* engine.c, for a reload too */
int fv_engine_load(struct fv_engine *engine, struct fv_config_params *params,
                   struct fv_config **ret_config, struct fv_error *err);
int fv_engine_open_log(const struct fv_config *config, struct fv_error *err);
/* `places`: of the enabled cameras, see analysis.h. */
int fv_engine_make_analysis(struct fv_engine *engine, const struct fv_config *config,
                            const uint32_t *places, struct fv_analysis **ret_analysis,
                            struct fv_error *err);
/* figures.c: before the connection ends, before another camera takes the index, before the analysis goes on without it */
void fv_engine_carry_ingest(struct fv_engine *engine, uint32_t index);
void fv_engine_carry_decode(struct fv_engine *engine, uint32_t index);
void fv_engine_carry_analysis(struct fv_engine *engine, const struct fv_analysis *analysis,
                              uint32_t index);
void fv_engine_choose(struct fv_engine *engine, const struct fv_config *config,
                      const struct fv_conf_camera *camera, uint32_t index);

#endif

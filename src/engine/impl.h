// SPDX-License-Identifier: Apache-2.0
/* The engine itself. Private to engine.c (its life) and figures.c (what it says about itself). */
#ifndef FV_ENGINE_IMPL_H
#define FV_ENGINE_IMPL_H

#include "decode/worker.h"
#include "engine/analysis.h"
#include "engine/cameras.h"
#include "engine/pipeline.h"
#include "engine/setup.h"
#include "engine/threads.h"
#include "sink/sink.h"

#define FV_ENGINE_SINKS 2

struct fv_engine {
    struct fv_engine_params params; /* callbacks */
    struct fv_config *config;
    struct fv_cameras cameras;
    struct fv_setup setup;
    struct fv_threads threads;
    struct fv_analysis *analysis;
    struct fv_sink_context sink_context;
    struct fv_sink *sinks[FV_ENGINE_SINKS];
    unsigned sink_count;
    struct fv_sink *events; /* the one of them that writes events.jsonl, or NULL */
    struct fv_pipeline *pipeline;
    struct fv_decode_worker *decode;
    struct fv_ingest *ingest;
    int64_t started_at;
    bool started, stopped;
};

#endif

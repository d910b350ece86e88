// SPDX-License-Identifier: Apache-2.0
/*
 * Measures stages of this machine: what `fovea bench` prints. A bench runs in the calling thread and ends by itself; a signal
 * handler or another thread may set `*stop`.
 */
#ifndef FOVEA_BENCH_H
#define FOVEA_BENCH_H

#include <stdbool.h>
#include <stddef.h>

#include "fovea/engine.h"

/* The whole way of a picture but for the network: access units of a file, held in memory, go to `sessions` cameras, each looping
 * the file in its own phase, through decoder, detector, tracker and rules. */
struct fv_bench_pipeline_params {
    const char *input;       /* a raw stream (H.264, H.265, JPEG; IVF), or a container */
    const char *config_text; /* JSON, with one camera for each session; its ids count from 0 */
    unsigned sessions;
    double fps;        /* pictures a second and session; 0: as fast as the pipeline takes them */
    double warm_s;     /* seconds before the figures begin */
    double duration_s; /* seconds of the figures */
    const volatile bool *stop; /* may be NULL */
    fv_problem_fn problem;     /* findings about the configuration; may be NULL */
    void (*progress)(void *data, const char *text); /* what takes long; may be NULL */
    void *data;
};

#define FV_BENCH_THREADS_MAX 16

struct fv_bench_thread {
    char name[16];
    double cpu_s; /* of all threads of this name */
};

struct fv_bench_pipeline_figures {
    double wall_s, user_s, system_s;
    uint64_t pushed;    /* access units that were handed to the decoder */
    uint64_t analysed;  /* pictures with a result */
    uint64_t dropped;   /* access units and pictures given up for lack of room */
    uint64_t undecoded; /* access units that the decoder refused */
    uint64_t detections;
    double per_batch;                          /* pictures */
    double age_p50_ms, age_p99_ms, age_max_ms; /* handed to the decoder -> event */
    struct fv_bench_thread threads[FV_BENCH_THREADS_MAX];
    size_t thread_count;
    bool gpu;                                   /* the next two count */
    struct fv_engine_gpu gpu_before, gpu_after; /* at both ends of the time of the figures */
    uint64_t memory_used; /* bytes of device memory taken since the engine was opened, at the end */
    char runtime[128];
};

/* 0; as fv_engine_open() and of the input; -ETIMEDOUT: no result came for 10 s (err says what was under way); -ECANCELED: *stop. */
FV_API int fv_bench_pipeline(const struct fv_bench_pipeline_params *params,
                             struct fv_bench_pipeline_figures *ret_figures, struct fv_error *err);

#endif

// SPDX-License-Identifier: Apache-2.0
/*
 * Measures decoding alone: a file's access units go from memory to one decode worker as `sessions` cameras; pictures are given
 * back as they come.
 */
#ifndef FOVEA_BENCH_DECODE_H
#define FOVEA_BENCH_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fovea/error.h"

/* When the GPU's pictures are mapped; see src/decode/nvdec.h. */
enum fv_bench_map { FV_BENCH_MAP_AUTO, FV_BENCH_MAP_SAME_PASS, FV_BENCH_MAP_NEXT_PASS };

struct fv_bench_decode_params {
    const char *input; /* video, raw or in a container; from its first key picture on */
    bool cpu;          /* libavcodec instead of NVDEC */
    unsigned device;   /* of "cuda:N" */
    unsigned sessions; /* 1 to 1024 */
    double fps;        /* pictures a second and session; 0: as fast as they are taken */
    double
        gather_ms; /* paced: access units are pushed together every so often; 0: each in its time */
    bool cold;     /* paced: sessions are not made before, but as cameras come that all send at once */
    double warm_s; /* seconds before the figures begin */
    double duration_s; /* seconds of the figures */
    unsigned held;     /* NVDEC_BUFFER_SIZE; 0: 5 */
    enum fv_bench_map map;
    const volatile bool *stop; /* may be NULL */
};

struct fv_bench_decode_figures {
    char backend[8], device[128], codec[8], fault[200]; /* fault: the first one, or "" */
    unsigned width, height;
    double wall_s;
    uint64_t pictures; /* handed out */
    uint64_t
        dropped; /* access units and pictures given up: queues, surfaces, waiting for a key picture */
    uint64_t faults;
    double cpu_us,
        system_us;    /* of the process, per picture: user and system together; system alone */
    double worker_us; /* of the decode worker's thread, per picture */
    double feeder_us; /* of the thread that pushes, per picture: no part of decoding */
    double age_p50_ms, age_p99_ms, age_max_ms; /* pushed -> handed out */
    double open_ms; /* from the first access unit until every session had a picture */
    /* GPU only */
    double session_mb;      /* device memory per session, by what is free before and after */
    double reckoned_mb;     /* the same as the budget reckons it */
    double session_open_ms; /* making one session, the slowest */
    uint64_t waited, skipped_held, damaged, created;
    uint64_t bitstream_bytes; /* to the device, in the time of the figures */
};

/* 0; -ENOENT, -EISDIR, -EIO, -EBADMSG: of the input; -ENODEV, -ENOTSUP, -ENOMEM; -ETIMEDOUT: a session had no picture within 60 s;
 * -ECANCELED: *stop. */
FV_API int fv_bench_decode(const struct fv_bench_decode_params *params,
                           struct fv_bench_decode_figures *ret_figures, struct fv_error *err);

#endif

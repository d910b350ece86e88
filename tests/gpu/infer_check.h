// SPDX-License-Identifier: Apache-2.0
/* infer_check: the runtime at work (infer_bench.c). Each function ends the program with a sentence when something fails. */
#ifndef FV_INFER_CHECK_H
#define FV_INFER_CHECK_H

#include "gpu/gpu.h"
#include "infer/runtime.h"

#define BENCH_LANES 2 /* batches in flight */
#define BENCH_ROWS 16

struct bench {
    /* What is asked for. */
    const char *runtime, *search;
    unsigned max_batch;
    double seconds; /* for each batch size; 0: none */
    /* What is open. */
    struct fv_model *model;
    const struct fv_runtime_ops *ops;
    struct fv_runtime *handle;
    struct fv_gpu *gpu; /* NULL with a host runtime, as what follows */
    struct fv_gpu_stream *stream;
    struct fv_gpu_event *done[BENCH_LANES];
    /* What was found. */
    char description[128];
    double open_s;
    unsigned rows;
    struct {
        unsigned batch;
        double images_s;
        double host_us_image; /* CPU time of the process */
        double call_us;       /* time inside one run() */
        double batch_ms;      /* one batch alone, from the call to its end */
    } row[BENCH_ROWS];
};

void fail(const char *what, const char *why) __attribute__((noreturn));

void bench_open(struct bench *bench, const char *model);
void bench_close(struct bench *bench);
/* One image [3, height, width] -> [rows, columns], through the runtime's own element type. */
void bench_infer(struct bench *bench, const float *input, float *output);
/* Batch sizes 1, 2, 4, ... max_batch, BENCH_LANES batches in flight. */
void bench_speed(struct bench *bench);

#endif

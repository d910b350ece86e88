// SPDX-License-Identifier: Apache-2.0
/* A decode worker under test: access units of clips go in, a function sees each picture. For decode_check.c. */
#ifndef DECODE_RUN_H
#define DECODE_RUN_H

#include <pthread.h>

#include "decode/nvdec.h"
#include "decode/worker.h"
#include "engine/bench_clip.h"

#define RUN_CAMERAS 4

struct run;
/* On the worker's thread; takes the reference. */
typedef void (*run_picture_fn)(struct run *run, struct fv_picture *picture);

struct run {
    bool cpu;
    enum fv_nvdec_map map;
    unsigned held; /* 0: 5 */
    run_picture_fn picture;
    void *data;
    /* owner: decode_run.c */
    struct fv_gpu *gpu;
    struct fv_gpu_stream *stream; /* for copies */
    struct fv_nvdec *nvdec;
    struct fv_decode_worker *worker;
    pthread_mutex_t lock;
    pthread_cond_t news;
    /* under lock */
    uint64_t sent[RUN_CAMERAS], served[RUN_CAMERAS], pictures[RUN_CAMERAS];
    uint64_t faults_of[RUN_CAMERAS], faults;
    int fault_code;
    char fault[300]; /* the last one */
};

/* Prints a line of JSON and ends the process when the device or the worker cannot be had. */
void run_open(struct run *run);
void run_open_decoders(struct run *run);  /* part of run_open(): after run_close_decoders() */
void run_close_decoders(struct run *run); /* GPU and context stay */
/* The streams end: what is in the decoders comes out. Then run_close_decoders(). */
void run_finish(struct run *run);
void run_close(struct run *run);

/* Waits while the camera has many access units inside. `pts` identifies it. */
void run_push(struct run *run, uint32_t camera, const struct fv_au *unit, int64_t pts);
/* Until the camera has had so many pictures, or it had a fault (false), or 20 s passed (false). */
bool run_wait(struct run *run, uint32_t camera, uint64_t pictures);
/* Until everything was taken by the worker. */
void run_settle(struct run *run);
void run_no_fault(struct run *run); /* forgets faults */

/* MD5 of the visible luma as hex: 8-bit samples, or 16-bit little-endian ones with the value in the low bits. False: not read. */
bool run_luma_md5(struct run *run, const struct fv_picture *picture, char *ret_hex);

/* How far the luma (8 bit) is from `reference`, its visible samples without gaps. False: not read, or of another depth. */
struct run_difference {
    unsigned largest;
    uint64_t total, samples;
};
bool run_luma_difference(struct run *run, const struct fv_picture *picture,
                         const uint8_t *reference, struct run_difference *difference);

struct run_memory {
    double gpu_free_mb, rss_mb;
    unsigned sessions, idle;
    uint64_t created, destroyed, reused, reconfigured;
};
struct run_memory run_memory(struct run *run);

#endif

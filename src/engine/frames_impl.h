// SPDX-License-Identifier: Apache-2.0
/* What frames.c (who has which frame) and frames_tensor.c (what a consumer does with one) share. */
#ifndef FV_ENGINE_FRAMES_IMPL_H
#define FV_ENGINE_FRAMES_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/list.h"
#include "engine/frames.h"
#include "engine/jpeg_maker.h"

/* A tensor of one plane; it holds a reference to its frame while it is used. */
struct fv_frame_slot {
    struct fv_reader_frame *frame;
    atomic_bool used;
    int64_t shape[3], strides[3];
    union {
        struct fv_dl_tensor plain;
        struct fv_dl_tensor_versioned versioned;
    } tensor;
};

struct fv_reader_frame {
    struct fv_frames *frames;
    struct fv_frame_consumer *consumer;
    struct fv_list link; /* free or held, under the lock */
    _Atomic unsigned refs;
    struct fv_picture *picture; /* a reference */
    struct fv_reader_picture view;
    struct fv_frame_slot slots[3];
    struct fv_gpu_event *done; /* of the consumer's work; NULL on the CPU back end */
    bool marked;               /* `done` was recorded */
    /* under the lock */
    bool returned; /* given back, but the consumer's stream still works on it */
    int64_t since;
    bool told;
};

struct fv_frame_consumer {
    char name[32];
    int64_t patience;
    void (*frame)(void *data, struct fv_reader_frame *frame);
    void *data;
    unsigned count; /* of frames */
    struct fv_reader_frame *frames;
    /* under the lock */
    struct fv_list free, held; /* held: oldest first */
    struct fv_reader_consumer_stats stats;
};

struct fv_frames {
    struct fv_frames_params params;
    struct fv_jpeg_maker jpegs;
    struct fv_frame_consumer consumers[FV_READER_CONSUMERS_MAX];
    unsigned count;
    pthread_mutex_t lock;
    /* under the lock */
    unsigned refs; /* the owner's, and one for each frame that is held */
    bool closed;
};

#endif

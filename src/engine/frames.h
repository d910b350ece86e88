// SPDX-License-Identifier: Apache-2.0
/*
 * Pictures for those who may keep them (fovea/reader.h): each consumer has frames of its own, so that one who keeps too many misses
 * pictures and nobody else does. All memory is made at create.
 *
 *   decode thread: offer -> each consumer's callback
 *   any thread:    a frame and its tensors are given back -> (what the consumer's stream still does is over) -> the picture is released
 */
#ifndef FV_ENGINE_FRAMES_H
#define FV_ENGINE_FRAMES_H

#include "flow.h"
#include "fovea/reader.h"

struct fv_frames;
struct fv_gpu;
struct fv_nvdec;

struct fv_frames_params {
    const struct fv_reader_consumer *consumers; /* borrowed */
    unsigned consumer_count;
    unsigned device;
    /* What device pictures come from: taken, also on failure. They go with the last frame, perhaps after fv_frames_close(). NULL:
     * host pictures. */
    struct fv_gpu *gpu;
    struct fv_nvdec *nvdec;
    /* A consumer keeps a frame longer than it said; on the thread of offer. */
    void (*late)(void *data, const char *sentence);
    void *data;
};

/* 0, or -EINVAL: names, numbers, no callback. */
int fv_frames_check(const struct fv_reader_consumer *consumers, unsigned count,
                    struct fv_error *err);
/* Pictures that all consumers together may keep. They were checked. */
unsigned fv_frames_held(const struct fv_reader_consumer *consumers, unsigned count);

/* 0; -EINVAL as fv_frames_check(); -ENOMEM, -EIO, -ENODEV. The calling thread has entered the GPU. */
int fv_frames_create(const struct fv_frames_params *params, struct fv_frames **ret_frames,
                     struct fv_error *err);
/* No offer comes any more. What is kept stays valid, and the rest waits for it. NULL is fine. */
void fv_frames_close(struct fv_frames *frames);

/* Borrows the picture. One thread. */
void fv_frames_offer(struct fv_frames *frames, struct fv_picture *picture);
int fv_frames_stats(struct fv_frames *frames, unsigned consumer,
                    struct fv_reader_consumer_stats *ret_stats);

/* A picture in the words of the public header. */
void fv_frames_describe(const struct fv_picture *picture, unsigned device,
                        struct fv_reader_picture *ret_view);

#endif

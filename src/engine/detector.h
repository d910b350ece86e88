// SPDX-License-Identifier: Apache-2.0
/*
 * A batch of pictures -> the detections in each: letterbox, network, boxes. Two forms: on the CPU (done at the return of submit)
 * and on the GPU (submit only enqueues; done() tells when it may be collected). Used by one thread, which calls enter() first.
 *
 *   submit(lane 0)  submit(lane 1)  done(lane 0) collect + read  submit(lane 0)  done(lane 1) collect + read ...
 */
#ifndef FV_ENGINE_DETECTOR_H
#define FV_ENGINE_DETECTOR_H

#include "base/error.h"
#include "flow.h"
#include "infer/boxes.h"
#include "infer/runtime.h"

struct fv_detector;
struct fv_gpu;
struct fv_gpu_stream;

/* Borrowed; pictures stay referenced until the lane is collected. */
struct fv_batch {
    struct fv_picture *const *pictures; /* count, each usable() */
    const struct fv_letterbox *places;  /* count: where each lies in the tensor */
    unsigned count;
};

struct fv_detector_ops {
    int (*enter)(struct fv_detector *detector, struct fv_error *err); /* also for a thread that gives up pictures */
    /* False: pictures of this memory and format cannot be prepared. */
    bool (*usable)(const struct fv_detector *detector, const struct fv_picture *picture);
    /* The lane is free. 0, or negative errno: nothing of the batch will come. */
    int (*submit)(struct fv_detector *detector, unsigned lane, const struct fv_batch *batch,
                  struct fv_error *err);
    /* Asks whether the lane is through; true also when it never will be. NULL: it is at the return of submit. */
    bool (*done)(struct fv_detector *detector, unsigned lane);
    /* After done(). 0, or negative errno: nothing of the batch came. The lane is free for reading until the next submit. */
    int (*collect)(struct fv_detector *detector, unsigned lane, struct fv_error *err);
    /* Detections of picture `index` in tensor pixels, by falling score, at most FV_DETECTIONS_MAX. Returns their number. */
    uint32_t (*read)(struct fv_detector *detector, unsigned lane, unsigned index,
                     struct fv_detection *out);
    void (*destroy)(struct fv_detector *detector); /* NULL is fine */
};

/* The head of each form. */
struct fv_detector {
    const struct fv_detector_ops *ops;
    unsigned lanes; /* batches that may be in flight */
};

struct fv_detector_params {
    const struct fv_model *model; /* borrowed, outlives the detector, as all below */
    const struct fv_runtime_ops *runtime_ops;
    struct fv_runtime *runtime;
    unsigned max_batch;
    float score_threshold, iou_threshold;
    const uint16_t *classes; /* wanted class numbers, borrowed during create */
    uint32_t class_count;    /* 0: all */
    struct fv_gpu *gpu;      /* GPU only, as the stream that the runtime works on */
    struct fv_gpu_stream *stream;
};

#define FV_DETECTOR_GPU_LANES 2 /* one batch is prepared while another is in the network */

/* 0, -EINVAL (thresholds, classes), -ENOMEM, -EIO, -ENODEV. In a build without the GPU path the second says -ENODEV. */
int fv_detector_cpu_create(const struct fv_detector_params *params,
                           struct fv_detector **ret_detector, struct fv_error *err);
int fv_detector_gpu_create(const struct fv_detector_params *params,
                           struct fv_detector **ret_detector, struct fv_error *err);
void fv_detector_destroy(struct fv_detector *detector); /* NULL is fine */

/* For the forms: what `params` say about boxes. */
struct fv_boxes_params fv_detector_boxes(const struct fv_detector_params *params);

/* For the forms: what the model says about its input, for the letterbox. */
struct fv_tensor_spec;
void fv_detector_tensor_spec(const struct fv_model *model, struct fv_tensor_spec *ret_spec);

#endif

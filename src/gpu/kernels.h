// SPDX-License-Identifier: Apache-2.0
/*
 * Fovea's kernels on one GPU: pictures -> tensor, network output -> boxes. Each has its plain-C twin in kernels/, which is its
 * definition; tests compare them. The PTX is built with the program and lies inside it.
 *
 * All launches are enqueued; nothing here waits or allocates. One user thread at a time. A lane is used again only when the stream
 * has passed its last launches and its boxes were read.
 */
#ifndef FV_GPU_KERNELS_H
#define FV_GPU_KERNELS_H

#include "flow.h"
#include "gpu/gpu.h"
#include "kernels/candidates.h"
#include "kernels/letterbox.h"

struct fv_gpu_kernels;

struct fv_gpu_kernels_params {
    struct fv_gpu *gpu;
    unsigned max_batch; /* pictures per launch */
    unsigned lanes;     /* launches in flight that do not share scratch memory, at least 1 */
    struct fv_tensor_spec spec; /* of the network's input */
    enum fv_element input;      /* element type of the tensor */
    /* Network output -> boxes. `wanted` and `priors` are copied. */
    struct fv_box_spec boxes;
    size_t
        scores_offset; /* bytes from the first output to the second; layouts with one: not read */
    enum fv_element output;
    struct fv_nms_params nms; /* max_boxes at most FV_DETECTIONS_MAX */
};

/* 0, -ENOMEM, -EINVAL, -ENODEV, -EIO (the driver cannot compile the PTX: err has its words). */
int fv_gpu_kernels_create(const struct fv_gpu_kernels_params *params,
                          struct fv_gpu_kernels **ret_kernels, struct fv_error *err);
void fv_gpu_kernels_destroy(struct fv_gpu_kernels *kernels); /* its work is done; NULL is fine */

struct fv_gpu_letterbox_batch {
    struct fv_picture *const *pictures; /* count; memory is FV_MEMORY_DEVICE */
    const struct fv_letterbox *places;  /* count */
    unsigned count;                     /* 1 .. max_batch */
    fv_gpu_address tensor;
};

/*
 * One launch for `count` pictures of any sizes and formats in device memory -> images 0 .. count-1 of the tensor
 * [max_batch, 3, height, width] at `tensor`; every element of these images is written. Gates `stream` on the pictures' `ready`
 * events. The pictures stay referenced and mapped until the stream passed the launch.
 */
int fv_gpu_letterbox(struct fv_gpu_kernels *kernels, unsigned lane, struct fv_gpu_stream *stream,
                     const struct fv_gpu_letterbox_batch *batch, struct fv_error *err);

/* Boxes of the first `count` images of the network's outputs (kernels/candidates.h), the first of which lies at `output`, in tensor
 * pixels. */
int fv_gpu_boxes(struct fv_gpu_kernels *kernels, unsigned lane, struct fv_gpu_stream *stream,
                 fv_gpu_address output, unsigned count, struct fv_error *err);

/* After the stream passed fv_gpu_boxes: detections of image `index` by falling score; accounts the bytes that came to the host.
 * Returns their number; *ret_dropped (may be NULL) counts candidates beyond the limits. */
uint32_t fv_gpu_boxes_read(struct fv_gpu_kernels *kernels, unsigned lane, unsigned index,
                           struct fv_detection *out, uint32_t *ret_dropped);

#endif

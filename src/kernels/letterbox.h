// SPDX-License-Identifier: Apache-2.0
/*
 * Picture -> network input, one pass: crop to the plan, resize, YUV to RGB, channel order,
 * normalise, NCHW. This is the plain-C twin of the CUDA kernel: the definition that the kernel
 * must match.
 *
 * Resize: the average over the source area of each output pixel when shrinking, bilinear with
 * half-pixel centres when enlarging; luma and chroma planes are filtered each in its own grid
 * (chroma sited at the centre of its 2x2 luma block) before conversion, in float. Conversion:
 * BT.601 or BT.709, limited or full range, clamped to 0..1, then times `range`, minus mean, by
 * std.
 */
#ifndef FV_KERNELS_LETTERBOX_H
#define FV_KERNELS_LETTERBOX_H

#include "flow.h"

struct fv_tensor_spec {
    uint32_t width, height;
    bool bgr;
    float range, mean[3], std[3]; /* per channel in the tensor's order; std is not 0 */
    float pad_value;              /* in units of range: normalised like a picture's value */
};

/* Filter weights and row buffers for one thread; reused while sizes stay the same. */
struct fv_resizer;

int fv_resizer_create(struct fv_resizer **ret_resizer);
void fv_resizer_destroy(struct fv_resizer *resizer);
/* `picture` is in host memory. `out`: float32 [3, height, width], all of it is written. 0,
 * -ENOTSUP (pixel format, device memory), -EINVAL (a side of 0 or above 16384, box not inside the
 * tensor), -ENOMEM. */
int fv_letterbox_run(struct fv_resizer *resizer, const struct fv_picture *picture,
                     const struct fv_letterbox *box, const struct fv_tensor_spec *spec, float *out);

#endif

// SPDX-License-Identifier: Apache-2.0
/*
 * Picture -> what JPEG files hold: planes Y, Cb, Cr of 8 bits, 4:2:0, BT.601 in full range (JFIF 1.02, ITU-T T.871). This is the
 * plain-C twin of the CUDA kernel: the definition that the kernel must match to the bit.
 *
 * Whole numbers only: samples in parts of 1/256 of an 8-bit level, factors in parts of 2^14 (struct fv_recode, layout.h). The RGB in
 * between is never made, nor clamped; a pixel's luma takes the chroma of its 2x2 block. Where a side is odd, its last column or row of
 * luma is written twice: encoders read whole blocks.
 */
#ifndef FV_KERNELS_RECODE_H
#define FV_KERNELS_RECODE_H

#include "flow.h"
#include "kernels/layout.h"

#define FV_RECODE_SIDE_MAX 16384u

struct fv_recode_planes {
    uint8_t
        *plane[3]; /* Y, Cb, Cr; chroma is (width + 1) / 2 x (height + 1) / 2, luma twice that */
    size_t pitch[3];
};

/* The factors for this picture's matrix and range. */
void fv_recode_init(struct fv_recode *recode, const struct fv_picture *picture);
/* By how much a stored sample is shifted to the left to be in parts of 1/256. */
uint32_t fv_recode_shift(enum fv_pixel_format format);
/* `picture` is in host memory. All of `out` is written. 0, -ENOTSUP (pixel format, device memory), -EINVAL (a side of 0 or above
 * FV_RECODE_SIDE_MAX). */
int fv_recode_run(const struct fv_picture *picture, const struct fv_recode_planes *out);

#endif

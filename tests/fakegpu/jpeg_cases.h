// SPDX-License-Identifier: Apache-2.0
/* Pictures that a JPEG can hold, and how near a JPEG comes to one; for the look-alike of nvJPEG and for a real one alike. */
#ifndef FV_TESTS_FAKEGPU_JPEG_CASES_H
#define FV_TESTS_FAKEGPU_JPEG_CASES_H

#include "fakegpu/kernel_cases.h"

/* Makes the picture's samples waves, of Y, Cb and Cr in other directions, within the limited range. */
void fv_case_smooth(struct fv_case_picture *c, uint32_t phase);

/* The lowest PSNR of the three planes, in dB, of the JPEG against what the twin makes of the picture (in host memory). Below 0: it is
 * no 4:2:0 JPEG of this size. */
double fv_case_jpeg_psnr(const uint8_t *data, size_t size, const struct fv_picture *picture);

#endif

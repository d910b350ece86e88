// SPDX-License-Identifier: Apache-2.0
/* YCbCr samples -> one normalised channel of the network's input, as three factors and a constant.
 */
#ifndef FV_KERNELS_COLOUR_H
#define FV_KERNELS_COLOUR_H

#include "kernels/layout.h"
#include "kernels/letterbox.h"

/* For samples as they are stored in the picture's format (8 bit, 10 bit, 16 bit). */
void fv_colour_init(struct fv_colour *colour, const struct fv_picture *picture,
                    const struct fv_tensor_spec *spec);
/* `samples`: rows of Y, Cb and Cr. */
void fv_colour_row(const struct fv_colour_channel *channel, const float *const samples[3],
                   uint32_t count, float *out);

#endif

// SPDX-License-Identifier: Apache-2.0
#include "kernels/colour.h"

/* Where black and white of luma and the middle and the span of chroma lie (ITU-T H.273 8.3). */
struct levels {
    double black, luma, middle, chroma;
};

static struct levels levels_of(const struct fv_picture *picture)
{
    double one = 1;    /* limited range: how much a level of 8 bits is */
    double last = 255; /* full range: the highest sample */
    if (picture->format == FV_PIXEL_I010) {
        one = 4;
        last = 1023;
    } else if (picture->format == FV_PIXEL_P016) {
        /* The number of significant bits is not known; 16 is wrong by less than 0.1 %. */
        one = 256;
        last = 65535;
    }
    if (picture->full_range)
        return (struct levels){0, last, 128 * one, last};
    return (struct levels){16 * one, 219 * one, 128 * one, 224 * one};
}

/* Factors of normalised Cb and Cr in R, G and B follow from the weights of red and blue in luma
 * (BT.601 2.5, BT.709 3). */
static void matrix_of(enum fv_matrix matrix, double cb[3], double cr[3])
{
    const double red = matrix == FV_MATRIX_BT709 ? 0.2126 : 0.299;
    const double blue = matrix == FV_MATRIX_BT709 ? 0.0722 : 0.114;
    const double green = 1 - red - blue;
    cb[0] = 0;
    cr[0] = 2 * (1 - red);
    cb[1] = -2 * blue * (1 - blue) / green;
    cr[1] = -2 * red * (1 - red) / green;
    cb[2] = 2 * (1 - blue);
    cr[2] = 0;
}

void fv_colour_init(struct fv_colour *colour, const struct fv_picture *picture,
                    const struct fv_tensor_spec *spec)
{
    const struct levels levels = levels_of(picture);
    double cb[3], cr[3];
    matrix_of(picture->matrix, cb, cr);
    for (int i = 0; i < 3; i++) {
        int rgb = spec->bgr ? 2 - i : i;
        double constant =
            -levels.black / levels.luma - (cb[rgb] + cr[rgb]) * levels.middle / levels.chroma;
        colour->channel[i] = (struct fv_colour_channel){
            .y = (float)(1 / levels.luma),
            .cb = (float)(cb[rgb] / levels.chroma),
            .cr = (float)(cr[rgb] / levels.chroma),
            .constant = (float)constant,
            .gain = spec->range / spec->std[i],
            .bias = -spec->mean[i] / spec->std[i],
        };
    }
}

void fv_colour_row(const struct fv_colour_channel *channel, const float *const samples[3],
                   uint32_t count, float *restrict out)
{
    const float *restrict luma = samples[0], *restrict cb = samples[1], *restrict cr = samples[2];
    const struct fv_colour_channel c = *channel;
    for (uint32_t x = 0; x < count; x++) {
        float value = c.y * luma[x] + (c.cb * cb[x] + c.cr * cr[x]) + c.constant;
        value = value > 0 ? value : 0;
        value = value < 1 ? value : 1;
        out[x] = value * c.gain + c.bias;
    }
}

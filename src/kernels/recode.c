// SPDX-License-Identifier: Apache-2.0
#include "kernels/recode.h"

#include <errno.h>
#include <math.h>

#define ONE 16384.0 /* 2^14 */

void fv_recode_init(struct fv_recode *recode, const struct fv_picture *picture)
{
    const double luma = picture->full_range ? 1 : 255.0 / 219;
    const double chroma = picture->full_range ? ONE : ONE * 255 / 224;
    *recode = (struct fv_recode){.black = picture->full_range ? 0 : 16 * 256,
                                 .y = (int32_t)lrint(luma * ONE),
                                 .cb_cb = (int32_t)lrint(chroma),
                                 .cr_cr = (int32_t)lrint(chroma)};
    if (picture->matrix == FV_MATRIX_BT709) {
        /* (RGB -> BT.601) x (BT.709 -> RGB), from the weights of BT.601 2.5 and BT.709 3. */
        recode->y_cb = (int32_t)lrint(0.101579 * chroma);
        recode->y_cr = (int32_t)lrint(0.196076 * chroma);
        recode->cb_cb = (int32_t)lrint(0.989854 * chroma);
        recode->cb_cr = (int32_t)lrint(-0.110653 * chroma);
        recode->cr_cb = (int32_t)lrint(-0.072453 * chroma);
        recode->cr_cr = (int32_t)lrint(0.983398 * chroma);
    }
}

uint32_t fv_recode_shift(enum fv_pixel_format format)
{
    switch (format) {
    case FV_PIXEL_P016:
        return 0;
    case FV_PIXEL_I010:
        return 6;
    default:
        return 8;
    }
}

static inline int32_t sample(const uint8_t *row, size_t i, bool wide, uint32_t shift)
{
    const uint32_t stored = wide ? (uint32_t)row[2 * i] | (uint32_t)row[2 * i + 1] << 8 : row[i];
    return (int32_t)(stored << shift);
}

/* From parts of 2^22 of a level. */
static inline uint8_t to_byte(int32_t value)
{
    value += 1 << 21;
    if (value < 0)
        return 0;
    return value >= 255 << 22 ? 255 : (uint8_t)(value >> 22);
}

/* One row of chroma and the two rows of luma over it; inlined with constant `shift`. */
static inline __attribute__((always_inline)) void recode_rows(const struct fv_picture *picture,
                                                              const struct fv_recode_planes *out,
                                                              uint32_t row, struct fv_recode r,
                                                              uint32_t shift)
{
    const bool wide = shift < 8;
    const bool interleaved = picture->format == FV_PIXEL_NV12 || picture->format == FV_PIXEL_P016;
    const size_t step = interleaved ? 2 : 1, second = interleaved ? 1 : 2;
    const uint8_t *from_cb = picture->plane[1] + row * picture->pitch[1];
    const uint8_t *from_cr = picture->plane[second] + row * picture->pitch[second];
    const uint32_t width = picture->info.width;
    const size_t below = 2 * row + 1 < picture->info.height;
    for (size_t x = 0; x < (width + 1) / 2; x++) {
        const int32_t cb = sample(from_cb, x * step, wide, shift) - 32768;
        const int32_t cr = sample(from_cr, x * step + (step - 1), wide, shift) - 32768;
        const int32_t bias = r.y_cb * cb + r.y_cr * cr;
        out->plane[1][row * out->pitch[1] + x] = to_byte((128 << 22) + r.cb_cb * cb + r.cb_cr * cr);
        out->plane[2][row * out->pitch[2] + x] = to_byte((128 << 22) + r.cr_cb * cb + r.cr_cr * cr);
        for (size_t y = 0; y < 2; y++) {
            const uint8_t *from =
                picture->plane[0] + (2 * (size_t)row + (y & below)) * picture->pitch[0];
            uint8_t *to = out->plane[0] + (2 * (size_t)row + y) * out->pitch[0] + 2 * x;
            const size_t next = 2 * x + 1 < width ? 2 * x + 1 : 2 * x;
            to[0] = to_byte(r.y * (sample(from, 2 * x, wide, shift) - r.black) + bias);
            to[1] = to_byte(r.y * (sample(from, next, wide, shift) - r.black) + bias);
        }
    }
}

static bool is_side(uint32_t side)
{
    return side > 0 && side <= FV_RECODE_SIDE_MAX;
}

int fv_recode_run(const struct fv_picture *picture, const struct fv_recode_planes *out)
{
    if (picture->memory != FV_MEMORY_HOST || (unsigned)picture->format > FV_PIXEL_I010)
        return -ENOTSUP;
    if (!is_side(picture->info.width) || !is_side(picture->info.height))
        return -EINVAL;
    struct fv_recode recode;
    fv_recode_init(&recode, picture);
    for (uint32_t row = 0; row < (picture->info.height + 1) / 2; row++) {
        if (picture->format == FV_PIXEL_P016)
            recode_rows(picture, out, row, recode, 0);
        else if (picture->format == FV_PIXEL_I010)
            recode_rows(picture, out, row, recode, 6);
        else
            recode_rows(picture, out, row, recode, 8);
    }
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
#include "fakegpu/jpeg_cases.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <turbojpeg.h>

#include "kernels/recode.h"

/* 64..191 and back in 256 steps. */
static uint32_t wave(uint32_t at)
{
    at &= 255;
    return 64 + (at < 128 ? at : 255 - at);
}

static void put(struct fv_case_picture *c, int plane, size_t index, uint32_t level, uint32_t row)
{
    uint8_t *at = c->memory + c->offset[plane] + row * c->picture.pitch[plane];
    const enum fv_pixel_format format = c->picture.format;
    if (format == FV_PIXEL_NV12 || format == FV_PIXEL_I420) {
        at[index] = (uint8_t)level;
        return;
    }
    const uint32_t stored = format == FV_PIXEL_P016 ? level << 8 : level << 2;
    at[2 * index] = (uint8_t)stored;
    at[2 * index + 1] = (uint8_t)(stored >> 8);
}

void fv_case_smooth(struct fv_case_picture *c, uint32_t phase)
{
    const uint32_t width = c->picture.info.width, height = c->picture.info.height;
    const bool pairs = c->picture.format == FV_PIXEL_NV12 || c->picture.format == FV_PIXEL_P016;
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++)
            put(c, 0, x, wave(x + 2 * y + phase), y);
    for (uint32_t y = 0; y < (height + 1) / 2; y++)
        for (uint32_t x = 0; x < (width + 1) / 2; x++) {
            put(c, 1, pairs ? 2 * x : x, wave(x + phase), y);
            put(c, pairs ? 1 : 2, pairs ? 2 * x + 1 : x, wave(y + 3 * phase), y);
        }
}

/* Planes of whole 2x2 blocks, as libturbojpeg writes them, one behind the other. */
struct planes {
    size_t width[3], rows[3]; /* visible */
    size_t pitch[3];
    uint8_t *memory, *plane[3];
};

static struct planes make_planes(uint32_t width, uint32_t height)
{
    const size_t columns = (width + 1) / 2, rows = (height + 1) / 2;
    struct planes planes = {.width = {width, columns, columns},
                            .rows = {height, rows, rows},
                            .pitch = {2 * columns, columns, columns}};
    planes.memory = malloc(6 * columns * rows);
    if (!planes.memory)
        abort();
    planes.plane[0] = planes.memory;
    planes.plane[1] = planes.plane[0] + 4 * columns * rows;
    planes.plane[2] = planes.plane[1] + columns * rows;
    return planes;
}

static double psnr(const struct planes *a, const struct planes *b, int plane)
{
    const double count = (double)a->width[plane] * (double)a->rows[plane];
    double sum = 0;
    for (size_t y = 0; y < a->rows[plane]; y++)
        for (size_t x = 0; x < a->width[plane]; x++) {
            const double difference = (double)a->plane[plane][y * a->pitch[plane] + x] -
                                      (double)b->plane[plane][y * b->pitch[plane] + x];
            sum += difference * difference;
        }
    return sum > 0 ? 10 * log10(255.0 * 255.0 * count / sum) : 100;
}

static bool decode(const uint8_t *data, size_t size, const struct fv_frame_info *info,
                   struct planes *out)
{
    tjhandle jpeg = tjInitDecompress();
    int width = 0, height = 0, sampling = 0, space = 0;
    bool good = tjDecompressHeader3(jpeg, data, size, &width, &height, &sampling, &space) == 0 &&
                width == (int)info->width && height == (int)info->height &&
                sampling == TJSAMP_420 && space == TJCS_YCbCr;
    if (good) {
        int strides[3] = {(int)out->pitch[0], (int)out->pitch[1], (int)out->pitch[2]};
        good = tjDecompressToYUVPlanes(jpeg, data, size, out->plane, 0, strides, 0, 0) == 0;
    }
    tjDestroy(jpeg);
    return good;
}

double fv_case_jpeg_psnr(const uint8_t *data, size_t size, const struct fv_picture *picture)
{
    struct planes got = make_planes(picture->info.width, picture->info.height);
    struct planes want = make_planes(picture->info.width, picture->info.height);
    const struct fv_recode_planes out = {{want.plane[0], want.plane[1], want.plane[2]},
                                         {want.pitch[0], want.pitch[1], want.pitch[2]}};
    double worst = -1;
    if (fv_recode_run(picture, &out) < 0)
        abort();
    if (decode(data, size, &picture->info, &got)) {
        worst = 100;
        for (int i = 0; i < 3; i++)
            worst = fmin(worst, psnr(&got, &want, i));
    }
    free(got.memory);
    free(want.memory);
    return worst;
}

// SPDX-License-Identifier: Apache-2.0
#include "sink/canvas.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"

#define SIDE_MAX 16384

/* YCbCr of one matrix in another: the RGB in between is never made. Rows: Y, Cb, Cr; what Cb and
 * Cr add (Y itself stays). */
struct recode {
    double luma_gain, luma_black, chroma_gain;
    double y_cb, y_cr, cb_cb, cb_cr, cr_cb, cr_cr;
};

static struct recode recode_of(const struct fv_picture *picture)
{
    struct recode r = {.luma_gain = 1, .chroma_gain = 1, .cb_cb = 1, .cr_cr = 1};
    if (!picture->full_range) {
        r.luma_gain = 255.0 / 219;
        r.luma_black = 16;
        r.chroma_gain = 255.0 / 224;
    }
    if (picture->matrix == FV_MATRIX_BT709) {
        /* (RGB -> BT.601) x (BT.709 -> RGB), from the weights of BT.601 2.5 and BT.709 3. */
        r.y_cb = 0.101579;
        r.y_cr = 0.196076;
        r.cb_cb = 0.989854;
        r.cb_cr = -0.110653;
        r.cr_cb = -0.072453;
        r.cr_cr = 0.983398;
    }
    return r;
}

/* Sample i of a row, the eight most significant bits. */
static inline uint8_t sample(const uint8_t *row, size_t i, enum fv_pixel_format format)
{
    switch (format) {
    case FV_PIXEL_P016:
        return row[2 * i + 1];
    case FV_PIXEL_I010:
        return (uint8_t)(row[2 * i] >> 2 | row[2 * i + 1] << 6);
    default:
        return row[i];
    }
}

static uint8_t to_byte(double value)
{
    return (uint8_t)(fmin(fmax(value, 0), 255) + 0.5);
}

static void load_chroma_row(struct fv_canvas_memory *memory, const struct fv_picture *picture,
                            const struct recode *r, int row)
{
    const struct fv_canvas *canvas = &memory->canvas;
    const bool interleaved = picture->format == FV_PIXEL_NV12 || picture->format == FV_PIXEL_P016;
    const size_t step = interleaved ? 2 : 1;
    const size_t second = interleaved ? 1 : 2; /* the plane of Cr */
    const uint8_t *from_cb = picture->plane[1] + (size_t)row * picture->pitch[1];
    const uint8_t *from_cr = picture->plane[second] + (size_t)row * picture->pitch[second];
    uint8_t *to_cb = canvas->plane[1] + (size_t)row * canvas->pitch[1];
    uint8_t *to_cr = canvas->plane[2] + (size_t)row * canvas->pitch[2];
    const size_t count = ((size_t)canvas->width + 1) / 2;
    for (size_t x = 0; x < count; x++) {
        double cb = (sample(from_cb, x * step, picture->format) - 128) * r->chroma_gain;
        double cr =
            (sample(from_cr, x * step + (step - 1), picture->format) - 128) * r->chroma_gain;
        to_cb[x] = to_byte(128 + r->cb_cb * cb + r->cb_cr * cr);
        to_cr[x] = to_byte(128 + r->cr_cb * cb + r->cr_cr * cr);
        memory->luma_shift[x] = (int16_t)lrint(r->y_cb * cb + r->y_cr * cr);
    }
}

static void load_luma_row(struct fv_canvas_memory *memory, const struct fv_picture *picture,
                          const int16_t levels[256], int row)
{
    const uint8_t *from = picture->plane[0] + (size_t)row * picture->pitch[0];
    uint8_t *to = memory->canvas.plane[0] + (size_t)row * memory->canvas.pitch[0];
    for (size_t x = 0; x < (size_t)memory->canvas.width; x++) {
        int value = levels[sample(from, x, picture->format)] + memory->luma_shift[x / 2];
        to[x] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
    }
}

static int reserve(struct fv_canvas_memory *memory, size_t size, size_t shift_count)
{
    if (size > memory->size) {
        uint8_t *grown = fv_realloc(memory->memory, size);
        if (!grown)
            return -ENOMEM;
        memory->memory = grown;
        memory->size = size;
    }
    if (shift_count > memory->shift_count) {
        int16_t *grown = fv_realloc(memory->luma_shift, shift_count * sizeof(*grown));
        if (!grown)
            return -ENOMEM;
        memory->luma_shift = grown;
        memory->shift_count = shift_count;
    }
    return 0;
}

/* Lays the canvas's planes out for a picture of this size. */
static int set_size(struct fv_canvas_memory *memory, uint32_t width, uint32_t height)
{
    if (!width || !height || width > SIDE_MAX || height > SIDE_MAX)
        return -EINVAL;
    const size_t chroma_width = (width + 1) / 2, chroma_height = (height + 1) / 2;
    const size_t luma = (size_t)width * height, chroma = chroma_width * chroma_height;
    int code = reserve(memory, luma + 2 * chroma, chroma_width);
    if (code < 0)
        return code;
    memory->canvas = (struct fv_canvas){
        .plane = {memory->memory, memory->memory + luma, memory->memory + luma + chroma},
        .pitch = {width, chroma_width, chroma_width},
        .width = (int)width,
        .height = (int)height,
    };
    return 0;
}

int fv_canvas_load(struct fv_canvas_memory *memory, const struct fv_picture *picture)
{
    if (picture->memory != FV_MEMORY_HOST || (unsigned)picture->format > FV_PIXEL_I010)
        return -ENOTSUP;
    int code = set_size(memory, picture->info.width, picture->info.height);
    if (code < 0)
        return code;
    const struct recode r = recode_of(picture);
    int16_t levels[256];
    for (int i = 0; i < 256; i++)
        levels[i] = (int16_t)lrint((i - r.luma_black) * r.luma_gain);
    for (int y = 0; y < memory->canvas.height; y++) {
        if (y % 2 == 0)
            load_chroma_row(memory, picture, &r, y / 2);
        load_luma_row(memory, picture, levels, y);
    }
    return 0;
}

void fv_canvas_finish(struct fv_canvas_memory *memory)
{
    fv_free(memory->memory);
    fv_free(memory->luma_shift);
    memset(memory, 0, sizeof(*memory));
}

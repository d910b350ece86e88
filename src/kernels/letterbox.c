// SPDX-License-Identifier: Apache-2.0
/*
 * One output row at a time: the source rows that it covers are blended into one row of full width
 * (the inner loops there are long and vectorise), that row is filtered to the output's width, and
 * three such rows become one row of each tensor plane.
 */
#include "kernels/letterbox.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "kernels/colour.h"
#include "kernels/filter.h"

#define SIDE_MAX 16384u

struct fv_resizer {
    struct fv_filter luma_x, luma_y, chroma_x, chroma_y;
    float *memory; /* blended row, then the three scaled ones */
    size_t memory_count;
    float *blended, *scaled[3];
};

/* One plane as the row blender sees it: interleaved chroma is a row of twice as many samples. */
struct plane {
    const uint8_t *data;
    size_t pitch;
    uint32_t samples; /* per row */
    bool wide;        /* 16-bit samples */
};

int fv_resizer_create(struct fv_resizer **ret_resizer)
{
    struct fv_resizer *resizer = FV_NEW(struct fv_resizer);
    if (!resizer)
        return -ENOMEM;
    *ret_resizer = resizer;
    return 0;
}

void fv_resizer_destroy(struct fv_resizer *resizer)
{
    if (!resizer)
        return;
    fv_filter_finish(&resizer->luma_x);
    fv_filter_finish(&resizer->luma_y);
    fv_filter_finish(&resizer->chroma_x);
    fv_filter_finish(&resizer->chroma_y);
    fv_free(resizer->memory);
    fv_free(resizer);
}

static uint32_t half(uint32_t side)
{
    return (side + 1) / 2;
}

static int reserve_rows(struct fv_resizer *resizer, uint32_t source_width, uint32_t width)
{
    size_t blended = 2 * (size_t)half(source_width);
    size_t count = blended + 3 * (size_t)width;
    if (count > resizer->memory_count) {
        float *memory = fv_realloc(resizer->memory, count * sizeof(*memory));
        if (!memory)
            return -ENOMEM;
        resizer->memory = memory;
        resizer->memory_count = count;
    }
    resizer->blended = resizer->memory;
    for (int i = 0; i < 3; i++)
        resizer->scaled[i] = resizer->memory + blended + (size_t)i * width;
    return 0;
}

static int set_filters(struct fv_resizer *resizer, const struct fv_frame_info *info,
                       const struct fv_letterbox *box)
{
    const struct fv_filter_axis luma_x = {info->width, info->width, 1, box->width};
    const struct fv_filter_axis luma_y = {info->height, info->height, 1, box->height};
    const struct fv_filter_axis chroma_x = {half(info->width), info->width, 2, box->width};
    const struct fv_filter_axis chroma_y = {half(info->height), info->height, 2, box->height};
    int code = fv_filter_set(&resizer->luma_x, &luma_x);
    if (code == 0)
        code = fv_filter_set(&resizer->luma_y, &luma_y);
    if (code == 0)
        code = fv_filter_set(&resizer->chroma_x, &chroma_x);
    if (code == 0)
        code = fv_filter_set(&resizer->chroma_y, &chroma_y);
    return code;
}

/* out[x] += the weighted sum of four rows: one load and store of `out` for four of the source. */
#define DEFINE_ADD_ROWS(name, type)                                                                \
    static void name(float *restrict out, const void *const rows[4], const float weight[4],        \
                     uint32_t count)                                                               \
    {                                                                                              \
        const type *a = rows[0], *b = rows[1], *c = rows[2], *d = rows[3];                         \
        const float wa = weight[0], wb = weight[1], wc = weight[2], wd = weight[3];                \
        for (uint32_t x = 0; x < count; x++)                                                       \
            out[x] +=                                                                              \
                (wa * (float)a[x] + wb * (float)b[x]) + (wc * (float)c[x] + wd * (float)d[x]);     \
    }
DEFINE_ADD_ROWS(add_rows_8, uint8_t)
DEFINE_ADD_ROWS(add_rows_16, uint16_t)

static void blend_rows(const struct plane *plane, const struct fv_filter *filter, uint32_t row,
                       float *out)
{
    const float *weights = filter->weight + (size_t)row * filter->taps;
    memset(out, 0, plane->samples * sizeof(*out));
    for (uint32_t k = 0; k < filter->taps; k += 4) {
        /* Places without a tap repeat the first row with weight 0: nothing outside the plane is
         * read. */
        const void *rows[4];
        float weight[4] = {0};
        for (uint32_t j = 0; j < 4; j++) {
            bool used = k + j < filter->taps;
            rows[j] = plane->data + (filter->first[row] + k + (used ? j : 0)) * plane->pitch;
            weight[j] = used ? weights[k + j] : 0;
        }
        if (plane->wide)
            add_rows_16(out, rows, weight, plane->samples);
        else
            add_rows_8(out, rows, weight, plane->samples);
    }
}

/* Inlined with constant taps and stride, so that the compiler unrolls the sum. */
static inline __attribute__((always_inline)) void filter_taps(const struct fv_filter *filter,
                                                              const float *restrict in,
                                                              uint32_t stride, float *restrict out,
                                                              uint32_t taps)
{
    const float *restrict weight = filter->weight;
    const uint32_t *restrict first = filter->first;
    const uint32_t count = filter->axis.out;
    for (uint32_t x = 0; x < count; x++, weight += taps) {
        const float *from = in + (size_t)first[x] * stride;
        float sum = 0;
        for (uint32_t k = 0; k < taps; k++)
            sum += weight[k] * from[k * stride];
        out[x] = sum;
    }
}

static inline __attribute__((always_inline)) void
filter_row(const struct fv_filter *filter, const float *in, uint32_t stride, float *out)
{
    switch (filter->taps) {
    case 2:
        return filter_taps(filter, in, stride, out, 2);
    case 3:
        return filter_taps(filter, in, stride, out, 3);
    case 4:
        return filter_taps(filter, in, stride, out, 4);
    case 5:
        return filter_taps(filter, in, stride, out, 5);
    case 6:
        return filter_taps(filter, in, stride, out, 6);
    default:
        return filter_taps(filter, in, stride, out, filter->taps);
    }
}

static bool is_wide(enum fv_pixel_format format)
{
    return format == FV_PIXEL_P016 || format == FV_PIXEL_I010;
}

/* Row `row` of the scaled picture: luma, Cb and Cr in resizer->scaled. */
static void scale_row(struct fv_resizer *resizer, const struct fv_picture *picture, uint32_t row)
{
    const bool wide = is_wide(picture->format);
    const uint32_t chroma = half(picture->info.width);
    const struct plane luma = {picture->plane[0], picture->pitch[0], picture->info.width, wide};
    blend_rows(&luma, &resizer->luma_y, row, resizer->blended);
    filter_row(&resizer->luma_x, resizer->blended, 1, resizer->scaled[0]);
    if (picture->format == FV_PIXEL_NV12 || picture->format == FV_PIXEL_P016) {
        const struct plane both = {picture->plane[1], picture->pitch[1], 2 * chroma, wide};
        blend_rows(&both, &resizer->chroma_y, row, resizer->blended);
        filter_row(&resizer->chroma_x, resizer->blended, 2, resizer->scaled[1]);
        filter_row(&resizer->chroma_x, resizer->blended + 1, 2, resizer->scaled[2]);
        return;
    }
    for (int i = 1; i < 3; i++) {
        const struct plane plane = {picture->plane[i], picture->pitch[i], chroma, wide};
        blend_rows(&plane, &resizer->chroma_y, row, resizer->blended);
        filter_row(&resizer->chroma_x, resizer->blended, 1, resizer->scaled[i]);
    }
}

static void fill(float *out, float value, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = value;
}

/* Everything of one tensor plane that the picture does not cover. */
static void pad_plane(const struct fv_letterbox *box, const struct fv_tensor_spec *spec,
                      float value, float *plane)
{
    const size_t width = spec->width;
    const size_t right = (size_t)box->x + box->width;
    const size_t bottom = (size_t)box->y + box->height;
    fill(plane, value, box->y * width);
    for (size_t y = box->y; y < bottom; y++) {
        fill(plane + y * width, value, box->x);
        fill(plane + y * width + right, value, width - right);
    }
    fill(plane + bottom * width, value, (spec->height - bottom) * width);
}

static int check(const struct fv_picture *picture, const struct fv_letterbox *box,
                 const struct fv_tensor_spec *spec)
{
    if (picture->memory != FV_MEMORY_HOST || (unsigned)picture->format > FV_PIXEL_I010)
        return -ENOTSUP;
    const struct fv_frame_info *info = &picture->info;
    if (!info->width || !info->height || info->width > SIDE_MAX || info->height > SIDE_MAX)
        return -EINVAL;
    if (!box->width || !box->height || box->width > SIDE_MAX || box->height > SIDE_MAX)
        return -EINVAL;
    if ((uint32_t)box->x + box->width > spec->width ||
        (uint32_t)box->y + box->height > spec->height)
        return -EINVAL;
    return 0;
}

int fv_letterbox_run(struct fv_resizer *resizer, const struct fv_picture *picture,
                     const struct fv_letterbox *box, const struct fv_tensor_spec *spec, float *out)
{
    int code = check(picture, box, spec);
    if (code == 0)
        code = set_filters(resizer, &picture->info, box);
    if (code == 0)
        code = reserve_rows(resizer, picture->info.width, box->width);
    if (code < 0)
        return code;

    const size_t plane = (size_t)spec->width * spec->height;
    for (int i = 0; i < 3; i++)
        pad_plane(box, spec, (spec->pad_value - spec->mean[i]) / spec->std[i],
                  out + (size_t)i * plane);

    struct fv_colour colour;
    fv_colour_init(&colour, picture, spec);
    for (uint32_t y = 0; y < box->height; y++) {
        float *at = out + (size_t)(box->y + y) * spec->width + box->x;
        scale_row(resizer, picture, y);
        for (int i = 0; i < 3; i++)
            fv_colour_row(&colour.channel[i], (const float *const *)resizer->scaled, box->width,
                          at + (size_t)i * plane);
    }
    return 0;
}

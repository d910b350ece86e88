// SPDX-License-Identifier: Apache-2.0
#include "fakegpu/kernel_cases.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/half.h"

static void *allocate(size_t bytes)
{
    void *memory = malloc(bytes ? bytes : 1);
    if (!memory)
        abort();
    return memory;
}

/* --- Pictures --- */

/* Lays plane `index` behind what is there; its rows are `gap` samples longer than they need be. */
static void add_plane(struct fv_case_picture *c, int index, uint32_t samples, uint32_t rows,
                      uint32_t gap)
{
    const bool wide = c->picture.format == FV_PIXEL_P016 || c->picture.format == FV_PIXEL_I010;
    const size_t size = wide ? 2 : 1;
    c->picture.pitch[index] = (samples + gap) * size;
    c->offset[index] = (c->size + 3) / 4 * 4;
    c->size = c->offset[index] + c->picture.pitch[index] * (rows - 1) + samples * size;
}

static void scribble(struct fv_case_picture *c, struct fv_rand *rand)
{
    for (size_t i = 0; i < c->size; i++)
        c->memory[i] = (uint8_t)fv_rand_u64(rand);
    if (c->picture.format == FV_PIXEL_I010)
        for (size_t i = 1; i < c->size; i += 2)
            c->memory[i] &= 3; /* 10 bits */
}

void fv_case_picture_init(struct fv_case_picture *c, struct fv_rand *rand,
                          enum fv_pixel_format format, uint32_t width, uint32_t height)
{
    const uint32_t columns = (width + 1) / 2, rows = (height + 1) / 2;
    *c = (struct fv_case_picture){
        .picture = {.format = format,
                    .matrix = fv_rand_below(rand, 2) ? FV_MATRIX_BT709 : FV_MATRIX_BT601,
                    .full_range = fv_rand_below(rand, 2)}};
    c->picture.info.width = width;
    c->picture.info.height = height;
    add_plane(c, 0, width, height, (uint32_t)fv_rand_below(rand, 5));
    if (format == FV_PIXEL_NV12 || format == FV_PIXEL_P016) {
        add_plane(c, 1, 2 * columns, rows, 2 * (uint32_t)fv_rand_below(rand, 3));
    } else {
        add_plane(c, 1, columns, rows, (uint32_t)fv_rand_below(rand, 5));
        add_plane(c, 2, columns, rows, (uint32_t)fv_rand_below(rand, 5));
    }
    c->memory = allocate(c->size);
    scribble(c, rand);
    for (int i = 0; i < 3; i++)
        c->picture.plane[i] = c->picture.pitch[i] ? c->memory + c->offset[i] : NULL;
}

void fv_case_picture_finish(struct fv_case_picture *c)
{
    free(c->memory);
}

struct fv_tensor_spec fv_case_spec(struct fv_rand *rand, uint32_t limit)
{
    struct fv_tensor_spec spec = {.width = 1 + (uint32_t)fv_rand_below(rand, limit),
                                  .height = 1 + (uint32_t)fv_rand_below(rand, limit),
                                  .bgr = fv_rand_below(rand, 2),
                                  .range = 255,
                                  .std = {1, 1, 1},
                                  .pad_value = 114};
    if (fv_rand_below(rand, 2))
        return spec;
    spec.range = 1;
    spec.pad_value = 0.5f;
    for (int i = 0; i < 3; i++) {
        spec.mean[i] = 0.4f + 0.1f * (float)fv_rand_unit(rand);
        spec.std[i] = 0.2f + 0.1f * (float)fv_rand_unit(rand);
    }
    return spec;
}

struct fv_letterbox fv_case_place(struct fv_rand *rand, const struct fv_tensor_spec *spec)
{
    struct fv_letterbox place = {.width = (uint16_t)(1 + fv_rand_below(rand, spec->width)),
                                 .height = (uint16_t)(1 + fv_rand_below(rand, spec->height))};
    place.x = (uint16_t)fv_rand_below(rand, spec->width - place.width + 1);
    place.y = (uint16_t)fv_rand_below(rand, spec->height - place.height + 1);
    return place;
}

double fv_case_difference(const struct fv_tensor_spec *spec, enum fv_element element,
                          const float *want, const void *got)
{
    const size_t plane = (size_t)spec->width * spec->height;
    double worst = 0;
    for (size_t i = 0; i < 3 * plane; i++) {
        const double is = element == FV_ELEMENT_F16 ? fv_float_of_half(((const uint16_t *)got)[i])
                                                    : ((const float *)got)[i];
        double bound = FV_CASE_ROUNDING * spec->range / spec->std[i / plane];
        if (element == FV_ELEMENT_F16)
            bound += ldexp(fabs((double)want[i]), -11) + 0x1p-25;
        const double difference = fabs(is - want[i]) / bound;
        worst = difference > worst || isnan(difference) ? difference : worst;
        if (isnan(worst))
            return INFINITY;
    }
    return worst;
}

/* --- Boxes --- */

static float between(struct fv_rand *rand, double low, double high)
{
    return (float)(low + (high - low) * fv_rand_unit(rand));
}

static void put(struct fv_case_boxes *c, uint32_t row, uint32_t column, float value)
{
    const size_t at = (size_t)row * c->columns + column;
    c->half[at] = fv_half_of_float(value);
    c->output[at] = fv_float_of_half(c->half[at]);
}

/* A candidate: its box somewhere around its cell, a class or two with scores. */
static void put_candidate(struct fv_case_boxes *c, struct fv_rand *rand, uint32_t row)
{
    put(c, row, 0, between(rand, -1, 1));
    put(c, row, 1, between(rand, -1, 1));
    put(c, row, 2, between(rand, 0, 2));
    put(c, row, 3, between(rand, 0, 2));
    put(c, row, 4, between(rand, 0.8, 1));
    put(c, row, 5 + (uint32_t)fv_rand_below(rand, c->spec.classes), between(rand, 0.5, 1));
    put(c, row, 5 + (uint32_t)fv_rand_below(rand, c->spec.classes), between(rand, 0.5, 1));
}

void fv_case_boxes_fill(struct fv_case_boxes *c, struct fv_rand *rand, uint32_t count)
{
    memset(c->output, 0, sizeof(*c->output) * c->rows * c->columns);
    memset(c->half, 0, sizeof(*c->half) * c->rows * c->columns);
    for (uint32_t filled = 0, row = 0; filled < count && filled < c->rows;) {
        if (filled % 8 == 0) /* eight in a row of the grid lie close together */
            row = (uint32_t)fv_rand_below(rand, c->rows);
        while (c->output[(size_t)row * c->columns + 4] > 0)
            row = (row + 1) % c->rows;
        put_candidate(c, rand, row);
        filled++;
    }
}

static void put_box(struct fv_case_boxes *c, uint32_t row, const float values[6])
{
    for (uint32_t i = 0; i < 6; i++)
        put(c, row, i, values[i]);
}

/* Column and line of a row in its grid. */
static void cell_of(const struct fv_case_boxes *c, uint32_t row, uint32_t *ret_column,
                    uint32_t *ret_line, uint32_t *ret_stride)
{
    for (uint32_t i = 0; i < c->spec.stride_count; i++) {
        const uint32_t stride = c->spec.strides[i], columns = c->spec.width / stride;
        const uint32_t cells = columns * (c->spec.height / stride);
        *ret_column = row % columns;
        *ret_line = row / columns;
        *ret_stride = stride;
        if (row < cells)
            return;
        row -= cells;
    }
}

static void put_stacked(struct fv_case_boxes *c, struct fv_rand *rand, uint32_t row)
{
    uint32_t column = 0, line = 0, stride = 1;
    cell_of(c, row, &column, &line, &stride);
    const float middle_x = (float)c->spec.width / 2 / (float)stride;
    const float middle_y = (float)c->spec.height / 2 / (float)stride;
    const float side = logf(64 / (float)stride);
    put_box(c, row,
            (float[]){middle_x - (float)column, middle_y - (float)line, side, side, 1,
                      between(rand, 0.5, 1)});
}

static void put_row(struct fv_case_boxes *c, struct fv_rand *rand, enum fv_case_kind kind,
                    uint32_t row)
{
    switch (kind) {
    case FV_CASE_CROWDED:
        if (fv_rand_below(rand, 2))
            put_candidate(c, rand, row);
        break;
    case FV_CASE_EQUAL:
        put_box(c, row, (float[]){between(rand, 0, 1), between(rand, 0, 1), 0.7f, 0.7f, 1, 0.5f});
        break;
    case FV_CASE_STACKED:
        put_stacked(c, rand, row);
        break;
    case FV_CASE_APART:
        put_box(c, row, (float[]){0.5f, 0.5f, -1, -1, 1, between(rand, 0.3, 1)});
        break;
    case FV_CASE_NOISE:
        for (uint32_t i = 0; i < c->columns; i++)
            put(c, row, i, fv_float_of_half((uint32_t)fv_rand_below(rand, 65536)));
        put(c, row, 4, between(rand, 0, 1.2));
        break;
    default:
        break;
    }
}

static void choose_wanted(struct fv_case_boxes *c, struct fv_rand *rand)
{
    c->wanted = allocate(c->spec.classes);
    for (uint32_t i = 0; i < c->spec.classes; i++)
        c->wanted[i] = (uint8_t)fv_rand_below(rand, 2);
    c->spec.wanted = fv_rand_below(rand, 3) ? NULL : c->wanted;
}

void fv_case_boxes_init(struct fv_case_boxes *c, struct fv_rand *rand, enum fv_case_kind kind,
                        const struct fv_yolox_spec *spec)
{
    static const uint32_t most[] = {300, 300, 100, 7, 1, 0};
    static const uint32_t looked_at[] = {4096, 4096, 1000, 64, 33, 1};
    *c = (struct fv_case_boxes){.spec = *spec, .columns = 5 + spec->classes};
    c->spec.score_threshold = fv_rand_below(rand, 4) ? 0.25f : 0;
    c->nms.iou_threshold = fv_rand_below(rand, 4) ? 0.45f : between(rand, 0, 1);
    c->nms.max_boxes = most[fv_rand_below(rand, 6)];
    c->nms.max_candidates = looked_at[fv_rand_below(rand, 6)];
    for (uint32_t i = 0; i < spec->stride_count; i++)
        c->rows += (spec->width / spec->strides[i]) * (spec->height / spec->strides[i]);
    c->output = allocate(sizeof(*c->output) * c->rows * c->columns);
    c->half = allocate(sizeof(*c->half) * c->rows * c->columns);
    choose_wanted(c, rand);
    fv_case_boxes_fill(c, rand, kind == FV_CASE_SPARSE ? 1 + c->rows / 40 : 0);
    for (uint32_t row = 0; row < c->rows; row++)
        put_row(c, rand, kind, row);
}

void fv_case_boxes_finish(struct fv_case_boxes *c)
{
    free(c->output);
    free(c->half);
    free(c->wanted);
}

void fv_case_boxes_expect(const struct fv_case_boxes *c, struct fv_launch_result *ret_result)
{
    struct fv_candidate *candidates = allocate(sizeof(*candidates) * c->rows);
    struct fv_detection boxes[FV_LAUNCH_BOXES_MAX];
    const uint32_t count = fv_yolox_decode(&c->spec, c->output, candidates);
    memset(ret_result, 0, sizeof(*ret_result));
    ret_result->count = fv_nms_run(&c->nms, candidates, count, boxes, &ret_result->dropped);
    for (uint32_t i = 0; i < ret_result->count; i++)
        ret_result->boxes[i] = (struct fv_launch_box){
            boxes[i].x0, boxes[i].y0, boxes[i].x1, boxes[i].y1, boxes[i].score, boxes[i].class_id};
    free(candidates);
}

bool fv_case_boxes_equal(const struct fv_launch_result *a, const struct fv_launch_result *b)
{
    return a->count == b->count && a->dropped == b->dropped &&
           memcmp(a->boxes, b->boxes, a->count * sizeof(*a->boxes)) == 0;
}

// SPDX-License-Identifier: Apache-2.0
/* Outputs of networks: boxes in pixels, coded as each layout codes them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fakegpu/kernel_cases.h"
#include "kernels/half.h"

const struct fv_case_layout fv_case_layouts[FV_CASE_LAYOUTS] = {
    {"yolox", {.width = 96, .height = 64, .strides = {8, 16, 32}, .stride_count = 3, .classes = 7}},
    {"yolov5", {.layout = FV_LAYOUT_YOLOV5, .width = 96, .height = 64, .rows = 131, .classes = 6}},
    {"yolov8", {.layout = FV_LAYOUT_YOLOV8, .width = 96, .height = 64, .rows = 129, .classes = 5}},
    {"ssd, corners in fractions, probabilities",
     {.layout = FV_LAYOUT_SSD,
      .width = 96,
      .height = 64,
      .rows = 140,
      .classes = 4,
      .columns = 5,
      .code = FV_BOX_CORNERS,
      .fraction = true}},
    {"ssd, corners with y first in pixels, softmax",
     {.layout = FV_LAYOUT_SSD,
      .width = 96,
      .height = 64,
      .rows = 101,
      .classes = 3,
      .columns = 4,
      .code = FV_BOX_CORNERS_YX,
      .activation = FV_SCORE_SOFTMAX}},
    {"ssd, priors, softmax",
     {.layout = FV_LAYOUT_SSD,
      .width = 96,
      .height = 64,
      .rows = 150,
      .classes = 6,
      .columns = 7,
      .code = FV_BOX_PRIOR,
      .fraction = true,
      .activation = FV_SCORE_SOFTMAX,
      .variances = {0.1f, 0.1f, 0.2f, 0.2f}}},
    {"ssd, priors in pixels, sigmoid, no background",
     {.layout = FV_LAYOUT_SSD,
      .width = 64,
      .height = 96,
      .rows = 77,
      .classes = 3,
      .columns = 3,
      .code = FV_BOX_PRIOR,
      .activation = FV_SCORE_SIGMOID,
      .variances = {1, 1, 1, 1}}},
    {"detr, softmax",
     {.layout = FV_LAYOUT_DETR,
      .width = 96,
      .height = 64,
      .rows = 100,
      .classes = 5,
      .columns = 6,
      .activation = FV_SCORE_SOFTMAX}},
    {"detr, sigmoid",
     {.layout = FV_LAYOUT_DETR,
      .width = 96,
      .height = 64,
      .rows = 110,
      .classes = 5,
      .columns = 5,
      .activation = FV_SCORE_SIGMOID}},
    {"classifier, softmax",
     {.layout = FV_LAYOUT_CLASSES,
      .width = 96,
      .height = 64,
      .rows = 1,
      .classes = 9,
      .columns = 9,
      .activation = FV_SCORE_SOFTMAX}},
    {"classifier, probabilities",
     {.layout = FV_LAYOUT_CLASSES,
      .width = 96,
      .height = 64,
      .rows = 1,
      .classes = 2,
      .columns = 2}},
};

struct fv_box_spec fv_case_large(const struct fv_case_layout *layout)
{
    struct fv_box_spec spec = layout->spec;
    if (spec.columns)
        spec.columns += 80 - spec.classes;
    spec.classes = 80;
    spec.width = spec.height = 640;
    spec.rows = spec.layout == FV_LAYOUT_DETR     ? 900
                : spec.layout == FV_LAYOUT_YOLOV5 ? 25200
                                                  : 8732;
    return spec;
}

static void *allocate(size_t bytes)
{
    void *memory = calloc(1, bytes ? bytes : 1);
    if (!memory)
        abort();
    return memory;
}

static float between(struct fv_rand *rand, double low, double high)
{
    return (float)(low + (high - low) * fv_rand_unit(rand));
}

/* --- One row --- */

static void put(struct fv_case_boxes *c, size_t at, float value)
{
    c->half[at] = fv_half_of_float(value);
    c->output[at] = fv_float_of_half(c->half[at]);
}

static void put_box(struct fv_case_boxes *c, uint32_t row, const float v[4])
{
    for (uint32_t i = 0; i < 4; i++)
        put(c, (size_t)row * c->reading.box_row + (size_t)i * c->reading.box_step, v[i]);
}

/* Column -1 is objectness. */
static void put_column(struct fv_case_boxes *c, uint32_t row, int column, float value)
{
    const struct fv_launch_reading *r = &c->reading;
    const size_t base = c->second ? c->first : 0;
    const int64_t at =
        (int64_t)r->score_first + (int64_t)row * r->score_row + column * (int64_t)r->score_step;
    put(c, base + (size_t)at, value);
}

/* Where a row's boxes lie, in pixels, and how far from the next row's. */
struct home {
    float x, y, unit;
    uint32_t column, line, stride; /* of a grid */
};

static struct home home_of(const struct fv_case_boxes *c, uint32_t row)
{
    const struct fv_box_spec *spec = &c->spec;
    const uint32_t side = (uint32_t)ceil(sqrt(c->rows));
    if (spec->layout != FV_LAYOUT_YOLOX)
        return (struct home){((float)(row % side) + 0.5f) * (float)spec->width / (float)side,
                             ((float)(row / side) + 0.5f) * (float)spec->height / (float)side,
                             (float)spec->height / (float)side,
                             0,
                             0,
                             1};
    for (uint32_t i = 0; i < spec->stride_count; i++) {
        const uint32_t stride = spec->strides[i], columns = spec->width / stride;
        const uint32_t cells = columns * (spec->height / stride);
        if (row < cells)
            return (struct home){((float)(row % columns) + 0.5f) * (float)stride,
                                 ((float)(row / columns) + 0.5f) * (float)stride,
                                 (float)stride,
                                 row % columns,
                                 row / columns,
                                 stride};
        row -= cells;
    }
    abort();
}

/* Centre and size in pixels -> what the network says. */
static void put_extent(struct fv_case_boxes *c, uint32_t row, const float e[4])
{
    const struct fv_launch_reading *r = &c->reading;
    const float x = e[0] / r->scale_x, y = e[1] / r->scale_y;
    const float w = e[2] / r->scale_x, h = e[3] / r->scale_y;
    const struct home home = home_of(c, row);
    const float stride = (float)home.stride;
    const float *p = c->priors ? c->priors + (size_t)4 * row : NULL, *a = r->variances;
    switch (r->code) {
    case FV_BOX_GRID:
        put_box(c, row,
                (float[]){e[0] / stride - (float)home.column, e[1] / stride - (float)home.line,
                          logf(e[2] / stride), logf(e[3] / stride)});
        break;
    case FV_BOX_CORNERS:
        put_box(c, row, (float[]){x - w / 2, y - h / 2, x + w / 2, y + h / 2});
        break;
    case FV_BOX_CORNERS_YX:
        put_box(c, row, (float[]){y - h / 2, x - w / 2, y + h / 2, x + w / 2});
        break;
    case FV_BOX_PRIOR:
        put_box(c, row,
                (float[]){(x - p[0]) / (a[0] * p[2]), (y - p[1]) / (a[1] * p[3]),
                          logf(w / p[2]) / a[2], logf(h / p[3]) / a[3]});
        break;
    default:
        put_box(c, row, (float[]){x, y, w, h});
        break;
    }
}

static void put_score(struct fv_case_boxes *c, uint32_t row, uint32_t class_id, float score)
{
    const struct fv_launch_reading *r = &c->reading;
    /* As a softmax against one other column of 0, and exactly as a sigmoid. */
    const float value = r->activation == FV_SCORE_NONE ? score : logf(score / (1.0001f - score));
    put_column(c, row, (int)(r->class_first + class_id), value);
}

/* A row that is no candidate, its box nothing. */
static void put_nothing(struct fv_case_boxes *c, uint32_t row)
{
    const struct fv_launch_reading *r = &c->reading;
    put_box(c, row, (float[4]){0});
    if (r->objectness)
        put_column(c, row, -1, 0);
    for (uint32_t i = 0; i < r->columns; i++) {
        const bool class = i >= r->class_first && i < r->class_first + r->classes;
        put_column(c, row, (int)i, r->activation == FV_SCORE_NONE || !class ? 0 : -8);
    }
}

/* --- All rows --- */

static void put_candidate(struct fv_case_boxes *c, struct fv_rand *rand, uint32_t row)
{
    const struct home home = home_of(c, row);
    put_extent(c, row,
               (float[]){home.x + between(rand, -1, 1) * home.unit,
                         home.y + between(rand, -1, 1) * home.unit,
                         expf(between(rand, 0, 2)) * home.unit,
                         expf(between(rand, 0, 2)) * home.unit});
    if (c->reading.objectness)
        put_column(c, row, -1, between(rand, 0.8, 1));
    for (int i = 0; i < 2; i++)
        put_score(c, row, (uint32_t)fv_rand_below(rand, c->spec.classes), between(rand, 0.5, 1));
}

/* Centre and sides in units of the row's home; or `stacked` in the middle. */
static void put_square(struct fv_case_boxes *c, uint32_t row, const float offset[2], float side,
                       float score)
{
    const struct home home = home_of(c, row);
    const float size = offset ? side * home.unit : side;
    const float x = offset ? home.x + offset[0] * home.unit : (float)c->spec.width / 2;
    const float y = offset ? home.y + offset[1] * home.unit : (float)c->spec.height / 2;
    put_extent(c, row, (float[]){x, y, size, size});
    if (c->reading.objectness)
        put_column(c, row, -1, 1);
    put_score(c, row, 0, score);
}

static void put_noise(struct fv_case_boxes *c, struct fv_rand *rand, uint32_t row)
{
    float v[4];
    const bool sane = fv_rand_below(rand, 2), nothing = fv_rand_below(rand, 8) == 0;
    for (int i = 0; i < 4; i++)
        v[i] = fv_float_of_half((uint32_t)fv_rand_below(rand, 65536));
    put_box(c, row, v);
    for (uint32_t i = 0; i < c->reading.columns; i++)
        put_column(c, row, (int)i,
                   nothing ? NAN
                   : sane  ? between(rand, 0, 1.01)
                           : fv_float_of_half((uint32_t)fv_rand_below(rand, 65536)));
    if (c->reading.objectness)
        put_column(c, row, -1, between(rand, 0, 1.2));
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
        put_square(c, row, (float[]){between(rand, -0.5, 0.5), between(rand, -0.5, 0.5)}, 2, 0.5f);
        break;
    case FV_CASE_STACKED:
        put_square(c, row, NULL, 64, between(rand, 0.5, 1));
        break;
    case FV_CASE_APART:
        put_square(c, row, (float[]){0, 0}, 0.37f, between(rand, 0.3, 1));
        break;
    case FV_CASE_NOISE:
        put_noise(c, rand, row);
        break;
    default:
        break;
    }
}

void fv_case_boxes_fill(struct fv_case_boxes *c, struct fv_rand *rand, uint32_t count)
{
    uint8_t *used = allocate(c->rows);
    for (uint32_t row = 0; row < c->rows; row++)
        put_nothing(c, row);
    for (uint32_t filled = 0, row = 0; filled < count && filled < c->rows;) {
        if (filled % 8 == 0) /* eight in a row lie close together */
            row = (uint32_t)fv_rand_below(rand, c->rows);
        while (used[row])
            row = (row + 1) % c->rows;
        used[row] = 1;
        put_candidate(c, rand, row);
        filled++;
    }
    free(used);
}

/* --- Life --- */

static void choose_wanted(struct fv_case_boxes *c, struct fv_rand *rand)
{
    c->wanted = allocate(c->spec.classes);
    for (uint32_t i = 0; i < c->spec.classes; i++)
        c->wanted[i] = (uint8_t)fv_rand_below(rand, 2);
    c->spec.wanted = fv_rand_below(rand, 3) ? NULL : c->wanted;
}

static void make_priors(struct fv_case_boxes *c, struct fv_rand *rand)
{
    const float x = c->spec.fraction ? 1 : (float)c->spec.width;
    const float y = c->spec.fraction ? 1 : (float)c->spec.height;
    if (c->spec.layout != FV_LAYOUT_SSD || c->spec.code != FV_BOX_PRIOR)
        return;
    c->priors = allocate((size_t)4 * c->spec.rows * sizeof(*c->priors));
    c->spec.priors = c->priors;
    for (uint32_t i = 0; i < 4 * c->spec.rows; i++)
        c->priors[i] =
            between(rand, i % 4 < 2 ? 0.05 : 0.1, i % 4 < 2 ? 0.95 : 0.6) * (i % 2 ? y : x);
}

void fv_case_boxes_init(struct fv_case_boxes *c, struct fv_rand *rand, enum fv_case_kind kind,
                        const struct fv_box_spec *spec)
{
    static const uint32_t most[] = {300, 300, 100, 7, 1, 0};
    static const uint32_t looked_at[] = {4096, 4096, 1000, 64, 33, 1};
    *c = (struct fv_case_boxes){.spec = *spec};
    c->spec.score_threshold = fv_rand_below(rand, 4) ? 0.25f : 0;
    c->nms.iou_threshold = fv_rand_below(rand, 4) ? 0.45f : between(rand, 0, 1);
    if (!fv_layout_info(spec->layout)->suppressed)
        c->nms.iou_threshold = INFINITY;
    c->nms.max_boxes = most[fv_rand_below(rand, 6)];
    c->nms.max_candidates = looked_at[fv_rand_below(rand, 6)];
    make_priors(c, rand);
    if (fv_box_reading_init(&c->reading, &c->spec) < 0)
        abort();
    c->rows = c->reading.rows;
    c->first = c->reading.box_image;
    c->second = fv_layout_info(spec->layout)->second ? c->reading.score_image : 0;
    c->output = allocate(sizeof(*c->output) * (c->first + c->second));
    c->half = allocate(sizeof(*c->half) * (c->first + c->second));
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
    free(c->priors);
}

void fv_case_boxes_expect(const struct fv_case_boxes *c, struct fv_launch_result *ret_result)
{
    struct fv_candidate *candidates = allocate(sizeof(*candidates) * c->rows);
    struct fv_detection boxes[FV_LAUNCH_BOXES_MAX];
    const float *scores = c->second ? c->output + c->first : NULL;
    const uint32_t count = fv_candidates_decode(&c->spec, c->output, scores, candidates);
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

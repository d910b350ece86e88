// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rand.h"
#include "infer/boxes.h"

/* 64x32 with strides 8, 16, 32: 8x4 + 4x2 + 2x1 = 42 rows; 3 classes: 8 columns. */
#define ROWS 42
#define COLUMNS 8

static char *label_texts[3] = {(char *)"person", (char *)"car", (char *)"dog"};

static struct fv_model small_model(void)
{
    return (struct fv_model){
        .width = 64,
        .height = 32,
        .layout = FV_LAYOUT_YOLOX,
        .strides = {8, 16, 32},
        .stride_count = 3,
        .rows = ROWS,
        .columns = COLUMNS,
        .labels = label_texts,
        .label_count = 3,
    };
}

static struct fv_boxes *make_boxes(const struct fv_model *model, float score, float iou)
{
    struct fv_boxes_params params = {
        .model = model, .score_threshold = score, .iou_threshold = iou};
    struct fv_boxes *boxes = NULL;
    assert_int_equal(fv_boxes_create(&params, &boxes), 0);
    return boxes;
}

static void put_row(float *output, int row, const float values[COLUMNS])
{
    memcpy(output + (ptrdiff_t)row * COLUMNS, values, COLUMNS * sizeof(float));
}

static void assert_box(const struct fv_detection *box, const float corners[4], float score,
                       int class_id)
{
    assert_float_equal(box->x0, corners[0], 1e-4);
    assert_float_equal(box->y0, corners[1], 1e-4);
    assert_float_equal(box->x1, corners[2], 1e-4);
    assert_float_equal(box->y1, corners[3], 1e-4);
    assert_float_equal(box->score, score, 1e-6);
    assert_int_equal(box->class_id, class_id);
}

/* One row each, so that every formula shows: grid position, stride, exp, product of scores. */
static void test_decode_by_hand(void **state)
{
    static const struct {
        const char *name;
        int row;
        float values[COLUMNS];
        float corners[4], score;
        int class_id;
    } cases[] = {
        /* Row 0: cell (0, 0) of stride 8. Centre 4, 4; sides exp(0) * 8. */
        {"first", 0, {0.5f, 0.5f, 0, 0, 0.8f, 0.5f, 0.1f, 0}, {0, 0, 8, 8}, 0.4f, 0},
        /* Row 11: cell (3, 1) of stride 8. Centre 3.25*8 = 26, 1.75*8 = 14; sides 2*8 and 0.5*8. */
        {"grid",
         11,
         {0.25f, 0.75f, 0.69314718f, -0.69314718f, 1, 0.2f, 0.9f, 0.3f},
         {18, 12, 34, 16},
         0.9f,
         1},
        /* Row 32 + 5: cell (1, 1) of stride 16. Centre 1*16, 1*16; sides 16. */
        {"second stride", 37, {0, 0, 0, 0, 0.5f, 0, 0, 1}, {8, 8, 24, 24}, 0.5f, 2},
        /* Row 41: cell (1, 0) of stride 32. Centre 1.5*32 = 48, 16; sides 4*32 and 32: beyond the picture, not clipped here. */
        {"last", 41, {0.5f, 0.5f, 1.38629436f, 0, 1, 1, 1, 1}, {-16, 0, 112, 32}, 1, 0},
        /* The lower class number of two equal scores. */
        {"equal classes", 0, {0.5f, 0.5f, 0, 0, 1, 0.1f, 0.7f, 0.7f}, {0, 0, 8, 8}, 0.7f, 1},
        /* Rounding of half precision may give a little more than 1. */
        {"above one", 0, {0.5f, 0.5f, 0, 0, 1.0005f, 1.0005f, 0, 0}, {0, 0, 8, 8}, 1, 0},
        {"class score that is NaN", 0, {0.5f, 0.5f, 0, 0, 1, NAN, 0.6f, 0}, {0, 0, 8, 8}, 0.6f, 1},
    };
    struct fv_model model = small_model();
    struct fv_boxes *boxes = make_boxes(&model, 0.25f, 0.45f);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        float output[ROWS * COLUMNS] = {0};
        struct fv_detection out[FV_DETECTIONS_MAX];
        uint32_t dropped = 9;
        put_row(output, cases[i].row, cases[i].values);
        print_message("  %s\n", cases[i].name);
        assert_int_equal(fv_boxes_decode(boxes, output, NULL, out, &dropped), 1);
        assert_int_equal(dropped, 0);
        assert_box(&out[0], cases[i].corners, cases[i].score, cases[i].class_id);
    }
    fv_boxes_destroy(boxes);
}

static void test_not_a_box(void **state)
{
    static const struct {
        const char *name;
        float values[COLUMNS];
    } cases[] = {
        {"low objectness", {0, 0, 0, 0, 0.24f, 1, 0, 0}},
        {"low product", {0, 0, 0, 0, 0.5f, 0.4f, 0.4f, 0.4f}},
        {"x NaN", {NAN, 0, 0, 0, 1, 1, 0, 0}},
        {"y infinite", {0, INFINITY, 0, 0, 1, 1, 0, 0}},
        {"x minus infinite", {-INFINITY, 0, 0, 0, 1, 1, 0, 0}},
        {"width NaN", {0, 0, NAN, 0, 1, 1, 0, 0}},
        {"height overflows exp", {0, 0, 0, 1000, 1, 1, 0, 0}},
        {"width underflows exp", {0, 0, -1000, 0, 1, 1, 0, 0}},
        {"huge width", {0, 0, 12, 0, 1, 1, 0, 0}},
        {"far away", {9000, 0, 0, 0, 1, 1, 0, 0}},
        {"objectness NaN", {0, 0, 0, 0, NAN, 1, 0, 0}},
        {"objectness infinite", {0, 0, 0, 0, INFINITY, 1, 0, 0}},
        {"class infinite", {0, 0, 0, 0, 1, INFINITY, 0, 0}},
        {"all classes NaN", {0, 0, 0, 0, 1, NAN, NAN, NAN}},
        {"objectness no sigmoid", {0, 0, 0, 0, 7, 1, 0, 0}},
        {"two negative scores", {0, 0, 0, 0, -1, -1, -1, -1}},
    };
    struct fv_model model = small_model();
    struct fv_boxes *boxes = make_boxes(&model, 0.25f, 0.45f);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        float output[ROWS * COLUMNS] = {0};
        struct fv_detection out[FV_DETECTIONS_MAX];
        put_row(output, 0, cases[i].values);
        print_message("  %s\n", cases[i].name);
        assert_int_equal(fv_boxes_decode(boxes, output, NULL, out, NULL), 0);
    }
    fv_boxes_destroy(boxes);
}

/* Two 8x8 boxes in cell 0 shifted by `shift` pixels: overlap / union = (8 - shift) / (8 + shift). */
static uint32_t shifted_pair(float shift, float iou, int second_class)
{
    struct fv_model model = small_model();
    struct fv_boxes *boxes = make_boxes(&model, 0.25f, iou);
    float output[ROWS * COLUMNS] = {0};
    struct fv_detection out[FV_DETECTIONS_MAX];
    put_row(output, 0, (float[COLUMNS]){0.5f, 0.5f, 0, 0, 1, 0.9f, 0, 0});
    float second[COLUMNS] = {shift / 8 - 0.5f, 0.5f, 0, 0, 1};
    second[5 + second_class] = 0.8f;
    put_row(output, 1, second);
    uint32_t count = fv_boxes_decode(boxes, output, NULL, out, NULL);
    assert_float_equal(out[0].score, 0.9f, 1e-6);
    fv_boxes_destroy(boxes);
    return count;
}

static void test_suppression(void **state)
{
    assert_int_equal(shifted_pair(2, 0.59f, 0), 1); /* 6/10 = 0.6 */
    assert_int_equal(shifted_pair(2, 0.61f, 0), 2);
    assert_int_equal(shifted_pair(0, 1, 0), 2);     /* 1 is not more than 1 */
    assert_int_equal(shifted_pair(2, 0.59f, 1), 2); /* another class */
    assert_int_equal(shifted_pair(8, 0, 0), 2);     /* they touch, no overlap */
    assert_int_equal(shifted_pair(7, 0, 0), 1);
}

static void test_ties(void **state)
{
    struct fv_model model = small_model();
    struct fv_boxes *boxes = make_boxes(&model, 0.25f, 0.45f);
    float output[ROWS * COLUMNS] = {0};
    struct fv_detection out[FV_DETECTIONS_MAX];
    /* Three equal scores: rows 3, 8 and 20 of stride 8, far from each other; row 9 lies on row 8 and loses although it is equal. */
    const float good[COLUMNS] = {0.5f, 0.5f, 0, 0, 1, 0.5f, 0, 0};
    put_row(output, 20, good);
    put_row(output, 3, good);
    put_row(output, 8, good);
    put_row(output, 9, (float[COLUMNS]){-0.5f, 0.5f, 0, 0, 1, 0.5f, 0, 0});
    assert_int_equal(fv_boxes_decode(boxes, output, NULL, out, NULL), 3);
    assert_box(&out[0], (float[]){24, 0, 32, 8}, 0.5f, 0);
    assert_box(&out[1], (float[]){0, 8, 8, 16}, 0.5f, 0);
    assert_box(&out[2], (float[]){32, 16, 40, 24}, 0.5f, 0);
    fv_boxes_destroy(boxes);
}

static void test_class_filter(void **state)
{
    struct fv_model model = small_model();
    struct fv_boxes_params params = {.model = &model,
                                     .score_threshold = 0.25f,
                                     .iou_threshold = 0.45f,
                                     .classes = (const uint16_t[]){2, 0},
                                     .class_count = 2};
    struct fv_boxes *boxes;
    assert_int_equal(fv_boxes_create(&params, &boxes), 0);
    float output[ROWS * COLUMNS] = {0};
    struct fv_detection out[FV_DETECTIONS_MAX];
    put_row(output, 0,
            (float[COLUMNS]){0.5f, 0.5f, 0, 0, 1, 0.8f, 0.9f, 0}); /* car first: not wanted */
    put_row(output, 3, (float[COLUMNS]){0.5f, 0.5f, 0, 0, 1, 0.8f, 0.7f, 0});
    put_row(output, 6, (float[COLUMNS]){0.5f, 0.5f, 0, 0, 1, 0, 0, 0.9f});
    assert_int_equal(fv_boxes_decode(boxes, output, NULL, out, NULL), 2);
    assert_int_equal(out[0].class_id, 2);
    assert_int_equal(out[1].class_id, 0);
    fv_boxes_destroy(boxes);
}

static void test_create_refuses(void **state)
{
    struct fv_model model = small_model();
    const struct fv_boxes_params good = {
        .model = &model, .score_threshold = 0.3f, .iou_threshold = 0.5f};
    struct fv_boxes *boxes;
    struct fv_boxes_params bad = good;
    bad.score_threshold = NAN;
    assert_int_equal(fv_boxes_create(&bad, &boxes), -EINVAL);
    bad = good;
    bad.iou_threshold = 1.5f;
    assert_int_equal(fv_boxes_create(&bad, &boxes), -EINVAL);
    bad = good;
    bad.classes = (const uint16_t[]){3};
    bad.class_count = 1;
    assert_int_equal(fv_boxes_create(&bad, &boxes), -EINVAL);
    model.rows++;
    assert_int_equal(fv_boxes_create(&good, &boxes), -EINVAL);
    model = small_model();
    model.columns++;
    assert_int_equal(fv_boxes_create(&good, &boxes), -EINVAL);
    model = small_model();
    model.strides[1] = 0;
    assert_int_equal(fv_boxes_create(&good, &boxes), -EINVAL);
    fv_boxes_destroy(NULL);
}

static void test_create_without_memory(void **state)
{
    struct fv_model model = small_model();
    struct fv_boxes_params params = {
        .model = &model, .classes = (const uint16_t[]){1}, .class_count = 1};
    struct fv_boxes *boxes;
    unsigned n = 1;
    for (;; n++) {
        fv_alloc_fail_at(n);
        int result = fv_boxes_create(&params, &boxes);
        if (fv_alloc_fail_pending())
            break;
        assert_int_equal(result, -ENOMEM);
    }
    fv_alloc_fail_at(0);
    assert_int_equal(n, 4); /* three allocations */
    fv_boxes_destroy(boxes);
}

/* ---- against a slow and simple second writing of the definition ---- */

#define SIDE 320 /* strides 8, 16, 32: 1600 + 400 + 100 rows */
#define BIG_ROWS 2100

struct plain_box {
    double x0, y0, x1, y1;
    float score;
    int class_id, row;
    int gone;
};

static int by_score(const void *a, const void *b)
{
    const struct plain_box *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    return x->row - y->row;
}

static double plain_iou(const struct plain_box *a, const struct plain_box *b)
{
    double w = fmin(a->x1, b->x1) - fmax(a->x0, b->x0), h = fmin(a->y1, b->y1) - fmax(a->y0, b->y0);
    if (w <= 0 || h <= 0)
        return 0;
    return w * h / ((a->x1 - a->x0) * (a->y1 - a->y0) + (b->x1 - b->x0) * (b->y1 - b->y0) - w * h);
}

static struct plain_box plain_row(const float *row, int number)
{
    int stride = number < 1600 ? 8 : number < 2000 ? 16 : 32;
    int cell = number - (number < 1600 ? 0 : number < 2000 ? 1600 : 2000);
    double x = (row[0] + cell % (SIDE / stride)) * stride;
    double y = (row[1] + cell / (SIDE / stride)) * stride; /* NOLINT: whole cells */
    double w = exp(row[2]) * stride, h = exp(row[3]) * stride;
    struct plain_box box = {x - w / 2, y - h / 2, x + w / 2, y + h / 2, 0, 0, number, 0};
    for (int i = 1; i < 3; i++)
        if (row[5 + i] > row[5 + box.class_id])
            box.class_id = i;
    box.score = row[4] * row[5 + box.class_id];
    return box;
}

/* Fills `list` with what survives, best first; returns the number. */
static uint32_t plain_decode(const float *output, double score, double iou, struct plain_box *list)
{
    uint32_t count = 0, kept = 0;
    for (int row = 0; row < BIG_ROWS; row++) {
        list[count] = plain_row(output + (ptrdiff_t)row * COLUMNS, row);
        count += output[row * COLUMNS + 4] >= score && list[count].score >= score;
    }
    qsort(list, count, sizeof(*list), by_score);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < i && !list[i].gone; j++)
            list[i].gone = !list[j].gone && list[j].class_id == list[i].class_id &&
                           plain_iou(&list[i], &list[j]) > iou;
    for (uint32_t i = 0; i < count; i++)
        if (!list[i].gone)
            list[kept++] = list[i];
    return kept;
}

static void random_output(struct fv_rand *random, float *output)
{
    for (int i = 0; i < BIG_ROWS * COLUMNS; i++) {
        int column = i % COLUMNS;
        double unit = fv_rand_unit(random);
        if (column < 2)
            output[i] = (float)(unit * 4 - 2);
        else if (column < 4)
            output[i] = (float)(unit * 4 - 1);
        else /* few distinct scores, so that there are ties */
            output[i] = (float)floor(unit * 40) / 40;
    }
}

static void test_against_brute_force(void **state)
{
    struct fv_model model = small_model();
    model.width = model.height = SIDE;
    model.rows = BIG_ROWS;
    static float output[BIG_ROWS * COLUMNS];
    static struct plain_box list[BIG_ROWS + 1];
    struct fv_rand random;
    fv_rand_seed(&random, 3);
    for (int round = 0; round < 20; round++) {
        struct fv_detection out[FV_DETECTIONS_MAX];
        float score = round % 2 ? 0.6f : 0.3f, iou = round % 3 ? 0.45f : 0.1f;
        struct fv_boxes *boxes = make_boxes(&model, score, iou);
        uint32_t dropped;
        random_output(&random, output);
        uint32_t count = fv_boxes_decode(boxes, output, NULL, out, &dropped);
        uint32_t expected = plain_decode(output, score, iou, list);
        assert_int_equal(count, expected < FV_DETECTIONS_MAX ? expected : FV_DETECTIONS_MAX);
        assert_true(expected <= FV_DETECTIONS_MAX ? dropped == 0 : dropped > 0);
        for (uint32_t i = 0; i < count; i++) {
            assert_float_equal(out[i].x0, list[i].x0, 1e-3);
            assert_float_equal(out[i].y1, list[i].y1, 1e-3);
            assert_float_equal(out[i].score, list[i].score, 0);
            assert_int_equal(out[i].class_id, list[i].class_id);
        }
        fv_boxes_destroy(boxes);
    }
}

/* 640x640 has 8400 rows: all of them are candidates, 4096 are looked at, 300 come out: 8400 - 300 are dropped when none overlaps. */
static void test_limits(void **state)
{
    struct fv_model model = small_model();
    model.width = model.height = 640;
    model.rows = 8400;
    struct fv_boxes *boxes = make_boxes(&model, 0.25f, 0.45f);
    float *output = fv_calloc(8400, COLUMNS * sizeof(float));
    struct fv_detection out[FV_DETECTIONS_MAX];
    uint32_t dropped;
    for (int row = 0; row < 8400; row++) {
        /* Sides of exp(-4) strides in the middle of each cell: strides of one place do not meet. */
        float score = 0.3f + (float)row / 20000;
        put_row(output, row, (float[COLUMNS]){0.3f, 0.3f, -4, -4, 1, score, 0, 0});
    }
    assert_int_equal(fv_boxes_decode(boxes, output, NULL, out, &dropped), FV_DETECTIONS_MAX);
    assert_int_equal(dropped, 8100);
    assert_float_equal(out[0].score, 0.3f + 8399.0f / 20000, 1e-6); /* the best are kept */
    assert_float_equal(out[299].score, 0.3f + 8100.0f / 20000, 1e-6);
    fv_free(output);
    fv_boxes_destroy(boxes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode_by_hand),
        cmocka_unit_test(test_not_a_box),
        cmocka_unit_test(test_suppression),
        cmocka_unit_test(test_ties),
        cmocka_unit_test(test_class_filter),
        cmocka_unit_test(test_create_refuses),
        cmocka_unit_test(test_create_without_memory),
        cmocka_unit_test(test_against_brute_force),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

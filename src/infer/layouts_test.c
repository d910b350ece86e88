// SPDX-License-Identifier: Apache-2.0
/* Each layout by hand: the manifest's words, the shapes of the outputs, and boxes worked out on paper. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "infer/boxes.h"
#include "infer/manifest.h"

#define SHA "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

/* ---- the manifest ---- */

/* 100x50, labels "person" and "car". */
static int parse_kind(const char *kind, const char *output, struct fv_model **ret_model,
                      struct fv_error *err)
{
    char text[2000];
    snprintf(text, sizeof(text),
             "{\"manifest\":1,%s\"name\":\"x\",\"sha256\":\"" SHA "\",\"input\":{\"name\":\"in\","
             "\"type\":\"float32\",\"width\":100,\"height\":50,\"dynamic_batch\":true,"
             "\"order\":\"rgb\",\"range\":1,\"mean\":[0,0,0],\"std\":[1,1,1],\"pad\":\"centre\","
             "\"pad_value\":0.5},\"output\":{\"type\":\"float32\",%s},"
             "\"labels\":[\"person\",\"car\"]}",
             kind, output);
    return fv_manifest_parse(text, strlen(text), ret_model, err);
}

static int parse(const char *output, struct fv_model **ret_model, struct fv_error *err)
{
    return parse_kind("", output, ret_model, err);
}

static struct fv_model *good(const char *output)
{
    struct fv_model *model = NULL;
    struct fv_error err = {0};
    if (parse(output, &model, &err) < 0)
        fail_msg("%s", err.text);
    return model;
}

#define V5 "\"layout\":\"yolov5\",\"name\":\"out\",\"rows\":3,\"columns\":7"
#define V8 "\"layout\":\"yolov8\",\"name\":\"out\",\"rows\":3,\"columns\":6"
#define TWO(columns, activation)                                                                   \
    "\"boxes\":\"loc\",\"scores\":\"conf\",\"rows\":3,\"columns\":" #columns                       \
    ",\"activation\":\"" #activation "\""
#define SSD(columns, activation, box, unit)                                                        \
    "\"layout\":\"ssd\"," TWO(columns, activation) ",\"box\":\"" #box "\",\"unit\":\"" #unit "\""
#define PRIORS                                                                                     \
    ",\"variances\":[0.1,0.1,0.2,0.2],"                                                            \
    "\"priors\":[0.5,0.5,0.2,0.4, 0.25,0.5,0.5,0.5, 0.9,0.9,0.1,0.1]"
#define DETR(columns, activation) "\"layout\":\"detr\"," TWO(columns, activation)

static void assert_output(const struct fv_model_output *output, const char *name, uint32_t first,
                          uint32_t second)
{
    assert_string_equal(output->name, name);
    assert_int_equal(output->dims[0], first);
    assert_int_equal(output->dims[1], second);
    assert_int_equal(output->count, first * second);
}

static void test_shapes(void **state)
{
    static const struct {
        const char *output;
        enum fv_layout layout;
        uint32_t first[2], second[2]; /* second: 0 0 when there is none */
    } cases[] = {
        {V5, FV_LAYOUT_YOLOV5, {3, 7}, {0, 0}},
        {V8, FV_LAYOUT_YOLOV8, {6, 3}, {0, 0}}, /* transposed */
        {SSD(3, softmax, xyxy, fraction), FV_LAYOUT_SSD, {3, 4}, {3, 3}},
        {SSD(2, sigmoid, prior, fraction) PRIORS, FV_LAYOUT_SSD, {3, 4}, {3, 2}},
        {DETR(3, softmax), FV_LAYOUT_DETR, {3, 4}, {3, 3}},
        {DETR(2, sigmoid), FV_LAYOUT_DETR, {3, 4}, {3, 2}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fv_model *model = good(cases[i].output);
        struct fv_model_output outputs[FV_MODEL_OUTPUTS_MAX];
        const bool two = cases[i].second[0] > 0;
        assert_int_equal(model->layout, cases[i].layout);
        assert_int_equal(fv_model_outputs(model, outputs), two ? 2 : 1);
        assert_output(&outputs[0], two ? "loc" : "out", cases[i].first[0], cases[i].first[1]);
        if (two)
            assert_output(&outputs[1], "conf", cases[i].second[0], cases[i].second[1]);
        fv_model_free(model);
    }
}

/* ---- classifiers ---- */

#define CLASSIFIER "\"kind\":\"classifier\","
#define ANSWERS(activation) "\"name\":\"out\",\"activation\":\"" #activation "\",\"threshold\":0.6"

static struct fv_model *good_classifier(const char *output)
{
    struct fv_model *model = NULL;
    struct fv_error err = {0};
    if (parse_kind(CLASSIFIER, output, &model, &err) < 0)
        fail_msg("%s", err.text);
    return model;
}

static void test_classifier(void **state)
{
    struct fv_model *model = good_classifier(ANSWERS(softmax));
    struct fv_model_output outputs[FV_MODEL_OUTPUTS_MAX];
    size_t offset = 7;
    assert_true(fv_model_classifies(model));
    assert_int_equal(model->activation, FV_SCORE_SOFTMAX);
    assert_float_equal(model->threshold, 0.6, 1e-7);
    assert_int_equal(fv_model_outputs(model, outputs), 1);
    assert_string_equal(outputs[0].name, "out");
    assert_int_equal(outputs[0].rank, 1);
    assert_int_equal(outputs[0].dims[0], 2);
    assert_int_equal(outputs[0].count, 2);
    assert_int_equal(fv_model_output_bytes(model, 5, &offset), 40);
    assert_int_equal(offset, 0);
    fv_model_free(model);
    assert_int_equal(parse_kind("\"kind\":\"detector\",",
                                "\"layout\":\"yolov8\",\"name\":\"out\",\"rows\":3,\"columns\":6",
                                &model, NULL),
                     0);
    assert_false(fv_model_classifies(model));
    fv_model_free(model);
}

static void test_classifier_refusals(void **state)
{
    static const struct {
        const char *kind, *output, *sentence;
    } cases[] = {
        {"\"kind\":\"oracle\",", ANSWERS(none), "'kind' must be \"detector\" or \"classifier\""},
        {CLASSIFIER, ANSWERS(none) ",\"rows\":1",
         "'output.rows' is no field of the layout \"classifier\""},
        {CLASSIFIER, ANSWERS(none) ",\"odd\":1", "'output.odd' is not a known field"},
        {CLASSIFIER, ANSWERS(relu), "'output.activation' must be \"none\""},
        {CLASSIFIER, "\"name\":\"out\",\"activation\":\"none\",\"threshold\":2",
         "'output.threshold' must be a number from 0 to 1"},
        {CLASSIFIER, "\"name\":\"out\"",
         "'output.activation' is missing; 'output.threshold' is missing"},
        {"", ANSWERS(none), "'output.layout' is missing"},
        {"", "\"layout\":\"classifier\"", "'output.layout' must be \"yolox\" or"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fv_model *model = NULL;
        struct fv_error err = {0};
        assert_int_equal(parse_kind(cases[i].kind, cases[i].output, &model, &err), -EINVAL);
        if (!strstr(err.text, cases[i].sentence))
            fail_msg("\"%s\" does not say \"%s\"", err.text, cases[i].sentence);
    }
}

/* Five images of 3 x 4 numbers are 240 bytes: the second output begins at 256, and has 5 x 9 numbers. */
static void test_places(void **state)
{
    struct fv_model *model = good(SSD(3, softmax, xyxy, fraction));
    size_t offset = 7;
    assert_int_equal(fv_model_output_bytes(model, 5, &offset), 256 + 180);
    assert_int_equal(offset, 256);
    model->element = FV_ELEMENT_F16;
    assert_int_equal(fv_model_output_bytes(model, 64, &offset), 1536 + 1152);
    assert_int_equal(offset, 1536); /* 64 x 12 x 2 is a multiple already */
    fv_model_free(model);
    model = good(V8);
    assert_int_equal(fv_model_output_bytes(model, 5, &offset), 360);
    assert_int_equal(offset, 0);
    fv_model_free(model);
}

static void test_words(void **state)
{
    struct fv_model *model = good(SSD(3, softmax, prior, fraction) PRIORS);
    assert_int_equal(model->activation, FV_SCORE_SOFTMAX);
    assert_int_equal(model->code, FV_BOX_PRIOR);
    assert_true(model->fraction);
    assert_float_equal(model->variances[2], 0.2, 1e-7);
    assert_float_equal(model->priors[11], 0.1, 1e-7);
    fv_model_free(model);
    model = good(SSD(3, none, yxyx, pixel));
    assert_int_equal(model->activation, FV_SCORE_NONE);
    assert_int_equal(model->code, FV_BOX_CORNERS_YX);
    assert_false(model->fraction);
    assert_null(model->priors);
    fv_model_free(model);
}

static void test_refusals(void **state)
{
    static const struct {
        const char *output, *sentence;
    } cases[] = {
        {"\"layout\":\"yolo\"", "'output.layout' must be \"yolox\" or \"yolov5\" or \"yolov8\" or "
                                "\"ssd\" or \"detr\""},
        {"\"layout\":\"yolov5\",\"name\":\"out\",\"rows\":3,\"columns\":6",
         "'output.columns' is 6, but 5 + 2 labels are 7"},
        {"\"layout\":\"yolov8\",\"name\":\"out\",\"rows\":3,\"columns\":7",
         "'output.columns' is 7, but 4 + 2 labels are 6"},
        {V5 ",\"strides\":[8]", "'output.strides' is no field of the layout \"yolov5\""},
        {V8 ",\"anchors\":1", "'output.anchors' is not a known field"},
        {DETR(3, softmax) ",\"name\":\"x\"", "'output.name' is no field of the layout \"detr\""},
        {DETR(3, softmax) ",\"priors\":[]", "'output.priors' is no field of the layout \"detr\""},
        {DETR(2, softmax), "'output.columns' is 2, but 2 labels and \"no object\" are 3"},
        {DETR(4, sigmoid), "'output.columns' is 4, but 2 labels and \"no object\" are 3, and "
                           "without it as many as labels"},
        {SSD(2, softmax, xyxy, pixel), "'output.columns' is 2, but 2 labels and the background "
                                       "are 3"},
        {SSD(3, relu, xyxy, pixel), "'output.activation' must be \"none\" or \"softmax\" or "
                                    "\"sigmoid\""},
        {SSD(3, none, xywh, pixel), "'output.box' must be \"cxcywh\" or \"xyxy\" or \"yxyx\" or "
                                    "\"prior\""},
        {SSD(3, none, xyxy, percent), "'output.unit' must be \"pixel\" or \"fraction\""},
        {SSD(3, none, prior, pixel), "'output.variances' is missing; 'output.priors' is missing"},
        {SSD(3, none, xyxy, pixel) PRIORS, "belong to \"box\": \"prior\" only"},
        {SSD(3, none, prior, pixel) ",\"variances\":[1,1,0,1],\"priors\":[1,1,1,1]",
         "'output.variances' must be four numbers"},
        {SSD(3, none, prior, pixel) ",\"variances\":[1,1,1,1],\"priors\":[1,1,1,1]",
         "'output.priors' has 4 numbers, but 4 x 3 rows are 12"},
        {SSD(3, none, prior, pixel) ",\"variances\":[1,1,1,1],\"priors\":[1,1,1,0]",
         "'output.priors' must be numbers, four for each box"},
        {SSD(3, none, prior, pixel) ",\"variances\":[1,1,1,1],\"priors\":[1,1,1]",
         "'output.priors' must be numbers, four for each box"},
        {"\"layout\":\"detr\",\"boxes\":\"a\",\"scores\":\"a\",\"rows\":3,\"columns\":2,"
         "\"activation\":\"none\"",
         "'output.boxes' and 'output.scores' are the same output"},
        {"\"layout\":\"detr\",\"rows\":3,\"columns\":2,\"activation\":\"none\"",
         "'output.boxes' is missing; 'output.scores' is missing"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fv_model *model = NULL;
        struct fv_error err = {0};
        assert_int_equal(parse(cases[i].output, &model, &err), -EINVAL);
        if (!strstr(err.text, cases[i].sentence))
            fail_msg("\"%s\" does not say \"%s\"", err.text, cases[i].sentence);
    }
}

static void test_without_memory(void **state)
{
    unsigned n = 1;
    for (;; n++) {
        struct fv_model *model = NULL;
        struct fv_error err;
        fv_alloc_fail_at(n);
        int result = parse(SSD(3, softmax, prior, fraction) PRIORS, &model, &err);
        if (fv_alloc_fail_pending()) {
            fv_model_free(model);
            break;
        }
        assert_int_equal(result, -ENOMEM);
    }
    fv_alloc_fail_at(0);
    assert_int_equal(n, 6); /* the model, the priors, the list of labels, two labels */
}

/* ---- boxes ---- */

#define ROWS 3

/* Threshold 0.3, overlap 0.45; the boxes that are expected. */
struct wanted {
    float corners[4], score;
    int class_id;
};

/* Takes the model. */
static void check_model(struct fv_model *model, const float *output, const float *scores,
                        const struct wanted *wanted, uint32_t count)
{
    const struct fv_boxes_params params = {
        .model = model, .score_threshold = 0.3f, .iou_threshold = 0.45f};
    struct fv_boxes *boxes = NULL;
    struct fv_detection out[FV_DETECTIONS_MAX];
    uint32_t dropped = 9;
    assert_int_equal(fv_boxes_create(&params, &boxes), 0);
    assert_int_equal(fv_boxes_decode(boxes, output, scores, out, &dropped), count);
    assert_int_equal(dropped, 0);
    for (uint32_t i = 0; i < count; i++) {
        assert_float_equal(out[i].x0, wanted[i].corners[0], 1e-3);
        assert_float_equal(out[i].y0, wanted[i].corners[1], 1e-3);
        assert_float_equal(out[i].x1, wanted[i].corners[2], 1e-3);
        assert_float_equal(out[i].y1, wanted[i].corners[3], 1e-3);
        assert_float_equal(out[i].score, wanted[i].score, 1e-5);
        assert_int_equal(out[i].class_id, wanted[i].class_id);
    }
    fv_boxes_destroy(boxes);
    fv_model_free(model);
}

static void check_boxes(const char *manifest, const float *output, const float *scores,
                        const struct wanted *wanted, uint32_t count)
{
    check_model(good(manifest), output, scores, wanted, count);
}

/* The best label, of the whole input. Softmax of (ln 3, 0): 3/4 and 1/4; sigmoid of ln 3: 3/4. */
static void test_classes(void **state)
{
    const struct wanted first[] = {{{0, 0, 100, 50}, 0.75f, 0}};
    const struct wanted second[] = {{{0, 0, 100, 50}, 0.75f, 1}};
    const float logits[2] = {1.0986123f, 0}, turned[2] = {-2, 1.0986123f};
    const float shares[2] = {0.25f, 0.75f}, low[2] = {0.2f, 0.1f}, equal[2] = {0.75f, 0.75f};
    const float nothing[2] = {NAN, NAN}, odd[2] = {NAN, 0.75f}, beyond[2] = {1.5f, 0};
    check_model(good_classifier(ANSWERS(softmax)), logits, NULL, first, 1);
    check_model(good_classifier(ANSWERS(sigmoid)), turned, NULL, second, 1);
    check_model(good_classifier(ANSWERS(none)), shares, NULL, second, 1);
    check_model(good_classifier(ANSWERS(none)), equal, NULL, first, 1);
    check_model(good_classifier(ANSWERS(none)), low, NULL, NULL, 0);
    check_model(good_classifier(ANSWERS(none)), nothing, NULL, NULL, 0);
    check_model(good_classifier(ANSWERS(none)), odd, NULL, second, 1);
    check_model(good_classifier(ANSWERS(softmax)), odd, NULL, NULL, 0);
    check_model(good_classifier(ANSWERS(none)), beyond, NULL, NULL, 0);
}

static void test_yolov5(void **state)
{
    const float output[ROWS][7] = {
        {20, 10, 8, 4, 0.5f, 0.1f, 0.8f},   /* 0.5 x 0.8 */
        {60, 30, 20, 10, 0.9f, 0.9f, 0.2f}, /* 0.9 x 0.9 */
        {61, 30, 20, 10, 0.8f, 0.9f, 0},    /* lies on it: 19/21 */
    };
    const struct wanted wanted[] = {{{50, 25, 70, 35}, 0.81f, 0}, {{16, 8, 24, 12}, 0.4f, 1}};
    check_boxes(V5, output[0], NULL, wanted, 2);
}

static void test_yolov8(void **state)
{
    const float output[6][ROWS] = {
        {20, 60, 61},        {10, 30, 30},
        {8, 20, 20},         {4, 10, 10}, /* cx, cy, w, h of three boxes */
        {0.1f, 0.9f, 0.8f},               /* person */
        {0.8f, 0.2f, 0.85f},              /* car: another class is not suppressed */
    };
    const struct wanted wanted[] = {
        {{50, 25, 70, 35}, 0.9f, 0}, {{51, 25, 71, 35}, 0.85f, 1}, {{16, 8, 24, 12}, 0.8f, 1}};
    check_boxes(V8, output[0], NULL, wanted, 3);
}

/* Probabilities; the first column is the background, whose 0.6 is not heeded. */
static void test_ssd_corners(void **state)
{
    const float boxes[ROWS][4] = {{0.1f, 0.2f, 0.3f, 0.4f}, {0.5f, 0, 1, 1}, {0.5f, 0, 0.4f, 1}};
    const float scores[ROWS][3] = {{0.6f, 0.4f, 0}, {0.1f, 0.2f, 0.7f}, {0, 1, 0}};
    const struct wanted wanted[] = {{{50, 0, 100, 50}, 0.7f, 1}, {{10, 10, 30, 20}, 0.4f, 0}};
    check_boxes(SSD(3, none, xyxy, fraction), boxes[0], scores[0], wanted, 2);
    const float pixels[ROWS][4] = {{10, 10, 20, 30}, {0, 50, 50, 100}, {0, 50, 50, 40}};
    check_boxes(SSD(3, none, yxyx, pixel), pixels[0], scores[0], wanted, 2);
    const float centres[ROWS][4] = {{20, 15, 20, 10}, {75, 25, 50, 50}, {75, 25, -5, 50}};
    check_boxes(SSD(3, none, cxcywh, pixel), centres[0], scores[0], wanted, 2);
}

/*
 * Prior 0: centre (0.5, 0.5), 0.2 x 0.4; values (1, -2, ln 2 / 0.2, 0): centre (0.5 + 0.1 x 0.2, 0.5 - 0.2 x 0.4) = (0.52, 0.42),
 * 0.4 x 0.4. In 100x50: centre (52, 21), 40 x 20. Prior 1 as it is: centre (0.25, 0.5), half of each side.
 * Softmax of (0, ln 3, ln 4): 1/8, 3/8, 4/8. Of (ln 2, 0, 0): 1/2, 1/4, 1/4: below the threshold.
 */
static void test_ssd_priors(void **state)
{
    const float boxes[ROWS][4] = {{1, -2, 3.4657359f, 0}, {0}, {0}};
    const float scores[ROWS][3] = {
        {0, 1.0986123f, 1.3862944f}, {-50, 50, -INFINITY}, {0.6931472f, 0, 0}};
    const struct wanted wanted[] = {{{0, 12.5f, 50, 37.5f}, 1, 0}, {{32, 11, 72, 31}, 0.5f, 1}};
    check_boxes(SSD(3, softmax, prior, fraction) PRIORS, boxes[0], scores[0], wanted, 2);
}

/* No NMS: two queries for the same place stay. The last column is no object. Sigmoid of ln 3 is 3/4, of -ln 3 1/4. */
static void test_detr(void **state)
{
    const float boxes[ROWS][4] = {
        {0.5f, 0.5f, 0.2f, 0.4f}, {0.5f, 0.5f, 0.2f, 0.4f}, {0.1f, 0.1f, 1, 1}};
    const float softmax[ROWS][3] = {{1.0986123f, -40, 0}, {1.3862944f, 0, 1.0986123f}, {0, 0, 40}};
    const struct wanted first[] = {{{40, 15, 60, 35}, 0.75f, 0}, {{40, 15, 60, 35}, 0.5f, 0}};
    check_boxes(DETR(3, softmax), boxes[0], softmax[0], first, 2);
    const float sigmoid[ROWS][2] = {{-9, 1.0986123f}, {-1.0986123f, -9}, {0, -9}};
    const struct wanted second[] = {{{40, 15, 60, 35}, 0.75f, 1}, {{-40, -20, 60, 30}, 0.5f, 0}};
    check_boxes(DETR(2, sigmoid), boxes[0], sigmoid[0], second, 2);
}

/* What is no number makes no box, in each layout. */
static void test_not_a_number(void **state)
{
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < 3; i++) {
        float boxes[ROWS][4] = {{0.5f, 0.5f, 0.2f, 0.4f}, {0.5f, 0.5f, 0.2f, 0.4f}};
        float scores[ROWS][3] = {{5, 0, 0}, {bad[i], 0, 0}, {-9, -9, 9}};
        boxes[0][i] = bad[i];
        /* Minus infinity is a score like another, for something impossible: half and half are left. */
        const struct wanted half[] = {{{40, 15, 60, 35}, 0.5f, 1}};
        check_boxes(DETR(3, softmax), boxes[0], scores[0], half, bad[i] < 0 ? 1 : 0);
        float v5[ROWS][7] = {{20, 10, 8, 4, 1, 1, 0}, {20, 10, 8, 4, bad[i], 1, 0}};
        v5[0][i] = bad[i];
        check_boxes(V5, v5[0], NULL, NULL, 0);
    }
}

/* At a threshold of 0, too, in each layout and with each activation: no row comes out whose values or sides are no numbers. */
static void none_at_zero(struct fv_model *model, const float *output, const float *scores)
{
    struct fv_boxes *boxes = NULL;
    struct fv_detection found[FV_DETECTIONS_MAX];
    const struct fv_boxes_params params = {.model = model, .iou_threshold = 0.5f};
    assert_int_equal(fv_boxes_create(&params, &boxes), 0);
    assert_int_equal(fv_boxes_decode(boxes, output, scores, found, NULL), 0);
    fv_boxes_destroy(boxes);
    fv_model_free(model);
}

static void test_not_a_number_at_zero(void **state)
{
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    static const float sound[ROWS][4] = {{10, 10, 20, 20}, {10, 10, 20, 20}, {10, 10, 20, 20}};
    for (size_t i = 0; i < 3; i++) {
        float scores[ROWS * 3], boxes[ROWS * 4], fine[ROWS * 3] = {0}, v5[ROWS * 7], v8[ROWS * 6];
        for (int k = 0; k < ROWS * 3; k++)
            scores[k] = bad[i];
        for (int k = 0; k < ROWS * 4; k++)
            boxes[k] = bad[i];
        for (int row = 0; row < ROWS; row++)
            memcpy(v5 + 7 * row, (float[]){20, 10, 8, 4, 1, bad[i], bad[i]}, 7 * sizeof(float));
        for (int k = 0; k < 6 * ROWS; k++)
            v8[k] = k < 4 * ROWS ? 20 : bad[i];
        none_at_zero(good(V5), v5, NULL);
        none_at_zero(good(V8), v8, NULL);
        none_at_zero(good(SSD(3, none, xyxy, pixel)), sound[0], scores);
        none_at_zero(good(SSD(3, none, xyxy, pixel)), boxes, fine);
        none_at_zero(good(SSD(3, softmax, xyxy, pixel)), sound[0], scores);
        none_at_zero(good(SSD(3, softmax, yxyx, pixel)), boxes, fine);
        none_at_zero(good(SSD(3, softmax, prior, fraction) PRIORS), boxes, fine);
        none_at_zero(good(DETR(2, sigmoid)), sound[0], scores);
        none_at_zero(good(DETR(2, sigmoid)), boxes, fine);
        none_at_zero(good_classifier(ANSWERS(none)), scores, NULL);
        none_at_zero(good_classifier(ANSWERS(softmax)), scores, NULL);
        none_at_zero(good_classifier(ANSWERS(sigmoid)), scores, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),         cmocka_unit_test(test_places),
        cmocka_unit_test(test_words),          cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_without_memory), cmocka_unit_test(test_yolov5),
        cmocka_unit_test(test_yolov8),         cmocka_unit_test(test_ssd_corners),
        cmocka_unit_test(test_ssd_priors),     cmocka_unit_test(test_detr),
        cmocka_unit_test(test_not_a_number),   cmocka_unit_test(test_not_a_number_at_zero),
        cmocka_unit_test(test_classifier),     cmocka_unit_test(test_classifier_refusals),
        cmocka_unit_test(test_classes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

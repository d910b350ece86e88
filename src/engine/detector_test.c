// SPDX-License-Identifier: Apache-2.0
/* Both forms of the detector with a network that has boxes and scores in outputs of their own: each picture of a batch gets its own. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/detector.h"
#include "gpu/gpu.h"

#define BATCH 3
#define ROWS 2

static char *labels[] = {(char *)"person", (char *)"car"};

static const struct fv_model model = {
    .name = "two",
    .width = 100,
    .height = 50,
    .range = 255,
    .std = {1, 1, 1},
    .dynamic_batch = true,
    .layout = FV_LAYOUT_DETR,
    .activation = FV_SCORE_SIGMOID,
    .rows = ROWS,
    .columns = 2,
    .output_name = "boxes",
    .scores_name = "scores",
    .labels = labels,
    .label_count = 2,
};

/* Picture i: a car in the middle, 10 (i + 1) wide, with the score of i; and nothing. */
static void write_outputs(float *output)
{
    size_t offset;
    fv_model_output_bytes(&model, BATCH, &offset);
    assert_int_equal(offset, 256); /* 3 x 2 x 4 numbers are 96 bytes */
    float *scores = output + offset / sizeof(float);
    for (int i = 0; i < BATCH; i++) {
        const float boxes[ROWS][4] = {{0.5f, 0.5f, 0.1f * (float)(i + 1), 0.4f},
                                      {0.1f, 0.1f, 1, 1}};
        const float logits[ROWS][2] = {{-9, (float)i}, {-9, -9}};
        memcpy(output + (ptrdiff_t)i * 8, boxes, sizeof(boxes));
        memcpy(scores + (ptrdiff_t)i * 4, logits, sizeof(logits));
    }
}

/* ---- a runtime whose network knows its answer ---- */

struct fv_runtime {
    void *input;
    const void *output;
};

static void *mock_input(struct fv_runtime *runtime, unsigned lane)
{
    return runtime->input;
}

static int mock_run(struct fv_runtime *runtime, unsigned lane, unsigned batch,
                    const void **ret_output, struct fv_error *err)
{
    *ret_output = runtime->output;
    return 0;
}

static enum fv_element mock_element(const struct fv_runtime *runtime)
{
    return FV_ELEMENT_F32;
}

static const struct fv_runtime_ops mock_ops = {
    .name = "mock", .element = mock_element, .input = mock_input, .run = mock_run};

/* ---- */

static void check_detector(struct fv_detector *detector, struct fv_picture *picture)
{
    static const float score[BATCH] = {0.5f, 0.7310586f, 0.8807971f}; /* 1 / (1 + e^-i) */
    struct fv_picture *const pictures[BATCH] = {picture, picture, picture};
    const struct fv_letterbox place = {.scale = 1, .width = 16, .height = 16};
    const struct fv_letterbox places[BATCH] = {place, place, place};
    const struct fv_batch batch = {pictures, places, BATCH};
    struct fv_error err = {0};
    assert_int_equal(detector->ops->enter(detector, &err), 0);
    assert_true(detector->ops->usable(detector, picture));
    if (detector->ops->submit(detector, 0, &batch, &err) < 0 ||
        detector->ops->collect(detector, 0, &err) < 0)
        fail_msg("%s", err.text);
    for (unsigned i = 0; i < BATCH; i++) {
        struct fv_detection out[FV_DETECTIONS_MAX];
        const float half = 5 * (float)(i + 1);
        assert_int_equal(detector->ops->read(detector, 0, i, out), 1);
        assert_float_equal(out[0].x0, 50 - half, 1e-3);
        assert_float_equal(out[0].x1, 50 + half, 1e-3);
        assert_float_equal(out[0].y0, 15, 1e-3);
        assert_float_equal(out[0].y1, 35, 1e-3);
        assert_float_equal(out[0].score, score[i], 1e-5);
        assert_int_equal(out[0].class_id, 1);
    }
}

static struct fv_detector_params params_of(struct fv_runtime *runtime)
{
    return (struct fv_detector_params){.model = &model,
                                       .runtime_ops = &mock_ops,
                                       .runtime = runtime,
                                       .max_batch = BATCH,
                                       .score_threshold = 0.3f,
                                       .iou_threshold = 0.45f};
}

static uint8_t grey[16 * 16 * 3 / 2];

static void test_cpu(void **state)
{
    static float input[BATCH * 3 * 100 * 50], output[200];
    struct fv_runtime runtime = {input, output};
    const struct fv_detector_params params = params_of(&runtime);
    struct fv_detector *detector = NULL;
    struct fv_error err = {0};
    struct fv_picture picture = {
        .format = FV_PIXEL_NV12, .plane = {grey, grey + 256}, .pitch = {16, 16}, .refs = 1};
    picture.info.width = picture.info.height = 16;
    write_outputs(output);
    assert_int_equal(fv_detector_cpu_create(&params, &detector, &err), 0);
    check_detector(detector, &picture);
    fv_detector_destroy(detector);
}

static void test_gpu(void **state)
{
    static float output[200];
    struct fv_gpu *gpu = NULL;
    struct fv_gpu_stream *stream = NULL;
    struct fv_error err = {0};
    fv_gpu_address input, device, pixels;
    if (fv_gpu_open(&(struct fv_gpu_params){0}, &gpu, &err) < 0)
        skip(); /* a build without the GPU path */
    write_outputs(output);
    assert_int_equal(fv_gpu_stream_create(gpu, &stream, &err), 0);
    assert_int_equal(fv_gpu_alloc(gpu, sizeof(float) * BATCH * 3 * 100 * 50, "t", &input, &err), 0);
    assert_int_equal(fv_gpu_alloc(gpu, sizeof(output), "t", &device, &err), 0);
    assert_int_equal(fv_gpu_alloc(gpu, sizeof(grey), "t", &pixels, &err), 0);
    assert_int_equal(fv_gpu_upload(stream, device, output, sizeof(output), FV_GPU_WEIGHTS, &err),
                     0);
    assert_int_equal(fv_gpu_upload(stream, pixels, grey, sizeof(grey), FV_GPU_CONTROL, &err), 0);
    struct fv_runtime runtime = {(void *)(uintptr_t)input, (void *)(uintptr_t)device};
    struct fv_detector_params params = params_of(&runtime);
    struct fv_detector *detector = NULL;
    params.gpu = gpu;
    params.stream = stream;
    struct fv_picture picture = {
        .format = FV_PIXEL_NV12,
        .memory = FV_MEMORY_DEVICE,
        .plane = {(const uint8_t *)(uintptr_t)pixels, (const uint8_t *)(uintptr_t)(pixels + 256)},
        .pitch = {16, 16},
        .refs = 1};
    picture.info.width = picture.info.height = 16;
    assert_int_equal(fv_detector_gpu_create(&params, &detector, &err), 0);
    check_detector(detector, &picture);
    fv_detector_destroy(detector);
    fv_gpu_free(gpu, input);
    fv_gpu_free(gpu, device);
    fv_gpu_free(gpu, pixels);
    fv_gpu_stream_destroy(stream);
    fv_gpu_close(gpu);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cpu), cmocka_unit_test(test_gpu)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
/* The table of runtimes, and ONNX Runtime's CPU provider with tiny networks. What needs the real library is skipped without it. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <dlfcn.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "infer/fake_ort.h"
#include "infer/onnx_testdata.h"
#include "infer/runtime.h"

/* 32x32 with strides 8, 16, 32: 16 + 4 + 1 rows; one label. */
#define SIDE 32
#define ROWS 21
#define COLUMNS 6
#define IMAGE (3 * SIDE * SIDE)
#define OUTPUT (ROWS * COLUMNS)

static char folder[] = "/tmp/fovea-runtime-XXXXXX";
static char model_path[64];
static char *label_texts[] = {(char *)"person"};

static const struct fv_onnx_params good_file = {.input = "images",
                                                .output = "out",
                                                .type = FV_ONNX_FLOAT,
                                                .side = SIDE,
                                                .rows = ROWS,
                                                .columns = COLUMNS};

static struct fv_model tiny_model(bool dynamic_batch)
{
    struct fv_model model = {
        .name = "tiny",
        .input_name = "images",
        .output_name = "out",
        .width = SIDE,
        .height = SIDE,
        .dynamic_batch = dynamic_batch,
        .strides = {8, 16, 32},
        .stride_count = 3,
        .rows = ROWS,
        .columns = COLUMNS,
        .labels = label_texts,
        .label_count = 1,
    };
    memcpy(model.path, model_path, sizeof(model_path));
    return model;
}

static int open_cpu(const struct fv_model *model, unsigned batch, const char *library,
                    struct fv_runtime **ret_runtime, struct fv_error *err)
{
    const struct fv_runtime_params params = {
        .model = model, .max_batch = batch, .threads = 1, .library = library};
    return fv_runtime_ort_cpu.open(&params, ret_runtime, err);
}

/* False when ONNX Runtime is not there (or the build has no part for it): then there is nothing to test. */
static bool available(void)
{
    static int known = -1;
    struct fv_model model = tiny_model(true);
    struct fv_runtime *runtime;
    struct fv_error err;
    if (known < 0) {
        int result = fv_onnx_write(model_path, &good_file);
        assert_int_equal(result, 0);
        result = open_cpu(&model, 1, NULL, &runtime, &err);
        known = result == 0;
        if (known)
            fv_runtime_ort_cpu.close(runtime);
        else
            print_message("%s\n", err.text);
        assert_true(known || result == -ENOENT || result == -ENOTSUP);
    }
    return known;
}

/* ---- the table ---- */

static void test_table(void **state)
{
    static struct fv_runtime_ops mocks[5] = {{"a"}, {"b"}, {"c"}, {"d"}, {"e"}};
    assert_ptr_equal(fv_runtime_find("cpu"), &fv_runtime_ort_cpu);
    assert_ptr_equal(fv_runtime_find("cuda"), &fv_runtime_ort_cuda);
    assert_ptr_equal(fv_runtime_find("tensorrt"), &fv_runtime_ort_tensorrt);
    assert_ptr_equal(fv_runtime_find("tensorrt-rtx"), &fv_runtime_ort_rtx);
    assert_null(fv_runtime_find("CPU"));
    assert_null(fv_runtime_find("a"));
    for (int i = 0; i < 4; i++) {
        assert_int_equal(fv_runtime_register(&mocks[i]), 0);
        assert_int_equal(fv_runtime_register(&mocks[i]), -EINVAL); /* twice */
        assert_ptr_equal(fv_runtime_find(mocks[i].name), &mocks[i]);
    }
    assert_int_equal(fv_runtime_register(&mocks[4]), -ENOBUFS);
    assert_int_equal(fv_runtime_register(&(struct fv_runtime_ops){NULL}), -EINVAL);
    assert_int_equal(fv_runtime_ort_cpu.memory, FV_MEMORY_HOST);
    fv_runtime_ort_cpu.close(NULL);
}

/* ---- finding the library ---- */

static bool built_in(void)
{
    struct fv_model model = tiny_model(true);
    struct fv_runtime *runtime;
    struct fv_error err;
    int result = open_cpu(&model, 1, "/nonexistent", &runtime, &err);
    if (result == -ENOENT)
        return true;
    assert_int_equal(result, -ENOTSUP);
    assert_non_null(strstr(err.text, "built without ONNX Runtime"));
    return false;
}

static void refuse_library(const char *path, int code, const char *sentence)
{
    struct fv_model model = tiny_model(true);
    struct fv_runtime *runtime = NULL;
    struct fv_error err = {0};
    assert_int_equal(open_cpu(&model, 1, path, &runtime, &err), code);
    assert_null(runtime);
    if (!strstr(err.text, sentence))
        fail_msg("\"%s\" does not say \"%s\"", err.text, sentence);
}

static void test_library_places(void **state)
{
    Dl_info jansson;
    char path[128];
    if (!built_in())
        skip();
    refuse_library("/nonexistent/x.so", -ENOENT, "/nonexistent/x.so: No such file");
    refuse_library(folder, -ENOENT, "there is no libonnxruntime.so in /tmp/fovea-runtime-");
    /* A link to nothing, as Debian's -dev package alone would leave. */
    snprintf(path, sizeof(path), "%s/libonnxruntime.so", folder);
    assert_int_equal(symlink("libonnxruntime.so.9", path), 0);
    refuse_library(folder, -ENOENT, "there is no libonnxruntime.so");
    unlink(path);
    /* Of several the newest; here it is a model and no library at all. */
    assert_int_equal(symlink("/dev/null", path), 0);
    char newest[160];
    snprintf(newest, sizeof(newest), "%s.1.10.0", path);
    assert_int_equal(fv_onnx_write(newest, &good_file), 0);
    refuse_library(folder, -ENOTSUP, "libonnxruntime.so.1.10.0: ");
    unlink(newest);
    unlink(path);
    /* A library, but another one. */
    assert_int_not_equal(dladdr((void *)(uintptr_t)json_loads, &jansson), 0);
    refuse_library(jansson.dli_fname, -ENOTSUP, "is not ONNX Runtime: it has no OrtGetApiBase");
}

/* Built beside the tests: <folder of the program>/infer/libfake_ort.so */
static void test_library_versions(void **state)
{
    char path[600];
    struct fake_ort *fake = fake_ort_open(path, sizeof(path));
    if (!built_in() || !fake)
        skip();
    fake->version = "1.9.1";
    refuse_library(path, -ENOTSUP, "is ONNX Runtime 1.9.1; 1.10 or newer is needed");
    fake->version = "2.0.0";
    refuse_library(path, -ENOTSUP, "is ONNX Runtime 2.0.0; 1.10 or newer is needed");
    fake->version = "1.99.0";
    fake->no_api = true;
    refuse_library(path, -ENOTSUP, "(ONNX Runtime 1.99.0) does not offer its C API");
}

/* ---- running ---- */

/* Fills image i with i * 1000 + its index and checks that the output is the beginning of each. */
static void run_and_check(struct fv_runtime *runtime, unsigned batch)
{
    float *input = fv_runtime_ort_cpu.input(runtime, 0);
    const void *result = NULL;
    struct fv_error err = {0};
    for (unsigned i = 0; i < batch; i++)
        for (int j = 0; j < IMAGE; j++)
            input[i * IMAGE + (unsigned)j] = (float)(i * 10000 + (unsigned)j);
    assert_int_equal(fv_runtime_ort_cpu.run(runtime, 0, batch, &result, &err), 0);
    assert_int_equal(err.code, 0);
    const float *output = result;
    for (unsigned i = 0; i < batch; i++)
        for (int j = 0; j < OUTPUT; j++)
            assert_float_equal(output[i * OUTPUT + (unsigned)j], i * 10000 + (unsigned)j, 0);
}

static void run_batches(bool dynamic_batch)
{
    struct fv_onnx_params file = good_file;
    struct fv_model model = tiny_model(dynamic_batch);
    struct fv_runtime *runtime = NULL;
    struct fv_error err = {0};
    const void *output;
    file.batch = dynamic_batch ? 0 : 1;
    file.frozen = !dynamic_batch;
    assert_int_equal(fv_onnx_write(model_path, &file), 0);
    assert_int_equal(open_cpu(&model, 4, NULL, &runtime, &err), 0);
    assert_int_equal(err.code, 0);
    assert_non_null(strstr(fv_runtime_ort_cpu.describe(runtime), "ONNX Runtime 1."));
    assert_non_null(
        strstr(fv_runtime_ort_cpu.describe(runtime), ", CPUExecutionProvider, 1 thread"));
    const unsigned batches[] = {4, 1, 3, 2, 4};
    for (size_t i = 0; i < sizeof(batches) / sizeof(batches[0]); i++)
        run_and_check(runtime, batches[i]);
    assert_int_equal(fv_runtime_ort_cpu.run(runtime, 0, 0, &output, &err), -EINVAL);
    assert_int_equal(fv_runtime_ort_cpu.run(runtime, 0, 5, &output, &err), -EINVAL);
    assert_string_equal(err.text, "a batch of 5 in a runtime made for 1 to 4");
    fv_runtime_ort_cpu.close(runtime);
}

static void test_free_batch(void **state)
{
    if (!available())
        skip();
    run_batches(true);
}

static void test_batch_of_one(void **state)
{
    if (!available())
        skip();
    run_batches(false);
}

/* Boxes and scores of one output each, the second where fv_model_output_bytes() says. */
static void run_two_outputs(bool dynamic_batch)
{
    enum { BATCH = 3, SCORES = 2 };
    struct fv_onnx_params file = good_file;
    struct fv_model model = tiny_model(dynamic_batch);
    struct fv_runtime *runtime = NULL;
    struct fv_error err = {0};
    const void *result = NULL;
    size_t offset;
    file.batch = dynamic_batch ? 0 : 1;
    file.frozen = !dynamic_batch;
    file.columns = 4;
    file.scores = "scores";
    file.score_columns = model.columns = SCORES;
    model.layout = FV_LAYOUT_DETR;
    strcpy(model.scores_name, "scores");
    fv_model_output_bytes(&model, BATCH, &offset);
    assert_int_equal(fv_onnx_write(model_path, &file), 0);
    if (open_cpu(&model, BATCH, NULL, &runtime, &err) < 0)
        fail_msg("%s", err.text);
    float *input = fv_runtime_ort_cpu.input(runtime, 0);
    for (unsigned i = 0; i < BATCH * IMAGE; i++)
        input[i] = (float)i;
    assert_int_equal(fv_runtime_ort_cpu.run(runtime, 0, BATCH, &result, &err), 0);
    const float *boxes = result, *scores = boxes + offset / sizeof(float);
    for (unsigned i = 0; i < BATCH; i++) {
        for (unsigned k = 0; k < ROWS * 4; k++)
            assert_float_equal(boxes[i * ROWS * 4 + k], i * IMAGE + k, 0);
        for (unsigned k = 0; k < ROWS * SCORES; k++)
            assert_float_equal(scores[i * ROWS * SCORES + k], (i + 1) * IMAGE - ROWS * SCORES + k,
                               0);
    }
    fv_runtime_ort_cpu.close(runtime);
}

static void test_two_outputs(void **state)
{
    if (!available())
        skip();
    run_two_outputs(true);
    run_two_outputs(false);
}

/* A classifier's output has one dimension less, and a detector's in its place is refused. */
static void test_classifier(void **state)
{
    enum { BATCH = 3, LABELS = 5 };
    if (!available())
        skip();
    struct fv_onnx_params file = good_file;
    struct fv_model model = tiny_model(true);
    struct fv_runtime *runtime = NULL;
    struct fv_error err = {0};
    const void *result = NULL;
    model.layout = FV_LAYOUT_CLASSES;
    model.rows = 1;
    model.columns = model.label_count = LABELS;
    file.rows = 0;
    file.columns = LABELS;
    assert_int_equal(fv_onnx_write(model_path, &file), 0);
    if (open_cpu(&model, BATCH, NULL, &runtime, &err) < 0)
        fail_msg("%s", err.text);
    float *input = fv_runtime_ort_cpu.input(runtime, 0);
    for (unsigned i = 0; i < BATCH * IMAGE; i++)
        input[i] = (float)i;
    assert_int_equal(fv_runtime_ort_cpu.run(runtime, 0, BATCH, &result, &err), 0);
    for (unsigned i = 0; i < BATCH; i++)
        for (unsigned k = 0; k < LABELS; k++)
            assert_float_equal(((const float *)result)[i * LABELS + k], i * IMAGE + k, 0);
    fv_runtime_ort_cpu.close(runtime);
    file.rows = 1;
    assert_int_equal(fv_onnx_write(model_path, &file), 0);
    assert_int_equal(open_cpu(&model, BATCH, NULL, &runtime, &err), -EINVAL);
    assert_non_null(strstr(err.text, "[N,5] float32, the model has 'out"));
}

static void test_two_runtimes(void **state)
{
    if (!available())
        skip();
    struct fv_model model = tiny_model(true);
    struct fv_runtime *first, *second;
    assert_int_equal(fv_onnx_write(model_path, &good_file), 0);
    assert_int_equal(open_cpu(&model, 2, NULL, &first, NULL), 0);
    assert_int_equal(open_cpu(&model, 3, NULL, &second, NULL), 0);
    run_and_check(first, 2);
    fv_runtime_ort_cpu.close(first);
    run_and_check(second, 3);
    fv_runtime_ort_cpu.close(second);
}

/* ---- refusals ---- */

static void test_contradictions(void **state)
{
    static const struct {
        struct fv_onnx_params file;
        bool dynamic_batch;
        const char *sentence;
    } cases[] = {
        {{"input", "out", FV_ONNX_FLOAT16, 1, 16, ROWS, COLUMNS, false, false, NULL, 0},
         true,
         "contradicts its manifest: the manifest says input 'images' [N,3,32,32] float32, the "
         "model "
         "has 'input' [1,3,16,16] float16; the manifest says output 'out' [N,21,6] float32, the "
         "model has 'out' [1,21,6] float16"},
        {{"images", "boxes", FV_ONNX_FLOAT, 0, SIDE, ROWS, COLUMNS, false, false, NULL, 0},
         true,
         "manifest: the manifest says output 'out' [N,21,6] float32, the model has 'boxes' "
         "[N,21,6] float32"},
        {{"images", "out", FV_ONNX_FLOAT, 0, SIDE, ROWS, COLUMNS, false, false, NULL, 0},
         false,
         "the manifest says input 'images' [1,3,32,32] float32, the model has 'images' "
         "[N,3,32,32] float32"},
        {{"images", "out", FV_ONNX_FLOAT, 0, SIDE, ROWS - 1, COLUMNS, false, false, NULL, 0},
         true,
         "output 'out' [N,21,6] float32, the model has 'out' [N,20,6] float32"},
        {{"images", "out", FV_ONNX_FLOAT, 0, SIDE, ROWS, COLUMNS, false, true, NULL, 0},
         true,
         "manifest: the model has 2 inputs, only one is supported"},
        {{"images", "out", FV_ONNX_FLOAT, 0, SIDE, 5, ROWS, false, false, NULL, 0},
         true,
         "the model has 'out' [N,5,21] float32 (as in the layout \"yolov8\")"},
        {{"images", "boxes", FV_ONNX_FLOAT, 0, SIDE, ROWS, 4, false, false, "scores", 2},
         true,
         "the model has 'boxes' [N,21,4] float32 (as in the layout \"ssd\" or \"detr\", whose "
         "scores "
         "are another output)"},
        {{"images", "out", FV_ONNX_FLOAT, 0, SIDE, ROWS, COLUMNS, true, false, NULL, 0},
         true,
         "tiny.onnx"},
    };
    if (!available())
        skip();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fv_model model = tiny_model(cases[i].dynamic_batch);
        struct fv_runtime *runtime = NULL;
        struct fv_error err = {0};
        assert_int_equal(fv_onnx_write(model_path, &cases[i].file), 0);
        assert_int_equal(open_cpu(&model, 2, NULL, &runtime, &err), -EINVAL);
        assert_null(runtime);
        if (!strstr(err.text, cases[i].sentence))
            fail_msg("\"%s\" does not say \"%s\"", err.text, cases[i].sentence);
    }
}

static void test_bad_file(void **state)
{
    struct fv_model model = tiny_model(true);
    struct fv_runtime *runtime = NULL;
    struct fv_error err;
    if (!available())
        skip();
    unlink(model_path);
    assert_int_equal(open_cpu(&model, 1, NULL, &runtime, &err), -ENOENT);
    FILE *file = fopen(model_path, "w");
    assert_non_null(file);
    fputs("this is not a network", file);
    fclose(file);
    assert_int_equal(open_cpu(&model, 1, NULL, &runtime, &err), -EINVAL);
    assert_non_null(strstr(err.text, model_path));
    assert_null(runtime);
}

static void test_bad_params(void **state)
{
    struct fv_model model = tiny_model(true);
    struct fv_runtime *runtime;
    if (!built_in())
        skip();
    model.element = FV_ELEMENT_F16;
    struct fv_error err;
    assert_int_equal(open_cpu(&model, 1, NULL, &runtime, &err), -ENOTSUP);
    assert_non_null(strstr(err.text, "use the float32 model"));
    model.element = FV_ELEMENT_F32;
    assert_int_equal(open_cpu(&model, 0, NULL, &runtime, NULL), -EINVAL);
    assert_int_equal(open_cpu(&model, 257, NULL, &runtime, NULL), -EINVAL);
}

static void test_without_memory(void **state)
{
    struct fv_model model = tiny_model(true);
    unsigned n = 1;
    if (!available())
        skip();
    assert_int_equal(fv_onnx_write(model_path, &good_file), 0);
    for (;; n++) {
        struct fv_runtime *runtime = NULL;
        struct fv_error err;
        fv_alloc_fail_at(n);
        int result = open_cpu(&model, 2, NULL, &runtime, &err);
        if (fv_alloc_fail_pending()) {
            fv_runtime_ort_cpu.close(runtime);
            break;
        }
        assert_int_equal(result, -ENOMEM);
    }
    fv_alloc_fail_at(0);
    assert_int_equal(n, 6); /* the runtime, two tensors, two lists of values */
}

static int make_folder(void **state)
{
    if (!mkdtemp(folder))
        return -1;
    snprintf(model_path, sizeof(model_path), "%s/tiny.onnx", folder);
    return 0;
}

static int remove_folder(void **state)
{
    unlink(model_path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_library_places),
        cmocka_unit_test(test_library_versions),
        cmocka_unit_test(test_free_batch),
        cmocka_unit_test(test_batch_of_one),
        cmocka_unit_test(test_two_outputs),
        cmocka_unit_test(test_two_runtimes),
        cmocka_unit_test(test_classifier),
        cmocka_unit_test(test_contradictions),
        cmocka_unit_test(test_bad_file),
        cmocka_unit_test(test_bad_params),
        cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

// SPDX-License-Identifier: Apache-2.0
/* ONNX Runtime's CUDA provider without a GPU: look-alikes of the library (fake_ort.h) and of the driver (tests/fakegpu). */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "gpu/gpu.h"
#include "infer/fake_ort.h"
#include "infer/runtime.h"

/* 32x32 with strides 8, 16, 32: 16 + 4 + 1 rows; one label. */
#define SIDE 32
#define ROWS 21
#define COLUMNS 6
#define IMAGE (3 * SIDE * SIDE)
#define OUTPUT (ROWS * COLUMNS)
#define FLOAT 1 /* ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT */
#define FLOAT16 10

static char *label_texts[] = {(char *)"person"};
static char library[600];
static struct fake_ort *fake;
static struct fv_gpu *gpu;
static struct fv_gpu_stream *stream;
static char progress[2000];

static struct fv_model tiny_model(bool dynamic_batch, enum fv_element element)
{
    return (struct fv_model){
        .name = "tiny",
        .path = "/nonexistent/tiny.onnx",
        .input_name = "images",
        .output_name = "out",
        .width = SIDE,
        .height = SIDE,
        .element = element,
        .dynamic_batch = dynamic_batch,
        .strides = {8, 16, 32},
        .stride_count = 3,
        .rows = ROWS,
        .columns = COLUMNS,
        .labels = label_texts,
        .label_count = 1,
    };
}

static void set_scene(const struct fv_model *model)
{
    assert_ptr_equal(fake_ort_open(library, sizeof(library)), fake);
    fake->input = "images";
    fake->output = "out";
    fake->type = model->element == FV_ELEMENT_F16 ? FLOAT16 : FLOAT;
    fake->batch = model->dynamic_batch ? -1 : 1;
    fake->side = SIDE;
    fake->rows = ROWS;
    fake->columns = COLUMNS;
    fake->scores = NULL;
}

static void note_progress(void *data, const char *text)
{
    size_t used = strlen(progress);
    snprintf(progress + used, sizeof(progress) - used, "%s\n", text);
}

static struct fv_runtime_params params_for(const struct fv_model *model, unsigned max_batch,
                                           unsigned lanes)
{
    return (struct fv_runtime_params){.model = model,
                                      .max_batch = max_batch,
                                      .lanes = lanes,
                                      .library = library,
                                      .gpu = gpu,
                                      .stream = stream};
}

/* Opens what must open. */
static struct fv_runtime *open_good(const struct fv_runtime_params *params)
{
    struct fv_runtime *runtime = NULL;
    struct fv_error err = {0};
    if (fv_runtime_ort_cuda.open(params, &runtime, &err) < 0)
        fail_msg("%s", err.text);
    return runtime;
}

static void refuse(const struct fv_runtime_params *params, int code, const char *sentence)
{
    struct fv_gpu_memory_stats before, after;
    struct fv_runtime *runtime = NULL;
    struct fv_error err = {0};
    fv_gpu_memory_stats(gpu, &before);
    assert_int_equal(fv_runtime_ort_cuda.open(params, &runtime, &err), code);
    assert_null(runtime);
    if (!strstr(err.text, sentence))
        fail_msg("\"%s\" does not say \"%s\"", err.text, sentence);
    fv_gpu_memory_stats(gpu, &after);
    assert_int_equal(after.pool_blocks, before.pool_blocks);
    assert_int_equal(after.outside_used, before.outside_used);
    assert_int_equal(fake->live, 0);
}

/* Of faults, to the look-alike of the driver. */
static void script(const char *text)
{
    void (*tell)(const char *text) = NULL;
    void *driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_NOLOAD);
    assert_non_null(driver);
    *(void **)&tell = dlsym(driver, "fakegpu_script");
    assert_non_null(tell);
    tell(text);
    dlclose(driver);
}

static fv_gpu_address address_of(const void *pointer)
{
    return (uintptr_t)pointer;
}

/* Gives image i the numbers i * 10000 + its index and checks that the output is the beginning of each. */
static void run_and_check(struct fv_runtime *runtime, unsigned lane, unsigned batch)
{
    float *in = fv_calloc(batch, IMAGE * sizeof(float));
    float *out = fv_calloc(batch, OUTPUT * sizeof(float));
    const void *output = NULL;
    struct fv_error err = {0};
    assert_non_null(in);
    assert_non_null(out);
    for (unsigned i = 0; i < batch * IMAGE; i++)
        in[i] = (float)(lane * 7 + i / IMAGE * 10000 + i % IMAGE);
    assert_int_equal(fv_gpu_upload(stream, address_of(fv_runtime_ort_cuda.input(runtime, lane)), in,
                                   batch * IMAGE * sizeof(float), FV_GPU_CONTROL, &err),
                     0);
    assert_int_equal(fv_runtime_ort_cuda.run(runtime, lane, batch, &output, &err), 0);
    assert_int_equal(fv_gpu_download(stream, out, address_of(output),
                                     batch * OUTPUT * sizeof(float), FV_GPU_BOXES, &err),
                     0);
    assert_int_equal(fv_gpu_stream_finish(stream, &err), 0);
    for (unsigned i = 0; i < batch * OUTPUT; i++)
        assert_float_equal(out[i], lane * 7 + i / OUTPUT * 10000 + i % OUTPUT, 0);
    fv_free(in);
    fv_free(out);
}

/* Boxes and scores of one output each: the second lies where fv_model_output_bytes() says, for a batch and for single pictures. */
static void test_two_outputs(void **state)
{
    enum { BATCH = 5, SCORES = 2 };
    for (int dynamic = 0; dynamic < 2; dynamic++) {
        struct fv_model model = tiny_model(dynamic, FV_ELEMENT_F32);
        model.layout = FV_LAYOUT_DETR;
        strcpy(model.scores_name, "scores");
        model.columns = SCORES;
        set_scene(&model);
        fake->columns = 4;
        fake->scores = "scores";
        fake->score_columns = SCORES;
        const struct fv_runtime_params params = params_for(&model, BATCH, 1);
        struct fv_runtime *runtime = open_good(&params);
        static float in[BATCH * IMAGE], out[BATCH * ROWS * SCORES];
        const void *output = NULL;
        size_t offset;
        fv_model_output_bytes(&model, BATCH, &offset);
        for (unsigned i = 0; i < BATCH * IMAGE; i++)
            in[i] = (float)i;
        assert_int_equal(fv_gpu_upload(stream, address_of(fv_runtime_ort_cuda.input(runtime, 0)),
                                       in, sizeof(in), FV_GPU_CONTROL, NULL),
                         0);
        assert_int_equal(fv_runtime_ort_cuda.run(runtime, 0, BATCH, &output, NULL), 0);
        assert_int_equal(fv_gpu_download(stream, out, address_of(output) + offset, sizeof(out),
                                         FV_GPU_BOXES, NULL),
                         0);
        assert_int_equal(fv_gpu_stream_finish(stream, NULL), 0);
        for (unsigned i = 0; i < BATCH; i++)
            for (unsigned k = 0; k < ROWS * SCORES; k++)
                assert_float_equal(out[i * ROWS * SCORES + k], (i + 1) * IMAGE - ROWS * SCORES + k,
                                   0);
        fv_runtime_ort_cuda.close(runtime);
        assert_int_equal(fake->live, 0);
    }
    struct fv_model model = tiny_model(true, FV_ELEMENT_F32);
    model.layout = FV_LAYOUT_DETR;
    strcpy(model.scores_name, "scores");
    set_scene(&model);
    const struct fv_runtime_params params = params_for(&model, 1, 1);
    refuse(&params, -EINVAL,
           "the manifest says output 'scores' [N,21,6] float32, the model has 'out' [N,21,6] "
           "float32 (");
}

/* ---- the provider's library ---- */

/* What the provider is linked to lies beside ONNX Runtime, where the linker does not look. */
static void test_needed_library(void **state)
{
    struct fv_model model = tiny_model(true, FV_ELEMENT_F32);
    const struct fv_runtime_params params = params_for(&model, 1, 1);
    set_scene(&model);
    fake->missing = "libfake_needed.so.1";
    struct fv_runtime *runtime = open_good(&params);
    assert_non_null(strstr(fake->provider, "enable_cuda_graph=1 "));
    fv_runtime_ort_cuda.close(runtime);
    assert_int_equal(fake->live, 0);
}

/* ---- what ONNX Runtime is told ---- */

static void test_options(void **state)
{
    struct fv_model model = tiny_model(true, FV_ELEMENT_F16);
    set_scene(&model);
    struct fv_runtime_params params = params_for(&model, 16, 2);
    params.memory_limit = 1234567890123;
    struct fv_runtime *runtime = open_good(&params);
    assert_string_equal(fake->provider,
                        "device_id=0 enable_cuda_graph=1 prefer_nhwc=1 fuse_conv_bias=1 use_tf32=1 "
                        "cudnn_conv_algo_search=HEURISTIC arena_extend_strategy=kSameAsRequested "
                        "gpu_mem_limit=1234567890123 ");
    assert_string_equal(fake->session, "session.intra_op.allow_spinning=0 "
                                       "session.inter_op.allow_spinning=0 "
                                       "session.disable_cpu_ep_fallback=1 ");
    assert_ptr_equal(fake->stream, fv_gpu_stream_handle(stream));
    assert_string_equal(fake->memory, "Cuda");
    assert_int_equal(fake->device, 0);
    assert_int_equal(fake->level, 99); /* ORT_ENABLE_ALL */
    assert_string_equal(fv_runtime_ort_cuda.describe(runtime),
                        "ONNX Runtime 1.31.1, CUDAExecutionProvider, FP16, graphs 1..16");
    assert_int_equal(fv_runtime_ort_cuda.element(runtime), FV_ELEMENT_F16);
    assert_int_equal(fv_runtime_ort_cuda.memory, FV_MEMORY_DEVICE);
    fv_runtime_ort_cuda.close(runtime);
    assert_int_equal(fake->live, 0);

    set_scene(&model);
    params.memory_limit = 0;
    params.conv_search = "EXHAUSTIVE";
    params.plain_graph = true; /* OPTIMIZE_FOR_INFERENCE false */
    fv_runtime_ort_cuda.close(open_good(&params));
    assert_non_null(strstr(fake->provider, "cudnn_conv_algo_search=EXHAUSTIVE "));
    assert_null(strstr(fake->provider, "gpu_mem_limit"));
    assert_int_equal(fake->level, 0); /* ORT_DISABLE_ALL */
    fv_runtime_ort_cuda.close(NULL);
}

/* Each batch size (1, 4, 18) of each lane is run once and recorded once, at open, without ONNX Runtime's own graphs, and no run waits. */
static void test_graphs(void **state)
{
    struct fv_model model = tiny_model(true, FV_ELEMENT_F32);
    set_scene(&model);
    struct fv_runtime_params params = params_for(&model, 18, 2);
    params.warm_up = 2;
    params.progress = note_progress;
    progress[0] = 0;
    struct fv_runtime *runtime = open_good(&params);
    assert_int_equal(fake->runs, 2 * 3 * 2);
    unsigned of_size[19] = {0}, of_lane[2] = {0};
    for (unsigned i = 0; i < fake->runs; i++) {
        const struct fake_ort_run *run = &fake->run[i];
        assert_int_equal(run->graph, -1);
        assert_true(run->asynchronous);
        assert_true(run->images >= 1 && run->images <= 18);
        of_size[run->images]++;
        unsigned lane = run->input == fv_runtime_ort_cuda.input(runtime, 1);
        assert_ptr_equal(run->input, fv_runtime_ort_cuda.input(runtime, lane));
        of_lane[lane]++;
    }
    assert_true(of_size[1] == 4 && of_size[4] == 4 && of_size[18] == 4);
    assert_true(of_lane[0] == 6 && of_lane[1] == 6);
    assert_ptr_not_equal(fv_runtime_ort_cuda.input(runtime, 0),
                         fv_runtime_ort_cuda.input(runtime, 1));
    assert_non_null(strstr(progress, "compiling the network for 3 batch sizes up to 18 "));
    fv_runtime_ort_cuda.close(runtime);
    assert_int_equal(fake->live, 0);
}

/* Where recording fails the runs go through ONNX Runtime, and that is said. */
static void test_without_graphs(void **state)
{
    struct fv_model model = tiny_model(true, FV_ELEMENT_F32);
    set_scene(&model);
    struct fv_runtime_params params = params_for(&model, 4, 1);
    params.progress = note_progress;
    progress[0] = 0;
    script("call-fail=cuGraphInstantiateWithFlags:1");
    struct fv_runtime *runtime = open_good(&params);
    script("");
    assert_non_null(
        strstr(progress, "could not be recorded as a graph; each run will cost more: "));
    assert_string_equal(fv_runtime_ort_cuda.describe(runtime),
                        "ONNX Runtime 1.31.1, CUDAExecutionProvider, FP32, no graphs");
    unsigned before = fake->runs;
    run_and_check(runtime, 0, 3);
    assert_int_equal(fake->runs, before + 1);
    assert_int_equal(fake->run[before].images, 4);
    assert_true(fake->run[before].asynchronous);
    fv_runtime_ort_cuda.close(runtime);
    assert_int_equal(fake->live, 0);
}

/* ---- running ---- */

/* Once open, runs replay graphs: ONNX Runtime is not called. What lies beyond the batch in the next size up is harmless. */
static void test_next_size_up(void **state)
{
    static const unsigned batches[][2] = {{0, 1}, {0, 2},  {0, 3}, {0, 4},
                                          {0, 5}, {0, 18}, {1, 1}, {1, 5}};
    struct fv_model model = tiny_model(true, FV_ELEMENT_F32);
    set_scene(&model);
    const struct fv_runtime_params params = params_for(&model, 18, 2);
    struct fv_runtime *runtime = open_good(&params);
    unsigned calls = fake->calls;
    for (size_t i = 0; i < sizeof(batches) / sizeof(batches[0]); i++)
        run_and_check(runtime, batches[i][0], batches[i][1]);
    assert_int_equal(fake->calls, calls);
    fv_runtime_ort_cuda.close(runtime);
}

/* A network for one picture: a graph for each place in the batch. */
static void test_batch_of_one(void **state)
{
    struct fv_model model = tiny_model(false, FV_ELEMENT_F32);
    set_scene(&model);
    const struct fv_runtime_params params = params_for(&model, 3, 2);
    struct fv_runtime *runtime = open_good(&params);
    assert_int_equal(fake->runs, 12);
    for (unsigned i = 0; i < fake->runs; i++)
        assert_int_equal(fake->run[i].images, 1);
    run_and_check(runtime, 1, 3);
    run_and_check(runtime, 0, 2);
    assert_int_equal(fake->runs, 12);
    assert_string_equal(
        fv_runtime_ort_cuda.describe(runtime),
        "ONNX Runtime 1.31.1, CUDAExecutionProvider, FP32, a graph for each picture");
    fv_runtime_ort_cuda.close(runtime);
}

static void test_bad_batches(void **state)
{
    struct fv_model model = tiny_model(true, FV_ELEMENT_F32);
    set_scene(&model);
    const struct fv_runtime_params params = params_for(&model, 4, 1);
    struct fv_runtime *runtime = open_good(&params);
    const void *output = NULL;
    struct fv_error err = {0};
    assert_int_equal(fv_runtime_ort_cuda.run(runtime, 0, 0, &output, &err), -EINVAL);
    assert_int_equal(fv_runtime_ort_cuda.run(runtime, 1, 1, &output, &err), -EINVAL);
    assert_int_equal(fv_runtime_ort_cuda.run(runtime, 0, 5, &output, &err), -EINVAL);
    assert_string_equal(err.text, "a batch of 5 in lane 0 of a runtime made for 1 to 4 in 1 lanes");
    assert_null(output);
    fv_runtime_ort_cuda.close(runtime);
}

/* ---- refusals ---- */

static void test_refusals(void **state)
{
    struct fv_model model = tiny_model(true, FV_ELEMENT_F16);
    const struct fv_runtime_params params = params_for(&model, 4, 1);
    set_scene(&model);
    fake->version = "1.19.2";
    refuse(&params, -ENOTSUP, "too old for this provider; 1.20 or newer is needed");
    set_scene(&model);
    fake->cpu_only = true;
    refuse(&params, -ENOTSUP, "is built for the CPU alone: pip install onnxruntime-gpu");
    set_scene(&model);
    fake->missing = "libcublasLt.so.77";
    refuse(&params, -ENOENT,
           "ONNX Runtime's CUDA provider needs libcublasLt.so.77, and it was found nowhere: pip "
           "install nvidia-cublas");
    set_scene(&model);
    fake->cpu_node = true;
    refuse(&params, -EIO, "fallback to CPU EP has been explicitly disabled");
    set_scene(&model);
    fake->type = FLOAT;
    refuse(&params, -EINVAL,
           "the manifest says input 'images' [N,3,32,32] float16, the model has 'images' "
           "[N,3,32,32] float32");
    set_scene(&model);
    fake->run_error = "Failed to allocate memory for requested buffer of size 99";
    refuse(&params, -ENOMEM, "a first run of the model with a batch of 1 failed: ONNX Runtime: ");
    set_scene(&model);
    fake->run_error = "CUDNN failure 3000";
    refuse(&params, -EIO, "CUDNN failure 3000");
}

static void test_bad_params(void **state)
{
    struct fv_model model = tiny_model(true, FV_ELEMENT_F32);
    struct fv_runtime_params params = params_for(&model, 0, 1);
    set_scene(&model);
    refuse(&params, -EINVAL, "batch must be 1 to 256");
    params.max_batch = 257;
    refuse(&params, -EINVAL, "batch must be 1 to 256");
    params.max_batch = 1;
    params.lanes = 0;
    refuse(&params, -EINVAL, "lanes 1 to 8");
    params.lanes = 9;
    refuse(&params, -EINVAL, "lanes 1 to 8");
    params.lanes = 1;
    params.gpu = NULL;
    refuse(&params, -EINVAL, "on a GPU's stream");
}

/* Whichever call fails: a sentence, and nothing stays behind. */
static void test_each_call_fails(void **state)
{
    struct fv_model model = tiny_model(true, FV_ELEMENT_F32);
    const struct fv_runtime_params params = params_for(&model, 2, 2);
    unsigned n = 1;
    for (;; n++) {
        struct fv_runtime *runtime = NULL;
        struct fv_error err = {0};
        set_scene(&model);
        fake->fail_at = n;
        int result = fv_runtime_ort_cuda.open(&params, &runtime, &err);
        if (result == 0 && fake->calls < n) {
            fv_runtime_ort_cuda.close(runtime);
            break;
        }
        if (result < 0)
            assert_non_null(strstr(err.text, "scripted failure of"));
        fv_runtime_ort_cuda.close(runtime);
        assert_int_equal(fake->live, 0);
    }
    assert_true(n > 60);
}

static void test_without_memory(void **state)
{
    struct fv_model model = tiny_model(true, FV_ELEMENT_F32);
    const struct fv_runtime_params params = params_for(&model, 2, 1);
    for (unsigned n = 1;; n++) {
        struct fv_runtime *runtime = NULL;
        struct fv_error err;
        set_scene(&model);
        fv_alloc_fail_at(n);
        int result = fv_runtime_ort_cuda.open(&params, &runtime, &err);
        bool pending = fv_alloc_fail_pending();
        fv_alloc_fail_at(0);
        fv_runtime_ort_cuda.close(runtime);
        assert_int_equal(fake->live, 0);
        if (pending)
            break;
        assert_int_equal(result, -ENOMEM);
        assert_true(n < 20);
    }
}

/* The library is found nowhere. */
static void test_no_library(void **state)
{
    struct fv_model model = tiny_model(true, FV_ELEMENT_F32);
    struct fv_runtime_params params = params_for(&model, 1, 1);
    params.library = "/nonexistent";
    refuse(&params, -ENOENT, "ONNX Runtime: /nonexistent: No such file");
}

/* The last test: the device does not come back. */
static void test_lost_device(void **state)
{
    struct fv_model model = tiny_model(true, FV_ELEMENT_F32);
    const struct fv_runtime_params params = params_for(&model, 2, 1);
    const void *output = NULL;
    struct fv_error err = {0};
    void (*lose)(int code) = NULL;
    void *driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_NOLOAD);
    assert_non_null(driver);
    *(void **)&lose = dlsym(driver, "fakegpu_lose");
    assert_non_null(lose);
    set_scene(&model);
    struct fv_runtime *runtime = open_good(&params);
    lose(700); /* CUDA_ERROR_ILLEGAL_ADDRESS */
    assert_int_equal(fv_runtime_ort_cuda.run(runtime, 0, 1, &output, &err), -ENODEV);
    assert_non_null(strstr(err.text, "the GPU was lost during inference: "));
    fv_runtime_ort_cuda.close(runtime);
    assert_int_equal(fake->live, 0);
    dlclose(driver);
}

static int open_gpu(void **state)
{
    struct fv_error err = {0};
    const struct fv_gpu_params params = {.pool_bytes = 8 << 20};
    fake = fake_ort_open(library, sizeof(library));
    if (!fake)
        return 0;
    if (fv_gpu_open(&params, &gpu, &err) < 0 || fv_gpu_enter(gpu, &err) < 0 ||
        fv_gpu_stream_create(gpu, &stream, &err) < 0) {
        print_message("%s\n", err.text);
        return -1;
    }
    return 0;
}

static int close_gpu(void **state)
{
    fv_gpu_stream_destroy(stream);
    fv_gpu_close(gpu);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_outputs),     cmocka_unit_test(test_needed_library),
        cmocka_unit_test(test_options),         cmocka_unit_test(test_graphs),
        cmocka_unit_test(test_without_graphs),  cmocka_unit_test(test_next_size_up),
        cmocka_unit_test(test_batch_of_one),    cmocka_unit_test(test_bad_batches),
        cmocka_unit_test(test_refusals),        cmocka_unit_test(test_bad_params),
        cmocka_unit_test(test_each_call_fails), cmocka_unit_test(test_without_memory),
        cmocka_unit_test(test_no_library),      cmocka_unit_test(test_lost_device),
    };
    return cmocka_run_group_tests(tests, open_gpu, close_gpu);
}

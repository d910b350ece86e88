// SPDX-License-Identifier: Apache-2.0
/*
 * The TensorRT runtimes without a GPU and without TensorRT: look-alikes of ONNX Runtime (fake_ort.h), of TensorRT's libraries
 * (fake_tensorrt.c) and of the driver (tests/fakegpu). Nothing here is a result of TensorRT.
 */
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
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "gpu/gpu.h"
#include "infer/engine_cache.h"
#include "infer/fake_ort.h"
#include "infer/runtime.h"

#define PLUGIN "libonnxruntime_providers_nv_tensorrt_rtx.so"

static char *label_texts[] = {(char *)"person"};
static char top[64], engines[100], library[600], build_folder[512];
static struct fake_ort *fake;
static struct fv_gpu *gpu;
static struct fv_gpu_stream *stream;
static char progress[6000];
static struct fv_model model;

/* 32x32 with strides 8, 16, 32: 16 + 4 + 1 rows; one label. */
static void set_model(bool dynamic_batch, enum fv_element element)
{
    model = (struct fv_model){
        .name = "tiny",
        .path = "/nonexistent/tiny.onnx",
        .sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        .input_name = "images",
        .output_name = "out",
        .width = 32,
        .height = 32,
        .element = element,
        .dynamic_batch = dynamic_batch,
        .strides = {8, 16, 32},
        .stride_count = 3,
        .rows = 21,
        .columns = 6,
        .labels = label_texts,
        .label_count = 1,
    };
    assert_ptr_equal(fake_ort_open(library, sizeof(library)), fake);
    fake->input = "images";
    fake->output = "out";
    fake->type = element == FV_ELEMENT_F16 ? 10 : 1; /* ONNXTensorElementDataType */
    fake->batch = dynamic_batch ? -1 : 1;
    fake->side = 32;
    fake->rows = 21;
    fake->columns = 6;
    progress[0] = 0;
}

static void note_progress(void *data, const char *text)
{
    size_t used = strlen(progress);
    snprintf(progress + used, sizeof(progress) - used, "%s\n", text);
}

static struct fv_runtime_params params_for(unsigned max_batch)
{
    return (struct fv_runtime_params){
        .model = &model,
        .max_batch = max_batch,
        .lanes = 2,
        .library = library,
        .gpu = gpu,
        .stream = stream,
        .engines = engines,
        .workspace = (size_t)2 << 30,
        .progress = note_progress,
    };
}

/* Opens what must open, and closes it. The look-alike keeps what it was told. */
static void open_good(const struct fv_runtime_ops *ops, const struct fv_runtime_params *params)
{
    struct fv_runtime *runtime = NULL;
    struct fv_error err = {0};
    if (ops->open(params, &runtime, &err) < 0)
        fail_msg("%s", err.text);
    ops->close(runtime);
    assert_int_equal(fake->live, 0);
}

static void refuse(const struct fv_runtime_ops *ops, const struct fv_runtime_params *params,
                   int code, const char *says)
{
    struct fv_runtime *runtime = NULL;
    struct fv_error err = {0};
    int result = ops->open(params, &runtime, &err);
    assert_null(runtime);
    if (result != code || !strstr(err.text, says))
        fail_msg("%d \"%s\" is not %d \"%s\"", result, err.text, code, says);
    assert_int_equal(fake->live, 0);
}

/* ---- engines on disk ---- */

struct found {
    unsigned count;
    struct fv_engine_entry entries[8];
};

static struct found found;

static int note_entry(void *data, const struct fv_engine_entry *entry)
{
    assert_true(found.count < 8);
    found.entries[found.count++] = *entry;
    return 0;
}

static unsigned count_engines(void)
{
    struct fv_error err = {0};
    found.count = 0;
    assert_int_equal(fv_engine_cache_list(engines, true, note_entry, NULL, &err), 0);
    for (unsigned i = 0; i < found.count; i++)
        assert_int_equal(found.entries[i].state, FV_ENGINE_WHOLE);
    return found.count;
}

static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void run(const char *format, ...)
{
    char command[2000];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof(command), format, arguments);
    va_end(arguments);
    assert_int_equal(system(command), 0);
}

/* ---- tensorrt ---- */

static const struct fv_runtime_ops *const tensorrt = &fv_runtime_ort_tensorrt;

/* The first test: what it misses is not loaded yet. Then it lies where pip would put it, below VIRTUAL_ENV. */
static void test_without_tensorrt(void **state)
{
    char folder[200];
    struct fv_error err = {0};
    struct fv_runtime *runtime = NULL;
    set_model(true, FV_ELEMENT_F16);
    const struct fv_runtime_params params = params_for(4);
    assert_int_equal(tensorrt->open(&params, &runtime, &err), -ENOENT);
    assert_string_equal(err.text, "ONNX Runtime's TensorRT provider needs libnvinfer.so.10, and it "
                                  "was found nowhere: install TensorRT 10 for CUDA 13");
    snprintf(folder, sizeof(folder), "%s/lib/python3.11/site-packages/nvidia/tensorrt/lib", top);
    run("mkdir -p %s && cp %s/libfake_nvinfer.so %s/libnvinfer.so.10", folder, build_folder,
        folder);
    assert_int_equal(tensorrt->open(&params, &runtime, &err), -ENOENT);
    assert_non_null(strstr(err.text, "needs libnvonnxparser.so.10, and"));
    run("cp %s/libfake_nvonnxparser.so %s/libnvonnxparser.so.10", build_folder, folder);
    open_good(tensorrt, &params);
}

/* One engine for each batch size, each with its shape; opened from where it was published. */
static void test_options(void **state)
{
    set_model(true, FV_ELEMENT_F16);
    const struct fv_runtime_params params = params_for(4);
    open_good(tensorrt, &params);
    assert_int_equal(count_engines(), 2);
    assert_int_equal(fake->builds, 2);
    assert_int_equal(fake->loads, 2);
    char wanted[1000];
    const char *name = found.entries[0].name;
    if (!strstr(fv_engine_key_get(&found.entries[0].manifest.key, "shape"), ":4x"))
        name = found.entries[1].name;
    snprintf(wanted, sizeof(wanted),
             "device_id=0 trt_fp16_enable=1 trt_auxiliary_streams=0 "
             "trt_max_workspace_size=2147483648 trt_profile_min_shapes=images:4x3x32x32 "
             "trt_profile_opt_shapes=images:4x3x32x32 trt_profile_max_shapes=images:4x3x32x32 "
             "trt_engine_cache_enable=1 trt_engine_cache_path=%s/%s "
             "trt_engine_cache_prefix=engine ",
             engines, name);
    assert_string_equal(fake->provider, wanted);
    assert_non_null(strstr(fake->session, "session.disable_cpu_ep_fallback=1 "));
    assert_ptr_equal(fake->stream, fv_gpu_stream_handle(stream));
    assert_string_equal(fake->model, "/nonexistent/tiny.onnx");
    assert_non_null(strstr(progress, "building the engine for batches of 1 (minutes): "));
    assert_non_null(strstr(progress, "building the engine for batches of 4 (minutes): "));
    assert_null(strstr(progress, "compiling"));
}

static void test_key(void **state)
{
    static const char *const wanted[][2] = {
        {"runtime", "tensorrt"},
        {"model", "tiny"},
        {"model_sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"shape", "images:1x3x32x32"},
        {"element", "float32"},
        {"compute_capability", "12.0"},
        {"driver_cuda", "13000"},
        {"onnxruntime", "1.31.1"},
        {"tensorrt", "101302"},
        {"trt_fp16_enable", "0"},
        {"trt_max_workspace_size", "2147483648"},
    };
    set_model(false, FV_ELEMENT_F32);
    const struct fv_runtime_params params = params_for(3);
    open_good(tensorrt, &params);
    assert_int_equal(count_engines(), 1); /* a network for one picture has one shape */
    const struct fv_engine_key *key = &found.entries[0].manifest.key;
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        assert_string_equal(fv_engine_key_get(key, wanted[i][0]), wanted[i][1]);
    assert_string_not_equal(fv_engine_key_get(key, "gpu"), "");
    assert_string_not_equal(fv_engine_key_get(key, "driver"), "");
    assert_string_equal(fv_engine_key_get(key, "trt_profile_min_shapes"), "");
}

/* Whatever matters and differs asks for another engine. */
static void test_what_matters(void **state)
{
    set_model(true, FV_ELEMENT_F32);
    struct fv_runtime_params params = params_for(1);
    open_good(tensorrt, &params);
    open_good(tensorrt, &params);
    assert_int_equal(fake->builds, 1);
    params.half = true;
    open_good(tensorrt, &params);
    assert_int_equal(fake->builds, 2);
    params.workspace = (size_t)3 << 30;
    open_good(tensorrt, &params);
    assert_int_equal(fake->builds, 3);
    model.sha256[0] = 'f';
    open_good(tensorrt, &params);
    assert_int_equal(fake->builds, 4);
    fake->version = "1.32.0";
    open_good(tensorrt, &params);
    assert_int_equal(fake->builds, 5);
    params.max_batch = 4; /* 1 is there */
    open_good(tensorrt, &params);
    assert_int_equal(fake->builds, 6);
    params.memory_limit = 1 << 20; /* does not matter */
    open_good(tensorrt, &params);
    assert_int_equal(fake->builds, 6);
    assert_int_equal(count_engines(), 6);
}

static void damage(const char *text)
{
    run("for f in %s/*/engine_1_sm90.engine %s/*/engine.onnx; do [ ! -f $f ] || printf %%s '%s' > "
        "$f; done",
        engines, engines, text);
}

static void test_damaged(void **state)
{
    set_model(true, FV_ELEMENT_F32);
    const struct fv_runtime_params params = params_for(1);
    open_good(tensorrt, &params);
    damage("engin3");
    open_good(tensorrt, &params);
    assert_int_equal(fake->builds, 2);
    assert_non_null(
        strstr(progress, "will be built again: engine_1_sm90.engine has another sha256"));
    open_good(tensorrt, &params);
    assert_int_equal(fake->builds, 2);
}

/* Whole, but the library does not take it: once more, and then the failure is told and the engine is gone. */
static void test_useless(void **state)
{
    set_model(true, FV_ELEMENT_F32);
    const struct fv_runtime_params params = params_for(1);
    open_good(tensorrt, &params);
    fake->load_error = "version tag does not match";
    refuse(tensorrt, &params, -EIO, "version tag does not match");
    assert_non_null(strstr(progress, " does not load and will be built again: ONNX Runtime: "));
    assert_int_equal(fake->builds, 2);
    assert_int_equal(count_engines(), 0);
    fake->load_error = NULL;
    open_good(tensorrt, &params);
    assert_int_equal(count_engines(), 1);
    fake->load_error = "out of memory";
    refuse(tensorrt, &params, -EIO, "out of memory");
    assert_int_equal(count_engines(), 1); /* not the engine's fault */
}

/* ONNX Runtime does not look whether its file fits the disk: what cannot be loaded is not kept. */
static void test_half_written(void **state)
{
    set_model(true, FV_ELEMENT_F32);
    const struct fv_runtime_params params = params_for(1);
    fake->half_written = true;
    refuse(tensorrt, &params, -EIO, "could not deserialize");
    assert_int_equal(count_engines(), 0);
}

static void test_refusals(void **state)
{
    set_model(true, FV_ELEMENT_F32);
    struct fv_runtime_params params = params_for(1);
    fake->build_error = "Network must have at least one output";
    refuse(
        tensorrt, &params, -EIO,
        "building an engine for batches of 1: ONNX Runtime: /nonexistent/tiny.onnx: Network must");
    fake->build_error = NULL;
    fake->no_tensorrt = true;
    refuse(tensorrt, &params, -ENOTSUP, "is built without TensorRT: pip install onnxruntime-gpu");
    fake->cpu_only = true;
    refuse(tensorrt, &params, -ENOTSUP, "is built for the CPU alone: pip install onnxruntime-gpu");
    fake->cpu_only = fake->no_tensorrt = false;
    fake->version = "1.19.2";
    refuse(tensorrt, &params, -ENOTSUP, "too old for this provider; 1.20 or newer is needed");
    fake->version = "1.31.1";
    fake->cpu_node = true;
    refuse(tensorrt, &params, -EIO, "fallback to CPU EP has been explicitly disabled");
    fake->cpu_node = false;
    params.engines = "/proc/fovea";
    refuse(tensorrt, &params, -EIO, "set models.DETECTION_ENGINE_PATH");
    assert_int_equal(count_engines(), 0);
}

/* Whichever call fails: a sentence, nothing stays behind, and no engine that is not whole. */
static void each_call_fails(const struct fv_runtime_ops *ops)
{
    const struct fv_runtime_params params = params_for(1);
    for (unsigned n = 1;; n++) {
        struct fv_runtime *runtime = NULL;
        struct fv_error err = {0};
        run("rm -rf %s", engines);
        progress[0] = 0;
        fake->calls = 0;
        fake->fail_at = n;
        int result = ops->open(&params, &runtime, &err);
        bool done = result == 0 && fake->calls < n;
        ops->close(runtime);
        if (result < 0 && !strstr(err.text, "scripted failure of"))
            fail_msg("%u: %s", n, err.text);
        assert_int_equal(fake->live, 0);
        assert_true(count_engines() <= 1);
        if (done) {
            assert_true(n > 50);
            break;
        }
    }
    fake->fail_at = 0;
}

static void test_each_call_fails(void **state)
{
    set_model(true, FV_ELEMENT_F32);
    each_call_fails(tensorrt);
}

static void without_memory(const struct fv_runtime_ops *ops)
{
    const struct fv_runtime_params params = params_for(1);
    for (unsigned n = 1;; n++) {
        struct fv_runtime *runtime = NULL;
        struct fv_error err = {0};
        run("rm -rf %s", engines);
        fv_alloc_fail_at(n);
        int result = ops->open(&params, &runtime, &err);
        bool pending = fv_alloc_fail_pending();
        fv_alloc_fail_at(0);
        ops->close(runtime);
        assert_int_equal(fake->live, 0);
        if (pending)
            break;
        assert_int_equal(result, -ENOMEM);
        assert_true(n < 30);
    }
}

static void test_without_memory(void **state)
{
    set_model(true, FV_ELEMENT_F32);
    without_memory(tensorrt);
}

/* ---- tensorrt-rtx ---- */

static const struct fv_runtime_ops *const rtx = &fv_runtime_ort_rtx;

/* As pip installs it, below VIRTUAL_ENV. The first test of these: what it misses is not loaded yet. */
static void test_rtx_package(void **state)
{
    set_model(true, FV_ELEMENT_F16);
    const struct fv_runtime_params params = params_for(4);
    char package[200];
    refuse(rtx, &params, -ENOENT,
           "TensorRT for RTX (" PLUGIN
           ") was found nowhere: pip install onnxruntime-ep-nv-tensorrt-rtx-cu13");
    snprintf(package, sizeof(package),
             "%s/lib/python3.11/site-packages/onnxruntime_ep_nv_tensorrt_rtx", top);
    run("mkdir -p %s && touch %s/" PLUGIN, package, package);
    refuse(rtx, &params, -ENOENT, "TensorRT for RTX needs lib");
    run("cp %s/libfake_nvinfer.so %s/libcudart.so.13.4.36", build_folder, package);
    run("cp %s/libfake_nvinfer.so %s/libtensorrt_rtx.so.1.7.1", build_folder, package);
    refuse(rtx, &params, -ENOENT, "needs libtensorrt_onnxparser_rtx.so.1, which is not beside ");
    run("cp %s/libfake_nvinfer.so %s/libtensorrt_onnxparser_rtx.so.1.7.1", build_folder, package);
    fake->plugin_gpu = "0";
    open_good(rtx, &params);
    assert_int_equal(count_engines(), 2);
}

static void test_rtx_options(void **state)
{
    char wanted[1000];
    set_model(true, FV_ELEMENT_F16);
    const struct fv_runtime_params params = params_for(1);
    open_good(rtx, &params);
    assert_int_equal(count_engines(), 1);
    snprintf(wanted, sizeof(wanted),
             "nv_max_workspace_size=2147483648 nv_profile_min_shapes=images:1x3x32x32 "
             "nv_profile_opt_shapes=images:1x3x32x32 nv_profile_max_shapes=images:1x3x32x32 "
             "has_user_compute_stream=1 user_compute_stream=%llu enable_cuda_graph=0 "
             "nv_persistent_context_memory=1 ",
             (unsigned long long)(uintptr_t)fv_gpu_stream_handle(stream));
    assert_string_equal(fake->provider, wanted);
    assert_ptr_equal(fake->stream, fv_gpu_stream_handle(stream));
    assert_non_null(strstr(fake->plugin, "/onnxruntime_ep_nv_tensorrt_rtx/" PLUGIN));
    assert_non_null(strstr(fake->session, "session.disable_cpu_ep_fallback=1 "));
    assert_null(strstr(fake->session, "ep.context_enable")); /* that was the builder's */
    snprintf(wanted, sizeof(wanted), "%s/%s/engine.onnx", engines, found.entries[0].name);
    assert_string_equal(fake->model, wanted);
    assert_int_equal(fake->builds, 1);
    assert_int_equal(fake->loads, 1);
    const struct fv_engine_key *key = &found.entries[0].manifest.key;
    assert_string_equal(fv_engine_key_get(key, "runtime"), "tensorrt-rtx");
    assert_string_equal(fv_engine_key_get(key, "tensorrt_rtx"), "101302");
    assert_string_equal(fv_engine_key_get(key, "nv_max_workspace_size"), "2147483648");
    damage("engin3");
    open_good(rtx, &params);
    assert_int_equal(fake->builds, 2);
}

static void test_rtx_refusals(void **state)
{
    set_model(true, FV_ELEMENT_F16);
    const struct fv_runtime_params params = params_for(1);
    fake->version = "1.23.2";
    refuse(rtx, &params, -ENOTSUP, "too old for this provider; 1.24 or newer is needed");
    fake->version = "1.31.1";
    fake->plugin_gpu = "";
    refuse(rtx, &params, -ENOTSUP, "does not offer itself for cuda:0");
    fake->plugin_gpu = "1";
    refuse(rtx, &params, -ENOTSUP, "does not offer itself for cuda:0");
    fake->plugin_gpu = NULL; /* the only one */
    open_good(rtx, &params);
}

static void test_rtx_each_call_fails(void **state)
{
    set_model(true, FV_ELEMENT_F32);
    each_call_fails(rtx);
    without_memory(rtx);
}

static void tell_driver(const char *text)
{
    void (*tell)(const char *text) = NULL;
    void *driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_NOLOAD);
    assert_non_null(driver);
    *(void **)&tell = dlsym(driver, "fakegpu_script");
    assert_non_null(tell);
    tell(text);
    dlclose(driver);
}

static void close_gpu(void)
{
    fv_gpu_stream_destroy(stream);
    fv_gpu_close(gpu);
    stream = NULL;
    gpu = NULL;
}

static int open_gpu(void)
{
    struct fv_error err = {0};
    const struct fv_gpu_params params = {.pool_bytes = 8 << 20};
    if (fv_gpu_open(&params, &gpu, &err) == 0 && fv_gpu_enter(gpu, &err) == 0 &&
        fv_gpu_stream_create(gpu, &stream, &err) == 0)
        return 0;
    print_message("%s\n", err.text);
    return -1;
}

/* An H100's. */
static void test_rtx_wrong_gpu(void **state)
{
    set_model(true, FV_ELEMENT_F16);
    close_gpu();
    tell_driver("compute=9");
    assert_int_equal(open_gpu(), 0);
    const struct fv_runtime_params params = params_for(1);
    refuse(rtx, &params, -ENOTSUP,
           "TensorRT for RTX runs on compute capability 8.6, 8.9 and 12.0 or newer, and cuda:0 (");
    refuse(rtx, &params, -ENOTSUP, ") has 9.0: set \"INFERENCE_PROVIDER\"");
}

static int clean(void **state)
{
    char command[200];
    snprintf(command, sizeof(command), "rm -rf %s", engines);
    return system(command);
}

static int start(void **state)
{
    snprintf(top, sizeof(top), "/tmp/fovea-trt-XXXXXX");
    if (!mkdtemp(top))
        return -1;
    snprintf(engines, sizeof(engines), "%s/engines", top);
    setenv("VIRTUAL_ENV", top, 1);
    setenv("FOVEA_FAKE_GPU", "compute=12", 1);
    fake = fake_ort_open(library, sizeof(library));
    if (!fake)
        return 0;
    snprintf(build_folder, sizeof(build_folder), "%s", library);
    *strrchr(build_folder, '/') = 0;
    return open_gpu();
}

static int end(void **state)
{
    char command[200];
    close_gpu();
    snprintf(command, sizeof(command), "rm -rf %s", top);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_without_tensorrt, clean),
        cmocka_unit_test_teardown(test_options, clean),
        cmocka_unit_test_teardown(test_key, clean),
        cmocka_unit_test_teardown(test_what_matters, clean),
        cmocka_unit_test_teardown(test_damaged, clean),
        cmocka_unit_test_teardown(test_useless, clean),
        cmocka_unit_test_teardown(test_half_written, clean),
        cmocka_unit_test_teardown(test_refusals, clean),
        cmocka_unit_test_teardown(test_each_call_fails, clean),
        cmocka_unit_test_teardown(test_without_memory, clean),
        cmocka_unit_test_teardown(test_rtx_package, clean),
        cmocka_unit_test_teardown(test_rtx_options, clean),
        cmocka_unit_test_teardown(test_rtx_refusals, clean),
        cmocka_unit_test_teardown(test_rtx_each_call_fails, clean),
        cmocka_unit_test_teardown(test_rtx_wrong_gpu, clean),
    };
    return cmocka_run_group_tests(tests, start, end);
}

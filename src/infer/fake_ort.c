// SPDX-License-Identifier: Apache-2.0
#include "infer/fake_ort.h"

#include <dlfcn.h>
#include <onnxruntime_c_api.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct OrtStatus {
    OrtErrorCode code;
    char text[256];
};
struct OrtEnv {
    int unused;
};
struct OrtSessionOptions {
    bool no_fallback, cuda, build;
    char engine[1024]; /* the file of the engine; "": none */
};
struct OrtTensorRTProviderOptionsV2 {
    char engine[1024];
};
struct OrtCUDAProviderOptionsV2 {
    bool loaded;
};
struct OrtMemoryInfo {
    char name[32];
    int device;
};
struct OrtValue {
    void *data;
    size_t size;
    int64_t images;
};
struct OrtRunOptions {
    int graph;
    bool asynchronous;
};
struct OrtSession {
    int unused;
};
struct OrtIoBinding {
    const OrtValue *input, *output, *scores;
};
struct OrtTypeInfo {
    bool output, scores;
};

/* As it is opened by a program that sets no scene: the bundled detector in float16 (tests/gpu's programs, rehearsed). */
static struct fake_ort state = {
    .version = "1.31.1",
    .input = "images",
    .output = "output",
    .type = ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16,
    .batch = -1,
    .side = 416,
    .rows = 3549,
    .columns = 85,
};

__attribute__((visibility("default"))) struct fake_ort *fake_ort(void)
{
    return &state;
}

/* ---- failing ---- */

static OrtStatus *fail(OrtErrorCode code, const char *format, const char *detail)
{
    OrtStatus *status = calloc(1, sizeof(*status));
    status->code = code;
    snprintf(status->text, sizeof(status->text), "%s%s", format, detail);
    state.live++;
    return status;
}

/* At the start of every call that returns a status. */
#define CALL(name)                                                                                 \
    do {                                                                                           \
        if (++state.calls == state.fail_at)                                                        \
            return fail(ORT_FAIL, "scripted failure of ", name);                                   \
    } while (0)

static void *make(size_t size)
{
    state.live++;
    return calloc(1, size);
}

static void drop(void *object)
{
    if (object)
        state.live--;
    free(object);
}

static OrtErrorCode ORT_API_CALL get_code(const OrtStatus *status)
{
    return status->code;
}

static const char *ORT_API_CALL get_message(const OrtStatus *status)
{
    return status->text;
}

#define RELEASE(function, type)                                                                    \
    static void ORT_API_CALL function(type *object)                                                \
    {                                                                                              \
        drop(object);                                                                              \
    }
RELEASE(release_status, OrtStatus)
RELEASE(release_env, OrtEnv)
RELEASE(release_session_options, OrtSessionOptions)
RELEASE(release_session, OrtSession)
RELEASE(release_cuda, OrtCUDAProviderOptionsV2)
RELEASE(release_tensorrt, OrtTensorRTProviderOptionsV2)
RELEASE(release_memory, OrtMemoryInfo)
RELEASE(release_value, OrtValue)
RELEASE(release_run_options, OrtRunOptions)
RELEASE(release_binding, OrtIoBinding)
RELEASE(release_type, OrtTypeInfo)

/* ---- environment and session ---- */

static bool plugin_registered;

static void ORT_API_CALL release_the_env(OrtEnv *env)
{
    plugin_registered = false;
    release_env(env);
}

static OrtStatusPtr ORT_API_CALL create_env(OrtLoggingFunction log, void *param,
                                            OrtLoggingLevel level, const char *id, OrtEnv **out)
{
    CALL("CreateEnvWithCustomLogger");
    *out = make(sizeof(**out));
    return NULL;
}

static OrtStatusPtr ORT_API_CALL disable_telemetry(const OrtEnv *env)
{
    CALL("DisableTelemetryEvents");
    return NULL;
}

static OrtStatusPtr ORT_API_CALL create_session_options(OrtSessionOptions **out)
{
    CALL("CreateSessionOptions");
    state.session[0] = 0;
    *out = make(sizeof(**out));
    return NULL;
}

static OrtStatusPtr ORT_API_CALL set_threads(OrtSessionOptions *options, int threads)
{
    CALL("SetIntraOpNumThreads");
    return NULL;
}

static OrtStatusPtr ORT_API_CALL set_mode(OrtSessionOptions *options, ExecutionMode mode)
{
    CALL("SetSessionExecutionMode");
    return NULL;
}

static OrtStatusPtr ORT_API_CALL set_level(OrtSessionOptions *options, GraphOptimizationLevel level)
{
    CALL("SetSessionGraphOptimizationLevel");
    state.level = (int)level;
    return NULL;
}

static void note(char *text, size_t capacity, const char *key, const char *value)
{
    size_t used = strlen(text);
    snprintf(text + used, capacity - used, "%s=%s ", key, value);
}

static OrtStatusPtr ORT_API_CALL add_session_entry(OrtSessionOptions *options, const char *key,
                                                   const char *value)
{
    CALL("AddSessionConfigEntry");
    note(state.session, sizeof(state.session), key, value);
    if (strcmp(key, "session.disable_cpu_ep_fallback") == 0)
        options->no_fallback = value[0] == '1';
    if (strcmp(key, "ep.context_enable") == 0)
        options->build = value[0] == '1';
    if (strcmp(key, "ep.context_file_path") == 0)
        snprintf(options->engine, sizeof(options->engine), "%s", value);
    return NULL;
}

static OrtStatus *build_engine(const char *path)
{
    if (state.build_error)
        return fail(ORT_EP_FAIL, state.build_error, "");
    FILE *file = fopen(path, "wb");
    if (!file)
        return fail(ORT_FAIL, "cannot write ", path);
    fputs(state.half_written ? "eng" : "engine", file);
    fclose(file);
    state.builds++;
    return NULL;
}

static OrtStatus *load_engine(const char *path)
{
    char text[16] = "";
    FILE *file = fopen(path, "rb");
    if (file && fgets(text, sizeof(text), file)) {
    }
    if (file)
        fclose(file);
    if (state.load_error || strcmp(text, "engine") != 0)
        return fail(ORT_EP_FAIL, state.load_error ? state.load_error : "could not deserialize ",
                    path);
    state.loads++;
    return NULL;
}

/* TensorRT builds what its folder lacks; TensorRT for RTX builds when told to, and else opens a model that was compiled. */
static OrtStatus *prepare_engine(const OrtSessionOptions *options, const char *model)
{
    if (plugin_registered && !options->build)
        return load_engine(model);
    if (!options->engine[0])
        return NULL;
    if (access(options->engine, F_OK) == 0)
        return load_engine(options->engine);
    return build_engine(options->engine);
}

static OrtStatusPtr ORT_API_CALL create_session(const OrtEnv *env, const char *path,
                                                const OrtSessionOptions *options, OrtSession **out)
{
    CALL("CreateSession");
    if (state.cpu_node && options->cuda && options->no_fallback)
        return fail(ORT_FAIL, "This session contains graph nodes that are assigned to the default ",
                    "CPU EP, but fallback to CPU EP has been explicitly disabled by the user.");
    snprintf(state.model, sizeof(state.model), "%s", path);
    OrtStatus *status = prepare_engine(options, path);
    if (status)
        return status;
    *out = make(sizeof(**out));
    return NULL;
}

/* ---- the network ---- */

static OrtStatusPtr ORT_API_CALL count_tensors(const OrtSession *session, size_t *out)
{
    CALL("SessionGetInputCount");
    *out = 1;
    return NULL;
}

static OrtStatusPtr ORT_API_CALL count_outputs(const OrtSession *session, size_t *out)
{
    CALL("SessionGetOutputCount");
    *out = state.scores ? 2 : 1;
    return NULL;
}

static OrtStatusPtr ORT_API_CALL input_name(const OrtSession *session, size_t index,
                                            OrtAllocator *allocator, char **out)
{
    CALL("SessionGetInputName");
    state.live++;
    *out = strdup(state.input);
    return NULL;
}

static OrtStatusPtr ORT_API_CALL output_name(const OrtSession *session, size_t index,
                                             OrtAllocator *allocator, char **out)
{
    CALL("SessionGetOutputName");
    state.live++;
    *out = strdup(index ? state.scores : state.output);
    return NULL;
}

static OrtStatusPtr ORT_API_CALL default_allocator(OrtAllocator **out)
{
    CALL("GetAllocatorWithDefaultOptions");
    *out = NULL;
    return NULL;
}

/* Frees, even where it is told to fail: the caller cannot do better. */
static OrtStatusPtr ORT_API_CALL allocator_free(OrtAllocator *allocator, void *memory)
{
    drop(memory);
    CALL("AllocatorFree");
    return NULL;
}

static OrtStatusPtr ORT_API_CALL input_type(const OrtSession *session, size_t index,
                                            OrtTypeInfo **out)
{
    CALL("SessionGetInputTypeInfo");
    *out = make(sizeof(**out));
    return NULL;
}

static OrtStatusPtr ORT_API_CALL output_type(const OrtSession *session, size_t index,
                                             OrtTypeInfo **out)
{
    CALL("SessionGetOutputTypeInfo");
    *out = make(sizeof(**out));
    (*out)->output = true;
    (*out)->scores = index > 0;
    return NULL;
}

static OrtStatusPtr ORT_API_CALL cast_type(const OrtTypeInfo *type,
                                           const OrtTensorTypeAndShapeInfo **out)
{
    CALL("CastTypeInfoToTensorInfo");
    *out = (const OrtTensorTypeAndShapeInfo *)type;
    return NULL;
}

static OrtStatusPtr ORT_API_CALL element_type(const OrtTensorTypeAndShapeInfo *info,
                                              enum ONNXTensorElementDataType *out)
{
    CALL("GetTensorElementType");
    *out = (enum ONNXTensorElementDataType)state.type;
    return NULL;
}

static OrtStatusPtr ORT_API_CALL dimension_count(const OrtTensorTypeAndShapeInfo *info, size_t *out)
{
    CALL("GetDimensionsCount");
    *out = ((const OrtTypeInfo *)info)->output ? 3 : 4;
    return NULL;
}

static OrtStatusPtr ORT_API_CALL dimensions(const OrtTensorTypeAndShapeInfo *info, int64_t *out,
                                            size_t count)
{
    CALL("GetDimensions");
    const int64_t in[] = {state.batch, 3, state.side, state.side};
    const OrtTypeInfo *type = (const OrtTypeInfo *)info;
    const int64_t result[] = {state.batch, state.rows,
                              type->scores ? state.score_columns : state.columns};
    memcpy(out, type->output ? result : in, count * sizeof(*out));
    return NULL;
}

static OrtStatusPtr ORT_API_CALL symbols(const OrtTensorTypeAndShapeInfo *info, const char **out,
                                         size_t count)
{
    CALL("GetSymbolicDimensions");
    for (size_t i = 0; i < count; i++)
        out[i] = i ? "" : "N";
    return NULL;
}

/* ---- the CUDA provider ---- */

static OrtStatusPtr ORT_API_CALL get_providers(char ***out, int *count)
{
    static char *names[] = {(char *)"TensorrtExecutionProvider", (char *)"CUDAExecutionProvider",
                            (char *)"CPUExecutionProvider"};
    CALL("GetAvailableProviders");
    state.live++;
    int first = state.cpu_only ? 2 : state.no_tensorrt ? 1 : 0;
    *out = names + first;
    *count = 3 - first;
    return NULL;
}

static OrtStatusPtr ORT_API_CALL release_providers(char **names, int count)
{
    state.live--;
    CALL("ReleaseAvailableProviders");
    return NULL;
}

static OrtStatusPtr ORT_API_CALL create_cuda(OrtCUDAProviderOptionsV2 **out)
{
    CALL("CreateCUDAProviderOptions");
    state.provider[0] = 0;
    *out = make(sizeof(**out));
    return NULL;
}

/* As of a provider's library that is linked to something. */
static OrtStatus *load_provider(const char *library)
{
    char text[300];
    if (!state.missing || dlopen(state.missing, RTLD_LAZY | RTLD_NOLOAD))
        return NULL;
    snprintf(text, sizeof(text),
             "%s with error: %s: cannot open shared object file: No such file or directory",
             library, state.missing);
    return fail(ORT_FAIL, "Failed to load library ", text);
}

static OrtStatusPtr ORT_API_CALL update_cuda(OrtCUDAProviderOptionsV2 *cuda,
                                             const char *const *keys, const char *const *values,
                                             size_t count)
{
    CALL("UpdateCUDAProviderOptions");
    OrtStatus *status = load_provider("libonnxruntime_providers_cuda.so");
    if (status)
        return status;
    for (size_t i = 0; i < count; i++)
        note(state.provider, sizeof(state.provider), keys[i], values[i]);
    cuda->loaded = true;
    return NULL;
}

static OrtStatusPtr ORT_API_CALL update_cuda_value(OrtCUDAProviderOptionsV2 *cuda, const char *key,
                                                   void *value)
{
    CALL("UpdateCUDAProviderOptionsWithValue");
    if (strcmp(key, "user_compute_stream") != 0)
        return fail(ORT_INVALID_ARGUMENT, "unknown provider option ", key);
    state.stream = value;
    return NULL;
}

static OrtStatusPtr ORT_API_CALL append_cuda(OrtSessionOptions *options,
                                             const OrtCUDAProviderOptionsV2 *cuda)
{
    CALL("SessionOptionsAppendExecutionProvider_CUDA_V2");
    options->cuda = cuda->loaded;
    return NULL;
}

/* ---- TensorRT ---- */

static OrtStatusPtr ORT_API_CALL create_tensorrt(OrtTensorRTProviderOptionsV2 **out)
{
    CALL("CreateTensorRTProviderOptions");
    state.provider[0] = 0;
    *out = make(sizeof(**out));
    return NULL;
}

static OrtStatusPtr ORT_API_CALL update_tensorrt(OrtTensorRTProviderOptionsV2 *tensorrt,
                                                 const char *const *keys, const char *const *values,
                                                 size_t count)
{
    CALL("UpdateTensorRTProviderOptions");
    OrtStatus *status = load_provider("libonnxruntime_providers_tensorrt.so");
    if (status)
        return status;
    for (size_t i = 0; i < count; i++) {
        note(state.provider, sizeof(state.provider), keys[i], values[i]);
        if (strcmp(keys[i], "trt_engine_cache_path") == 0)
            snprintf(tensorrt->engine, sizeof(tensorrt->engine), "%s/engine_1_sm90.engine",
                     values[i]);
    }
    return NULL;
}

static OrtStatusPtr ORT_API_CALL update_tensorrt_value(OrtTensorRTProviderOptionsV2 *tensorrt,
                                                       const char *key, void *value)
{
    CALL("UpdateTensorRTProviderOptionsWithValue");
    if (strcmp(key, "user_compute_stream") != 0)
        return fail(ORT_INVALID_ARGUMENT, "unknown provider option ", key);
    state.stream = value;
    return NULL;
}

static OrtStatusPtr ORT_API_CALL append_tensorrt(OrtSessionOptions *options,
                                                 const OrtTensorRTProviderOptionsV2 *tensorrt)
{
    CALL("SessionOptionsAppendExecutionProvider_TensorRT_V2");
    options->cuda = true;
    memcpy(options->engine, tensorrt->engine, sizeof(options->engine));
    return NULL;
}

/* ---- plug-ins: functions of API 1.22, after those that the header has ---- */

static const char cpu_device, rtx_device;

static const char *ORT_API_CALL get_key_value(const void *pairs, const char *key)
{
    return pairs == &rtx_device && strcmp(key, "device_id") == 0 ? state.plugin_gpu : NULL;
}

static OrtStatusPtr ORT_API_CALL register_library(OrtEnv *env, const char *name, const char *path)
{
    CALL("RegisterExecutionProviderLibrary");
    if (plugin_registered)
        return fail(ORT_FAIL, "library is already registered under ", name);
    snprintf(state.plugin, sizeof(state.plugin), "%s", path);
    plugin_registered = true;
    return NULL;
}

static OrtStatusPtr ORT_API_CALL get_devices(const OrtEnv *env, const void *const **out,
                                             size_t *count)
{
    static const void *const devices[] = {&cpu_device, &rtx_device};
    CALL("GetEpDevices");
    bool none = !plugin_registered || (state.plugin_gpu && !state.plugin_gpu[0]);
    *out = devices;
    *count = none ? 1 : 2;
    return NULL;
}

static OrtStatusPtr ORT_API_CALL append_device(OrtSessionOptions *options, OrtEnv *env,
                                               const void *const *devices, size_t count,
                                               const char *const *keys, const char *const *values,
                                               size_t option_count)
{
    CALL("SessionOptionsAppendExecutionProvider_V2");
    if (count != 1 || devices[0] != &rtx_device)
        return fail(ORT_INVALID_ARGUMENT, "another device", "");
    state.provider[0] = 0;
    for (size_t i = 0; i < option_count; i++) {
        note(state.provider, sizeof(state.provider), keys[i], values[i]);
        if (strcmp(keys[i], "user_compute_stream") == 0)
            state.stream = (void *)(uintptr_t)strtoull(values[i], NULL, 10);
    }
    options->cuda = true;
    return NULL;
}

static const char *ORT_API_CALL device_name(const void *device)
{
    return device == &rtx_device ? "NvTensorRTRTXExecutionProvider" : "CPUExecutionProvider";
}

static const void *ORT_API_CALL device_options(const void *device)
{
    return device;
}

static const void *ORT_API_CALL device_metadata(const void *device)
{
    return NULL;
}

/* ---- tensors and runs ---- */

static OrtStatusPtr ORT_API_CALL create_memory(const char *name, enum OrtAllocatorType type,
                                               int device, enum OrtMemType memory,
                                               OrtMemoryInfo **out)
{
    CALL("CreateMemoryInfo");
    *out = make(sizeof(**out));
    snprintf(state.memory, sizeof(state.memory), "%s", name);
    state.device = device;
    return NULL;
}

static OrtStatusPtr ORT_API_CALL create_value(const OrtMemoryInfo *info, void *data, size_t size,
                                              const int64_t *shape, size_t rank,
                                              ONNXTensorElementDataType type, OrtValue **out)
{
    CALL("CreateTensorWithDataAsOrtValue");
    size_t bytes = type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16 ? 2 : 4;
    for (size_t i = 0; i < rank; i++)
        bytes *= (size_t)shape[i];
    if (bytes != size)
        return fail(ORT_INVALID_ARGUMENT, "the tensor's size is not that of its shape", "");
    *out = make(sizeof(**out));
    **out = (OrtValue){data, size, shape[0]};
    return NULL;
}

static OrtStatusPtr ORT_API_CALL create_binding(OrtSession *session, OrtIoBinding **out)
{
    CALL("CreateIoBinding");
    *out = make(sizeof(**out));
    return NULL;
}

static OrtStatusPtr ORT_API_CALL bind_input(OrtIoBinding *binding, const char *name,
                                            const OrtValue *value)
{
    CALL("BindInput");
    if (strcmp(name, state.input) != 0)
        return fail(ORT_INVALID_ARGUMENT, "no such input: ", name);
    binding->input = value;
    return NULL;
}

static OrtStatusPtr ORT_API_CALL bind_output(OrtIoBinding *binding, const char *name,
                                             const OrtValue *value)
{
    CALL("BindOutput");
    if (strcmp(name, state.output) == 0)
        binding->output = value;
    else if (state.scores && strcmp(name, state.scores) == 0)
        binding->scores = value;
    else
        return fail(ORT_INVALID_ARGUMENT, "no such output: ", name);
    return NULL;
}

static OrtStatusPtr ORT_API_CALL create_run_options(OrtRunOptions **out)
{
    CALL("CreateRunOptions");
    *out = make(sizeof(**out));
    return NULL;
}

static OrtStatusPtr ORT_API_CALL add_run_entry(OrtRunOptions *options, const char *key,
                                               const char *value)
{
    CALL("AddRunConfigEntry");
    if (strcmp(key, "gpu_graph_id") == 0)
        options->graph = atoi(value);
    if (strcmp(key, "disable_synchronize_execution_providers") == 0)
        options->asynchronous = value[0] == '1';
    return NULL;
}

/* The beginning of each image, or its end. */
static void compute(const OrtValue *input, const OrtValue *output, bool end)
{
    size_t in = input->size / (size_t)input->images, out = output->size / (size_t)output->images;
    for (int64_t i = 0; i < input->images; i++)
        memcpy((char *)output->data + (size_t)i * out,
               (const char *)input->data + (size_t)i * in + (end ? in - out : 0), out);
}

static void compute_later(void *data, bool lost)
{
    const OrtIoBinding *binding = data;
    if (lost)
        return;
    compute(binding->input, binding->output, false);
    if (binding->scores)
        compute(binding->input, binding->scores, true);
}

/* In the stream's order, by the look-alike of the driver (tests/fakegpu). */
static int launch(const OrtIoBinding *binding)
{
    int (*enqueue)(void *stream, void (*run)(void *data, bool lost), void *data) = NULL;
    bool (*is_lost)(void) = NULL;
    void *driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_NOLOAD);
    if (driver) {
        *(void **)&enqueue = dlsym(driver, "fakegpu_enqueue_kept");
        *(void **)&is_lost = dlsym(driver, "fakegpu_is_lost");
    }
    int result = enqueue && is_lost && !is_lost()
                     ? enqueue(state.stream, compute_later, (void *)(uintptr_t)binding)
                     : 1;
    if (driver)
        dlclose(driver);
    return result;
}

static OrtStatusPtr run_locked(const OrtRunOptions *options, const OrtIoBinding *binding)
{
    CALL("RunWithBinding");
    if (state.run_error)
        return fail(ORT_RUNTIME_EXCEPTION, state.run_error, "");
    if (state.runs < FAKE_ORT_RUNS)
        state.run[state.runs] =
            (struct fake_ort_run){options->graph, options->asynchronous, binding->input->images,
                                  binding->input->data, binding->output->data};
    state.runs++;
    return launch(binding) == 0 ? NULL : fail(ORT_FAIL, "CUDA failure: ", "launching the graph");
}

/* Sessions run side by side. */
static OrtStatusPtr ORT_API_CALL run_with_binding(OrtSession *session, const OrtRunOptions *options,
                                                  const OrtIoBinding *binding)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&lock);
    OrtStatusPtr status = run_locked(options, binding);
    pthread_mutex_unlock(&lock);
    return status;
}

/* ---- the table ---- */

static const OrtApi base = {
    .GetErrorCode = get_code,
    .GetErrorMessage = get_message,
    .ReleaseStatus = release_status,
    .CreateEnvWithCustomLogger = create_env,
    .DisableTelemetryEvents = disable_telemetry,
    .ReleaseEnv = release_the_env,
    .CreateSessionOptions = create_session_options,
    .SetIntraOpNumThreads = set_threads,
    .SetInterOpNumThreads = set_threads,
    .SetSessionExecutionMode = set_mode,
    .SetSessionGraphOptimizationLevel = set_level,
    .AddSessionConfigEntry = add_session_entry,
    .ReleaseSessionOptions = release_session_options,
    .CreateSession = create_session,
    .ReleaseSession = release_session,
    .SessionGetInputCount = count_tensors,
    .SessionGetOutputCount = count_outputs,
    .SessionGetInputName = input_name,
    .SessionGetOutputName = output_name,
    .GetAllocatorWithDefaultOptions = default_allocator,
    .AllocatorFree = allocator_free,
    .SessionGetInputTypeInfo = input_type,
    .SessionGetOutputTypeInfo = output_type,
    .CastTypeInfoToTensorInfo = cast_type,
    .GetTensorElementType = element_type,
    .GetDimensionsCount = dimension_count,
    .GetDimensions = dimensions,
    .GetSymbolicDimensions = symbols,
    .ReleaseTypeInfo = release_type,
    .GetAvailableProviders = get_providers,
    .ReleaseAvailableProviders = release_providers,
    .CreateCUDAProviderOptions = create_cuda,
    .UpdateCUDAProviderOptions = update_cuda,
    .UpdateCUDAProviderOptionsWithValue = update_cuda_value,
    .SessionOptionsAppendExecutionProvider_CUDA_V2 = append_cuda,
    .ReleaseCUDAProviderOptions = release_cuda,
    .CreateMemoryInfo = create_memory,
    .ReleaseMemoryInfo = release_memory,
    .CreateTensorWithDataAsOrtValue = create_value,
    .ReleaseValue = release_value,
    .CreateIoBinding = create_binding,
    .BindInput = bind_input,
    .BindOutput = bind_output,
    .ReleaseIoBinding = release_binding,
    .CreateRunOptions = create_run_options,
    .AddRunConfigEntry = add_run_entry,
    .ReleaseRunOptions = release_run_options,
    .RunWithBinding = run_with_binding,
    .CreateTensorRTProviderOptions = create_tensorrt,
    .UpdateTensorRTProviderOptions = update_tensorrt,
    .UpdateTensorRTProviderOptionsWithValue = update_tensorrt_value,
    .SessionOptionsAppendExecutionProvider_TensorRT_V2 = append_tensorrt,
    .ReleaseTensorRTProviderOptions = release_tensorrt,
};

/* With the functions of 1.22 at their places, which the header may not have. */
static const OrtApi *whole_table(void)
{
    static void (*table[sizeof(OrtApi) / sizeof(void *) + 40])(void);
    memcpy((void *)table, &base, sizeof(base));
    table[297] = (void (*)(void))get_key_value;
    table[301] = (void (*)(void))register_library;
    table[303] = (void (*)(void))get_devices;
    table[304] = (void (*)(void))append_device;
    table[312] = (void (*)(void))device_name;
    table[314] = (void (*)(void))device_metadata;
    table[315] = (void (*)(void))device_options;
    return (const OrtApi *)(const void *)table;
}

static const OrtApi *ORT_API_CALL get_api(uint32_t version)
{
    unsigned minor = 0;
    bool known = sscanf(state.version, "1.%u", &minor) == 1 && version <= minor;
    return state.no_api || !known ? NULL : whole_table();
}

static const char *ORT_API_CALL get_version(void)
{
    return state.version;
}

const OrtApiBase *ORT_API_CALL OrtGetApiBase(void)
{
    static const OrtApiBase api_base = {get_api, get_version};
    return &api_base;
}

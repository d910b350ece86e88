// SPDX-License-Identifier: Apache-2.0
/* ONNX Runtime's TensorRT provider. It keeps the engine itself, as FOLDER/engine_*.engine. Not run on hardware. */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "gpu/gpu.h"
#include "infer/ort_provider.h"

#define OF "TensorRT"

struct texts {
    char workspace[24], shape[128], device[12];
};

/* What the engine depends on. */
static void list_engine_options(const struct fv_ort_request *request, struct texts *texts,
                                struct fv_ort_options *out)
{
    const struct fv_runtime_params *params = request->params;
    bool half = params->half || params->model->element == FV_ELEMENT_F16;
    fv_ort_option_add(out, "trt_fp16_enable", half ? "1" : "0");
    fv_ort_option_add(out, "trt_auxiliary_streams", "0"); /* ours orders everything */
    if (params->workspace) {
        snprintf(texts->workspace, sizeof(texts->workspace), "%zu", params->workspace);
        fv_ort_option_add(out, "trt_max_workspace_size", texts->workspace);
    }
    if (params->model->dynamic_batch) {
        fv_ort_shape(request, texts->shape, sizeof(texts->shape));
        fv_ort_option_add(out, "trt_profile_min_shapes", texts->shape);
        fv_ort_option_add(out, "trt_profile_opt_shapes", texts->shape);
        fv_ort_option_add(out, "trt_profile_max_shapes", texts->shape);
    }
}

static void list_options(const struct fv_ort_request *request, unsigned device, struct texts *texts,
                         struct fv_ort_options *out)
{
    snprintf(texts->device, sizeof(texts->device), "%u", device);
    fv_ort_option_add(out, "device_id", texts->device);
    list_engine_options(request, texts, out);
    fv_ort_option_add(out, "trt_engine_cache_enable", "1");
    fv_ort_option_add(out, "trt_engine_cache_path", request->folder);
    fv_ort_option_add(out, "trt_engine_cache_prefix", "engine");
}

static OrtStatus *set_options(const OrtApi *api, void *tensorrt,
                              const struct fv_ort_options *options)
{
    const char *keys[FV_ORT_OPTIONS_MAX], *values[FV_ORT_OPTIONS_MAX];
    for (size_t i = 0; i < options->count; i++) {
        keys[i] = options->items[i].key;
        values[i] = options->items[i].value;
    }
    return api->UpdateTensorRTProviderOptions(tensorrt, keys, values, options->count);
}

static int add(const struct fv_ort_session *session, OrtSessionOptions *options,
               const struct fv_ort_request *request, struct fv_error *err)
{
    const OrtApi *api = session->library.api;
    struct fv_gpu_info info;
    struct fv_ort_options list = {0};
    struct texts texts;
    OrtTensorRTProviderOptionsV2 *tensorrt = NULL;
    int result = fv_gpu_info(request->params->gpu, &info, err);
    if (result == 0)
        result = fv_ort_status(api, api->CreateTensorRTProviderOptions(&tensorrt),
                               "the " OF " provider", err);
    if (result == 0) {
        list_options(request, info.device, &texts, &list);
        result = fv_ort_load_provider(&session->library, OF, set_options, tensorrt, &list, err);
    }
    if (result == 0)
        result = fv_ort_status(
            api,
            api->UpdateTensorRTProviderOptionsWithValue(
                tensorrt, "user_compute_stream", fv_gpu_stream_handle(request->params->stream)),
            "the " OF " provider's stream", err);
    if (result == 0)
        result = fv_ort_status(
            api, api->SessionOptionsAppendExecutionProvider_TensorRT_V2(options, tensorrt),
            "adding the " OF " provider", err);
    if (tensorrt)
        api->ReleaseTensorRTProviderOptions(tensorrt);
    return result;
}

static int add_tensorrt(const struct fv_ort_session *session, OrtSessionOptions *options,
                        const struct fv_ort_request *request, struct fv_error *err)
{
    int result = fv_ort_forbid_cpu(session->library.api, options, err);
    return result == 0 ? add(session, options, request, err) : result;
}

/* TensorRT 10 says 10'13'02 in decimal. */
static int add_version(struct fv_engine_key *key, struct fv_error *err)
{
    int (*get)(void) = NULL;
    void *library = dlopen("libnvinfer.so.10", RTLD_LAZY | RTLD_NOLOAD);
    if (library)
        *(void **)&get = dlsym(library, "getInferLibVersion");
    if (get)
        fv_engine_key_add(key, "tensorrt", "%d", get());
    if (library)
        dlclose(library);
    return get ? 0
               : fv_error_set(err, -ENOTSUP,
                              "libnvinfer.so.10 does not tell its version: install TensorRT 10 for "
                              "CUDA 13");
}

static int find_parts(const struct fv_ort_library *library, struct fv_error *err)
{
    int result = fv_ort_has_provider(library, fv_ort_tensorrt.name, err);
    if (result == 0)
        result = fv_ort_need_for(OF, "libnvinfer.so.10", library, err);
    if (result == 0)
        result = fv_ort_need_for(OF, "libnvonnxparser.so.10", library, err);
    return result;
}

static int add_facts(const struct fv_ort_library *library, const struct fv_ort_request *request,
                     struct fv_engine_key *key, struct fv_error *err)
{
    struct fv_ort_options options = {0};
    struct texts texts;
    int result = find_parts(library, err);
    if (result == 0)
        result = add_version(key, err);
    list_engine_options(request, &texts, &options);
    for (size_t i = 0; i < options.count; i++)
        fv_engine_key_add(key, options.items[i].key, "%s", options.items[i].value);
    return result;
}

const struct fv_ort_provider fv_ort_tensorrt = {
    .name = "TensorrtExecutionProvider",
    .minor_min = 20, /* knows all options */
    .add = add_tensorrt,
    .find_parts = find_parts,
    .add_facts = add_facts,
};

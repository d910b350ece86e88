// SPDX-License-Identifier: Apache-2.0
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/library.h"
#include "gpu/gpu.h"
#include "infer/ort_provider.h"

static OrtStatus *set_options(const OrtApi *api, void *cuda, const struct fv_ort_options *options)
{
    const char *keys[FV_ORT_OPTIONS_MAX], *values[FV_ORT_OPTIONS_MAX];
    for (size_t i = 0; i < options->count; i++) {
        keys[i] = options->items[i].key;
        values[i] = options->items[i].value;
    }
    return api->UpdateCUDAProviderOptions(cuda, keys, values, options->count);
}

/* What the provider opens by name when it is at work: cuDNN always, NVRTC when cuDNN builds a fused convolution. */
static int load_late(const struct fv_ort_library *library, struct fv_error *err)
{
    char name[64];
    unsigned major = 14;
    do {
        major--;
        snprintf(name, sizeof(name), "libcudart.so.%u", major);
    } while (major >= 11 && !dlopen(name, RTLD_LAZY | RTLD_NOLOAD));
    if (major < 11) /* linked into the provider: then so is the rest */
        return 0;
    snprintf(name, sizeof(name), "libnvrtc.so.%u", major);
    (void)fv_library_open(name, library->folder, NULL, NULL);
    return fv_ort_need_for("CUDA", "libcudnn.so.9", library, err);
}

/* The settings that make a run cost microseconds of the host: docs/design/inference.md. */
static void list_options(const struct fv_runtime_params *params, const struct fv_gpu_info *info,
                         char (*text)[24], struct fv_ort_options *out)
{
    snprintf(text[0], sizeof(text[0]), "%u", info->device);
    fv_ort_option_add(out, "device_id", text[0]);
    fv_ort_option_add(out, "enable_cuda_graph", "1");
    fv_ort_option_add(out, "prefer_nhwc", "1");
    fv_ort_option_add(out, "fuse_conv_bias", "1");
    fv_ort_option_add(out, "use_tf32", "1");
    fv_ort_option_add(out, "cudnn_conv_algo_search",
                      params->conv_search ? params->conv_search : "HEURISTIC");
    fv_ort_option_add(out, "arena_extend_strategy", "kSameAsRequested");
    if (params->memory_limit) {
        snprintf(text[1], sizeof(text[1]), "%zu", params->memory_limit);
        fv_ort_option_add(out, "gpu_mem_limit", text[1]);
    }
}

static int add(const struct fv_ort_library *library, OrtSessionOptions *session,
               const struct fv_runtime_params *params, struct fv_error *err)
{
    const OrtApi *api = library->api;
    struct fv_gpu_info info;
    struct fv_ort_options options = {0};
    char text[2][24];
    OrtCUDAProviderOptionsV2 *cuda = NULL;
    int result = fv_gpu_info(params->gpu, &info, err);
    if (result == 0)
        result =
            fv_ort_status(api, api->CreateCUDAProviderOptions(&cuda), "the CUDA provider", err);
    if (result == 0) {
        list_options(params, &info, text, &options);
        result = fv_ort_load_provider(library, "CUDA", set_options, cuda, &options, err);
    }
    if (result == 0)
        result = load_late(library, err);
    if (result == 0)
        result =
            fv_ort_status(api,
                          api->UpdateCUDAProviderOptionsWithValue(
                              cuda, "user_compute_stream", fv_gpu_stream_handle(params->stream)),
                          "the CUDA provider's stream", err);
    if (result == 0)
        result =
            fv_ort_status(api, api->SessionOptionsAppendExecutionProvider_CUDA_V2(session, cuda),
                          "adding the CUDA provider", err);
    if (cuda)
        api->ReleaseCUDAProviderOptions(cuda);
    return result;
}

static int find_parts(const struct fv_ort_library *library, struct fv_error *err)
{
    return fv_ort_has_provider(library, fv_ort_cuda.name, err);
}

static int add_cuda(const struct fv_ort_session *session, OrtSessionOptions *options,
                    const struct fv_ort_request *request, struct fv_error *err)
{
    const struct fv_ort_library *library = &session->library;
    int result = find_parts(library, err);
    if (result == 0)
        result = fv_ort_forbid_cpu(library->api, options, err);
    return result == 0 ? add(library, options, request->params, err) : result;
}

const struct fv_ort_provider fv_ort_cuda = {
    .name = "CUDAExecutionProvider",
    .minor_min = 20, /* knows all options */
    .add = add_cuda,
    .find_parts = find_parts,
};

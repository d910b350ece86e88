// SPDX-License-Identifier: Apache-2.0
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "gpu/gpu.h"
#include "infer/ort_cuda.h"
#include "infer/ort_needs.h"

#define NEEDS_MAX 16 /* libraries that are looked for, one after the other */

/* Turns the failure of loading the provider into a sentence with a cure. */
static int explain(const char *name, const struct fv_error *why, struct fv_error *err)
{
    return fv_error_set(err, -ENOENT, "ONNX Runtime's CUDA provider needs %s, and %s: %s", name,
                        why->text, fv_ort_cure(name));
}

/* The first option makes ONNX Runtime load the provider's library. What that library is linked to may lie where the linker does not
 * look: each that it misses is fetched, and the call repeated. */
static int set_options(const struct fv_ort_library *library, OrtCUDAProviderOptionsV2 *cuda,
                       const struct fv_ort_option *options, size_t count, struct fv_error *err)
{
    const OrtApi *api = library->api;
    const char *keys[FV_ORT_CUDA_OPTIONS], *values[FV_ORT_CUDA_OPTIONS];
    for (size_t i = 0; i < count; i++) {
        keys[i] = options[i].key;
        values[i] = options[i].value;
    }
    char name[128] = "", before[128];
    for (int tries = 0;; tries++) {
        struct fv_error why = {0};
        OrtStatus *status = api->UpdateCUDAProviderOptions(cuda, keys, values, count);
        memcpy(before, name, sizeof(before));
        bool missing = status && fv_ort_missing(api->GetErrorMessage(status), name, sizeof(name)) &&
                       strcmp(name, before) != 0 && tries < NEEDS_MAX;
        if (!missing)
            return fv_ort_status(api, status, "the CUDA provider", err);
        api->ReleaseStatus(status);
        if (fv_ort_need(name, library->folder, &why) < 0)
            return explain(name, &why, err);
    }
}

/* What the provider opens by name when it is at work: cuDNN always, NVRTC when cuDNN builds a fused convolution. */
static int load_late(const struct fv_ort_library *library, struct fv_error *err)
{
    struct fv_error why = {0};
    char name[64];
    unsigned major = 14;
    do {
        major--;
        snprintf(name, sizeof(name), "libcudart.so.%u", major);
    } while (major >= 11 && !dlopen(name, RTLD_LAZY | RTLD_NOLOAD));
    if (major < 11) /* linked into the provider: then so is the rest */
        return 0;
    snprintf(name, sizeof(name), "libnvrtc.so.%u", major);
    (void)fv_ort_need(name, library->folder, NULL);
    snprintf(name, sizeof(name), "libcudnn.so.9");
    return fv_ort_need(name, library->folder, &why) < 0 ? explain(name, &why, err) : 0;
}

/* The settings that make a run cost microseconds of the host: docs/design/inference.md. */
static size_t list_options(const struct fv_runtime_params *params, const struct fv_gpu_info *info,
                           char (*text)[24], struct fv_ort_option *out)
{
    size_t count = 0;
    snprintf(text[0], sizeof(text[0]), "%u", info->device);
    out[count++] = (struct fv_ort_option){"device_id", text[0]};
    out[count++] = (struct fv_ort_option){"enable_cuda_graph", "1"};
    out[count++] = (struct fv_ort_option){"prefer_nhwc", "1"};
    out[count++] = (struct fv_ort_option){"fuse_conv_bias", "1"};
    out[count++] = (struct fv_ort_option){"use_tf32", "1"};
    out[count++] = (struct fv_ort_option){"cudnn_conv_algo_search",
                                          params->conv_search ? params->conv_search : "HEURISTIC"};
    out[count++] = (struct fv_ort_option){"arena_extend_strategy", "kSameAsRequested"};
    if (params->memory_limit) {
        snprintf(text[1], sizeof(text[1]), "%zu", params->memory_limit);
        out[count++] = (struct fv_ort_option){"gpu_mem_limit", text[1]};
    }
    return count;
}

static int add(const struct fv_ort_library *library, OrtSessionOptions *session,
               const struct fv_runtime_params *params, struct fv_error *err)
{
    const OrtApi *api = library->api;
    struct fv_gpu_info info;
    struct fv_ort_option options[FV_ORT_CUDA_OPTIONS];
    char text[2][24];
    OrtCUDAProviderOptionsV2 *cuda = NULL;
    int result = fv_gpu_info(params->gpu, &info, err);
    if (result == 0)
        result =
            fv_ort_status(api, api->CreateCUDAProviderOptions(&cuda), "the CUDA provider", err);
    if (result == 0)
        result =
            set_options(library, cuda, options, list_options(params, &info, text, options), err);
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

/* Of an ONNX Runtime that was built without the provider. */
static bool is_cpu_build(const struct fv_ort_library *library)
{
    char **names = NULL;
    int count = 0;
    bool found = false;
    if (fv_ort_status(library->api, library->api->GetAvailableProviders(&names, &count), "", NULL) <
        0)
        return false;
    for (int i = 0; i < count; i++)
        found = found || strcmp(names[i], "CUDAExecutionProvider") == 0;
    (void)fv_ort_status(library->api, library->api->ReleaseAvailableProviders(names, count), "",
                        NULL);
    return !found;
}

static int refuse_cpu_build(const struct fv_ort_library *library, struct fv_error *err)
{
    return fv_error_set(err, -ENOTSUP,
                        "ONNX Runtime %s in %s is built for the CPU alone: pip install "
                        "onnxruntime-gpu, or set FOVEA_ORT_PATH to the folder of one with CUDA",
                        library->version, library->folder);
}

int fv_ort_check_cuda(struct fv_error *err)
{
    struct fv_ort_library library = {0};
    int r = fv_ort_library_open(NULL, &library, err);
    if (r == 0 && is_cpu_build(&library))
        r = refuse_cpu_build(&library, err);
    fv_ort_library_close(&library);
    return r;
}

int fv_ort_add_cuda(const struct fv_ort_library *library, OrtSessionOptions *session, void *data,
                    struct fv_error *err)
{
    if (is_cpu_build(library))
        return refuse_cpu_build(library, err);
    /* Nothing may be computed beside the GPU: a node that it cannot take is an error. */
    int result = fv_ort_status(
        library->api,
        library->api->AddSessionConfigEntry(session, "session.disable_cpu_ep_fallback", "1"),
        "setting options", err);
    return result < 0 ? result : add(library, session, data, err);
}

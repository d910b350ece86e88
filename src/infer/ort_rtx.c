// SPDX-License-Identifier: Apache-2.0
/*
 * TensorRT for RTX: a plug-in provider, from the package onnxruntime-ep-nv-tensorrt-rtx-cu13. The engine is kept as a model with the compiled
 * network inside ("EP context"). Its kernels are compiled for the GPU when the engine loads; the plug-in's own cache of those
 * (nv_runtime_cache_path) is rewritten by each process at its end, so it cannot be kept under a checksum, and is not used. Not run on
 * hardware.
 */
#include <dlfcn.h>
#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/library.h"
#include "gpu/gpu.h"
#include "infer/ort_plugin.h"

#define PACKAGE "onnxruntime_ep_nv_tensorrt_rtx"
#define PLUGIN "libonnxruntime_providers_nv_tensorrt_rtx.so"
#define ENGINE "engine.onnx"
#define CURE "pip install onnxruntime-ep-nv-tensorrt-rtx-cu13"

/* ---- the package ---- */

static bool first_match(const char *pattern, char out[FV_ENGINE_PATH_MAX])
{
    glob_t files;
    bool found = glob(pattern, 0, NULL, &files) == 0;
    if (!found)
        return false;
    snprintf(out, FV_ENGINE_PATH_MAX, "%s", files.gl_pathv[0]);
    globfree(&files);
    return true;
}

/* Beside ONNX Runtime's own package, then in pip's places. */
static int find_plugin(const struct fv_ort_library *library, char ret_path[FV_ENGINE_PATH_MAX],
                       struct fv_error *err)
{
    char pattern[2 * FV_ENGINE_PATH_MAX];
    snprintf(pattern, sizeof(pattern), "%s/../../" PACKAGE "/" PLUGIN, library->folder);
    bool found = first_match(pattern, ret_path);
    for (unsigned i = 0; !found && fv_library_packages(i, PACKAGE "/" PLUGIN, pattern, sizeof(pattern));
         i++)
        found = first_match(pattern, ret_path);
    return found ? 0
                 : fv_error_set(err, -ENOENT,
                                "TensorRT for RTX (" PLUGIN ") was found nowhere: " CURE);
}

/* The plug-in is linked to what lies beside it, under names that the linker does not look for: "libcudart.so.13.4.36". */
static int load_beside(const char *plugin, const char *name, void **ret_library,
                       struct fv_error *err)
{
    char pattern[FV_ENGINE_PATH_MAX + 64], path[FV_ENGINE_PATH_MAX];
    snprintf(pattern, sizeof(pattern), "%.*s/%s*", (int)(strrchr(plugin, '/') - plugin), plugin,
             name);
    *ret_library = dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!*ret_library && !first_match(pattern, path))
        return fv_error_set(
            err, -ENOENT, "TensorRT for RTX needs %s, which is not beside %s: " CURE, name, plugin);
    if (!*ret_library)
        *ret_library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    return *ret_library ? 0 : fv_error_set(err, -ENOTSUP, "TensorRT for RTX: %s", dlerror());
}

static int load_package(const char *plugin, int *ret_version, struct fv_error *err)
{
    void *cudart, *tensorrt, *parser;
    int (*get)(void) = NULL;
    int result = load_beside(plugin, "libcudart.so.13", &cudart, err);
    if (result == 0)
        result = load_beside(plugin, "libtensorrt_rtx.so.1", &tensorrt, err);
    if (result == 0)
        result = load_beside(plugin, "libtensorrt_onnxparser_rtx.so.1", &parser, err);
    if (result < 0)
        return result;
    *(void **)&get = dlsym(tensorrt, "getInferLibVersion");
    if (!get)
        return fv_error_set(err, -ENOTSUP, "TensorRT for RTX beside %s does not tell its version",
                            plugin);
    *ret_version = get();
    return 0;
}

static int find_and_load(const struct fv_ort_library *library, int *ret_version,
                         struct fv_error *err)
{
    char path[FV_ENGINE_PATH_MAX];
    int result = find_plugin(library, path, err);
    return result == 0 ? load_package(path, ret_version, err) : result;
}

static int find_parts(const struct fv_ort_library *library, struct fv_error *err)
{
    int version;
    return find_and_load(library, &version, err);
}

/* ---- options ---- */

struct texts {
    char workspace[24], shape[128], stream[24];
};

/* What the engine depends on. It computes in the model's own precision. */
static void list_engine_options(const struct fv_ort_request *request, struct texts *texts,
                                struct fv_ort_options *out)
{
    if (request->params->workspace) {
        snprintf(texts->workspace, sizeof(texts->workspace), "%zu", request->params->workspace);
        fv_ort_option_add(out, "nv_max_workspace_size", texts->workspace);
    }
    if (request->params->model->dynamic_batch) {
        fv_ort_shape(request, texts->shape, sizeof(texts->shape));
        fv_ort_option_add(out, "nv_profile_min_shapes", texts->shape);
        fv_ort_option_add(out, "nv_profile_opt_shapes", texts->shape);
        fv_ort_option_add(out, "nv_profile_max_shapes", texts->shape);
    }
}

static void list_options(const struct fv_ort_request *request, struct texts *texts,
                         struct fv_ort_options *out)
{
    list_engine_options(request, texts, out);
    snprintf(texts->stream, sizeof(texts->stream), "%" PRIuPTR,
             (uintptr_t)fv_gpu_stream_handle(request->params->stream));
    fv_ort_option_add(out, "has_user_compute_stream", "1");
    fv_ort_option_add(out, "user_compute_stream", texts->stream);
    fv_ort_option_add(out, "enable_cuda_graph",
                      "0"); /* ours are recorded; some versions do by default */
    fv_ort_option_add(out, "nv_persistent_context_memory",
                      "1"); /* addresses that a graph may keep */
}

/* The plug-in's own list; others make it fail with words of its own. */
static int check_gpu(const struct fv_gpu_info *info, struct fv_error *err)
{
    int capability = info->major * 10 + info->minor;
    if (capability == 86 || capability == 89 || capability >= 120)
        return 0;
    return fv_error_set(err, -ENOTSUP,
                        "TensorRT for RTX runs on compute capability 8.6, 8.9 and 12.0 or newer, "
                        "and cuda:%u (%s) has %d.%d: set \"INFERENCE_PROVIDER\" to \"tensorrt\" or "
                        "\"cuda\"",
                        info->device, info->name, info->major, info->minor);
}

/* When building: where the compiled model goes. */
static int set_context(const OrtApi *api, OrtSessionOptions *options,
                       const struct fv_ort_request *request, struct fv_error *err)
{
    char path[FV_ENGINE_PATH_MAX];
    snprintf(path, sizeof(path), "%s/" ENGINE, request->folder);
    OrtStatus *status = api->AddSessionConfigEntry(options, "ep.context_enable", "1");
    if (!status)
        status = api->AddSessionConfigEntry(options, "ep.context_file_path", path);
    if (!status)
        status = api->AddSessionConfigEntry(options, "ep.context_embed_mode", "1");
    return fv_ort_status(api, status, "setting options", err);
}

static int add(const struct fv_ort_session *session, OrtSessionOptions *options,
               const struct fv_ort_request *request, struct fv_error *err)
{
    const OrtApi *api = session->library.api;
    struct fv_gpu_info info;
    struct fv_ort_options list = {0};
    struct texts texts;
    char path[FV_ENGINE_PATH_MAX];
    int result = fv_gpu_info(request->params->gpu, &info, err);
    if (result == 0)
        result = find_plugin(&session->library, path, err);
    if (result == 0)
        result = fv_ort_forbid_cpu(api, options, err);
    if (result == 0 && request->build)
        result = set_context(api, options, request, err);
    if (result < 0)
        return result;
    list_options(request, &texts, &list);
    const struct fv_ort_plugin plugin = {path, fv_ort_rtx.name, info.device};
    return fv_ort_plugin_add(session, options, &plugin, &list, err);
}

static int add_facts(const struct fv_ort_library *library, const struct fv_ort_request *request,
                     struct fv_engine_key *key, struct fv_error *err)
{
    struct fv_gpu_info info;
    struct fv_ort_options options = {0};
    struct texts texts;
    int version = 0;
    int result = fv_gpu_info(request->params->gpu, &info, err);
    if (result == 0)
        result = check_gpu(&info, err);
    if (result == 0)
        result = find_and_load(library, &version, err);
    fv_engine_key_add(key, "tensorrt_rtx", "%d", version);
    list_engine_options(request, &texts, &options);
    for (size_t i = 0; i < options.count; i++)
        fv_engine_key_add(key, options.items[i].key, "%s", options.items[i].value);
    return result;
}

const struct fv_ort_provider fv_ort_rtx = {
    .name = "NvTensorRTRTXExecutionProvider",
    .minor_min = 24, /* the package's own demand */
    .add = add,
    .find_parts = find_parts,
    .add_facts = add_facts,
    .compiled = ENGINE,
};

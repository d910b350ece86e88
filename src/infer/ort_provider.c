// SPDX-License-Identifier: Apache-2.0
#include "infer/ort_provider.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/library.h"
#include "infer/ort_needs.h"

#define NEEDS_MAX 16 /* libraries that are looked for, one after the other */

void fv_ort_option_add(struct fv_ort_options *options, const char *key, const char *value)
{
    if (options->count < FV_ORT_OPTIONS_MAX)
        options->items[options->count++] = (struct fv_ort_option){key, value};
}

/* Turns the failure of loading the provider into a sentence with a cure. */
static int explain(const char *of, const char *name, const struct fv_error *why,
                   struct fv_error *err)
{
    return fv_error_set(err, -ENOENT, "ONNX Runtime's %s provider needs %s, and %s: %s", of, name,
                        why->text, fv_ort_cure(name));
}

int fv_ort_need_for(const char *of, const char *name, const struct fv_ort_library *library,
                    struct fv_error *err)
{
    struct fv_error why = {0};
    return fv_library_open(name, library->folder, NULL, &why) < 0 ? explain(of, name, &why, err) : 0;
}

int fv_ort_load_provider(const struct fv_ort_library *library, const char *of,
                         OrtStatus *(*set)(const OrtApi *api, void *provider,
                                           const struct fv_ort_options *options),
                         void *provider, const struct fv_ort_options *options, struct fv_error *err)
{
    const OrtApi *api = library->api;
    char name[128] = "", before[128], what[64];
    snprintf(what, sizeof(what), "the %s provider", of);
    for (int tries = 0;; tries++) {
        OrtStatus *status = set(api, provider, options);
        memcpy(before, name, sizeof(before));
        bool missing = status && fv_ort_missing(api->GetErrorMessage(status), name, sizeof(name)) &&
                       strcmp(name, before) != 0 && tries < NEEDS_MAX;
        if (!missing)
            return fv_ort_status(api, status, what, err);
        api->ReleaseStatus(status);
        int result = fv_ort_need_for(of, name, library, err);
        if (result < 0)
            return result;
    }
}

static bool is_available(const struct fv_ort_library *library, const char *name)
{
    char **names = NULL;
    int count = 0;
    bool found = false;
    if (fv_ort_status(library->api, library->api->GetAvailableProviders(&names, &count), "", NULL) <
        0)
        return true; /* then its own calls will tell */
    for (int i = 0; i < count; i++)
        found = found || strcmp(names[i], name) == 0;
    (void)fv_ort_status(library->api, library->api->ReleaseAvailableProviders(names, count), "",
                        NULL);
    return found;
}

int fv_ort_has_provider(const struct fv_ort_library *library, const char *name,
                        struct fv_error *err)
{
    if (is_available(library, name))
        return 0;
    bool cuda = is_available(library, "CUDAExecutionProvider");
    return fv_error_set(err, -ENOTSUP,
                        "ONNX Runtime %s in %s is built %s: pip install onnxruntime-gpu, or set "
                        "FOVEA_ORT_PATH to the folder of one with %s",
                        library->version, library->folder,
                        cuda ? "without TensorRT" : "for the CPU alone",
                        strstr(name, "Tensorrt") ? "TensorRT" : "CUDA");
}

int fv_ort_forbid_cpu(const OrtApi *api, OrtSessionOptions *options, struct fv_error *err)
{
    return fv_ort_status(
        api, api->AddSessionConfigEntry(options, "session.disable_cpu_ep_fallback", "1"),
        "setting options", err);
}

void fv_ort_shape(const struct fv_ort_request *request, char *out, size_t capacity)
{
    const struct fv_model *model = request->params->model;
    snprintf(out, capacity, "%s:%ux3x%ux%u", model->input_name, request->images, model->height,
             model->width);
}

struct adding {
    const struct fv_ort_provider *provider;
    const struct fv_ort_request *request;
};

static int add_provider(const struct fv_ort_session *session, OrtSessionOptions *options,
                        void *data, struct fv_error *err)
{
    const struct adding *adding = data;
    return adding->provider->add(session, options, adding->request, err);
}

int fv_ort_provider_session(const struct fv_ort_provider *provider,
                            const struct fv_ort_request *request,
                            struct fv_ort_session *ret_session, struct fv_error *err)
{
    char compiled[FV_ENGINE_PATH_MAX];
    struct adding adding = {provider, request};
    struct fv_ort_session_params session = {
        .model = request->params->model,
        .library = request->params->library,
        .threads = 1, /* of the host: nothing is computed there */
        .plain_graph = request->params->plain_graph,
        .minor_min = provider->minor_min,
        .add_provider = add_provider,
        .data = &adding,
    };
    if (provider->compiled && !request->build) {
        snprintf(compiled, sizeof(compiled), "%s/%s", request->folder, provider->compiled);
        session.path = compiled;
    }
    return fv_ort_session_open(&session, ret_session, err);
}

int fv_ort_provider_check(const struct fv_ort_provider *provider, struct fv_error *err)
{
    struct fv_ort_library library = {0};
    int result = fv_ort_library_open(NULL, &library, err);
    if (result == 0)
        result = fv_ort_check_version(&library, provider->minor_min, err);
    if (result == 0)
        result = provider->find_parts(&library, err);
    fv_ort_library_close(&library);
    return result;
}

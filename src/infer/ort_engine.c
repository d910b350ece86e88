// SPDX-License-Identifier: Apache-2.0
/*
 * A session with an engine: found in the cache, or built into an empty folder, closed, published, and opened from there as everybody else
 * does. What proves useless in a whole folder is built once more.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "gpu/gpu.h"
#include "infer/ort_provider.h"
#include "infer/tell.h"

struct job {
    const struct fv_ort_provider *provider;
    struct fv_ort_request request;
    struct fv_engine_cache *cache;
};

/* Everything that an engine depends on. */
static int make_key(const struct job *job, const struct fv_ort_library *library,
                    struct fv_engine_key *key, struct fv_error *err)
{
    const struct fv_runtime_params *params = job->request.params;
    const struct fv_model *model = params->model;
    struct fv_gpu_info info;
    char shape[128];
    int result = fv_gpu_info(params->gpu, &info, err);
    if (result < 0)
        return result;
    fv_ort_shape(&job->request, shape, sizeof(shape));
    fv_engine_key_add(key, "runtime", "%s",
                      job->provider == &fv_ort_rtx ? "tensorrt-rtx" : "tensorrt");
    fv_engine_key_add(key, "model", "%s", model->name);
    fv_engine_key_add(key, "model_sha256", "%s", model->sha256);
    fv_engine_key_add(key, "shape", "%s", shape);
    fv_engine_key_add(key, "element", "%s",
                      model->element == FV_ELEMENT_F16 ? "float16" : "float32");
    fv_engine_key_add(key, "gpu", "%s", info.name);
    fv_engine_key_add(key, "compute_capability", "%d.%d", info.major, info.minor);
    fv_engine_key_add(key, "driver", "%s", info.build);
    fv_engine_key_add(key, "driver_cuda", "%d", info.driver);
    fv_engine_key_add(key, "onnxruntime", "%s", library->version);
    fv_engine_key_add(key, "graph", "%s", params->plain_graph ? "plain" : "optimised");
    return job->provider->add_facts(library, &job->request, key, err);
}

/* The library is asked for its version, and again by each session. */
static int find_key(const struct job *job, struct fv_engine_key *key, struct fv_error *err)
{
    struct fv_ort_library library = {0};
    int result = fv_ort_library_open(job->request.params->library, &library, err);
    if (result == 0)
        result = fv_ort_check_version(&library, job->provider->minor_min, err);
    if (result == 0)
        result = make_key(job, &library, key, err);
    fv_ort_library_close(&library);
    return result;
}

static int build(struct job *job, struct fv_error *err)
{
    struct fv_ort_request request = job->request;
    struct fv_ort_session session = {0};
    request.build = true;
    int result = fv_engine_cache_begin(job->cache, &request.folder, err);
    if (result < 0)
        return result;
    fv_tell(request.params->progress, request.params->data,
            "building the engine for batches of %u (minutes): %s", request.images,
            fv_engine_cache_folder(job->cache));
    result = fv_ort_provider_session(job->provider, &request, &session, err);
    fv_ort_session_close(&session);
    if (result < 0)
        return fv_error_prefix(err, result, "building an engine for batches of %u", request.images);
    return fv_engine_cache_publish(job->cache, err);
}

static int load(const struct job *job, struct fv_ort_session *ret_session, struct fv_error *err)
{
    struct fv_ort_request request = job->request;
    request.folder = fv_engine_cache_folder(job->cache);
    return fv_ort_provider_session(job->provider, &request, ret_session, err);
}

/* The engine may be to blame; neither memory, nor the device, nor a missing part. */
static bool blames_engine(int result, const struct fv_error *why)
{
    return (result == -EIO || result == -EINVAL) && !strstr(why->text, "memory");
}

static int open_engine(struct job *job, struct fv_ort_session *ret_session, struct fv_error *err)
{
    struct fv_error why = {0};
    bool found = fv_engine_cache_ready(job->cache);
    int result = found ? 0 : build(job, &why);
    if (result == 0)
        result = load(job, ret_session, &why);
    if (found && result < 0 && blames_engine(result, &why)) {
        fv_tell(job->request.params->progress, job->request.params->data,
                "%s does not load and will be built again: %s", fv_engine_cache_folder(job->cache),
                why.text);
        result = build(job, &why);
        if (result == 0)
            result = load(job, ret_session, &why);
    }
    if (result < 0 && fv_engine_cache_ready(job->cache) && blames_engine(result, &why))
        fv_engine_cache_discard(job->cache);
    return result < 0 ? fv_error_set(err, result, "%s", why.text) : 0;
}

int fv_ort_provider_open(const struct fv_ort_provider *provider,
                         const struct fv_runtime_params *params, unsigned images,
                         struct fv_ort_session *ret_session, struct fv_error *err)
{
    struct job job = {.provider = provider, .request = {.params = params, .images = images}};
    struct fv_engine_key key = {0};
    char root[FV_ENGINE_PATH_MAX];
    if (!provider->add_facts)
        return fv_ort_provider_session(provider, &job.request, ret_session, err);
    int result = find_key(&job, &key, err);
    if (result == 0)
        result = fv_engine_root(params->engines, root, err);
    if (result == 0)
        result = fv_engine_cache_open(
            &(struct fv_engine_cache_params){
                .root = root, .key = &key, .progress = params->progress, .data = params->data},
            &job.cache, err);
    if (result == 0)
        result = open_engine(&job, ret_session, err);
    fv_engine_cache_close(job.cache);
    return result;
}

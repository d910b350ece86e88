// SPDX-License-Identifier: Apache-2.0
#include "fovea/engines.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/setup.h"
#include "infer/engine_cache.h"

/* The first error of the environment; those of a file are shown by its name. */
static void note(void *data, const struct fv_problem *problem)
{
    struct fv_error *first = data;
    if (problem->severity == FV_SEVERITY_ERROR && !first->code)
        fv_error_set(first, -EINVAL, "%s%s%s", problem->key, *problem->key ? ": " : "",
                     problem->message);
}

static int load(const char *config_path, struct fv_config **ret_config, struct fv_error *err)
{
    struct fv_error first = {0};
    const struct fv_config_params params = {
        .path = config_path,
        .text = config_path ? NULL : "{}", /* the defaults, and what the environment says */
        .stand_in = true,                  /* no engine depends on a camera */
        .name = "the environment",
        .problem = note,
        .data = &first};
    int r = fv_config_load(&params, ret_config, err);
    return r == -EINVAL && !config_path && first.code
               ? fv_error_set(err, r, "the environment: %s", first.text)
               : r;
}

int fv_engines_folder(const char *config_path, char *ret_folder, size_t size, struct fv_error *err)
{
    char root[FV_ENGINE_PATH_MAX];
    struct fv_config *config = NULL;
    int r = load(config_path, &config, err);
    if (r == 0)
        r = fv_engine_root(config->models.engine_path, root, err);
    fv_config_free(config);
    if (r == 0 && (size_t)snprintf(ret_folder, size, "%s", root) >= size)
        r = fv_error_set(err, -EINVAL, "the path of engines is too long");
    return r;
}

struct listing {
    fv_engines_fn each;
    void *data;
};

static int hand_out(void *data, const struct fv_engine_entry *entry)
{
    static const enum fv_engines_state states[] = {
        [FV_ENGINE_WHOLE] = FV_ENGINES_WHOLE,
        [FV_ENGINE_DAMAGED] = FV_ENGINES_DAMAGED,
        [FV_ENGINE_LEFT] = FV_ENGINES_LEFT,
        [FV_ENGINE_BUSY] = FV_ENGINES_BUSY,
    };
    const struct listing *listing = data;
    const struct fv_engine_key *key = &entry->manifest.key;
    const struct fv_engines_item item = {
        .name = entry->name,
        .state = states[entry->state],
        .why = entry->why,
        .bytes = entry->bytes,
        .built = entry->built,
        .runtime = fv_engine_key_get(key, "runtime"),
        .model = fv_engine_key_get(key, "model"),
        .shape = fv_engine_key_get(key, "shape"),
        .gpu = fv_engine_key_get(key, "gpu"),
        .onnxruntime = fv_engine_key_get(key, "onnxruntime"),
    };
    return listing->each(listing->data, &item);
}

int fv_engines_list(const char *folder, bool verify, fv_engines_fn each, void *data,
                    struct fv_error *err)
{
    struct listing listing = {each, data};
    return fv_engine_cache_list(folder, verify, hand_out, &listing, err);
}

int fv_engines_remove(const char *folder, const char *name, struct fv_error *err)
{
    return fv_engine_cache_remove(folder, name, err);
}

/* Whether an engine is asked for at all. */
static int check(const struct fv_config *config, struct fv_error *err)
{
    const char *provider = config->models.inference_provider;
    bool wanted = strcmp(provider, "auto") == 0 || strncmp(provider, "tensorrt", 8) == 0;
    if (config->processing.backend == FV_BACKEND_GPU && wanted)
        return fv_setup_check_provider(config, err);
    return fv_error_set(err, -EINVAL,
                        "models.INFERENCE_PROVIDER \"%s\" on the %s back end uses no built engine",
                        provider, config->processing.backend == FV_BACKEND_GPU ? "GPU" : "CPU");
}

int fv_engines_build(const struct fv_engines_build_params *params, struct fv_error *err)
{
    struct fv_setup setup = {.progress = params->progress, .data = params->data}, second = {0};
    struct fv_config *config = NULL;
    int r = load(params->config_path, &config, err);
    if (r == 0)
        r = check(config, err);
    if (r == 0) {
        config->models.warm_up_iterations = 0;
        r = fv_setup_init(&setup, config, err);
    }
    if (r == 0 && config->classifier.model_path)
        r = fv_setup_second(&second, &setup, config, err);
    fv_setup_finish(&second);
    fv_setup_finish(&setup);
    fv_config_free(config);
    return r;
}

// SPDX-License-Identifier: Apache-2.0
#include "engine/reader_source.h"

#include <errno.h>
#include <string.h>

#include "conf/conf.h"
#include "engine/cameras.h"

static const struct fv_conf_camera *find(const struct fv_config *config, const char *name)
{
    for (unsigned i = 0; i < config->cameras.count; i++) {
        const struct fv_conf_camera *camera = &config->cameras.items[i];
        if (name ? strcmp(camera->name, name) == 0 : camera->enabled)
            return camera;
    }
    return NULL;
}

/* A camera that is switched off can be asked for by its name. */
static int from_config(const struct fv_reader_params *params, struct fv_reader_source *source,
                       struct fv_error *err)
{
    const struct fv_config_params load = {.path = params->config_path,
                                          .backend = params->backend,
                                          .problem = params->problem,
                                          .data = params->data};
    struct fv_config *config = NULL;
    int r = fv_config_load(&load, &config, err);
    if (r < 0)
        return r;
    const struct fv_conf_camera *camera = find(config, params->camera);
    if (camera) {
        fv_cameras_params(NULL, camera, 0, &source->camera);
        source->on_gpu = config->processing.backend == FV_BACKEND_GPU;
        source->device = (unsigned)config->models.device_index;
    } else if (params->camera) {
        r = fv_error_set(err, -EINVAL, "the configuration has no camera '%s'", params->camera);
    } else {
        r = fv_error_set(err, -EINVAL, "the configuration has no camera that is enabled");
    }
    fv_config_free(config);
    return r;
}

static int from_url(const struct fv_reader_params *params, struct fv_reader_source *source,
                    struct fv_error *err)
{
    fv_camera_defaults(&source->camera);
    strcpy(source->camera.name, "reader");
    source->on_gpu = strcmp(params->backend, "gpu") == 0;
    source->device = params->device;
    if (!strstr(params->url, "://")) {
        source->file = params->url;
        return 0;
    }
    return fv_url_parse(params->url, &source->camera.url, err);
}

int fv_reader_source_init(const struct fv_reader_params *params, struct fv_reader_source *source,
                          struct fv_error *err)
{
    memset(source, 0, sizeof(*source));
    if (!params->url == !params->config_path)
        return fv_error_set(err, -EINVAL, "a reader needs a url, or a configuration instead");
    if (params->url && !params->backend)
        return fv_error_set(err, -EINVAL, "a reader of a url needs a back end");
    if (params->backend && strcmp(params->backend, "gpu") != 0 &&
        strcmp(params->backend, "cpu") != 0)
        return fv_error_set(err, -EINVAL, "the back end must be \"cpu\" or \"gpu\"");
    return params->url ? from_url(params, source, err) : from_config(params, source, err);
}

void fv_reader_source_wipe(struct fv_reader_source *source)
{
    explicit_bzero(source, sizeof(*source));
}

// SPDX-License-Identifier: Apache-2.0
#include "engine/setup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/slice.h"
#include "engine/analysis.h"
#include "engine/build_config.h"

#define BUNDLED "yolox_nano.onnx"

static int beside_executable(char *path, size_t size)
{
    char exe[1024];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    if (n <= 0)
        return -ENOENT;
    exe[n] = 0;
    char *slash = strrchr(exe, '/');
    if (slash)
        *slash = 0;
    if ((size_t)snprintf(path, size, "%s/model/" BUNDLED, exe) >= size)
        return -ENOENT;
    return access(path, R_OK) == 0 ? 0 : -ENOENT;
}

int fv_setup_bundled_model(char *path, size_t size, struct fv_error *err)
{
    const char *named = getenv("FOVEA_MODEL_PATH");
    if (named && *named) {
        snprintf(path, size, "%s", named);
        return 0; /* a wrong path is reported by who opens it */
    }
    if (beside_executable(path, size) == 0)
        return 0;
    snprintf(path, size, "%s", FV_DATA_DIR "/model/" BUNDLED);
    if (access(path, R_OK) == 0)
        return 0;
    return fv_error_set(err, -ENOENT,
                        "the bundled detector " BUNDLED
                        " is neither in the folder 'model' beside the program nor in "
                        "%s/model: run scripts/setup, or set models.MODEL_PATH",
                        FV_DATA_DIR);
}

static int load_model(struct fv_setup *setup, const struct fv_config *config, struct fv_error *err)
{
    char path[1024];
    const char *named = config->models.model_path;
    if (!named) {
        int r = fv_setup_bundled_model(path, sizeof(path), err);
        if (r < 0)
            return r;
    }
    return fv_model_load(named ? named : path, &setup->model, err);
}

int fv_setup_class(const struct fv_model *model, const char *text)
{
    uint64_t number = 0;
    int index = fv_slice_u64(fv_slice_of(text), UINT16_MAX, &number) == 0
                    ? (int)number
                    : fv_model_class(model, text);
    return index < 0 || (uint32_t)index >= model->label_count ? -ENOENT : index;
}

static int find_class(const struct fv_model *model, const char *text, uint16_t *ret_class,
                      struct fv_error *err)
{
    int index = fv_setup_class(model, text);
    if (index < 0)
        return fv_error_set(err, -EINVAL,
                            "models.TARGET_CLASSES: the model has no class '%s' (it has %u "
                            "classes, from '%s' to '%s')",
                            text, model->label_count, model->labels[0],
                            model->labels[model->label_count - 1]);
    *ret_class = (uint16_t)index;
    return 0;
}

/* Class numbers of TARGET_CLASSES; fv_free. */
static int find_classes(const struct fv_setup *setup, const struct fv_config *config,
                        uint16_t **ret_classes, struct fv_error *err)
{
    const struct fv_conf_strings *names = &config->models.target_classes;
    uint16_t *classes = fv_calloc(names->count + 1, sizeof(classes[0]));
    if (!classes)
        return fv_error_set(err, -ENOMEM, "out of memory");
    int r = 0;
    for (unsigned i = 0; r == 0 && i < names->count; i++)
        r = find_class(setup->model, names->items[i], &classes[i], err);
    if (r < 0)
        fv_free(classes);
    else
        *ret_classes = classes;
    return r;
}

static int make_detector(struct fv_setup *setup, const struct fv_config *config,
                         struct fv_error *err)
{
    uint16_t *classes = NULL;
    int r = find_classes(setup, config, &classes, err);
    if (r < 0)
        return r;
    const struct fv_detector_params params = {
        .model = setup->model,
        .runtime_ops = setup->runtime_ops,
        .runtime = setup->runtime,
        .max_batch = setup->batch,
        .score_threshold = fv_analysis_threshold(config),
        .iou_threshold = (float)config->models.iou,
        .classes = classes,
        .class_count = config->models.target_classes.count,
    };
    r = fv_detector_cpu_create(&params, &setup->detector, err);
    fv_free(classes);
    return r;
}

static int open_runtime(struct fv_setup *setup, const struct fv_config *config,
                        struct fv_error *err)
{
    const char *name = config->models.inference_provider;
    if (strcmp(name, "auto") == 0)
        name = "cpu"; /* the CPU back end was asked for by name; there is nothing else to choose */
    setup->runtime_ops = fv_runtime_find(name);
    if (!setup->runtime_ops || setup->runtime_ops->memory != FV_MEMORY_HOST)
        return fv_error_set(err, -ENOTSUP,
                            "models.INFERENCE_PROVIDER \"%s\" does not run on the CPU back end: "
                            "use \"auto\" or \"cpu\"",
                            name);
    struct fv_runtime_params params = {
        .model = setup->model, .max_batch = setup->batch, .lanes = 1};
    return setup->runtime_ops->open(&params, &setup->runtime, err);
}

/* The first runs are slower than the rest: let no camera see them. */
static int warm_up(struct fv_setup *setup, int iterations, struct fv_error *err)
{
    const struct fv_model *model = setup->model;
    float *input = setup->runtime_ops->input(setup->runtime, 0);
    size_t count = (size_t)setup->batch * 3 * model->width * model->height;
    for (size_t i = 0; i < count; i++)
        input[i] = model->pad_value;
    int r = 0;
    const void *output;
    for (int i = 0; r == 0 && i < iterations; i++)
        r = setup->runtime_ops->run(setup->runtime, 0, i % 2 ? setup->batch : 1, &output, err);
    return r < 0 ? fv_error_prefix(err, r, "warming up the model") : 0;
}

int fv_setup_init(struct fv_setup *setup, const struct fv_config *config, struct fv_error *err)
{
    *setup = (struct fv_setup){.batch = (unsigned)config->processing.gpu_batch_size};
    if (setup->batch == 0) /* "auto": all cameras in one batch, within the model's limit */
        setup->batch =
            (unsigned)fv_min64(config->models.max_batch, fv_max64(config->cameras.count, 1));
    int r = load_model(setup, config, err);
    if (r == 0) {
        setup->person = fv_model_class(setup->model, "person");
        r = open_runtime(setup, config, err);
    }
    if (r == 0)
        r = make_detector(setup, config, err);
    if (r == 0)
        r = warm_up(setup, config->models.warm_up_iterations, err);
    if (r < 0)
        fv_setup_finish(setup);
    return r;
}

void fv_setup_finish(struct fv_setup *setup)
{
    fv_detector_destroy(setup->detector);
    if (setup->runtime)
        setup->runtime_ops->close(setup->runtime);
    fv_model_free(setup->model);
    *setup = (struct fv_setup){0};
}

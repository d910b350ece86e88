// SPDX-License-Identifier: Apache-2.0
#include "engine/setup.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/slice.h"
#include "engine/analysis.h"
#include "engine/build_config.h"
#include "gpu/gpu.h"

#define PATH_SIZE 1024
#define BUNDLED "yolox_nano.onnx"
#define BUNDLED_FP16 "yolox_nano_fp16.onnx"

static int beside_executable(const char *file, char *path, size_t size)
{
    char exe[1024];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    if (n <= 0)
        return -ENOENT;
    exe[n] = 0;
    char *slash = strrchr(exe, '/');
    if (slash)
        *slash = 0;
    if ((size_t)snprintf(path, size, "%s/model/%s", exe, file) >= size)
        return -ENOENT;
    return access(path, R_OK) == 0 ? 0 : -ENOENT;
}

int fv_setup_bundled_model(bool half, char *path, size_t size, struct fv_error *err)
{
    const char *file = half ? BUNDLED_FP16 : BUNDLED;
    const char *named = getenv("FOVEA_MODEL_PATH");
    if (named && *named) {
        snprintf(path, size, "%s", named);
        return 0; /* a wrong path is reported by who opens it */
    }
    if (beside_executable(file, path, size) == 0)
        return 0;
    snprintf(path, size, "%s/model/%s", FV_DATA_DIR, file);
    if (access(path, R_OK) == 0)
        return 0;
    return fv_error_set(err, -ENOENT,
                        "the bundled detector %s is neither in the folder 'model' beside the "
                        "program nor in %s/model: run scripts/setup, or set models.MODEL_PATH",
                        file, FV_DATA_DIR);
}

int fv_setup_model_path(const struct fv_config *config, char *path, struct fv_error *err)
{
    bool half = config->processing.backend == FV_BACKEND_GPU && config->models.tensorrt_fp16;
    if (!config->models.model_path)
        return fv_setup_bundled_model(half, path, PATH_SIZE, err);
    snprintf(path, PATH_SIZE, "%s", config->models.model_path);
    return 0;
}

static int load_model(struct fv_setup *setup, const struct fv_config *config, struct fv_error *err)
{
    char path[PATH_SIZE];
    int r = fv_setup_model_path(config, path, err);
    return r < 0 ? r : fv_model_load_kind(path, false, &setup->model, err);
}

static char **copy_names(const struct fv_conf_strings *names)
{
    char **copy = fv_calloc(names->count, sizeof(*copy));
    for (unsigned i = 0; copy && i < names->count; i++) {
        copy[i] = fv_strdup(names->items[i]);
        if (copy[i])
            continue;
        while (i > 0)
            fv_free(copy[--i]);
        fv_free(copy);
        return NULL;
    }
    return copy;
}

int fv_setup_name_classes(struct fv_model *model, const struct fv_conf_strings *names,
                          enum fv_class_names *ret_result)
{
    unsigned same = 0;
    *ret_result = FV_CLASS_NAMES_SAME;
    if (names->count == 0)
        return 0;
    if (names->count != model->label_count) {
        *ret_result = FV_CLASS_NAMES_REFUSED;
        return 0;
    }
    while (same < names->count && !strcmp(names->items[same], model->labels[same]))
        same++;
    if (same == names->count)
        return 0;
    char **copy = copy_names(names);
    if (!copy)
        return -ENOMEM;
    for (unsigned i = 0; i < model->label_count; i++)
        fv_free(model->labels[i]);
    fv_free(model->labels);
    model->labels = copy;
    *ret_result = FV_CLASS_NAMES_CHANGED;
    return 0;
}

void fv_setup_tell_names(const struct fv_model *model, const struct fv_conf_strings *names,
                         enum fv_class_names result, char *text, size_t size)
{
    if (result == FV_CLASS_NAMES_REFUSED)
        snprintf(text, size, "names: %u, classes of the model: %u; the manifest's names are used",
                 names->count, model->label_count);
    else
        snprintf(text, size, "the names differ from those of the model's manifest");
}

static int name_classes(struct fv_setup *setup, const struct fv_config *config,
                        struct fv_error *err)
{
    char text[200];
    enum fv_class_names result;
    const struct fv_conf_strings *names = &config->models.class_names;
    if (fv_setup_name_classes(setup->model, names, &result) < 0)
        return fv_error_set(err, -ENOMEM, "out of memory");
    if (result == FV_CLASS_NAMES_SAME)
        return 0;
    fv_setup_tell_names(setup->model, names, result, text, sizeof(text));
    fv_log(FV_LOG_WARNING, "engine", "models.CLASS_NAMES: %s", text);
    return 0;
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

static struct fv_gpu_stream *stream_of(const struct fv_setup *setup)
{
    if (setup->stream || !setup->device)
        return setup->stream;
    return fv_device_stream(setup->device);
}

static int make_detector(const struct fv_setup *setup, const struct fv_detector_params *params,
                         struct fv_detector **ret_detector, struct fv_error *err)
{
    struct fv_detector_params full = *params;
    full.model = setup->model;
    full.runtime_ops = setup->runtime_ops;
    full.runtime = setup->runtime;
    full.max_batch = setup->batch;
    full.gpu = setup->device ? fv_device_gpu(setup->device) : NULL;
    full.stream = stream_of(setup);
    return setup->device ? fv_detector_gpu_create(&full, ret_detector, err)
                         : fv_detector_cpu_create(&full, ret_detector, err);
}

int fv_setup_detector(const struct fv_setup *setup, const struct fv_config *config,
                      struct fv_detector **ret_detector, struct fv_error *err)
{
    uint16_t *classes = NULL;
    int r = find_classes(setup, config, &classes, err);
    if (r < 0)
        return r;
    const struct fv_detector_params params = {
        .score_threshold = fv_analysis_threshold(config),
        .iou_threshold = (float)config->models.iou,
        .classes = classes,
        .class_count = config->models.target_classes.count,
    };
    r = make_detector(setup, &params, ret_detector, err);
    fv_free(classes);
    return r;
}

struct fv_runtime_params fv_setup_runtime_params(const struct fv_setup *setup,
                                                 const struct fv_config *config)
{
    return (struct fv_runtime_params){
        .model = setup->model,
        .max_batch = setup->batch,
        .lanes = setup->device ? FV_DETECTOR_GPU_LANES : 1,
        .gpu = setup->device ? fv_device_gpu(setup->device) : NULL,
        .stream = stream_of(setup),
        .plain_graph = !config->models.optimize,
        .engines = config->models.engine_path,
        .workspace = (size_t)(config->models.tensorrt_workspace_gb * (1u << 30)),
        .half = config->models.tensorrt_fp16,
        .progress = setup->progress,
        .data = setup->data,
    };
}

/* By the name of INFERENCE_PROVIDER. */
static int open_named(struct fv_setup *setup, const struct fv_config *config, const char *name,
                      struct fv_error *err)
{
    const enum fv_memory memory = setup->device ? FV_MEMORY_DEVICE : FV_MEMORY_HOST;
    setup->runtime_ops = fv_runtime_find(name);
    if (!setup->runtime_ops || setup->runtime_ops->memory != memory)
        return fv_error_set(err, -ENOTSUP,
                            "models.INFERENCE_PROVIDER \"%s\" does not run on the %s back end",
                            name, setup->device ? "GPU" : "CPU");
    const struct fv_runtime_params params = fv_setup_runtime_params(setup, config);
    return setup->runtime_ops->open(&params, &setup->runtime, err);
}

/* "auto" found none. */
static int no_engine(const struct fv_error *tensorrt, const struct fv_error *rtx,
                     struct fv_error *err)
{
    return fv_error_set(err, -ENOTSUP,
                        "models.INFERENCE_PROVIDER \"auto\" needs a TensorRT-class engine, and there is "
                        "none: set it to \"cuda\", which needs none, or install what is missing. "
                        "tensorrt: %.150s; tensorrt-rtx: %.150s",
                        tensorrt->text, rtx->text);
}

static bool is_missing(int result)
{
    return result == -ENOENT || result == -ENOTSUP;
}

/* On the GPU "auto" is an engine of the TensorRT class or an error; what the user would have to give up is not chosen silently. Another
 * failure than a missing part is not passed over. */
static int open_best(struct fv_setup *setup, const struct fv_config *config, struct fv_error *err)
{
    struct fv_error tensorrt = {0}, rtx = {0};
    int r = open_named(setup, config, "tensorrt", &tensorrt);
    if (!is_missing(r))
        return r < 0 ? fv_error_set(err, r, "%s", tensorrt.text) : 0;
    r = open_named(setup, config, "tensorrt-rtx", &rtx);
    if (!is_missing(r))
        return r < 0 ? fv_error_set(err, r, "%s", rtx.text) : 0;
    return no_engine(&tensorrt, &rtx, err);
}

static int check_named(const char *name, struct fv_error *err)
{
    const struct fv_runtime_ops *ops = fv_runtime_find(name);
    return ops && ops->check ? ops->check(err) : 0;
}

int fv_setup_check_provider(const struct fv_config *config, struct fv_error *err)
{
    const char *name = config->models.inference_provider;
    struct fv_error tensorrt = {0}, rtx = {0};
    if (config->processing.backend != FV_BACKEND_GPU || strcmp(name, "auto") != 0)
        return check_named(name, err);
    if (check_named("tensorrt", &tensorrt) == 0 || check_named("tensorrt-rtx", &rtx) == 0)
        return 0;
    return no_engine(&tensorrt, &rtx, err);
}

static int open_runtime(struct fv_setup *setup, const struct fv_config *config,
                        struct fv_error *err)
{
    const char *name = config->models.inference_provider;
    if (strcmp(name, "auto") != 0)
        return open_named(setup, config, name, err);
    /* The CPU back end was asked for by name; there is nothing else to choose. */
    return setup->device ? open_best(setup, config, err) : open_named(setup, config, "cpu", err);
}

static void fill_input(struct fv_setup *setup)
{
    const struct fv_model *model = setup->model;
    float *input = setup->runtime_ops->input(setup->runtime, 0);
    size_t count = (size_t)setup->batch * 3 * model->width * model->height;
    for (size_t i = 0; i < count; i++)
        input[i] = model->pad_value;
}

/* The first runs are slower than the rest: let no camera see them. */
static int warm_up(struct fv_setup *setup, int iterations, struct fv_error *err)
{
    unsigned lanes = setup->detector->lanes;
    if (!setup->device)
        fill_input(setup);
    int r = 0;
    const void *output;
    for (unsigned i = 0; r == 0 && i < (unsigned)iterations; i++)
        r = setup->runtime_ops->run(setup->runtime, i % lanes, i % 2 ? setup->batch : 1, &output,
                                    err);
    if (r == 0 && setup->device)
        r = fv_gpu_stream_finish(stream_of(setup), err);
    return r < 0 ? fv_error_prefix(err, r, "warming up the model") : 0;
}

/* GPU_BATCH_SIZE "auto": all cameras in one batch, within the model's limit; on the GPU the next power of two. */
static unsigned batch_size(const struct fv_config *config)
{
    unsigned batch = (unsigned)config->processing.gpu_batch_size;
    unsigned most = (unsigned)config->models.max_batch;
    if (batch > 0)
        return batch;
    unsigned cameras = (unsigned)fv_max64(config->cameras.count, 1);
    if (config->processing.backend != FV_BACKEND_GPU)
        return cameras < most ? cameras : most;
    for (batch = 1; batch < cameras && 2 * batch <= most;)
        batch *= 2;
    return batch;
}

int fv_setup_init(struct fv_setup *setup, const struct fv_config *config, struct fv_error *err)
{
    setup->batch = batch_size(config);
    int r = 0;
    if (config->processing.backend == FV_BACKEND_GPU)
        r = fv_device_open(config, &setup->alarm, &setup->device, err);
    if (r == 0)
        r = load_model(setup, config, err);
    if (r == 0) {
        setup->person = fv_model_class(setup->model, "person");
        r = name_classes(setup, config, err);
    }
    if (r == 0)
        r = open_runtime(setup, config, err);
    if (r == 0)
        r = fv_setup_detector(setup, config, &setup->detector, err);
    if (r == 0)
        r = warm_up(setup, config->models.warm_up_iterations, err);
    if (r < 0)
        fv_setup_finish(setup);
    return r;
}

/* A score below the manifest's threshold is no answer, whatever the setting says; nor is what becomes of values that are no numbers:
 * 0, by sigmoid 1e-28. */
static float least_score(const struct fv_setup *second, const struct fv_config *config)
{
    return fmaxf(fmaxf((float)config->classifier.confidence, second->model->threshold), 1e-6f);
}

static int open_second(struct fv_setup *second, const struct fv_config *config,
                       struct fv_error *err)
{
    int r = fv_model_load_kind(config->classifier.model_path, true, &second->model, err);
    if (r == 0 && second->device)
        r = fv_gpu_stream_create(fv_device_gpu(second->device), &second->stream, err);
    if (r == 0)
        r = open_runtime(second, config, err);
    if (r < 0)
        return r;
    const struct fv_detector_params params = {
        .score_threshold = least_score(second, config),
        .iou_threshold = 1,
    };
    r = make_detector(second, &params, &second->detector, err);
    return r == 0 ? warm_up(second, config->models.warm_up_iterations, err) : r;
}

int fv_setup_second(struct fv_setup *second, const struct fv_setup *first,
                    const struct fv_config *config, struct fv_error *err)
{
    *second = (struct fv_setup){
        .progress = first->progress,
        .data = first->data,
        .device = first->device,
        .second = true,
        .batch = (unsigned)config->classifier.batch,
    };
    int r = open_second(second, config, err);
    if (r < 0) {
        fv_setup_finish(second);
        return fv_error_prefix(err, r, "the classifier");
    }
    return 0;
}

void fv_setup_finish(struct fv_setup *setup)
{
    fv_detector_destroy(setup->detector);
    if (setup->runtime)
        setup->runtime_ops->close(setup->runtime);
    fv_model_free(setup->model);
    fv_gpu_stream_destroy(setup->stream);
    if (!setup->second)
        fv_device_close(setup->device);
    *setup = (struct fv_setup){0};
}

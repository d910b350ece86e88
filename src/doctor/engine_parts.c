// SPDX-License-Identifier: Apache-2.0
/* What the engine is made of: what was built in, the GPU's driver, the inference library, the model. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "doctor/doctor.h"
#include "engine/setup.h"
#include "fovea/build.h"
#include "gpu/probe.h"
#include "infer/about.h"
#include "infer/model.h"

/* A phrase as a sentence. */
static const char *sentence(const char *phrase, char *buffer, size_t size)
{
    snprintf(buffer, size, "%s.", phrase);
    buffer[0] = (char)toupper((unsigned char)buffer[0]);
    return buffer;
}

static void check_build(struct fv_doctor *doctor)
{
    for (const struct fv_build_part *part = fv_build_parts; part->name; part++) {
        char why[300];
        snprintf(why, sizeof(why), "It is there for %s.", part->purpose);
        fv_doctor_say(doctor,
                      (struct fv_doctor_about){part->built_in ? FV_DOCTOR_OK : FV_DOCTOR_WARNING,
                                               "build", part->name, why,
                                               "Install its development package and build again "
                                               "(scripts/setup does)."},
                      "%s", part->built_in ? "built in" : "not built in");
    }
}

static void on_missing(void *data, const struct fv_problem *problem)
{
    char cure[600];
    fv_doctor_say(
        data,
        (struct fv_doctor_about){FV_DOCTOR_PROBLEM, "gpu", "GPU",
                                 "GPU-only operation, the default, starts with a whole GPU "
                                 "path or not at all.",
                                 sentence(problem->fix, cure, sizeof(cure))},
        "%s", problem->message);
}

struct fv_gpu_params fv_doctor_gpu(const struct fv_config *config)
{
    if (!config)
        return (struct fv_gpu_params){0};
    size_t pool_mb =
        config->processing.memory_pooling ? (size_t)config->processing.gpu_memory_pool_mb : 0;
    return (struct fv_gpu_params){(unsigned)config->models.device_index, pool_mb << 20};
}

static void check_gpu(struct fv_doctor *doctor)
{
    char driver[300];
    bool loaded = fv_system_line("/proc/driver/nvidia/version", driver, sizeof(driver));
    struct fv_doctor_about about = {FV_DOCTOR_OK, "gpu_driver", "GPU driver",
                                    "Decoding and inference on the GPU go through it.",
                                    "Install the NVIDIA driver, or pass the GPU into the container "
                                    "(--gpus all)."};
    if (!loaded && !doctor->cpu)
        about.state = FV_DOCTOR_PROBLEM;
    fv_doctor_say(doctor, about, "%s",
                  loaded        ? driver
                  : doctor->cpu ? "none; not needed by the CPU back end"
                                : "the NVIDIA kernel module is not loaded");
    struct fv_gpu_params wanted = fv_doctor_gpu(doctor->config);
    if (!doctor->cpu && fv_gpu_probe(&wanted, on_missing, doctor, NULL) == 0)
        fv_doctor_say(doctor, (struct fv_doctor_about){FV_DOCTOR_OK, "gpu", "GPU", about.why, ""},
                      "driver, device and decoder are there");
}

static bool has_gpu_provider(const char *providers)
{
    return strstr(providers, "Tensorrt") || strstr(providers, "TensorRT") ||
           strstr(providers, "CUDA");
}

static void check_inference(struct fv_doctor *doctor)
{
    struct fv_infer_about library;
    struct fv_error err = {0};
    struct fv_doctor_about about = {
        FV_DOCTOR_PROBLEM, "inference", "inference library", "It runs the model.",
        "Run scripts/setup, or set FOVEA_ORT_PATH to the library or its "
        "folder."};
    if (fv_infer_about(&library, &err) < 0) {
        fv_doctor_say(doctor, about, "%s", err.text);
        return;
    }
    bool enough = doctor->cpu || has_gpu_provider(library.providers);
    about.state = enough ? FV_DOCTOR_OK : FV_DOCTOR_PROBLEM;
    if (!enough)
        about.cure = "Install ONNX Runtime's GPU build (PyPI: onnxruntime-gpu) and set "
                     "FOVEA_ORT_PATH to it.";
    fv_doctor_say(doctor, about, "ONNX Runtime %s with %s%s", library.version, library.providers,
                  enough ? "" : ": none of them runs on a GPU");
}

static void check_model(struct fv_doctor *doctor)
{
    char bundled[1024];
    struct fv_model *model = NULL;
    struct fv_error err = {0};
    const char *path = doctor->config ? doctor->config->models.model_path : NULL;
    int r = path ? 0 : fv_setup_bundled_model(false, bundled, sizeof(bundled), &err);
    if (r == 0)
        r = fv_model_load(path ? path : bundled, &model, &err);
    struct fv_doctor_about about = {
        r < 0 ? FV_DOCTOR_PROBLEM : FV_DOCTOR_OK, "model", "model",
        "Without a model that matches its manifest nothing is detected.",
        "Run scripts/setup for the bundled detector, or set "
        "models.MODEL_PATH (docs/model-manifest.md)."};
    if (r < 0)
        fv_doctor_say(doctor, about, "%s", err.text);
    else
        fv_doctor_say(doctor, about, "%s: %s, %ux%u, %u classes, matches its manifest",
                      path ? path : bundled, model->name, model->width, model->height,
                      model->label_count);
    fv_model_free(model);
}

void fv_doctor_parts(struct fv_doctor *doctor)
{
    check_build(doctor);
    check_gpu(doctor);
    check_inference(doctor);
    check_model(doctor);
}

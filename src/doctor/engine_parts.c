// SPDX-License-Identifier: Apache-2.0
/* What the engine is made of: what was built in, the inference library, the model. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "doctor/doctor.h"
#include "engine/setup.h"
#include "fovea/build.h"
#include "infer/about.h"
#include "infer/model.h"

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
    char path[1024];
    struct fv_model *model = NULL;
    struct fv_error err = {0};
    int r = doctor->config ? fv_setup_model_path(doctor->config, path, &err)
                           : fv_setup_bundled_model(!doctor->cpu, path, sizeof(path), &err);
    if (r == 0)
        r = fv_model_load_kind(path, false, &model, &err);
    struct fv_doctor_about about = {
        r < 0 ? FV_DOCTOR_PROBLEM : FV_DOCTOR_OK, "model", "model",
        "Without a model that matches its manifest nothing is detected.",
        "Run scripts/setup for the bundled detector, or set "
        "models.MODEL_PATH (docs/model-manifest.md)."};
    if (r < 0)
        fv_doctor_say(doctor, about, "%s", err.text);
    else
        fv_doctor_say(doctor, about, "%s: %s, %ux%u, %u classes, matches its manifest", path,
                      model->name, model->width, model->height, model->label_count);
    fv_model_free(model);
}

static void check_classifier(struct fv_doctor *doctor)
{
    struct fv_model *model = NULL;
    struct fv_error err = {0};
    const char *path = doctor->config ? doctor->config->classifier.model_path : NULL;
    if (!path)
        return;
    int r = fv_model_load_kind(path, true, &model, &err);
    struct fv_doctor_about about = {
        r < 0 ? FV_DOCTOR_PROBLEM : FV_DOCTOR_OK, "model", "classifier",
        "Without a model that matches its manifest the engine does not start.",
        "Correct classifier.MODEL_PATH (docs/model-manifest.md), or remove it."};
    if (r < 0)
        fv_doctor_say(doctor, about, "%s", err.text);
    else
        fv_doctor_say(doctor, about, "%s: %s, %ux%u, %u labels, matches its manifest", path,
                      model->name, model->width, model->height, model->label_count);
    fv_model_free(model);
}

void fv_doctor_parts(struct fv_doctor *doctor)
{
    check_build(doctor);
    fv_doctor_gpus(doctor);
    check_inference(doctor);
    check_model(doctor);
    check_classifier(doctor);
}

// SPDX-License-Identifier: Apache-2.0
/* The GPU as the engine would find it: driver, device, decoder, TensorRT. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "doctor/doctor.h"
#include "engine/setup.h"
#include "gpu/about.h"
#include "gpu/jpeg.h"
#include "gpu/probe.h"

#define CUDA_WANTED 13000 /* what ONNX Runtime's GPU build is made for */
#define POOL_USUAL_MB 500 /* what a configuration that says nothing asks for */
#define GPU_WHY "Decoding and inference on the GPU go through it."

/* A phrase as a sentence. */
static const char *sentence(const char *phrase, char *buffer, size_t size)
{
    snprintf(buffer, size, "%s.", phrase);
    buffer[0] = (char)toupper((unsigned char)buffer[0]);
    return buffer;
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
        return (struct fv_gpu_params){0, (size_t)POOL_USUAL_MB << 20};
    size_t pool_mb =
        config->processing.memory_pooling ? (size_t)config->processing.gpu_memory_pool_mb : 0;
    return (struct fv_gpu_params){(unsigned)config->models.device_index, pool_mb << 20};
}

static void check_driver(struct fv_doctor *doctor)
{
    char driver[300];
    bool loaded = fv_system_line("/proc/driver/nvidia/version", driver, sizeof(driver));
    struct fv_doctor_about about = {FV_DOCTOR_OK, "gpu_driver", "GPU driver", GPU_WHY,
                                    "Install the NVIDIA driver, or pass the GPU into the container "
                                    "(--gpus all)."};
    if (!loaded && !doctor->cpu)
        about.state = FV_DOCTOR_PROBLEM;
    fv_doctor_say(doctor, about, "%s",
                  loaded        ? driver
                  : doctor->cpu ? "none; not needed by the CPU back end"
                                : "the NVIDIA kernel module is not loaded");
}

static void tell_device(struct fv_doctor *doctor, const struct fv_gpu_about *gpu)
{
    const struct fv_gpu_info *info = &gpu->info;
    fv_doctor_say(doctor, (struct fv_doctor_about){FV_DOCTOR_OK, "gpu_device", "GPU", GPU_WHY, ""},
                  "cuda:%u is a %s, compute capability %d.%d, %zu MiB of memory free of %zu",
                  info->device, info->name, info->major, info->minor, info->memory_free >> 20,
                  info->memory_total >> 20);
    bool old = info->driver < CUDA_WANTED;
    fv_doctor_say(
        doctor,
        (struct fv_doctor_about){old ? FV_DOCTOR_WARNING : FV_DOCTOR_OK, "gpu_cuda", "CUDA",
                                 "ONNX Runtime's GPU build is made for CUDA 13; an older driver "
                                 "refuses it.",
                                 "Update the driver to series 580 or newer."},
        "the driver knows CUDA up to %d.%d", info->driver / 1000, info->driver % 1000 / 10);
    fv_doctor_say(doctor,
                  (struct fv_doctor_about){FV_DOCTOR_OK, "gpu_codecs", "GPU decoder",
                                           "What it does not decode is not decoded: there is no "
                                           "fallback.",
                                           ""},
                  "%s", gpu->codecs);
}

/* Of a runtime that builds engines. */
static void check_engines(struct fv_doctor *doctor, const char *id, const char *name, bool wanted)
{
    struct fv_error why = {0};
    bool found = fv_runtime_find(name)->check(&why) == 0;
    struct fv_doctor_about about = {
        found || !wanted ? FV_DOCTOR_OK : FV_DOCTOR_PROBLEM, id, name,
        "models.INFERENCE_PROVIDER asks for it; \"auto\" starts with a TensorRT-class engine or "
        "not at "
        "all.",
        "Install what is missing (TensorRT 10 for CUDA 13), or set models.INFERENCE_PROVIDER to "
        "\"cuda\", which is slower."};
    if (found)
        fv_doctor_say(doctor, about,
                      "its parts are there; this runtime has not been run on hardware by Fovea's "
                      "makers");
    else
        fv_doctor_say(doctor, about, "%s%s", why.text, wanted ? "" : " (not needed)");
}

static void check_tensorrt(struct fv_doctor *doctor)
{
    const char *provider = doctor->config ? doctor->config->models.inference_provider : "auto";
    struct fv_error why;
    bool none = fv_runtime_find("tensorrt")->check(&why) < 0 &&
                fv_runtime_find("tensorrt-rtx")->check(&why) < 0;
    bool any = none && strcmp(provider, "auto") == 0;
    check_engines(doctor, "tensorrt", "tensorrt", any || strcmp(provider, "tensorrt") == 0);
    check_engines(doctor, "tensorrt_rtx", "tensorrt-rtx",
                  any || strcmp(provider, "tensorrt-rtx") == 0);
}

/* Nothing but a JPEG of a frame needs it. */
static void check_nvjpeg(struct fv_doctor *doctor)
{
    struct fv_error why = {0};
    const bool found = fv_gpu_jpeg_check(&why) == 0;
    fv_doctor_say(doctor,
                  (struct fv_doctor_about){FV_DOCTOR_OK, "nvjpeg", "JPEG on the GPU",
                                           "'fovea snapshot' and fv_reader_frame_jpeg() make "
                                           "pictures by nvJPEG.",
                                           ""},
                  "%s%s", found ? "nvJPEG is there" : why.text, found ? "" : " (nothing else needs it)");
}

void fv_doctor_gpus(struct fv_doctor *doctor)
{
    struct fv_gpu_about gpu;
    check_driver(doctor);
    if (doctor->cpu)
        return;
    const struct fv_gpu_params wanted = fv_doctor_gpu(doctor->config);
    if (fv_gpu_about(wanted.device, &gpu, NULL) == 0)
        tell_device(doctor, &gpu);
    if (fv_gpu_probe(&wanted, on_missing, doctor, NULL) == 0)
        fv_doctor_say(doctor, (struct fv_doctor_about){FV_DOCTOR_OK, "gpu", "GPU", GPU_WHY, ""},
                      "driver, device and decoder are there");
    check_tensorrt(doctor);
    check_nvjpeg(doctor);
}

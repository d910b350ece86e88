// SPDX-License-Identifier: Apache-2.0
#include "gpu/probe.h"

#include <errno.h>
#include <stdio.h>

#include "gpu/driver.h"

#define COMPUTE_MAJOR_MIN 6 /* what the kernels are built for */

struct report {
    fv_problem_fn problem;
    void *data;
    unsigned count;
};

/* `key`: the setting that could change it. */
static void missing_of(struct report *report, const char *key, const char *what, const char *cure)
{
    report->count++;
    struct fv_problem problem = {
        .severity = FV_SEVERITY_ERROR,
        .code = "gpu_missing",
        .file = "",
        .key = key,
        .message = what,
        .fix = cure,
    };
    if (report->problem)
        report->problem(report->data, &problem);
}

static void missing(void *data, const char *what, const char *cure)
{
    missing_of(data, "processing.BACKEND", what, cure);
}

/* err's sentence is "what: cure" or has no cure. */
static void missing_error(struct report *report, const char *what, const struct fv_error *err)
{
    char text[sizeof(err->text) + 64];
    snprintf(text, sizeof(text), "%s: %s", what, err->text);
    missing(report, text, "see 'nvidia-smi', and the kernel's log for lines with NVRM");
}

static void probe_codec(struct report *report, struct fv_gpu *gpu, cudaVideoCodec codec,
                        const char *name)
{
    char text[200];
    struct fv_error err = {0};
    CUVIDDECODECAPS caps = {.eCodecType = codec, .eChromaFormat = cudaVideoChromaFormat_420};
    if (FV_GPU_CALL(gpu, &err, cuvidGetDecoderCaps, &caps) < 0) {
        snprintf(text, sizeof(text), "the hardware decoder does not answer for %s", name);
        missing_error(report, text, &err);
    } else if (!caps.bIsSupported) {
        snprintf(text, sizeof(text), "this GPU has no hardware decoder for %s", name);
        missing(report, text,
                "choose a GPU with NVDEC (models.DEVICE), or decode on the CPU: --backend cpu");
    }
}

static void probe_memory(struct report *report, const struct fv_gpu_info *info, size_t wanted)
{
    char text[200];
    if (info->memory_free >= wanted)
        return;
    snprintf(text, sizeof(text),
             "GPU %u has %zu MiB of memory free of %zu, and the memory pool alone wants %zu",
             info->device, info->memory_free >> 20, info->memory_total >> 20, wanted >> 20);
    missing_of(report, "processing.GPU_MEMORY_POOL_SIZE_MB", text,
               "lower GPU_MEMORY_POOL_SIZE_MB or stop what uses the GPU ('nvidia-smi' lists it)");
}

static void probe_compute(struct report *report, const struct fv_gpu_info *info)
{
    char text[200];
    if (info->major >= COMPUTE_MAJOR_MIN)
        return;
    snprintf(text, sizeof(text), "GPU %u (%s) is too old: compute capability %d.%d, %d.0 is needed",
             info->device, info->name, info->major, info->minor, COMPUTE_MAJOR_MIN);
    missing_of(report, "models.DEVICE", text, "choose another GPU (models.DEVICE)");
}

static void probe_device(struct report *report, const struct fv_gpu_params *params)
{
    struct fv_gpu_params bare = {.device = params->device};
    struct fv_gpu *gpu = NULL;
    struct fv_gpu_info info;
    struct fv_error err = {0};
    int r = fv_gpu_open(&bare, &gpu, &err);
    if (r == -EINVAL) {
        missing_of(report, "models.DEVICE", err.text,
                   "choose one that is there: models.DEVICE \"cuda:N\"");
        return;
    }
    if (r == 0)
        r = fv_gpu_info(gpu, &info, &err);
    if (r < 0) {
        missing_error(report, "the GPU cannot be used", &err);
    } else {
        probe_compute(report, &info);
        probe_codec(report, gpu, cudaVideoCodec_H264, "H.264");
        probe_codec(report, gpu, cudaVideoCodec_HEVC, "H.265");
        probe_memory(report, &info, params->pool_bytes);
    }
    fv_gpu_close(gpu);
}

int fv_gpu_probe(const struct fv_gpu_params *params, fv_problem_fn problem, void *data,
                 struct fv_error *err)
{
    struct report report = {problem, data, 0};
    struct fv_driver driver;
    unsigned absent = fv_driver_survey(&driver, missing, &report);
    fv_driver_close(&driver);
    if (absent == 0)
        probe_device(&report, params);
    return report.count ? fv_gpu_missing(report.count, err) : 0;
}

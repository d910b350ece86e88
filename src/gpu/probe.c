// SPDX-License-Identifier: Apache-2.0
#include "gpu/probe.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>

/* The few entry points of the driver that the probe calls; CUresult is an int, 0 is success. */
typedef int (*cu_init_fn)(unsigned flags);
typedef int (*cu_count_fn)(int *count);
typedef int (*cu_error_fn)(int result, const char **text);

struct report {
    fv_problem_fn problem;
    void *data;
    unsigned count;
};

static void missing(struct report *report, const char *message, const char *fix)
{
    report->count++;
    struct fv_problem problem = {
        .severity = FV_SEVERITY_ERROR,
        .code = "gpu_missing",
        .file = "",
        .key = "processing.BACKEND",
        .message = message,
        .fix = fix,
    };
    if (report->problem)
        report->problem(report->data, &problem);
}

static void probe_device(struct report *report, void *library)
{
    cu_init_fn init = (cu_init_fn)dlsym(library, "cuInit");
    cu_count_fn count = (cu_count_fn)dlsym(library, "cuDeviceGetCount");
    cu_error_fn error = (cu_error_fn)dlsym(library, "cuGetErrorString");
    char message[300];
    if (!init || !count || !error) {
        missing(report, "libcuda.so.1 is not a usable NVIDIA driver library",
                "install the NVIDIA driver again");
        return;
    }
    int devices = 0, result = init(0);
    if (result == 0)
        result = count(&devices);
    if (result == 0 && devices > 0)
        return;
    const char *text = "no NVIDIA GPU was found";
    if (result != 0)
        error(result, &text);
    snprintf(message, sizeof(message), "the NVIDIA driver gives no GPU: %s", text);
    missing(report, message,
            "check that 'nvidia-smi' lists a GPU, and in a container that it was passed in (--gpus "
            "all)");
}

static void probe_driver(struct report *report)
{
    void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        missing(report, "the NVIDIA driver is missing: libcuda.so.1 cannot be opened",
                "install the NVIDIA driver, or in a container pass the GPU in (--gpus all)");
        return;
    }
    probe_device(report, library);
    dlclose(library);
}

static void probe_decoder(struct report *report)
{
    void *library = dlopen("libnvcuvid.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library)
        dlclose(library);
    else
        missing(report,
                "the hardware decoder's library is missing: libnvcuvid.so.1 cannot be opened",
                "install the driver's decode part (Debian: libnvcuvid1; containers: "
                "NVIDIA_DRIVER_CAPABILITIES=video,compute)");
}

int fv_gpu_probe(fv_problem_fn problem, void *data, struct fv_error *err)
{
    struct report report = {problem, data, 0};
    probe_driver(&report);
    probe_decoder(&report);
    missing(
        &report, "this version of Fovea has no GPU pipeline yet",
        "run on the CPU for a trial: --backend cpu, or \"BACKEND\": \"cpu\" in section processing");
    return fv_error_set(err, -ENODEV,
                        "GPU-only mode (the default) cannot start: %u thing%s missing. There is no "
                        "silent fallback to the CPU: "
                        "ask for it with --backend cpu",
                        report.count, report.count == 1 ? " is" : "s are");
}

// SPDX-License-Identifier: Apache-2.0
#include "infer/ort_needs.h"

#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define PATH_SIZE 1024

bool fv_ort_packages(unsigned index, const char *below, char *out, size_t capacity)
{
    static const struct {
        const char *variable, *middle;
    } places[] = {
        {"VIRTUAL_ENV", "/lib/python3*/site-packages/"},
        {"HOME", "/.local/lib/python3*/site-packages/"},
        {NULL, "/usr/local/lib/python3*/*-packages/"},
        {NULL, "/usr/lib/python3*/*-packages/"},
    };
    if (index >= sizeof(places) / sizeof(places[0]))
        return false;
    const char *root = places[index].variable ? secure_getenv(places[index].variable) : "";
    if (!root || (places[index].variable && !*root))
        root = "/nonexistent";
    snprintf(out, capacity, "%s%s%s", root, places[index].middle, below);
    return true;
}

static int load(const char *path, struct fv_error *err)
{
    if (!dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE))
        return fv_error_set(err, -ENOTSUP, "%s", dlerror());
    fv_debug("infer", "loaded %s", path);
    return 0;
}

/* The first match that loads; when none does, the last one's words stay. */
static int load_matching(const char *pattern, struct fv_error *err)
{
    glob_t files;
    int result = -ENOENT;
    if (glob(pattern, 0, NULL, &files) != 0)
        return result;
    for (size_t i = 0; result != 0 && i < files.gl_pathc; i++)
        result = load(files.gl_pathv[i], err);
    globfree(&files);
    return result;
}

/* As load_matching(); a find that could not be loaded does not end the search. */
static void try_matching(const char *pattern, int *result, struct fv_error *err)
{
    int one = *result == 0 ? -ENOENT : load_matching(pattern, err);
    if (one != -ENOENT)
        *result = one;
}

/* In a folder of pip's packages, beside ONNX Runtime and in the usual places. */
static void try_packages(const char *folder, const char *name, const char *ort_folder, int *result,
                         struct fv_error *err)
{
    char pattern[PATH_SIZE], below[128];
    if (*ort_folder) {
        snprintf(pattern, sizeof(pattern), "%s/../../%s/%s", ort_folder, folder, name);
        try_matching(pattern, result, err);
    }
    snprintf(below, sizeof(below), "%s/%s", folder, name);
    for (unsigned i = 0; fv_ort_packages(i, below, pattern, sizeof(pattern)); i++)
        try_matching(pattern, result, err);
}

int fv_ort_need(const char *name, const char *ort_folder, struct fv_error *err)
{
    static const char *const toolkit[] = {"/usr/local/cuda/lib64", "/usr/local/cuda-*/lib64",
                                          "/usr/local/cuda*/lib", "/usr/local/cuda*/targets/*/lib"};
    static const char *const packages[] = {"nvidia/*/lib", "tensorrt_libs"};
    char pattern[PATH_SIZE];
    struct fv_error why = {0};
    int result = load(name, NULL);
    if (result == 0)
        return 0;
    result = -ENOENT;
    if (*ort_folder) {
        snprintf(pattern, sizeof(pattern), "%s/%s", ort_folder, name);
        try_matching(pattern, &result, &why);
    }
    for (size_t i = 0; i < sizeof(packages) / sizeof(packages[0]); i++)
        try_packages(packages[i], name, ort_folder, &result, &why);
    for (size_t i = 0; i < sizeof(toolkit) / sizeof(toolkit[0]); i++) {
        snprintf(pattern, sizeof(pattern), "%s/%s", toolkit[i], name);
        try_matching(pattern, &result, &why);
    }
    return result < 0 ? fv_error_set(err, result, "%s",
                                     result == -ENOENT ? "it was found nowhere" : why.text)
                      : 0;
}

bool fv_ort_missing(const char *message, char *out, size_t capacity)
{
    const char *end = strstr(message, ": cannot open shared object file");
    const char *start = end;
    while (start && start > message &&
           (isalnum((unsigned char)start[-1]) || strchr("._+-", start[-1])))
        start--;
    if (!end || start == end || strncmp(start, "lib", 3) != 0 || (size_t)(end - start) >= capacity)
        return false;
    memcpy(out, start, (size_t)(end - start));
    out[end - start] = 0;
    return true;
}

const char *fv_ort_cure(const char *name)
{
    static const struct {
        const char *start, *cure;
    } cures[] = {
        {"libcuda.so", "install the NVIDIA driver (in a container: start it with the GPU)"},
        {"libcublas", "pip install nvidia-cublas"},
        {"libcudart", "pip install nvidia-cuda-runtime"},
        {"libcurand", "pip install nvidia-curand"},
        {"libcufft", "pip install nvidia-cufft"},
        {"libnvrtc", "pip install nvidia-cuda-nvrtc"},
        {"libcudnn", "pip install nvidia-cudnn-cu13"},
        {"libnvinfer", "install TensorRT 10 for CUDA 13"},
        {"libnvonnxparser", "install TensorRT 10 for CUDA 13"},
    };
    for (size_t i = 0; i < sizeof(cures) / sizeof(cures[0]); i++)
        if (strncmp(name, cures[i].start, strlen(cures[i].start)) == 0)
            return cures[i].cure;
    return "install the package that holds it";
}

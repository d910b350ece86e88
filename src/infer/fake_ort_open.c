// SPDX-License-Identifier: Apache-2.0
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "infer/fake_ort.h"

struct fake_ort *fake_ort_open(char *ret_path, size_t capacity)
{
    static const struct fake_ort scene = {.version = "1.31.1"};
    struct fake_ort *(*get)(void) = NULL;
    char folder[512];
    ssize_t size = readlink("/proc/self/exe", folder, sizeof(folder) - 1);
    if (size < 0)
        return NULL;
    folder[size] = 0;
    *strrchr(folder, '/') = 0;
    /* Beside the programs of src/; those of tests/fakegpu reach over. */
    snprintf(ret_path, capacity, "%s/infer/libfake_ort.so", folder);
    if (access(ret_path, R_OK) < 0)
        snprintf(ret_path, capacity, "%s/../../src/infer/libfake_ort.so", folder);
    void *handle = dlopen(ret_path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (handle)
        *(void **)&get = dlsym(handle, "fake_ort");
    if (!get)
        return NULL;
    *get() = scene;
    return get();
}

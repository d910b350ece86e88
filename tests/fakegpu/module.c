// SPDX-License-Identifier: Apache-2.0
/* Modules from PTX, and launches of the kernels' twins. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "impl.h"

#define FUNCTIONS 32

struct module {
    struct module *next;
    char *text;
    struct function {
        struct module *module;
        const struct fakegpu_kernel *kernel;
    } functions[FUNCTIONS];
    unsigned count;
};

static struct module *modules;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the list */

/* Text of the assembler: comments and blank lines, then ".version". */
static bool is_ptx(const char *text)
{
    const char *version = strstr(text, ".version");
    return version && strstr(version, ".target") && strstr(version, ".address_size");
}

static void tell_log(unsigned count, const CUjit_option *names, void **values, const char *text)
{
    char *buffer = NULL;
    size_t size = 0;
    for (unsigned i = 0; i < count; i++) {
        if (names[i] == CU_JIT_ERROR_LOG_BUFFER)
            buffer = values[i];
        else if (names[i] == CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES)
            size = (size_t)(uintptr_t)values[i];
    }
    if (buffer && size > 0)
        snprintf(buffer, size, "%s", text);
}

CUresult cuModuleLoadDataEx(CUmodule *handle, const void *image, unsigned options,
                            CUjit_option *names, void **values)
{
    ENTER();
    if (!is_ptx(image)) {
        tell_log(options, names, values,
                 "fakegpu: the image has no .version, .target and .address_size");
        return (CUresult)FV_CUDA_INVALID_PTX;
    }
    struct module *module = calloc(1, sizeof(*module));
    if (!module || !(module->text = strdup(image)))
        fakegpu_abort(__func__, "out of memory");
    pthread_mutex_lock(&lock);
    module->next = modules;
    modules = module;
    pthread_mutex_unlock(&lock);
    *handle = (CUmodule)module;
    return CUDA_SUCCESS;
}

/* Takes the module out of the list; aborts when it is not there. */
static struct module *take(const char *call, struct module *module)
{
    pthread_mutex_lock(&lock);
    struct module **at = &modules;
    while (*at && *at != module)
        at = &(*at)->next;
    if (!*at)
        fakegpu_abort(call, "%p is not a module, or was unloaded", (void *)module);
    *at = module->next;
    pthread_mutex_unlock(&lock);
    return module;
}

static void end_module(struct module *module)
{
    free(module->text);
    free(module);
}

CUresult cuModuleUnload(CUmodule handle)
{
    CUresult result = fakegpu_enter(__func__);
    end_module(take(__func__, (struct module *)handle));
    return result;
}

static bool has_entry(const char *text, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = text; (at = strstr(at, ".entry")); at++) {
        const char *word = at + strlen(".entry");
        word += strspn(word, " \t\n");
        if (!strncmp(word, name, length) && strchr(" \t\n(", word[length]))
            return true;
    }
    return false;
}

static const struct fakegpu_kernel *twin(const char *name)
{
    for (const struct fakegpu_kernel *kernel = fakegpu_kernels; kernel->name; kernel++)
        if (!strcmp(kernel->name, name))
            return kernel;
    fakegpu_abort("cuModuleGetFunction", "the kernel %s has no twin in tests/fakegpu/kernels.c",
                  name);
}

CUresult cuModuleGetFunction(CUfunction *handle, CUmodule module_handle, const char *name)
{
    ENTER();
    struct module *module = (struct module *)module_handle;
    if (!has_entry(module->text, name))
        return (CUresult)FV_CUDA_NOT_FOUND;
    if (module->count == FUNCTIONS)
        fakegpu_abort(__func__, "more than %d functions", FUNCTIONS);
    struct function *function = &module->functions[module->count++];
    *function = (struct function){module, twin(name)};
    *handle = (CUfunction)function;
    return CUDA_SUCCESS;
}

/* A launch with copies of its parameters, which belong to the caller again once cuLaunchKernel returns. */
struct launch {
    const struct fakegpu_kernel *kernel;
    struct fakegpu_launch shape;
    void *parameters[16];
    max_align_t copies[];
};

static void run(void *data, bool lost)
{
    struct launch *launch = data;
    if (!lost)
        launch->kernel->run(&launch->shape, launch->parameters);
    free(launch);
}

static size_t padded(size_t bytes)
{
    return (bytes + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);
}

static struct launch *new_launch(const struct fakegpu_kernel *kernel, void **parameters)
{
    size_t bytes = 0;
    for (unsigned i = 0; i < kernel->parameters; i++)
        bytes += padded(kernel->sizes[i]);
    struct launch *launch = calloc(1, sizeof(*launch) + bytes);
    if (!launch)
        fakegpu_abort("cuLaunchKernel", "out of memory");
    char *at = (char *)launch->copies;
    for (unsigned i = 0; i < kernel->parameters; i++) {
        memcpy(at, parameters[i], kernel->sizes[i]);
        launch->parameters[i] = at;
        at += padded(kernel->sizes[i]);
    }
    launch->kernel = kernel;
    return launch;
}

/* The limits of every GPU since compute capability 3.0. */
static bool is_shape(const struct fakegpu_launch *shape)
{
    const unsigned *g = shape->grid, *b = shape->block;
    return g[0] && g[1] && g[2] && b[0] && b[1] && b[2] && g[0] <= 0x7fffffff && g[1] <= 65535 &&
           g[2] <= 65535 && b[2] <= 64 && (uint64_t)b[0] * b[1] * b[2] <= 1024 &&
           shape->shared_bytes <= 49152;
}

CUresult cuLaunchKernel(CUfunction handle, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                        unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared_bytes,
                        CUstream stream, void **parameters, void **extra)
{
    ENTER();
    struct function *function = (struct function *)handle;
    struct fakegpu_launch shape = {
        {grid_x, grid_y, grid_z}, {block_x, block_y, block_z}, shared_bytes};
    if (!is_shape(&shape) || extra)
        return (CUresult)FV_CUDA_INVALID_VALUE;
    struct launch *launch = new_launch(function->kernel, parameters);
    launch->shape = shape;
    return fakegpu_enqueue(stream, run, launch);
}

unsigned fakegpu_modules(void)
{
    unsigned n = 0;
    pthread_mutex_lock(&lock);
    for (struct module *module = modules; module; module = module->next)
        n++;
    pthread_mutex_unlock(&lock);
    return n;
}

void fakegpu_modules_reset(void)
{
    while (modules)
        end_module(take("cuDevicePrimaryCtxReset", modules));
}

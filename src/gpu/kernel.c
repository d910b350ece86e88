// SPDX-License-Identifier: Apache-2.0
#include "gpu/kernel.h"

#include <stdio.h>

#include "gpu/impl.h"

static int load_module(struct fv_gpu *gpu, const char *ptx, CUmodule *ret_module,
                       struct fv_error *err)
{
    char log[512] = "";
    CUjit_option names[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
    void *values[] = {log, (void *)(uintptr_t)(sizeof(log) - 1)};
    int code = FV_GPU_CALL(gpu, err, cuModuleLoadDataEx, ret_module, ptx, 2, names, values);
    if (code < 0 && log[0] && err) {
        char text[sizeof(err->text)];
        snprintf(text, sizeof(text), "%s", err->text);
        fv_error_set(err, code, "%s: %s", text, log);
    }
    return code;
}

int fv_gpu_kernel_load(struct fv_gpu *gpu, const char *ptx, const char *name,
                       struct fv_gpu_kernel *kernel, struct fv_error *err)
{
    int code = load_module(gpu, ptx, &kernel->module, err);
    if (code == 0)
        code = FV_GPU_CALL(gpu, err, cuModuleGetFunction, &kernel->function, kernel->module, name);
    return code < 0 ? fv_error_prefix(err, code, "kernel %s", name) : 0;
}

void fv_gpu_kernel_unload(struct fv_gpu *gpu, struct fv_gpu_kernel *kernel)
{
    if (kernel->module)
        FV_GPU_CALL(gpu, NULL, cuModuleUnload, kernel->module);
    kernel->module = NULL;
}

int fv_gpu_kernel_launch(const struct fv_gpu_kernel *kernel, const struct fv_launch_shape *shape,
                         struct fv_gpu_stream *stream, void *parameter, struct fv_error *err)
{
    void *parameters[] = {parameter};
    const unsigned *grid = shape->grid, *block = shape->block;
    return FV_GPU_CALL(stream->gpu, err, cuLaunchKernel, kernel->function, grid[0], grid[1],
                       grid[2], block[0], block[1], block[2], 0, stream->handle, parameters, NULL);
}

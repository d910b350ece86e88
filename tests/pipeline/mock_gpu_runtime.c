// SPDX-License-Identifier: Apache-2.0
/*
 * The mock for device memory: a run enqueues the copy of a finished output. It works on a real GPU as on the look-alike.
 */
#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"
#include "gpu/gpu.h"
#include "infer/runtime.h"
#include "mock_runtime.h"

#define LANES_MAX 4

struct fv_runtime {
    struct fv_runtime_params params;
    size_t output_bytes; /* of one image */
    float *output;       /* [max_batch] images, all the same */
    fv_gpu_address inputs[LANES_MAX], outputs[LANES_MAX];
};

static void mock_close(struct fv_runtime *runtime)
{
    if (!runtime)
        return;
    for (unsigned i = 0; i < LANES_MAX; i++) {
        fv_gpu_free(runtime->params.gpu, runtime->inputs[i]);
        fv_gpu_free(runtime->params.gpu, runtime->outputs[i]);
    }
    fv_free(runtime->output);
    fv_free(runtime);
}

static int allocate(struct fv_runtime *runtime, struct fv_error *err)
{
    const struct fv_runtime_params *params = &runtime->params;
    const struct fv_model *model = params->model;
    size_t rows = mock_output_count(model);
    size_t input = (size_t)params->max_batch * 3 * model->width * model->height * sizeof(float);
    runtime->output_bytes = rows * sizeof(float);
    runtime->output = fv_calloc(params->max_batch, runtime->output_bytes);
    if (!runtime->output)
        return fv_error_set(err, -ENOMEM, "out of memory");
    for (unsigned i = 0; i < params->max_batch; i++)
        mock_write_answer(model, runtime->output + i * rows);
    int r = 0;
    for (unsigned i = 0; r == 0 && i < params->lanes && i < LANES_MAX; i++) {
        r = fv_gpu_alloc(params->gpu, input, "the mock's input", &runtime->inputs[i], err);
        if (r == 0)
            r = fv_gpu_alloc(params->gpu, params->max_batch * runtime->output_bytes,
                             "the mock's output", &runtime->outputs[i], err);
    }
    return r;
}

static int mock_open(const struct fv_runtime_params *params, struct fv_runtime **ret_runtime,
                     struct fv_error *err)
{
    struct fv_runtime *runtime = FV_NEW(struct fv_runtime);
    if (!runtime)
        return fv_error_set(err, -ENOMEM, "out of memory");
    runtime->params = *params;
    int r = allocate(runtime, err);
    if (r < 0)
        mock_close(runtime);
    else
        *ret_runtime = runtime;
    return r;
}

static enum fv_element mock_element(const struct fv_runtime *runtime)
{
    return FV_ELEMENT_F32;
}

static void *mock_input(struct fv_runtime *runtime, unsigned lane)
{
    return (void *)(uintptr_t)runtime->inputs[lane];
}

static atomic_bool leak;

void mock_gpu_runtime_leak(void)
{
    leak = true;
}

static int mock_run(struct fv_runtime *runtime, unsigned lane, unsigned batch,
                    const void **ret_output, struct fv_error *err)
{
    if (batch == 0 || batch > runtime->params.max_batch)
        return fv_error_set(err, -EINVAL, "batch of %u", batch);
    if (atomic_exchange(&leak, false))
        fv_gpu_account(runtime->params.gpu, FV_GPU_CONTROL, false, 1920 * 1080);
    *ret_output = (const void *)(uintptr_t)runtime->outputs[lane];
    return fv_gpu_upload(runtime->params.stream, runtime->outputs[lane], runtime->output,
                         batch * runtime->output_bytes, FV_GPU_WEIGHTS, err);
}

static const char *mock_describe(struct fv_runtime *runtime)
{
    return "mock on the GPU";
}

static const struct fv_runtime_ops mock_ops = {
    .name = "cuda",
    .memory = FV_MEMORY_DEVICE,
    .open = mock_open,
    .close = mock_close,
    .element = mock_element,
    .input = mock_input,
    .run = mock_run,
    .describe = mock_describe,
};

void mock_gpu_runtime_install(void)
{
    fv_runtime_register(&mock_ops);
}

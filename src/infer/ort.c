// SPDX-License-Identifier: Apache-2.0
/*
 * ONNX Runtime's CPU provider behind runtime.h. Both tensors live in buffers of ours for the runtime's whole life; the values that tell ONNX
 * Runtime about them are made once, at open:
 *
 *   free batch:  values[n - 1] spans the first n images      one run for n images
 *   batch of 1:  values[i]     spans image i alone           n runs
 */
#include "infer/ort.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>

#include "base/mem.h"
#include "infer/runtime.h"

#define THREADS_MAX 256u
#define ALIGNMENT 64 /* bytes; widest vector registers */

struct fv_runtime {
    const struct fv_model *model;
    unsigned max_batch;
    struct fv_ort_session ort;
    float *input, *output; /* [max_batch] images; a second output lies behind the first */
    size_t input_count;    /* floats of one image */
    struct fv_model_output outputs[FV_MODEL_OUTPUTS_MAX];
    unsigned output_count;
    size_t scores_offset;                     /* bytes from the first output to the second */
    OrtValue **input_values, **output_values; /* [max_batch], [max_batch][output_count] */
    char description[128];
};

static unsigned usable_cores(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) < 0)
        return 1;
    return (unsigned)CPU_COUNT(&set);
}

static int alloc_buffers(struct fv_runtime *runtime, struct fv_error *err)
{
    const struct fv_model *model = runtime->model;
    size_t batch = runtime->max_batch;
    runtime->input_count = (size_t)3 * model->width * model->height;
    runtime->output_count = fv_model_outputs(model, runtime->outputs);
    runtime->input = fv_alloc_aligned(ALIGNMENT, batch * runtime->input_count * sizeof(float));
    runtime->output = fv_alloc_aligned(
        ALIGNMENT, fv_model_output_bytes(model, runtime->max_batch, &runtime->scores_offset));
    runtime->input_values = fv_calloc(batch, sizeof(OrtValue *));
    runtime->output_values = fv_calloc(batch * runtime->output_count, sizeof(OrtValue *));
    if (!runtime->input || !runtime->output || !runtime->input_values || !runtime->output_values)
        return fv_error_set(err, -ENOMEM, "no memory for the tensors of a batch of %u",
                            runtime->max_batch);
    for (size_t i = 0; i < batch * runtime->input_count; i++)
        runtime->input[i] = 0;
    return 0;
}

/* Output number `which` of `images` images, the first of which is number `first`. */
static OrtStatus *make_output(struct fv_runtime *runtime, const OrtMemoryInfo *memory,
                              unsigned which, size_t first, size_t images, OrtValue **ret_value)
{
    const struct fv_model_output *output = &runtime->outputs[which];
    const int64_t shape[] = {(int64_t)images, output->dims[0], output->dims[1]};
    float *base = runtime->output + (which ? runtime->scores_offset / sizeof(float) : 0);
    return runtime->ort.library.api->CreateTensorWithDataAsOrtValue(
        memory, base + first * output->count, images * output->count * sizeof(float), shape,
        1 + output->rank, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, ret_value);
}

/* The values number `index`: see the top of the file. */
static OrtStatus *make_values(struct fv_runtime *runtime, const OrtMemoryInfo *memory,
                              unsigned index)
{
    const OrtApi *api = runtime->ort.library.api;
    const struct fv_model *model = runtime->model;
    size_t images = model->dynamic_batch ? index + 1 : 1;
    size_t first = model->dynamic_batch ? 0 : index;
    const int64_t in[] = {(int64_t)images, 3, model->height, model->width};
    OrtStatus *status = api->CreateTensorWithDataAsOrtValue(
        memory, runtime->input + first * runtime->input_count,
        images * runtime->input_count * sizeof(float), in, 4, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT,
        &runtime->input_values[index]);
    for (unsigned i = 0; !status && i < runtime->output_count; i++)
        status = make_output(runtime, memory, i, first, images,
                             &runtime->output_values[index * runtime->output_count + i]);
    return status;
}

static int bind(struct fv_runtime *runtime, struct fv_error *err)
{
    const OrtApi *api = runtime->ort.library.api;
    OrtMemoryInfo *memory = NULL;
    OrtStatus *status = api->CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &memory);
    for (unsigned i = 0; !status && i < runtime->max_batch; i++)
        status = make_values(runtime, memory, i);
    if (memory)
        api->ReleaseMemoryInfo(memory);
    return fv_ort_status(api, status, "binding the tensors", err);
}

static int run_values(struct fv_runtime *runtime, unsigned index, struct fv_error *err)
{
    const OrtApi *api = runtime->ort.library.api;
    const char *input_name = runtime->model->input_name, *names[FV_MODEL_OUTPUTS_MAX];
    const OrtValue *input = runtime->input_values[index];
    for (unsigned i = 0; i < runtime->output_count; i++)
        names[i] = runtime->outputs[i].name;
    OrtStatus *status =
        api->Run(runtime->ort.session, NULL, &input_name, &input, 1, names, runtime->output_count,
                 &runtime->output_values[index * runtime->output_count]);
    return fv_ort_status(api, status, runtime->model->path, err) < 0 ? -EIO : 0;
}

static int ort_run(struct fv_runtime *runtime, unsigned lane, unsigned batch,
                   const void **ret_output, struct fv_error *err)
{
    if (batch < 1 || batch > runtime->max_batch)
        return fv_error_set(err, -EINVAL, "a batch of %u in a runtime made for 1 to %u", batch,
                            runtime->max_batch);
    unsigned last = batch - 1;
    int result = 0;
    for (unsigned i = runtime->model->dynamic_batch ? last : 0; result == 0 && i <= last; i++)
        result = run_values(runtime, i, err);
    if (result == 0)
        *ret_output = runtime->output;
    return result;
}

/* Runs once on zeros: shapes that only show at run time (a batch frozen inside the graph) are found now, not in the first picture. */
static int try_run(struct fv_runtime *runtime, struct fv_error *err)
{
    const void *output;
    int result = ort_run(runtime, 0, runtime->max_batch < 2 ? 1 : 2, &output, err);
    if (result < 0)
        fv_error_prefix(err, result, "a first run of the model failed");
    return result < 0 ? -EINVAL : 0;
}

static void ort_close(struct fv_runtime *runtime)
{
    if (!runtime)
        return;
    const OrtApi *api = runtime->ort.library.api;
    const unsigned batch = runtime->max_batch;
    for (unsigned i = 0; runtime->input_values && i < batch; i++)
        if (runtime->input_values[i])
            api->ReleaseValue(runtime->input_values[i]);
    for (unsigned i = 0; runtime->output_values && i < batch * runtime->output_count; i++)
        if (runtime->output_values[i])
            api->ReleaseValue(runtime->output_values[i]);
    fv_ort_session_close(&runtime->ort);
    fv_free(runtime->input_values);
    fv_free(runtime->output_values);
    fv_free(runtime->input);
    fv_free(runtime->output);
    fv_free(runtime);
}

static int prepare(struct fv_runtime *runtime, const struct fv_runtime_params *params,
                   struct fv_error *err)
{
    unsigned threads = params->threads ? params->threads : usable_cores();
    const struct fv_ort_session_params session = {.model = params->model,
                                                  .library = params->library,
                                                  .threads = threads,
                                                  .plain_graph = params->plain_graph};
    int result = fv_ort_session_open(&session, &runtime->ort, err);
    if (result == 0)
        result = alloc_buffers(runtime, err);
    if (result == 0)
        result = bind(runtime, err);
    if (result == 0)
        result = try_run(runtime, err);
    snprintf(runtime->description, sizeof(runtime->description),
             "ONNX Runtime %s, CPUExecutionProvider, %u thread%s", runtime->ort.library.version,
             threads, threads == 1 ? "" : "s");
    return result;
}

static int ort_open(const struct fv_runtime_params *params, struct fv_runtime **ret_runtime,
                    struct fv_error *err)
{
    if (params->max_batch < 1 || params->max_batch > FV_RUNTIME_BATCH_MAX ||
        params->threads > THREADS_MAX)
        return fv_error_set(err, -EINVAL, "batch must be 1 to %u, threads at most %u",
                            FV_RUNTIME_BATCH_MAX, THREADS_MAX);
    if (params->model->element != FV_ELEMENT_F32)
        return fv_error_set(err, -ENOTSUP,
                            "%s works on float16, which the CPU provider has no fast way for: use "
                            "the float32 model",
                            params->model->path);
    struct fv_runtime *runtime = FV_NEW(struct fv_runtime);
    if (!runtime)
        return fv_error_set(err, -ENOMEM, "out of memory");
    runtime->model = params->model;
    runtime->max_batch = params->max_batch;
    int result = prepare(runtime, params, err);
    if (result < 0)
        ort_close(runtime);
    else
        *ret_runtime = runtime;
    return result;
}

static void *ort_input(struct fv_runtime *runtime, unsigned lane)
{
    return runtime->input;
}

static const char *ort_describe(struct fv_runtime *runtime)
{
    return runtime->description;
}

const struct fv_runtime_ops fv_runtime_ort_cpu = {
    .name = "cpu",
    .memory = FV_MEMORY_HOST,
    .open = ort_open,
    .close = ort_close,
    .input = ort_input,
    .run = ort_run,
    .describe = ort_describe,
};

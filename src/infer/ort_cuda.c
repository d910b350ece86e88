// SPDX-License-Identifier: Apache-2.0
/*
 * ONNX Runtime's providers for the GPU (ort_provider.h) behind runtime.h. Both tensors of a lane lie in device memory of ours for the runtime's whole life. A
 * *slot* is what one call of ONNX Runtime computes, with fixed addresses and a fixed shape. Each is run at open, once for the choice of
 * convolutions and once more while our stream records: from then on a run replays that graph, and ONNX Runtime is not called at all.
 *
 *   free batch:  slot i spans the first 1, ... max_batch / 4, max_batch images   one run, of the next size up
 *   batch of 1:  slot i spans image i alone                              n runs
 *
 * Each size has a session of its own: a session drops the convolutions' compiled plans when the shape changes, and a graph that
 * was recorded with them would then launch kernels that are no longer there. Compiling takes seconds for a size (cuDNN builds fused
 * kernels at run time), so all sizes are compiled side by side, each in a thread.
 *
 * ONNX Runtime can record graphs by itself, but it keeps them for the thread that made them, forbids other threads to allocate
 * meanwhile (decoders do), and waits for the end of each replay.
 */
#include "infer/ort_provider.h"
#include "infer/tell.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/thread.h"
#include "gpu/gpu.h"

#define SIZES_MAX 8 /* with FV_RUNTIME_BATCH_MAX */

struct slot {
    unsigned first, images;
    struct fv_ort_session *ort; /* borrowed */
    bool compiled;
    OrtValue *input, *outputs[FV_MODEL_OUTPUTS_MAX];
    OrtIoBinding *binding;
    struct fv_gpu_graph *graph; /* NULL when it could not be recorded */
};

struct fv_runtime {
    const struct fv_ort_provider *provider;
    const struct fv_model *model;
    struct fv_gpu *gpu;
    struct fv_gpu_stream *stream;
    unsigned max_batch, lanes;
    unsigned per_lane;               /* slots of a lane */
    struct fv_ort_session *sessions; /* one for each size */
    unsigned session_count;
    size_t input_size; /* bytes of one image */
    struct fv_model_output outputs[FV_MODEL_OUTPUTS_MAX];
    unsigned output_count;
    size_t scores_offset; /* bytes from the first output to the second */
    fv_gpu_address input[FV_RUNTIME_LANES_MAX], output[FV_RUNTIME_LANES_MAX]; /* [max_batch] */
    struct slot *slots; /* [lanes][per_lane] */
    OrtRunOptions *options;
    bool plain; /* without graphs: each run goes through ONNX Runtime */
    char description[128];
};

/* ---- tensors ---- */

/* Of the sizes `max_batch`, a quarter of it, a quarter of that, and so on as long as it is 4 or more, then 1, the one behind
 * `size`; 0 behind 1. */
static unsigned next_size(unsigned size)
{
    if (size == 1)
        return 0;
    return size / 4 >= 4 ? size / 4 : 1;
}

static unsigned count_sizes(unsigned max_batch)
{
    unsigned count = 0;
    for (unsigned size = max_batch; size; size = next_size(size))
        count++;
    return count;
}

/* Of the sizes in rising order. */
static unsigned size_of(unsigned max_batch, unsigned index)
{
    unsigned size = max_batch;
    for (unsigned left = count_sizes(max_batch) - 1; left > index; left--)
        size = next_size(size);
    return size;
}

static void place_slot(const struct fv_runtime *runtime, unsigned index, struct slot *slot)
{
    bool free_batch = runtime->model->dynamic_batch;
    slot->first = free_batch ? 0 : index;
    slot->images = free_batch ? size_of(runtime->max_batch, index) : 1;
    slot->ort = &runtime->sessions[runtime->session_count > 1 ? index : 0];
}

static int alloc_tensors(struct fv_runtime *runtime, struct fv_error *err)
{
    const struct fv_model *model = runtime->model;
    size_t element = fv_element_size(model->element);
    int result = 0;
    runtime->input_size = (size_t)3 * model->width * model->height * element;
    runtime->output_count = fv_model_outputs(model, runtime->outputs);
    size_t output_size = fv_model_output_bytes(model, runtime->max_batch, &runtime->scores_offset);
    for (unsigned i = 0; result == 0 && i < runtime->lanes; i++) {
        result = fv_gpu_alloc(runtime->gpu, runtime->max_batch * runtime->input_size,
                              "the network's input", &runtime->input[i], err);
        if (result == 0)
            result = fv_gpu_alloc(runtime->gpu, output_size, "the network's output",
                                  &runtime->output[i], err);
    }
    return result;
}

/* ---- slots ---- */

static void *device_pointer(fv_gpu_address address)
{
    return (void *)(uintptr_t)address;
}

static OrtStatus *make_output(struct fv_runtime *runtime, const OrtMemoryInfo *memory,
                              unsigned lane, struct slot *slot, unsigned which)
{
    const OrtApi *api = runtime->sessions[0].library.api;
    const struct fv_model_output *output = &runtime->outputs[which];
    const size_t bytes = output->count * fv_element_size(runtime->model->element);
    const int64_t shape[] = {slot->images, output->dims[0], output->dims[1]};
    return api->CreateTensorWithDataAsOrtValue(
        memory,
        device_pointer(runtime->output[lane] + (which ? runtime->scores_offset : 0) +
                       slot->first * bytes),
        slot->images * bytes, shape, 1 + output->rank, fv_ort_element(runtime->model),
        &slot->outputs[which]);
}

static OrtStatus *make_values(struct fv_runtime *runtime, const OrtMemoryInfo *memory,
                              unsigned lane, struct slot *slot)
{
    const OrtApi *api = runtime->sessions[0].library.api;
    const struct fv_model *model = runtime->model;
    const int64_t in[] = {slot->images, 3, model->height, model->width};
    OrtStatus *status = api->CreateTensorWithDataAsOrtValue(
        memory, device_pointer(runtime->input[lane] + slot->first * runtime->input_size),
        slot->images * runtime->input_size, in, 4, fv_ort_element(model), &slot->input);
    for (unsigned i = 0; !status && i < runtime->output_count; i++)
        status = make_output(runtime, memory, lane, slot, i);
    return status;
}

/* No graph of ONNX Runtime's own (-1), and no wait at the end of a run: it only enqueues. */
static OrtStatus *make_options(struct fv_runtime *runtime)
{
    const OrtApi *api = runtime->sessions[0].library.api;
    OrtStatus *status = api->CreateRunOptions(&runtime->options);
    if (!status)
        status = api->AddRunConfigEntry(runtime->options, "gpu_graph_id", "-1");
    if (!status)
        status = api->AddRunConfigEntry(runtime->options, "disable_synchronize_execution_providers",
                                        "1");
    return status;
}

static OrtStatus *make_slot(struct fv_runtime *runtime, const OrtMemoryInfo *memory, unsigned index)
{
    const OrtApi *api = runtime->sessions[0].library.api;
    struct slot *slot = &runtime->slots[index];
    place_slot(runtime, index % runtime->per_lane, slot);
    OrtStatus *status = make_values(runtime, memory, index / runtime->per_lane, slot);
    if (!status)
        status = api->CreateIoBinding(slot->ort->session, &slot->binding);
    if (!status)
        status = api->BindInput(slot->binding, runtime->model->input_name, slot->input);
    for (unsigned i = 0; !status && i < runtime->output_count; i++)
        status = api->BindOutput(slot->binding, runtime->outputs[i].name, slot->outputs[i]);
    return status;
}

static int make_slots(struct fv_runtime *runtime, struct fv_error *err)
{
    const OrtApi *api = runtime->sessions[0].library.api;
    struct fv_gpu_info info;
    OrtMemoryInfo *memory = NULL;
    unsigned count = runtime->lanes * runtime->per_lane;
    int result = fv_gpu_info(runtime->gpu, &info, err);
    if (result < 0)
        return result;
    runtime->slots = fv_calloc(count, sizeof(struct slot));
    if (!runtime->slots)
        return fv_error_set(err, -ENOMEM, "out of memory");
    OrtStatus *status = api->CreateMemoryInfo("Cuda", OrtDeviceAllocator, (int)info.device,
                                              OrtMemTypeDefault, &memory);
    if (!status)
        status = make_options(runtime);
    for (unsigned i = 0; !status && i < count; i++)
        status = make_slot(runtime, memory, i);
    if (memory)
        api->ReleaseMemoryInfo(memory);
    return fv_ort_status(api, status, "binding the tensors", err);
}

static void free_slot(const OrtApi *api, struct slot *slot)
{
    fv_gpu_graph_destroy(slot->graph);
    if (slot->binding)
        api->ReleaseIoBinding(slot->binding);
    if (slot->input)
        api->ReleaseValue(slot->input);
    for (unsigned i = 0; i < FV_MODEL_OUTPUTS_MAX; i++)
        if (slot->outputs[i])
            api->ReleaseValue(slot->outputs[i]);
}

/* ---- running ---- */

/* A sentence of the first failure; whether the device is lost only the driver knows. */
static int failed_run(struct fv_runtime *runtime, const struct fv_error *why, struct fv_error *err)
{
    struct fv_error device = {0};
    (void)fv_gpu_stream_finish(runtime->stream, &device);
    if (fv_gpu_lost(runtime->gpu))
        return fv_error_set(err, -ENODEV, "the GPU was lost during inference: %s",
                            device.code ? device.text : why->text);
    /* ONNX Runtime has no code of its own for it. */
    bool memory = why->code == -ENOMEM || strstr(why->text, "allocate memory") ||
                  strstr(why->text, "vailable memory");
    return fv_error_set(err, memory ? -ENOMEM : -EIO, "%s", why->text);
}

/* Through ONNX Runtime. */
static int compute(struct fv_runtime *runtime, const struct slot *slot, struct fv_error *err)
{
    const OrtApi *api = runtime->sessions[0].library.api;
    OrtStatus *status = api->RunWithBinding(slot->ort->session, runtime->options, slot->binding);
    return fv_ort_status(api, status, runtime->model->path, err);
}

static int run_slot(struct fv_runtime *runtime, const struct slot *slot, struct fv_error *err)
{
    struct fv_error why = {0};
    int result = slot->graph ? fv_gpu_graph_launch(slot->graph, runtime->stream, &why)
                             : compute(runtime, slot, &why);
    return result < 0 ? failed_run(runtime, &why, err) : 0;
}

/* Records what ONNX Runtime enqueues for the slot. */
static int record(struct fv_runtime *runtime, struct slot *slot, struct fv_error *err)
{
    struct fv_error end = {0};
    int result = fv_gpu_graph_begin(runtime->stream, err);
    if (result < 0)
        return result;
    result = compute(runtime, slot, err);
    int ended = fv_gpu_graph_end(runtime->stream, &slot->graph, &end);
    if (result == 0 && ended < 0)
        result = fv_error_set(err, ended, "%s", end.text);
    if (result < 0) {
        fv_gpu_graph_destroy(slot->graph);
        slot->graph = NULL;
    }
    return result;
}

/* Of the lane's slots the first that holds `batch` images. */
static unsigned slot_for(const struct fv_runtime *runtime, unsigned batch)
{
    unsigned index = 0;
    while (runtime->slots[index].images < batch)
        index++;
    return index;
}

static int cuda_run(struct fv_runtime *runtime, unsigned lane, unsigned batch,
                    const void **ret_output, struct fv_error *err)
{
    if (lane >= runtime->lanes || batch < 1 || batch > runtime->max_batch)
        return fv_error_set(err, -EINVAL,
                            "a batch of %u in lane %u of a runtime made for 1 to %u in %u lanes",
                            batch, lane, runtime->max_batch, runtime->lanes);
    const struct slot *slots = &runtime->slots[lane * runtime->per_lane];
    bool free_batch = runtime->model->dynamic_batch;
    unsigned first = free_batch ? slot_for(runtime, batch) : 0;
    unsigned last = free_batch ? first : batch - 1;
    int result = 0;
    for (unsigned i = first; result == 0 && i <= last; i++)
        result = run_slot(runtime, &slots[i], err);
    if (result == 0)
        *ret_output = device_pointer(runtime->output[lane]);
    return result;
}

/* ---- opening and closing ---- */

/* A driver or a network that cannot be recorded still computes, for more of the processor: that is said, and goes on. */
static int try_record(struct fv_runtime *runtime, struct slot *slot,
                      const struct fv_runtime_params *params, struct fv_error *err)
{
    struct fv_error why = {0};
    int result = runtime->plain ? 0 : record(runtime, slot, &why);
    if (result == -ENOMEM || (result < 0 && fv_gpu_lost(runtime->gpu)))
        return failed_run(runtime, &why, err);
    if (result < 0) {
        runtime->plain = true;
        fv_tell(params->progress, params->data,
                "the network could not be recorded as a graph; each run will cost more: %s",
                why.text);
    }
    return 0;
}

struct compilation {
    struct fv_runtime *runtime;
    struct slot *slot;
    pthread_t thread;
    bool started;
    int result;
    struct fv_error err;
};

static void *compile_main(void *data)
{
    struct compilation *job = data;
    job->result = fv_gpu_enter(job->runtime->gpu, &job->err);
    if (job->result == 0)
        job->result = compute(job->runtime, job->slot, &job->err);
    job->slot->compiled = job->result == 0;
    return NULL;
}

/* The first run of each size chooses and compiles: all sizes at once. The first failure is told. */
static int compile(struct fv_runtime *runtime, struct fv_error *err)
{
    struct compilation jobs[SIZES_MAX] = {0};
    int result = 0;
    for (unsigned i = 0; i < runtime->session_count; i++) {
        jobs[i] = (struct compilation){.runtime = runtime, .slot = &runtime->slots[i]};
        jobs[i].started =
            fv_thread_start(&jobs[i].thread, "fv-compile", compile_main, &jobs[i]) == 0;
        if (!jobs[i].started)
            compile_main(&jobs[i]);
    }
    for (unsigned i = 0; i < runtime->session_count; i++) {
        if (jobs[i].started)
            pthread_join(jobs[i].thread, NULL);
        if (result == 0 && jobs[i].result < 0) {
            result = failed_run(runtime, &jobs[i].err, err);
            fv_error_prefix(err, result, "a first run of the model with a batch of %u failed",
                            jobs[i].slot->images);
        }
    }
    return result;
}

/* No camera shall wait for the choice of convolutions. */
static int prepare_slot(struct fv_runtime *runtime, struct slot *slot,
                        const struct fv_runtime_params *params, struct fv_error *err)
{
    int result = slot->compiled ? 0 : run_slot(runtime, slot, err);
    if (result == 0)
        result = fv_gpu_stream_finish(runtime->stream, err);
    if (result == 0)
        result = try_record(runtime, slot, params, err);
    for (unsigned run = 0; result == 0 && run < params->warm_up + 1; run++)
        result = run_slot(runtime, slot, err);
    return result == 0 ? fv_gpu_stream_finish(runtime->stream, err) : result;
}

static int prepare_slots(struct fv_runtime *runtime, const struct fv_runtime_params *params,
                         struct fv_error *err)
{
    unsigned count = runtime->lanes * runtime->per_lane;
    if (!runtime->provider->add_facts) /* engines are compiled already */
        fv_tell(params->progress, params->data,
                "compiling the network for %u batch size%s up to %u (up to a minute)",
                runtime->session_count, runtime->session_count == 1 ? "" : "s", runtime->max_batch);
    int result = compile(runtime, err);
    for (unsigned i = 0; result == 0 && i < count; i++) {
        struct slot *slot = &runtime->slots[i];
        result = prepare_slot(runtime, slot, params, err);
        if (result < 0)
            fv_error_prefix(err, result, "a first run of the model with a batch of %u failed",
                            slot->images);
    }
    return result;
}

/* ONNX Runtime copies the weights by itself; the file's size stands for them in the account. */
static void account_weights(struct fv_runtime *runtime)
{
    struct stat info;
    if (stat(runtime->model->path, &info) == 0)
        fv_gpu_account(runtime->gpu, FV_GPU_WEIGHTS, true, (size_t)info.st_size);
}

static void cuda_close(struct fv_runtime *runtime)
{
    if (!runtime)
        return;
    (void)fv_gpu_stream_finish(runtime->stream, NULL);
    for (unsigned i = 0; runtime->slots && i < runtime->lanes * runtime->per_lane; i++)
        free_slot(runtime->sessions[0].library.api, &runtime->slots[i]);
    if (runtime->options)
        runtime->sessions[0].library.api->ReleaseRunOptions(runtime->options);
    for (unsigned i = 0; runtime->sessions && i < runtime->session_count; i++)
        fv_ort_session_close(&runtime->sessions[i]);
    for (unsigned i = 0; i < runtime->lanes; i++) {
        fv_gpu_free(runtime->gpu, runtime->input[i]);
        fv_gpu_free(runtime->gpu, runtime->output[i]);
    }
    fv_free(runtime->sessions);
    fv_free(runtime->slots);
    fv_free(runtime);
}

static void describe(struct fv_runtime *runtime)
{
    const struct fv_model *model = runtime->model;
    int size =
        snprintf(runtime->description, sizeof(runtime->description), "ONNX Runtime %s, %s, %s, ",
                 runtime->sessions[0].library.version, runtime->provider->name,
                 model->element == FV_ELEMENT_F16 ? "FP16" : "FP32");
    char *rest = runtime->description + size;
    size_t left = sizeof(runtime->description) - (size_t)size;
    if (runtime->plain)
        snprintf(rest, left, "no graphs");
    else if (model->dynamic_batch)
        snprintf(rest, left, "graphs 1..%u", runtime->max_batch);
    else
        snprintf(rest, left, "a graph for each picture");
}

static int prepare(struct fv_runtime *runtime, const struct fv_runtime_params *params,
                   struct fv_error *err)
{
    int result = 0;
    for (unsigned i = 0; result == 0 && i < runtime->session_count; i++) {
        struct slot slot = {0};
        place_slot(runtime, i, &slot);
        result = fv_ort_provider_open(runtime->provider, params, slot.images, &runtime->sessions[i],
                                      err);
    }
    if (result == 0)
        result = alloc_tensors(runtime, err);
    if (result == 0)
        result = make_slots(runtime, err);
    if (result == 0)
        result = prepare_slots(runtime, params, err);
    if (result == 0) {
        account_weights(runtime);
        describe(runtime);
    }
    return result;
}

static int open_with(const struct fv_ort_provider *provider, const struct fv_runtime_params *params,
                     struct fv_runtime **ret_runtime, struct fv_error *err)
{
    if (params->max_batch < 1 || params->max_batch > FV_RUNTIME_BATCH_MAX || params->lanes < 1 ||
        params->lanes > FV_RUNTIME_LANES_MAX || !params->gpu || !params->stream)
        return fv_error_set(err, -EINVAL, "batch must be 1 to %u, lanes 1 to %u, on a GPU's stream",
                            FV_RUNTIME_BATCH_MAX, FV_RUNTIME_LANES_MAX);
    struct fv_runtime *runtime = FV_NEW(struct fv_runtime);
    if (!runtime)
        return fv_error_set(err, -ENOMEM, "out of memory");
    *runtime = (struct fv_runtime){
        .provider = provider,
        .model = params->model,
        .gpu = params->gpu,
        .stream = params->stream,
        .max_batch = params->max_batch,
        .lanes = params->lanes,
        .per_lane =
            params->model->dynamic_batch ? count_sizes(params->max_batch) : params->max_batch,
    };
    runtime->session_count = params->model->dynamic_batch ? runtime->per_lane : 1;
    runtime->sessions = fv_calloc(runtime->session_count, sizeof(runtime->sessions[0]));
    int result = runtime->sessions ? prepare(runtime, params, err)
                                   : fv_error_set(err, -ENOMEM, "out of memory");
    if (result < 0)
        cuda_close(runtime);
    else
        *ret_runtime = runtime;
    return result;
}

static int cuda_open(const struct fv_runtime_params *params, struct fv_runtime **ret_runtime,
                     struct fv_error *err)
{
    return open_with(&fv_ort_cuda, params, ret_runtime, err);
}

static int tensorrt_open(const struct fv_runtime_params *params, struct fv_runtime **ret_runtime,
                         struct fv_error *err)
{
    return open_with(&fv_ort_tensorrt, params, ret_runtime, err);
}

static int rtx_open(const struct fv_runtime_params *params, struct fv_runtime **ret_runtime,
                    struct fv_error *err)
{
    return open_with(&fv_ort_rtx, params, ret_runtime, err);
}

static enum fv_element cuda_element(const struct fv_runtime *runtime)
{
    return runtime->model->element;
}

static void *cuda_input(struct fv_runtime *runtime, unsigned lane)
{
    return device_pointer(runtime->input[lane]);
}

static const char *cuda_describe(struct fv_runtime *runtime)
{
    return runtime->description;
}

static int cuda_check(struct fv_error *err)
{
    return fv_ort_provider_check(&fv_ort_cuda, err);
}

static int tensorrt_check(struct fv_error *err)
{
    return fv_ort_provider_check(&fv_ort_tensorrt, err);
}

static int rtx_check(struct fv_error *err)
{
    return fv_ort_provider_check(&fv_ort_rtx, err);
}

#define OPS(runtime_name, runtime_open, runtime_check)                                             \
    {                                                                                              \
        .name = (runtime_name), .memory = FV_MEMORY_DEVICE, .open = (runtime_open),                \
        .check = (runtime_check), .close = cuda_close, .element = cuda_element,                    \
        .input = cuda_input, .run = cuda_run, .describe = cuda_describe                            \
    }

const struct fv_runtime_ops fv_runtime_ort_cuda = OPS("cuda", cuda_open, cuda_check);
const struct fv_runtime_ops fv_runtime_ort_tensorrt =
    OPS("tensorrt", tensorrt_open, tensorrt_check);
const struct fv_runtime_ops fv_runtime_ort_rtx = OPS("tensorrt-rtx", rtx_open, rtx_check);

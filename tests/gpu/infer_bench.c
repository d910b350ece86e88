// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "infer_check.h"
#include "kernels/half.h"

static double seconds_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void must(int result, const char *what, const struct fv_error *err)
{
    if (result < 0)
        fail(what, err->text);
}

static void say_progress(void *data, const char *text)
{
    printf("  %s\n", text);
    fflush(stdout);
}

/* ---- opening ---- */

static void open_gpu(struct bench *bench)
{
    const struct fv_gpu_params params = {.pool_bytes = (size_t)1 << 30};
    struct fv_gpu_info info;
    struct fv_error err;
    must(fv_gpu_open(&params, &bench->gpu, &err), "GPU", &err);
    must(fv_gpu_enter(bench->gpu, &err), "GPU", &err);
    must(fv_gpu_info(bench->gpu, &info, &err), "GPU", &err);
    must(fv_gpu_stream_create(bench->gpu, &bench->stream, &err), "stream", &err);
    for (unsigned i = 0; i < BENCH_LANES; i++)
        must(fv_gpu_event_create(bench->gpu, &bench->done[i], &err), "event", &err);
    printf("%s, compute capability %d.%d, driver for CUDA %d\n", info.name, info.major, info.minor,
           info.driver);
}

void bench_open(struct bench *bench, const char *model)
{
    struct fv_error err;
    must(fv_model_load(model, &bench->model, &err), "model", &err);
    bench->ops = fv_runtime_find(bench->runtime);
    if (!bench->ops)
        fail(bench->runtime, "is no runtime");
    if (bench->ops->memory == FV_MEMORY_DEVICE)
        open_gpu(bench);
    const struct fv_runtime_params params = {
        .model = bench->model,
        .max_batch = bench->max_batch,
        .lanes = bench->gpu ? BENCH_LANES : 1,
        .gpu = bench->gpu,
        .stream = bench->stream,
        .warm_up = 2,
        .conv_search = bench->search,
        .progress = say_progress,
    };
    double begin = seconds_of(CLOCK_MONOTONIC);
    must(bench->ops->open(&params, &bench->handle, &err), "runtime", &err);
    bench->open_s = seconds_of(CLOCK_MONOTONIC) - begin;
    snprintf(bench->description, sizeof(bench->description), "%s",
             bench->ops->describe(bench->handle));
    printf("%s: opened in %.2f s (%s)\n", bench->description, bench->open_s, bench->search);
    fflush(stdout);
}

void bench_close(struct bench *bench)
{
    bench->ops->close(bench->handle);
    for (unsigned i = 0; i < BENCH_LANES; i++)
        fv_gpu_event_destroy(bench->done[i]);
    fv_gpu_stream_destroy(bench->stream);
    fv_gpu_close(bench->gpu);
    fv_model_free(bench->model);
}

/* ---- one image ---- */

static void to_element(const float *from, void *to, size_t count, enum fv_element element)
{
    uint16_t *half = to;
    if (element == FV_ELEMENT_F32)
        memcpy(to, from, count * sizeof(float));
    for (size_t i = 0; element == FV_ELEMENT_F16 && i < count; i++)
        half[i] = fv_half_of_float(from[i]);
}

static void from_element(const void *from, float *to, size_t count, enum fv_element element)
{
    const uint16_t *half = from;
    if (element == FV_ELEMENT_F32)
        memcpy(to, from, count * sizeof(float));
    for (size_t i = 0; element == FV_ELEMENT_F16 && i < count; i++)
        to[i] = fv_float_of_half(half[i]);
}

static fv_gpu_address address_of(const void *pointer)
{
    return (uintptr_t)pointer;
}

static void infer_on_device(struct bench *bench, const void *in, size_t in_size, void *out,
                            size_t out_size)
{
    const void *output;
    struct fv_error err;
    must(fv_gpu_upload(bench->stream, address_of(bench->ops->input(bench->handle, 0)), in, in_size,
                       FV_GPU_CONTROL, &err),
         "upload", &err);
    must(bench->ops->run(bench->handle, 0, 1, &output, &err), "run", &err);
    must(fv_gpu_download(bench->stream, out, address_of(output), out_size, FV_GPU_SNAPSHOT, &err),
         "download", &err);
    must(fv_gpu_stream_finish(bench->stream, &err), "stream", &err);
}

void bench_infer(struct bench *bench, const float *input, float *output)
{
    const struct fv_model *model = bench->model;
    size_t inputs = (size_t)3 * model->width * model->height;
    size_t outputs = (size_t)model->rows * model->columns;
    const void *result;
    struct fv_error err;
    if (!bench->gpu) {
        memcpy(bench->ops->input(bench->handle, 0), input, inputs * sizeof(float));
        must(bench->ops->run(bench->handle, 0, 1, &result, &err), "run", &err);
        memcpy(output, result, outputs * sizeof(float));
        return;
    }
    enum fv_element element = bench->ops->element(bench->handle);
    size_t size = fv_element_size(element);
    void *in = fv_calloc(inputs, size), *out = fv_calloc(outputs, size);
    if (!in || !out)
        fail("memory", "too little");
    to_element(input, in, inputs, element);
    infer_on_device(bench, in, inputs * size, out, outputs * size);
    from_element(out, output, outputs, element);
    fv_free(in);
    fv_free(out);
}

/* ---- speed ---- */

/* Enqueues a batch in a lane once the lane's last one is done. Returns the seconds that run() took. */
static double enqueue(struct bench *bench, unsigned lane, unsigned batch)
{
    const void *output;
    struct fv_error err;
    if (bench->gpu)
        must(fv_gpu_event_wait(bench->done[lane], &err), "waiting", &err);
    double begin = seconds_of(CLOCK_MONOTONIC);
    must(bench->ops->run(bench->handle, lane, batch, &output, &err), "run", &err);
    double took = seconds_of(CLOCK_MONOTONIC) - begin;
    if (bench->gpu)
        must(fv_gpu_event_record(bench->done[lane], bench->stream, &err), "event", &err);
    return took;
}

static void finish(struct bench *bench)
{
    struct fv_error err;
    if (bench->gpu)
        must(fv_gpu_stream_finish(bench->stream, &err), "stream", &err);
}

static double alone_ms(struct bench *bench, unsigned batch)
{
    double best = 1e9;
    for (int i = 0; i < 5; i++) {
        double begin = seconds_of(CLOCK_MONOTONIC);
        (void)enqueue(bench, 0, batch);
        finish(bench);
        double took = seconds_of(CLOCK_MONOTONIC) - begin;
        best = took < best ? took : best;
    }
    return best * 1e3;
}

static void measure(struct bench *bench, unsigned batch)
{
    unsigned long runs = 0;
    double call = 0, alone = alone_ms(bench, batch);
    double cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID), begin = seconds_of(CLOCK_MONOTONIC), now;
    do {
        call += enqueue(bench, bench->gpu ? runs % BENCH_LANES : 0, batch);
        runs++;
        now = seconds_of(CLOCK_MONOTONIC);
    } while (now - begin < bench->seconds);
    finish(bench);
    double wall = seconds_of(CLOCK_MONOTONIC) - begin;
    cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    double images = (double)runs * batch;
    bench->row[bench->rows].batch = batch;
    bench->row[bench->rows].images_s = images / wall;
    bench->row[bench->rows].host_us_image = cpu * 1e6 / images;
    bench->row[bench->rows].call_us = call * 1e6 / (double)runs;
    bench->row[bench->rows].batch_ms = alone;
    bench->rows++;
    printf("batch %3u: %7.0f images/s, host %7.2f us an image, a call takes %8.1f us, one alone "
           "%.3f ms\n",
           batch, images / wall, cpu * 1e6 / images, call * 1e6 / (double)runs, alone);
    fflush(stdout);
}

void bench_speed(struct bench *bench)
{
    for (unsigned batch = 1; batch <= bench->max_batch && bench->rows < BENCH_ROWS; batch *= 2)
        measure(bench, batch);
}

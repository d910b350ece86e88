// SPDX-License-Identifier: Apache-2.0
/* How long a launch takes on the GPU, with what belongs to it, and how long the call keeps the CPU. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "gpu/driver.h"
#include "kernel_check.h"

#define BATCH_MAX 64u

struct timing {
    double device_us, host_us; /* of one launch */
};

/* Calls an entry of the driver; a failure ends the program by its name. */
#define MUST(bed, name, ...)                                                                       \
    do {                                                                                           \
        struct fv_error must_err = {0};                                                            \
        kernel_must(FV_GPU_CALL((bed)->gpu, &must_err, name, __VA_ARGS__), &must_err);             \
    } while (0)

/* One launch after the other has ended: what a launch reads from the host is its lane's until then. */
static struct timing measure(const struct kernel_bed *bed,
                             int (*run)(void *data, struct fv_error *err), void *data)
{
    const int warm_up = bed->quick ? 1 : 20, rounds = bed->quick ? 2 : 200;
    CUstream stream = fv_gpu_stream_cuda(bed->stream);
    struct fv_error err = {0};
    struct timing sum = {0, 0};
    CUevent begin, end;
    MUST(bed, cuEventCreate, &begin, 0);
    MUST(bed, cuEventCreate, &end, 0);
    for (int i = -warm_up; i < rounds; i++) {
        float ms = 0;
        MUST(bed, cuEventRecord, begin, stream);
        const int64_t start = fv_now();
        kernel_must(run(data, &err), &err);
        const int64_t called = fv_now() - start;
        MUST(bed, cuEventRecord, end, stream);
        MUST(bed, cuStreamSynchronize, stream);
        MUST(bed, cuEventElapsedTime, &ms, begin, end);
        if (i < 0)
            continue;
        sum.device_us += (double)ms * 1000 / rounds;
        sum.host_us += (double)called / 1000 / rounds;
    }
    MUST(bed, cuEventDestroy, begin);
    MUST(bed, cuEventDestroy, end);
    return sum;
}

/* --- Letterbox --- */

struct letterbox_bench {
    const struct kernel_bed *bed;
    const char *name;
    uint32_t width, height; /* of the pictures */
    enum fv_pixel_format format;
    struct fv_tensor_spec spec;
    enum fv_element element;
    struct fv_picture pictures[BATCH_MAX];
    size_t picture_bytes;
    struct fv_gpu_kernels *kernels;
    struct fv_gpu_letterbox_batch batch;
};

/* As the decoder lays them out: rows of a multiple of 256 bytes, one plane behind the other. */
static void make_pictures(struct letterbox_bench *b, fv_gpu_address memory)
{
    const size_t size = b->format == FV_PIXEL_P016 ? 2 : 1;
    const size_t pitch = (b->width * size + 255) / 256 * 256;
    b->picture_bytes = pitch * b->height * 3 / 2;
    for (unsigned i = 0; memory && i < BATCH_MAX; i++) {
        struct fv_picture *picture = &b->pictures[i];
        const fv_gpu_address at = memory + i * b->picture_bytes;
        *picture = (struct fv_picture){.format = b->format, .memory = FV_MEMORY_DEVICE};
        picture->info.width = b->width;
        picture->info.height = b->height;
        picture->plane[0] = (const uint8_t *)(uintptr_t)at;
        picture->plane[1] = (const uint8_t *)(uintptr_t)(at + pitch * b->height);
        picture->pitch[0] = picture->pitch[1] = pitch;
    }
}

static int run_letterbox(void *data, struct fv_error *err)
{
    struct letterbox_bench *b = data;
    return fv_gpu_letterbox(b->kernels, 0, b->bed->stream, &b->batch, err);
}

static void time_batches(struct letterbox_bench *b, struct fv_picture *const *pictures,
                         const struct fv_letterbox *places, fv_gpu_address tensor)
{
    for (unsigned count = 1; count <= (b->bed->quick ? 1 : BATCH_MAX); count *= 4) {
        b->batch = (struct fv_gpu_letterbox_batch){pictures, places, count, tensor};
        const struct timing t = measure(b->bed, run_letterbox, b);
        const double bytes =
            (double)count * b->width * b->height * 3 / 2 * (b->format == FV_PIXEL_P016 ? 2 : 1);
        printf("{\"bench\": \"letterbox\", \"source\": \"%s %ux%u\", \"tensor\": \"%ux%u %s\", "
               "\"batch\": %u, \"us\": %.1f, \"read_gb_per_s\": %.0f, \"host_us\": %.1f}\n",
               b->name, b->width, b->height, b->spec.width, b->spec.height,
               b->element == FV_ELEMENT_F16 ? "f16" : "f32", count, t.device_us,
               bytes / t.device_us / 1000, t.host_us);
    }
}

static void bench_letterbox(struct letterbox_bench *b)
{
    struct fv_gpu_kernels_params params = kernel_params(b->bed, BATCH_MAX);
    struct fv_picture *pictures[BATCH_MAX];
    struct fv_letterbox places[BATCH_MAX];
    const uint16_t height = (uint16_t)(b->spec.width * b->height / b->width);
    make_pictures(b, 0);
    const fv_gpu_address memory = kernel_alloc(b->bed, b->picture_bytes * BATCH_MAX);
    make_pictures(b, memory);
    for (unsigned i = 0; i < BATCH_MAX; i++) {
        pictures[i] = &b->pictures[i];
        places[i] = (struct fv_letterbox){.width = (uint16_t)b->spec.width, .height = height};
    }
    params.spec = b->spec;
    params.input = b->element;
    b->kernels = kernel_create(&params);
    const fv_gpu_address tensor = kernel_alloc(b->bed, BATCH_MAX * 3 * fv_element_size(b->element) *
                                                           b->spec.width * b->spec.height);
    time_batches(b, pictures, places, tensor);
    fv_gpu_kernels_destroy(b->kernels);
    fv_gpu_free(b->bed->gpu, tensor);
    fv_gpu_free(b->bed->gpu, memory);
}

static void bench_letterboxes(const struct kernel_bed *bed)
{
    static const struct {
        const char *name;
        uint32_t width, height;
        enum fv_pixel_format format;
        uint32_t tensor_width, tensor_height;
        enum fv_element element;
    } rows[] = {
        {"nv12", 1920, 1080, FV_PIXEL_NV12, 416, 416, FV_ELEMENT_F16},
        {"nv12", 1920, 1080, FV_PIXEL_NV12, 640, 384, FV_ELEMENT_F16},
        {"nv12", 3840, 2160, FV_PIXEL_NV12, 416, 416, FV_ELEMENT_F16},
        {"nv12", 3840, 2160, FV_PIXEL_NV12, 640, 384, FV_ELEMENT_F16},
        {"p016", 1920, 1080, FV_PIXEL_P016, 416, 416, FV_ELEMENT_F16},
        {"nv12", 1920, 1080, FV_PIXEL_NV12, 416, 416, FV_ELEMENT_F32},
        {"nv12", 320, 240, FV_PIXEL_NV12, 640, 480, FV_ELEMENT_F16},
    };
    struct letterbox_bench *b = malloc(sizeof(*b));
    if (!b)
        abort();
    for (size_t i = 0; i < (bed->quick ? 1 : sizeof(rows) / sizeof(*rows)); i++) {
        *b = (struct letterbox_bench){.bed = bed,
                                      .name = rows[i].name,
                                      .width = rows[i].width,
                                      .height = rows[i].height,
                                      .format = rows[i].format,
                                      .element = rows[i].element,
                                      .spec = {.width = rows[i].tensor_width,
                                               .height = rows[i].tensor_height,
                                               .bgr = true,
                                               .range = 255,
                                               .std = {1, 1, 1},
                                               .pad_value = 114}};
        bench_letterbox(b);
    }
    free(b);
}

/* --- Boxes --- */

struct boxes_bench {
    const struct kernel_bed *bed;
    const char *layout;
    struct fv_gpu_kernels *kernels;
    fv_gpu_address output;
    unsigned count;
};

static int run_boxes(void *data, struct fv_error *err)
{
    const struct boxes_bench *b = data;
    return fv_gpu_boxes(b->kernels, 0, b->bed->stream, b->output, b->count, err);
}

/* All images of the batch are the same; a second output lies behind the first one's batch. */
static void fill_output(const struct boxes_bench *b, struct fv_case_boxes *c, uint32_t candidates)
{
    const size_t first = sizeof(*c->half) * c->first, second = sizeof(*c->half) * c->second;
    const fv_gpu_address scores = b->output + BATCH_MAX * first;
    struct fv_error err = {0};
    struct fv_rand rand;
    fv_rand_seed(&rand, candidates);
    fv_case_boxes_fill(c, &rand, candidates);
    for (unsigned i = 0; i < BATCH_MAX; i++) {
        kernel_upload(b->bed, b->output + i * first, c->half, first);
        if (second > 0)
            kernel_upload(b->bed, scores + i * second, c->half + c->first, second);
    }
    kernel_must(fv_gpu_stream_finish(b->bed->stream, &err), &err);
}

static void time_boxes(struct boxes_bench *b, const struct fv_case_boxes *c, uint32_t candidates)
{
    static const unsigned counts[] = {1, 4, 16, 64};
    struct fv_detection boxes[FV_DETECTIONS_MAX];
    for (size_t i = 0; i < (b->bed->quick ? 1 : 4); i++) {
        b->count = counts[i];
        const struct timing t = measure(b->bed, run_boxes, b);
        printf("{\"bench\": \"boxes\", \"layout\": \"%s\", \"rows\": %u, \"classes\": %u, "
               "\"candidates\": %u, \"kept\": %u, \"batch\": %u, \"us\": %.1f, \"host_us\": "
               "%.1f}\n",
               b->layout, c->rows, c->spec.classes, candidates,
               fv_gpu_boxes_read(b->kernels, 0, 0, boxes, NULL), b->count, t.device_us, t.host_us);
    }
}

static void bench_spec(const struct kernel_bed *bed, const char *layout,
                       const struct fv_box_spec *spec, const uint32_t *candidates, size_t count)
{
    struct boxes_bench b = {.bed = bed, .layout = layout};
    struct fv_gpu_kernels_params params = kernel_params(bed, BATCH_MAX);
    struct fv_case_boxes c;
    struct fv_rand rand;
    fv_rand_seed(&rand, 1);
    fv_case_boxes_init(&c, &rand, FV_CASE_EMPTY, spec);
    params.boxes = c.spec;
    params.boxes.score_threshold = 0.25f;
    params.boxes.wanted = NULL;
    if (!fv_layout_info(spec->layout)->suppressed)
        params.nms.iou_threshold = c.nms.iou_threshold;
    params.output = FV_ELEMENT_F16;
    params.scores_offset = sizeof(*c.half) * c.first * BATCH_MAX;
    b.kernels = kernel_create(&params);
    b.output = kernel_alloc(bed, sizeof(*c.half) * (c.first + c.second) * BATCH_MAX);
    for (size_t i = 0; i < (bed->quick ? 2 : count); i++) {
        fill_output(&b, &c, candidates[i]);
        time_boxes(&b, &c, candidates[i]);
    }
    fv_gpu_free(bed->gpu, b.output);
    fv_gpu_kernels_destroy(b.kernels);
    fv_case_boxes_finish(&c);
}

static void bench_boxes(const struct kernel_bed *bed)
{
    static const uint32_t candidates[] = {0, 10, 100, 1000, 3549};
    const struct fv_box_spec nano = {
        .width = 416, .height = 416, .strides = {8, 16, 32}, .stride_count = 3, .classes = 80};
    bench_spec(bed, "yolox", &nano, candidates, 5);
    for (int i = 1; i < (bed->quick ? 0 : FV_CASE_LAYOUTS); i++) {
        const struct fv_box_spec spec = fv_case_large(&fv_case_layouts[i]);
        bench_spec(bed, fv_case_layouts[i].name, &spec, candidates + 1, 2);
    }
}

void kernel_bench(const struct kernel_bed *bed)
{
    bench_letterboxes(bed);
    bench_boxes(bed);
}

// SPDX-License-Identifier: Apache-2.0
/*
 * The kernels on a real GPU against their plain-C twins, and how long they take.
 *
 *   kernel_check [--quick] [--no-bench]
 *
 * JSON lines on standard output; status 1 when a kernel differs by more than its bound.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpu/driver.h"
#include "kernel_check.h"

void kernel_must(int code, const struct fv_error *err)
{
    if (code >= 0)
        return;
    fprintf(stderr, "kernel_check: %s (%d)\n", err->text, code);
    exit(2);
}

fv_gpu_address kernel_alloc(const struct kernel_bed *bed, size_t bytes)
{
    fv_gpu_address address = 0;
    struct fv_error err = {0};
    kernel_must(fv_gpu_alloc(bed->gpu, bytes, "kernel_check", &address, &err), &err);
    return address;
}

void kernel_upload(const struct kernel_bed *bed, fv_gpu_address to, const void *from, size_t bytes)
{
    struct fv_error err = {0};
    kernel_must(fv_gpu_upload(bed->stream, to, from, bytes, FV_GPU_CONTROL, &err), &err);
}

struct fv_gpu_kernels *kernel_create(const struct fv_gpu_kernels_params *params)
{
    struct fv_gpu_kernels *kernels = NULL;
    struct fv_error err = {0};
    kernel_must(fv_gpu_kernels_create(params, &kernels, &err), &err);
    return kernels;
}

struct fv_gpu_kernels_params kernel_params(const struct kernel_bed *bed, unsigned max_batch)
{
    return (struct fv_gpu_kernels_params){
        .gpu = bed->gpu,
        .max_batch = max_batch,
        .lanes = 1,
        .spec = {.width = 32, .height = 32, .range = 1, .std = {1, 1, 1}},
        .boxes = {.width = 32, .height = 32, .strides = {32}, .stride_count = 1, .classes = 1},
        .nms = {.iou_threshold = 0.45f, .max_candidates = 4096, .max_boxes = 300},
    };
}

/* --- Letterbox --- */

#define BATCH 16

struct check {
    const struct kernel_bed *bed;
    struct fv_gpu_kernels_params params;
    struct fv_case_picture cases[BATCH];
    struct fv_picture pictures[BATCH];
    fv_gpu_address memory[BATCH];
    struct fv_letterbox places[BATCH];
    unsigned count;
    double worst; /* of the bound */
};

static void add_picture(struct check *c, struct fv_rand *rand, enum fv_pixel_format format,
                        uint32_t width, uint32_t height)
{
    const unsigned i = c->count++;
    struct fv_case_picture *one = &c->cases[i];
    fv_case_picture_init(one, rand, format, width, height);
    c->memory[i] = kernel_alloc(c->bed, one->size);
    kernel_upload(c->bed, c->memory[i], one->memory, one->size);
    c->pictures[i] = one->picture;
    c->pictures[i].memory = FV_MEMORY_DEVICE;
    for (int k = 0; k < 3; k++)
        c->pictures[i].plane[k] = (const uint8_t *)(uintptr_t)(c->memory[i] + one->offset[k]);
    c->places[i] = fv_case_place(rand, &c->params.spec);
}

static void compare(struct check *c, const uint8_t *got)
{
    const struct fv_tensor_spec *spec = &c->params.spec;
    const size_t image = 3 * (size_t)spec->width * spec->height;
    const size_t bytes = image * fv_element_size(c->params.input);
    float *want = malloc(image * sizeof(*want));
    struct fv_resizer *resizer;
    if (!want || fv_resizer_create(&resizer) < 0)
        abort();
    for (unsigned i = 0; i < c->count; i++) {
        if (fv_letterbox_run(resizer, &c->cases[i].picture, &c->places[i], spec, want) < 0)
            abort();
        const double d = fv_case_difference(spec, c->params.input, want, got + i * bytes);
        c->worst = d > c->worst ? d : c->worst;
    }
    fv_resizer_destroy(resizer);
    free(want);
}

static void run_batch(struct check *c, struct fv_gpu_kernels *kernels)
{
    const size_t bytes = c->count * 3 * (size_t)c->params.spec.width * c->params.spec.height *
                         fv_element_size(c->params.input);
    struct fv_picture *pictures[BATCH];
    struct fv_error err = {0};
    for (unsigned i = 0; i < c->count; i++)
        pictures[i] = &c->pictures[i];
    const struct fv_gpu_letterbox_batch batch = {pictures, c->places, c->count,
                                                 kernel_alloc(c->bed, bytes)};
    uint8_t *got = malloc(bytes);
    if (!got)
        abort();
    kernel_must(fv_gpu_letterbox(kernels, 0, c->bed->stream, &batch, &err), &err);
    kernel_must(fv_gpu_download(c->bed->stream, got, batch.tensor, bytes, FV_GPU_SNAPSHOT, &err),
                &err);
    kernel_must(fv_gpu_stream_finish(c->bed->stream, &err), &err);
    compare(c, got);
    free(got);
    fv_gpu_free(c->bed->gpu, batch.tensor);
    for (unsigned i = 0; i < c->count; i++) {
        fv_gpu_free(c->bed->gpu, c->memory[i]);
        fv_case_picture_finish(&c->cases[i]);
    }
    c->count = 0;
}

static bool report(const char *name, const struct check *c, unsigned pictures)
{
    printf("{\"check\": \"%s\", \"element\": \"%s\", \"pictures\": %u, \"worst_of_bound\": %.3f, "
           "\"ok\": %s}\n",
           name, c->params.input == FV_ELEMENT_F16 ? "f16" : "f32", pictures, c->worst,
           c->worst <= 1 ? "true" : "false");
    return c->worst <= 1;
}

/* Any sizes, formats and places. */
static bool check_random(const struct kernel_bed *bed, struct fv_rand *rand,
                         enum fv_element element)
{
    struct check c = {.bed = bed, .params = kernel_params(bed, BATCH)};
    const unsigned runs = bed->quick ? 2 : 8;
    c.params.input = element;
    for (unsigned run = 0; run < runs; run++) {
        c.params.spec = fv_case_spec(rand, bed->quick ? 64 : 512);
        struct fv_gpu_kernels *kernels = kernel_create(&c.params);
        const uint32_t limit = bed->quick ? 100 : run % 2 ? 300 : 1500;
        while (c.count < BATCH)
            add_picture(&c, rand, (enum fv_pixel_format)(c.count % 4),
                        1 + (uint32_t)fv_rand_below(rand, limit),
                        1 + (uint32_t)fv_rand_below(rand, limit));
        run_batch(&c, kernels);
        fv_gpu_kernels_destroy(kernels);
    }
    return report("letterbox of random sizes", &c, runs * BATCH);
}

/* The sizes that cameras send. */
static bool check_usual(const struct kernel_bed *bed, struct fv_rand *rand, enum fv_element element)
{
    static const uint32_t sides[][2] = {{1920, 1080}, {3840, 2160}, {640, 480}, {2592, 1944}};
    struct check c = {.bed = bed, .params = kernel_params(bed, BATCH)};
    c.params.input = element;
    c.params.spec = (struct fv_tensor_spec){
        .width = 416, .height = 416, .bgr = true, .range = 255, .std = {1, 1, 1}, .pad_value = 114};
    struct fv_gpu_kernels *kernels = kernel_create(&c.params);
    for (unsigned i = 0; i < (bed->quick ? 1u : 8u); i++) {
        const uint32_t *side = sides[i / 2];
        add_picture(&c, rand, i % 2 ? FV_PIXEL_P016 : FV_PIXEL_NV12, side[0], side[1]);
        c.places[i] =
            (struct fv_letterbox){.width = 416, .height = (uint16_t)(416 * side[1] / side[0])};
    }
    const unsigned count = c.count;
    run_batch(&c, kernels);
    fv_gpu_kernels_destroy(kernels);
    return report("letterbox of usual sizes", &c, count);
}

bool kernel_check_letterbox(const struct kernel_bed *bed)
{
    bool ok = true;
    struct fv_rand rand;
    fv_rand_seed(&rand, 1);
    for (int element = FV_ELEMENT_F32; element <= FV_ELEMENT_F16; element++) {
        ok &= check_random(bed, &rand, (enum fv_element)element);
        ok &= check_usual(bed, &rand, (enum fv_element)element);
    }
    return ok;
}

/* --- Boxes --- */

/* True: the same to the bit. */
static bool check_case(const struct kernel_bed *bed, const struct fv_case_boxes *c,
                       enum fv_element element)
{
    const size_t size = fv_element_size(element), bytes = (c->first + c->second) * size;
    struct fv_gpu_kernels_params params = kernel_params(bed, 1);
    struct fv_launch_result want;
    struct fv_detection got[FV_DETECTIONS_MAX];
    struct fv_error err = {0};
    uint32_t dropped;
    params.boxes = c->spec;
    params.nms = c->nms;
    params.output = element;
    params.scores_offset = c->first * size;
    struct fv_gpu_kernels *kernels = kernel_create(&params);
    const fv_gpu_address output = kernel_alloc(bed, bytes);
    kernel_upload(bed, output, element == FV_ELEMENT_F16 ? (void *)c->half : (void *)c->output,
                  bytes);
    kernel_must(fv_gpu_boxes(kernels, 0, bed->stream, output, 1, &err), &err);
    kernel_must(fv_gpu_stream_finish(bed->stream, &err), &err);
    fv_case_boxes_expect(c, &want);
    bool same =
        fv_gpu_boxes_read(kernels, 0, 0, got, &dropped) == want.count && dropped == want.dropped;
    for (uint32_t i = 0; same && i < want.count; i++)
        same = memcmp(&got[i], &want.boxes[i], 5 * sizeof(float)) == 0 &&
               got[i].class_id == want.boxes[i].class_id;
    fv_gpu_free(bed->gpu, output);
    fv_gpu_kernels_destroy(kernels);
    return same;
}

static unsigned count_different(const struct kernel_bed *bed, struct fv_rand *rand,
                                const struct fv_box_spec *spec, unsigned cases)
{
    unsigned different = 0;
    for (unsigned i = 0; i < cases; i++) {
        struct fv_case_boxes c;
        fv_case_boxes_init(&c, rand, (enum fv_case_kind)(i / 2 % FV_CASE_KINDS), spec);
        different += !check_case(bed, &c, i % 2 ? FV_ELEMENT_F16 : FV_ELEMENT_F32);
        fv_case_boxes_finish(&c);
    }
    return different;
}

static bool report_boxes(const char *layout, const struct fv_box_spec *spec, unsigned cases,
                         unsigned different)
{
    printf("{\"check\": \"boxes: %s, %ux%u, %u classes\", \"cases\": %u, \"different\": %u, "
           "\"ok\": %s}\n",
           layout, spec->width, spec->height, spec->classes, cases, different,
           different ? "false" : "true");
    return different == 0;
}

static bool check_grids(const struct kernel_bed *bed, struct fv_rand *rand)
{
    static const struct fv_box_spec specs[] = {
        {.width = 96, .height = 64, .strides = {8, 16, 32}, .stride_count = 3, .classes = 7},
        {.width = 416, .height = 416, .strides = {8, 16, 32}, .stride_count = 3, .classes = 80},
        {.width = 640, .height = 640, .strides = {8, 16, 32}, .stride_count = 3, .classes = 80},
    };
    bool ok = true;
    for (unsigned i = 0; i < (bed->quick ? 1u : 3u); i++) {
        const unsigned cases = (bed->quick ? 2 : 8) * FV_CASE_KINDS;
        ok &= report_boxes("yolox", &specs[i], cases, count_different(bed, rand, &specs[i], cases));
    }
    return ok;
}

/* Each layout small, then with the rows and classes of the usual networks. */
static bool check_layouts(const struct kernel_bed *bed, struct fv_rand *rand)
{
    bool ok = true;
    for (unsigned i = 0; i < 2 * FV_CASE_LAYOUTS; i++) {
        const struct fv_case_layout *layout = &fv_case_layouts[i / 2];
        struct fv_box_spec spec = layout->spec;
        const unsigned cases = (bed->quick ? 1 : 4) * FV_CASE_KINDS;
        if (i % 2) {
            if (bed->quick || spec.layout == FV_LAYOUT_YOLOX)
                continue;
            spec = fv_case_large(layout);
        }
        ok &= report_boxes(layout->name, &spec, cases, count_different(bed, rand, &spec, cases));
    }
    return ok;
}

bool kernel_check_boxes(const struct kernel_bed *bed)
{
    struct fv_rand rand;
    fv_rand_seed(&rand, 2);
    const bool ok = check_grids(bed, &rand);
    return check_layouts(bed, &rand) && ok;
}

/* --- */

static void print_device(const struct kernel_bed *bed)
{
    struct fv_gpu_info info;
    struct fv_error err = {0};
    kernel_must(fv_gpu_info(bed->gpu, &info, &err), &err);
    printf("{\"device\": \"%s\", \"compute\": \"%d.%d\", \"driver\": %d}\n", info.name, info.major,
           info.minor, info.driver);
}

int main(int argc, char **argv)
{
    struct kernel_bed bed = {0};
    struct fv_error err = {0};
    bool benches = true;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0) {
            bed.quick = true;
        } else if (strcmp(argv[i], "--no-bench") == 0) {
            benches = false;
        } else {
            fprintf(stderr, "usage: kernel_check [--quick] [--no-bench]\n");
            return 2;
        }
    }
    kernel_must(fv_gpu_open(&(struct fv_gpu_params){0}, &bed.gpu, &err), &err);
    kernel_must(fv_gpu_stream_create(bed.gpu, &bed.stream, &err), &err);
    print_device(&bed);
    bool ok = kernel_check_letterbox(&bed);
    ok &= kernel_check_boxes(&bed);
    ok &= kernel_check_recode(&bed);
    if (benches)
        kernel_bench(&bed);
    fv_gpu_stream_destroy(bed.stream);
    fv_gpu_close(bed.gpu);
    return ok ? 0 : 1;
}

// SPDX-License-Identifier: Apache-2.0
/* The kernels as the pipeline launches them, on the look-alike of the driver, which runs their source on the CPU. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fakegpu/kernel_cases.h"
#include "gpu/kernels.h"

#define BATCH 4

static const struct fv_tensor_spec tensor = {
    .width = 64, .height = 48, .range = 255, .std = {1, 1, 1}, .pad_value = 114, .bgr = true};
static const struct fv_box_spec rows = {.width = 64,
                                        .height = 48,
                                        .strides = {8, 16},
                                        .stride_count = 2,
                                        .classes = 5,
                                        .score_threshold = 0.25f};

static struct fv_gpu_kernels_params usual(struct fv_gpu *gpu, enum fv_element element)
{
    return (struct fv_gpu_kernels_params){
        .gpu = gpu,
        .max_batch = BATCH,
        .lanes = 2,
        .spec = tensor,
        .input = element,
        .boxes = rows,
        .output = element,
        .nms = {.iou_threshold = 0.45f, .max_candidates = 4096, .max_boxes = 300}};
}

static struct fv_gpu *open_gpu(const char *script)
{
    struct fv_gpu *gpu = NULL;
    struct fv_error err = {0};
    setenv("FOVEA_FAKE_GPU", script, 1);
    if (fv_gpu_open(&(struct fv_gpu_params){.pool_bytes = 4 << 20}, &gpu, &err) < 0)
        fail_msg("%s", err.text);
    return gpu;
}

/* Everything that a test needs. */
struct bed {
    struct fv_gpu *gpu;
    struct fv_gpu_stream *stream, *decoder; /* the pictures are made in `decoder` */
    struct fv_gpu_kernels *kernels;
    struct fv_gpu_kernels_params params;
};

static void open_bed(struct bed *bed, enum fv_element element)
{
    struct fv_error err = {0};
    *bed = (struct bed){.gpu = open_gpu("")};
    bed->params = usual(bed->gpu, element);
    assert_int_equal(fv_gpu_stream_create(bed->gpu, &bed->stream, NULL), 0);
    assert_int_equal(fv_gpu_stream_create(bed->gpu, &bed->decoder, NULL), 0);
    if (fv_gpu_kernels_create(&bed->params, &bed->kernels, &err) < 0)
        fail_msg("%s", err.text);
}

static void close_bed(struct bed *bed)
{
    fv_gpu_kernels_destroy(bed->kernels);
    fv_gpu_stream_destroy(bed->stream);
    fv_gpu_stream_destroy(bed->decoder);
    fv_gpu_close(bed->gpu);
}

/* --- Letterbox --- */

struct surface {
    struct fv_case_picture c;
    struct fv_picture picture; /* the same in device memory */
    fv_gpu_address memory;
    struct fv_gpu_event *ready;
};

static void make_surface(const struct bed *bed, struct fv_rand *rand, struct surface *s)
{
    fv_case_picture_init(&s->c, rand, (enum fv_pixel_format)fv_rand_below(rand, 4),
                         1 + (uint32_t)fv_rand_below(rand, 150),
                         1 + (uint32_t)fv_rand_below(rand, 150));
    assert_int_equal(fv_gpu_alloc(bed->gpu, s->c.size, "test", &s->memory, NULL), 0);
    assert_int_equal(fv_gpu_event_create(bed->gpu, &s->ready, NULL), 0);
    assert_int_equal(
        fv_gpu_upload(bed->decoder, s->memory, s->c.memory, s->c.size, FV_GPU_BITSTREAM, NULL), 0);
    assert_int_equal(fv_gpu_event_record(s->ready, bed->decoder, NULL), 0);
    s->picture = s->c.picture;
    s->picture.memory = FV_MEMORY_DEVICE;
    s->picture.ready = s->ready;
    for (int i = 0; i < 3; i++)
        s->picture.plane[i] = (const uint8_t *)(uintptr_t)(s->memory + s->c.offset[i]);
}

static void drop_surface(const struct bed *bed, struct surface *s)
{
    fv_gpu_free(bed->gpu, s->memory);
    fv_gpu_event_destroy(s->ready);
    fv_case_picture_finish(&s->c);
}

static void compare_image(const struct bed *bed, const struct surface *s,
                          const struct fv_letterbox *place, const void *got)
{
    static float want[3 * 64 * 48];
    struct fv_resizer *resizer;
    assert_int_equal(fv_resizer_create(&resizer), 0);
    assert_int_equal(fv_letterbox_run(resizer, &s->c.picture, place, &tensor, want), 0);
    const double difference = fv_case_difference(&tensor, bed->params.input, want, got);
    if (difference > 1)
        fail_msg("format %d, %ux%u: %.2f of the bound", s->picture.format, s->picture.info.width,
                 s->picture.info.height, difference);
    fv_resizer_destroy(resizer);
}

/* One batch in `lane`: made in one stream, scaled in another, nothing waits on the host in between. */
static void run_batch(const struct bed *bed, struct fv_rand *rand, unsigned lane, unsigned count)
{
    const size_t image = 3 * 64 * 48 * fv_element_size(bed->params.input);
    struct surface surfaces[BATCH];
    struct fv_picture *pictures[BATCH];
    struct fv_letterbox places[BATCH];
    fv_gpu_address memory;
    for (unsigned i = 0; i < count; i++) {
        make_surface(bed, rand, &surfaces[i]);
        pictures[i] = &surfaces[i].picture;
        places[i] = fv_case_place(rand, &tensor);
    }
    assert_int_equal(fv_gpu_alloc(bed->gpu, count * image, "test", &memory, NULL), 0);
    const struct fv_gpu_letterbox_batch batch = {pictures, places, count, memory};
    assert_int_equal(fv_gpu_letterbox(bed->kernels, lane, bed->stream, &batch, NULL), 0);
    uint8_t *got = malloc(count * image);
    assert_non_null(got);
    assert_int_equal(
        fv_gpu_download(bed->stream, got, memory, count * image, FV_GPU_SNAPSHOT, NULL), 0);
    assert_int_equal(fv_gpu_stream_finish(bed->stream, NULL), 0);
    for (unsigned i = 0; i < count; i++) {
        compare_image(bed, &surfaces[i], &places[i], got + i * image);
        drop_surface(bed, &surfaces[i]);
    }
    free(got);
    fv_gpu_free(bed->gpu, memory);
}

static void test_letterbox(void **state)
{
    struct fv_rand rand;
    fv_rand_seed(&rand, 5);
    for (int element = FV_ELEMENT_F32; element <= FV_ELEMENT_F16; element++) {
        struct bed bed;
        open_bed(&bed, (enum fv_element)element);
        for (unsigned run = 0; run < 12; run++)
            run_batch(&bed, &rand, run % 2, 1 + run % BATCH);
        struct fv_gpu_traffic traffic;
        fv_gpu_traffic(bed.gpu, &traffic);
        /* 12 batches of 1, 2, 3, 4 pictures: 30 descriptors. */
        assert_int_equal(traffic.to_device[FV_GPU_CONTROL], 30 * sizeof(struct fv_launch_picture));
        close_bed(&bed);
    }
}

static void test_letterbox_refuses(void **state)
{
    struct bed bed;
    struct fv_error err = {0};
    struct fv_picture host = {.format = FV_PIXEL_NV12, .info = {.width = 8, .height = 8}};
    struct fv_picture *pictures[BATCH + 1] = {&host, &host, &host, &host, &host};
    struct fv_letterbox places[BATCH + 1] = {{.width = 8, .height = 8}};
    struct fv_gpu_letterbox_batch batch = {pictures, places, 1, 256};
    open_bed(&bed, FV_ELEMENT_F16);
    assert_int_equal(fv_gpu_letterbox(bed.kernels, 0, bed.stream, &batch, &err), -ENOTSUP);
    assert_non_null(strstr(err.text, "picture 0 of the batch (8x8, format 1)"));
    assert_int_equal(fv_gpu_letterbox(bed.kernels, 2, bed.stream, &batch, NULL), -EINVAL);
    batch.count = 0;
    assert_int_equal(fv_gpu_letterbox(bed.kernels, 0, bed.stream, &batch, NULL), -EINVAL);
    batch.count = BATCH + 1;
    assert_int_equal(fv_gpu_letterbox(bed.kernels, 0, bed.stream, &batch, NULL), -EINVAL);
    assert_int_equal(fv_gpu_boxes(bed.kernels, 0, bed.stream, 256, BATCH + 1, NULL), -EINVAL);
    assert_int_equal(fv_gpu_boxes(bed.kernels, 2, bed.stream, 256, 1, NULL), -EINVAL);
    close_bed(&bed);
}

/* --- Boxes --- */

static void compare_result(const struct bed *bed, unsigned lane, unsigned index,
                           const struct fv_case_boxes *c)
{
    struct fv_launch_result want;
    struct fv_detection got[FV_DETECTIONS_MAX];
    uint32_t dropped = 99;
    fv_case_boxes_expect(c, &want);
    assert_int_equal(fv_gpu_boxes_read(bed->kernels, lane, index, got, &dropped), want.count);
    assert_int_equal(dropped, want.dropped);
    for (uint32_t i = 0; i < want.count; i++) {
        const struct fv_launch_box *box = &want.boxes[i];
        assert_true(got[i].x0 == box->x0 && got[i].y0 == box->y0 && got[i].x1 == box->x1 &&
                    got[i].y1 == box->y1 && got[i].score == box->score &&
                    got[i].class_id == box->class_id && got[i].track == 0);
    }
}

/* Both outputs of `count` cases of one spec, one behind the other. */
static fv_gpu_address upload_cases(struct bed *bed, const struct fv_case_boxes *cases,
                                   unsigned count)
{
    const size_t size = fv_element_size(bed->params.output);
    const size_t first = cases->first * size, second = cases->second * size;
    fv_gpu_address output;
    assert_int_equal(fv_gpu_alloc(bed->gpu, count * (first + second), "test", &output, NULL), 0);
    for (unsigned i = 0; i < count; i++) {
        const uint8_t *values = size == 2 ? (void *)cases[i].half : (void *)cases[i].output;
        assert_int_equal(
            fv_gpu_upload(bed->stream, output + i * first, values, first, FV_GPU_CONTROL, NULL), 0);
        if (second > 0)
            assert_int_equal(fv_gpu_upload(bed->stream, output + count * first + i * second,
                                           values + first, second, FV_GPU_CONTROL, NULL),
                             0);
    }
    return output;
}

static void run_images(struct bed *bed, struct fv_rand *rand, unsigned lane, unsigned count)
{
    struct fv_case_boxes cases[BATCH];
    for (unsigned i = 0; i < count; i++) {
        fv_case_boxes_init(&cases[i], rand, (enum fv_case_kind)fv_rand_below(rand, FV_CASE_KINDS),
                           &bed->params.boxes);
        cases[i].spec = bed->params.boxes; /* thresholds and classes are alike for all */
        cases[i].nms = bed->params.nms;
    }
    const fv_gpu_address output = upload_cases(bed, cases, count);
    assert_int_equal(fv_gpu_boxes(bed->kernels, lane, bed->stream, output, count, NULL), 0);
    assert_int_equal(fv_gpu_stream_finish(bed->stream, NULL), 0);
    for (unsigned i = 0; i < count; i++) {
        compare_result(bed, lane, i, &cases[i]);
        fv_case_boxes_finish(&cases[i]);
    }
    fv_gpu_free(bed->gpu, output);
}

static void test_boxes(void **state)
{
    struct fv_rand rand;
    fv_rand_seed(&rand, 6);
    for (int element = FV_ELEMENT_F32; element <= FV_ELEMENT_F16; element++) {
        struct bed bed;
        open_bed(&bed, (enum fv_element)element);
        for (unsigned run = 0; run < 20; run++)
            run_images(&bed, &rand, run % 2, 1 + run % BATCH);
        close_bed(&bed);
    }
}

/* Each layout, a batch at a time; the second output lies behind the first one's batch, the priors may go away. */
static void test_layouts(void **state)
{
    struct fv_rand rand;
    struct bed bed;
    fv_rand_seed(&rand, 9);
    open_bed(&bed, FV_ELEMENT_F16);
    for (int i = 0; i < FV_CASE_LAYOUTS; i++) {
        struct fv_case_boxes c;
        struct fv_gpu_kernels_params params = bed.params;
        fv_case_boxes_init(&c, &rand, FV_CASE_EMPTY, &fv_case_layouts[i].spec);
        fv_gpu_kernels_destroy(bed.kernels);
        bed.params.boxes = c.spec;
        bed.params.boxes.wanted = NULL;
        bed.params.nms.iou_threshold = c.nms.iou_threshold;
        bed.params.scores_offset = BATCH * c.first * 2;
        params = bed.params;
        float *priors = NULL;
        if (c.priors) {
            const size_t bytes = (size_t)4 * c.rows * sizeof(*priors);
            priors = malloc(bytes);
            assert_non_null(priors);
            memcpy(priors, c.priors, bytes);
            params.boxes.priors = priors;
        }
        assert_int_equal(fv_gpu_kernels_create(&params, &bed.kernels, NULL), 0);
        free(priors);
        for (unsigned run = 0; run < 4; run++)
            run_images(&bed, &rand, run % 2, BATCH);
        fv_case_boxes_finish(&c);
    }
    close_bed(&bed);
}

/* Thresholds, classes and limits are the ones given at create; the table of classes may go away. */
static void test_choices(void **state)
{
    struct fv_rand rand;
    struct bed bed;
    uint8_t wanted[5] = {0, 1, 0, 0, 1};
    open_bed(&bed, FV_ELEMENT_F16);
    fv_gpu_kernels_destroy(bed.kernels);
    bed.params.boxes.wanted = wanted;
    bed.params.boxes.score_threshold = 0.6f;
    bed.params.nms.max_boxes = 3;
    bed.params.nms.max_candidates = 20;
    bed.params.nms.iou_threshold = 0.3f;
    assert_int_equal(fv_gpu_kernels_create(&bed.params, &bed.kernels, NULL), 0);
    static const uint8_t copy[5] = {0, 1, 0, 0, 1};
    memset(wanted, 0, sizeof(wanted));
    bed.params.boxes.wanted = copy;
    fv_rand_seed(&rand, 7);
    for (unsigned run = 0; run < 20; run++)
        run_images(&bed, &rand, 0, BATCH);
    close_bed(&bed);
}

static void test_bytes_to_the_host(void **state)
{
    struct bed bed;
    struct fv_rand rand;
    struct fv_case_boxes c;
    struct fv_detection out[FV_DETECTIONS_MAX];
    struct fv_gpu_traffic traffic;
    fv_gpu_address output;
    open_bed(&bed, FV_ELEMENT_F32);
    fv_rand_seed(&rand, 8);
    fv_case_boxes_init(&c, &rand, FV_CASE_STACKED, &rows);
    const size_t bytes = sizeof(*c.output) * c.first;
    assert_int_equal(fv_gpu_alloc(bed.gpu, bytes, "test", &output, NULL), 0);
    assert_int_equal(fv_gpu_upload(bed.stream, output, c.output, bytes, FV_GPU_CONTROL, NULL), 0);
    assert_int_equal(fv_gpu_boxes(bed.kernels, 0, bed.stream, output, 1, NULL), 0);
    assert_int_equal(fv_gpu_stream_finish(bed.stream, NULL), 0);
    assert_int_equal(fv_gpu_boxes_read(bed.kernels, 0, 0, out, NULL), 1); /* all at one place */
    fv_gpu_traffic(bed.gpu, &traffic);
    assert_int_equal(traffic.to_host[FV_GPU_BOXES], 2 * 4 + 6 * 4); /* two counts and one box */
    assert_int_equal(traffic.tripped, 0);
    fv_gpu_free(bed.gpu, output);
    fv_case_boxes_finish(&c);
    close_bed(&bed);
}

/* --- Create --- */

static void test_create_refuses(void **state)
{
    struct fv_gpu *gpu = open_gpu("");
    const struct fv_gpu_kernels_params good = usual(gpu, FV_ELEMENT_F16);
    struct fv_gpu_kernels *kernels;
    for (int i = 0; i < 5; i++) {
        struct fv_gpu_kernels_params p = good;
        switch (i) {
        case 0:
            p.max_batch = 0;
            break;
        case 1:
            p.lanes = 0;
            break;
        case 2:
            p.nms.max_boxes = FV_DETECTIONS_MAX + 1;
            break;
        case 3:
            p.boxes.stride_count = 0;
            break;
        default:
            p.spec.width = 0;
            break;
        }
        assert_int_equal(fv_gpu_kernels_create(&p, &kernels, NULL), -EINVAL);
    }
    fv_gpu_kernels_destroy(NULL);
    fv_gpu_close(gpu);
}

/* The look-alike ends the process when something is left at close. */
static void create_and_close(const char *script, int want, const char *words)
{
    struct fv_gpu *gpu = open_gpu(script);
    struct fv_gpu_kernels_params params = usual(gpu, FV_ELEMENT_F16);
    static const uint8_t wanted[5] = {1};
    params.boxes.wanted = wanted;
    struct fv_gpu_kernels *kernels = NULL;
    struct fv_error err = {0};
    const int code = fv_gpu_kernels_create(&params, &kernels, &err);
    print_message("  %s: %s\n", script, err.text);
    assert_int_equal(code, want);
    assert_non_null(strstr(err.text, words));
    fv_gpu_kernels_destroy(kernels);
    fv_gpu_close(gpu);
}

static void test_driver_fails(void **state)
{
    create_and_close("call-fail=cuModuleLoadDataEx:1:218", -EIO, "kernel fv_letterbox: ");
    create_and_close("call-fail=cuModuleLoadDataEx:2:218", -EIO, "kernel fv_boxes: ");
    create_and_close("call-fail=cuModuleGetFunction:2:500", -EIO, "kernel fv_boxes: ");
    create_and_close("call-fail=cuMemcpyHtoDAsync:1", -EIO, "cuMemcpyHtoDAsync");
    create_and_close("call-fail=cuMemHostAlloc:1:2", -ENOMEM, "cuMemHostAlloc");
    create_and_close("call-fail=cuMemHostAlloc:4:2", -ENOMEM, "cuMemHostAlloc");
    create_and_close("call-fail=cuModuleLoadDataEx:1:700", -ENODEV, "kernel fv_letterbox: ");
}

static void test_no_memory(void **state)
{
    unsigned failures = 0;
    for (unsigned n = 1;; n++) {
        struct fv_gpu *gpu = open_gpu("");
        struct fv_gpu_kernels_params params = usual(gpu, FV_ELEMENT_F16);
        struct fv_gpu_kernels *kernels = NULL;
        fv_alloc_fail_at(n);
        int code = fv_gpu_kernels_create(&params, &kernels, NULL);
        const int pending = fv_alloc_fail_pending();
        fv_alloc_fail_at(0);
        assert_int_equal(code, pending ? 0 : -ENOMEM);
        failures += !pending;
        fv_gpu_kernels_destroy(kernels);
        fv_gpu_close(gpu);
        if (pending)
            break;
    }
    assert_true(failures >= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_letterbox),      cmocka_unit_test(test_letterbox_refuses),
        cmocka_unit_test(test_boxes),          cmocka_unit_test(test_layouts),
        cmocka_unit_test(test_choices),        cmocka_unit_test(test_bytes_to_the_host),
        cmocka_unit_test(test_create_refuses), cmocka_unit_test(test_driver_fails),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

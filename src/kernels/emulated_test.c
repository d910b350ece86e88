// SPDX-License-Identifier: Apache-2.0
/* The kernels' own source, run on the CPU, against its plain-C twins. */
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

#include "fakegpu/emulate.h"
#include "fakegpu/kernel_cases.h"

static void launch(const char *name, const struct fv_launch_shape *shape, unsigned workers,
                   void *parameter)
{
    void *parameters[] = {parameter};
    struct fv_emulated_launch l = {.name = name, .parameters = parameters, .workers = workers};
    memcpy(l.grid, shape->grid, sizeof(l.grid));
    memcpy(l.block, shape->block, sizeof(l.block));
    assert_int_equal(fv_emulate(&l), 0);
}

/* --- Letterbox --- */

#define BATCH 3

struct letterbox_batch {
    struct fv_tensor_spec spec;
    enum fv_element element;
    struct fv_case_picture pictures[BATCH];
    struct fv_letterbox places[BATCH];
    struct fv_launch_picture launches[BATCH];
};

static void make_batch(struct letterbox_batch *b, struct fv_rand *rand)
{
    b->spec = fv_case_spec(rand, 80);
    b->element = fv_rand_below(rand, 2) ? FV_ELEMENT_F16 : FV_ELEMENT_F32;
    for (int i = 0; i < BATCH; i++) {
        enum fv_pixel_format format = (enum fv_pixel_format)fv_rand_below(rand, 4);
        uint32_t limit = fv_rand_below(rand, 4) ? 200 : 20;
        fv_case_picture_init(&b->pictures[i], rand, format,
                             1 + (uint32_t)fv_rand_below(rand, limit),
                             1 + (uint32_t)fv_rand_below(rand, limit));
        b->places[i] = fv_case_place(rand, &b->spec);
        assert_int_equal(fv_launch_picture_init(&b->launches[i], &b->pictures[i].picture,
                                                &b->places[i], &b->spec),
                         0);
    }
}

static void finish_batch(struct letterbox_batch *b)
{
    for (int i = 0; i < BATCH; i++)
        fv_case_picture_finish(&b->pictures[i]);
}

static void compare_batch(const struct letterbox_batch *b, const uint8_t *tensor)
{
    const size_t image = 3 * (size_t)b->spec.width * b->spec.height;
    float *want = malloc(image * sizeof(*want));
    struct fv_resizer *resizer;
    assert_non_null(want);
    assert_int_equal(fv_resizer_create(&resizer), 0);
    for (size_t i = 0; i < BATCH; i++) {
        const struct fv_picture *picture = &b->pictures[i].picture;
        assert_int_equal(fv_letterbox_run(resizer, picture, &b->places[i], &b->spec, want), 0);
        const double difference = fv_case_difference(
            &b->spec, b->element, want, tensor + i * image * fv_element_size(b->element));
        if (difference > 1)
            fail_msg("format %d, %ux%u -> %ux%u: %.2f of the bound", picture->format,
                     picture->info.width, picture->info.height, b->places[i].width,
                     b->places[i].height, difference);
    }
    fv_resizer_destroy(resizer);
    free(want);
}

static void test_letterbox(void **state)
{
    (void)state;
    struct fv_rand rand;
    fv_rand_seed(&rand, 1);
    for (int run = 0; run < 100; run++) {
        struct letterbox_batch b;
        make_batch(&b, &rand);
        const size_t bytes =
            BATCH * 3 * (size_t)b.spec.width * b.spec.height * fv_element_size(b.element);
        uint8_t *tensor = malloc(bytes);
        assert_non_null(tensor);
        memset(tensor, 0xFF, bytes); /* not a number: what stays so is found */
        struct fv_launch_letterbox l;
        fv_launch_letterbox_init(&l, &b.spec, b.element);
        l.pictures = (uintptr_t)b.launches;
        l.tensor = (uintptr_t)tensor;
        struct fv_launch_shape shape = fv_launch_letterbox_shape(&b.spec, BATCH);
        launch("fv_letterbox", &shape, 1, &l);
        compare_batch(&b, tensor);
        free(tensor);
        finish_batch(&b);
    }
}

static void test_letterbox_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int code;
        enum fv_pixel_format format;
        uint32_t width, height;
        struct fv_letterbox place;
        size_t pitch[3];
    } cases[] = {
        {"fine", 0, FV_PIXEL_NV12, 8, 8, {.width = 4, .height = 4}, {9, 8, 0}},
        {"no such format",
         -ENOTSUP,
         (enum fv_pixel_format)4,
         8,
         8,
         {.width = 4, .height = 4},
         {8, 8, 8}},
        {"no width", -EINVAL, FV_PIXEL_NV12, 0, 8, {.width = 4, .height = 4}, {8, 8, 0}},
        {"too high", -EINVAL, FV_PIXEL_NV12, 8, 16385, {.width = 4, .height = 4}, {8, 8, 0}},
        {"place without height", -EINVAL, FV_PIXEL_NV12, 8, 8, {.width = 4}, {8, 8, 0}},
        {"place beyond the tensor",
         -EINVAL,
         FV_PIXEL_NV12,
         8,
         8,
         {.x = 7, .width = 4, .height = 4},
         {8, 8, 0}},
        {"odd pairs", -EINVAL, FV_PIXEL_NV12, 8, 8, {.width = 4, .height = 4}, {8, 9, 0}},
        {"odd samples", -EINVAL, FV_PIXEL_I010, 8, 8, {.width = 4, .height = 4}, {16, 8, 9}},
        {"pairs of wide samples",
         -EINVAL,
         FV_PIXEL_P016,
         8,
         8,
         {.width = 4, .height = 4},
         {18, 18, 0}},
    };
    const struct fv_tensor_spec spec = {.width = 10, .height = 10, .range = 1, .std = {1, 1, 1}};
    static const uint32_t samples[64];
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct fv_picture picture = {.format = cases[i].format};
        struct fv_launch_picture l;
        picture.info.width = cases[i].width;
        picture.info.height = cases[i].height;
        for (int k = 0; k < 3; k++) {
            picture.plane[k] = (const uint8_t *)samples;
            picture.pitch[k] = cases[i].pitch[k];
        }
        print_message("  %s\n", cases[i].name);
        assert_int_equal(fv_launch_picture_init(&l, &picture, &cases[i].place, &spec),
                         cases[i].code);
    }
}

/* --- Planes for JPEG --- */

static void recode(const struct fv_case_planes *planes, const struct fv_picture *picture,
                   uint8_t *out)
{
    struct fv_launch_recode l;
    assert_int_equal(fv_launch_recode_init(&l, picture), 0);
    for (int i = 0; i < 3; i++) {
        l.out[i] = (uintptr_t)(out + planes->offset[i]);
        l.out_pitch[i] = (uint32_t)planes->pitch[i];
    }
    const struct fv_launch_shape shape =
        fv_launch_recode_shape(picture->info.width, picture->info.height);
    memset(out, FV_CASE_UNTOUCHED, planes->size);
    launch("fv_recode", &shape, 1, &l);
}

/* Any format, matrix, range and size: the same to the bit, and nothing beside it. */
static void test_recode(void **state)
{
    (void)state;
    struct fv_rand rand;
    fv_rand_seed(&rand, 3);
    for (int run = 0; run < 200; run++) {
        const uint32_t limit = run % 4 ? 100 : 3;
        struct fv_case_picture c;
        fv_case_picture_init(&c, &rand, (enum fv_pixel_format)(run % 4),
                             1 + (uint32_t)fv_rand_below(&rand, limit),
                             1 + (uint32_t)fv_rand_below(&rand, limit));
        const struct fv_frame_info *info = &c.picture.info;
        const struct fv_case_planes planes = fv_case_planes(&rand, info->width, info->height);
        uint8_t *want = fv_case_planes_expect(&planes, &c.picture), *got = malloc(planes.size);
        assert_non_null(got);
        recode(&planes, &c.picture, got);
        assert_memory_equal(want, got, planes.size);
        free(want);
        free(got);
        fv_case_picture_finish(&c);
    }
}

static void test_recode_refuses(void **state)
{
    (void)state;
    static const uint32_t samples[16];
    struct fv_launch_recode l;
    struct fv_picture picture = {.format = FV_PIXEL_P016,
                                 .info = {.width = 3, .height = 3},
                                 .plane = {(const uint8_t *)samples, (const uint8_t *)samples},
                                 .pitch = {6, 8}};
    assert_int_equal(fv_launch_recode_init(&l, &picture), 0);
    assert_int_equal(l.shift, 0);
    picture.pitch[1] = 6; /* pairs of 16 bits */
    assert_int_equal(fv_launch_recode_init(&l, &picture), -EINVAL);
    picture.pitch[1] = 8;
    picture.info.height = 16385;
    assert_int_equal(fv_launch_recode_init(&l, &picture), -EINVAL);
    picture.info.height = 0;
    assert_int_equal(fv_launch_recode_init(&l, &picture), -EINVAL);
    picture.format = (enum fv_pixel_format)4;
    assert_int_equal(fv_launch_recode_init(&l, &picture), -ENOTSUP);
}

/* --- Boxes --- */

static const struct fv_box_spec small = {
    .width = 96, .height = 64, .strides = {8, 16, 32}, .stride_count = 3, .classes = 7};
/* More rows than NMS looks at. */
static const struct fv_box_spec large = {
    .width = 640, .height = 480, .strides = {8, 16}, .stride_count = 2, .classes = 2};

static void run_boxes(const struct fv_case_boxes *c, enum fv_element element, unsigned workers,
                      struct fv_launch_result *ret_result)
{
    struct fv_launch_boxes l;
    assert_int_equal(fv_launch_boxes_init(&l, &c->spec, &c->nms, element), 0);
    uint64_t *keys = calloc(c->rows, sizeof(*keys));
    struct fv_launch_corners *corners = calloc(c->nms.max_candidates, sizeof(*corners));
    assert_non_null(keys);
    assert_non_null(corners);
    l.output = element == FV_ELEMENT_F16 ? (uintptr_t)c->half : (uintptr_t)c->output;
    l.scores = l.output + (c->second ? c->first * fv_element_size(element) : 0);
    l.priors = (uintptr_t)c->priors;
    l.wanted = (uintptr_t)c->spec.wanted;
    l.keys = (uintptr_t)keys;
    l.corners = (uintptr_t)corners;
    l.results = (uintptr_t)ret_result;
    struct fv_launch_shape shape = fv_launch_boxes_shape(1);
    launch("fv_boxes", &shape, workers, &l);
    free(keys);
    free(corners);
}

static void compare_boxes(const struct fv_box_spec *spec, unsigned workers, int runs)
{
    struct fv_rand rand;
    uint32_t most = 0;
    fv_rand_seed(&rand, workers);
    for (int run = 0; run < runs; run++) {
        const enum fv_case_kind kind = (enum fv_case_kind)(run % FV_CASE_KINDS);
        const enum fv_element element = fv_rand_below(&rand, 2) ? FV_ELEMENT_F16 : FV_ELEMENT_F32;
        struct fv_case_boxes c;
        struct fv_launch_result want, got = {0};
        fv_case_boxes_init(&c, &rand, kind, spec);
        fv_case_boxes_expect(&c, &want);
        run_boxes(&c, element, workers, &got);
        if (!fv_case_boxes_equal(&want, &got))
            fail_msg("kind %d, %d workers, run %d: %u boxes, %u dropped; the twin has %u and %u",
                     kind, workers, run, got.count, got.dropped, want.count, want.dropped);
        most = want.count > most ? want.count : most;
        fv_case_boxes_finish(&c);
    }
    /* Cases without boxes would prove nothing. */
    assert_true(most > (spec->layout == FV_LAYOUT_CLASSES ? 0 : 20));
}

static void test_boxes_one_thread(void **state)
{
    (void)state;
    compare_boxes(&small, 1, 140);
    compare_boxes(&large, 1, 28);
}

static void test_boxes_many_threads(void **state)
{
    (void)state;
    compare_boxes(&small, 3, 28);
    compare_boxes(&small, 8, 28);
    compare_boxes(&large, 4, 14);
}

static void test_layouts(void **state)
{
    (void)state;
    for (int i = 0; i < FV_CASE_LAYOUTS; i++) {
        print_message("  %s\n", fv_case_layouts[i].name);
        compare_boxes(&fv_case_layouts[i].spec, 1, 8 * FV_CASE_KINDS);
        compare_boxes(&fv_case_layouts[i].spec, 4, FV_CASE_KINDS);
    }
}

static void test_boxes_refuses(void **state)
{
    (void)state;
    struct fv_launch_boxes l;
    struct fv_nms_params nms = {.max_candidates = 4096, .max_boxes = 300};
    struct fv_box_spec spec = small;
    assert_int_equal(fv_launch_boxes_init(&l, &spec, &nms, FV_ELEMENT_F32), 0);
    assert_int_equal(l.reading.rows, 12 * 8 + 6 * 4 + 3 * 2);
    nms.max_candidates = 4097;
    assert_int_equal(fv_launch_boxes_init(&l, &spec, &nms, FV_ELEMENT_F32), -EINVAL);
    nms = (struct fv_nms_params){.max_candidates = 1, .max_boxes = 301};
    assert_int_equal(fv_launch_boxes_init(&l, &spec, &nms, FV_ELEMENT_F32), -EINVAL);
    nms.max_boxes = 1;
    spec.strides[1] = 0;
    assert_int_equal(fv_launch_boxes_init(&l, &spec, &nms, FV_ELEMENT_F32), -EINVAL);
    spec = small;
    spec.stride_count = 5;
    assert_int_equal(fv_launch_boxes_init(&l, &spec, &nms, FV_ELEMENT_F32), -EINVAL);
    spec = small;
    spec.classes = 4097;
    assert_int_equal(fv_launch_boxes_init(&l, &spec, &nms, FV_ELEMENT_F32), -EINVAL);
    spec = small;
    spec.width = spec.height = 16384;
    assert_int_equal(fv_launch_boxes_init(&l, &spec, &nms, FV_ELEMENT_F32), -EINVAL);
}

static void test_no_such_kernel(void **state)
{
    (void)state;
    struct fv_emulated_launch l = {.name = "fv_nothing", .grid = {1, 1, 1}, .block = {1, 1, 1}};
    assert_int_equal(fv_emulate(&l), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_letterbox),        cmocka_unit_test(test_letterbox_refuses),
        cmocka_unit_test(test_recode),           cmocka_unit_test(test_recode_refuses),
        cmocka_unit_test(test_boxes_one_thread), cmocka_unit_test(test_boxes_many_threads),
        cmocka_unit_test(test_layouts),          cmocka_unit_test(test_boxes_refuses),
        cmocka_unit_test(test_no_such_kernel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

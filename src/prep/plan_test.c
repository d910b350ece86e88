// SPDX-License-Identifier: Apache-2.0
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <math.h>

#include "prep/plan.h"

struct plan_case {
    uint32_t width, height, tensor_width, tensor_height;
    enum fv_pad pad;
    struct fv_letterbox want;
};

static void assert_plan(const struct plan_case *c)
{
    struct fv_letterbox got;
    assert_int_equal(
        fv_plan_letterbox(c->width, c->height, c->tensor_width, c->tensor_height, c->pad, &got), 0);
    assert_float_equal(got.scale, c->want.scale, 1e-6f);
    assert_int_equal(got.x, c->want.x);
    assert_int_equal(got.y, c->want.y);
    assert_int_equal(got.width, c->want.width);
    assert_int_equal(got.height, c->want.height);
}

static void test_plans(void **state)
{
    (void)state;
    static const struct plan_case cases[] = {
        /* Shrinking, wide and tall. */
        {1920, 1080, 416, 416, FV_PAD_TOP_LEFT, {0.2166667f, 0, 0, 416, 234}},
        {1920, 1080, 416, 416, FV_PAD_CENTRE, {0.2166667f, 0, 91, 416, 234}},
        {768, 576, 416, 416, FV_PAD_TOP_LEFT, {0.5416667f, 0, 0, 416, 312}},
        {1080, 1920, 416, 416, FV_PAD_CENTRE, {0.2166667f, 91, 0, 234, 416}},
        /* An exact fit has no padding. */
        {640, 640, 640, 640, FV_PAD_CENTRE, {1.0f, 0, 0, 640, 640}},
        {1280, 720, 640, 360, FV_PAD_CENTRE, {0.5f, 0, 0, 640, 360}},
        /* Enlarging. */
        {100, 50, 640, 640, FV_PAD_CENTRE, {6.4f, 0, 160, 640, 320}},
        /* floor: 333 * 416 / 500 = 277.056; the odd pixel of padding goes to the bottom: (416 -
         * 277) / 2 = 69. */
        {500, 333, 416, 416, FV_PAD_CENTRE, {0.832f, 0, 69, 416, 277}},
        /* Never less than one pixel. */
        {16384, 2, 416, 416, FV_PAD_TOP_LEFT, {0.02539063f, 0, 0, 416, 1}},
        {2, 16384, 416, 416, FV_PAD_TOP_LEFT, {0.02539063f, 0, 0, 1, 416}},
        {16384, 16384, 16384, 16384, FV_PAD_CENTRE, {1.0f, 0, 0, 16384, 16384}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_plan(&cases[i]);
}

static void test_refuses_sizes(void **state)
{
    (void)state;
    struct fv_letterbox box = {.width = 77};
    for (int side = 0; side < 4; side++) {
        uint32_t size[4] = {640, 480, 416, 416};
        size[side] = 0;
        assert_int_equal(fv_plan_letterbox(size[0], size[1], size[2], size[3], FV_PAD_CENTRE, &box),
                         -EINVAL);
        size[side] = 16385;
        assert_int_equal(fv_plan_letterbox(size[0], size[1], size[2], size[3], FV_PAD_CENTRE, &box),
                         -EINVAL);
    }
    assert_int_equal(box.width, 77);
}

static const struct fv_letterbox half = {
    .scale = 0.5f, .x = 0, .y = 140, .width = 640, .height = 360};

static void test_box_back(void **state)
{
    (void)state;
    struct fv_detection d = {.x0 = 10, .y0 = 150, .x1 = 110, .y1 = 240, .score = 0.5f};
    assert_true(fv_plan_box_to_picture(&half, 1280, 720, &d));
    assert_float_equal(d.x0, 20, 1e-4f);
    assert_float_equal(d.y0, 20, 1e-4f);
    assert_float_equal(d.x1, 220, 1e-4f);
    assert_float_equal(d.y1, 200, 1e-4f);
    assert_float_equal(d.score, 0.5f, 0);
}

static void test_box_clipped(void **state)
{
    (void)state;
    struct fv_detection d = {.x0 = -50, .y0 = 0, .x1 = 9000, .y1 = 1e30f};
    assert_true(fv_plan_box_to_picture(&half, 1280, 720, &d));
    assert_float_equal(d.x0, 0, 0);
    assert_float_equal(d.y0, 0, 0);
    assert_float_equal(d.x1, 1280, 0);
    assert_float_equal(d.y1, 720, 0);
}

static void test_box_gone(void **state)
{
    (void)state;
    const struct fv_detection gone[] = {
        {.x0 = 10, .y0 = 10, .x1 = 110, .y1 = 130},   /* wholly in the padding above */
        {.x0 = 650, .y0 = 150, .x1 = 700, .y1 = 200}, /* to the right of the picture */
        {.x0 = 110, .y0 = 150, .x1 = 10, .y1 = 240},  /* turned over */
        {.x0 = 10, .y0 = 150, .x1 = 10, .y1 = 240},   /* no width */
        {.x0 = NAN, .y0 = 150, .x1 = 110, .y1 = 240}, /* not numbers: */
        {.x0 = 10, .y0 = 150, .x1 = INFINITY, .y1 = 240},
    };
    for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++) {
        struct fv_detection d = gone[i];
        assert_false(fv_plan_box_to_picture(&half, 1280, 720, &d));
    }
    struct fv_detection d = {.x1 = 1, .y1 = 1};
    assert_false(fv_plan_box_to_picture(&(struct fv_letterbox){0}, 1280, 720, &d));
}

/* 333 rows became 277: the bottom of the scaled picture is the bottom of the picture, not 277 /
 * 0.832 = 332.93. */
static void test_box_rounding(void **state)
{
    (void)state;
    struct fv_letterbox box;
    assert_int_equal(fv_plan_letterbox(500, 333, 416, 416, FV_PAD_TOP_LEFT, &box), 0);
    struct fv_detection d = {.x0 = 0, .y0 = 0, .x1 = 416, .y1 = 277};
    assert_true(fv_plan_box_to_picture(&box, 500, 333, &d));
    assert_float_equal(d.x1, 500, 0);
    assert_float_equal(d.y1, 333, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plans),    cmocka_unit_test(test_refuses_sizes),
        cmocka_unit_test(test_box_back), cmocka_unit_test(test_box_clipped),
        cmocka_unit_test(test_box_gone), cmocka_unit_test(test_box_rounding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

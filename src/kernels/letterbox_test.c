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
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rand.h"
#include "kernels/letterbox.h"

/* A picture whose planes are exact allocations: sanitizers and valgrind see any read outside. */
struct test_picture {
    struct fv_picture picture;
    void *memory[3];
};

static unsigned sample_size(enum fv_pixel_format format)
{
    return format == FV_PIXEL_P016 || format == FV_PIXEL_I010 ? 2 : 1;
}

static bool is_interleaved(enum fv_pixel_format format)
{
    return format == FV_PIXEL_NV12 || format == FV_PIXEL_P016;
}

/* The last row has no bytes behind its samples; the others are padded to an odd number of samples.
 */
static void make_plane(struct test_picture *t, int index, uint32_t samples, uint32_t rows)
{
    unsigned size = sample_size(t->picture.format);
    size_t pitch = (size_t)(samples + 3) * size;
    uint8_t *memory = malloc(pitch * (rows - 1) + (size_t)samples * size);
    assert_non_null(memory);
    memset(memory, 0xEE, pitch * (rows - 1) + (size_t)samples * size);
    t->memory[index] = memory;
    t->picture.plane[index] = memory;
    t->picture.pitch[index] = pitch;
}

static struct test_picture make(enum fv_pixel_format format, uint32_t width, uint32_t height)
{
    struct test_picture t = {.picture = {.format = format}};
    uint32_t cw = (width + 1) / 2, ch = (height + 1) / 2;
    t.picture.info.width = width;
    t.picture.info.height = height;
    make_plane(&t, 0, width, height);
    if (is_interleaved(format)) {
        make_plane(&t, 1, 2 * cw, ch);
    } else {
        make_plane(&t, 1, cw, ch);
        make_plane(&t, 2, cw, ch);
    }
    return t;
}

static void finish(struct test_picture *t)
{
    for (int i = 0; i < 3; i++)
        free(t->memory[i]);
}

/* Address of sample x, y of component 0 (Y), 1 (Cb), 2 (Cr). */
static uint8_t *sample_at(const struct test_picture *t, int component, uint32_t x, uint32_t y)
{
    unsigned size = sample_size(t->picture.format);
    if (component && is_interleaved(t->picture.format))
        return (uint8_t *)t->memory[1] + y * t->picture.pitch[1] +
               (2 * (size_t)x + (size_t)component - 1) * size;
    return (uint8_t *)t->memory[component] + y * t->picture.pitch[component] + (size_t)x * size;
}

static void set_sample(const struct test_picture *t, int component, uint32_t x, uint32_t y,
                       unsigned value)
{
    uint8_t *at = sample_at(t, component, x, y);
    at[0] = (uint8_t)value;
    if (sample_size(t->picture.format) == 2)
        at[1] = (uint8_t)(value >> 8);
}

static unsigned get_sample(const struct test_picture *t, int component, uint32_t x, uint32_t y)
{
    const uint8_t *at = sample_at(t, component, x, y);
    return sample_size(t->picture.format) == 2 ? at[0] | (unsigned)at[1] << 8 : at[0];
}

static void paint(const struct test_picture *t, unsigned luma, unsigned cb, unsigned cr)
{
    const struct fv_frame_info *info = &t->picture.info;
    for (uint32_t y = 0; y < info->height; y++)
        for (uint32_t x = 0; x < info->width; x++) {
            set_sample(t, 0, x, y, luma);
            set_sample(t, 1, x / 2, y / 2, cb);
            set_sample(t, 2, x / 2, y / 2, cr);
        }
}

static void scribble(const struct test_picture *t, uint64_t seed)
{
    struct fv_rand rand;
    fv_rand_seed(&rand, seed);
    const struct fv_frame_info *info = &t->picture.info;
    const uint64_t limit = t->picture.format == FV_PIXEL_I010   ? 1024
                           : t->picture.format == FV_PIXEL_P016 ? 65536
                                                                : 256;
    for (uint32_t y = 0; y < info->height; y++)
        for (uint32_t x = 0; x < info->width; x++)
            for (int component = 0; component < 3; component++)
                set_sample(t, component, component ? x / 2 : x, component ? y / 2 : y,
                           (unsigned)fv_rand_below(&rand, limit));
}

/* ---- The definition, written out: doubles, one output value at a time. ---- */

/* How much sample j counts in output pixel i along one axis. `scale`: samples per output pixel
 * (fractional). */
static double weight_of(uint32_t j, uint32_t samples, uint32_t i, double scale)
{
    if (scale >= 1) {
        double from = fmax(i * scale, j), to = fmin((i + 1) * scale, j + 1.0);
        return to > from ? (to - from) / scale : 0;
    }
    double at = fmin(fmax((i + 0.5) * scale - 0.5, 0), samples - 1.0);
    return fmax(0, 1 - fabs(at - j));
}

static double resized(const struct test_picture *t, int component, const struct fv_letterbox *box,
                      uint32_t ox, uint32_t oy)
{
    const struct fv_frame_info *info = &t->picture.info;
    const double step = component ? 2 : 1;
    const uint32_t columns = component ? (info->width + 1) / 2 : info->width;
    const uint32_t rows = component ? (info->height + 1) / 2 : info->height;
    const double sx = info->width / step / box->width, sy = info->height / step / box->height;
    double sum = 0;
    for (uint32_t y = 0; y < rows; y++) {
        double wy = weight_of(y, rows, oy, sy);
        for (uint32_t x = 0; wy > 0 && x < columns; x++)
            sum += wy * weight_of(x, columns, ox, sx) * get_sample(t, component, x, y);
    }
    return sum;
}

static void to_rgb(const struct fv_picture *picture, const double s[3], double rgb[3])
{
    double bits8 = picture->format == FV_PIXEL_I010   ? 4
                   : picture->format == FV_PIXEL_P016 ? 256
                                                      : 1;
    double top = picture->format == FV_PIXEL_I010   ? 1023
                 : picture->format == FV_PIXEL_P016 ? 65535
                                                    : 255;
    double luma = picture->full_range ? s[0] / top : (s[0] / bits8 - 16) / 219;
    double cb = picture->full_range ? (s[1] - 128 * bits8) / top : (s[1] / bits8 - 128) / 224;
    double cr = picture->full_range ? (s[2] - 128 * bits8) / top : (s[2] / bits8 - 128) / 224;
    if (picture->matrix == FV_MATRIX_BT709) {
        rgb[0] = luma + 1.5748 * cr;
        rgb[1] = luma - 0.187324 * cb - 0.468124 * cr;
        rgb[2] = luma + 1.8556 * cb;
    } else {
        rgb[0] = luma + 1.402 * cr;
        rgb[1] = luma - 0.344136 * cb - 0.714136 * cr;
        rgb[2] = luma + 1.772 * cb;
    }
    for (int i = 0; i < 3; i++)
        rgb[i] = fmin(fmax(rgb[i], 0), 1);
}

static double reference(const struct test_picture *t, const struct fv_letterbox *box,
                        const struct fv_tensor_spec *spec, int channel, uint32_t x, uint32_t y)
{
    double value = spec->pad_value;
    if (x >= box->x && x < (uint32_t)box->x + box->width && y >= box->y &&
        y < (uint32_t)box->y + box->height) {
        double s[3], rgb[3];
        for (int component = 0; component < 3; component++)
            s[component] = resized(t, component, box, x - box->x, y - box->y);
        to_rgb(&t->picture, s, rgb);
        value = rgb[spec->bgr ? 2 - channel : channel] * spec->range;
    }
    return (value - spec->mean[channel]) / spec->std[channel];
}

/* Runs and compares every value; a guard behind the output must survive, and no value may stay as
 * it was. */
static void assert_matches(struct fv_resizer *resizer, const struct test_picture *t,
                           const struct fv_letterbox *box, const struct fv_tensor_spec *spec)
{
    size_t plane = (size_t)spec->width * spec->height;
    float *out = malloc((3 * plane + 1) * sizeof(*out));
    assert_non_null(out);
    for (size_t i = 0; i <= 3 * plane; i++)
        out[i] = NAN;
    assert_int_equal(fv_letterbox_run(resizer, &t->picture, box, spec, out), 0);
    assert_true(isnan(out[3 * plane]));
    double bound = 2e-5 * spec->range / spec->std[0];
    for (int channel = 0; channel < 3; channel++)
        for (uint32_t y = 0; y < spec->height; y++)
            for (uint32_t x = 0; x < spec->width; x++) {
                double want = reference(t, box, spec, channel, x, y);
                float got = out[(size_t)channel * plane + (size_t)y * spec->width + x];
                if (!(fabs(want - (double)got) <= bound))
                    fail_msg("channel %d at %u,%u: want %.6f, got %.6f", channel, x, y, want,
                             (double)got);
            }
    free(out);
}

static const struct fv_tensor_spec plain = {
    .range = 255, .std = {1, 1, 1}, .pad_value = 114, .bgr = true};

struct size_case {
    uint32_t width, height;
    struct fv_letterbox box;
    uint32_t tensor_width, tensor_height;
};

static const struct size_case sizes[] = {
    {64, 48, {.width = 64, .height = 48}, 64, 64},                 /* one to one */
    {96, 54, {.width = 41, .height = 23}, 41, 41},                 /* shrink, fractional */
    {192, 108, {.y = 9, .width = 41, .height = 23}, 41, 41},       /* chroma shrinks too */
    {40, 30, {.width = 24, .height = 18}, 24, 24},                 /* luma shrinks, chroma grows */
    {20, 10, {.x = 3, .y = 5, .width = 50, .height = 25}, 60, 40}, /* enlarge, all sides padded */
    {33, 17, {.width = 16, .height = 8}, 17, 9},                   /* odd sizes */
    {7, 5, {.x = 1, .width = 19, .height = 13}, 20, 20},           /* odd, enlarged */
    {1, 1, {.width = 6, .height = 6}, 6, 6},                       /* one pixel */
    {2, 1, {.width = 1, .height = 1}, 3, 3},                       /* to one pixel */
    {1, 300, {.x = 2, .width = 1, .height = 32}, 32, 32},          /* tall */
    {500, 2, {.y = 31, .width = 32, .height = 1}, 32, 32},         /* wide */
    {300, 3, {.width = 40, .height = 7}, 40, 9},                   /* x shrinks, y grows */
    {1000, 700, {.width = 3, .height = 2}, 3, 3},                  /* hundreds of taps */
};

static void run_sizes(enum fv_pixel_format format)
{
    struct fv_resizer *resizer;
    assert_int_equal(fv_resizer_create(&resizer), 0);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        const struct size_case *c = &sizes[i];
        struct fv_tensor_spec spec = plain;
        spec.width = c->tensor_width;
        spec.height = c->tensor_height;
        struct test_picture t = make(format, c->width, c->height);
        t.picture.matrix = i % 2 ? FV_MATRIX_BT709 : FV_MATRIX_BT601;
        t.picture.full_range = i % 3 == 0;
        scribble(&t, i + 1);
        assert_matches(resizer, &t, &c->box, &spec);
        finish(&t);
    }
    fv_resizer_destroy(resizer);
}

static void test_sizes_i420(void **state)
{
    (void)state;
    run_sizes(FV_PIXEL_I420);
}

static void test_sizes_nv12(void **state)
{
    (void)state;
    run_sizes(FV_PIXEL_NV12);
}

static void test_sizes_p016(void **state)
{
    (void)state;
    run_sizes(FV_PIXEL_P016);
}

static void test_sizes_i010(void **state)
{
    (void)state;
    run_sizes(FV_PIXEL_I010);
}

static void test_normalisation(void **state)
{
    (void)state;
    struct fv_resizer *resizer;
    assert_int_equal(fv_resizer_create(&resizer), 0);
    struct fv_tensor_spec spec = {.width = 20,
                                  .height = 20,
                                  .range = 1,
                                  .mean = {0.485f, 0.456f, 0.406f},
                                  .std = {0.229f, 0.224f, 0.225f},
                                  .pad_value = 0.5f};
    struct fv_letterbox box = {.x = 2, .y = 4, .width = 16, .height = 12};
    struct test_picture t = make(FV_PIXEL_NV12, 40, 30);
    scribble(&t, 99);
    for (int i = 0; i < 4; i++) {
        spec.bgr = i & 1;
        t.picture.matrix = i & 2 ? FV_MATRIX_BT709 : FV_MATRIX_BT601;
        assert_matches(resizer, &t, &box, &spec);
    }
    finish(&t);
    fv_resizer_destroy(resizer);
}

/* Known colours: what the standards say a picture of one colour is. */
struct colour_case {
    const char *name;
    enum fv_pixel_format format;
    enum fv_matrix matrix;
    bool full_range;
    unsigned y, cb, cr;
    float r, g, b;
};

static const struct colour_case colours[] = {
    {"black", FV_PIXEL_I420, FV_MATRIX_BT601, false, 16, 128, 128, 0, 0, 0},
    {"white", FV_PIXEL_I420, FV_MATRIX_BT709, false, 235, 128, 128, 255, 255, 255},
    {"below black", FV_PIXEL_NV12, FV_MATRIX_BT709, false, 1, 128, 128, 0, 0, 0},
    {"above white", FV_PIXEL_NV12, FV_MATRIX_BT601, false, 254, 128, 128, 255, 255, 255},
    /* (126 - 16) / 219 * 255 = 128.0822 */
    {"grey", FV_PIXEL_I420, FV_MATRIX_BT601, false, 126, 128, 128, 128.0822f, 128.0822f, 128.0822f},
    {"full grey", FV_PIXEL_I420, FV_MATRIX_BT601, true, 77, 128, 128, 77, 77, 77},
    {"full white", FV_PIXEL_NV12, FV_MATRIX_BT709, true, 255, 128, 128, 255, 255, 255},
    /* BT.601 red is Y 81, Cb 90, Cr 240 (rounded): Y' = 65/219, Pb = -38/224, Pr = 1/2. R =
     * 0.296804 + 0.701 = 0.997804; G = 0.296804 + 0.344136*0.169643 - 0.357068 = -0.001884 -> 0; B
     * = 0.296804 - 1.772*0.169643 = -0.003803 -> 0 */
    {"red 601", FV_PIXEL_I420, FV_MATRIX_BT601, false, 81, 90, 240, 254.4400f, 0, 0},
    /* The same samples in BT.709: R = 0.296804 + 0.7874 -> 1; G = 0.296804 + 0.187324*0.169643 -
     * 0.234062 = 0.094520; B = 0.296804 - 1.8556*0.169643 = -0.017985 -> 0 */
    {"red as 709", FV_PIXEL_I420, FV_MATRIX_BT709, false, 81, 90, 240, 255, 24.1026f, 0},
    /* Full range, BT.709: Y 100/255, Pb 50/255, Pr -50/255: R = 100 - 78.74, G = 100 - 9.3662 +
     * 23.4062, B = 100 + 92.78 */
    {"full 709", FV_PIXEL_NV12, FV_MATRIX_BT709, true, 100, 178, 78, 21.26f, 114.04f, 192.78f},
    {"white 10", FV_PIXEL_I010, FV_MATRIX_BT709, false, 940, 512, 512, 255, 255, 255},
    {"black 10", FV_PIXEL_I010, FV_MATRIX_BT709, false, 64, 512, 512, 0, 0, 0},
    {"full white 10", FV_PIXEL_I010, FV_MATRIX_BT601, true, 1023, 512, 512, 255, 255, 255},
    {"red 10", FV_PIXEL_I010, FV_MATRIX_BT601, false, 324, 360, 960, 254.4400f, 0, 0},
    {"white 16", FV_PIXEL_P016, FV_MATRIX_BT601, false, 60160, 32768, 32768, 255, 255, 255},
    {"red 16", FV_PIXEL_P016, FV_MATRIX_BT601, false, 20736, 23040, 61440, 254.4400f, 0, 0},
};

static void assert_colour(struct fv_resizer *resizer, const struct colour_case *c, bool bgr)
{
    struct test_picture t = make(c->format, 37, 21);
    t.picture.matrix = c->matrix;
    t.picture.full_range = c->full_range;
    paint(&t, c->y, c->cb, c->cr);
    struct fv_tensor_spec spec = plain;
    spec.width = spec.height = 16;
    spec.bgr = bgr;
    const struct fv_letterbox box = {.y = 4, .width = 16, .height = 9};
    const float want[3] = {bgr ? c->b : c->r, c->g, bgr ? c->r : c->b};
    float out[3 * 256];
    assert_int_equal(fv_letterbox_run(resizer, &t.picture, &box, &spec, out), 0);
    for (int i = 0; i < 3 * 256; i++) {
        int y = i / 16 % 16;
        float expected = y >= 4 && y < 13 ? want[i / 256] : 114;
        if (fabsf(out[i] - expected) > 2e-3f)
            fail_msg("%s: value %d is %.4f, not %.4f", c->name, i, (double)out[i],
                     (double)expected);
    }
    finish(&t);
}

static void test_colours(void **state)
{
    (void)state;
    struct fv_resizer *resizer;
    assert_int_equal(fv_resizer_create(&resizer), 0);
    for (size_t i = 0; i < sizeof(colours) / sizeof(colours[0]); i++) {
        assert_colour(resizer, &colours[i], false);
        assert_colour(resizer, &colours[i], true);
    }
    fv_resizer_destroy(resizer);
}

/* Four columns 0 100 200 40 to two: averages 50 and 120. Two columns 0 and 200 to four: 0, 50,
 * 150, 200. */
static void test_resize_by_hand(void **state)
{
    (void)state;
    struct fv_resizer *resizer;
    assert_int_equal(fv_resizer_create(&resizer), 0);
    struct fv_tensor_spec spec = plain;
    spec.width = 4;
    spec.height = 2;
    float out[24];
    struct test_picture t = make(FV_PIXEL_I420, 4, 2);
    t.picture.full_range = true;
    paint(&t, 0, 128, 128);
    for (uint32_t y = 0; y < 2; y++) {
        set_sample(&t, 0, 1, y, 100);
        set_sample(&t, 0, 2, y, 200);
        set_sample(&t, 0, 3, y, 40);
    }
    const struct fv_letterbox shrink = {.width = 2, .height = 1};
    assert_int_equal(fv_letterbox_run(resizer, &t.picture, &shrink, &spec, out), 0);
    assert_float_equal(out[0], 50, 1e-3f);
    assert_float_equal(out[1], 120, 1e-3f);
    assert_float_equal(out[2], 114, 0);
    finish(&t);

    t = make(FV_PIXEL_I420, 2, 1);
    t.picture.full_range = true;
    paint(&t, 0, 128, 128);
    set_sample(&t, 0, 1, 0, 200);
    const struct fv_letterbox grow = {.width = 4, .height = 2};
    assert_int_equal(fv_letterbox_run(resizer, &t.picture, &grow, &spec, out), 0);
    const float want[4] = {0, 50, 150, 200};
    for (int i = 0; i < 24; i++)
        assert_float_equal(out[i], want[i % 4], 1e-3f);
    finish(&t);
    fv_resizer_destroy(resizer);
}

static void test_refusals(void **state)
{
    (void)state;
    struct fv_resizer *resizer;
    assert_int_equal(fv_resizer_create(&resizer), 0);
    struct test_picture t = make(FV_PIXEL_I420, 8, 8);
    paint(&t, 16, 128, 128);
    struct fv_tensor_spec spec = plain;
    spec.width = spec.height = 8;
    float out[3 * 64];
    struct fv_letterbox box = {.x = 1, .width = 8, .height = 8};
    assert_int_equal(fv_letterbox_run(resizer, &t.picture, &box, &spec, out), -EINVAL);
    box = (struct fv_letterbox){.y = 8, .width = 8, .height = 1};
    assert_int_equal(fv_letterbox_run(resizer, &t.picture, &box, &spec, out), -EINVAL);
    box = (struct fv_letterbox){.width = 0, .height = 8};
    assert_int_equal(fv_letterbox_run(resizer, &t.picture, &box, &spec, out), -EINVAL);
    box = (struct fv_letterbox){.width = 8, .height = 8};
    struct fv_picture other = t.picture;
    other.info.width = 16385;
    assert_int_equal(fv_letterbox_run(resizer, &other, &box, &spec, out), -EINVAL);
    other = t.picture;
    other.memory = FV_MEMORY_DEVICE;
    assert_int_equal(fv_letterbox_run(resizer, &other, &box, &spec, out), -ENOTSUP);
    other = t.picture;
    other.format = (enum fv_pixel_format)17;
    assert_int_equal(fv_letterbox_run(resizer, &other, &box, &spec, out), -ENOTSUP);
    finish(&t);
    fv_resizer_destroy(resizer);
    fv_resizer_destroy(NULL);
}

/* The n-th allocation fails: an error, and the same resizer works afterwards. */
static void test_no_memory(void **state)
{
    (void)state;
    struct test_picture t = make(FV_PIXEL_I420, 24, 16);
    scribble(&t, 5);
    struct fv_tensor_spec spec = plain;
    spec.width = spec.height = 12;
    const struct fv_letterbox box = {.width = 12, .height = 8};
    float out[3 * 144];
    unsigned n = 1;
    for (;; n++) {
        struct fv_resizer *resizer = NULL;
        fv_alloc_fail_at(n);
        int code = fv_resizer_create(&resizer);
        if (code == 0)
            code = fv_letterbox_run(resizer, &t.picture, &box, &spec, out);
        bool failed = !fv_alloc_fail_pending();
        fv_alloc_fail_at(0);
        if (resizer)
            assert_matches(resizer, &t, &box, &spec);
        fv_resizer_destroy(resizer);
        if (!failed)
            break;
        assert_int_equal(code, -ENOMEM);
    }
    assert_int_equal(n, 11); /* the resizer, two arrays of each of four filters, the rows */
    finish(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes_i420),     cmocka_unit_test(test_sizes_nv12),
        cmocka_unit_test(test_sizes_p016),     cmocka_unit_test(test_sizes_i010),
        cmocka_unit_test(test_normalisation),  cmocka_unit_test(test_colours),
        cmocka_unit_test(test_resize_by_hand), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

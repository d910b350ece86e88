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
#include "sink/canvas.h"
#include "sink/font.h"

#define GUARD 16
#define PAPER 7

/* A canvas between guard bytes; rows have a few bytes behind them that must stay as they are. */
struct sheet {
    struct fv_canvas canvas;
    uint8_t *memory[3];
    size_t size[3];
};

static struct sheet make(int width, int height)
{
    struct sheet sheet = {.canvas = {.width = width, .height = height}};
    for (int i = 0; i < 3; i++) {
        size_t columns = (size_t)(i ? (width + 1) / 2 : width),
               rows = (size_t)(i ? (height + 1) / 2 : height);
        sheet.canvas.pitch[i] = columns + 3;
        sheet.size[i] = (columns + 3) * rows + 2 * GUARD;
        sheet.memory[i] = malloc(sheet.size[i]);
        assert_non_null(sheet.memory[i]);
        memset(sheet.memory[i], 0xA7, sheet.size[i]);
        sheet.canvas.plane[i] = sheet.memory[i] + GUARD;
        for (size_t y = 0; y < rows; y++)
            memset(sheet.canvas.plane[i] + y * (columns + 3), PAPER, columns);
    }
    return sheet;
}

/* No byte outside the picture was touched. */
static void finish(struct sheet *sheet)
{
    for (int i = 0; i < 3; i++) {
        size_t columns = sheet->canvas.pitch[i] - 3;
        for (size_t at = 0; at < sheet->size[i]; at++) {
            bool inside = at >= GUARD && at < sheet->size[i] - GUARD &&
                          (at - GUARD) % sheet->canvas.pitch[i] < columns;
            if (!inside && sheet->memory[i][at] != 0xA7)
                fail_msg("plane %d: byte %zu outside the picture was written", i, at);
        }
        free(sheet->memory[i]);
    }
}

static int luma(const struct sheet *sheet, int x, int y)
{
    return sheet->canvas.plane[0][(size_t)y * sheet->canvas.pitch[0] + (size_t)x];
}

static int count_luma(const struct sheet *sheet, int value)
{
    int found = 0;
    for (int y = 0; y < sheet->canvas.height; y++)
        for (int x = 0; x < sheet->canvas.width; x++)
            found += luma(sheet, x, y) == value;
    return found;
}

static const struct fv_ink ink = {200, 50, 60};

static void draw_box(const struct sheet *sheet, const struct fv_detection *d, const char *label)
{
    const struct fv_pen pen = fv_pen_of(&sheet->canvas, 2, 0.5, 1);
    fv_draw_detection(&sheet->canvas, &pen, d, label);
}

/* Lines by hand: which pixels are touched. */
static void test_line(void **state)
{
    (void)state;
    struct sheet sheet = make(20, 20);
    fv_draw_line(&sheet.canvas, (struct fv_spot){2, 3}, (struct fv_spot){6, 3}, 1, ink);
    assert_int_equal(count_luma(&sheet, 200), 5);
    fv_draw_line(&sheet.canvas, (struct fv_spot){10, 10}, (struct fv_spot){13, 13}, 1, ink);
    for (int i = 10; i <= 13; i++)
        assert_int_equal(luma(&sheet, i, i), 200);
    assert_int_equal(count_luma(&sheet, 200), 5 + 4);
    fv_draw_line(&sheet.canvas, (struct fv_spot){15, 3}, (struct fv_spot){15, 3}, 3,
                 ink); /* a dot */
    assert_int_equal(count_luma(&sheet, 200), 5 + 4 + 9);
    fv_draw_line(&sheet.canvas, (struct fv_spot){0, 0}, (struct fv_spot){5, 5}, 0, ink);
    assert_int_equal(count_luma(&sheet, 200), 5 + 4 + 9);
    finish(&sheet);
}

/* Only what lies in the picture, and soon, however far the ends are. */
static void test_line_from_afar(void **state)
{
    (void)state;
    struct sheet sheet = make(20, 20);
    fv_draw_line(&sheet.canvas, (struct fv_spot){-1000000000, 7}, (struct fv_spot){1000000000, 7},
                 1, ink);
    assert_int_equal(count_luma(&sheet, 200), 20);
    fv_draw_line(&sheet.canvas, (struct fv_spot){-5, -1000}, (struct fv_spot){-5, 1000}, 2, ink);
    fv_draw_line(&sheet.canvas, (struct fv_spot){-1000, 40}, (struct fv_spot){1000, 30}, 2, ink);
    assert_int_equal(count_luma(&sheet, 200), 20);
    fv_draw_line(&sheet.canvas, (struct fv_spot){-1000000, -1000000},
                 (struct fv_spot){1000000, 1000000}, 1, ink);
    assert_int_equal(count_luma(&sheet, 200), 20 + 19); /* one pixel is of both */
    finish(&sheet);
}

static void test_pen(void **state)
{
    (void)state;
    const struct fv_canvas small = {.width = 320, .height = 200},
                           usual = {.width = 1280, .height = 720},
                           large = {.width = 3840, .height = 2160};
    struct fv_pen pen = fv_pen_of(&usual, 2, 0.5, 1);
    assert_int_equal(pen.line, 2);
    assert_int_equal(pen.text, 2);
    assert_int_equal(pen.bold, 0);
    pen = fv_pen_of(&usual, 5, 1, 3);
    assert_int_equal(pen.line, 5);
    assert_int_equal(pen.text, 4);
    assert_int_equal(pen.bold, 2);
    pen = fv_pen_of(&large, 2, 0.5, 1);
    assert_int_equal(pen.line, 6);
    assert_int_equal(pen.text, 6);
    pen = fv_pen_of(&small, 1, 0.01, 1);
    assert_int_equal(pen.line, 1); /* never nothing */
    assert_int_equal(pen.text, 1);
}

static void test_fill(void **state)
{
    (void)state;
    struct sheet sheet = make(9, 7);
    fv_draw_fill(&sheet.canvas, (struct fv_rect){2, 4, 5, 6}, ink);
    assert_int_equal(count_luma(&sheet, 200), 3 * 2);
    assert_int_equal(luma(&sheet, 2, 4), 200);
    assert_int_equal(luma(&sheet, 4, 5), 200);
    assert_int_equal(luma(&sheet, 5, 5), PAPER);
    /* Chroma columns 1 and 2 of row 2 are touched, their neighbours are not. */
    const uint8_t *cb = sheet.canvas.plane[1] + 2 * sheet.canvas.pitch[1];
    assert_int_equal(cb[0], PAPER);
    assert_int_equal(cb[1], 50);
    assert_int_equal(cb[2], 50);
    assert_int_equal(cb[3], PAPER);
    assert_int_equal(sheet.canvas.plane[2][2 * sheet.canvas.pitch[2] + 1], 60);
    finish(&sheet);
}

static void test_clipping(void **state)
{
    (void)state;
    static const struct {
        struct fv_rect rect;
        int covered;
    } cases[] = {
        {{-5, -5, 3, 2}, 6},    {{7, 5, 100, 100}, 4},
        {{-100, 3, 100, 4}, 9}, {{-2000000000, -2000000000, 2000000000, 2000000000}, 63},
        {{9, 0, 12, 7}, 0},     {{-3, -3, 0, 7}, 0},
        {{5, 5, 5, 6}, 0},      {{6, 2, 3, 4}, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sheet sheet = make(9, 7);
        fv_draw_fill(&sheet.canvas, cases[i].rect, ink);
        assert_int_equal(count_luma(&sheet, 200), cases[i].covered);
        finish(&sheet);
    }
}

static void test_frame(void **state)
{
    (void)state;
    struct sheet sheet = make(20, 16);
    fv_draw_frame(&sheet.canvas, (struct fv_rect){2, 3, 12, 11}, 2, ink);
    /* 10 x 8 outside, 6 x 4 hole. */
    assert_int_equal(count_luma(&sheet, 200), 80 - 24);
    assert_int_equal(luma(&sheet, 4, 5), PAPER);
    assert_int_equal(luma(&sheet, 3, 5), 200);
    finish(&sheet);
    /* Thicker than the box: filled, not turned over. */
    sheet = make(20, 16);
    fv_draw_frame(&sheet.canvas, (struct fv_rect){2, 3, 5, 6}, 4, ink);
    assert_int_equal(count_luma(&sheet, 200), 9);
    finish(&sheet);
    /* Half outside: only the sides that are inside show. */
    sheet = make(20, 16);
    fv_draw_frame(&sheet.canvas, (struct fv_rect){-4, -4, 6, 6}, 1, ink);
    assert_int_equal(count_luma(&sheet, 200), 6 + 5);
    finish(&sheet);
}

static void test_text(void **state)
{
    (void)state;
    struct sheet sheet = make(40, 20);
    assert_int_equal(fv_draw_text_width("", 2), 0);
    assert_int_equal(fv_draw_text_width("-", 2), 10);
    assert_int_equal(fv_draw_text(&sheet.canvas, 4, 2, 2, "--", ink), 22);
    /* A dash is three pixels in the fourth row: 6 x 2 at scale 2, at x 6 and 18, y 8. */
    assert_int_equal(count_luma(&sheet, 200), 2 * 12);
    assert_int_equal(luma(&sheet, 6, 8), 200);
    assert_int_equal(luma(&sheet, 11, 9), 200);
    assert_int_equal(luma(&sheet, 12, 8), PAPER);
    assert_int_equal(luma(&sheet, 18, 9), 200);
    finish(&sheet);
    /* Over every border, and characters outside ASCII. */
    sheet = make(11, 5);
    fv_draw_text(&sheet.canvas, -3, -3, 1, "W\xc3\xa9W", ink);
    fv_draw_text(&sheet.canvas, 8, 3, 3, "WWWW", ink);
    assert_true(count_luma(&sheet, 200) > 0);
    finish(&sheet);
}

/* Every printable character has a shape of its own; all others look like a question mark. */
static void test_font(void **state)
{
    (void)state;
    for (int a = ' ' + 1; a <= '~'; a++) {
        for (int row = 0; row < FV_FONT_HEIGHT; row++)
            assert_in_range(fv_font_glyph((char)a)[row], 0, 31);
        for (int b = ' '; b < a; b++)
            if (memcmp(fv_font_glyph((char)a), fv_font_glyph((char)b), FV_FONT_HEIGHT) == 0)
                fail_msg("'%c' and '%c' look the same", a, b);
    }
    assert_ptr_equal(fv_font_glyph('\n'), fv_font_glyph('?'));
    assert_ptr_equal(fv_font_glyph('\x7f'), fv_font_glyph('?'));
    assert_ptr_equal(fv_font_glyph((char)0xe9), fv_font_glyph('?'));
}

/* JPEG's own figures: red is Y 76, Cb 85, Cr 255; blue is Y 29, Cb 255, Cr 107. */
static void test_inks(void **state)
{
    (void)state;
    struct fv_ink red = fv_ink_rgb(255, 0, 0), blue = fv_ink_rgb(0, 0, 255),
                  white = fv_ink_rgb(255, 255, 255);
    assert_true(red.y == 76 && red.cb == 85 && red.cr == 255);
    assert_true(blue.y == 29 && blue.cb == 255 && blue.cr == 107);
    assert_true(white.y == 255 && white.cb == 128 && white.cr == 128);
    struct fv_ink a = fv_ink_class(3), b = fv_ink_class(4), again = fv_ink_class(3);
    assert_true(a.y == again.y && a.cb == again.cb && a.cr == again.cr);
    assert_true(a.cb != b.cb || a.cr != b.cr);
    fv_ink_class(65535);
}

/* Boxes anywhere on pictures of any size: nothing outside is written (finish). */
static void test_detections_stay_inside(void **state)
{
    (void)state;
    static const int sizes[][2] = {{1, 1},   {2, 1},     {1, 9},      {7, 5},
                                   {30, 20}, {401, 301}, {1500, 1100}};
    static const struct fv_detection boxes[] = {
        {0, 0, 1e9f, 1e9f, 1, 0},
        {-50, -50, 5, 4, 1, 1},
        {3, 2, 6, 4.5f, 1, 2},
        {1e9f, 1e9f, 2e9f, 2e9f, 1, 3},
        {NAN, 0, 5, NAN, 1, 4},
        {0.4f, 0.4f, 0.6f, 0.6f, 1, 5},
        {25, 15, 29.5f, 19.5f, 1, 6},
        {200, 250, 401, 301, 1, 99},
        {-INFINITY, 0, INFINITY, 9, 1, 7},
    };
    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        struct sheet sheet = make(sizes[s][0], sizes[s][1]);
        for (size_t i = 0; i < sizeof(boxes) / sizeof(boxes[0]); i++)
            draw_box(&sheet, &boxes[i], "person 0.87");
        assert_true(count_luma(&sheet, PAPER) < sizes[s][0] * sizes[s][1]);
        finish(&sheet);
    }
}

/* The label sits above its box, and inside it at the picture's top. */
static void test_label_place(void **state)
{
    (void)state;
    const int strip = fv_ink_rgb(24, 24, 28).y;
    struct sheet sheet = make(320, 240);
    assert_int_equal(fv_draw_scale(&sheet.canvas), 2);
    const struct fv_detection low = {.x0 = 100, .y0 = 100, .x1 = 200, .y1 = 200};
    draw_box(&sheet, &low, "dog");
    /* 9 rows of letters, 2 of margin above and 1 below, twice as large: 24 rows above 100. */
    assert_int_equal(luma(&sheet, 103, 76), strip);
    assert_int_equal(luma(&sheet, 103, 99), strip);
    assert_int_equal(luma(&sheet, 103, 75), PAPER);
    assert_int_equal(luma(&sheet, 150, 150), PAPER);
    finish(&sheet);
    sheet = make(320, 240);
    const struct fv_detection high = {.x0 = 300, .y0 = 0, .x1 = 320, .y1 = 200};
    draw_box(&sheet, &high, "dog");
    /* dog: 17 columns of letters, 2 margins of 2, the bar: 22, twice: from 320 - 44. */
    assert_int_equal(luma(&sheet, 276 + 3, 0), strip);
    assert_int_equal(luma(&sheet, 275, 0), PAPER);
    assert_int_equal(luma(&sheet, 319, 23), strip);
    finish(&sheet);
}

/* ---- canvas ---- */

struct source {
    struct fv_picture picture;
    uint8_t bytes[3][64];
};

/* 4x2 of one colour, in the samples of the given format. */
static void fill_source(struct source *s, enum fv_pixel_format format, const uint8_t ycc[3])
{
    memset(s, 0, sizeof(*s));
    s->picture.format = format;
    s->picture.info.width = 4;
    s->picture.info.height = 2;
    bool wide = format == FV_PIXEL_P016 || format == FV_PIXEL_I010;
    bool interleaved = format == FV_PIXEL_NV12 || format == FV_PIXEL_P016;
    for (int plane = 0; plane < 3; plane++) {
        s->picture.plane[plane] = s->bytes[plane];
        s->picture.pitch[plane] = 16;
        for (int i = 0; i < 16; i++) {
            int component = plane == 0 ? 0 : interleaved ? 1 + (wide ? i / 2 : i) % 2 : plane;
            int value = format == FV_PIXEL_I010 ? ycc[component] * 4 : ycc[component] << 8;
            uint8_t byte = wide ? (uint8_t)(i % 2 ? value >> 8 : value) : ycc[component];
            s->bytes[plane][i] = s->bytes[plane][16 + i] = byte;
        }
    }
}

static void assert_loads(const struct source *s, int y, int cb, int cr)
{
    struct fv_canvas_memory memory = {0};
    assert_int_equal(fv_canvas_load(&memory, &s->picture), 0);
    for (int i = 0; i < 8; i++)
        assert_in_range(memory.canvas.plane[0][i], y - 1, y + 1);
    for (int i = 0; i < 2; i++) {
        assert_in_range(memory.canvas.plane[1][i], cb - 1, cb + 1);
        assert_in_range(memory.canvas.plane[2][i], cr - 1, cr + 1);
    }
    fv_canvas_finish(&memory);
}

static void test_load(void **state)
{
    (void)state;
    struct source s;
    static const enum fv_pixel_format formats[] = {FV_PIXEL_I420, FV_PIXEL_NV12, FV_PIXEL_P016,
                                                   FV_PIXEL_I010};
    for (int i = 0; i < 4; i++) {
        /* Limited BT.601 red, 81 90 240, is JPEG's red. */
        fill_source(&s, formats[i], (const uint8_t[]){81, 90, 240});
        assert_loads(&s, 76, 85, 255);
        /* Limited BT.709 red, 63 102 240, is the same red; blue is 32 240 118. */
        fill_source(&s, formats[i], (const uint8_t[]){63, 102, 240});
        s.picture.matrix = FV_MATRIX_BT709;
        assert_loads(&s, 76, 85, 254);
        fill_source(&s, formats[i], (const uint8_t[]){32, 240, 118});
        s.picture.matrix = FV_MATRIX_BT709;
        assert_loads(&s, 29, 254, 107);
        /* Full range BT.601 is what is wanted already. */
        fill_source(&s, formats[i], (const uint8_t[]){3, 200, 77});
        s.picture.full_range = true;
        assert_loads(&s, 3, 200, 77);
        /* Beyond black. */
        fill_source(&s, formats[i], (const uint8_t[]){1, 128, 128});
        assert_loads(&s, 1, 128, 128);
    }
}

static void test_load_refusals(void **state)
{
    (void)state;
    struct source s;
    struct fv_canvas_memory memory = {0};
    fill_source(&s, FV_PIXEL_I420, (const uint8_t[]){81, 90, 240});
    s.picture.memory = FV_MEMORY_DEVICE;
    assert_int_equal(fv_canvas_load(&memory, &s.picture), -ENOTSUP);
    s.picture.memory = FV_MEMORY_HOST;
    s.picture.info.width = 0;
    assert_int_equal(fv_canvas_load(&memory, &s.picture), -EINVAL);
    s.picture.info.width = 16385;
    assert_int_equal(fv_canvas_load(&memory, &s.picture), -EINVAL);
    s.picture.info.width = 4;
    fv_alloc_fail_at(1);
    assert_int_equal(fv_canvas_load(&memory, &s.picture), -ENOMEM);
    fv_canvas_finish(&memory);
    /* The memory is kept: a second picture needs none. */
    fv_alloc_fail_at(2);
    assert_int_equal(fv_canvas_load(&memory, &s.picture), 0);
    assert_int_equal(fv_canvas_load(&memory, &s.picture), 0);
    assert_true(fv_alloc_fail_pending());
    fv_alloc_fail_at(0);
    fv_canvas_finish(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line),          cmocka_unit_test(test_line_from_afar),
        cmocka_unit_test(test_pen),           cmocka_unit_test(test_fill),
        cmocka_unit_test(test_clipping),      cmocka_unit_test(test_frame),
        cmocka_unit_test(test_text),          cmocka_unit_test(test_font),
        cmocka_unit_test(test_inks),          cmocka_unit_test(test_detections_stay_inside),
        cmocka_unit_test(test_label_place),   cmocka_unit_test(test_load),
        cmocka_unit_test(test_load_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
/* Which setting draws what, where; trails of pictures that are drawn late. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sink/overlay.h"
#include "sink/trails.h"

#define WIDTH 640
#define HEIGHT 480
#define PAPER 100

static const char *const cameras[] = {"a", "b"};
static const char *const labels[] = {"person"};
static const struct fv_sink_context context = {cameras, 2, labels, 1};

static uint8_t luma[WIDTH * HEIGHT], chroma[2][WIDTH / 2 * HEIGHT / 2];
static const struct fv_canvas canvas = {.plane = {luma, chroma[0], chroma[1]},
                                        .pitch = {WIDTH, WIDTH / 2, WIDTH / 2},
                                        .width = WIDTH,
                                        .height = HEIGHT};

/* Everything off; what a test turns on is all that can be seen. */
static const struct fv_overlay_style nothing = {.box_thickness = 2,
                                                .text_thickness = 1,
                                                .text_scale = 0.5,
                                                .trail_length = 50,
                                                .trace_length = 30,
                                                .inactive = FV_S,
                                                .persistence = 5 * FV_S};

static struct fv_result result;

static void new_picture(uint64_t number, double seconds)
{
    result = (struct fv_result){.info = {.number = number, .width = WIDTH, .height = HEIGHT}};
    result.info.at.last_packet = (int64_t)(seconds * 1e9);
}

static void add(float x, float y, uint64_t track)
{
    result.detections[result.count++] =
        (struct fv_detection){x - 20, y - 80, x + 20, y, 0.8f, 0, track};
}

static struct fv_overlay *open_overlay(const struct fv_overlay_style *style, struct fv_areas *areas)
{
    struct fv_overlay *overlay = NULL;
    assert_int_equal(fv_overlay_create(&context, style, areas, &overlay), 0);
    return overlay;
}

static struct fv_areas *open_areas(const struct fv_overlay_areas *of_cameras)
{
    struct fv_areas *areas = NULL;
    struct fv_areas_sheet *sheet = NULL;
    assert_int_equal(fv_areas_create(&areas), 0);
    assert_int_equal(fv_areas_sheet_create(of_cameras, 2, &sheet), 0);
    assert_null(fv_areas_turn(areas, sheet));
    return areas;
}

static unsigned marked(int x0, int y0, int x1, int y1)
{
    unsigned count = 0;
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++)
            count += luma[y * WIDTH + x] != PAPER;
    return count;
}

static unsigned draw(struct fv_overlay *overlay)
{
    memset(luma, PAPER, sizeof(luma));
    fv_overlay_draw(overlay, &canvas, &result, 0.5f);
    return marked(0, 0, WIDTH, HEIGHT);
}

static unsigned draw_with(const struct fv_overlay_style *style)
{
    struct fv_overlay *overlay = open_overlay(style, NULL);
    fv_overlay_note(overlay, &result);
    const unsigned count = draw(overlay);
    fv_overlay_destroy(overlay);
    return count;
}

/* --- boxes -------------------------------------------------------------------------------------- */

static void test_boxes(void **state)
{
    (void)state;
    const unsigned frame = 2 * 2 * (40 + 80) - 4 * 4; /* 40 x 80, 2 thick */
    struct fv_overlay_style style = nothing;
    new_picture(1, 1);
    add(100, 200, 0);
    add(300, 200, 7);
    assert_int_equal(draw_with(&style), 0);
    style.tracking = true;
    assert_int_equal(draw_with(&style), frame); /* what has a track */
    assert_int_equal(marked(270, 110, 330, 210), frame);
    style.tracking = false;
    style.detections = true;
    assert_int_equal(draw_with(&style), 2 * frame);
    style.box_thickness = 4;
    assert_int_equal(draw_with(&style), 2 * (2 * 4 * (40 + 80) - 4 * 16));
    result.detections[0].score = 0.4f;
    style.box_thickness = 2;
    assert_int_equal(draw_with(&style), frame);
}

/* Each part of a label makes it wider. */
static void test_labels(void **state)
{
    (void)state;
    struct fv_overlay_style style = nothing;
    unsigned wide[5], last = 0;
    new_picture(1, 1);
    add(300, 200, 7);
    style.detections = true;
    for (int i = 0; i < 5; i++) {
        style.labels = i > 0;
        style.track_ids = i > 1;
        style.confidence = i > 2;
        style.text_scale = i > 3 ? 1 : 0.5;
        draw_with(&style);
        wide[i] = marked(0, 0, WIDTH, 122);
        assert_true(wide[i] > last || i == 0);
        last = wide[i];
    }
    assert_int_equal(wide[0], 2 * 40); /* the upper edge of the box alone */
    style.text_scale = 0.5;
    style.text_thickness = 2;
    draw_with(&style);
    assert_true(marked(0, 0, WIDTH, 122) > wide[3]);
}

/* --- zones and lines ----------------------------------------------------------------------------- */

static void test_areas(void **state)
{
    (void)state;
    static const double square[][2] = {{0.5, 0.5}, {0.75, 0.5}, {0.75, 0.75}, {0.5, 0.75}},
                        line[][2] = {{0.25, 1}, {0.25, 0}};
    const struct fv_overlay_area of_a[] = {{"z", square, 4, false}},
                                 of_b[] = {{"l", line, 2, false}};
    const struct fv_overlay_areas both[] = {{"a", of_a, 1}, {"b", of_b, 1}};
    struct fv_areas *areas = open_areas(both);
    struct fv_overlay *overlay = open_overlay(&nothing, areas);
    new_picture(1, 1);
    draw(overlay);
    assert_int_equal(luma[240 * WIDTH + 400] != PAPER, true); /* upper side */
    assert_int_equal(luma[300 * WIDTH + 320] != PAPER, true); /* left side */
    assert_int_equal(marked(324, 244, 476, 356), 0);          /* inside */
    assert_int_equal(marked(0, 0, 300, HEIGHT), 0);
    result.info.camera = 1;
    draw(overlay);
    assert_int_equal(luma[100 * WIDTH + 160] != PAPER, true);
    assert_true(marked(165, 200, 200, 280) > 0); /* the arrow: up the line, b is on its right */
    assert_int_equal(marked(100, 200, 155, 280), 0);
    /* A reload: no longer there. */
    fv_areas_sheet_destroy(fv_areas_turn(areas, NULL));
    assert_int_equal(draw(overlay), 0);
    fv_overlay_destroy(overlay);
    fv_areas_destroy(areas);
}

/* --- trails -------------------------------------------------------------------------------------- */

/* A track walks to the right by 10 pixels a picture, ten pictures a second. */
static void walk(struct fv_overlay *overlay, int from, int to)
{
    for (int i = from; i <= to; i++) {
        new_picture((uint64_t)i, i / 10.0);
        add((float)(10 * i), 400, 3);
        fv_overlay_note(overlay, &result);
    }
}

/* The columns of row 400 that are marked, leftmost to rightmost; -1: none. */
static void span(int *ret_from, int *ret_to)
{
    *ret_from = *ret_to = -1;
    for (int x = 0; x < WIDTH; x++) {
        if (luma[400 * WIDTH + x] == PAPER)
            continue;
        *ret_to = x;
        if (*ret_from < 0)
            *ret_from = x;
    }
}

static void test_trails(void **state)
{
    (void)state;
    struct fv_overlay_style style = nothing;
    int from, to;
    style.trails = true;
    style.trail_length = 20;
    style.trace_length = 5;
    style.box_thickness = 2;
    struct fv_overlay *overlay = open_overlay(&style, NULL);
    walk(overlay, 1, 40);
    draw(overlay);
    span(&from, &to);
    assert_in_range(from, 198, 200); /* 20 steps back from 400 */
    assert_in_range(to, 399, 402);
    /* Drawn late: the picture's own place, not that of later ones. */
    walk(overlay, 41, 50);
    new_picture(40, 4);
    draw(overlay);
    span(&from, &to);
    assert_in_range(to, 399, 402);
    /* Not seen for more than a second: the last 5 steps, thin. After five: nothing. */
    new_picture(62, 6.2);
    draw(overlay);
    span(&from, &to);
    assert_in_range(from, 449, 451);
    assert_int_equal(marked(470, 390, 480, 410), 10);
    new_picture(102, 10.2);
    assert_int_equal(draw(overlay), 0);
    fv_overlay_destroy(overlay);
}

/* More tracks than there is room for: those seen last are kept. */
static void count_trail(void *data, const struct fv_trail *trail)
{
    unsigned *seen = data;
    assert_in_range(trail->track, 71, 100);
    assert_int_equal(trail->count, 1);
    (*seen)++;
}

static void test_many_tracks(void **state)
{
    (void)state;
    const struct fv_trails_params params = {.cameras = 1, .tracks = 30, .points = 4};
    struct fv_trails *trails = NULL;
    unsigned seen = 0;
    assert_int_equal(fv_trails_create(&params, &trails), 0);
    for (uint64_t i = 1; i <= 100; i++) {
        new_picture(i, (double)i);
        add(100, 100, i);
        fv_trails_note(trails, &result);
    }
    fv_trails_visit(trails, &result.info, count_trail, &seen);
    assert_int_equal(seen, 30);
    fv_trails_destroy(trails);
}

/* --- rate ---------------------------------------------------------------------------------------- */

static void test_rate(void **state)
{
    (void)state;
    struct fv_overlay_style style = nothing;
    style.fps = true;
    struct fv_overlay *overlay = open_overlay(&style, NULL);
    walk(overlay, 1, 1);
    result.count = 0;
    assert_int_equal(draw(overlay), 0); /* one picture has no rate */
    walk(overlay, 2, 30);
    assert_true(draw(overlay) > 0);
    assert_true(marked(0, 0, 120, 40) > 0);
    fv_overlay_destroy(overlay);
}

static void test_memory(void **state)
{
    (void)state;
    struct fv_overlay_style style = nothing;
    style.trails = true;
    for (unsigned n = 1;; n++) {
        struct fv_overlay *overlay = NULL;
        fv_alloc_fail_at(n);
        const int r = fv_overlay_create(&context, &style, NULL, &overlay);
        const bool pending = fv_alloc_fail_pending();
        fv_alloc_fail_at(0);
        fv_overlay_destroy(overlay);
        if (pending) {
            assert_int_equal(r, 0);
            assert_true(n > 4);
            break;
        }
        assert_true(r < 0);
    }
    fv_overlay_destroy(NULL);
    fv_trails_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_boxes),       cmocka_unit_test(test_labels),
        cmocka_unit_test(test_areas),       cmocka_unit_test(test_trails),
        cmocka_unit_test(test_many_tracks), cmocka_unit_test(test_rate),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "sink/areas.h"

static const double SQUARE[][2] = {{0.1, 0.1}, {0.2, 0.1}, {0.2, 0.2}, {0.1, 0.2}},
                    LINE[][2] = {{0, 0.5}, {1, 0.5}};
static const struct fv_overlay_area OF_GATE[] = {{"zone", SQUARE, 4, false},
                                                 {"line", LINE, 2, false}},
                                    OF_DOOR[] = {{"mask", SQUARE, 4, true}};

static char seen[200];

static void note(void *data, const struct fv_overlay_area *area)
{
    const size_t used = strlen(seen);
    (void)data;
    snprintf(seen + used, sizeof(seen) - used, "%s%s %u %.1f ", area->mask ? "!" : "", area->name,
             area->point_count, area->points[1][0]);
}

static const char *visit(struct fv_areas *areas, uint32_t camera, const char *name)
{
    seen[0] = '\0';
    fv_areas_visit(areas, camera, name, note, NULL);
    return seen;
}

static struct fv_areas_sheet *sheet_of(const char *first, const struct fv_overlay_area *items,
                                       unsigned count)
{
    const struct fv_overlay_areas cameras[] = {
        {first, items, count}, {NULL, NULL, 0}, {"door", OF_DOOR, 1}};
    struct fv_areas_sheet *sheet = NULL;
    assert_int_equal(fv_areas_sheet_create(cameras, 3, &sheet), 0);
    return sheet;
}

static void test_replaced(void **state)
{
    (void)state;
    struct fv_areas *areas = NULL;
    assert_int_equal(fv_areas_create(&areas), 0);
    assert_string_equal(visit(areas, 0, "gate"), "");
    assert_null(fv_areas_turn(areas, sheet_of("gate", OF_GATE, 2)));
    assert_string_equal(visit(areas, 0, "gate"), "zone 4 0.2 line 2 1.0 ");
    assert_string_equal(visit(areas, 2, "door"), "!mask 4 0.2 ");
    assert_string_equal(visit(areas, 1, ""), "");
    assert_string_equal(visit(areas, 3, "door"), "");
    /* Another camera has this index by now. */
    assert_string_equal(visit(areas, 0, "yard"), "");
    struct fv_areas_sheet *before = fv_areas_turn(areas, sheet_of("yard", OF_DOOR, 1));
    assert_non_null(before);
    fv_areas_sheet_destroy(before);
    assert_string_equal(visit(areas, 0, "gate"), "");
    assert_string_equal(visit(areas, 0, "yard"), "!mask 4 0.2 ");
    fv_areas_destroy(areas);
}

static void *turn_often(void *data)
{
    for (unsigned i = 0; i < 500; i++) {
        const bool gate = i % 2;
        fv_areas_sheet_destroy(
            fv_areas_turn(data, sheet_of("gate", gate ? OF_GATE : OF_DOOR, gate ? 2 : 1)));
    }
    return NULL;
}

/* What is seen is one sheet or the other, never half of one. */
static void test_while_drawing(void **state)
{
    (void)state;
    struct fv_areas *areas = NULL;
    pthread_t thread;
    assert_int_equal(fv_areas_create(&areas), 0);
    assert_null(fv_areas_turn(areas, sheet_of("gate", OF_GATE, 2)));
    assert_int_equal(pthread_create(&thread, NULL, turn_often, areas), 0);
    unsigned odd = 0;
    for (unsigned i = 0; i < 500; i++) {
        const char *text = visit(areas, 0, "gate");
        odd += strcmp(text, "zone 4 0.2 line 2 1.0 ") != 0 && strcmp(text, "!mask 4 0.2 ") != 0;
    }
    pthread_join(thread, NULL);
    assert_int_equal(odd, 0);
    fv_areas_destroy(areas);
}

static void test_memory(void **state)
{
    (void)state;
    const struct fv_overlay_areas cameras[] = {{"gate", OF_GATE, 2}, {"door", OF_DOOR, 1}};
    unsigned n = 1;
    for (bool pending = false; !pending; n++) {
        struct fv_areas_sheet *sheet = NULL;
        fv_alloc_fail_at(n);
        const int r = fv_areas_sheet_create(cameras, 2, &sheet);
        pending = fv_alloc_fail_pending();
        fv_alloc_fail_at(0);
        assert_int_equal(r < 0, !pending);
        assert_int_equal(sheet != NULL, pending);
        fv_areas_sheet_destroy(sheet);
    }
    assert_true(n > 10);
    struct fv_areas *areas = NULL;
    fv_alloc_fail_at(1);
    assert_true(fv_areas_create(&areas) < 0);
    fv_alloc_fail_at(0);
    fv_areas_destroy(NULL);
    fv_areas_sheet_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replaced),
        cmocka_unit_test(test_while_drawing),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

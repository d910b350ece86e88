// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "conf/locate.h"
#include "conf/suggest.h"

static const char sample[] = "{ \"a\": 1,\n"
                             "  \"l\": [ \"x\", {\"k\": null}, [] ],\n"
                             "  \"\\u0061\": \"\\ud83d\\ude00\\\"\" }";

static void test_places(void **state)
{
    struct fv_map map;
    assert_int_equal(fv_map_scan(sample, sizeof(sample) - 1, &map, NULL), 0);
    assert_int_equal(map.count, 8);
    assert_int_equal(map.nodes[0].kind, FV_NODE_OBJECT);
    uint32_t a = fv_map_child(&map, 0, "a"), l = fv_map_child(&map, 0, "l");
    assert_int_equal(map.nodes[a].key, 2);
    assert_int_equal(map.nodes[a].value, 7);
    assert_int_equal(map.nodes[l].key, 12);
    assert_int_equal(map.nodes[l].value, 17);
    uint32_t x = map.nodes[l].first, object = map.nodes[x].next, empty = map.nodes[object].next;
    assert_int_equal(map.nodes[x].value, 19);
    assert_int_equal(map.nodes[object].index, 1);
    assert_int_equal(map.nodes[map.nodes[object].first].value, 30);
    assert_int_equal(map.nodes[empty].value, 37);
    assert_int_equal(map.nodes[empty].first, FV_NODE_NONE);
    assert_int_equal(map.nodes[empty].next, FV_NODE_NONE);
    fv_map_free(&map);
}

/* A key written with an escape is the same key. */
static void test_duplicates(void **state)
{
    struct fv_map map;
    assert_int_equal(fv_map_scan(sample, sizeof(sample) - 1, &map, NULL), 0);
    assert_int_equal(map.duplicates, 1);
    uint32_t a = fv_map_child(&map, 0, "a"), again = map.nodes[map.nodes[a].next].next;
    assert_string_equal(map.nodes[again].name, "a");
    assert_int_equal(map.nodes[again].duplicate_of, a);
    assert_true(map.nodes[a].repeated);
    fv_map_free(&map);

    static const char three[] = "{\"a\":1,\"b\":{\"a\":1},\"a\":2,\"a\":3}";
    assert_int_equal(fv_map_scan(three, sizeof(three) - 1, &map, NULL), 0);
    assert_int_equal(map.duplicates, 2);
    fv_map_free(&map);
}

static void test_prefixes(void **state)
{
    for (size_t size = 0; size < sizeof(sample) - 1; size++) {
        struct fv_map map;
        char *copy = malloc(size + 1); /* one byte more than it may read: malloc(0) may be NULL */
        memcpy(copy, sample, size);
        assert_int_equal(fv_map_scan(copy, size, &map, NULL), -EBADMSG);
        fv_map_free(&map);
        free(copy);
    }
}

static void test_refused(void **state)
{
    static const char *const texts[] = {"{\"a\" 1}",
                                        "{\"a\":1,}",
                                        "[1,]",
                                        "[1 2]",
                                        "{1:2}",
                                        "[\"\\u00\"]",
                                        "[\"\\ud800x\"]",
                                        "[\"\\udc00\"]",
                                        "[\"\\q\"]",
                                        "[\"\n\"]",
                                        "[]]",
                                        "[}",
                                        "{]",
                                        "{\"\\u0000\":1}",
                                        ":",
                                        "[:]"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct fv_map map;
        assert_int_equal(fv_map_scan(texts[i], strlen(texts[i]), &map, NULL), -EBADMSG);
        fv_map_free(&map);
    }
}

static void test_limits(void **state)
{
    struct fv_map map;
    size_t offset;
    char deep[FV_LOCATE_DEPTH * 2 + 2];
    memset(deep, '[', sizeof(deep));
    memset(deep + FV_LOCATE_DEPTH, ']', FV_LOCATE_DEPTH);
    assert_int_equal(fv_map_scan(deep, FV_LOCATE_DEPTH * 2, &map, NULL), 0);
    fv_map_free(&map);
    memset(deep, '[', FV_LOCATE_DEPTH + 1);
    memset(deep + FV_LOCATE_DEPTH + 1, ']', FV_LOCATE_DEPTH + 1);
    assert_int_equal(fv_map_scan(deep, sizeof(deep), &map, &offset), -ENOBUFS);
    assert_int_equal(offset, FV_LOCATE_DEPTH);
    fv_map_free(&map);

    size_t size = 2 * (size_t)FV_LOCATE_NODES + 1;
    char *wide = malloc(size);
    memset(wide, '0', size);
    for (size_t i = 2; i < size; i += 2)
        wide[i] = ',';
    wide[0] = '[';
    wide[size - 1] = ']';
    assert_int_equal(fv_map_scan(wide, size, &map, NULL),
                     -ENOBUFS); /* the list itself is one too many */
    fv_map_free(&map);
    wide[size - 3] = ']';
    assert_int_equal(fv_map_scan(wide, size - 2, &map, NULL), 0);
    assert_int_equal(map.count, FV_LOCATE_NODES);
    fv_map_free(&map);
    free(wide);
}

static void test_columns(void **state)
{
    static const char text[] = "ab\ngr\xC3\xB6\xE2\x82\xACx";
    struct fv_place place = {0, 1, 1};
    fv_place_advance(&place, text, sizeof(text) - 1, 1);
    assert_int_equal(place.line, 1);
    assert_int_equal(place.column, 2);
    fv_place_advance(&place, text, sizeof(text) - 1, 10); /* the x */
    assert_int_equal(place.line, 2);
    assert_int_equal(place.column, 5);
    fv_place_advance(&place, text, sizeof(text) - 1, 1000);
    assert_int_equal(place.offset, sizeof(text) - 1);
}

static void test_no_memory(void **state)
{
    for (unsigned n = 1;; n++) {
        struct fv_map map;
        fv_alloc_fail_at(n);
        int r = fv_map_scan(sample, sizeof(sample) - 1, &map, NULL);
        bool pending = fv_alloc_fail_pending();
        fv_alloc_fail_at(0);
        fv_map_free(&map);
        if (pending) {
            assert_int_equal(r, 0);
            assert_true(n > 3);
            break;
        }
        assert_int_equal(r, -ENOMEM);
    }
}

static void test_distance(void **state)
{
    static const struct {
        const char *a, *b;
        unsigned distance;
    } cases[] = {{"", "", 0},         {"abc", "", 3},           {"HIGH", "high", 0},
                 {"HIHG", "HIGH", 1}, {"kitten", "sitting", 3}, {"abcd", "acbd", 1},
                 {"ca", "abc", 3}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(fv_edit_distance(cases[i].a, cases[i].b, 9), cases[i].distance);
    assert_int_equal(fv_edit_distance("kitten", "sitting", 1), 2);
}

static void test_suggest(void **state)
{
    struct fv_suggest suggest = {.wanted = "MODEL_PAHT"};
    fv_suggest_offer(&suggest, "DEVICE");
    assert_null(suggest.best);
    fv_suggest_offer(&suggest, "REID_MODEL_PATH");
    fv_suggest_offer(&suggest, "MODEL_PATH");
    fv_suggest_offer(&suggest, "MODEL_PAT");
    assert_string_equal(suggest.best, "MODEL_PATH");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),    cmocka_unit_test(test_duplicates),
        cmocka_unit_test(test_prefixes),  cmocka_unit_test(test_refused),
        cmocka_unit_test(test_limits),    cmocka_unit_test(test_columns),
        cmocka_unit_test(test_no_memory), cmocka_unit_test(test_distance),
        cmocka_unit_test(test_suggest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

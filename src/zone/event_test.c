// SPDX-License-Identifier: Apache-2.0
/* The table of events: what a writer gets to see, and the documentation that is made of it. */
#include <errno.h>

#include "zone/scene_test.h"

struct text {
    char data[16000];
    size_t size;
};

static void put(void *data, const char *piece)
{
    struct text *text = data;
    const size_t length = strlen(piece);
    assert_true(text->size + length < sizeof(text->data));
    memcpy(text->data + text->size, piece, length + 1);
    text->size += length;
}

/* "key=value " for each field. */
static int visit(void *data, const char *key, const struct fv_zone_value *value)
{
    char piece[200] = "";
    switch (value->kind) {
    case FV_VALUE_NULL:
        snprintf(piece, sizeof(piece), "%s=null ", key);
        break;
    case FV_VALUE_TEXT:
        snprintf(piece, sizeof(piece), "%s=%s ", key, value->text);
        break;
    case FV_VALUE_WHOLE:
    case FV_VALUE_CAMERA:
    case FV_VALUE_CLASS:
        snprintf(piece, sizeof(piece), "%s=%llu ", key, (unsigned long long)value->whole);
        break;
    case FV_VALUE_NUMBER:
    case FV_VALUE_MS:
        snprintf(piece, sizeof(piece), "%s=%.1f ", key, value->number[0]);
        break;
    case FV_VALUE_PAIR:
        snprintf(piece, sizeof(piece), "%s=%.2f,%.2f ", key, value->number[0], value->number[1]);
        break;
    case FV_VALUE_BOX:
        snprintf(piece, sizeof(piece), "%s=%.2f,%.2f,%.2f,%.2f ", key, value->number[0],
                 value->number[1], value->number[2], value->number[3]);
        break;
    case FV_VALUE_WALL:
        snprintf(piece, sizeof(piece), "%s=%lldns ", key, (long long)value->ns);
        break;
    case FV_VALUE_COUNTS:
        snprintf(piece, sizeof(piece), "%s=%u ", key, value->counts_size);
        break;
    }
    put(data, piece);
    return 0;
}

static const struct fv_class_count two[2] = {{0, 1, 2, 1}, {5, 0, 1, 1}};

static struct fv_zone_event example(enum fv_zone_type type, enum fv_zone_phase phase)
{
    return (struct fv_zone_event){.id = 8,
                                  .ref = 3,
                                  .type = type,
                                  .phase = phase,
                                  .cause = FV_CAUSE_LOST,
                                  .camera = 2,
                                  .rule = "door",
                                  .frame = 77,
                                  .epoch = 4,
                                  .pts = 1500 * FV_MS,
                                  .wall = FV_TIME_UNKNOWN,
                                  .time = 2000 * FV_MS,
                                  .start = 1750 * FV_MS,
                                  .duration = 250 * FV_MS,
                                  .track = 12,
                                  .class_id = 1,
                                  .score = 0.5f,
                                  .box = {0.1f, 0.2f, 0.3f, 0.4f},
                                  .at = {FV_GEO_UNIT / 4, FV_GEO_UNIT / 2},
                                  .direction = FV_B_TO_A,
                                  .angle = 45,
                                  .count = 6,
                                  .peak = 7,
                                  .limit = 5,
                                  .counts = two,
                                  .counts_size = 2};
}

#define HEAD(type, phase) "schema=fovea.zone/1 id=8 type=" type " phase=" phase " "
#define MIDDLE "camera=2 rule=door frame=77 epoch=4 pts_ms=1500.0 capture_time=null "
#define TRACK "track=12 class=1 score=0.5 position=0.25,0.50 box_norm=0.10,0.20,0.30,0.40 "

static void test_visit(void **state)
{
    (void)state;
    static const struct {
        enum fv_zone_type type;
        enum fv_zone_phase phase;
        const char *want;
    } cases[] = {
        {FV_ZONE_ENTER, FV_PHASE_ONCE, HEAD("zone.enter", "once") MIDDLE "delay_ms=250.0 " TRACK},
        {FV_ZONE_EXIT, FV_PHASE_ONCE,
         HEAD("zone.exit", "once") "ref=3 " MIDDLE
                                   "delay_ms=250.0 duration_ms=250.0 cause=lost " TRACK},
        {FV_ZONE_DWELL, FV_PHASE_START,
         HEAD("zone.dwell", "start") MIDDLE "duration_ms=250.0 " TRACK},
        {FV_ZONE_DWELL, FV_PHASE_END,
         HEAD("zone.dwell", "end") "ref=3 " MIDDLE "duration_ms=250.0 cause=lost " TRACK},
        {FV_ZONE_CROWD, FV_PHASE_UPDATE,
         HEAD("zone.crowd", "update") "ref=3 " MIDDLE "duration_ms=250.0 count=6 peak=7 limit=5 "},
        {FV_ZONE_CROSSING, FV_PHASE_ONCE,
         HEAD("line.crossing", "once") MIDDLE "delay_ms=250.0 " TRACK "direction=b_to_a "},
        {FV_ZONE_DIRECTION, FV_PHASE_ONCE,
         HEAD("zone.direction", "once") MIDDLE "delay_ms=250.0 " TRACK "angle=45.0 "},
        {FV_ZONE_COUNT, FV_PHASE_ONCE, HEAD("count", "once") MIDDLE "count=6 classes=2 "},
        {FV_ZONE_STATIONARY, FV_PHASE_START,
         HEAD("stationary", "start") MIDDLE "duration_ms=250.0 " TRACK},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct fv_zone_event event = example(cases[i].type, cases[i].phase);
        struct text text = {.size = 0};
        assert_int_equal(fv_zone_event_visit(&event, visit, &text), 0);
        assert_string_equal(text.data, cases[i].want);
    }
}

static int stop_at_type(void *data, const char *key, const struct fv_zone_value *value)
{
    unsigned *calls = data;
    (void)value;
    ++*calls;
    return strcmp(key, "type") == 0 ? 42 : 0;
}

static void test_visit_edges(void **state)
{
    (void)state;
    struct fv_zone_event event = example(FV_ZONE_EXIT, FV_PHASE_ONCE);
    struct text text = {.size = 0};
    unsigned calls = 0;
    assert_int_equal(fv_zone_event_visit(&event, stop_at_type, &calls), 42);
    assert_int_equal(calls, 3);
    event.ref = 0;
    event.pts = FV_TIME_UNKNOWN;
    event.wall = 5;
    assert_int_equal(fv_zone_event_visit(&event, visit, &text), 0);
    assert_non_null(strstr(text.data, " ref=null "));
    assert_non_null(strstr(text.data, " pts_ms=null capture_time=5ns "));
    event.phase = FV_PHASE_START;
    assert_int_equal(fv_zone_event_visit(&event, visit, &text), -EINVAL);
    event.type = FV_ZONE_TYPES;
    assert_int_equal(fv_zone_event_visit(&event, visit, &text), -EINVAL);
    assert_string_equal(fv_zone_type_name(FV_ZONE_TYPES), "unknown");
    assert_string_equal(fv_zone_cause_name(FV_CAUSES), "unknown");
    assert_string_equal(fv_zone_phase_name(FV_PHASES), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_visit),
        cmocka_unit_test(test_visit_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

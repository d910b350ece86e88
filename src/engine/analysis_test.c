// SPDX-License-Identifier: Apache-2.0
/* Scripted detections: which tracks they get, what is published, which events the rules make of them. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "engine/analysis.h"
#include "engine/rules.h"

#define SIDE 1000 /* of the pictures, pixels */
#define EVENTS_MAX 32
#define PICTURE (100 * FV_MS) /* from one to the next */

#define LINE "{\"NAME\": \"gate\", \"POINTS\": [[0.5, 1], [0.5, 0]]}"
#define ZONE "{\"NAME\": \"all\", \"POINTS\": [[0, 0], [1, 0], [1, 1], [0, 1]], \"DWELL_S\": 2}"
#define STREAM "\"url\": \"rtsp://h/s\", \"name\": "
#define WITH(zones, lines)                                                                         \
    "{\"cameras\": {\"RTSP_STREAMS\": [{" STREAM "\"a\", \"ZONES\": [" zones                       \
    "], \"LINES\": [" lines "]}]}}"

static char person[] = "person", car[] = "car";
static char *labels[] = {person, car};
static struct fv_model model = {.labels = labels, .label_count = 2};

struct scene {
    struct fv_config *config;
    struct fv_analysis *analysis;
    struct fv_result result; /* the last one */
    int64_t time;            /* of the next picture */
    int64_t began;           /* the camera's epoch */
    unsigned event_count;
    struct fv_zone_event events[EVENTS_MAX];
};

static void on_event(void *data, const struct fv_zone_event *event)
{
    struct scene *scene = data;
    assert_true(scene->event_count < EVENTS_MAX);
    scene->events[scene->event_count++] = *event;
}

static struct scene scene;

static int open_scene(const char *text, struct fv_error *err)
{
    scene = (struct scene){.time = 1000 * FV_S, .began = 1000 * FV_S};
    struct fv_config_params config = {.text = text, .backend = "cpu"};
    assert_int_equal(fv_config_load(&config, &scene.config, err), 0);
    struct fv_analysis_params params = {scene.config, &model, on_event, &scene};
    return fv_analysis_create(&params, &scene.analysis, err);
}

static void set_up(const char *text)
{
    struct fv_error err = {0};
    if (open_scene(text, &err) < 0)
        fail_msg("%s", err.text);
}

static void tear_down(void)
{
    fv_analysis_destroy(scene.analysis);
    fv_config_free(scene.config);
}

static struct fv_analysis_figures figures(void)
{
    struct fv_analysis_figures figures;
    fv_analysis_figures(scene.analysis, 0, &figures);
    return figures;
}

/* The next picture of the first camera is empty; times as the pipeline stamps them, 50 ms after the last packet. */
static void new_picture(void)
{
    struct fv_frame_info *info = &scene.result.info;
    info->number++;
    info->width = info->height = SIDE;
    info->wall = FV_TIME_UNKNOWN;
    info->pts = scene.time - scene.began;
    info->at.last_packet = scene.time;
    info->at.event = scene.time + 50 * FV_MS;
    scene.time += PICTURE;
    scene.result.count = 0;
}

/* A box of 60 x 200 that stands on (x, y). */
static void add_box(float x, float y, float score)
{
    scene.result.detections[scene.result.count++] =
        (struct fv_detection){x - 30, y - 200, x + 30, y, score, 0};
}

static void analyse(void)
{
    fv_analysis_track(scene.analysis, &scene.result);
    fv_analysis_judge(scene.analysis, &scene.result);
}

static void show_person(float x, float y, float score)
{
    new_picture();
    add_box(x, y, score);
    analyse();
}

/* --- tracks --------------------------------------------------------------------------------------- */

static void test_detections_get_numbers(void **state)
{
    set_up(WITH("", ""));
    new_picture();
    analyse();
    show_person(300, 500, 0.9f);
    assert_int_equal(scene.result.detections[0].track, 0); /* seen once: it may be nothing */
    for (int i = 0; i < 3; i++) {
        new_picture();
        add_box(700, 900, 0.8f);
        add_box(300, 500, 0.7f);
        analyse();
    }
    assert_int_equal(scene.result.count, 2);
    assert_int_equal(scene.result.detections[0].track, 2);
    assert_int_equal(scene.result.detections[1].track, 1);
    assert_int_equal(figures().tracks, 2);
    tear_down();
}

/* TRACK_LOW_THRESH 0.1, MODEL_CONFIDENCE_THRESHOLD 0.25. */
static void test_weak_boxes_hold_a_track(void **state)
{
    set_up(WITH("", ""));
    for (int i = 0; i < 5; i++)
        show_person(300, 500, 0.9f);
    for (int i = 0; i < 30; i++) { /* three times as long as a lost track lives */
        show_person(300, 500, 0.15f);
        assert_int_equal(scene.result.count, 0);
    }
    show_person(300, 500, 0.25f);
    assert_int_equal(scene.result.count, 1);
    assert_int_equal(scene.result.detections[0].track, 1);
    new_picture();
    add_box(300, 500, 0.9f);
    add_box(800, 500, 0.24f); /* too weak to be published, or to start a track */
    analyse();
    assert_int_equal(scene.result.count, 1);
    assert_int_equal(figures().tracks, 1);
    tear_down();
}

static void test_no_tracking(void **state)
{
    set_up("{\"tracking\": {\"ENABLE_TRACKING\": false}, \"cameras\": {\"ZONES\": [" ZONE
           "], \"RTSP_STREAMS\": [{" STREAM "\"a\"}]}}");
    for (int i = 0; i < 40; i++)
        show_person(300, 500, 0.9f);
    assert_int_equal(scene.result.count, 1);
    assert_int_equal(scene.result.detections[0].track, 0);
    fv_analysis_idle(scene.analysis, scene.time + 60 * FV_S);
    fv_analysis_stop(scene.analysis);
    assert_int_equal(scene.event_count, 0);
    assert_int_equal(figures().tracks, 0);
    tear_down();
}

static void test_threshold(void **state)
{
    struct fv_config config = {.models.confidence = 0.25, .tracking = {.enable = true, .low = 0.1}};
    assert_float_equal(fv_analysis_threshold(&config), 0.1f, 0);
    config.tracking.enable = false;
    assert_float_equal(fv_analysis_threshold(&config), 0.25f, 0);
    config.tracking.enable = true;
    config.models.confidence = 0.05;
    assert_float_equal(fv_analysis_threshold(&config), 0.05f, 0);
}

/* --- rules ---------------------------------------------------------------------------------------- */

/* From x = 200 to 800 in steps of 20: on the line (500) in picture 16, behind it by more than the margin (10) in picture 17. The
 * inertia of 300 ms is over in picture 20. */
static void walk(unsigned new_epoch_at)
{
    for (unsigned i = 1; i <= 31; i++) {
        if (i == new_epoch_at) {
            scene.result.info.epoch++;
            scene.began = scene.time;
        }
        show_person(200 + 20 * (float)(i - 1), 900, 0.9f);
    }
}

static void check_crossing(uint32_t epoch)
{
    assert_int_equal(scene.event_count, 1);
    const struct fv_zone_event *event = &scene.events[0];
    assert_int_equal(event->type, FV_ZONE_CROSSING);
    assert_int_equal(event->direction, FV_A_TO_B); /* looking up, from left to right */
    assert_int_equal(event->track, 1);
    assert_int_equal(event->camera, 0);
    assert_int_equal(event->epoch, epoch);
    assert_in_range(event->frame, 17, 21);
    assert_float_equal(event->box[3], 0.9, 1e-6);
    assert_int_equal(figures().crossings, 1);
    assert_int_equal(figures().rule_events, 1);
    assert_int_equal(figures().tracks, 1);
}

static void test_crossing(void **state)
{
    set_up(WITH("", LINE));
    walk(0);
    check_crossing(0);
    tear_down();
}

/* The camera's clock starts again; ours goes on. */
static void test_crossing_over_a_new_epoch(void **state)
{
    set_up(WITH("", LINE));
    walk(16);
    check_crossing(1);
    tear_down();
}

/* Half a second without pictures, less than TRACK_BUFFER. */
static void test_crossing_over_a_gap(void **state)
{
    set_up(WITH("", LINE));
    for (unsigned i = 0; i < 31; i++) {
        if (i >= 14 && i < 18)
            scene.time += PICTURE;
        else
            show_person(200 + 20 * (float)i, 900, 0.9f);
    }
    assert_int_equal(scene.event_count, 1);
    assert_int_equal(scene.events[0].track, 1);
    assert_int_equal(figures().tracks, 1);
    tear_down();
}

static void test_dwell_ends_when_the_camera_is_away(void **state)
{
    set_up(WITH(ZONE, ""));
    for (int i = 0; i <= 30; i++) /* 3 s */
        show_person(300, 500, 0.9f);
    assert_int_equal(scene.event_count, 1);
    assert_int_equal(scene.events[0].type, FV_ZONE_DWELL);
    assert_int_equal(scene.events[0].phase, FV_PHASE_START);
    assert_int_equal(figures().dwells, 1);
    int64_t last = scene.result.info.at.event;
    for (int64_t away = FV_S; away <= 4 * FV_S; away += FV_S)
        fv_analysis_idle(scene.analysis, last + away);
    assert_int_equal(scene.event_count, 1); /* pictures may still come */
    for (int64_t away = 5 * FV_S; away <= 20 * FV_S; away += FV_S)
        fv_analysis_idle(scene.analysis, last + away);
    assert_int_equal(scene.event_count, 2);
    const struct fv_zone_event *end = &scene.events[1];
    assert_int_equal(end->phase, FV_PHASE_END);
    assert_int_equal(end->cause, FV_CAUSE_LOST);
    assert_int_equal(end->ref, scene.events[0].id);
    /* From the picture in which the track was confirmed, the second one, to the last one. */
    assert_in_range(end->duration, 3 * FV_S - PICTURE, 3 * FV_S);
    scene.time += 20 * FV_S;
    for (int i = 0; i <= 25; i++)
        show_person(300, 500, 0.9f);
    assert_int_equal(scene.event_count, 3);
    assert_int_equal(scene.events[2].track, 2);
    assert_int_equal(figures().dwells, 2);
    tear_down();
}

/* The camera seemed to be away for 3 s, but its pictures were under way for 1.9 s: they are used. */
static void test_late_pictures_are_used(void **state)
{
    set_up("{\"tracking\": {\"TRACK_BUFFER\": 90}, \"cameras\": {\"ZONES\": [" ZONE
           "], \"RTSP_STREAMS\": [{" STREAM "\"a\"}]}}");
    for (int i = 0; i <= 10; i++)
        show_person(300, 500, 0.9f);
    int64_t last = scene.result.info.at.event;
    for (int64_t away = FV_S; away <= 3 * FV_S; away += FV_S)
        fv_analysis_idle(scene.analysis, last + away);
    scene.time += FV_S;
    for (int i = 0; i < 9; i++) /* 2.1 s to 2.9 s after the first one */
        show_person(300, 500, 0.9f);
    assert_int_equal(scene.event_count, 1);
    assert_int_equal(scene.events[0].phase, FV_PHASE_START);
    assert_int_equal(scene.events[0].frame, 12); /* the first one that came late */
    tear_down();
}

static void test_stop_ends_what_lasts(void **state)
{
    set_up(WITH(ZONE, ""));
    for (int i = 0; i <= 30; i++)
        show_person(300, 500, 0.9f);
    fv_analysis_stop(scene.analysis);
    assert_int_equal(scene.event_count, 2);
    assert_int_equal(scene.events[1].cause, FV_CAUSE_STOPPED);
    assert_int_equal(figures().rule_events, 2);
    tear_down();
}

/* The first camera is off; the others have the engine-wide line, or none. */
static void test_cameras_have_their_own_rules(void **state)
{
    set_up("{\"cameras\": {\"LINES\": [" LINE "], \"RTSP_STREAMS\": [{" STREAM
           "\"a\", \"enabled\": false}, {" STREAM "\"b\", \"LINES\": []}, {" STREAM "\"c\"}]}}");
    walk(0);
    assert_int_equal(scene.event_count, 0);
    scene.result.info.camera = 1;
    walk(0);
    assert_int_equal(scene.event_count, 1);
    assert_int_equal(scene.events[0].camera, 1);
    assert_int_equal(scene.events[0].track, 1);
    tear_down();
}

/* --- scenes: exact events ------------------------------------------------------------------------- */

/* Two people meet on the line and pass each other, one a little before the other: each keeps its number and crosses once. */
static void test_scene_crossing_paths(void **state)
{
    set_up(WITH("", LINE));
    for (int i = 0; i <= 30; i++) {
        new_picture();
        add_box(200 + 20 * (float)i, 900, 0.9f);
        add_box(800 - 20 * (float)i, 940, 0.8f);
        analyse();
    }
    assert_int_equal(figures().tracks, 2);
    assert_int_equal(scene.event_count, 2);
    for (unsigned i = 0; i < 2; i++) {
        const struct fv_zone_event *event = &scene.events[i];
        assert_int_equal(event->type, FV_ZONE_CROSSING);
        assert_int_equal(event->track, i + 1);
        assert_int_equal(event->direction, i == 0 ? FV_A_TO_B : FV_B_TO_A);
        assert_int_equal(event->frame,
                         20); /* behind by the margin in picture 17, 300 ms of inertia */
    }
    tear_down();
}

/* Behind a pillar for 0.9 s, and the line is in the midst of it: one crossing, when the person is seen on the other side. */
static void test_scene_occlusion(void **state)
{
    set_up(WITH("", LINE));
    for (int i = 0; i <= 30; i++) {
        new_picture();
        if (i < 11 || i >= 20)
            add_box(200 + 20 * (float)i, 900, 0.9f);
        analyse();
    }
    assert_int_equal(figures().tracks, 1);
    assert_int_equal(scene.event_count, 1);
    assert_int_equal(scene.events[0].track, 1);
    assert_int_equal(scene.events[0].direction, FV_A_TO_B);
    assert_int_equal(scene.events[0].frame, 24); /* seen again in picture 21; 300 ms */
    tear_down();
}

/* As many as a picture can hold, side by side; the columns at 442 and 490 walk over the line at 500, by more than the margin. */
static void test_scene_full_picture(void **state)
{
    unsigned crossed[FV_DETECTIONS_MAX + 1] = {0};
    set_up(WITH("", LINE));
    for (int i = 0; i <= 26; i++) {
        new_picture();
        for (int k = 0; k < FV_DETECTIONS_MAX; k++) {
            const float x = 10 + 48 * (float)(k % 20) + (i <= 23 ? 5 * (float)i : 115),
                        y = 60 + 60 * (float)(k / 20);
            scene.result.detections[scene.result.count++] =
                (struct fv_detection){x - 15, y - 30, x + 15, y, 0.9f, 0, 0};
        }
        analyse();
    }
    assert_int_equal(figures().tracks, FV_DETECTIONS_MAX);
    assert_int_equal(scene.event_count, 2 * 15);
    for (unsigned i = 0; i < scene.event_count; i++) {
        const struct fv_zone_event *event = &scene.events[i];
        assert_int_equal(event->direction, FV_A_TO_B);
        assert_true(event->track >= 1 && event->track <= FV_DETECTIONS_MAX);
        assert_in_range((event->track - 1) % 20, 9,
                        10); /* numbered in the order of the first picture */
        assert_int_equal(crossed[event->track]++, 0);
    }
    tear_down();
}

/* 40 to 333 ms from one picture to the next; 200 pixels a second. */
static void test_scene_variable_rate(void **state)
{
    static const int64_t steps[] = {40 * FV_MS, 200 * FV_MS, 100 * FV_MS, 333 * FV_MS, 67 * FV_MS};
    set_up(WITH(ZONE, LINE));
    const int64_t start = scene.time;
    int64_t crossed = 0, dwelt = 0, last = 0;
    for (int i = 0; scene.time - start < 3 * FV_S; i++) {
        const int64_t now = scene.time - start;
        const float x = 200 + 200 * (float)now / (float)FV_S;
        if (!crossed && x > 500)
            crossed = now;
        if (!dwelt && now >= 2 * FV_S)
            dwelt = now;
        last = now;
        show_person(x, 900, 0.9f);
        scene.time += steps[i % 5] - PICTURE;
    }
    fv_analysis_stop(scene.analysis);
    assert_int_equal(figures().tracks, 1);
    assert_int_equal(scene.event_count, 3);
    const struct fv_zone_event *crossing = &scene.events[0], *start_of = &scene.events[1],
                               *end = &scene.events[2];
    if (crossing->type != FV_ZONE_CROSSING)
        crossing = &scene.events[1], start_of = &scene.events[0];
    assert_int_equal(crossing->type, FV_ZONE_CROSSING);
    assert_true(crossing->time - start >= crossed + 300 * FV_MS);
    assert_true(crossing->time - start < crossed + 300 * FV_MS + 333 * FV_MS);
    assert_int_equal(start_of->type, FV_ZONE_DWELL);
    assert_int_equal(start_of->time - start, dwelt); /* the first picture at 2 s or more */
    assert_int_equal(end->phase, FV_PHASE_END);
    assert_int_equal(end->duration, last);
    tear_down();
}

/* The camera's clock starts anew, then is set back within its epoch, then jumps ahead: the stay is as long as it was. */
static void test_scene_clock_jumps(void **state)
{
    set_up(WITH(ZONE, ""));
    for (int i = 0; i <= 40; i++) {
        if (i == 10) {
            scene.result.info.epoch++;
            scene.began = scene.time;
        }
        if (i == 20)
            scene.began += FV_S; /* back by a second */
        if (i == 30)
            scene.began -= 9 * FV_S; /* ahead by nine */
        show_person(300, 500, 0.9f);
    }
    fv_analysis_stop(scene.analysis);
    assert_int_equal(figures().tracks, 1);
    assert_int_equal(scene.event_count, 2);
    assert_int_equal(scene.events[0].frame, 21);
    assert_int_equal(scene.events[1].duration, 4 * FV_S);
    tear_down();
}

/* --- configuration -------------------------------------------------------------------------------- */

#define POINTS "\"POINTS\": [[0, 0], [1, 0], [1, 1]]"

static void test_rules_of_a_zone(void **state)
{
    static struct fv_rules rules;
    struct fv_error err = {0};
    set_up(WITH("{\"NAME\": \"z\", " POINTS ", \"CLASSES\": [\"CAR\", 0], \"ENTER_EXIT\": true, "
                "\"ANCHOR\": \"top\", \"CROWD_LIMIT\": 5, \"CROWD_S\": 4, \"COUNT_S\": 60, "
                "\"INERTIA_MS\": 500, \"STATIONARY_S\": 20, \"DIRECTION_DEG\": 90}, "
                "{\"NAME\": \"m\", " POINTS ", \"MASK\": true}",
                LINE));
    assert_int_equal(
        fv_rules_make(&rules, scene.config, &scene.config->cameras.items[0], &model, &err), 0);
    static const enum fv_rule_kind kinds[] = {FV_RULE_ENTER, FV_RULE_CROWD,      FV_RULE_DIRECTION,
                                              FV_RULE_COUNT, FV_RULE_STATIONARY, FV_RULE_MASK,
                                              FV_RULE_LINE};
    assert_int_equal(rules.count, 7);
    for (unsigned i = 0; i < 7; i++)
        assert_int_equal(rules.items[i].kind, kinds[i]);
    const struct fv_rule_params *enter = &rules.items[0], *crowd = &rules.items[1];
    assert_string_equal(enter->name, "z");
    assert_int_equal(enter->point_count, 3);
    assert_int_equal(enter->anchor, FV_ANCHOR_TOP);
    assert_int_equal(enter->inertia, 500 * FV_MS);
    assert_int_equal(enter->filter.class_count, 2);
    assert_int_equal(enter->filter.classes[0], 1);
    assert_int_equal(enter->filter.classes[1], 0);
    assert_int_equal(crowd->crowd.limit, 5);
    assert_int_equal(crowd->crowd.slack, 1);
    assert_int_equal(crowd->crowd.hold, 4 * FV_S);
    assert_int_equal(rules.items[3].count.interval, 60 * FV_S);
    assert_int_equal(rules.items[4].stationary.after, 20 * FV_S);
    assert_int_equal(rules.items[4].anchor, FV_ANCHOR_CENTRE);
    assert_int_equal(rules.items[6].filter.class_count, 0);
    tear_down();
}

static void test_unknown_class(void **state)
{
    struct fv_error err = {0};
    assert_int_equal(open_scene(WITH("{\"NAME\": \"z\", " POINTS ", \"MASK\": true, "
                                     "\"CLASSES\": [\"cat\"]}",
                                     ""),
                                &err),
                     -EINVAL);
    assert_non_null(strstr(err.text, "'cat'"));
    assert_non_null(strstr(err.text, "camera 'a'"));
    assert_null(scene.analysis);
    fv_config_free(scene.config);
    assert_int_equal(open_scene(WITH("{\"NAME\": \"z\", " POINTS ", \"MASK\": true, "
                                     "\"CLASSES\": [2]}",
                                     ""),
                                &err),
                     -EINVAL);
    fv_config_free(scene.config);
}

/* What a caller of the library sees. */
static void test_public_event(void **state)
{
    static const char *const names[] = {"front \"door\""};
    const struct fv_sink_context context = {names, 1, (const char *const *)labels, 2};
    const struct fv_class_count from[] = {{1, 2, 3, 4}, {FV_CLASS_OTHERS, 0, 1, 1}};
    struct fv_rule_class counts[FV_RULE_COUNTS_MAX];
    struct fv_zone_event event = {.id = 7,
                                  .ref = 3,
                                  .type = FV_ZONE_DWELL,
                                  .phase = FV_PHASE_END,
                                  .cause = FV_CAUSE_LOST,
                                  .rule = "z",
                                  .track = 9,
                                  .class_id = 1,
                                  .counts = from,
                                  .counts_size = 2};
    struct fv_rule_event seen = fv_rule_event_of(&context, &event, counts);
    assert_string_equal(seen.camera_name, "front \"door\"");
    assert_string_equal(seen.type, "zone.dwell");
    assert_string_equal(seen.phase, "end");
    assert_string_equal(seen.cause, "lost");
    assert_null(seen.direction);
    assert_string_equal(seen.label, "car");
    assert_int_equal(seen.ref, 3);
    assert_int_equal(seen.counts_size, 2);
    assert_string_equal(seen.counts[0].label, "car");
    assert_int_equal(seen.counts[0].out, 4);
    assert_string_equal(seen.counts[1].label, "");
    event.type = FV_ZONE_CROSSING;
    event.phase = FV_PHASE_ONCE;
    event.direction = FV_B_TO_A;
    seen = fv_rule_event_of(&context, &event, counts);
    assert_string_equal(seen.direction, "b_to_a");
    assert_null(seen.cause);
}

/* --- reload --------------------------------------------------------------------------------------- */

static void reload(const char *text)
{
    struct fv_config_params config = {.text = text, .backend = "cpu"};
    struct fv_error err = {0};
    struct fv_config *fresh_config = NULL;
    struct fv_analysis *fresh = NULL;
    assert_int_equal(fv_config_load(&config, &fresh_config, &err), 0);
    struct fv_analysis_params params = {fresh_config, &model, on_event, &scene};
    if (fv_analysis_create(&params, &fresh, &err) < 0)
        fail_msg("%s", err.text);
    fv_alloc_fail_at(1);
    fv_analysis_take_over(fresh, scene.analysis);
    assert_true(fv_alloc_fail_pending());
    fv_alloc_fail_at(0);
    tear_down();
    scene.analysis = fresh;
    scene.config = fresh_config;
}

#define ZONE_AFTER(seconds)                                                                        \
    "{\"NAME\": \"all\", \"POINTS\": [[0, 0], [1, 0], [1, 1], [0, 1]], \"DWELL_S\": " seconds "}"
#define OTHER_ZONE "{\"NAME\": \"all\", \"POINTS\": [[0, 0], [1, 0], [1, 1]], \"DWELL_S\": 2}"

/* Half a stay before, half behind: the stay is one. The line that came in between is new. */
static void test_reload_keeps_an_unchanged_zone(void **state)
{
    set_up(WITH(ZONE, ""));
    for (int i = 0; i <= 10; i++)
        show_person(300, 500, 0.9f);
    reload(WITH(ZONE, LINE));
    for (int i = 0; i <= 14; i++)
        show_person(300, 500, 0.9f);
    assert_int_equal(scene.event_count, 1);
    assert_int_equal(scene.events[0].type, FV_ZONE_DWELL);
    assert_int_equal(scene.events[0].track, 1);
    assert_int_equal(scene.events[0].frame, 21); /* 2 s after the first picture */
    assert_int_equal(scene.events[0].id, 1);
    reload(WITH(ZONE, LINE));
    fv_analysis_stop(scene.analysis);
    assert_int_equal(scene.event_count, 2);
    assert_int_equal(scene.events[1].ref, 1);
    assert_int_equal(scene.events[1].id, 2);
    assert_int_equal(figures().tracks, 1);
    assert_int_equal(figures().dwells, 1);
    assert_int_equal(figures().rule_events, 2);
    tear_down();
}

/* Another threshold holds for the stay that goes on; another shape is another zone. */
static void test_reload_changes_a_zone(void **state)
{
    set_up(WITH(ZONE, ""));
    for (int i = 0; i <= 10; i++)
        show_person(300, 500, 0.9f);
    reload(WITH(ZONE_AFTER("1.5"), ""));
    for (int i = 0; i <= 10; i++)
        show_person(300, 500, 0.9f);
    assert_int_equal(scene.event_count, 1);
    assert_int_equal(scene.events[0].frame, 16); /* 1.5 s after the first picture */
    reload(WITH(OTHER_ZONE, ""));
    assert_int_equal(scene.event_count, 2);
    assert_int_equal(scene.events[1].cause, FV_CAUSE_RELOADED);
    assert_int_equal(scene.events[1].ref, 1);
    for (int i = 0; i <= 25; i++)
        show_person(700, 300, 0.9f); /* inside this one, too */
    assert_int_equal(scene.event_count, 3);
    assert_int_equal(scene.events[2].id, 3);
    assert_int_equal(scene.events[2].track, 2);
    tear_down();
}

/* All rules go and come back; tracking goes and comes back: numbers of events and tracks go on. */
static void test_reload_without_rules(void **state)
{
    set_up(WITH(ZONE, ""));
    for (int i = 0; i <= 25; i++)
        show_person(300, 500, 0.9f);
    reload(WITH("", ""));
    assert_int_equal(scene.event_count, 2);
    assert_int_equal(scene.events[1].cause, FV_CAUSE_RELOADED);
    for (int i = 0; i <= 25; i++)
        show_person(300, 500, 0.9f);
    reload("{\"tracking\": {\"ENABLE_TRACKING\": false}, \"cameras\": {\"ZONES\": [" ZONE
           "], \"RTSP_STREAMS\": [{" STREAM "\"a\"}]}}");
    for (int i = 0; i <= 25; i++)
        show_person(300, 500, 0.9f);
    assert_int_equal(scene.result.detections[0].track, 0);
    assert_int_equal(scene.event_count, 2);
    reload(WITH(ZONE, ""));
    for (int i = 0; i <= 25; i++)
        show_person(300, 500, 0.9f);
    assert_int_equal(scene.event_count, 3);
    assert_int_equal(scene.events[2].id, 3);
    assert_int_equal(scene.events[2].track, 2); /* 2.6 s unseen: longer than the buffer */
    assert_int_equal(figures().tracks, 2);
    tear_down();
}

/* The cameras change places; one goes. Each keeps what is its own. */
static void test_reload_moves_cameras(void **state)
{
    set_up("{\"cameras\": {\"ZONES\": [" ZONE "], \"RTSP_STREAMS\": [{" STREAM "\"a\"}, {" STREAM
           "\"b\"}, {" STREAM "\"c\"}]}}");
    for (int i = 0; i <= 25; i++) {
        scene.result.info.camera = 2;
        show_person(300, 500, 0.9f);
        scene.time -= PICTURE;
        scene.result.info.camera = 0;
        show_person(700, 500, 0.9f);
    }
    assert_int_equal(scene.event_count, 2);
    reload("{\"cameras\": {\"ZONES\": [" ZONE "], \"RTSP_STREAMS\": [{" STREAM "\"c\"}, {" STREAM
           "\"d\"}]}}");
    assert_int_equal(scene.event_count, 3);
    assert_int_equal(scene.events[2].camera, 0); /* it was the first one */
    assert_int_equal(scene.events[2].cause, FV_CAUSE_STOPPED);
    assert_int_equal(figures().dwells, 1); /* of c */
    show_person(300, 500, 0.9f);
    assert_int_equal(scene.result.detections[0].track, 1);
    fv_analysis_stop(scene.analysis);
    assert_int_equal(scene.event_count, 4);
    assert_int_equal(scene.events[3].camera, 0);
    assert_int_equal(scene.events[3].id, 2);
    tear_down();
}

/* A step of a quarter of the width is a match under MATCH_THRESH 0.75, and another object under 0.1. */
static void test_match_threshold(void **state)
{
    static const struct {
        const char *text;
        uint64_t track;
    } rows[] = {{"0.75", 1}, {"0.1", 0}};
    for (int row = 0; row < 2; row++) {
        char text[300];
        snprintf(text, sizeof(text),
                 "{\"tracking\": {\"MATCH_THRESH\": %s}, \"cameras\": {\"RTSP_STREAMS\": [{" STREAM
                 "\"a\"}]}}",
                 rows[row].text);
        set_up(text);
        for (int i = 0; i <= 10; i++)
            show_person(300, 500, 0.9f);
        float width = scene.result.detections[0].x1 - scene.result.detections[0].x0;
        show_person(300 + width / 4, 500, 0.9f);
        assert_int_equal(scene.result.detections[0].track, rows[row].track);
        tear_down();
    }
}

/* Places with gaps: the events carry them, and a reload may leave some empty. */
static void test_places(void **state)
{
    static const uint32_t places[] = {5, 2};
    struct fv_error err = {0};
    struct fv_config_params text = {.text = "{\"cameras\": {\"ZONES\": [" ZONE "], "
                                            "\"RTSP_STREAMS\": [{" STREAM "\"a\"}, {" STREAM
                                            "\"b\"}]}}",
                                    .backend = "cpu"};
    scene = (struct scene){.time = 1000 * FV_S, .began = 1000 * FV_S};
    assert_int_equal(fv_config_load(&text, &scene.config, &err), 0);
    struct fv_analysis_params params = {scene.config, &model, on_event, &scene, places, 6};
    assert_int_equal(fv_analysis_create(&params, &scene.analysis, &err), 0);
    scene.result.info.camera = 2;
    for (int i = 0; i <= 25; i++)
        show_person(300, 500, 0.9f);
    assert_int_equal(scene.event_count, 1);
    assert_int_equal(scene.events[0].camera, 2);
    fv_analysis_idle(scene.analysis, scene.time);
    struct fv_analysis *fresh;
    params.places = places + 1; /* "a" now has the place of "b" */
    text.text = "{\"cameras\": {\"RTSP_STREAMS\": [{" STREAM "\"a\"}]}}";
    fv_config_free(scene.config);
    assert_int_equal(fv_config_load(&text, &scene.config, &err), 0);
    params.config = scene.config;
    assert_int_equal(fv_analysis_create(&params, &fresh, &err), 0);
    fv_analysis_take_over(fresh, scene.analysis);
    fv_analysis_destroy(scene.analysis);
    scene.analysis = fresh;
    assert_int_equal(scene.event_count, 2);
    assert_int_equal(scene.events[1].camera, 2);
    assert_int_equal(scene.events[1].cause, FV_CAUSE_STOPPED);
    fv_analysis_stop(scene.analysis);
    tear_down();
}

/* A longer TRACK_BUFFER holds for tracks that are there. */
static void test_reload_changes_tracking(void **state)
{
    set_up(WITH("", ""));
    for (int i = 0; i <= 10; i++)
        show_person(300, 500, 0.9f);
    reload("{\"tracking\": {\"TRACK_BUFFER\": 90}, \"cameras\": {\"RTSP_STREAMS\": [{" STREAM
           "\"a\"}]}}");
    scene.time += 2 * FV_S;
    show_person(300, 500, 0.9f);
    assert_int_equal(scene.result.detections[0].track, 1);
    tear_down();
}

/* --- memory --------------------------------------------------------------------------------------- */

static void test_no_allocation_in_the_steady_state(void **state)
{
    set_up(WITH(ZONE, LINE));
    fv_alloc_fail_at(1);
    walk(0);
    fv_analysis_idle(scene.analysis, scene.time + 60 * FV_S);
    fv_analysis_stop(scene.analysis);
    assert_true(fv_alloc_fail_pending());
    fv_alloc_fail_at(0);
    assert_true(scene.event_count >= 3);
    tear_down();
}

static void test_no_memory(void **state)
{
    set_up(WITH(ZONE, LINE));
    fv_analysis_destroy(scene.analysis);
    struct fv_analysis_params params = {scene.config, &model, on_event, &scene};
    for (unsigned n = 1;; n++) {
        struct fv_error err = {0};
        scene.analysis = NULL;
        fv_alloc_fail_at(n);
        int r = fv_analysis_create(&params, &scene.analysis, &err);
        bool pending = fv_alloc_fail_pending();
        fv_alloc_fail_at(0);
        if (pending) {
            assert_int_equal(r, 0);
            assert_true(n > 6);
            break;
        }
        assert_int_equal(r, -ENOMEM);
        assert_null(scene.analysis);
    }
    tear_down();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_detections_get_numbers),
        cmocka_unit_test(test_weak_boxes_hold_a_track),
        cmocka_unit_test(test_no_tracking),
        cmocka_unit_test(test_threshold),
        cmocka_unit_test(test_crossing),
        cmocka_unit_test(test_crossing_over_a_new_epoch),
        cmocka_unit_test(test_crossing_over_a_gap),
        cmocka_unit_test(test_dwell_ends_when_the_camera_is_away),
        cmocka_unit_test(test_late_pictures_are_used),
        cmocka_unit_test(test_stop_ends_what_lasts),
        cmocka_unit_test(test_cameras_have_their_own_rules),
        cmocka_unit_test(test_scene_crossing_paths),
        cmocka_unit_test(test_scene_occlusion),
        cmocka_unit_test(test_scene_full_picture),
        cmocka_unit_test(test_scene_variable_rate),
        cmocka_unit_test(test_scene_clock_jumps),
        cmocka_unit_test(test_rules_of_a_zone),
        cmocka_unit_test(test_unknown_class),
        cmocka_unit_test(test_public_event),
        cmocka_unit_test(test_reload_keeps_an_unchanged_zone),
        cmocka_unit_test(test_reload_changes_a_zone),
        cmocka_unit_test(test_reload_without_rules),
        cmocka_unit_test(test_reload_moves_cameras),
        cmocka_unit_test(test_match_threshold),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_reload_changes_tracking),
        cmocka_unit_test(test_no_allocation_in_the_steady_state),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

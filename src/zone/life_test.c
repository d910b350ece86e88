// SPDX-License-Identifier: Apache-2.0
/* The object around the rules: times that jump, tracks without end, filters, reloads, bad settings, lack of memory. */
#include <errno.h>
#include <math.h>

#include "zone/scene_test.h"

static void open_one(struct scene *scene, enum fv_rule_kind kind)
{
    const struct fv_rule_params rule = scene_rule(kind);
    scene_open(scene, &rule, 1);
}

static int frame_at(struct scene *scene, int64_t ms, double x)
{
    const struct fv_tracked tracked = scene_tracked(1, x, 50);
    scene->now = ms * FV_MS;
    return scene_frame(scene, &tracked, 1);
}

static void test_late_and_equal_times(void **state)
{
    (void)state;
    struct scene scene;
    struct fv_analytics_stats stats;
    open_one(&scene, FV_RULE_LINE);
    assert_int_equal(frame_at(&scene, 1000, 40), 0);
    assert_int_equal(frame_at(&scene, 1000, 45), 0);      /* read in one go with the one before */
    assert_int_equal(frame_at(&scene, 900, 60), -EAGAIN); /* late: crosses nothing */
    assert_int_equal(frame_at(&scene, 1100, 45), 0);
    assert_int_equal(frame_at(&scene, 1200, 60), 0);
    assert_int_equal(frame_at(&scene, 1150, 40), -EAGAIN);
    assert_int_equal(frame_at(&scene, 1400, 60), 0);
    assert_int_equal(frame_at(&scene, -1, 60), -EINVAL);
    assert_string_equal(scene_take(&scene), "cross #1 a_to_b 1400/1200");
    fv_analytics_stats(scene.analytics, &stats);
    assert_int_equal(stats.late, 2);
    assert_int_equal(stats.frames, 5);
    scene_close(&scene);
}

/* The clock goes back by an hour: the analysis goes on, and no duration is negative (scene checks each event). */
static void test_clock_goes_back(void **state)
{
    (void)state;
    struct scene scene;
    struct fv_analytics_stats stats;
    open_one(&scene, FV_RULE_ENTER);
    const int64_t hour = 3600 * 1000;
    for (int i = 0; i < 5; i++)
        assert_int_equal(frame_at(&scene, hour + i * 100, 50), 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(frame_at(&scene, 100 + i * 100, 50), 0);
    fv_analytics_stop(scene.analytics);
    /* in from hour; 400 ms until the jump, which counts as nothing, 400 ms behind it */
    assert_string_equal(scene_take(&scene),
                        "enter #1 3600200/3600000; exit #1 3600800/3600800 d800 stopped");
    fv_analytics_stats(scene.analytics, &stats);
    assert_int_equal(stats.rebased, 1);
    scene_close(&scene);
}

/* ... forward by an hour: the tracks were not seen for an hour. */
static void test_clock_jumps_forward(void **state)
{
    (void)state;
    struct scene scene;
    open_one(&scene, FV_RULE_ENTER);
    for (int i = 0; i < 5; i++)
        assert_int_equal(frame_at(&scene, i * 100, 50), 0);
    assert_int_equal(frame_at(&scene, 3600 * 1000, 50), 0);
    assert_string_equal(scene_take(&scene), "enter #1 200/0; exit #1 3600000/400 d400 lost");
    scene_close(&scene);

    struct fv_rule_params crowd = scene_rule(FV_RULE_CROWD);
    crowd.crowd = (struct fv_rule_crowd){.limit = 0, .hold = 100 * FV_MS};
    scene_open(&scene, &crowd, 1);
    for (int i = 0; i < 5; i++)
        frame_at(&scene, i * 100, 50);
    scene.now = 3600 * FV_S;
    scene_frame(&scene, NULL, 0);
    scene.now += 100 * FV_MS;
    scene_frame(&scene, NULL, 0);
    assert_string_equal(scene_take(&scene), "crowd start 300/200 n1 p1 d100; "
                                            "crowd end 3600100/200 n0 p1 d200 moved");
    scene_close(&scene);
}

/* The largest times there are. */
static void test_extreme_times(void **state)
{
    (void)state;
    struct scene scene;
    open_one(&scene, FV_RULE_ENTER);
    static const int64_t times[] = {0, INT64_MAX, 0, INT64_MAX, 5, INT64_MAX - 1, 1, 0};
    for (size_t i = 0; i < COUNT(times); i++) {
        const struct fv_tracked tracked = scene_tracked(1, 50, 50);
        scene.now = times[i];
        const int rc = scene_frame(&scene, &tracked, 1);
        assert_true(rc == 0 || rc == -EAGAIN);
    }
    fv_analytics_stop(scene.analytics);
    scene_close(&scene);
}

/* A new epoch changes nothing: durations come from the monotonic time. */
static void test_epochs(void **state)
{
    (void)state;
    struct scene scene;
    open_one(&scene, FV_RULE_ENTER);
    for (unsigned i = 0; i < 6; i++) {
        const struct fv_tracked tracked = scene_tracked(1, i < 5 ? 50 : 80, 50);
        const struct fv_zone_frame frame = {.time = i * 200 * FV_MS,
                                            .epoch = 1 + i / 3,
                                            .pts =
                                                i == 3 ? FV_TIME_UNKNOWN : (int64_t)(i % 3) * FV_S,
                                            .wall = 77,
                                            .number = 10 + i,
                                            .width = 640,
                                            .height = 480,
                                            .tracks = &tracked,
                                            .track_count = 1};
        assert_int_equal(fv_analytics_frame(scene.analytics, &frame), 0);
    }
    const struct fv_tracked tracked = scene_tracked(1, 80, 50);
    scene.now = 1200 * FV_MS;
    scene_frame(&scene, &tracked, 1);
    assert_string_equal(scene_take(&scene), "enter #1 200/0; exit #1 1200/1000 d1000 moved");
    scene_close(&scene);
}

static void test_many_and_bad_tracks(void **state)
{
    (void)state;
    struct scene scene;
    struct fv_analytics_stats stats;
    struct fv_tracked tracks[24];
    open_one(&scene, FV_RULE_ENTER);
    for (unsigned i = 0; i < 20; i++)
        tracks[i] = scene_tracked(100 + i, 50, 50);
    tracks[20] = scene_tracked(100, 50, 50); /* twice */
    tracks[21] = scene_tracked(7, 50, 50);
    tracks[21].x0 = NAN;
    tracks[22] = scene_tracked(8, 50, 50);
    tracks[22].y1 = tracks[22].y0 - 1;
    tracks[23] = scene_tracked(9, 50, 50);
    tracks[23].score = INFINITY;
    scene_frame(&scene, tracks, 24);
    fv_analytics_stats(scene.analytics, &stats);
    assert_int_equal(stats.tracks, 16); /* tracks_max */
    assert_int_equal(stats.overflow, 4);
    assert_int_equal(stats.refused, 4);
    /* Ids that come and go for ever leave nothing behind. */
    for (unsigned i = 0; i < 500; i++) {
        const struct fv_tracked tracked = scene_tracked(1000 + i, 50, 50);
        scene.now += 300 * FV_MS;
        scene_frame(&scene, &tracked, 1);
    }
    fv_analytics_stats(scene.analytics, &stats);
    assert_in_range(stats.tracks, 1, 4);     /* those of the last second */
    assert_int_equal(stats.overflow, 4 + 3); /* the 16 were kept for a second: at 300, 600, 900 */
    scene_close(&scene);
}

/* The score wavers below the limit: who is in stays in. */
static void test_admitted_once(void **state)
{
    (void)state;
    struct scene scene;
    struct fv_rule_params rule = scene_rule(FV_RULE_ENTER);
    rule.filter.min_score = 0.5f;
    scene_open(&scene, &rule, 1);
    static const float scores[] = {0.4f, 0.6f, 0.3f, 0.6f, 0.3f};
    for (size_t i = 0; i < COUNT(scores); i++) {
        struct fv_tracked tracked = scene_tracked(1, 50, 50);
        tracked.score = scores[i];
        scene_frame(&scene, &tracked, 1);
        scene.now += 100 * FV_MS;
    }
    assert_string_equal(scene_take(&scene), "enter #1 300/100");
    scene_close(&scene);
}

static void test_anchors(void **state)
{
    (void)state;
    struct scene scene;
    struct fv_rule_params rules[3];
    for (int i = 0; i < 3; i++) {
        rules[i] = scene_rule(FV_RULE_ENTER);
        rules[i].inertia = 0;
        rules[i].anchor = (enum fv_anchor)i;
    }
    rules[1].name = "centre";
    rules[2].name = "top";
    scene_open(&scene, rules, 3);
    struct fv_tracked tracked = scene_tracked(1, 50, 64); /* y from 54 to 64: middle 59 */
    scene_frame(&scene, &tracked, 1);
    assert_string_equal(scene_take(&scene), "enter #1 0/0; enter #1 0/0");
    assert_string_equal(scene.last.rule, "top");
    assert_int_equal(scene.last.at.x, FV_GEO_UNIT / 2);
    tracked = scene_tracked(1, 50, 43); /* middle 38 */
    scene_frame(&scene, &tracked, 1);
    assert_string_equal(scene_take(&scene),
                        "enter #1 0/0; exit #1 0/0 d0 moved; exit #1 0/0 d0 moved");
    scene_close(&scene);
}

/* A box outside the picture counts as at its edge. */
static void test_outside_picture(void **state)
{
    (void)state;
    static const double low[4][2] = {{0, 0.9}, {1, 0.9}, {1, 1}, {0, 1}};
    struct fv_rule_params rule = scene_rule(FV_RULE_ENTER);
    rule.points = low;
    scene_check(&rule, (const char *[]){"50,104*3"}, 1,
                "enter #1 200/0; exit #1 200/200 d200 stopped");
}

static void reload(struct scene *scene, const struct fv_rule_params *rules, unsigned count)
{
    struct fv_analytics *fresh = scene_make(scene, rules, count);
    fv_analytics_take_over(fresh, scene->analytics);
    fv_analytics_stop(scene->analytics); /* the old one is empty: nothing may come */
    fv_analytics_destroy(scene->analytics);
    scene->analytics = fresh;
}

static void test_reload(void **state)
{
    (void)state;
    struct scene scene;
    static const double moved[4][2] = {{0.4, 0.4}, {0.6, 0.4}, {0.6, 0.61}, {0.4, 0.6}};
    struct fv_rule_params rules[3] = {scene_rule(FV_RULE_ENTER), scene_rule(FV_RULE_DWELL),
                                      scene_rule(FV_RULE_CROWD)};
    rules[1].dwell.threshold = 500 * FV_MS;
    rules[2].crowd = (struct fv_rule_crowd){.limit = 0};
    scene_open(&scene, rules, 3);
    scene_walk(&scene, "50,50*7");
    assert_string_equal(scene_take(&scene), "enter #1 200/0; crowd start 200/200 n1 p1 d0; "
                                            "dwell start #1 500/0 d500");
    /* In another order, one of them with another threshold: all goes on. */
    struct fv_rule_params swapped[3] = {rules[2], rules[0], rules[1]};
    swapped[2].dwell.threshold = 9 * FV_S;
    reload(&scene, swapped, 3);
    scene_walk(&scene, "50,50*3");
    assert_string_equal(scene_take(&scene), "");
    /* The dwell rule is moved, the crowd rule removed: theirs ends. The enter rule goes on. */
    struct fv_rule_params changed[2] = {rules[0], rules[1]};
    changed[1].points = moved;
    reload(&scene, changed, 2);
    assert_string_equal(scene_take(&scene), "crowd end 900/200 n0 p1 d700 reloaded; "
                                            "dwell end #1 900/0 d900 reloaded");
    scene_walk(&scene, "50,50*6 80,50*3");
    assert_string_equal(scene_take(&scene),
                        "dwell start #1 1500/1000 d500; "
                        "exit #1 1800/1600 d1600 moved; dwell end #1 1800/1000 d600 moved");
    scene_close(&scene);
}

static void test_reload_of_all_kinds(void **state)
{
    (void)state;
    struct scene scene;
    struct fv_rule_params line = scene_rule(FV_RULE_LINE);
    scene_open(&scene, &line, 1);
    scene_walk(&scene, "40,50 60,50");
    reload(&scene, &line, 1);
    scene_walk(&scene, "60,50*2");
    assert_string_equal(scene_take(&scene), "cross #1 a_to_b 300/100");
    scene_close(&scene);

    struct fv_rule_params still = scene_rule(FV_RULE_STATIONARY);
    still.stationary = (struct fv_rule_stationary){500 * FV_MS, FV_S, 0.05, true};
    scene_open(&scene, &still, 1);
    scene_walk(&scene, "50,50*4");
    reload(&scene, &still, 1);
    scene_walk(&scene, "50,50*2");
    reload(&scene, &still, 1);
    fv_analytics_stop(scene.analytics);
    assert_string_equal(scene_take(&scene), "stationary start #1 500/0 d500; "
                                            "stationary end #1 500/0 d500 stopped");
    scene_close(&scene);

    struct fv_rule_params count = scene_rule(FV_RULE_COUNT);
    scene_open(&scene, &count, 1);
    scene_walk(&scene, "50,50*3");
    reload(&scene, &count, 1);
    uint32_t size;
    const struct fv_class_count *counts = fv_analytics_counts(scene.analytics, 0, &size);
    assert_int_equal(size, 1);
    assert_int_equal(counts[0].now, 1);
    assert_int_equal(counts[0].in, 1);
    assert_null(fv_analytics_counts(scene.analytics, 1, &size));
    assert_int_equal(size, 0);
    scene_close(&scene);
}

/* 100 classes: 63 of their own, the others together. */
static void test_many_classes(void **state)
{
    (void)state;
    struct scene scene;
    struct fv_rule_params rule = scene_rule(FV_RULE_COUNT);
    rule.inertia = 0;
    scene_open(&scene, &rule, 1);
    for (uint16_t i = 0; i < 100; i++) {
        struct fv_tracked tracked = scene_tracked(i, 50, 50);
        tracked.class_id = i;
        scene_frame(&scene, &tracked, 1);
        scene.now += 2 * FV_S; /* it is lost before the next one comes */
    }
    uint32_t size;
    const struct fv_class_count *counts = fv_analytics_counts(scene.analytics, 0, &size);
    assert_int_equal(size, 64);
    assert_int_equal(counts[62].class_id, 62);
    assert_int_equal(counts[62].in, 1);
    assert_int_equal(counts[63].class_id, FV_CLASS_OTHERS);
    assert_int_equal(counts[63].in, 37);
    assert_int_equal(counts[63].out, 36);
    assert_int_equal(counts[63].now, 1);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_late_and_equal_times),
        cmocka_unit_test(test_clock_goes_back),
        cmocka_unit_test(test_clock_jumps_forward),
        cmocka_unit_test(test_extreme_times),
        cmocka_unit_test(test_epochs),
        cmocka_unit_test(test_many_and_bad_tracks),

        cmocka_unit_test(test_admitted_once),
        cmocka_unit_test(test_anchors),
        cmocka_unit_test(test_outside_picture),
        cmocka_unit_test(test_reload),
        cmocka_unit_test(test_reload_of_all_kinds),
        cmocka_unit_test(test_many_classes),

    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

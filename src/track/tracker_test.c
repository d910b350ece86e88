// SPDX-License-Identifier: Apache-2.0
#include <stdbool.h>

#include "base/clock.h"
#include <errno.h>

#include "track/scene_test.h"

/* --- one person ------------------------------------------------------------------------------ */

static void test_walk(void **state)
{
    struct scene scene;
    open_scene(&scene, NULL);
    for (int i = 0; i <= 60; i++) {
        put(&scene, 100 + 5 * i, 200 - i, 0.9f); /* 150 and -30 pixels a second */
        take(&scene, 7 + i / 30.0);
        assert_int_equal(scene.count, 1);
        assert_int_equal(scene.tracks[0].id, 1);
        assert_int_equal(scene.tracks[0].hits, i + 1);
    }
    const struct fv_track *t = &scene.tracks[0];
    assert_int_equal(t->state, FV_TRACK_TRACKED);
    assert_int_equal(t->detection, 0);
    assert_float_equal(t->x0, 380, 0); /* the detection's own box */
    assert_float_equal(t->y1, 190, 0);
    assert_float_equal(t->score, 0.9f, 0);
    assert_float_equal(t->vx, 150, 2);
    assert_float_equal(t->vy, -30, 1);
    assert_int_equal(t->first_seen, 7 * FV_S);
    assert_int_equal(t->last_seen, 9 * FV_S);
    assert_int_equal(t->age, 2 * FV_S);
    close_scene(&scene);
}

/* A box that is there once is no track and takes no id. */
static void test_unconfirmed(void **state)
{
    struct scene scene;
    open_scene(&scene, NULL);
    take(&scene, 0);
    put(&scene, 100, 100, 0.9f);
    take(&scene, 0.1);
    assert_int_equal(scene.count, 0);
    take(&scene, 0.2);
    put(&scene, 300, 100, 0.9f);
    take(&scene, 0.3);
    assert_int_equal(scene.count, 0);
    put(&scene, 302, 100, 0.9f);
    take(&scene, 0.4);
    assert_int_equal(scene.count, 1);
    assert_int_equal(scene.tracks[0].id, 1);
    assert_int_equal(scene.tracks[0].hits, 2);
    assert_int_equal(scene.tracks[0].first_seen, 300 * FV_MS);
    close_scene(&scene);
}

static void test_start_score(void **state)
{
    struct fv_tracker_params params = fv_tracker_defaults;
    struct scene scene;
    params.start_score = 0.5f;
    open_scene(&scene, &params);
    for (int i = 0; i < 5; i++) {
        put(&scene, 100, 100, 0.49f);
        put(&scene, 300, 100, 0.5f);
        take(&scene, i / 10.0);
        assert_int_equal(scene.count, 1);
        assert_non_null(track_near(&scene, 300, 100));
    }
    put(&scene, 300, 100, 0.3f); /* enough to go on */
    take(&scene, 0.5);
    assert_int_equal(scene.tracks[0].detection, 0);
    close_scene(&scene);
}

/* --- gaps ------------------------------------------------------------------------------------ */

/* TRACK_BUFFER 30 is one second, whether pictures go on without the person or there are none. */
static void test_gaps(void **state)
{
    static const struct {
        const char *name;
        double gap;
        bool pictures; /* during the gap */
        float buffer;
        uint64_t id;
    } cases[] = {
        {"0.9 s unseen", 0.9, true, 30, 1},      {"1.1 s unseen", 1.1, true, 30, 2},
        {"0.9 s no picture", 0.9, false, 30, 1}, {"1.1 s no picture", 1.1, false, 30, 2},
        {"1.1 s of 1.5", 1.1, true, 45, 1},      {"0.4 s of 1/3", 0.4, true, 10, 2},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (int fps = 10; fps <= 30; fps += 10) {
            struct fv_tracker_params params = fv_tracker_defaults;
            struct scene scene;
            params.buffer = cases[i].buffer;
            open_scene(&scene, &params);
            for (int k = 0; k <= 2 * fps; k++) {
                put(&scene, 100 + 60.0 * k / fps, 100, 0.8f);
                take(&scene, (double)k / fps);
            }
            for (double t = 2 + 1.0 / fps; cases[i].pictures && t < 2 + cases[i].gap - 0.01;
                 t += 1.0 / fps)
                take(&scene, t);
            for (int k = 0; k < 3; k++) {
                const double t = 2 + cases[i].gap + (double)k / fps;
                put(&scene, 100 + 60 * t, 100, 0.8f);
                take(&scene, t);
            }
            assert_int_equal(scene.count, 1);
            assert_int_equal(scene.tracks[0].id, cases[i].id);
            assert_int_equal(stats_of(&scene).expired, cases[i].id - 1);
            close_scene(&scene);
        }
}

static void test_lost_moves_on(void **state)
{
    struct scene scene;
    open_scene(&scene, NULL);
    for (int i = 0; i <= 30; i++) {
        put(&scene, 100 + 4 * i, 100, 0.8f);
        take(&scene, i / 30.0);
    }
    for (int i = 31; i <= 45; i++)
        take(&scene, i / 30.0);
    assert_int_equal(scene.count, 1);
    const struct fv_track *t = &scene.tracks[0];
    assert_int_equal(t->state, FV_TRACK_LOST);
    assert_int_equal(t->detection, -1);
    assert_int_equal(t->last_seen, FV_S);
    assert_int_equal(t->age, 1500 * FV_MS);
    assert_float_equal((t->x0 + t->x1) / 2, 100 + 4 * 45, 3);
    assert_float_equal(t->x1 - t->x0, 40, 0.5);
    put(&scene, 100 + 4 * 46, 100, 0.7f);
    take(&scene, 46 / 30.0);
    assert_int_equal(scene.tracks[0].state, FV_TRACK_TRACKED);
    assert_int_equal(scene.tracks[0].hits, 32);
    close_scene(&scene);
}

/* Key pictures only, one every two seconds: longer than the buffer, and yet nobody is lost. */
static void test_rare_pictures(void **state)
{
    struct scene scene;
    open_scene(&scene, NULL);
    for (int i = 0; i < 10; i++) {
        put(&scene, 100, 100, 0.8f);
        put(&scene, 400, 100, 0.8f);
        take(&scene, 2 * i);
        assert_true(i < 3 || scene.count == 2);
    }
    const uint64_t last = scene.tracks[1].id, confirmed = stats_of(&scene).confirmed;
    for (int i = 10; i < 20; i++) {
        put(&scene, 100, 100, 0.8f);
        put(&scene, 400, 100, 0.8f);
        take(&scene, 2 * i);
    }
    assert_int_equal(scene.tracks[1].id, last);
    assert_int_equal(stats_of(&scene).confirmed, confirmed);
    take(&scene, 40); /* both gone: lost for one picture, then forgotten */
    assert_int_equal(scene.count, 2);
    take(&scene, 42);
    assert_int_equal(scene.count, 0);
    close_scene(&scene);
}

static void test_clock_jumps(void **state)
{
    struct scene scene;
    open_scene(&scene, NULL);
    put(&scene, 100, 100, 0.8f);
    take(&scene, 100);
    put(&scene, 100, 100, 0.8f);
    take(&scene, 50); /* back: counts as no time at all */
    assert_int_equal(scene.tracks[0].id, 1);
    assert_int_equal(scene.tracks[0].last_seen, 100 * FV_S);
    put(&scene, 100, 100, 0.8f);
    take(&scene, 100.1);
    assert_int_equal(scene.tracks[0].id, 1);
    assert_int_equal(scene.tracks[0].last_seen, 100100 * FV_MS);
    const int64_t times[] = {INT64_MAX, INT64_MIN, INT64_MAX, 0};
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        put(&scene, 100, 100, 0.8f);
        scene.count = fv_tracker_update(scene.tracker, scene.seen, 1, times[i], &scene.tracks);
        scene.seen_count = 0;
        assert_int_equal(scene.count, i > 0); /* after the jump it is somebody new */
    }
    assert_int_equal(scene.tracks[0].id, 2);
    assert_int_equal(scene.tracks[0].age, 0);
    close_scene(&scene);
}

/* --- several --------------------------------------------------------------------------------- */

/* Two people walk past each other: their boxes overlap by up to 60 % of their height. Ids stay, at all rates. */
static void test_crossing(void **state)
{
    static const double rates[] = {8, 10, 15, 25, 30, 60};
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        struct scene scene;
        open_scene(&scene, NULL);
        double t = 0;
        for (int k = 0; t < 4; k++) {
            t = k / rates[i];
            put(&scene, 400 - 75 * t, 140, 0.8f);
            put(&scene, 100 + 75 * t, 100, 0.8f);
            take(&scene, t);
            assert_int_equal(scene.count, 2);
        }
        assert_int_equal(track_near(&scene, 400 - 75 * t, 140)->id, 1);
        assert_int_equal(track_near(&scene, 100 + 75 * t, 100)->id, 2);
        assert_int_equal(stats_of(&scene).confirmed, 2);
        close_scene(&scene);
    }
}

/* Every analysis interval and even a rate that changes all the time give the same people the same ids. */
static void test_rates(void **state)
{
    static const int steps[][3] = {{1, 1, 1}, {2, 2, 2}, {3, 3, 3},
                                   {5, 5, 5}, {1, 4, 2}, {1, 1, 8}};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct scene scene;
        open_scene(&scene, NULL);
        int n = 0;
        for (int k = 0; n < 240; n += steps[i][k++ % 3]) {
            put(&scene, 100 + n, 100, 0.8f);
            put(&scene, 600 - n, 300 + n / 4.0, 0.7f);
            if (n < 60 || n > 80)
                put(&scene, 50 + 2 * n, 500, 0.9f);
            take(&scene, n / 30.0);
            assert_int_equal(track_near(&scene, 100 + n, 100)->id, 1);
            assert_int_equal(track_near(&scene, 600 - n, 300 + n / 4.0)->id, 2);
            assert_int_equal(track_near(&scene, 50 + 2 * n, 500)->id, 3);
        }
        assert_int_equal(stats_of(&scene).confirmed, 3);
        close_scene(&scene);
    }
}

/* Half hidden for 25 pictures: scores fall to 0.15. The second round keeps the track; without it, it is lost. */
static void test_low_scores(void **state)
{
    for (int second_round = 0; second_round < 2; second_round++) {
        struct fv_tracker_params params = fv_tracker_defaults;
        struct scene scene;
        if (!second_round)
            params.low_score = params.high_score;
        open_scene(&scene, &params);
        for (int i = 0; i < 60; i++) {
            const bool hidden = i >= 20 && i < 45;
            put(&scene, 100 + 3 * i, 100, hidden ? 0.15f : 0.8f);
            take(&scene, i / 30.0);
            assert_int_equal(scene.count, 1);
            assert_int_equal(scene.tracks[0].state == FV_TRACK_TRACKED, !hidden || second_round);
        }
        assert_int_equal(scene.tracks[0].id, 1);
        assert_int_equal(scene.tracks[0].hits, second_round ? 60 : 35);
        put(&scene, 400, 300, 0.15f); /* alone, a low score starts nothing */
        take(&scene, 2);
        put(&scene, 400, 300, 0.15f);
        take(&scene, 2.1);
        assert_null(track_near(&scene, 400, 300));
        close_scene(&scene);
    }
}

static void test_classes(void **state)
{
    struct scene scene;
    open_scene(&scene, NULL);
    for (int i = 0; i < 10; i++) {
        put(&scene, 100, 100, 0.8f);
        put(&scene, 105, 100, 0.8f);
        scene.seen[1].class_id = 2;
        if (i % 2) { /* the order in which they come says nothing */
            const struct fv_detection first = scene.seen[0];
            scene.seen[0] = scene.seen[1];
            scene.seen[1] = first;
        }
        take(&scene, i / 10.0);
        assert_int_equal(scene.count, 2);
        assert_int_equal(scene.tracks[0].id, 1);
        assert_int_equal(scene.tracks[0].class_id, 0);
        assert_float_equal(scene.tracks[0].x0, 80, 0);
        assert_int_equal(scene.tracks[1].id, 2);
        assert_int_equal(scene.tracks[1].class_id, 2);
    }
    put(&scene, 100, 100, 0.8f);
    scene.seen[0].class_id = 1; /* a third class matches neither */
    take(&scene, 1);
    assert_int_equal(scene.tracks[0].state, FV_TRACK_LOST);
    assert_int_equal(scene.tracks[1].state, FV_TRACK_LOST);
    close_scene(&scene);
}

/* A is lost. B, with low scores, comes to stand just where A is expected: lost tracks take part in the first round only, so
 * both lie on one object. The one seen for the shorter time goes; with the next high score A is back. */
static void test_duplicates(void **state)
{
    struct scene scene;
    open_scene(&scene, NULL);
    for (int i = 0; i < 60; i++) {
        put(&scene, 100, 100, 0.8f);
        if (i >= 50)
            put(&scene, 200, 100, 0.8f);
        take(&scene, i / 30.0);
    }
    assert_int_equal(scene.count, 2);
    for (int i = 0; i <= 25; i++) {
        put(&scene, 200 - 4 * i, 100, 0.15f);
        take(&scene, 2 + i / 30.0);
    }
    assert_int_equal(scene.count, 1);
    assert_int_equal(scene.tracks[0].id, 1);
    assert_int_equal(stats_of(&scene).duplicates, 1);
    put(&scene, 100, 100, 0.8f);
    take(&scene, 2.9);
    assert_int_equal(scene.tracks[0].state, FV_TRACK_TRACKED);
    close_scene(&scene);
}

/* For three pictures the detector draws two boxes around a person who stands. The second one gets a track, but not the person:
 * of the two the first is the better known, though the one box that is left lies nearer to the second. */
static void test_two_boxes_for_one(void **state)
{
    struct scene scene;
    open_scene(&scene, NULL);
    for (int i = 0; i < 30; i++) {
        put(&scene, i < 23 ? 100 : 109, 100, 0.8f);
        if (i >= 20 && i < 23)
            put(&scene, 117, 100, 0.3f);
        take(&scene, i / 10.0);
        assert_int_equal(track_near(&scene, i < 23 ? 100 : 109, 100)->id, 1);
        assert_int_equal(track_near(&scene, i < 23 ? 100 : 109, 100)->state, FV_TRACK_TRACKED);
    }
    assert_int_equal(stats_of(&scene).confirmed, 2);
    close_scene(&scene);
}

/* Other thresholds in mid-run: a track lives on, by the new values. */
static void test_adjust(void **state)
{
    struct fv_tracker_params params = fv_tracker_defaults;
    struct scene scene;
    open_scene(&scene, NULL);
    for (int i = 0; i < 5; i++) {
        put(&scene, 300, 100, 0.8f);
        take(&scene, i / 10.0);
    }
    params.buffer = 90;
    assert_int_equal(fv_tracker_adjust(scene.tracker, &params), 0);
    assert_float_equal(fv_tracker_params(scene.tracker)->buffer, 90, 0);
    put(&scene, 300, 100, 0.8f);
    take(&scene, 2.9); /* 2.5 s unseen */
    assert_int_equal(scene.count, 1);
    assert_int_equal(scene.tracks[0].id, 1);
    assert_int_equal(scene.tracks[0].state, FV_TRACK_TRACKED);
    params.buffer = 0;
    assert_int_equal(fv_tracker_adjust(scene.tracker, &params), -EINVAL);
    params.buffer = 30;
    params.max_tracks++;
    assert_int_equal(fv_tracker_adjust(scene.tracker, &params), -EINVAL);
    params.max_tracks--;
    params.max_detections++;
    assert_int_equal(fv_tracker_adjust(scene.tracker, &params), -EINVAL);
    assert_float_equal(fv_tracker_params(scene.tracker)->buffer, 90, 0);
    close_scene(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adjust),        cmocka_unit_test(test_walk),
        cmocka_unit_test(test_unconfirmed),   cmocka_unit_test(test_start_score),
        cmocka_unit_test(test_gaps),          cmocka_unit_test(test_lost_moves_on),
        cmocka_unit_test(test_rare_pictures), cmocka_unit_test(test_clock_jumps),
        cmocka_unit_test(test_crossing),      cmocka_unit_test(test_rates),
        cmocka_unit_test(test_low_scores),    cmocka_unit_test(test_classes),
        cmocka_unit_test(test_duplicates),    cmocka_unit_test(test_two_boxes_for_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

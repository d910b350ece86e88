// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rand.h"
#include "track/tracker.h"

#define CROWD 500

/* A camera: what is put before it, and what the tracker said last. */
struct scene {
    struct fv_tracker *tracker;
    struct fv_detection seen[CROWD];
    uint32_t seen_count;
    const struct fv_track *tracks;
    int count;
};

static void open_scene(struct scene *scene, const struct fv_tracker_params *params)
{
    memset(scene, 0, sizeof(*scene));
    assert_int_equal(fv_tracker_create(params ? params : &fv_tracker_defaults, &scene->tracker), 0);
}

static void close_scene(struct scene *scene)
{
    fv_tracker_destroy(scene->tracker);
}

/* A person, 40 x 100, around x, y. */
static void put(struct scene *scene, double x, double y, float score)
{
    scene->seen[scene->seen_count++] = (struct fv_detection){.x0 = (float)x - 20,
                                                             .y0 = (float)y - 50,
                                                             .x1 = (float)x + 20,
                                                             .y1 = (float)y + 50,
                                                             .score = score};
}

/* Takes the picture. */
static void take(struct scene *scene, double seconds)
{
    scene->count = fv_tracker_update(scene->tracker, scene->seen, scene->seen_count,
                                     (int64_t)llround(seconds * 1e9), &scene->tracks);
    assert_true(scene->count >= 0);
    scene->seen_count = 0;
}

static const struct fv_track *track_near(const struct scene *scene, double x, double y)
{
    const struct fv_track *best = NULL;
    double least = 30;
    for (int i = 0; i < scene->count; i++) {
        const struct fv_track *t = &scene->tracks[i];
        const double d = hypot((t->x0 + t->x1) / 2 - x, (t->y0 + t->y1) / 2 - y);
        if (d < least) {
            least = d;
            best = t;
        }
    }
    return best;
}

static struct fv_tracker_stats stats_of(const struct scene *scene)
{
    struct fv_tracker_stats stats;
    fv_tracker_stats(scene->tracker, &stats);
    return stats;
}

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

/* --- a crowd --------------------------------------------------------------------------------- */

struct walker {
    double x, y, vx, vy;
};

static void step_crowd(struct fv_rand *rand, struct walker *walkers, struct scene *scene)
{
    for (int i = 0; i < CROWD; i++) {
        struct walker *w = &walkers[i];
        w->vx += fv_rand_unit(rand) - 0.5;
        w->vy += fv_rand_unit(rand) - 0.5;
        w->x += w->vx;
        w->y += w->vy;
        if (w->x < 0 || w->x > 4000 || w->y < 0 || w->y > 2000)
            *w = (struct walker){.x = 4000 * fv_rand_unit(rand), .y = 2000 * fv_rand_unit(rand)};
        if (fv_rand_below(rand, 20))
            put(scene, w->x, w->y, 0.1f + 0.9f * (float)fv_rand_unit(rand));
    }
}

static void check_ids(const struct scene *scene, uint64_t *highest, bool *alive_before)
{
    static bool alive[100000];
    memset(alive, 0, sizeof(alive));
    for (int i = 0; i < scene->count; i++) {
        const uint64_t id = scene->tracks[i].id;
        assert_true(id > 0 && id < 100000);
        assert_true(i == 0 || id > scene->tracks[i - 1].id);
        assert_true(alive_before[id] || id > *highest); /* who left never comes back */
        alive[id] = true;
    }
    if (scene->count && scene->tracks[scene->count - 1].id > *highest)
        *highest = scene->tracks[scene->count - 1].id;
    memcpy(alive_before, alive, sizeof(alive));
}

/* 500 people walk at random for ten seconds: ids are unique, each detection belongs to one track, nothing is allocated. */
static void test_crowd(void **state)
{
    static struct walker walkers[CROWD];
    static bool alive[100000];
    struct fv_tracker_params params = fv_tracker_defaults;
    struct scene scene;
    struct fv_rand rand;
    uint64_t highest = 0;
    params.max_detections = CROWD;
    params.max_tracks = 1000;
    open_scene(&scene, &params);
    fv_rand_seed(&rand, 5);
    for (int i = 0; i < CROWD; i++)
        walkers[i].x = -1;
    fv_alloc_fail_at(1);
    for (int n = 0; n < 300; n++) {
        bool taken[CROWD] = {0};
        step_crowd(&rand, walkers, &scene);
        const uint32_t seen = scene.seen_count;
        take(&scene, n / 30.0);
        check_ids(&scene, &highest, alive);
        for (int i = 0; i < scene.count; i++) {
            const int32_t d = scene.tracks[i].detection;
            assert_int_equal(d < 0, scene.tracks[i].state == FV_TRACK_LOST);
            assert_true(d < (int32_t)seen);
            assert_false(d >= 0 && taken[d]);
            if (d >= 0)
                taken[d] = true;
        }
    }
    assert_true(fv_alloc_fail_pending());
    fv_alloc_fail_at(0);
    assert_int_equal(stats_of(&scene).dropped, 0);
    assert_true(highest > CROWD);
    close_scene(&scene);
}

static void test_same_twice(void **state)
{
    static struct walker walkers[CROWD];
    static struct fv_track before[2][CROWD];
    int counts[2];
    for (int run = 0; run < 2; run++) {
        struct scene scene;
        struct fv_rand rand;
        open_scene(&scene, NULL);
        fv_rand_seed(&rand, 6);
        for (int i = 0; i < CROWD; i++)
            walkers[i] = (struct walker){.x = -1};
        for (int n = 0; n < 60; n++) {
            step_crowd(&rand, walkers, &scene);
            take(&scene, n / 10.0);
        }
        counts[run] = scene.count < CROWD ? scene.count : CROWD;
        memcpy(before[run], scene.tracks, (size_t)counts[run] * sizeof(struct fv_track));
        assert_true(stats_of(&scene).dropped > 0); /* 300 detections a picture are enough for one */
        close_scene(&scene);
    }
    assert_int_equal(counts[0], counts[1]);
    assert_memory_equal(before[0], before[1], (size_t)counts[0] * sizeof(struct fv_track));
}

/* --- bad input ------------------------------------------------------------------------------- */

static void test_refused(void **state)
{
    static const struct {
        const char *name;
        struct fv_detection box;
    } cases[] = {
        {"x0 NaN", {NAN, 0, 10, 10, 0.8f}},
        {"y1 NaN", {0, 0, 10, NAN, 0.8f}},
        {"x1 infinite", {0, 0, INFINITY, 10, 0.8f}},
        {"y0 infinite", {0, -INFINITY, 10, 10, 0.8f}},
        {"huge", {0, 0, 2e6f, 10, 0.8f}},
        {"empty", {5, 0, 5, 10, 0.8f}},
        {"upside down", {0, 10, 10, 0, 0.8f}},
        {"score NaN", {0, 0, 10, 10, NAN}},
        {"score above 1", {0, 0, 10, 10, 1.01f}},
        {"score below 0", {0, 0, 10, 10, -0.1f}},
    };
    const size_t count = sizeof(cases) / sizeof(cases[0]);
    struct scene scene;
    open_scene(&scene, NULL);
    for (size_t i = 0; i < count; i++) {
        put(&scene, 300, 100, 0.8f);
        scene.seen[scene.seen_count++] = cases[i].box;
        take(&scene, (double)i / 10);
        assert_int_equal(scene.count, 1);
        assert_int_equal(stats_of(&scene).refused, i + 1);
    }
    assert_int_equal(fv_tracker_update(scene.tracker, NULL, 1, 0, &scene.tracks), -EINVAL);
    assert_int_equal(fv_tracker_update(scene.tracker, NULL, 0, 0, &scene.tracks), 1);
    close_scene(&scene);
}

static void test_no_room(void **state)
{
    struct fv_tracker_params params = fv_tracker_defaults;
    struct scene scene;
    params.max_tracks = 2;
    params.max_detections = 3;
    open_scene(&scene, &params);
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < 4; k++)
            put(&scene, 100 + 100 * k, 100, 0.8f);
        take(&scene, i / 10.0);
        assert_int_equal(scene.count, 2);
        /* each picture: the fourth detection, and a track for the third */
        assert_int_equal(stats_of(&scene).dropped, 2 * (i + 1));
    }
    close_scene(&scene);
}

static void test_params(void **state)
{
    static const struct {
        const char *name;
        struct fv_tracker_params params;
    } cases[] = {
        {"high 0", {0, 0, 0.5f, 0.75f, 30, 10, 10}},
        {"high above 1", {1.1f, 0, 0.5f, 0.75f, 30, 10, 10}},
        {"high NaN", {NAN, 0, 0.5f, 0.75f, 30, 10, 10}},
        {"low above high", {0.3f, 0.4f, 0.5f, 0.75f, 30, 10, 10}},
        {"low negative", {0.3f, -0.1f, 0.5f, 0.75f, 30, 10, 10}},
        {"start above 1", {0.3f, 0.1f, 1.5f, 0.75f, 30, 10, 10}},
        {"match 0", {0.3f, 0.1f, 0.5f, 0, 30, 10, 10}},
        {"match above 1", {0.3f, 0.1f, 0.5f, 1.5f, 30, 10, 10}},
        {"buffer 0", {0.3f, 0.1f, 0.5f, 0.75f, 0, 10, 10}},
        {"buffer infinite", {0.3f, 0.1f, 0.5f, 0.75f, INFINITY, 10, 10}},
        {"no tracks", {0.3f, 0.1f, 0.5f, 0.75f, 30, 0, 10}},
        {"too many tracks", {0.3f, 0.1f, 0.5f, 0.75f, 30, 4097, 10}},
        {"no detections", {0.3f, 0.1f, 0.5f, 0.75f, 30, 10, 0}},
        {"too many detections", {0.3f, 0.1f, 0.5f, 0.75f, 30, 10, 4097}},
    };
    struct fv_tracker *tracker = NULL;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(fv_tracker_create(&cases[i].params, &tracker), -EINVAL);
    assert_null(tracker);
    fv_tracker_destroy(NULL);
}

static void test_out_of_memory(void **state)
{
    struct fv_tracker *tracker = NULL;
    unsigned n = 1;
    for (;; n++) {
        fv_alloc_fail_at(n);
        int r = fv_tracker_create(&fv_tracker_defaults, &tracker);
        const bool pending = fv_alloc_fail_pending();
        fv_alloc_fail_at(0);
        if (pending)
            break;
        assert_int_equal(r, -ENOMEM);
        assert_null(tracker);
    }
    assert_true(n > 5);
    fv_tracker_destroy(tracker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walk),          cmocka_unit_test(test_unconfirmed),
        cmocka_unit_test(test_start_score),   cmocka_unit_test(test_gaps),
        cmocka_unit_test(test_lost_moves_on), cmocka_unit_test(test_rare_pictures),
        cmocka_unit_test(test_clock_jumps),   cmocka_unit_test(test_crossing),
        cmocka_unit_test(test_rates),         cmocka_unit_test(test_low_scores),
        cmocka_unit_test(test_classes),       cmocka_unit_test(test_duplicates),
        cmocka_unit_test(test_crowd),         cmocka_unit_test(test_same_twice),
        cmocka_unit_test(test_refused),       cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_params),        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdbool.h>

#include "base/mem.h"
#include "base/rand.h"
#include "track/scene_test.h"

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
        cmocka_unit_test(test_crowd),   cmocka_unit_test(test_same_twice),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_params),  cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

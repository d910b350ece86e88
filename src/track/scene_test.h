// SPDX-License-Identifier: Apache-2.0
/* For tests of the tracker: people before a camera. */
#ifndef FV_TRACK_SCENE_TEST_H
#define FV_TRACK_SCENE_TEST_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

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

static inline void open_scene(struct scene *scene, const struct fv_tracker_params *params)
{
    memset(scene, 0, sizeof(*scene));
    assert_int_equal(fv_tracker_create(params ? params : &fv_tracker_defaults, &scene->tracker), 0);
}

static inline void close_scene(struct scene *scene)
{
    fv_tracker_destroy(scene->tracker);
}

/* A person, 40 x 100, around x, y. */
static inline void put(struct scene *scene, double x, double y, float score)
{
    scene->seen[scene->seen_count++] = (struct fv_detection){.x0 = (float)x - 20,
                                                             .y0 = (float)y - 50,
                                                             .x1 = (float)x + 20,
                                                             .y1 = (float)y + 50,
                                                             .score = score};
}

/* Takes the picture. */
static inline void take(struct scene *scene, double seconds)
{
    scene->count = fv_tracker_update(scene->tracker, scene->seen, scene->seen_count,
                                     (int64_t)llround(seconds * 1e9), &scene->tracks);
    assert_true(scene->count >= 0);
    scene->seen_count = 0;
}

static inline const struct fv_track *track_near(const struct scene *scene, double x, double y)
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

static inline struct fv_tracker_stats stats_of(const struct scene *scene)
{
    struct fv_tracker_stats stats;
    fv_tracker_stats(scene->tracker, &stats);
    return stats;
}

#endif

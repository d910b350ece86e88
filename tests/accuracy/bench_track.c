// SPDX-License-Identifier: Apache-2.0
/* Cost of the tracker: microseconds of processor time a picture with objects that walk at random, come, go and hide each
 * other. The smaller the field, the more they overlap.
 * Usage: bench-track [OBJECTS [PICTURES [WIDTH]]] */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/rand.h"
#include "track/tracker.h"

#define OBJECTS_MAX 4000

static float field_width = 1920, field_height = 1080;

struct walker {
    float x, y, vx, vy, width, height;
};

static float between(struct fv_rand *rand, float low, float high)
{
    return low + (high - low) * (float)fv_rand_unit(rand);
}

static void place(struct fv_rand *rand, struct walker *walker)
{
    const float height = between(rand, 40, 160);
    *walker = (struct walker){.x = between(rand, 0, field_width),
                              .y = between(rand, 0, field_height),
                              .vx = between(rand, -3, 3),
                              .vy = between(rand, -1, 1),
                              .width = height * between(rand, 0.3f, 0.5f),
                              .height = height};
}

static void step(struct fv_rand *rand, struct walker *walker)
{
    walker->vx += between(rand, -0.3f, 0.3f);
    walker->vy += between(rand, -0.1f, 0.1f);
    walker->x += walker->vx;
    walker->y += walker->vy;
    if (walker->x < 0 || walker->x > field_width || walker->y < 0 || walker->y > field_height)
        place(rand, walker);
}

/* One in twenty is not found; one in five has a low score. */
static uint32_t look(struct fv_rand *rand, const struct walker *walkers, uint32_t count,
                     struct fv_detection *ret_detections)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct walker *w = &walkers[i];
        const float x = w->x + between(rand, -2, 2), y = w->y + between(rand, -2, 2);
        if (fv_rand_below(rand, 20) == 0)
            continue;
        ret_detections[found++] = (struct fv_detection){
            .x0 = x - w->width / 2,
            .y0 = y - w->height / 2,
            .x1 = x + w->width / 2,
            .y1 = y + w->height / 2,
            .score = fv_rand_below(rand, 5) ? between(rand, 0.3f, 1) : between(rand, 0.1f, 0.24f)};
    }
    return found;
}

/* Of this thread: other work on the machine does not count. */
static int64_t processor_time(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * FV_S + now.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int bench(uint32_t objects, uint32_t pictures)
{
    static struct walker walkers[OBJECTS_MAX];
    static struct fv_detection detections[OBJECTS_MAX];
    struct fv_tracker_params params = fv_tracker_defaults;
    params.max_detections = objects;
    params.max_tracks = 2 * objects > FV_TRACKER_TRACKS_MAX ? FV_TRACKER_TRACKS_MAX : 2 * objects;
    struct fv_tracker *tracker;
    struct fv_rand rand;
    int64_t *spans = calloc(pictures, sizeof(*spans)), sum = 0;
    if (!spans || fv_tracker_create(&params, &tracker) < 0) {
        free(spans);
        return 1;
    }
    fv_rand_seed(&rand, 7);
    for (uint32_t i = 0; i < objects; i++)
        place(&rand, &walkers[i]);
    for (uint32_t n = 0; n < pictures; n++) {
        const struct fv_track *tracks;
        for (uint32_t i = 0; i < objects; i++)
            step(&rand, &walkers[i]);
        const uint32_t found = look(&rand, walkers, objects, detections);
        const int64_t start = processor_time();
        fv_tracker_update(tracker, detections, found, n * (FV_S / 30), &tracks);
        spans[n] = processor_time() - start;
        sum += spans[n];
    }
    struct fv_tracker_stats stats;
    fv_tracker_stats(tracker, &stats);
    qsort(spans, pictures, sizeof(*spans), by_value);
    printf("%u objects, %u pictures: mean %.1f us, median %.1f us, 99%% %.1f us, most %.1f us; "
           "%" PRIu64 " tracks\n",
           objects, pictures, (double)sum / pictures / 1e3, (double)spans[pictures / 2] / 1e3,
           (double)spans[(size_t)pictures * 99 / 100] / 1e3, (double)spans[pictures - 1] / 1e3,
           stats.confirmed);
    fv_tracker_destroy(tracker);
    free(spans);
    return 0;
}

int main(int argc, char **argv)
{
    const long objects = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
    const long pictures = argc > 2 ? strtol(argv[2], NULL, 10) : 3000;
    if (argc > 3) {
        field_width = strtof(argv[3], NULL);
        field_height = field_width * 9 / 16;
    }
    if (!(field_width >= 10) || objects < 0 || objects > OBJECTS_MAX || pictures < 1 ||
        pictures > 1000000) {
        fprintf(stderr, "usage: bench-track [OBJECTS up to %d [PICTURES [WIDTH]]]\n", OBJECTS_MAX);
        return 2;
    }
    if (objects)
        return bench((uint32_t)objects, (uint32_t)pictures);
    return bench(20, (uint32_t)pictures) || bench(100, (uint32_t)pictures) ||
           bench(500, (uint32_t)pictures);
}

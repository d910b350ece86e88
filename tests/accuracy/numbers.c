// SPDX-License-Identifier: Apache-2.0
/* Runs parts of src/track/ on numbers from standard input, for tests/accuracy/compare.py.
 *
 *   track-numbers assign        problems "ROWS COLUMNS COST...": a line with the column of each row, -1 for none
 *   track-numbers kalman        "start X0 Y0 X1 Y1", "predict UNITS", "correct X0 Y0 X1 Y1 DOUBT", "hold": after each a line with value,
 *                               rate and the three variances of x, y, width, height
 *   track-numbers geometry      "polygon N X Y ..." (in steps), then about it "check", "area", "clip", "inside X Y";
 *                               "cross AX AY BX BY PX PY QX QY", "near AX AY BX BY PX PY RADIUS": a line with the answer to each
 *   track-numbers track FPS     detections as MOTChallenge text, by frame: tracks in the same form
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "track/assign.h"
#include "track/kalman.h"
#include "track/tracker.h"
#include "zone/geometry.h"

#define SIDE_MAX 1000

/* --- assign ---------------------------------------------------------------------------------- */

static int assign_one(struct fv_assign *assign, uint32_t rows, uint32_t columns)
{
    static double cost[SIDE_MAX * SIDE_MAX];
    static uint32_t column[SIDE_MAX];
    if (rows > SIDE_MAX || columns > SIDE_MAX)
        return -EINVAL;
    for (size_t i = 0; i < (size_t)rows * columns; i++)
        if (scanf("%lf", &cost[i]) != 1)
            return -EBADMSG;
    int r = fv_assign_solve(assign, cost, rows, columns, column);
    for (uint32_t i = 0; i < rows; i++)
        printf("%d ", (int)column[i]);
    putchar('\n');
    return r;
}

static int assign_all(void)
{
    struct fv_assign assign;
    uint32_t rows, columns;
    int r = fv_assign_init(&assign, SIDE_MAX);
    while (r == 0 && scanf("%" SCNu32 "%" SCNu32, &rows, &columns) == 2)
        r = assign_one(&assign, rows, columns);
    fv_assign_finish(&assign);
    return r;
}

/* --- kalman ---------------------------------------------------------------------------------- */

static void print_filter(const struct fv_kalman *filter)
{
    for (int i = 0; i < FV_KALMAN_PARTS; i++) {
        const struct fv_kalman_axis *axis = &filter->part[i];
        printf("%.17g %.17g %.17g %.17g %.17g ", axis->value, axis->rate, axis->value_variance,
               axis->covariance, axis->rate_variance);
    }
    putchar('\n');
}

static int kalman(void)
{
    struct fv_kalman filter = {0};
    char word[16];
    while (scanf("%15s", word) == 1) {
        struct fv_box box;
        double units, doubt;
        if (strcmp(word, "predict") == 0 && scanf("%lf", &units) == 1)
            fv_kalman_predict(&filter, units);
        else if (strcmp(word, "hold") == 0)
            fv_kalman_hold_size(&filter);
        else if (scanf("%lf%lf%lf%lf", &box.x0, &box.y0, &box.x1, &box.y1) != 4)
            return -EBADMSG;
        else if (strcmp(word, "start") == 0)
            fv_kalman_start(&filter, &box);
        else if (scanf("%lf", &doubt) == 1)
            fv_kalman_correct(&filter, &box, doubt);
        else
            return -EBADMSG;
        print_filter(&filter);
    }
    return 0;
}

/* --- geometry -------------------------------------------------------------------------------- */

struct polygon {
    struct fv_geo_point points[FV_GEO_POINTS_MAX];
    unsigned count;
};

static bool read_points(struct fv_geo_point *points, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (scanf("%" SCNd32 "%" SCNd32, &points[i].x, &points[i].y) != 2)
            return false;
    return true;
}

static int64_t clipped_area(const struct polygon *polygon)
{
    static struct fv_geo_point out[FV_GEO_CLIPPED_MAX];
    const unsigned count = fv_geo_clip(polygon->points, polygon->count, out);
    return count ? fv_geo_area2(out, count) : 0;
}

/* -EBADMSG: not understood. */
static int answer(const char *word, struct polygon *polygon, int64_t *ret_answer)
{
    struct fv_geo_point p[4];
    int32_t radius;
    *ret_answer = 0;
    if (strcmp(word, "polygon") == 0) {
        const bool good = scanf("%u", &polygon->count) == 1 && polygon->count <= FV_GEO_POINTS_MAX;
        return good && read_points(polygon->points, polygon->count) ? 0 : -EBADMSG;
    }
    if (strcmp(word, "check") == 0)
        *ret_answer = fv_geo_check(polygon->points, polygon->count);
    else if (strcmp(word, "area") == 0)
        *ret_answer = fv_geo_area2(polygon->points, polygon->count);
    else if (strcmp(word, "clip") == 0)
        *ret_answer = clipped_area(polygon);
    else if (strcmp(word, "inside") == 0 && read_points(p, 1))
        *ret_answer = fv_geo_inside(polygon->points, polygon->count, p[0]);
    else if (strcmp(word, "cross") == 0 && read_points(p, 4))
        *ret_answer = fv_geo_cross(p, p[2], p[3]);
    else if (strcmp(word, "near") == 0 && read_points(p, 3) && scanf("%" SCNd32, &radius) == 1)
        *ret_answer = fv_geo_near(p, p[2], radius);
    else
        return -EBADMSG;
    return 0;
}

static int geometry(void)
{
    static struct polygon polygon;
    char word[16];
    while (scanf("%15s", word) == 1) {
        int64_t number;
        if (answer(word, &polygon, &number) < 0)
            return -EBADMSG;
        printf("%" PRId64 "\n", number);
    }
    return 0;
}

/* --- track ----------------------------------------------------------------------------------- */

struct picture {
    int64_t frame;
    struct fv_detection detections[FV_TRACKER_DETECTIONS_MAX];
    uint32_t count;
};

static void print_tracks(const struct fv_track *tracks, int count, int64_t frame)
{
    for (int i = 0; i < count; i++) {
        const struct fv_track *t = &tracks[i];
        if (t->state == FV_TRACK_TRACKED)
            printf("%" PRId64 ",%" PRIu64 ",%.3f,%.3f,%.3f,%.3f,%.3f,-1,-1,-1\n", frame, t->id,
                   (double)t->x0 + 1, (double)t->y0 + 1, (double)(t->x1 - t->x0),
                   (double)(t->y1 - t->y0), (double)t->score);
    }
}

static int track_picture(struct fv_tracker *tracker, struct picture *picture, double fps)
{
    const struct fv_track *tracks;
    int count = fv_tracker_update(tracker, picture->detections, picture->count,
                                  (int64_t)((double)picture->frame * 1e9 / fps), &tracks);
    print_tracks(tracks, count, picture->frame);
    picture->count = 0;
    return count;
}

static int track_all(double fps)
{
    static struct picture picture;
    struct fv_tracker_params params = fv_tracker_defaults;
    struct fv_tracker *tracker;
    double x, y, width, height, score;
    int64_t frame;
    params.max_detections = FV_TRACKER_DETECTIONS_MAX;
    params.max_tracks = 2000;
    int r = fv_tracker_create(&params, &tracker);
    if (r < 0)
        return r;
    while (scanf("%" SCNd64 ",%*d,%lf,%lf,%lf,%lf,%lf%*[^\n]", &frame, &x, &y, &width, &height,
                 &score) == 6) {
        if (picture.count && frame != picture.frame)
            track_picture(tracker, &picture, fps);
        picture.frame = frame;
        if (picture.count < FV_TRACKER_DETECTIONS_MAX)
            picture.detections[picture.count++] =
                (struct fv_detection){.x0 = (float)(x - 1),
                                      .y0 = (float)(y - 1),
                                      .x1 = (float)(x - 1 + width),
                                      .y1 = (float)(y - 1 + height),
                                      .score = (float)score};
    }
    track_picture(tracker, &picture, fps);
    fv_tracker_destroy(tracker);
    return 0;
}

int main(int argc, char **argv)
{
    int r = -EINVAL;
    if (argc == 2 && strcmp(argv[1], "assign") == 0)
        r = assign_all();
    else if (argc == 2 && strcmp(argv[1], "kalman") == 0)
        r = kalman();
    else if (argc == 2 && strcmp(argv[1], "geometry") == 0)
        r = geometry();
    else if (argc == 3 && strcmp(argv[1], "track") == 0 && atof(argv[2]) > 0)
        r = track_all(atof(argv[2]));
    else
        fprintf(stderr, "usage: track-numbers assign|kalman|geometry|track FPS\n");
    return r < 0;
}

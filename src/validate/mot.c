// SPDX-License-Identifier: Apache-2.0
#include "validate/mot.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "track/assign.h"
#include "validate/file.h"

#define NOBODY UINT32_MAX
#define PAIRS_MAX ((size_t)1 << 26) /* ids of the ground truth times ids of the tracks */

/* An object of the ground truth through the frames. */
struct object {
    uint32_t partner; /* the track it was found as last, or NOBODY */
    uint64_t frames, found;
    bool found_last; /* in the last frame that it was in */
    bool gap;        /* found once, and missed since */
};

struct scoring {
    const struct fv_mot_rows *truth, *tracks;
    struct object *objects;
    double *agreement; /* boxes in which an object and a track overlap enough: objects x tracks */
    double distance_sum;
    struct fv_mot_scores scores;
    /* of one frame */
    struct fv_assign assign;
    double *distance; /* rows x columns; NaN: no match */
    double *cost;     /* the same for the solver */
    bool *row_done, *column_done;
    uint32_t *column;
};

/* The boxes of one frame in one file. */
struct frame {
    const struct fv_mot_row *list;
    uint32_t count;
};

static double overlap(double a0, double a_size, double b0, double b_size)
{
    const double both = fmin(a0 + a_size, b0 + b_size) - fmax(a0, b0);
    return both > 0 ? both : 0;
}

/* From the corners: so the last bit is as in the reference, which keeps corners. */
static double area(const struct fv_mot_row *row)
{
    return (row->x + row->width - row->x) * (row->y + row->height - row->y);
}

static double distance_of(const struct fv_mot_row *a, const struct fv_mot_row *b)
{
    const double both =
        overlap(a->x, a->width, b->x, b->width) * overlap(a->y, a->height, b->y, b->height);
    if (both == 0)
        return 1;
    return 1 - both / (area(a) + area(b) - both);
}

static void measure(struct scoring *scoring, const struct frame *objects,
                    const struct frame *tracks)
{
    for (uint32_t i = 0; i < objects->count; i++)
        for (uint32_t j = 0; j < tracks->count; j++) {
            const struct fv_mot_row *a = &objects->list[i], *b = &tracks->list[j];
            const double distance = distance_of(a, b);
            const bool close = distance <= FV_MOT_DISTANCE_MAX;
            scoring->distance[(size_t)i * tracks->count + j] = close ? distance : NAN;
            if (close)
                scoring->agreement[(size_t)a->object * scoring->tracks->objects + b->object]++;
        }
}

static void note_found(struct scoring *scoring, const struct frame *objects, uint32_t i, uint32_t j,
                       const struct frame *tracks)
{
    struct object *object = &scoring->objects[objects->list[i].object];
    const uint32_t track = tracks->list[j].object;
    const bool is_switch = object->partner != NOBODY && object->partner != track;
    scoring->scores.num_switches += is_switch;
    scoring->scores.num_matches += !is_switch;
    scoring->distance_sum += scoring->distance[(size_t)i * tracks->count + j];
    scoring->row_done[i] = scoring->column_done[j] = true;
    object->partner = track;
    object->found++;
    object->found_last = true;
    scoring->scores.num_fragmentations += object->gap;
    object->gap = false;
}

/* First, whoever was found as a track before stays with it where both still overlap - even if another track is nearer. */
static void keep_partners(struct scoring *scoring, const struct frame *objects,
                          const struct frame *tracks)
{
    for (uint32_t i = 0; i < objects->count; i++) {
        const uint32_t partner = scoring->objects[objects->list[i].object].partner;
        for (uint32_t j = 0; partner != NOBODY && j < tracks->count; j++) {
            if (tracks->list[j].object != partner || scoring->column_done[j])
                continue;
            if (!isnan(scoring->distance[(size_t)i * tracks->count + j]))
                note_found(scoring, objects, i, j, tracks);
            break; /* an id is in a frame once */
        }
    }
}

static bool is_open(const struct scoring *scoring, const struct frame *tracks, uint32_t i,
                    uint32_t j)
{
    return !scoring->row_done[i] && !scoring->column_done[j] &&
           !isnan(scoring->distance[(size_t)i * tracks->count + j]);
}

/* What may not be costs more than all that may be together: the solver takes it only when nothing else is left. */
static double forbidden_cost(const struct scoring *scoring, const struct frame *objects,
                             const struct frame *tracks)
{
    const uint32_t shorter = objects->count < tracks->count ? objects->count : tracks->count;
    double most = 0;
    for (uint32_t i = 0; i < objects->count; i++)
        for (uint32_t j = 0; j < tracks->count; j++)
            if (is_open(scoring, tracks, i, j))
                most = fmax(most, scoring->distance[(size_t)i * tracks->count + j]);
    return 2 * shorter * (most + 1) + 1;
}

/* Then the rest: as many pairs as there can be, at the least sum of distances. */
static void match_rest(struct scoring *scoring, const struct frame *objects,
                       const struct frame *tracks)
{
    const double forbidden = forbidden_cost(scoring, objects, tracks);
    for (uint32_t i = 0; i < objects->count; i++)
        for (uint32_t j = 0; j < tracks->count; j++) {
            const size_t at = (size_t)i * tracks->count + j;
            scoring->cost[at] = is_open(scoring, tracks, i, j) ? scoring->distance[at] : forbidden;
        }
    fv_assign_solve(&scoring->assign, scoring->cost, objects->count, tracks->count,
                    scoring->column);
    for (uint32_t i = 0; i < objects->count; i++) {
        const uint32_t j = scoring->column[i];
        if (j != FV_ASSIGN_NONE && is_open(scoring, tracks, i, j))
            note_found(scoring, objects, i, j, tracks);
    }
}

static void note_missed(struct scoring *scoring, struct object *object)
{
    scoring->scores.num_misses++;
    object->gap |= object->found_last;
    object->found_last = false;
}

static void score_frame(struct scoring *scoring, const struct frame *objects,
                        const struct frame *tracks)
{
    memset(scoring->row_done, 0, objects->count * sizeof(bool));
    memset(scoring->column_done, 0, tracks->count * sizeof(bool));
    if (objects->count && tracks->count) {
        measure(scoring, objects, tracks);
        keep_partners(scoring, objects, tracks);
        match_rest(scoring, objects, tracks);
    }
    for (uint32_t i = 0; i < objects->count; i++) {
        struct object *object = &scoring->objects[objects->list[i].object];
        object->frames++;
        if (!scoring->row_done[i])
            note_missed(scoring, object);
    }
    for (uint32_t j = 0; j < tracks->count; j++)
        scoring->scores.num_false_positives += !scoring->column_done[j];
    scoring->scores.num_frames++;
}

static struct frame next_frame(const struct fv_mot_rows *rows, size_t *at, int64_t number)
{
    struct frame frame = {.list = rows->count ? rows->list + *at : NULL};
    for (; *at < rows->count && rows->list[*at].frame == number; ++*at)
        frame.count++;
    return frame;
}

static void score_frames(struct scoring *scoring)
{
    const struct fv_mot_rows *truth = scoring->truth, *tracks = scoring->tracks;
    size_t i = 0, j = 0;
    while (i < truth->count || j < tracks->count) {
        const bool truth_next = j == tracks->count ||
                                (i < truth->count && truth->list[i].frame <= tracks->list[j].frame);
        const int64_t number = truth_next ? truth->list[i].frame : tracks->list[j].frame;
        const struct frame objects = next_frame(truth, &i, number);
        const struct frame found = next_frame(tracks, &j, number);
        score_frame(scoring, &objects, &found);
    }
}

/* --- over all frames ------------------------------------------------------------------------- */

static void judge_objects(struct scoring *scoring)
{
    for (uint32_t i = 0; i < scoring->truth->objects; i++) {
        const struct object *object = &scoring->objects[i];
        const double ratio = (double)object->found / (double)object->frames;
        scoring->scores.mostly_tracked += ratio >= 0.8;
        scoring->scores.mostly_lost += ratio < 0.2;
        scoring->scores.partially_tracked += ratio >= 0.2 && ratio < 0.8;
    }
}

/* The boxes in which ids agree, when each object is given one track for all its life so that they are the most. */
static int agreeing_boxes(struct scoring *scoring, double *ret_boxes)
{
    const uint32_t rows = scoring->truth->objects, columns = scoring->tracks->objects;
    uint32_t *column = fv_calloc(rows ? rows : 1, sizeof(*column));
    struct fv_assign assign = {0};
    *ret_boxes = 0;
    int r = column ? 0 : -ENOMEM;
    if (r == 0 && rows && columns)
        r = fv_assign_init(&assign, rows > columns ? rows : columns);
    if (r == 0 && rows && columns) {
        for (size_t i = 0; i < (size_t)rows * columns; i++)
            scoring->agreement[i] = -scoring->agreement[i];
        r = fv_assign_solve(&assign, scoring->agreement, rows, columns, column);
        for (uint32_t i = 0; i < rows; i++)
            if (column[i] != FV_ASSIGN_NONE)
                *ret_boxes -= scoring->agreement[(size_t)i * columns + column[i]];
    }
    fv_assign_finish(&assign);
    fv_free(column);
    return r;
}

static void divide(struct scoring *scoring, double agreeing)
{
    struct fv_mot_scores *s = &scoring->scores;
    const double found = (double)(s->num_matches + s->num_switches);
    const double objects = (double)s->num_objects, predictions = (double)s->num_predictions;
    const double wrong = (double)(s->num_misses + s->num_switches + s->num_false_positives);
    s->mota = objects > 0 ? 1 - wrong / objects : NAN;
    s->motp = found > 0 ? scoring->distance_sum / found : NAN;
    s->idf1 = objects + predictions > 0 ? 2 * agreeing / (objects + predictions) : NAN;
    s->idp = predictions > 0 ? agreeing / predictions : NAN;
    s->idr = objects > 0 ? agreeing / objects : NAN;
    s->precision = predictions > 0 ? found / predictions : NAN;
    s->recall = objects > 0 ? found / objects : NAN;
}

static uint32_t most_in_a_frame(const struct fv_mot_rows *rows)
{
    uint32_t most = 1, count = 0;
    for (size_t i = 0; i < rows->count; i++) {
        count = i > 0 && rows->list[i].frame == rows->list[i - 1].frame ? count + 1 : 1;
        if (count > most)
            most = count;
    }
    return most;
}

static int prepare(struct scoring *scoring, struct fv_error *err)
{
    const uint32_t rows = most_in_a_frame(scoring->truth),
                   columns = most_in_a_frame(scoring->tracks);
    const uint32_t objects = scoring->truth->objects, tracks = scoring->tracks->objects;
    if (objects > 65536 || tracks > 65536 || (size_t)objects * tracks > PAIRS_MAX)
        return fv_error_set(err, -ENOTSUP,
                            "There are too many ids: %u in the ground truth, %u in the tracks.",
                            objects, tracks);
    scoring->objects = fv_calloc((size_t)objects + 1, sizeof(*scoring->objects));
    scoring->agreement = fv_calloc((size_t)objects * tracks + 1, sizeof(double));
    scoring->distance = fv_calloc((size_t)rows * columns, sizeof(double));
    scoring->cost = fv_calloc((size_t)rows * columns, sizeof(double));
    scoring->row_done = fv_calloc(rows, sizeof(bool));
    scoring->column_done = fv_calloc(columns, sizeof(bool));
    scoring->column = fv_calloc(rows, sizeof(uint32_t));
    if (!scoring->objects || !scoring->agreement || !scoring->distance || !scoring->cost ||
        !scoring->row_done || !scoring->column_done || !scoring->column ||
        fv_assign_init(&scoring->assign, rows > columns ? rows : columns) < 0)
        return fv_error_set(err, -ENOMEM, "Out of memory.");
    for (uint32_t i = 0; i < objects; i++)
        scoring->objects[i].partner = NOBODY;
    return 0;
}

static void finish(struct scoring *scoring)
{
    fv_free(scoring->objects);
    fv_free(scoring->agreement);
    fv_free(scoring->distance);
    fv_free(scoring->cost);
    fv_free(scoring->row_done);
    fv_free(scoring->column_done);
    fv_free(scoring->column);
    fv_assign_finish(&scoring->assign);
}

int fv_mot_score(const struct fv_mot_rows *objects, const struct fv_mot_rows *tracks,
                 struct fv_mot_scores *ret_scores, struct fv_error *err)
{
    struct scoring scoring = {.truth = objects, .tracks = tracks};
    double agreeing = 0;
    int r = prepare(&scoring, err);
    if (r == 0) {
        scoring.scores.num_objects = objects->count;
        scoring.scores.num_predictions = tracks->count;
        scoring.scores.num_unique_objects = objects->objects;
        score_frames(&scoring);
        judge_objects(&scoring);
        r = agreeing_boxes(&scoring, &agreeing);
        if (r < 0)
            fv_error_set(err, r, "Out of memory.");
    }
    if (r == 0) {
        divide(&scoring, agreeing);
        *ret_scores = scoring.scores;
    }
    finish(&scoring);
    return r;
}

/* --- files ----------------------------------------------------------------------------------- */

static int read_file(const char *path, double least, struct fv_mot_rows *ret_rows,
                     struct fv_error *err)
{
    FILE *file = fv_validate_open(path, err);
    if (!file)
        return err->code;
    int r = fv_mot_read(file, path, least, ret_rows, err);
    fclose(file);
    return r;
}

int fv_validate_mot(const char *ground_truth, const char *tracks, struct fv_mot_scores *ret_scores,
                    struct fv_error *err)
{
    struct fv_error own = {0};
    struct fv_mot_rows truth = {0}, found = {0};
    if (!err)
        err = &own;
    int r = read_file(ground_truth, 1, &truth, err);
    if (r == 0)
        r = read_file(tracks, -1, &found, err);
    if (r == 0)
        r = fv_mot_score(&truth, &found, ret_scores, err);
    fv_mot_rows_finish(&truth);
    fv_mot_rows_finish(&found);
    return r;
}

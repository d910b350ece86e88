// SPDX-License-Identifier: Apache-2.0
#include "validate/coco.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "validate/file.h"

#define RECALLS 101 /* 0.00, 0.01 ... 1.00 */
#define NONE SIZE_MAX

/* What became of a detection at each threshold of IoU. */
struct verdict {
    double score;
    size_t order; /* by category, image, falling score */
    uint16_t hit; /* bit per threshold: an object was found */
    uint16_t
        ignored; /* bit per threshold: that object is a crowd region: the detection does not count */
    double iou;  /* with the object found at the first threshold */
};

struct scoring {
    const struct fv_coco_truth *truth;
    const struct fv_coco_boxes *detections;
    double min_score;
    double threshold[FV_COCO_THRESHOLDS], recall[RECALLS];
    struct verdict *verdicts; /* of one category */
    size_t verdict_count;
    double *precision; /* one per verdict */
    size_t *objects;   /* of one picture: crowd regions last */
    uint16_t *taken;   /* bit per threshold, per object of one picture */
    double precision_sum[FV_COCO_THRESHOLDS], iou_sum;
    size_t categories; /* that occur in the ground truth */
    struct fv_coco_scores scores;
};

/* One category in one picture. */
struct cell {
    const struct fv_coco_box *objects, *detections;
    size_t object_count, detection_count;
};

static double overlap(double a0, double a_size, double b0, double b_size)
{
    const double both = fmin(a0 + a_size, b0 + b_size) - fmax(a0, b0);
    return both > 0 ? both : 0;
}

/* With a crowd region, the share of the detection that lies in it. */
static double iou_of(const struct fv_coco_box *detection, const struct fv_coco_box *object)
{
    const double both = overlap(detection->x, detection->width, object->x, object->width) *
                        overlap(detection->y, detection->height, object->y, object->height);
    const double own = detection->width * detection->height;
    if (both == 0)
        return 0;
    return both / (object->crowd ? own : own + object->width * object->height - both);
}

/* The object that the detection finds: the nearest one not taken; of equals the last. Crowd regions come last and are asked
 * only when no object is near enough; they are never used up. */
static size_t find_object(const struct scoring *scoring, const struct cell *cell,
                          const struct fv_coco_box *detection, int t, double *ret_iou)
{
    double best = fmin(scoring->threshold[t], 1 - 1e-10);
    size_t found = NONE;
    for (size_t i = 0; i < cell->object_count; i++) {
        const size_t at = scoring->objects[i];
        const struct fv_coco_box *object = &cell->objects[at];
        if ((scoring->taken[at] >> t & 1) && !object->crowd)
            continue;
        if (found != NONE && object->crowd && !cell->objects[found].crowd)
            break;
        const double iou = iou_of(detection, object);
        if (iou < best)
            continue;
        best = iou;
        found = at;
    }
    *ret_iou = best;
    return found;
}

static void judge(struct scoring *scoring, const struct cell *cell,
                  const struct fv_coco_box *detection)
{
    struct verdict *verdict = &scoring->verdicts[scoring->verdict_count];
    *verdict = (struct verdict){.score = detection->score, .order = scoring->verdict_count};
    scoring->verdict_count++;
    for (int t = 0; t < FV_COCO_THRESHOLDS; t++) {
        double iou;
        const size_t found = find_object(scoring, cell, detection, t, &iou);
        if (found == NONE)
            continue;
        scoring->taken[found] |= (uint16_t)(1u << t);
        verdict->hit |= (uint16_t)(1u << t);
        if (cell->objects[found].crowd)
            verdict->ignored |= (uint16_t)(1u << t);
        if (t == 0)
            verdict->iou = iou;
    }
}

static void judge_cell(struct scoring *scoring, const struct cell *cell)
{
    size_t count = 0;
    for (int crowd = 0; crowd < 2; crowd++)
        for (size_t i = 0; i < cell->object_count; i++)
            if (cell->objects[i].crowd == crowd)
                scoring->objects[count++] = i;
    memset(scoring->taken, 0, cell->object_count * sizeof(*scoring->taken));
    for (size_t i = 0; i < cell->detection_count && i < FV_COCO_DETECTIONS_MAX; i++)
        judge(scoring, cell, &cell->detections[i]);
}

/* --- one category ---------------------------------------------------------------------------- */

static int by_score(const void *a, const void *b)
{
    const struct verdict *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    return (x->order > y->order) - (x->order < y->order);
}

/* The precision at each of the 101 recalls, from the right: never less than at a higher recall. `hits` were reached. */
static double mean_precision(const struct scoring *scoring, const size_t *hits, size_t count,
                             size_t objects)
{
    double *precision = scoring->precision, sum = 0;
    for (size_t i = count; i-- > 1;)
        precision[i - 1] = fmax(precision[i - 1], precision[i]);
    size_t at = 0;
    for (int i = 0; i < RECALLS; i++) {
        while (at < count && (double)hits[at] / (double)objects < scoring->recall[i])
            at++;
        sum += at < count ? precision[at] : 0;
    }
    return sum / RECALLS;
}

/* Average precision at one threshold; verdicts are by falling score. `hits` is room for one number per verdict. */
static double average_precision(struct scoring *scoring, int t, size_t objects, size_t *hits)
{
    size_t count = 0, hit = 0, wrong = 0;
    for (size_t i = 0; i < scoring->verdict_count; i++) {
        const struct verdict *verdict = &scoring->verdicts[i];
        if (!(verdict->ignored >> t & 1)) {
            hit += verdict->hit >> t & 1;
            wrong += !(verdict->hit >> t & 1);
        }
        hits[count] = hit;
        scoring->precision[count++] = (double)hit / ((double)(hit + wrong) + DBL_EPSILON);
    }
    return mean_precision(scoring, hits, count, objects);
}

static void count_verdicts(struct scoring *scoring, size_t objects)
{
    struct fv_coco_scores *scores = &scoring->scores;
    uint64_t found = 0;
    for (size_t i = 0; i < scoring->verdict_count; i++) {
        const struct verdict *verdict = &scoring->verdicts[i];
        if (verdict->score < scoring->min_score || (verdict->ignored & 1))
            continue;
        scores->num_detections++;
        if (verdict->hit & 1) {
            found++;
            scoring->iou_sum += verdict->iou;
        } else {
            scores->num_false_positives++;
        }
    }
    scores->num_true_positives += found;
    scores->num_misses += objects - found;
    scores->num_objects += objects;
}

static int close_category(struct scoring *scoring, size_t objects)
{
    count_verdicts(scoring, objects);
    if (objects == 0)
        return 0;
    size_t *hits = fv_calloc(scoring->verdict_count + 1, sizeof(*hits));
    if (!hits)
        return -ENOMEM;
    if (scoring->verdict_count)
        qsort(scoring->verdicts, scoring->verdict_count, sizeof(*scoring->verdicts), by_score);
    for (int t = 0; t < FV_COCO_THRESHOLDS; t++)
        scoring->precision_sum[t] += average_precision(scoring, t, objects, hits);
    scoring->categories++;
    fv_free(hits);
    return 0;
}

/* How many boxes from `at` on are of this category and image. */
static size_t run_length(const struct fv_coco_boxes *boxes, size_t at, uint32_t category,
                         uint32_t image)
{
    size_t count = 0;
    while (at + count < boxes->count && boxes->list[at + count].category == category &&
           boxes->list[at + count].image == image)
        count++;
    return count;
}

/* The image of the box at `at` when it is of this category, else a number that no image has. */
static uint32_t image_at(const struct fv_coco_boxes *boxes, size_t at, uint32_t category)
{
    return at < boxes->count && boxes->list[at].category == category ? boxes->list[at].image
                                                                     : UINT32_MAX;
}

static int score_category(struct scoring *scoring, uint32_t category, size_t *object_at,
                          size_t *detection_at)
{
    const struct fv_coco_boxes *objects = &scoring->truth->objects, *found = scoring->detections;
    size_t real = 0;
    scoring->verdict_count = 0;
    for (;;) {
        const uint32_t a = image_at(objects, *object_at, category);
        const uint32_t b = image_at(found, *detection_at, category);
        const uint32_t image = a < b ? a : b;
        if (image == UINT32_MAX)
            return close_category(scoring, real);
        const struct cell cell = {.objects = objects->list + *object_at,
                                  .object_count = run_length(objects, *object_at, category, image),
                                  .detections = found->list + *detection_at,
                                  .detection_count =
                                      run_length(found, *detection_at, category, image)};
        judge_cell(scoring, &cell);
        for (size_t i = 0; i < cell.object_count; i++)
            real += !cell.objects[i].crowd;
        *object_at += cell.object_count;
        *detection_at += cell.detection_count;
    }
}

/* --- all of them ----------------------------------------------------------------------------- */

static double quotient(double a, double b)
{
    return b > 0 ? a / b : NAN;
}

static void divide(struct scoring *scoring)
{
    struct fv_coco_scores *s = &scoring->scores;
    const double found = (double)s->num_true_positives;
    double sum = 0;
    for (int t = 0; t < FV_COCO_THRESHOLDS; t++)
        sum += scoring->precision_sum[t];
    s->ap50 = quotient(scoring->precision_sum[0], (double)scoring->categories);
    s->ap50_95 = quotient(sum, (double)scoring->categories * FV_COCO_THRESHOLDS);
    s->precision = quotient(found, (double)s->num_detections);
    s->recall = quotient(found, (double)s->num_objects);
    s->f1 = quotient(2 * found, (double)(s->num_detections + s->num_objects));
    s->mean_iou = quotient(scoring->iou_sum, found);
    s->num_images = scoring->truth->images.count;
}

/* Evenly spaced as the reference computes them, so that a recall of exactly 0.57 falls on the same side. */
static void set_scales(struct scoring *scoring)
{
    for (int t = 0; t < FV_COCO_THRESHOLDS; t++)
        scoring->threshold[t] = t * ((0.95 - 0.5) / (FV_COCO_THRESHOLDS - 1)) + 0.5;
    scoring->threshold[FV_COCO_THRESHOLDS - 1] = 0.95;
    for (int i = 0; i < RECALLS; i++)
        scoring->recall[i] = i * (1.0 / (RECALLS - 1));
    scoring->recall[RECALLS - 1] = 1;
}

static int score_categories(struct scoring *scoring)
{
    size_t object_at = 0, detection_at = 0;
    const size_t boxes = scoring->detections->count + 1,
                 objects = scoring->truth->objects.count + 1;
    scoring->verdicts = fv_calloc(boxes, sizeof(*scoring->verdicts));
    scoring->precision = fv_calloc(boxes, sizeof(*scoring->precision));
    scoring->objects = fv_calloc(objects, sizeof(*scoring->objects));
    scoring->taken = fv_calloc(objects, sizeof(*scoring->taken));
    if (!scoring->verdicts || !scoring->precision || !scoring->objects || !scoring->taken)
        return -ENOMEM;
    for (size_t i = 0; i < scoring->truth->categories.count; i++) {
        int r = score_category(scoring, (uint32_t)i, &object_at, &detection_at);
        if (r < 0)
            return r;
    }
    return 0;
}

int fv_coco_score(const struct fv_coco_truth *truth, const struct fv_coco_boxes *detections,
                  double min_score, struct fv_coco_scores *ret_scores, struct fv_error *err)
{
    struct scoring scoring = {.truth = truth, .detections = detections, .min_score = min_score};
    set_scales(&scoring);
    int r = score_categories(&scoring);
    fv_free(scoring.verdicts);
    fv_free(scoring.precision);
    fv_free(scoring.objects);
    fv_free(scoring.taken);
    if (r < 0)
        return fv_error_set(err, r, "Out of memory.");
    divide(&scoring);
    *ret_scores = scoring.scores;
    return 0;
}

/* --- files ----------------------------------------------------------------------------------- */

static int read_truth(const char *path, struct fv_coco_truth *ret_truth, struct fv_error *err)
{
    FILE *file = fv_validate_open(path, err);
    if (!file)
        return err->code;
    int r = fv_coco_read_truth(file, path, ret_truth, err);
    fclose(file);
    return r;
}

static int read_detections(const char *path, const struct fv_coco_truth *truth,
                           struct fv_coco_boxes *ret_boxes, struct fv_error *err)
{
    FILE *file = fv_validate_open(path, err);
    if (!file)
        return err->code;
    int r = fv_coco_read_detections(file, path, truth, ret_boxes, err);
    fclose(file);
    return r;
}

int fv_validate_coco(const char *ground_truth, const char *detections, double min_score,
                     struct fv_coco_scores *ret_scores, struct fv_error *err)
{
    struct fv_error own = {0};
    struct fv_coco_truth truth = {0};
    struct fv_coco_boxes boxes = {0};
    if (!err)
        err = &own;
    int r = read_truth(ground_truth, &truth, err);
    if (r == 0)
        r = read_detections(detections, &truth, &boxes, err);
    if (r == 0)
        r = fv_coco_score(&truth, &boxes, min_score, ret_scores, err);
    fv_coco_boxes_finish(&boxes);
    fv_coco_truth_finish(&truth);
    return r;
}

// SPDX-License-Identifier: Apache-2.0
/* How good results are: tracks and detections in files against ground truth in files. Any thread; no state. */
#ifndef FOVEA_VALIDATE_H
#define FOVEA_VALIDATE_H

#include <stdint.h>

#include "fovea/error.h"

/* Tracks, as py-motmetrics 1.4.0 names and defines them. A quotient whose divisor is 0 is NaN. */
struct fv_mot_scores {
    uint64_t num_frames;         /* with at least one box in either file */
    uint64_t num_objects;        /* boxes of the ground truth */
    uint64_t num_predictions;    /* boxes of the tracks */
    uint64_t num_unique_objects; /* ids of the ground truth */
    uint64_t num_matches;        /* objects found, without those that count as switches */
    uint64_t num_switches;       /* objects found under another id than the time before */
    uint64_t num_false_positives, num_misses;
    uint64_t num_fragmentations; /* times an object was lost and found again */
    uint64_t mostly_tracked;     /* objects found in at least 80 % of their frames */
    uint64_t partially_tracked;
    uint64_t mostly_lost; /* found in less than 20 % of their frames */
    double mota;          /* 1 - (misses + switches + false positives) / objects */
    double motp;          /* mean of 1 - IoU over what was found: 0 is best */
    double idf1, idp, idr; /* by the one-to-one assignment of ids that agrees in the most boxes */
    double precision, recall;
};

/* Both files are in MOTChallenge's 2D format of 2015: a line holds frame, id, left, top, width, height, confidence and what
 * more there may be, divided by commas or blanks; coordinates count from 1. A box matches when 1 - IoU is at most 0.5. Rows of
 * the ground truth with a confidence below 1, and rows of the tracks with one below -1, do not count.
 *
 * 0; -ENOENT, -EACCES or -EIO when a file cannot be read; -EBADMSG when one is malformed (the text says which line);
 * -ENOTSUP when there is more in it than is provided for; -ENOMEM. `err` may be NULL. */
FV_API int fv_validate_mot(const char *ground_truth, const char *tracks, struct fv_mot_scores *ret_scores,
                           struct fv_error *err);

/* Detections, as COCO's evaluation of boxes (pycocotools) defines them: all sizes, at most 100 detections per picture and
 * category, the mean over the categories that occur. NaN where there is nothing to divide by. */
struct fv_coco_scores {
    uint64_t num_images, num_objects; /* objects: without the crowd regions */
    uint64_t num_detections; /* that count: of known categories, score at least min_score, not in a crowd region */
    uint64_t num_true_positives, num_false_positives, num_misses; /* at IoU 0.5 and min_score, over all categories */
    double ap50;     /* average precision at IoU 0.5, by all scores */
    double ap50_95;  /* mean over IoU 0.50, 0.55 ... 0.95 */
    double precision, recall, f1; /* of the three counts above */
    double mean_iou; /* of the true positives with their objects */
};

/* `ground_truth`: an object with images, categories and annotations (image_id, category_id, bbox, iscrowd). `detections`: a
 * list of image_id, category_id, bbox, score. Detections of pictures that the ground truth does not know are an error; those of
 * categories that it does not know do not count. Returns as above. */
FV_API int fv_validate_coco(const char *ground_truth, const char *detections, double min_score,
                            struct fv_coco_scores *ret_scores, struct fv_error *err);

#endif

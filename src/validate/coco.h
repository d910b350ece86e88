// SPDX-License-Identifier: Apache-2.0
/* COCO's evaluation of boxes: all sizes, at most 100 detections of a category in a picture. */
#ifndef FV_VALIDATE_COCO_H
#define FV_VALIDATE_COCO_H

#include "fovea/validate.h"
#include "validate/coco_file.h"

#define FV_COCO_THRESHOLDS 10      /* IoU 0.50, 0.55 ... 0.95 */
#define FV_COCO_DETECTIONS_MAX 100 /* of one category in one picture */

/* Borrows both. 0 or -ENOMEM. */
int fv_coco_score(const struct fv_coco_truth *truth, const struct fv_coco_boxes *detections,
                  double min_score, struct fv_coco_scores *ret_scores, struct fv_error *err);

#endif

// SPDX-License-Identifier: Apache-2.0
/* Ground truth and results in COCO's JSON. */
#ifndef FV_VALIDATE_COCO_FILE_H
#define FV_VALIDATE_COCO_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "fovea/error.h"

#define FV_COCO_BOXES_MAX 20000000

struct fv_coco_box {
    uint32_t category, image; /* places in the sorted lists of ids */
    double x, y, width, height;
    double score; /* of a detection */
    bool crowd;   /* of an object: a region with many; neither hit nor miss */
    size_t order; /* in the file */
};

struct fv_coco_boxes {
    struct fv_coco_box *list;
    size_t count;
};

struct fv_coco_ids {
    int64_t *list; /* ascending, each once */
    size_t count;
};

struct fv_coco_truth {
    struct fv_coco_ids images, categories;
    struct fv_coco_boxes objects; /* by category, image, order */
};

/* Reads an object with images, categories and annotations. `name` is for messages. -EBADMSG, -ENOTSUP, -ENOMEM: nothing is left
 * to free. */
int fv_coco_read_truth(FILE *file, const char *name, struct fv_coco_truth *ret_truth,
                       struct fv_error *err);
void fv_coco_truth_finish(struct fv_coco_truth *truth);

/* Reads a list of detections: by category, image, falling score, order. Those of other categories are left out. */
int fv_coco_read_detections(FILE *file, const char *name, const struct fv_coco_truth *truth,
                            struct fv_coco_boxes *ret_boxes, struct fv_error *err);
void fv_coco_boxes_finish(struct fv_coco_boxes *boxes);

#endif

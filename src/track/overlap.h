// SPDX-License-Identifier: Apache-2.0
/* What one box costs with each of many. The many lie as columns of numbers, so that the loop over them can be vectorised. */
#ifndef FV_TRACK_OVERLAP_H
#define FV_TRACK_OVERLAP_H

#include <stdint.h>

struct fv_boxes {
    double *x0, *y0, *x1, *y1; /* x0 < x1, y0 < y1, finite */
    double *kind;              /* the class; boxes of different ones never pair */
    double *handicap;          /* see associate.h */
};

struct fv_overlap {
    double x0, y0, x1, y1, kind, handicap; /* the one box */
    double limit;                          /* highest 1 - IoU of a pair */
    double least;                          /* > 0: what a pair at the limit gains */
};

/* ret_cost[i], i from 0 to count - 1: of a pair with the box `first` + i, -(least + limit - (1 - IoU) - both handicaps), at most
 * -least; 0 when the two are not of one class, do not overlap, or 1 - IoU is above the limit. */
void fv_overlap_costs(const struct fv_overlap *one, const struct fv_boxes *many, uint32_t first,
                      uint32_t count, double *restrict ret_cost);

#endif

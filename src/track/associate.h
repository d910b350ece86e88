// SPDX-License-Identifier: Apache-2.0
/*
 * Which boxes of two sets belong together, by overlap.
 *
 * The cost of a pair is 1 - IoU. Boxes of different classes never pair, nor do boxes apart. First the graph of the pairs below the limit is cut
 * into its connected parts - in a picture they are small - then each part is solved exactly (assign.h).
 */
#ifndef FV_TRACK_ASSOCIATE_H
#define FV_TRACK_ASSOCIATE_H

#include "track/assign.h"
#include "track/kalman.h"
#include "track/overlap.h"

struct fv_candidate {
    struct fv_box box; /* x0 < x1, y0 < y1, finite */
    double handicap; /* >= 0, of a row: others are preferred by so much; it may pair all the same */
    uint16_t class_id;
    uint32_t index; /* the caller's own */
};

struct fv_candidates {
    struct fv_candidate *list;
    uint32_t count;
};

/* Working memory, used again by each call. One thread at a time. */
struct fv_associate {
    uint32_t rows_max, columns_max;
    struct fv_assign assign;
    struct fv_boxes boxes; /* columns by x0, or one side of a part */
    double *near;          /* what a row costs with them */
    uint32_t *order;  /* columns by x0; as many as rows and columns together, as the following */
    uint32_t *parent; /* union-find over rows, then columns */
    uint32_t *head, *next;      /* the members of each part, ascending */
    uint32_t *members, *column; /* of one part; what the solver said */
    double *cost;               /* of one part */
};

/* Room for so many rows and columns, at most 65536 in all. 0, -EINVAL, -ENOMEM. The matrix of costs is rows * columns
 * doubles of address space; pages are touched only as far as a single part of the graph needs. */
int fv_associate_init(struct fv_associate *associate, uint32_t rows_max, uint32_t columns_max);
void fv_associate_finish(struct fv_associate *associate); /* a zeroed struct is fine */

/* 1 - intersection over union: 0 for equal boxes, 1 for boxes apart. */
double fv_box_distance(const struct fv_box *a, const struct fv_box *b);

/* Calls `visit` for each pair of one class that overlaps and whose cost is at most `limit`. There may be rows_max + columns_max columns and any
 * number of rows. */
void fv_associate_pairs(struct fv_associate *associate, const struct fv_candidates *rows,
                        const struct fv_candidates *columns, double limit,
                        void (*visit)(void *data, uint32_t row, uint32_t column), void *data);

/* The matching that makes the sum of (limit - cost - handicap), each at least 0, greatest; no pair in it costs more than `limit`.
 * ret_column[row]: its column or FV_ASSIGN_NONE. Counts are within the room. */
void fv_associate_match(struct fv_associate *associate, const struct fv_candidates *rows,
                        const struct fv_candidates *columns, double limit, uint32_t *ret_column);

#endif

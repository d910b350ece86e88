// SPDX-License-Identifier: Apache-2.0
/*
 * Optimal assignment: which row goes with which column so that the sum of the costs is least.
 *
 * Shortest augmenting paths with dual variables (Jonker and Volgenant 1987, for rectangles as Crouse 2016 describes):
 * exact, at most rows^2 * columns steps. Deterministic: of equal columns a free one is preferred, then the one with the
 * highest number that was not reached before.
 */
#ifndef FV_TRACK_ASSIGN_H
#define FV_TRACK_ASSIGN_H

#include <stddef.h>
#include <stdint.h>

#define FV_ASSIGN_NONE UINT32_MAX

/* Working memory, used again by each call. One thread at a time. */
struct fv_assign {
    uint32_t most;       /* rows and columns it has room for */
    double *row_dual;    /* of the shorter side */
    double *column_dual; /* of the longer side, as all below */
    double *distance;    /* of the shortest path to a column */
    uint32_t *previous;  /* the row before a column on that path */
    uint32_t *row_of;    /* partner of a column, or NONE */
    uint32_t *column_of; /* partner of a row, or NONE */
    uint32_t *open;      /* columns whose distance is not final */
    uint32_t *closed;    /* columns whose distance is final, in that order */
    void *memory;        /* all of the above */
};

/* Room for up to `most` rows and `most` columns. 0, -EINVAL for most 0 or above 65536, -ENOMEM. */
int fv_assign_init(struct fv_assign *assign, uint32_t most);
void fv_assign_finish(struct fv_assign *assign); /* a zeroed struct is fine */

/* The cheapest way to give each row (or, when there are more rows, each column) a partner of its own.
 * `cost` holds rows * columns finite numbers, row by row. ret_column[row]: its column or FV_ASSIGN_NONE.
 * -EINVAL when there is no room for so many. Allocates nothing. */
int fv_assign_solve(struct fv_assign *assign, const double *cost, uint32_t rows, uint32_t columns,
                    uint32_t *ret_column);

#endif

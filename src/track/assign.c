// SPDX-License-Identifier: Apache-2.0
#include "track/assign.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>

#include "base/mem.h"

#define MOST_EVER 65536u
#define BIDS_PER_ROW 4

int fv_assign_init(struct fv_assign *assign, uint32_t most)
{
    *assign = (struct fv_assign){0};
    if (most == 0 || most > MOST_EVER)
        return -EINVAL;
    double *numbers = fv_calloc(most, 3 * sizeof(double) + 5 * sizeof(uint32_t));
    if (!numbers)
        return -ENOMEM;
    uint32_t *indices = (uint32_t *)(numbers + 3 * (size_t)most);
    *assign = (struct fv_assign){.most = most,
                                 .row_dual = numbers,
                                 .column_dual = numbers + most,
                                 .distance = numbers + 2 * (size_t)most,
                                 .previous = indices,
                                 .row_of = indices + most,
                                 .column_of = indices + 2 * (size_t)most,
                                 .open = indices + 3 * (size_t)most,
                                 .closed = indices + 4 * (size_t)most,
                                 .memory = numbers};
    return 0;
}

void fv_assign_finish(struct fv_assign *assign)
{
    fv_free(assign->memory);
    *assign = (struct fv_assign){0};
}

/* The matrix, turned so that it is never taller than wide. */
struct matrix {
    const double *cost;
    uint32_t rows, columns;
    size_t row_step, column_step;
};

/* One search: a tree of shortest paths that starts at a row without a partner. */
struct search {
    uint32_t open, closed; /* how many columns are in each list */
    double length;         /* of the path to the last column closed */
};

static void start_search(struct fv_assign *assign, uint32_t columns, struct search *search)
{
    *search = (struct search){.open = columns};
    for (uint32_t i = 0; i < columns; i++) {
        assign->open[i] = columns - 1 - i;
        assign->distance[i] = INFINITY;
    }
}

/* Looks from `row` to all open columns; returns the place in the list of the one that is nearest now. */
static uint32_t scan_row(struct fv_assign *assign, const struct matrix *matrix, uint32_t row,
                         const struct search *search)
{
    const double *cost = matrix->cost + row * matrix->row_step;
    const double dual = assign->row_dual[row];
    double least = INFINITY;
    uint32_t best = 0;
    for (uint32_t i = 0; i < search->open; i++) {
        const uint32_t column = assign->open[i];
        const double through = search->length + cost[column * matrix->column_step] - dual -
                               assign->column_dual[column];
        if (through < assign->distance[column]) {
            assign->distance[column] = through;
            assign->previous[column] = row;
        }
        const double distance = assign->distance[column];
        /* Among equals a free column ends the search at once. */
        if (distance < least || (distance == least && assign->row_of[column] == FV_ASSIGN_NONE)) {
            least = distance;
            best = i;
        }
    }
    return best;
}

/* The free column that is cheapest to reach from `first`. */
static uint32_t find_free_column(struct fv_assign *assign, const struct matrix *matrix,
                                 uint32_t first, struct search *search)
{
    uint32_t row = first;
    start_search(assign, matrix->columns, search);
    for (;;) {
        const uint32_t place = scan_row(assign, matrix, row, search);
        const uint32_t column = assign->open[place];
        search->length = assign->distance[column];
        assign->open[place] = assign->open[--search->open];
        assign->closed[search->closed++] = column;
        row = assign->row_of[column];
        if (row == FV_ASSIGN_NONE)
            return column;
    }
}

/* Keeps all reduced costs at or above zero, and those of matched pairs at zero. */
static void update_duals(struct fv_assign *assign, uint32_t first, const struct search *search)
{
    assign->row_dual[first] += search->length;
    for (uint32_t i = 0; i < search->closed; i++) {
        const uint32_t column = assign->closed[i];
        const double slack = search->length - assign->distance[column];
        const uint32_t row = assign->row_of[column];
        assign->column_dual[column] -= slack;
        if (row != FV_ASSIGN_NONE)
            assign->row_dual[row] += slack;
    }
}

/* Swaps partners along the path back to `first`. */
static void augment(struct fv_assign *assign, uint32_t first, uint32_t column)
{
    uint32_t row;
    do {
        row = assign->previous[column];
        const uint32_t before = assign->column_of[row];
        assign->row_of[column] = row;
        assign->column_of[row] = column;
        column = before;
    } while (row != first);
}

/* --- a good beginning: rows bid for columns ----------------------------------------------------------- */

/* The cheapest column for a row and the runner-up, by reduced cost. */
struct bid {
    uint32_t best, next;
    double least, second;
};

static struct bid make_bid(const struct fv_assign *assign, const struct matrix *matrix,
                           uint32_t row)
{
    const double *cost = matrix->cost + row * matrix->row_step;
    struct bid bid = {.least = INFINITY, .second = INFINITY};
    for (uint32_t i = 0; i < matrix->columns; i++) {
        const double reduced = cost[i * matrix->column_step] - assign->column_dual[i];
        if (reduced >= bid.second)
            continue;
        if (reduced < bid.least) {
            bid.second = bid.least, bid.next = bid.best;
            bid.least = reduced, bid.best = i;
        } else {
            bid.second = reduced, bid.next = i;
        }
    }
    return bid;
}

/* Gives the row its best column, at a price at which the runner-up is as good; who had it is returned, NONE when nobody. Only the
 * duals of columns that have a partner sink, and those keep one to the end: so the duals stay right also where columns are left. */
static uint32_t take_column(struct fv_assign *assign, const struct bid *bid, uint32_t row)
{
    uint32_t column = bid->best;
    if (bid->least < bid->second && isfinite(bid->second))
        assign->column_dual[column] -= bid->second - bid->least;
    else if (assign->row_of[column] != FV_ASSIGN_NONE && isfinite(bid->second))
        column = bid->next;
    const uint32_t before = assign->row_of[column];
    if (before != FV_ASSIGN_NONE)
        assign->column_of[before] = FV_ASSIGN_NONE;
    assign->row_of[column] = row;
    assign->column_of[row] = column;
    return before;
}

/* Augmenting row reduction. Most rows find their partner so, in one look at their costs instead of a search; those that are outbid
 * again and again are left to the search. Optimal as far as it goes: each pair's reduced cost is its row's least. */
static void bid_for_columns(struct fv_assign *assign, const struct matrix *matrix)
{
    uint32_t budget = BIDS_PER_ROW * matrix->rows;
    for (uint32_t first = 0; first < matrix->rows; first++) {
        uint32_t row = first;
        while (row != FV_ASSIGN_NONE && budget > 0) {
            const struct bid bid = make_bid(assign, matrix, row);
            const bool tie = !(bid.least < bid.second);
            row = take_column(assign, &bid, row);
            budget--;
            if (tie) /* prices do not change: no end is in sight */
                break;
        }
    }
    for (uint32_t row = 0; row < matrix->rows; row++) {
        const uint32_t column = assign->column_of[row];
        if (column != FV_ASSIGN_NONE)
            assign->row_dual[row] =
                matrix->cost[row * matrix->row_step + column * matrix->column_step] -
                assign->column_dual[column];
    }
}

static void solve_wide(struct fv_assign *assign, const struct matrix *matrix)
{
    for (uint32_t i = 0; i < matrix->columns; i++) {
        assign->row_of[i] = FV_ASSIGN_NONE;
        assign->column_dual[i] = 0;
    }
    for (uint32_t i = 0; i < matrix->rows; i++) {
        assign->column_of[i] = FV_ASSIGN_NONE;
        assign->row_dual[i] = 0;
    }
    bid_for_columns(assign, matrix);
    for (uint32_t row = 0; row < matrix->rows; row++) {
        struct search search;
        if (assign->column_of[row] != FV_ASSIGN_NONE)
            continue;
        const uint32_t column = find_free_column(assign, matrix, row, &search);
        update_duals(assign, row, &search);
        augment(assign, row, column);
    }
}

int fv_assign_solve(struct fv_assign *assign, const double *cost, uint32_t rows, uint32_t columns,
                    uint32_t *ret_column)
{
    if (rows > assign->most || columns > assign->most)
        return -EINVAL;
    const bool tall = rows > columns;
    const struct matrix matrix = {.cost = cost,
                                  .rows = tall ? columns : rows,
                                  .columns = tall ? rows : columns,
                                  .row_step = tall ? 1 : columns,
                                  .column_step = tall ? columns : 1};
    solve_wide(assign, &matrix);
    for (uint32_t row = 0; row < rows; row++)
        ret_column[row] = tall ? assign->row_of[row] : assign->column_of[row];
    return 0;
}

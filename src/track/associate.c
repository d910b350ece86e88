// SPDX-License-Identifier: Apache-2.0
#include "track/associate.h"

#include <errno.h>
#include <stdbool.h>

#include "base/mem.h"

#define MOST_EVER 65536u
/* A pair exactly at the limit is allowed: it gains this much against no pair. */
#define AT_LIMIT 1e-9

int fv_associate_init(struct fv_associate *associate, uint32_t rows_max, uint32_t columns_max)
{
    *associate = (struct fv_associate){0};
    if (!rows_max || !columns_max || rows_max > MOST_EVER || columns_max > MOST_EVER - rows_max)
        return -EINVAL;
    const size_t nodes = (size_t)rows_max + columns_max;
    *associate = (struct fv_associate){
        .rows_max = rows_max,
        .columns_max = columns_max,
        .order = fv_calloc(nodes, sizeof(uint32_t)),
        .parent = fv_calloc(nodes, 5 * sizeof(uint32_t)),
        .cost = fv_calloc((size_t)rows_max * columns_max, sizeof(double)),
    };
    if (!associate->order || !associate->parent || !associate->cost ||
        fv_assign_init(&associate->assign, rows_max > columns_max ? rows_max : columns_max) < 0) {
        fv_associate_finish(associate);
        return -ENOMEM;
    }
    associate->head = associate->parent + nodes;
    associate->next = associate->parent + 2 * nodes;
    associate->members = associate->parent + 3 * nodes;
    associate->column = associate->parent + 4 * nodes;
    return 0;
}

void fv_associate_finish(struct fv_associate *associate)
{
    fv_assign_finish(&associate->assign);
    fv_free(associate->order);
    fv_free(associate->parent);
    fv_free(associate->cost);
    *associate = (struct fv_associate){0};
}

double fv_box_distance(const struct fv_box *a, const struct fv_box *b)
{
    const double left = a->x0 > b->x0 ? a->x0 : b->x0, right = a->x1 < b->x1 ? a->x1 : b->x1;
    const double top = a->y0 > b->y0 ? a->y0 : b->y0, bottom = a->y1 < b->y1 ? a->y1 : b->y1;
    if (!(left < right) || !(top < bottom))
        return 1;
    const double both = (right - left) * (bottom - top);
    const double all = (a->x1 - a->x0) * (a->y1 - a->y0) + (b->x1 - b->x0) * (b->y1 - b->y0);
    return 1 - both / (all - both);
}

/* Shell sort with Ciura's gaps: qsort(3) may allocate. Equal boxes keep no order, nor need they. */
static void sort_by_left(const struct fv_candidate *list, uint32_t *order, uint32_t count)
{
    static const uint32_t gaps[] = {3548, 1577, 701, 301, 132, 57, 23, 10, 4, 1};
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    for (size_t g = 0; g < sizeof(gaps) / sizeof(gaps[0]); g++)
        for (uint32_t i = gaps[g]; i < count; i++) {
            const uint32_t moving = order[i];
            uint32_t at = i;
            for (; at >= gaps[g] && list[order[at - gaps[g]]].box.x0 > list[moving].box.x0;
                 at -= gaps[g])
                order[at] = order[at - gaps[g]];
            order[at] = moving;
        }
}

/* The first place in the order whose box starts right of `x`. */
static uint32_t first_right_of(const struct fv_candidate *list, const uint32_t *order,
                               uint32_t count, double x)
{
    uint32_t low = 0, high = count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (list[order[middle]].box.x0 > x)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

void fv_associate_pairs(struct fv_associate *associate, const struct fv_candidates *rows,
                        const struct fv_candidates *columns, double limit,
                        void (*visit)(void *data, uint32_t row, uint32_t column), void *data)
{
    const struct fv_candidate *list = columns->list;
    double widest = 0;
    for (uint32_t i = 0; i < columns->count; i++)
        if (list[i].box.x1 - list[i].box.x0 > widest)
            widest = list[i].box.x1 - list[i].box.x0;
    sort_by_left(list, associate->order, columns->count);
    for (uint32_t row = 0; row < rows->count; row++) {
        const struct fv_candidate *a = &rows->list[row];
        /* Whatever starts further left than the widest box is wide ends left of this one. The pixel is for rounding. */
        uint32_t at =
            first_right_of(list, associate->order, columns->count, a->box.x0 - widest - 1);
        for (; at < columns->count; at++) {
            const struct fv_candidate *b = &list[associate->order[at]];
            if (b->box.x0 >= a->box.x1)
                break;
            if (a->class_id == b->class_id && a->box.y0 < b->box.y1 && b->box.y0 < a->box.y1 &&
                fv_box_distance(&a->box, &b->box) <= limit)
                visit(data, row, associate->order[at]);
        }
    }
}

/* --- parts of the graph ---------------------------------------------------------------------- */

/* What one call works on. */
struct task {
    struct fv_associate *associate;
    const struct fv_candidates *rows, *columns;
    double limit;
    uint32_t *ret_column;
};

static uint32_t root_of(uint32_t *parent, uint32_t node)
{
    while (parent[node] != node) {
        parent[node] = parent[parent[node]];
        node = parent[node];
    }
    return node;
}

static void join(void *data, uint32_t row, uint32_t column)
{
    struct task *task = data;
    uint32_t *parent = task->associate->parent;
    const uint32_t a = root_of(parent, row), b = root_of(parent, task->rows->count + column);
    /* The lower number stays the root: a part is named by its first row. */
    parent[a > b ? a : b] = a > b ? b : a;
}

static void list_members(struct fv_associate *associate, uint32_t nodes)
{
    for (uint32_t i = 0; i < nodes; i++)
        associate->head[i] = FV_ASSIGN_NONE;
    for (uint32_t i = nodes; i-- > 0;) {
        const uint32_t root = root_of(associate->parent, i);
        associate->next[i] = associate->head[root];
        associate->head[root] = i;
    }
}

/* What a pair gains against leaving both alone, as a negative cost; 0 for pairs that may not be. */
static double pair_cost(const struct task *task, uint32_t row, uint32_t column)
{
    const struct fv_candidate *a = &task->rows->list[row], *b = &task->columns->list[column];
    if (a->class_id != b->class_id)
        return 0;
    const double cost = fv_box_distance(&a->box, &b->box);
    return cost <= task->limit ? cost - task->limit - AT_LIMIT : 0;
}

/* members: row_count rows, then column_count columns. */
static void solve_members(const struct task *task, uint32_t row_count, uint32_t column_count)
{
    struct fv_associate *associate = task->associate;
    const uint32_t *rows = associate->members, *columns = rows + row_count;
    for (uint32_t i = 0; i < row_count; i++)
        for (uint32_t j = 0; j < column_count; j++)
            associate->cost[(size_t)i * column_count + j] = pair_cost(task, rows[i], columns[j]);
    fv_assign_solve(&associate->assign, associate->cost, row_count, column_count,
                    associate->column);
    for (uint32_t i = 0; i < row_count; i++) {
        const uint32_t j = associate->column[i];
        if (j != FV_ASSIGN_NONE && associate->cost[(size_t)i * column_count + j] < 0)
            task->ret_column[rows[i]] = columns[j];
    }
}

static void solve_part(const struct task *task, uint32_t root)
{
    struct fv_associate *associate = task->associate;
    const uint32_t rows_end = task->rows->count;
    uint32_t row_count = 0, column_count = 0;
    for (uint32_t i = associate->head[root]; i != FV_ASSIGN_NONE; i = associate->next[i]) {
        const bool is_row = i < rows_end;
        associate->members[row_count + column_count] = is_row ? i : i - rows_end;
        row_count += is_row;
        column_count += !is_row;
    }
    if (row_count == 1 && column_count == 1)
        task->ret_column[associate->members[0]] = associate->members[1];
    else if (row_count && column_count)
        solve_members(task, row_count, column_count);
}

void fv_associate_match(struct fv_associate *associate, const struct fv_candidates *rows,
                        const struct fv_candidates *columns, double limit, uint32_t *ret_column)
{
    struct task task = {associate, rows, columns, limit, ret_column};
    const uint32_t nodes = rows->count + columns->count;
    for (uint32_t i = 0; i < rows->count; i++)
        ret_column[i] = FV_ASSIGN_NONE;
    for (uint32_t i = 0; i < nodes; i++)
        associate->parent[i] = i;
    fv_associate_pairs(associate, rows, columns, limit, join, &task);
    list_members(associate, nodes);
    for (uint32_t i = 0; i < rows->count; i++)
        if (associate->parent[i] == i)
            solve_part(&task, i);
}

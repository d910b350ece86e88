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

/* What two boxes have in common, and what either covers. 0: they are apart. */
static inline double overlap(const struct fv_box *a, const struct fv_box *b, double *ret_all)
{
    const double left = a->x0 > b->x0 ? a->x0 : b->x0, right = a->x1 < b->x1 ? a->x1 : b->x1;
    const double top = a->y0 > b->y0 ? a->y0 : b->y0, bottom = a->y1 < b->y1 ? a->y1 : b->y1;
    if (!(left < right) || !(top < bottom))
        return 0;
    const double both = (right - left) * (bottom - top);
    *ret_all = (a->x1 - a->x0) * (a->y1 - a->y0) + (b->x1 - b->x0) * (b->y1 - b->y0) - both;
    return both;
}

double fv_box_distance(const struct fv_box *a, const struct fv_box *b)
{
    double all = 1;
    const double both = overlap(a, b, &all);
    return both > 0 ? 1 - both / all : 1;
}

/* Whether the distance is at most `limit`; then also what it is. Most pairs of a crowd are turned down without a division, with room
 * for rounding. */
static inline bool is_close(const struct fv_box *a, const struct fv_box *b, double limit,
                            double *ret_distance)
{
    double all = 1;
    const double both = overlap(a, b, &all);
    if (both < (1 - limit) * all * (1 - 1e-9))
        return false;
    *ret_distance = both > 0 ? 1 - both / all : 1;
    return *ret_distance <= limit;
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

/* Who wants to see which pairs. */
struct pairs {
    const struct fv_candidates *rows, *columns;
    double limit;
    bool (*wants)(void *data, uint32_t row,
                  uint32_t column); /* asked before anything is computed; NULL: all */
    void (*visit)(void *data, uint32_t row, uint32_t column);
    void *data;
};

static inline bool is_pair(const struct pairs *pairs, uint32_t row, uint32_t column)
{
    const struct fv_candidate *a = &pairs->rows->list[row], *b = &pairs->columns->list[column];
    double distance;
    return a->class_id == b->class_id && a->box.y0 < b->box.y1 && b->box.y0 < a->box.y1 &&
           (!pairs->wants || pairs->wants(pairs->data, row, column)) &&
           is_close(&a->box, &b->box, pairs->limit, &distance);
}

static void each_pair(struct fv_associate *associate, const struct pairs *pairs)
{
    const struct fv_candidate *list = pairs->columns->list;
    const uint32_t count = pairs->columns->count;
    double widest = 0;
    for (uint32_t i = 0; i < count; i++)
        if (list[i].box.x1 - list[i].box.x0 > widest)
            widest = list[i].box.x1 - list[i].box.x0;
    sort_by_left(list, associate->order, count);
    for (uint32_t row = 0; row < pairs->rows->count; row++) {
        const struct fv_box *a = &pairs->rows->list[row].box;
        /* Whatever starts further left than the widest box is wide ends left of this one. The pixel is for rounding. */
        uint32_t at = first_right_of(list, associate->order, count, a->x0 - widest - 1);
        for (; at < count && list[associate->order[at]].box.x0 < a->x1; at++)
            if (is_pair(pairs, row, associate->order[at]))
                pairs->visit(pairs->data, row, associate->order[at]);
    }
}

void fv_associate_pairs(struct fv_associate *associate, const struct fv_candidates *rows,
                        const struct fv_candidates *columns, double limit,
                        void (*visit)(void *data, uint32_t row, uint32_t column), void *data)
{
    const struct pairs pairs = {rows, columns, limit, NULL, visit, data};
    each_pair(associate, &pairs);
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

/* Two that are in one part already need not be looked at again: in a crowd that is nearly all. */
static bool are_apart(void *data, uint32_t row, uint32_t column)
{
    const struct task *task = data;
    uint32_t *parent = task->associate->parent;
    return root_of(parent, row) != root_of(parent, task->rows->count + column);
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
    double cost;
    if (!is_close(&a->box, &b->box, task->limit, &cost))
        return 0;
    const double gain = task->limit - cost - a->handicap;
    return -AT_LIMIT - (gain > 0 ? gain : 0);
}

/* members: row_count rows, then column_count columns. The shorter side's costs lie one behind the other: the solver goes along
 * the longer one. */
static void solve_members(const struct task *task, uint32_t row_count, uint32_t column_count)
{
    struct fv_associate *associate = task->associate;
    const uint32_t *rows = associate->members, *columns = rows + row_count;
    const bool turned = row_count > column_count;
    const uint32_t *few = turned ? columns : rows, *many = turned ? rows : columns;
    const uint32_t few_count = turned ? column_count : row_count;
    const uint32_t many_count = turned ? row_count : column_count;
    for (uint32_t i = 0; i < few_count; i++)
        for (uint32_t j = 0; j < many_count; j++)
            associate->cost[(size_t)i * many_count + j] =
                turned ? pair_cost(task, many[j], few[i]) : pair_cost(task, few[i], many[j]);
    fv_assign_solve(&associate->assign, associate->cost, few_count, many_count, associate->column);
    for (uint32_t i = 0; i < few_count; i++) {
        const uint32_t j = associate->column[i];
        if (j == FV_ASSIGN_NONE || associate->cost[(size_t)i * many_count + j] >= 0)
            continue;
        if (turned)
            task->ret_column[many[j]] = few[i];
        else
            task->ret_column[few[i]] = many[j];
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
    const struct pairs pairs = {rows, columns, limit, are_apart, join, &task};
    each_pair(associate, &pairs);
    list_members(associate, nodes);
    for (uint32_t i = 0; i < rows->count; i++)
        if (associate->parent[i] == i)
            solve_part(&task, i);
}

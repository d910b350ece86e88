// SPDX-License-Identifier: Apache-2.0
#include "track/associate.h"

#include <errno.h>
#include <math.h>
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
        .near = fv_calloc(nodes, 7 * sizeof(double)),
        .cost = fv_calloc((size_t)rows_max * columns_max, sizeof(double)),
    };
    if (!associate->order || !associate->parent || !associate->near || !associate->cost ||
        fv_assign_init(&associate->assign, rows_max > columns_max ? rows_max : columns_max) < 0) {
        fv_associate_finish(associate);
        return -ENOMEM;
    }
    double **columns[] = {&associate->boxes.x0, &associate->boxes.y0,   &associate->boxes.x1,
                          &associate->boxes.y1, &associate->boxes.kind, &associate->boxes.handicap};
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
        *columns[i] = associate->near + (i + 1) * nodes;
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
    fv_free(associate->near);
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
    return 1 -
           both / ((a->x1 - a->x0) * (a->y1 - a->y0) + (b->x1 - b->x0) * (b->y1 - b->y0) - both);
}

static void set_box(struct fv_boxes *boxes, uint32_t place, const struct fv_candidate *candidate)
{
    boxes->x0[place] = candidate->box.x0, boxes->y0[place] = candidate->box.y0;
    boxes->x1[place] = candidate->box.x1, boxes->y1[place] = candidate->box.y1;
    boxes->kind[place] = candidate->class_id;
    boxes->handicap[place] = candidate->handicap;
}

static struct fv_overlap one_box(const struct fv_candidate *candidate, double limit)
{
    const struct fv_box *box = &candidate->box;
    return (struct fv_overlap){.x0 = box->x0,
                               .y0 = box->y0,
                               .x1 = box->x1,
                               .y1 = box->y1,
                               .kind = candidate->class_id,
                               .handicap = candidate->handicap,
                               .limit = limit,
                               .least = AT_LIMIT};
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

/* The first place from `low` on whose box starts at `x` or right of it. */
static uint32_t first_from(const double *lefts, uint32_t low, uint32_t count, double x)
{
    uint32_t high = count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (lefts[middle] >= x)
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
    const uint32_t count = columns->count, *order = associate->order;
    double widest = 0;
    sort_by_left(columns->list, associate->order, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct fv_candidate *column = &columns->list[order[i]];
        widest = fmax(widest, column->box.x1 - column->box.x0);
        set_box(&associate->boxes, i, column);
    }
    for (uint32_t row = 0; row < rows->count; row++) {
        const struct fv_overlap one = one_box(&rows->list[row], limit);
        /* Whatever starts further left than the widest box is wide ends left of this one. The pixel is for rounding. */
        const double *lefts = associate->boxes.x0;
        const uint32_t first = first_from(lefts, 0, count, one.x0 - widest - 1);
        const uint32_t near = first_from(lefts, first, count, one.x1) - first;
        fv_overlap_costs(&one, &associate->boxes, first, near, associate->near);
        for (uint32_t i = 0; i < near; i++)
            if (associate->near[i] < 0)
                visit(data, row, order[first + i]);
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
    const struct fv_candidates *few_list = turned ? task->columns : task->rows;
    const struct fv_candidates *many_list = turned ? task->rows : task->columns;
    for (uint32_t j = 0; j < many_count; j++)
        set_box(&associate->boxes, j, &many_list->list[many[j]]);
    for (uint32_t i = 0; i < few_count; i++) {
        const struct fv_overlap one = one_box(&few_list->list[few[i]], task->limit);
        fv_overlap_costs(&one, &associate->boxes, 0, many_count,
                         associate->cost + (size_t)i * many_count);
    }
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
    fv_associate_pairs(associate, rows, columns, limit, join, &task);
    list_members(associate, nodes);
    for (uint32_t i = 0; i < rows->count; i++)
        if (associate->parent[i] == i)
            solve_part(&task, i);
}

// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "base/rand.h"
#include "track/assign.h"
#include "track/associate.h"

#define SIDE 7

/* --- the solver against all permutations ----------------------------------------------------- */

/* The least cost of giving rows `row`.. a column each; a row may stay alone only when `spare` rows must. */
static double brute_force(const double *cost, uint32_t rows, uint32_t columns, uint32_t row,
                          uint32_t used, uint32_t spare)
{
    if (row == rows)
        return 0;
    double best = spare ? brute_force(cost, rows, columns, row + 1, used, spare - 1) : INFINITY;
    for (uint32_t c = 0; c < columns; c++) {
        if (used >> c & 1)
            continue;
        double rest = brute_force(cost, rows, columns, row + 1, used | 1u << c, spare);
        best = fmin(best, cost[row * columns + c] + rest);
    }
    return best;
}

static double cost_of(const double *cost, uint32_t rows, uint32_t columns, const uint32_t *column)
{
    uint32_t used = 0, pairs = 0;
    double sum = 0;
    for (uint32_t r = 0; r < rows; r++) {
        if (column[r] == FV_ASSIGN_NONE)
            continue;
        assert_true(column[r] < columns);
        assert_false(used >> column[r] & 1);
        used |= 1u << column[r];
        sum += cost[r * columns + column[r]];
        pairs++;
    }
    assert_int_equal(pairs, rows < columns ? rows : columns);
    return sum;
}

static void test_brute_force(void **state)
{
    /* From costs that are all different to costs that are nearly all equal. */
    static const uint64_t levels[] = {UINT64_C(1) << 40, 100, 5, 2};
    struct fv_assign assign;
    struct fv_rand rand;
    fv_rand_seed(&rand, 1);
    assert_int_equal(fv_assign_init(&assign, SIDE), 0);
    for (int round = 0; round < 1200; round++) {
        const uint32_t rows = 1 + (uint32_t)fv_rand_below(&rand, round % 20 ? SIDE - 1 : SIDE);
        const uint32_t columns = 1 + (uint32_t)fv_rand_below(&rand, round % 20 ? SIDE - 1 : SIDE);
        const uint64_t level = levels[round % 4];
        double cost[SIDE * SIDE];
        uint32_t column[SIDE];
        for (uint32_t i = 0; i < rows * columns; i++)
            cost[i] =
                (double)fv_rand_below(&rand, level) / (double)level - (round % 3 == 0 ? 1 : 0);
        assert_int_equal(fv_assign_solve(&assign, cost, rows, columns, column), 0);
        const double best =
            brute_force(cost, rows, columns, 0, 0, rows > columns ? rows - columns : 0);
        assert_float_equal(cost_of(cost, rows, columns, column), best, 1e-12);
    }
    fv_assign_finish(&assign);
}

static void test_by_hand(void **state)
{
    /* Greedy takes 1 and pays 9; the best is 2 + 2. */
    static const double square[] = {1, 2, 2, 9};
    /* Three rows for one column: the middle one is cheapest. */
    static const double tall[] = {5, 3, 4};
    struct fv_assign assign;
    uint32_t column[3];
    assert_int_equal(fv_assign_init(&assign, 3), 0);
    assert_int_equal(fv_assign_solve(&assign, square, 2, 2, column), 0);
    assert_int_equal(column[0], 1);
    assert_int_equal(column[1], 0);
    assert_int_equal(fv_assign_solve(&assign, tall, 3, 1, column), 0);
    assert_int_equal(column[0], FV_ASSIGN_NONE);
    assert_int_equal(column[1], 0);
    assert_int_equal(column[2], FV_ASSIGN_NONE);
    assert_int_equal(fv_assign_solve(&assign, tall, 0, 3, column), 0);
    assert_int_equal(fv_assign_solve(&assign, tall, 3, 0, column), 0);
    assert_int_equal(column[2], FV_ASSIGN_NONE);
    assert_int_equal(fv_assign_solve(&assign, tall, 4, 1, column), -EINVAL);
    fv_assign_finish(&assign);
}

static void test_init(void **state)
{
    struct fv_assign assign;
    struct fv_associate associate;
    assert_int_equal(fv_assign_init(&assign, 0), -EINVAL);
    assert_int_equal(fv_assign_init(&assign, 65537), -EINVAL);
    assert_int_equal(fv_associate_init(&associate, 0, 1), -EINVAL);
    assert_int_equal(fv_associate_init(&associate, 1, 0), -EINVAL);
    assert_int_equal(fv_associate_init(&associate, 65535, 2), -EINVAL);
    unsigned n = 1;
    for (;; n++) {
        fv_alloc_fail_at(n);
        int r = fv_associate_init(&associate, 10, 20);
        const bool pending = fv_alloc_fail_pending();
        fv_alloc_fail_at(0);
        if (pending)
            break;
        assert_int_equal(r, -ENOMEM);
    }
    assert_int_equal(n, 6);
    fv_associate_finish(&associate);
    fv_associate_finish(&associate);
}

/* --- overlap --------------------------------------------------------------------------------- */

static void test_distance(void **state)
{
    static const struct {
        const char *name;
        struct fv_box a, b;
        double distance;
    } cases[] = {
        {"equal", {1, 2, 3, 4}, {1, 2, 3, 4}, 0},
        {"half", {0, 0, 2, 1}, {0, 0, 1, 1}, 0.5},
        {"shifted by half", {0, 0, 2, 2}, {1, 0, 3, 2}, 1 - 1.0 / 3},
        {"corner", {0, 0, 2, 2}, {1, 1, 3, 3}, 1 - 1.0 / 7},
        {"touching", {0, 0, 2, 2}, {2, 0, 4, 2}, 1},
        {"apart", {0, 0, 2, 2}, {0, 5, 2, 6}, 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_float_equal(fv_box_distance(&cases[i].a, &cases[i].b), cases[i].distance, 1e-15);
        assert_float_equal(fv_box_distance(&cases[i].b, &cases[i].a), cases[i].distance, 1e-15);
    }
}

/* --- matching of boxes against all matchings ------------------------------------------------- */

struct setting {
    struct fv_candidate rows[SIDE], columns[SIDE];
    struct fv_candidates row_set, column_set;
    double limit;
};

static double gain(const struct setting *setting, uint32_t row, uint32_t column)
{
    const struct fv_candidate *a = &setting->rows[row], *b = &setting->columns[column];
    const double cost = fv_box_distance(&a->box, &b->box);
    return a->class_id == b->class_id && cost <= setting->limit
               ? fmax(setting->limit - cost - a->handicap, 0)
               : -1;
}

static double best_gain(const struct setting *setting, uint32_t row, uint32_t used)
{
    if (row == setting->row_set.count)
        return 0;
    double best = best_gain(setting, row + 1, used);
    for (uint32_t c = 0; c < setting->column_set.count; c++)
        if (!(used >> c & 1) && gain(setting, row, c) >= 0)
            best = fmax(best, gain(setting, row, c) + best_gain(setting, row + 1, used | 1u << c));
    return best;
}

static void random_boxes(struct fv_rand *rand, struct fv_candidate *list,
                         struct fv_candidates *ret_set)
{
    *ret_set = (struct fv_candidates){list, (uint32_t)fv_rand_below(rand, SIDE + 1)};
    for (uint32_t i = 0; i < ret_set->count; i++) {
        /* Whole numbers on a small field: many overlaps, many ties. */
        const double x = (double)fv_rand_below(rand, 12), y = (double)fv_rand_below(rand, 6);
        list[i] = (struct fv_candidate){.box = {x, y, x + 1 + (double)fv_rand_below(rand, 6),
                                                y + 1 + (double)fv_rand_below(rand, 6)},
                                        .handicap = 0.1 * (double)fv_rand_below(rand, 3),
                                        .class_id = fv_rand_below(rand, 4) == 0,
                                        .index = i};
    }
}

static void check_matching(struct fv_associate *associate, const struct setting *setting)
{
    uint32_t column[SIDE], used = 0;
    double sum = 0;
    fv_associate_match(associate, &setting->row_set, &setting->column_set, setting->limit, column);
    for (uint32_t r = 0; r < setting->row_set.count; r++) {
        if (column[r] == FV_ASSIGN_NONE)
            continue;
        assert_true(column[r] < setting->column_set.count);
        assert_false(used >> column[r] & 1);
        used |= 1u << column[r];
        assert_true(gain(setting, r, column[r]) >= 0);
        sum += gain(setting, r, column[r]);
    }
    assert_float_equal(sum, best_gain(setting, 0, 0), 1e-8);
}

static void test_matching(void **state)
{
    struct fv_associate associate;
    struct fv_rand rand;
    struct setting setting;
    fv_rand_seed(&rand, 2);
    assert_int_equal(fv_associate_init(&associate, SIDE, SIDE), 0);
    for (int round = 0; round < 1500; round++) {
        random_boxes(&rand, setting.rows, &setting.row_set);
        random_boxes(&rand, setting.columns, &setting.column_set);
        for (uint32_t c = 0; c < setting.column_set.count; c++)
            setting.columns[c].handicap = 0;
        setting.limit = 0.3 + 0.1 * (double)fv_rand_below(&rand, 7);
        check_matching(&associate, &setting);
    }
    fv_associate_finish(&associate);
}

/* IoU exactly at the limit is a match: 1/4 at cost 0.75. */
static void test_at_limit(void **state)
{
    struct fv_candidate row = {.box = {0, 0, 4, 1}}, column = {.box = {3, 0, 4, 1}};
    struct fv_candidates rows = {&row, 1}, columns = {&column, 1};
    struct fv_associate associate;
    uint32_t matched;
    assert_int_equal(fv_associate_init(&associate, 2, 2), 0);
    fv_associate_match(&associate, &rows, &columns, 0.75, &matched);
    assert_int_equal(matched, 0);
    fv_associate_match(&associate, &rows, &columns, 0.74, &matched);
    assert_int_equal(matched, FV_ASSIGN_NONE);

    /* The same within a larger part of the graph: row 1 keeps the box it shares, row 0 gets the one at the limit. */
    struct fv_candidate two_rows[] = {{.box = {0, 0, 4, 1}}, {.box = {0, 0, 3, 1}}};
    struct fv_candidate two_columns[] = {{.box = {0, 0, 3, 1}}, {.box = {3, 0, 4, 1}}};
    uint32_t both[2];
    fv_associate_match(&associate, &(struct fv_candidates){two_rows, 2},
                       &(struct fv_candidates){two_columns, 2}, 0.75, both);
    assert_int_equal(both[0], 1);
    assert_int_equal(both[1], 0);
    fv_associate_finish(&associate);
}

struct seen {
    uint32_t count;
    uint8_t pair[SIDE][SIDE];
};

static void note_pair(void *data, uint32_t row, uint32_t column)
{
    struct seen *seen = data;
    seen->count++;
    seen->pair[row][column]++;
}

/* The sweep finds each pair once, as two nested loops do. */
static void test_pairs(void **state)
{
    struct fv_associate associate;
    struct fv_rand rand;
    struct setting setting;
    fv_rand_seed(&rand, 3);
    assert_int_equal(fv_associate_init(&associate, SIDE, SIDE), 0);
    for (int round = 0; round < 500; round++) {
        struct seen seen = {0};
        random_boxes(&rand, setting.rows, &setting.row_set);
        random_boxes(&rand, setting.columns, &setting.column_set);
        setting.limit = 0.8;
        fv_associate_pairs(&associate, &setting.row_set, &setting.column_set, setting.limit,
                           note_pair, &seen);
        uint32_t expected = 0;
        for (uint32_t r = 0; r < setting.row_set.count; r++)
            for (uint32_t c = 0; c < setting.column_set.count; c++) {
                const bool close = gain(&setting, r, c) >= 0;
                assert_int_equal(seen.pair[r][c], close);
                expected += close;
            }
        assert_int_equal(seen.count, expected);
    }
    fv_associate_finish(&associate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_brute_force), cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_init),        cmocka_unit_test(test_distance),
        cmocka_unit_test(test_matching),    cmocka_unit_test(test_at_limit),
        cmocka_unit_test(test_pairs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

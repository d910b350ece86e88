// SPDX-License-Identifier: Apache-2.0
/* Exact predicates against references by fractions, on every case of a small grid. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "base/rand.h"
#include "zone/geometry.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define GRID 4

typedef struct fv_geo_point point;

static point nth(unsigned n, unsigned side, int step)
{
    return (point){(int)(n % side) * step, (int)(n / side) * step};
}

/* A fraction; the denominator is positive. */
struct ratio {
    long top, bottom;
};

static struct ratio make_ratio(long top, long bottom)
{
    return bottom < 0 ? (struct ratio){-top, -bottom} : (struct ratio){top, bottom};
}

static bool is_within(struct ratio r)
{
    return r.top > 0 && r.top < r.bottom;
}

static bool is_within_or_end(struct ratio r)
{
    return r.top >= 0 && r.top <= r.bottom;
}

/* Where the straight lines a + s (b - a) and p + t (q - p) meet, by Cramer's rule; false when parallel. */
static bool solve(point a, point b, point p, point q, struct ratio *s, struct ratio *t)
{
    const long ux = b.x - a.x, uy = b.y - a.y, vx = q.x - p.x, vy = q.y - p.y;
    const long wx = p.x - a.x, wy = p.y - a.y, det = -ux * vy + vx * uy;
    if (det == 0)
        return false;
    *s = make_ratio(-wx * vy + vx * wy, det);
    *t = make_ratio(ux * wy - uy * wx, det);
    return true;
}

/* b is on the right of the direction (ux, uy): the right hand, with y down, is (-uy, ux). */
static int right_of(point a, point b, point p)
{
    const long dot = (long)(p.x - a.x) * -(b.y - a.y) + (long)(p.y - a.y) * (b.x - a.x);
    return (dot > 0) - (dot < 0);
}

/* All moves over all lines of a 4x4 grid. */
static void test_cross_exhaustive(void **state)
{
    (void)state;
    const unsigned all = GRID * GRID;
    unsigned crossings = 0;
    for (unsigned i = 0; i < all * all * all * all; i++) {
        const point a = nth(i % all, GRID, 1), b = nth(i / all % all, GRID, 1);
        const point p = nth(i / all / all % all, GRID, 1), q = nth(i / all / all / all, GRID, 1);
        struct ratio s, t;
        int want = 0;
        if (solve(a, b, p, q, &s, &t) && is_within(s) && is_within(t))
            want = right_of(a, b, q);
        const point line[2] = {a, b}, back[2] = {b, a};
        assert_int_equal(fv_geo_cross(line, p, q), want);
        assert_int_equal(fv_geo_cross(line, q, p), -want);
        assert_int_equal(fv_geo_cross(back, p, q), -want);
        crossings += want != 0;
    }
    assert_true(crossings > 1000);
}

static bool on_segment_by_ratio(point a, point b, point p)
{
    const long ux = b.x - a.x, uy = b.y - a.y, px = p.x - a.x, py = p.y - a.y;
    if (ux == 0 && uy == 0)
        return px == 0 && py == 0;
    if (ux != 0)
        return is_within_or_end(make_ratio(px, ux)) && py * ux == uy * px;
    return px == 0 && is_within_or_end(make_ratio(py, uy));
}

static void test_on_segment_exhaustive(void **state)
{
    (void)state;
    const unsigned all = 25;
    for (unsigned i = 0; i < all * all * all; i++) {
        const point a = nth(i % all, 5, 1), b = nth(i / all % all, 5, 1),
                    p = nth(i / all / all, 5, 1);
        const bool want = on_segment_by_ratio(a, b, p);
        const bool end = (p.x == a.x && p.y == a.y) || (p.x == b.x && p.y == b.y);
        assert_int_equal(fv_geo_on_segment(a, b, p), want);
        assert_int_equal(fv_geo_within_segment(a, b, p), want && !end);
    }
}

/* Corners on a 4x4 grid of even numbers, probes on all whole numbers around: also between the corners. The reference
 * shoots a ray of slope 7/1009, on which no two grid points lie, and counts sides by fractions. */
static bool inside_by_ratio(const point *corners, unsigned count, point p)
{
    const point far = {p.x + 1009, p.y + 7};
    unsigned hits = 0;
    for (unsigned i = 0; i < count; i++) {
        struct ratio s, t;
        const point a = corners[i], b = corners[(i + 1) % count];
        if (on_segment_by_ratio(a, b, p))
            return true;
        if (solve(a, b, p, far, &s, &t) && is_within(s) && t.top > 0)
            hits++;
    }
    return hits % 2 == 1;
}

/* Two sides of a quadrilateral have something in common that they should not. */
static bool is_simple_by_ratio(const point *c)
{
    for (unsigned i = 0; i < 4; i++) {
        const point a = c[i], b = c[(i + 1) % 4], n = c[(i + 2) % 4], m = c[(i + 3) % 4];
        struct ratio s, t;
        /* the next side may only share b, the one after nothing */
        if (on_segment_by_ratio(a, b, n) || on_segment_by_ratio(b, n, a))
            return false;
        if (solve(a, b, n, m, &s, &t) && is_within_or_end(s) && is_within_or_end(t))
            return false;
        if (on_segment_by_ratio(a, b, m) || on_segment_by_ratio(n, m, a) ||
            on_segment_by_ratio(n, m, b))
            return false;
    }
    return true;
}

static bool has_repeated(const point *c)
{
    for (unsigned i = 0; i < 4; i++)
        for (unsigned j = 0; j < i; j++)
            if (c[i].x == c[j].x && c[i].y == c[j].y)
                return true;
    return false;
}

static void probe(const point *corners, unsigned count)
{
    for (int y = -1; y <= 2 * GRID - 1; y++)
        for (int x = -1; x <= 2 * GRID - 1; x++)
            assert_int_equal(fv_geo_inside(corners, count, (point){x, y}),
                             inside_by_ratio(corners, count, (point){x, y}));
}

/* All quadrilaterals: which are simple, and for those which points are inside. */
static void test_polygons_exhaustive(void **state)
{
    (void)state;
    const unsigned all = GRID * GRID;
    unsigned fine = 0;
    for (unsigned i = 0; i < all * all * all * all; i++) {
        const point c[4] = {nth(i % all, GRID, 2), nth(i / all % all, GRID, 2),
                            nth(i / all / all % all, GRID, 2), nth(i / all / all / all, GRID, 2)};
        const enum fv_geo_fault fault = fv_geo_check(c, 4);
        assert_int_equal(fault == FV_GEO_REPEATED, has_repeated(c));
        if (fault == FV_GEO_REPEATED)
            continue;
        assert_int_equal(fault == FV_GEO_FINE, is_simple_by_ratio(c));
        if (fault == FV_GEO_FINE && fine++ % 7 == 0)
            probe(c, 4);
    }
    assert_true(fine > 1000);
}

static void test_triangles_exhaustive(void **state)
{
    (void)state;
    const unsigned all = GRID * GRID;
    for (unsigned i = 0; i < all * all * all; i++) {
        const point c[3] = {nth(i % all, GRID, 2), nth(i / all % all, GRID, 2),
                            nth(i / all / all, GRID, 2)};
        const int64_t area = fv_geo_area2(c, 3);
        const point other[3] = {c[0], c[2], c[1]};
        assert_int_equal(fv_geo_area2(other, 3), -area);
        assert_int_equal(fv_geo_check(c, 3) == FV_GEO_FINE, area != 0);
        if (area != 0)
            probe(c, 3);
    }
}

static void test_faults_by_hand(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum fv_geo_fault fault;
        unsigned count;
        point c[6];
    } cases[] = {
        {"two points", FV_GEO_COUNT, 2, {{0, 0}, {1, 1}}},
        {"square", FV_GEO_FINE, 4, {{0, 0}, {4, 0}, {4, 4}, {0, 4}}},
        {"corner on a straight side", FV_GEO_FINE, 5, {{0, 0}, {2, 0}, {4, 0}, {4, 4}, {0, 4}}},
        {"bow tie", FV_GEO_CROSSING, 4, {{0, 0}, {4, 4}, {4, 0}, {0, 4}}},
        {"closed by hand", FV_GEO_REPEATED, 5, {{0, 0}, {4, 0}, {4, 4}, {0, 4}, {0, 0}}},
        {"flat", FV_GEO_FLAT, 4, {{0, 0}, {1, 1}, {3, 3}, {2, 2}}},
        {"spike", FV_GEO_CROSSING, 5, {{0, 0}, {4, 0}, {4, 4}, {4, 2}, {0, 4}}},
        {"touches itself with a corner",
         FV_GEO_CROSSING,
         5,
         {{0, 0}, {4, 0}, {4, 4}, {2, 0}, {0, 4}}},
        {"arrow", FV_GEO_FINE, 4, {{0, 0}, {2, 1}, {4, 0}, {2, 4}}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        print_message("  %s\n", cases[i].name);
        assert_int_equal(fv_geo_check(cases[i].c, cases[i].count), cases[i].fault);
    }
    point many[FV_GEO_POINTS_MAX + 1] = {{0, 0}};
    assert_int_equal(fv_geo_check(many, FV_GEO_POINTS_MAX + 1), FV_GEO_COUNT);
}

static void test_quantise(void **state)
{
    (void)state;
    int32_t step = 7;
    assert_true(fv_geo_quantise(0.5, &step));
    assert_int_equal(step, FV_GEO_UNIT / 2);
    assert_true(fv_geo_quantise(1.0 / FV_GEO_UNIT * 0.5, &step)); /* half a step */
    assert_int_equal(step, 1);
    assert_true(fv_geo_quantise(-1, &step));
    assert_int_equal(step, -FV_GEO_UNIT);
    static const double bad[] = {-1.001, 2.001, INFINITY, -INFINITY, NAN};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(fv_geo_quantise(bad[i], &step));
    assert_int_equal(step, -FV_GEO_UNIT);
}

/* The largest coordinates: no overflow (seen by the sanitizer), right signs. */
static void test_extremes(void **state)
{
    (void)state;
    const int32_t low = -FV_GEO_UNIT, high = 2 * FV_GEO_UNIT;
    const point c[4] = {{low, low}, {high, low}, {high, high}, {low, high}};
    assert_int_equal(fv_geo_check(c, 4), FV_GEO_FINE);
    assert_int_equal(fv_geo_area2(c, 4), INT64_C(18) * FV_GEO_UNIT * FV_GEO_UNIT);
    const point diagonal[2] = {c[0], c[2]};
    assert_int_equal(fv_geo_cross(diagonal, (point){high, high - 1}, (point){high - 1, high}), 1);
    assert_int_equal(fv_geo_side(c[0], c[2], (point){high, high - 1}), -1);
    const point a = fv_geo_square(c[0], 65535, 1), b = fv_geo_square(c[2], 65535, 1);
    assert_int_equal(a.x, low * FV_GEO_ASPECT_MAX);
    const point wide[2] = {a, b};
    assert_true(fv_geo_near(wide, (point){0, 0}, FV_GEO_UNIT));
    assert_false(fv_geo_near(wide, (point){b.x, a.y}, FV_GEO_UNIT));
    assert_int_equal(fv_geo_square((point){FV_GEO_UNIT, 5}, 1920, 1080).x,
                     1864135); /* 2^20 * 16/9 */
    assert_int_equal(fv_geo_square((point){10, 5}, 0, 0).x, 10);
}

/* 3-4-5 triangles: the distance from (0,0)-(40,30) to points beside its middle is known. */
static void test_near(void **state)
{
    (void)state;
    const point line[2] = {{0, 0}, {40, 30}};
    static const struct {
        point p;
        int32_t radius;
        bool near;
    } cases[] = {
        {{20, 15}, 0, true},   {{14, 23}, 10, true}, {{14, 23}, 9, false}, /* 10 to the side */
        {{-3, -4}, 5, true},   {{-3, -4}, 4, false}, {{43, 34}, 5, true},  {{43, 34}, 4, false},
        {{80, 60}, 49, false}, {{80, 60}, 50, true}, {{4, 3}, 0, true},    {{4, 4}, 0, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(fv_geo_near(line, cases[i].p, cases[i].radius), cases[i].near);
    const point dot[2] = {{5, 5}, {5, 5}};
    assert_true(fv_geo_near(dot, (point){8, 9}, 5));
    assert_false(fv_geo_near(dot, (point){8, 9}, 4));
}

#define U FV_GEO_UNIT

static void test_clip_by_hand(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned count;
        point c[4];
        int64_t area2; /* 0: nothing left */
    } cases[] = {
        {"inside", 3, {{0, 0}, {U, 0}, {0, U}}, (int64_t)U * U},
        {"around", 4, {{-U, -U}, {2 * U, -U}, {2 * U, 2 * U}, {-U, 2 * U}}, (int64_t)2 * U * U},
        {"left half", 4, {{-U / 2, 0}, {U / 2, 0}, {U / 2, U}, {-U / 2, U}}, (int64_t)U * U},
        {"corner cut", 3, {{-U / 2, 0}, {U / 2, 0}, {-U / 2, U}}, (int64_t)U * U / 4},
        {"outside", 3, {{-U, 0}, {-U / 2, 0}, {-U, U}}, 0},
        {"touches the edge", 4, {{-U, 0}, {0, 0}, {0, U}, {-U, U}}, 0},
        {"anticlockwise",
         4,
         {{-U, 2 * U}, {2 * U, 2 * U}, {2 * U, -U}, {-U, -U}},
         (int64_t)-2 * U * U},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        point out[FV_GEO_CLIPPED_MAX];
        print_message("  %s\n", cases[i].name);
        const unsigned count = fv_geo_clip(cases[i].c, cases[i].count, out);
        assert_int_equal(count > 0, cases[i].area2 != 0);
        assert_true(fv_geo_area2(out, count) == cases[i].area2);
    }
}

/* Random stars: the clipped polygon lies in the picture and has the same points as the star has there. */
static void test_enters_picture(void **state)
{
    (void)state;
    static const struct {
        point line[2];
        bool enters;
    } cases[] = {
        {{{U / 2, 0}, {U / 2, U}}, true},
        {{{-U, U / 2}, {2 * U, U / 2}}, true},
        {{{U / 2, U / 2}, {U / 2 + 1, U / 2}}, true},
        {{{0, 0}, {U, U}}, true},
        {{{-U, 1}, {1, -U}}, false}, /* passes by the corner */
        {{{-U, U}, {U, -U}}, false}, /* through the corner */
        {{{-U + 1, U}, {U + 1, -U}}, true},
        {{{0, 0}, {0, U}}, false}, /* along the edge */
        {{{U, -U}, {U, 2 * U}}, false},
        {{{-U, U}, {2 * U, U}}, false},
        {{{U + U / 2, 0}, {U + U / 2, U}}, false},
        {{{-U, U / 2}, {0, U / 2}}, false}, /* ends at the edge */
        {{{-U, U / 2}, {1, U / 2}}, true},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const point back[2] = {cases[i].line[1], cases[i].line[0]};
        print_message("  %zu\n", i);
        assert_int_equal(fv_geo_enters_picture(cases[i].line), cases[i].enters);
        assert_int_equal(fv_geo_enters_picture(back), cases[i].enters);
    }
}

static void test_clip_random(void **state)
{
    (void)state;
    struct fv_rand rand;
    fv_rand_seed(&rand, 5);
    for (int round = 0; round < 300; round++) {
        point star[16], out[FV_GEO_CLIPPED_MAX];
        for (int i = 0; i < 16; i++) {
            const double turn = i * 2 * 3.14159265358979 / 16,
                         reach = 0.1 + 0.9 * fv_rand_unit(&rand);
            fv_geo_quantise(0.4 + reach * cos(turn), &star[i].x);
            fv_geo_quantise(0.6 + reach * sin(turn), &star[i].y);
        }
        const unsigned count = fv_geo_clip(star, 16, out);
        assert_int_equal(fv_geo_check(star, 16), FV_GEO_FINE);
        assert_true(count >= 3);
        for (unsigned i = 0; i < count; i++)
            assert_true(out[i].x >= 0 && out[i].x <= U && out[i].y >= 0 && out[i].y <= U);
        for (int i = 0; i < 200; i++) {
            const point p = {(int)fv_rand_below(&rand, U - 1) + 1,
                             (int)fv_rand_below(&rand, U - 1) + 1};
            bool near = false; /* rounding moves sides by a step */
            for (int k = 0; k < 16; k++)
                near |= fv_geo_near((const point[2]){star[k], star[(k + 1) % 16]}, p, 2);
            if (!near)
                assert_int_equal(fv_geo_inside(out, count, p), fv_geo_inside(star, 16, p));
        }
    }
}

/* Translation and rotation of the corners' order change nothing. */
static void test_inside_invariant(void **state)
{
    (void)state;
    struct fv_rand rand;
    fv_rand_seed(&rand, 9);
    for (int round = 0; round < 2000; round++) {
        point c[5], moved[5];
        const int dx = (int)fv_rand_below(&rand, 1000) - 500,
                  dy = (int)fv_rand_below(&rand, 1000) - 500;
        for (int i = 0; i < 5; i++)
            c[i] = (point){(int)fv_rand_below(&rand, 20), (int)fv_rand_below(&rand, 20)};
        for (int i = 0; i < 5; i++)
            moved[i] = (point){c[(i + 2) % 5].x + dx, c[(i + 2) % 5].y + dy};
        const enum fv_geo_fault fault = fv_geo_check(c, 5);
        assert_int_equal(fv_geo_check(moved, 5), fault);
        for (int i = 0; fault == FV_GEO_FINE && i < 20; i++) {
            const point p = {(int)fv_rand_below(&rand, 20), (int)fv_rand_below(&rand, 20)};
            assert_int_equal(fv_geo_inside(c, 5, p),
                             fv_geo_inside(moved, 5, (point){p.x + dx, p.y + dy}));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cross_exhaustive),
        cmocka_unit_test(test_on_segment_exhaustive),
        cmocka_unit_test(test_polygons_exhaustive),
        cmocka_unit_test(test_triangles_exhaustive),
        cmocka_unit_test(test_faults_by_hand),
        cmocka_unit_test(test_quantise),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_near),
        cmocka_unit_test(test_clip_by_hand),
        cmocka_unit_test(test_enters_picture),
        cmocka_unit_test(test_clip_random),
        cmocka_unit_test(test_inside_invariant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

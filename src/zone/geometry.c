// SPDX-License-Identifier: Apache-2.0
#include "zone/geometry.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

bool fv_geo_quantise(double value, int32_t *ret)
{
    if (!(value >= -1 && value <= 2))
        return false;
    *ret = (int32_t)lround(value * FV_GEO_UNIT);
    return true;
}

static int64_t cross_product(struct fv_geo_point a, struct fv_geo_point b, struct fv_geo_point p)
{
    return ((int64_t)b.x - a.x) * ((int64_t)p.y - a.y) -
           ((int64_t)b.y - a.y) * ((int64_t)p.x - a.x);
}

static bool same(struct fv_geo_point a, struct fv_geo_point b)
{
    return a.x == b.x && a.y == b.y;
}

static bool between(int32_t a, int32_t b, int32_t value)
{
    return a < b ? a <= value && value <= b : b <= value && value <= a;
}

int fv_geo_side(struct fv_geo_point a, struct fv_geo_point b, struct fv_geo_point p)
{
    const int64_t product = cross_product(a, b, p);
    return (product > 0) - (product < 0);
}

bool fv_geo_on_segment(struct fv_geo_point a, struct fv_geo_point b, struct fv_geo_point p)
{
    return between(a.x, b.x, p.x) && between(a.y, b.y, p.y) && fv_geo_side(a, b, p) == 0;
}

bool fv_geo_within_segment(struct fv_geo_point a, struct fv_geo_point b, struct fv_geo_point p)
{
    return fv_geo_on_segment(a, b, p) && !same(a, p) && !same(b, p);
}

int fv_geo_cross(const struct fv_geo_point line[2], struct fv_geo_point p, struct fv_geo_point q)
{
    const int from = fv_geo_side(line[0], line[1], p), to = fv_geo_side(line[0], line[1], q);
    if (from * to >= 0)
        return 0;
    /* The end points lie strictly on different sides of the way. */
    return fv_geo_side(p, q, line[0]) * fv_geo_side(p, q, line[1]) < 0 ? to : 0;
}

bool fv_geo_inside(const struct fv_geo_point *points, unsigned count, struct fv_geo_point p)
{
    bool inside = false;
    for (unsigned i = 0; i < count; i++) {
        const struct fv_geo_point a = points[i], b = points[i + 1 < count ? i + 1 : 0];
        if (fv_geo_on_segment(a, b, p))
            return true;
        /* A ray to the right; a side has its upper end, but not its lower one. */
        if ((a.y <= p.y) == (b.y <= p.y))
            continue;
        if (fv_geo_side(a, b, p) == (a.y <= p.y ? 1 : -1))
            inside = !inside;
    }
    return inside;
}

int64_t fv_geo_area2(const struct fv_geo_point *points, unsigned count)
{
    int64_t sum = 0;
    for (unsigned i = 1; i + 1 < count; i++)
        sum += cross_product(points[0], points[i], points[i + 1]);
    return sum;
}

/* Two segments have a point in common. */
static bool meet(const struct fv_geo_point a[2], const struct fv_geo_point b[2])
{
    if (fv_geo_on_segment(a[0], a[1], b[0]) || fv_geo_on_segment(a[0], a[1], b[1]) ||
        fv_geo_on_segment(b[0], b[1], a[0]) || fv_geo_on_segment(b[0], b[1], a[1]))
        return true;
    return fv_geo_cross(a, b[0], b[1]) != 0;
}

/* Sides i < j of a polygon without repeated corners: neighbours may share their corner, others nothing. */
static bool sides_meet(const struct fv_geo_point *points, unsigned count, unsigned i, unsigned j)
{
    const struct fv_geo_point a[2] = {points[i], points[i + 1]};
    const struct fv_geo_point b[2] = {points[j], points[j + 1 < count ? j + 1 : 0]};
    if (j == i + 1)
        return fv_geo_on_segment(a[0], a[1], b[1]) || fv_geo_on_segment(b[0], b[1], a[0]);
    if (i == 0 && j + 1 == count)
        return fv_geo_on_segment(a[0], a[1], b[0]) || fv_geo_on_segment(b[0], b[1], a[1]);
    return meet(a, b);
}

static bool is_flat(const struct fv_geo_point *points, unsigned count)
{
    for (unsigned i = 2; i < count; i++)
        if (fv_geo_side(points[0], points[1], points[i]) != 0)
            return false;
    return true;
}

enum fv_geo_fault fv_geo_check(const struct fv_geo_point *points, unsigned count)
{
    if (count < 3 || count > FV_GEO_POINTS_MAX)
        return FV_GEO_COUNT;
    for (unsigned i = 0; i < count; i++)
        for (unsigned j = i + 1; j < count; j++)
            if (same(points[i], points[j]))
                return FV_GEO_REPEATED;
    if (is_flat(points, count))
        return FV_GEO_FLAT;
    for (unsigned i = 0; i + 1 < count; i++)
        for (unsigned j = i + 1; j < count; j++)
            if (sides_meet(points, count, i, j))
                return FV_GEO_CROSSING;
    return FV_GEO_FINE;
}

/* One edge of the picture: the half plane where `sign` * coordinate >= `limit`. */
struct edge {
    size_t axis; /* offset of the coordinate in struct fv_geo_point */
    int sign;
    int32_t limit;
};

static int32_t coordinate(struct fv_geo_point p, size_t axis)
{
    return axis == offsetof(struct fv_geo_point, x) ? p.x : p.y;
}

static bool keeps(const struct edge *edge, struct fv_geo_point p)
{
    return edge->sign * coordinate(p, edge->axis) >= edge->limit;
}

/* a / b to the nearest whole number, halves away from zero; b > 0. */
static int64_t divide(int64_t a, int64_t b)
{
    return (a >= 0 ? a + b / 2 : a - b / 2) / b;
}

static struct fv_geo_point meets_edge(const struct edge *edge, struct fv_geo_point a,
                                      struct fv_geo_point b)
{
    const bool on_x = edge->axis == offsetof(struct fv_geo_point, x);
    const int32_t at = edge->sign * edge->limit;
    const int64_t length = (int64_t)coordinate(b, edge->axis) - coordinate(a, edge->axis);
    const int64_t part = ((int64_t)at - coordinate(a, edge->axis)) * (length < 0 ? -1 : 1);
    const int64_t span = on_x ? (int64_t)b.y - a.y : (int64_t)b.x - a.x;
    const int32_t step = (int32_t)divide(span * part, length < 0 ? -length : length);
    return on_x ? (struct fv_geo_point){at, a.y + step} : (struct fv_geo_point){a.x + step, at};
}

/* Sutherland and Hodgman's step for one edge. */
static unsigned clip_edge(const struct edge *edge, const struct fv_geo_point *points,
                          unsigned count, struct fv_geo_point *out)
{
    unsigned made = 0;
    for (unsigned i = 0; i < count; i++) {
        const struct fv_geo_point a = points[i ? i - 1 : count - 1], b = points[i];
        const bool a_in = keeps(edge, a), b_in = keeps(edge, b);
        if (a_in != b_in && made < FV_GEO_CLIPPED_MAX)
            out[made++] = meets_edge(edge, a, b);
        if (b_in && made < FV_GEO_CLIPPED_MAX)
            out[made++] = b;
    }
    return made;
}

static unsigned drop_repeated(struct fv_geo_point *points, unsigned count)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < count; i++)
        if (kept == 0 || !same(points[kept - 1], points[i]))
            points[kept++] = points[i];
    while (kept > 1 && same(points[0], points[kept - 1]))
        kept--;
    return kept;
}

unsigned fv_geo_clip(const struct fv_geo_point *points, unsigned count, struct fv_geo_point *out)
{
    static const struct edge edges[] = {
        {offsetof(struct fv_geo_point, x), 1, 0},
        {offsetof(struct fv_geo_point, x), -1, -FV_GEO_UNIT},
        {offsetof(struct fv_geo_point, y), 1, 0},
        {offsetof(struct fv_geo_point, y), -1, -FV_GEO_UNIT},
    };
    struct fv_geo_point other[FV_GEO_CLIPPED_MAX];
    if (count > FV_GEO_POINTS_MAX)
        return 0;
    memcpy(out, points, count * sizeof(*out));
    for (unsigned i = 0; i < 4; i += 2) {
        count = clip_edge(&edges[i], out, count, other);
        count = clip_edge(&edges[i + 1], other, count, out);
    }
    count = drop_repeated(out, count);
    return count >= 3 && fv_geo_area2(out, count) != 0 ? count : 0;
}

/* Two convex sets that meet nowhere lie on two sides of a straight line along one of their sides. */
bool fv_geo_enters_picture(const struct fv_geo_point line[2])
{
    const int32_t u = FV_GEO_UNIT;
    const struct fv_geo_point a = line[0], b = line[1];
    if ((a.x <= 0 && b.x <= 0) || (a.x >= u && b.x >= u) || (a.y <= 0 && b.y <= 0) ||
        (a.y >= u && b.y >= u))
        return false;
    const struct fv_geo_point corners[4] = {{0, 0}, {u, 0}, {u, u}, {0, u}};
    bool left = false, right = false;
    for (unsigned i = 0; i < 4; i++) {
        left |= fv_geo_side(a, b, corners[i]) < 0;
        right |= fv_geo_side(a, b, corners[i]) > 0;
    }
    return left && right;
}

struct fv_geo_point fv_geo_square(struct fv_geo_point p, uint32_t width, uint32_t height)
{
    int64_t w = width ? width : 1, h = height ? height : 1;
    if (w > h * FV_GEO_ASPECT_MAX)
        w = h * FV_GEO_ASPECT_MAX;
    if (h > w * FV_GEO_ASPECT_MAX)
        h = w * FV_GEO_ASPECT_MAX;
    return (struct fv_geo_point){(int32_t)divide(p.x * w, h), p.y};
}

static int64_t square_length(int64_t x, int64_t y)
{
    return x * x + y * y;
}

bool fv_geo_near(const struct fv_geo_point line[2], struct fv_geo_point p, int32_t radius)
{
    const int64_t dx = (int64_t)line[1].x - line[0].x, dy = (int64_t)line[1].y - line[0].y;
    const int64_t px = (int64_t)p.x - line[0].x, py = (int64_t)p.y - line[0].y;
    const int64_t reach = (int64_t)radius * radius, length = square_length(dx, dy);
    const int64_t along = dx * px + dy * py;
    if (along <= 0)
        return square_length(px, py) <= reach;
    if (along >= length)
        return square_length((int64_t)p.x - line[1].x, (int64_t)p.y - line[1].y) <= reach;
    /* (distance from the straight line)^2 = cross^2 / length */
    const __int128 cross = dx * py - dy * px;
    return cross * cross <= (__int128)reach * length;
}

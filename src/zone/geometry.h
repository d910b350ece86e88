// SPDX-License-Identifier: Apache-2.0
/*
 * Exact geometry on whole numbers: every decision is the sign of an integer.
 *
 * Coordinates are fractions of the picture in steps of 1/FV_GEO_UNIT, origin at the top left, x to the right, y down.
 * They reach from -1 to 2 pictures, so that products of differences stay far inside 64 bits.
 */
#ifndef FV_ZONE_GEOMETRY_H
#define FV_ZONE_GEOMETRY_H

#include <stdbool.h>
#include <stdint.h>

#define FV_GEO_UNIT (1 << 20)  /* one picture */
#define FV_GEO_POINTS_MAX 64   /* of a polygon */
#define FV_GEO_CLIPPED_MAX 384 /* points that clipping can make of it */
#define FV_GEO_ASPECT_MAX 16   /* of a picture; longer ones are measured as if they were 16:1 */

struct fv_geo_point {
    int32_t x, y;
};

/* What is wrong with a polygon. */
enum fv_geo_fault {
    FV_GEO_FINE,
    FV_GEO_COUNT,    /* fewer than 3 or more than FV_GEO_POINTS_MAX points */
    FV_GEO_REPEATED, /* two corners at the same place */
    FV_GEO_FLAT,     /* all corners on one line */
    FV_GEO_CROSSING, /* two sides cross, touch or lie on each other */
};

/* The nearest step, halves away from zero. False for what is no number or outside -1..2: nothing is stored. */
bool fv_geo_quantise(double value, int32_t *ret);
static inline double fv_geo_value(int32_t step)
{
    return (double)step / FV_GEO_UNIT;
}

/* Where p lies for somebody who looks from a to b on the picture: -1 left, 1 right, 0 on the straight line through both
 * (also when a and b are the same). */
int fv_geo_side(struct fv_geo_point a, struct fv_geo_point b, struct fv_geo_point p);
/* p lies on the segment; the end points belong to it. */
bool fv_geo_on_segment(struct fv_geo_point a, struct fv_geo_point b, struct fv_geo_point p);
/* p lies on the segment, but is none of its end points. */
bool fv_geo_within_segment(struct fv_geo_point a, struct fv_geo_point b, struct fv_geo_point p);
/*
 * The move from p to q across the segment from a to b: 1 from its left to its right, -1 from right to left, else 0.
 * No crossing is: starting or ending on the line (touching), passing through a or b, running along the line.
 */
int fv_geo_cross(const struct fv_geo_point line[2], struct fv_geo_point p, struct fv_geo_point q);

/* p lies in the polygon. Corners and sides belong to it. Even-odd; for a polygon that fv_geo_check() finds fine. */
bool fv_geo_inside(const struct fv_geo_point *points, unsigned count, struct fv_geo_point p);
/* Twice the area in steps squared; positive when the corners go round clockwise on the picture. */
int64_t fv_geo_area2(const struct fv_geo_point *points, unsigned count);
/* The first fault in the order of the enumeration. */
enum fv_geo_fault fv_geo_check(const struct fv_geo_point *points, unsigned count);
/* The part of a polygon (count <= FV_GEO_POINTS_MAX) inside the picture; parts of a dented polygon stay joined along the
 * picture's edge. New corners are rounded to the nearest step. Returns their number, 0 when nothing is left; `out` holds
 * FV_GEO_CLIPPED_MAX. */
unsigned fv_geo_clip(const struct fv_geo_point *points, unsigned count, struct fv_geo_point *out);
/* The line has a part inside the picture, off its edge. What is in the picture can cross no other. */
bool fv_geo_enters_picture(const struct fv_geo_point line[2]);

/* A point in a space where distances are true: x is stretched by width / height, so that a step is 1/FV_GEO_UNIT of the
 * picture's height in both directions. A side of 0 counts as 1. Rounded to the nearest step: for distances, which are limits
 * chosen by people, not for sides. */
struct fv_geo_point fv_geo_square(struct fv_geo_point p, uint32_t width, uint32_t height);
/* The distance from p to the segment is at most `radius` >= 0. In square space. */
bool fv_geo_near(const struct fv_geo_point line[2], struct fv_geo_point p, int32_t radius);

#endif

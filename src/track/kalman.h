// SPDX-License-Identifier: Apache-2.0
/*
 * A Kalman filter for a box that moves at nearly constant velocity: centre x and y, width and height, each with its rate.
 *
 * Noise grows with the box's height, as in SORT, DeepSORT and ByteTrack: a position is known to 1/20 of the height, its rate
 * changes by 1/160 of the height. There, a step is one picture. Here, a step is time: FV_KALMAN_UNIT, a thirtieth of a
 * second, so that at 30 pictures a second the numbers are theirs and at any other rate they mean the same.
 *
 * For `t` units the process noise of one coordinate is that of a white acceleration (Bar-Shalom, Li, Kirubarajan: Estimation
 * with Applications to Tracking and Navigation, 6.2.2) plus a random walk of the position itself:
 *
 *     position  p^2 t + r^2 t^3 / 3      p = height / 20
 *     both               r^2 t^2 / 2      r = height / 160
 *     rate               r^2 t
 *
 * Unlike noise added once per picture, this does not depend on how a span of time is cut into predictions: two steps of one
 * unit give what one step of two units gives.
 *
 * No coordinate's noise is correlated with another's, so the 8 x 8 covariance falls into four of 2 x 2.
 */
#ifndef FV_TRACK_KALMAN_H
#define FV_TRACK_KALMAN_H

#include <stdint.h>

#define FV_KALMAN_UNIT (1.0 / 30) /* seconds */

/* Corners in pixels. */
struct fv_box {
    double x0, y0, x1, y1;
};

enum fv_kalman_part {
    FV_KALMAN_X,
    FV_KALMAN_Y,
    FV_KALMAN_WIDTH,
    FV_KALMAN_HEIGHT,
    FV_KALMAN_PARTS
};

struct fv_kalman_axis {
    double value; /* pixels */
    double rate;  /* pixels per unit */
    double value_variance, covariance, rate_variance;
};

struct fv_kalman {
    struct fv_kalman_axis part[FV_KALMAN_PARTS];
};

/* At `box`, rate unknown: 0 give or take height / 16 per unit. The position is known to height / 10. */
void fv_kalman_start(struct fv_kalman *filter, const struct fv_box *box);
/* `units` >= 0 later. */
void fv_kalman_predict(struct fv_kalman *filter, double units);
/* The box was seen here. `doubt` > 0: how much less than usual it is to be trusted, a factor on the standard deviation of the
 * measurement (height / 20). */
void fv_kalman_correct(struct fv_kalman *filter, const struct fv_box *box, double doubt);
/* The doubt that a detector's score calls for, 0.5 to 4: none at 0.8. A detector scores low what it sees half, and draws the half:
 * such a box must neither shrink a track nor give it speed. (Du et al., GIAOTracker, 2021, scale the noise by 1 - score alike.) */
double fv_kalman_doubt(double score);
/* The size stays as it is from now on: nobody sees it change. */
void fv_kalman_hold_size(struct fv_kalman *filter);
/* Where the filter believes the box is; at least one pixel wide and high. */
struct fv_box fv_kalman_box(const struct fv_kalman *filter);

#endif

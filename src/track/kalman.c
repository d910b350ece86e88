// SPDX-License-Identifier: Apache-2.0
#include "track/kalman.h"

#define POSITION_WEIGHT (1.0 / 20)
#define RATE_WEIGHT (1.0 / 160)
#define USUAL_SCORE 0.8
#define LEAST_DOUBT 0.5
#define MOST_DOUBT 4.0
#define SMALLEST 1.0 /* pixel: a size that shrank away would take all noise with it */

static double square(double value)
{
    return value * value;
}

static double height_of(const struct fv_kalman *filter)
{
    const double height = filter->part[FV_KALMAN_HEIGHT].value;
    return height > SMALLEST ? height : SMALLEST;
}

static void measure(const struct fv_box *box, double ret_values[FV_KALMAN_PARTS])
{
    ret_values[FV_KALMAN_X] = (box->x0 + box->x1) / 2;
    ret_values[FV_KALMAN_Y] = (box->y0 + box->y1) / 2;
    ret_values[FV_KALMAN_WIDTH] = box->x1 - box->x0;
    ret_values[FV_KALMAN_HEIGHT] = box->y1 - box->y0;
}

void fv_kalman_start(struct fv_kalman *filter, const struct fv_box *box)
{
    double values[FV_KALMAN_PARTS];
    measure(box, values);
    const double height = values[FV_KALMAN_HEIGHT] > SMALLEST ? values[FV_KALMAN_HEIGHT] : SMALLEST;
    for (int i = 0; i < FV_KALMAN_PARTS; i++)
        filter->part[i] =
            (struct fv_kalman_axis){.value = values[i],
                                    .value_variance = square(2 * POSITION_WEIGHT * height),
                                    .rate_variance = square(10 * RATE_WEIGHT * height)};
}

void fv_kalman_predict(struct fv_kalman *filter, double units)
{
    const double height = height_of(filter);
    const double walk = square(POSITION_WEIGHT * height), shake = square(RATE_WEIGHT * height);
    for (int i = 0; i < FV_KALMAN_PARTS; i++) {
        struct fv_kalman_axis *axis = &filter->part[i];
        axis->value += axis->rate * units;
        axis->value_variance += units * (2 * axis->covariance + units * axis->rate_variance) +
                                walk * units + shake * units * units * units / 3;
        axis->covariance += units * axis->rate_variance + shake * units * units / 2;
        axis->rate_variance += shake * units;
    }
}

double fv_kalman_doubt(double score)
{
    const double doubt = (1 - score) / (1 - USUAL_SCORE);
    return doubt < LEAST_DOUBT ? LEAST_DOUBT : doubt > MOST_DOUBT ? MOST_DOUBT : doubt;
}

void fv_kalman_correct(struct fv_kalman *filter, const struct fv_box *box, double doubt)
{
    const double noise = square(doubt * POSITION_WEIGHT * height_of(filter));
    double values[FV_KALMAN_PARTS];
    measure(box, values);
    for (int i = 0; i < FV_KALMAN_PARTS; i++) {
        struct fv_kalman_axis *axis = &filter->part[i];
        const double total = axis->value_variance + noise;
        const double value_gain = axis->value_variance / total,
                     rate_gain = axis->covariance / total;
        const double surprise = values[i] - axis->value;
        axis->value += value_gain * surprise;
        axis->rate += rate_gain * surprise;
        axis->rate_variance -= rate_gain * axis->covariance;
        /* As products of positive numbers: rounding cannot make a variance negative. */
        axis->covariance *= noise / total;
        axis->value_variance *= noise / total;
    }
}

void fv_kalman_hold_size(struct fv_kalman *filter)
{
    filter->part[FV_KALMAN_WIDTH].rate = 0;
    filter->part[FV_KALMAN_HEIGHT].rate = 0;
}

struct fv_box fv_kalman_box(const struct fv_kalman *filter)
{
    double half[2];
    for (int i = 0; i < 2; i++) {
        const double size = filter->part[FV_KALMAN_WIDTH + i].value;
        half[i] = (size > SMALLEST ? size : SMALLEST) / 2;
    }
    const double x = filter->part[FV_KALMAN_X].value, y = filter->part[FV_KALMAN_Y].value;
    return (struct fv_box){x - half[0], y - half[1], x + half[0], y + half[1]};
}

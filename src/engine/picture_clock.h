// SPDX-License-Identifier: Apache-2.0
/*
 * When a picture was taken, on our clock: what tracks and rules measure speeds and durations by.
 *
 * The time of arrival is not it. Reads are gathered, networks hold back: a second's pictures may share one stamp, and come
 * bunched after a stall. The camera's own clock spaces them truly, but starts anywhere, drifts, and begins again with each epoch.
 * So: the camera's clock within an epoch, laid onto ours by its quickest pictures.
 *
 *   arrival     |    |  | |           |||   |        what the network made of it
 *   pts         |   |   |   |   |   |   |   |        as the camera says
 *   time        |   |   |   |   |   |   |   |        pts + offset; never behind the arrival by more than LAG, never ahead of it
 *
 * A picture that comes sooner than foretold shows that the others were late: it sets the offset. Upwards the offset creeps by half
 * a thousandth of the time, faster than clocks drift, so that a slower way or a slower clock is followed. A camera whose clock
 * does not run at all still gets times that go on with its arrivals, LAG behind.
 *
 * Pure; no allocation, no clock of its own.
 */
#ifndef FV_ENGINE_PICTURE_CLOCK_H
#define FV_ENGINE_PICTURE_CLOCK_H

#include <stdbool.h>

#include "base/clock.h"
#include "fovea/event.h"

#define FV_PICTURE_CLOCK_LAG (5 * FV_S)

/* One camera; zeroed before the first picture. */
struct fv_picture_clock {
    bool anchored; /* the three below are valid */
    uint32_t epoch;
    int64_t pts;    /* of the last picture that had one */
    int64_t offset; /* our clock - the camera's, in this epoch */
    bool started;
    int64_t last; /* what was given out */
};

/* The next analysed picture's time: monotonic, never smaller than the one before. A picture that no network brought counts by
 * at.event; one without a pts by its arrival. */
int64_t fv_picture_clock_time(struct fv_picture_clock *clock, const struct fv_frame_info *info);

#endif

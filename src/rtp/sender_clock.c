// SPDX-License-Identifier: Apache-2.0
#include "rtp/sender_clock.h"

#include <math.h>

#include "base/clock.h"
#include "rtp/timeline.h"

#define NTP_TO_UNIX INT64_C(2208988800) /* seconds from 1900 to 1970 */
#define FUTURE_MAX (10 * FV_S)
#define INTERVAL_MIN (2 * FV_S)
#define DRIFT_INTERVAL_MIN (10 * FV_S)
#define RATE_PER_MILLION 500
#define JITTER_RTP (100 * FV_MS)     /* cameras stamp reports with their last picture's time */
#define JITTER_ARRIVAL (250 * FV_MS) /* reports wait behind pictures */

void fv_sender_clock_init(struct fv_sender_clock *clock, uint32_t clock_rate)
{
    *clock = (struct fv_sender_clock){.clock_rate = clock_rate};
}

void fv_sender_clock_reset(struct fv_sender_clock *clock)
{
    fv_sender_clock_init(clock, clock->clock_rate);
}

/* Seconds without the top bit are those after 2036 (RFC 4330 3). */
static int64_t ntp_to_wall(uint64_t ntp)
{
    int64_t seconds = (int64_t)(ntp >> 32);
    if (!(ntp >> 63))
        seconds += INT64_C(1) << 32;
    return (seconds - NTP_TO_UNIX) * FV_S + (int64_t)((ntp & UINT32_MAX) * FV_S >> 32);
}

/* Do two durations agree within 500 ppm of the first and `slack`? */
static bool agree(int64_t a, int64_t b, int64_t slack)
{
    int64_t difference = a > b ? a - b : b - a;
    return difference <= a / 1000000 * RATE_PER_MILLION + slack;
}

/* Does `point` follow from `before`? */
static bool consistent(const struct fv_sender_clock *clock, const struct fv_sender_point *before,
                       const struct fv_sender_point *point)
{
    int64_t ours = point->arrival - before->arrival, theirs = point->wall - before->wall;
    int64_t stream = fv_ticks_to_ns(point->ticks - before->ticks, clock->clock_rate);
    return theirs >= 0 && agree(ours, theirs, JITTER_ARRIVAL) && agree(theirs, stream, JITTER_RTP);
}

bool fv_sender_clock_update(struct fv_sender_clock *clock, const struct fv_sender_report *report,
                            int64_t now, int64_t wall)
{
    struct fv_sender_point point = {.wall = ntp_to_wall(report->ntp), .arrival = now};
    if (report->ntp == 0 || (wall != FV_TIME_UNKNOWN && point.wall - wall > FUTURE_MAX))
        return false;
    if (clock->started)
        point.ticks = clock->last.ticks + (int32_t)(report->timestamp - clock->timestamp);
    bool follows = clock->started && consistent(clock, &clock->anchor, &point) &&
                   consistent(clock, &clock->last, &point);
    bool first = !clock->started;
    if (!follows) {
        clock->anchor = point;
        clock->sane = false;
    } else if (now - clock->anchor.arrival >= INTERVAL_MIN) {
        clock->sane = true;
    }
    clock->last = point;
    clock->timestamp = report->timestamp;
    clock->started = true;
    return first || follows;
}

int64_t fv_sender_clock_wall(const struct fv_sender_clock *clock, uint32_t timestamp)
{
    if (!clock->sane)
        return FV_TIME_UNKNOWN;
    return clock->last.wall +
           fv_ticks_to_ns((int32_t)(timestamp - clock->timestamp), clock->clock_rate);
}

double fv_sender_clock_drift(const struct fv_sender_clock *clock)
{
    int64_t ours = clock->last.arrival - clock->anchor.arrival;
    if (!clock->sane || ours < DRIFT_INTERVAL_MIN)
        return NAN;
    int64_t theirs = clock->last.wall - clock->anchor.wall;
    return (double)(theirs - ours) / (double)ours * 1e6;
}

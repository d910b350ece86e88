// SPDX-License-Identifier: Apache-2.0
#include "rtp/timeline.h"

#include "base/clock.h"

#define FORWARD_MAX (10 * FV_S)
#define BACKWARD_MAX (2 * FV_S) /* more than any order of B-pictures needs */

void fv_timeline_init(struct fv_timeline *timeline, uint32_t clock_rate, uint32_t epoch)
{
    *timeline = (struct fv_timeline){.clock_rate = clock_rate, .epoch = epoch};
}

int64_t fv_ticks_to_ns(int64_t ticks, uint32_t clock_rate)
{
    int64_t rate = clock_rate;
    int64_t seconds = ticks / rate, rest = ticks % rate;
    if (rest < 0) {
        seconds--;
        rest += rate;
    }
    return seconds * FV_S + rest * FV_S / rate;
}

/* An epoch that no access unit belongs to need not end. */
static void new_epoch(struct fv_timeline *timeline)
{
    timeline->epoch += timeline->based;
    timeline->based = false;
}

void fv_timeline_restart(struct fv_timeline *timeline)
{
    new_epoch(timeline);
    timeline->started = false;
}

bool fv_timeline_continues(const struct fv_timeline *timeline, uint32_t timestamp, int64_t arrival,
                           int64_t *ret_step)
{
    if (!timeline->started)
        return false;
    int64_t passed = fv_max64(arrival - timeline->arrival, 0);
    *ret_step = fv_ticks_to_ns((int32_t)(timestamp - timeline->timestamp), timeline->clock_rate);
    return *ret_step - passed <= FORWARD_MAX && *ret_step >= -BACKWARD_MAX;
}

bool fv_timeline_advance(struct fv_timeline *timeline, uint32_t timestamp, int64_t arrival)
{
    bool jump = false;
    if (timeline->started) {
        int64_t step;
        jump = !fv_timeline_continues(timeline, timestamp, arrival, &step);
        timeline->ticks += (int32_t)(timestamp - timeline->timestamp);
    }
    if (jump)
        new_epoch(timeline);
    timeline->started = true;
    timeline->timestamp = timestamp;
    timeline->arrival = arrival;
    return jump;
}

int64_t fv_timeline_pts(struct fv_timeline *timeline)
{
    if (!timeline->based) {
        timeline->base = timeline->ticks;
        timeline->based = true;
    }
    return fv_ticks_to_ns(timeline->ticks - timeline->base, timeline->clock_rate);
}

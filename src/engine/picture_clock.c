// SPDX-License-Identifier: Apache-2.0
#include "engine/picture_clock.h"

#define CREEP 2000 /* the offset rises by one part in so many */

static int64_t arrival_of(const struct fv_frame_info *info)
{
    return info->at.last_packet != FV_TIME_UNKNOWN ? info->at.last_packet : info->at.event;
}

/* Far more than any stream lasts, and small enough to be added. */
static bool is_usable(int64_t pts)
{
    return pts > -(INT64_C(1) << 60) && pts < INT64_C(1) << 60;
}

/* Where this picture's arrival and the way so far put the offset. */
static void follow(struct fv_picture_clock *clock, int64_t pts, int64_t arrival)
{
    const int64_t seen = arrival - pts; /* the offset if this picture was not held back */
    const int64_t step = fv_min64(pts - clock->pts, FV_PICTURE_CLOCK_LAG);
    clock->offset = fv_min64(clock->offset + step / CREEP, seen);
    clock->offset = fv_max64(clock->offset, seen - FV_PICTURE_CLOCK_LAG);
}

int64_t fv_picture_clock_time(struct fv_picture_clock *clock, const struct fv_frame_info *info)
{
    const int64_t arrival = arrival_of(info);
    int64_t time = arrival;
    if (is_usable(info->pts)) { /* FV_TIME_UNKNOWN is not */
        /* Pictures come in the order of display: a pts that goes back is a clock that was set back. */
        if (clock->anchored && info->epoch == clock->epoch && info->pts >= clock->pts)
            follow(clock, info->pts, arrival);
        else
            clock->offset = arrival - info->pts;
        clock->anchored = true;
        clock->epoch = info->epoch;
        clock->pts = info->pts;
        time = info->pts + clock->offset;
    }
    if (clock->started)
        time = fv_max64(time, clock->last);
    clock->started = true;
    clock->last = time;
    return time;
}

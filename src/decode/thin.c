// SPDX-License-Identifier: Apache-2.0
#include "decode/thin.h"

#define PAUSE 2 /* gaps without a picture, or times that go back: the count begins anew */

static bool in_time(struct fv_thin *thin, int64_t gap, const struct fv_frame_info *info)
{
    bool known = info->pts != FV_TIME_UNKNOWN;
    int64_t late = known && thin->started ? info->pts - thin->due : 0;
    bool anew = !known || !thin->started || info->epoch != thin->epoch || late > PAUSE * gap ||
                late < -PAUSE * gap;
    if (!anew && late < -gap / 2)
        return false;
    thin->due = (anew ? info->pts : thin->due) + gap;
    thin->epoch = info->epoch;
    thin->started = known;
    return true;
}

bool fv_thin_keep(struct fv_thin *thin, unsigned interval, int64_t gap,
                  const struct fv_frame_info *info)
{
    if (thin->number++ % interval != 0)
        return false;
    return gap <= 0 || in_time(thin, gap, info);
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Which of a camera's decoded pictures go on to analysis, by setting. Pure logic; one thread.
 *
 *   every interval-th picture; of these at most one for each `gap` of the camera's own time
 *
 * A stream of just the allowed rate passes whole, whatever its times waver: a picture may come up to half a gap early, and what it
 * came early the next one waits longer.
 */
#ifndef FV_DECODE_THIN_H
#define FV_DECODE_THIN_H

#include <stdbool.h>

#include "flow.h"

struct fv_thin {
    uint64_t number; /* pictures seen */
    int64_t due;     /* of the next picture, in pts; valid with `started` */
    uint32_t epoch;
    bool started;
};

/* interval: at least 1. gap: ns, 0: no limit. */
bool fv_thin_keep(struct fv_thin *thin, unsigned interval, int64_t gap,
                  const struct fv_frame_info *info);

#endif

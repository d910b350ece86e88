// SPDX-License-Identifier: Apache-2.0
/*
 * A stream's own time: RTP timestamps unwrapped and turned into ns since the epoch's first access unit, in exact integers.
 * An epoch ends with a jump, a restart or another source; what lies in different epochs cannot be compared.
 */
#ifndef FV_RTP_TIMELINE_H
#define FV_RTP_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>

struct fv_timeline {
    uint32_t clock_rate; /* Hz */
    uint32_t epoch;
    bool started;       /* the three below are valid */
    uint32_t timestamp; /* of the last picture */
    int64_t ticks;      /* the same, unwrapped */
    int64_t arrival;
    bool based;   /* an access unit of this epoch was given a time */
    int64_t base; /* its ticks */
};

void fv_timeline_init(struct fv_timeline *timeline, uint32_t clock_rate, uint32_t epoch);
/* The next picture in decoding order, whether it is delivered or not. True when it begins a new epoch: its timestamp is more
 * than 10 s ahead of where the time of arrival would put it, or more than 2 s behind the picture before. */
bool fv_timeline_advance(struct fv_timeline *timeline, uint32_t timestamp, int64_t arrival);
/* Does a packet with this timestamp continue the epoch? Then also its distance from the last picture, in ns. */
bool fv_timeline_continues(const struct fv_timeline *timeline, uint32_t timestamp, int64_t arrival,
                           int64_t *ret_step);
/* Time of the last picture, in ns; the first call of an epoch gives 0. Smaller than before for pictures out of display order. */
int64_t fv_timeline_pts(struct fv_timeline *timeline);
/* The source restarted: what follows is another epoch. */
void fv_timeline_restart(struct fv_timeline *timeline);

/* Clock ticks in ns, rounded down. */
int64_t fv_ticks_to_ns(int64_t ticks, uint32_t clock_rate);

#endif

// SPDX-License-Identifier: Apache-2.0
/*
 * The camera's wall clock from its sender reports (RFC 3550 6.4.1). Believed only when sane: not in our future, and two reports at
 * least 2 s apart agree with the RTP clock and with ours within 500 ppm (plus a bound for jitter). Until then: unknown.
 */
#ifndef FV_RTP_SENDER_CLOCK_H
#define FV_RTP_SENDER_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct fv_sender_report {
    uint64_t ntp;       /* 32.32 seconds since 1900; 0: the sender has no clock */
    uint32_t timestamp; /* the same instant on the RTP clock */
};

struct fv_sender_point {
    int64_t wall;    /* ns since 1970 by the camera */
    int64_t ticks;   /* RTP clock, unwrapped */
    int64_t arrival; /* monotonic, ours */
};

struct fv_sender_clock {
    uint32_t clock_rate; /* Hz */
    bool started;
    bool sane;          /* `last` may be used */
    uint32_t timestamp; /* of `last`, as sent */
    struct fv_sender_point anchor, last;
};

void fv_sender_clock_init(struct fv_sender_clock *clock, uint32_t clock_rate);
/* Another epoch: forgets all. */
void fv_sender_clock_reset(struct fv_sender_clock *clock);
/* One report. `wall`: ours, or FV_TIME_UNKNOWN. False: it made no sense. */
bool fv_sender_clock_update(struct fv_sender_clock *clock, const struct fv_sender_report *report,
                            int64_t now, int64_t wall);
/* ns since 1970 for an RTP timestamp near the last report, or FV_TIME_UNKNOWN. */
int64_t fv_sender_clock_wall(const struct fv_sender_clock *clock, uint32_t timestamp);
/* How much faster the camera's clock runs than ours, in parts per million; NAN before 10 s of reports. */
double fv_sender_clock_drift(const struct fv_sender_clock *clock);

#endif

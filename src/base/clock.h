// SPDX-License-Identifier: Apache-2.0
/*
 * Time. One monotonic clock for everything inside, int64 nanoseconds. Wall time (Unix epoch, nanoseconds) appears
 * only at the edges: events, logs, sender reports. "Unknown" is a value, not zero. Protocol engines never read a
 * clock: `now` goes in.
 */
#ifndef FV_BASE_CLOCK_H
#define FV_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define FV_TIME_UNKNOWN INT64_MIN /* not known (yet) */
#define FV_TIME_NEVER INT64_MAX   /* a deadline that does not exist */

#define FV_US INT64_C(1000)
#define FV_MS INT64_C(1000000)
#define FV_S INT64_C(1000000000)

int64_t fv_now(void);  /* CLOCK_MONOTONIC */
int64_t fv_wall(void); /* CLOCK_REALTIME */

/* RFC 3339 UTC with milliseconds, "2026-01-31T12:34:56.789Z". `text` holds at least FV_RFC3339_SIZE bytes.
 * Times outside year 0..9999 and FV_TIME_UNKNOWN give an empty string. Returns `text`. */
#define FV_RFC3339_SIZE 32
char *fv_rfc3339(int64_t wall_ns, char *text);

static inline int64_t fv_min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}
static inline int64_t fv_max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}
/* a + b without overflow: sticks at FV_TIME_NEVER. b >= 0. */
static inline int64_t fv_later(int64_t a, int64_t b)
{
    return a > FV_TIME_NEVER - b ? FV_TIME_NEVER : a + b;
}

#endif

// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * FV_S + t.tv_nsec;
}

int64_t fv_now(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t fv_wall(void)
{
    return read_clock(CLOCK_REALTIME);
}

char *fv_rfc3339(int64_t wall_ns, char *text)
{
    text[0] = 0;
    if (wall_ns == FV_TIME_UNKNOWN)
        return text;
    int64_t seconds = wall_ns / FV_S, rest = wall_ns % FV_S;
    if (rest < 0) {
        seconds--;
        rest += FV_S;
    }
    time_t t = (time_t)seconds;
    struct tm tm;
    if (!gmtime_r(&t, &tm) || tm.tm_year < -1900 || tm.tm_year > 8099)
        return text;
    snprintf(text, FV_RFC3339_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
             (unsigned)(tm.tm_year + 1900) % 10000u, (unsigned)(tm.tm_mon + 1) % 100u,
             (unsigned)tm.tm_mday % 100u, (unsigned)tm.tm_hour % 100u, (unsigned)tm.tm_min % 100u,
             (unsigned)tm.tm_sec % 100u, (unsigned)(rest / FV_MS) % 1000u);
    return text;
}

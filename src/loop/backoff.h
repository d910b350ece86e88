// SPDX-License-Identifier: Apache-2.0
/*
 * How long to wait before the next attempt. Pure: the caller says what happened and when, and does the waiting.
 *
 *   exponential  initial * factor^(failures in a row - 1), at most maximum
 *   adaptive     the same with a factor that learns: `stable_after` connections without a failed attempt between them: x 0.9,
 *                down to 1.5; each failure in a row beyond the tenth: x 1.1, up to 3.0
 *   breaker      exponential while closed; `breaker_failures` in a row open it: wait `breaker_open`; the next attempts are probes:
 *                `breaker_probes` successes close it, one failure opens it again
 *
 * Each delay varies at random by +-jitter, but never above the maximum; an open breaker's and one at its lower bound only upwards.
 * The end of a connection that had succeeded counts as the first failure of a row, but not as a failed probe.
 */
#ifndef FV_LOOP_BACKOFF_H
#define FV_LOOP_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rand.h"

enum fv_backoff_strategy { FV_BACKOFF_EXPONENTIAL, FV_BACKOFF_ADAPTIVE, FV_BACKOFF_BREAKER };
enum fv_breaker_state { FV_BREAKER_CLOSED, FV_BREAKER_OPEN, FV_BREAKER_HALF_OPEN };

/* See settings.md "Backoff"; times in ns. */
struct fv_backoff_params {
    enum fv_backoff_strategy strategy;
    int64_t initial, maximum;
    double factor, jitter;
    unsigned stable_after;
    unsigned breaker_failures, breaker_probes;
    int64_t breaker_open;
};

struct fv_backoff_stats {
    uint64_t attempts, successes, failures;
    int64_t delay; /* ns, the one given last */
    double factor; /* in force */
    enum fv_breaker_state state; /* CLOSED for the other strategies */
    int64_t since;               /* when `state` was entered */
};

struct fv_backoff {
    struct fv_backoff_params params;
    struct fv_rand rand;
    unsigned row;     /* failures in a row */
    unsigned stable;  /* connections since the last failed attempt */
    unsigned probes;  /* successes while half open */
    bool connected;   /* the last attempt succeeded: what ends now is a connection, not an attempt */
    struct fv_backoff_stats stats;
};

void fv_backoff_defaults(struct fv_backoff_params *params);
/* 0, or -EINVAL: a value without sense (initial <= 0, maximum < initial, factor < 1, jitter outside 0..1, a count of 0...). */
int fv_backoff_check(const struct fv_backoff_params *params);
void fv_backoff_init(struct fv_backoff *backoff, const struct fv_backoff_params *params, uint64_t seed, int64_t now);
/* An attempt begins. */
void fv_backoff_attempt(struct fv_backoff *backoff, int64_t now);
/* The attempt reached its goal. */
void fv_backoff_success(struct fv_backoff *backoff, int64_t now);
/* The attempt failed or the connection ended. Returns the delay before the next attempt, at least `least` (0: no such bound); where it
 * binds, the delay grows from `least` instead of `initial`. */
int64_t fv_backoff_failure(struct fv_backoff *backoff, int64_t least, int64_t now);

#endif

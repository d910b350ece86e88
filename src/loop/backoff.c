// SPDX-License-Identifier: Apache-2.0
#include "loop/backoff.h"

#include <errno.h>

#include "base/clock.h"

#define SHRINK 0.9
#define GROW 1.1
#define FACTOR_MIN 1.5
#define FACTOR_MAX 3.0
#define MANY_FAILURES 10

void fv_backoff_defaults(struct fv_backoff_params *params)
{
    *params = (struct fv_backoff_params){
        .strategy = FV_BACKOFF_EXPONENTIAL,
        .initial = 1 * FV_S,
        .maximum = 60 * FV_S,
        .factor = 2,
        .jitter = 0.1,
        .stable_after = 5,
        .breaker_failures = 5,
        .breaker_probes = 3,
        .breaker_open = 60 * FV_S,
    };
}

int fv_backoff_check(const struct fv_backoff_params *params)
{
    bool delays = params->initial > 0 && params->maximum >= params->initial;
    bool factors = params->factor >= 1 && params->jitter >= 0 && params->jitter <= 1;
    bool breaker = params->breaker_failures && params->breaker_probes && params->breaker_open > 0;
    return delays && factors && breaker && params->stable_after ? 0 : -EINVAL;
}

static void set_state(struct fv_backoff *backoff, enum fv_breaker_state state, int64_t now)
{
    if (backoff->stats.state == state)
        return;
    backoff->stats.state = state;
    backoff->stats.since = now;
    backoff->probes = 0;
}

void fv_backoff_init(struct fv_backoff *backoff, const struct fv_backoff_params *params,
                     uint64_t seed, int64_t now)
{
    *backoff = (struct fv_backoff){
        .params = *params,
        .stats = {.factor = params->factor, .state = FV_BREAKER_CLOSED, .since = now},
    };
    fv_rand_seed(&backoff->rand, seed);
}

void fv_backoff_attempt(struct fv_backoff *backoff, int64_t now)
{
    backoff->stats.attempts++;
    backoff->connected = false;
    if (backoff->stats.state == FV_BREAKER_OPEN)
        set_state(backoff, FV_BREAKER_HALF_OPEN, now);
}

static void learn_from_success(struct fv_backoff *backoff)
{
    if (++backoff->stable < backoff->params.stable_after)
        return;
    backoff->stable = 0;
    /* A factor that was configured below the floor is left alone. */
    if (backoff->stats.factor > FACTOR_MIN) {
        double less = backoff->stats.factor * SHRINK;
        backoff->stats.factor = less < FACTOR_MIN ? FACTOR_MIN : less;
    }
}

void fv_backoff_success(struct fv_backoff *backoff, int64_t now)
{
    backoff->stats.successes++;
    backoff->row = 0;
    backoff->connected = true;
    if (backoff->params.strategy == FV_BACKOFF_ADAPTIVE)
        learn_from_success(backoff);
    if (backoff->stats.state == FV_BREAKER_HALF_OPEN &&
        ++backoff->probes >= backoff->params.breaker_probes)
        set_state(backoff, FV_BREAKER_CLOSED, now);
}

static void learn_from_failure(struct fv_backoff *backoff)
{
    if (!backoff->connected)
        backoff->stable = 0;
    if (backoff->row > MANY_FAILURES && backoff->stats.factor < FACTOR_MAX) {
        double more = backoff->stats.factor * GROW;
        backoff->stats.factor = more > FACTOR_MAX ? FACTOR_MAX : more;
    }
}

static void judge_failure(struct fv_backoff *backoff, int64_t now)
{
    bool probe_failed = backoff->stats.state == FV_BREAKER_HALF_OPEN && !backoff->connected;
    if (probe_failed || backoff->row >= backoff->params.breaker_failures)
        set_state(backoff, FV_BREAKER_OPEN, now);
}

static int64_t exponential(const struct fv_backoff *backoff, int64_t first, int64_t most)
{
    double delay = (double)first;
    for (unsigned i = 1; i < backoff->row && delay < (double)most; i++)
        delay *= backoff->stats.factor;
    return delay < (double)most ? (int64_t)delay : most;
}

static int64_t vary(struct fv_backoff *backoff, int64_t delay, int64_t least, int64_t most)
{
    double spread = (double)delay * backoff->params.jitter;
    double low = (double)delay - spread, high = (double)delay + spread;
    if (low < (double)least)
        low = (double)least;
    if (high > (double)most)
        high = (double)most;
    return (int64_t)(low + (high - low) * fv_rand_unit(&backoff->rand));
}

int64_t fv_backoff_failure(struct fv_backoff *backoff, int64_t least, int64_t now)
{
    const struct fv_backoff_params *params = &backoff->params;
    backoff->stats.failures++;
    backoff->row++;
    if (params->strategy == FV_BACKOFF_ADAPTIVE)
        learn_from_failure(backoff);
    if (params->strategy == FV_BACKOFF_BREAKER)
        judge_failure(backoff, now);
    backoff->connected = false;

    int64_t first = fv_max64(params->initial, least), most = fv_max64(params->maximum, first);
    int64_t delay = exponential(backoff, first, most);
    if (backoff->stats.state == FV_BREAKER_OPEN)
        delay = least = fv_max64(params->breaker_open, least);
    /* A delay that is itself the bound can only grow by jitter. */
    if (delay == least)
        most = fv_later(delay, (int64_t)((double)delay * params->jitter));
    backoff->stats.delay = vary(backoff, delay, least, most);
    return backoff->stats.delay;
}

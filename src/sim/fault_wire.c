// SPDX-License-Identifier: Apache-2.0
/* Faults of the connection: how bytes are cut into writes. What is cut over TLS is what a record
 * holds. */
#include "base/clock.h"
#include "sim/sick.h"

/* slow: `mark` is the moment up to which bytes were paid for. */
static size_t slow_allow(struct fv_sim_case *c, size_t wanted, size_t control)
{
    const double byte_ns = (double)FV_S / c->spec->own[0];
    if (!control || !fv_sim_strikes(c, FV_SIM_SINCE_CONNECT))
        return wanted;
    if (c->now - c->mark > FV_S) /* what was not used for long is not saved up */
        c->mark = c->now - (int64_t)byte_ns;
    size_t allowed = (size_t)((double)(c->now - c->mark) / byte_ns);
    allowed = allowed < control ? allowed : control;
    c->mark += (int64_t)((double)allowed * byte_ns);
    return allowed;
}

/* split: a write of 1 .. `size` bytes after the other. */
static size_t split_allow(struct fv_sim_case *c, size_t wanted, size_t control)
{
    if (!fv_sim_strikes(c, FV_SIM_SINCE_CONNECT))
        return wanted;
    return 1 + (size_t)fv_rand_below(&c->session->sick->rand, (uint64_t)c->spec->own[0]);
}

/* merge: `mark` is when the oldest waiting byte came, 0: none waits. */
static size_t merge_allow(struct fv_sim_case *c, size_t wanted, size_t control)
{
    if (!c->mark) {
        if (!fv_sim_strikes(c, FV_SIM_SINCE_CONNECT))
            return wanted;
        c->mark = c->now;
    }
    if (c->now - c->mark < (int64_t)(c->spec->own[0] * (double)FV_MS))
        return 0;
    c->mark = 0;
    return wanted;
}

static const struct fv_sim_fault list[] = {
    {.name = "slow",
     .help = "answers and reports dribble byte by byte; packets wait behind them",
     .keys = {{.name = "rate", .preset = 100, .low = 1, .high = 1e6, .help = "bytes a second"}},
     .allow = slow_allow},
    {.name = "split",
     .help = "answers and packets are cut into small writes",
     .keys = {{.name = "size",
               .preset = 100,
               .low = 1,
               .high = 1400,
               .help = "bytes of the largest write; each is between 1 and this"}},
     .allow = split_allow},
    {.name = "merge",
     .help = "bytes are held back, then answers and packets leave in one write",
     .keys = {{.name = "ms", .preset = 100, .low = 4, .high = 10000, .help = "how long"}},
     .allow = merge_allow},
};

const struct fv_sim_faults fv_sim_faults_wire = {list, sizeof(list) / sizeof(*list)};

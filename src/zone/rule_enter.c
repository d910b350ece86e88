// SPDX-License-Identifier: Apache-2.0
/* zone.enter and zone.exit. */
#include "zone/latch.h"

struct state {
    struct fv_latch latch;
    uint64_t ref; /* the ENTER */
};

static void left(struct fv_rule *rule, const struct fv_walker *walker, const struct state *state,
                 int64_t when, enum fv_zone_cause cause)
{
    struct fv_zone_event event = fv_rule_event(rule, walker, FV_ZONE_EXIT, FV_PHASE_ONCE);
    event.ref = state->ref;
    event.cause = cause;
    event.start = when;
    event.duration = when - state->latch.begun;
    fv_rule_emit(rule, &event);
}

static void seen(struct fv_rule *rule, struct fv_walker *walker, void *data)
{
    struct state *state = data;
    const enum fv_latch_step step = fv_presence_update(&state->latch, rule, walker);
    if (step == FV_LATCH_ON) {
        struct fv_zone_event event = fv_rule_event(rule, walker, FV_ZONE_ENTER, FV_PHASE_ONCE);
        event.start = state->latch.begun;
        state->ref = fv_rule_emit(rule, &event);
    } else if (step == FV_LATCH_OFF) {
        left(rule, walker, state, state->latch.changed, FV_CAUSE_MOVED);
    }
}

static void gone(struct fv_rule *rule, const struct fv_walker *walker, void *data,
                 enum fv_zone_cause cause)
{
    struct state *state = data;
    if (state->latch.on)
        left(rule, walker, state, fv_latch_end(&state->latch, walker->last[FV_STAGE_RULES]), cause);
}

const struct fv_rule_ops fv_rule_enter = {
    .name = "enter",
    .stage = FV_STAGE_RULES,
    .points_min = 3,
    .points_max = FV_GEO_POINTS_MAX,
    .track_size = sizeof(struct state),
    .seen = seen,
    .gone = gone,
};

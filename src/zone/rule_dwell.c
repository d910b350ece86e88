// SPDX-License-Identifier: Apache-2.0
/* zone.dwell: START once at the threshold, END with the duration. */
#include "zone/latch.h"

struct state {
    struct fv_latch latch;
    uint64_t ref; /* the START; 0: below the threshold */
};

static void defaults(struct fv_rule_params *params)
{
    params->dwell.threshold = 10 * FV_S;
}

static int check(const struct fv_rule_params *params, struct fv_error *err)
{
    return fv_rule_check_time(params->dwell.threshold, "its dwell time", err);
}

static void end(struct fv_rule *rule, const struct fv_walker *walker, struct state *state,
                int64_t when, enum fv_zone_cause cause)
{
    if (state->ref == 0)
        return;
    struct fv_zone_event event = fv_rule_event(rule, walker, FV_ZONE_DWELL, FV_PHASE_END);
    event.ref = state->ref;
    event.cause = cause;
    event.start = state->latch.begun;
    event.duration = when - state->latch.begun;
    fv_rule_emit(rule, &event);
    state->ref = 0;
}

static void seen(struct fv_rule *rule, struct fv_walker *walker, void *data)
{
    struct state *state = data;
    struct fv_latch *latch = &state->latch;
    if (fv_presence_update(latch, rule, walker) == FV_LATCH_OFF)
        end(rule, walker, state, latch->changed, FV_CAUSE_MOVED);
    const int64_t stayed = fv_rule_now(rule) - latch->begun;
    /* Whoever may be on the way out does not reach the threshold meanwhile. */
    if (!latch->on || latch->pending || state->ref || stayed < rule->params.dwell.threshold)
        return;
    struct fv_zone_event event = fv_rule_event(rule, walker, FV_ZONE_DWELL, FV_PHASE_START);
    event.start = latch->begun;
    event.duration = stayed;
    state->ref = fv_rule_emit(rule, &event);
}

static void gone(struct fv_rule *rule, const struct fv_walker *walker, void *data,
                 enum fv_zone_cause cause)
{
    struct state *state = data;
    if (state->latch.on)
        end(rule, walker, state, fv_latch_end(&state->latch, walker->last[FV_STAGE_RULES]), cause);
}

const struct fv_rule_ops fv_rule_dwell = {
    .name = "dwell",
    .stage = FV_STAGE_RULES,
    .points_min = 3,
    .points_max = FV_GEO_POINTS_MAX,
    .track_size = sizeof(struct state),
    .defaults = defaults,
    .check = check,
    .seen = seen,
    .gone = gone,
};

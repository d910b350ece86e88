// SPDX-License-Identifier: Apache-2.0
/* zone.crowd: more tracks than the limit for a time. */
#include <errno.h>

#include "zone/latch.h"

struct state {
    uint32_t inside, peak, told; /* told: by the last event */
    struct fv_latch latch;
    int64_t last_over; /* when there were last too many */
    int64_t last_event;
    uint64_t ref; /* the START */
};

static void defaults(struct fv_rule_params *params)
{
    params->crowd = (struct fv_rule_crowd){.limit = 10, .slack = 1, .hold = 3 * FV_S};
}

static int check(const struct fv_rule_params *params, struct fv_error *err)
{
    const struct fv_rule_crowd *crowd = &params->crowd;
    if (crowd->limit > FV_ZONE_TRACKS_MAX || crowd->slack > crowd->limit)
        return fv_error_set(err, -EINVAL,
                            "its limit must lie between 0 and %d, and the slack between 0 and the "
                            "limit",
                            FV_ZONE_TRACKS_MAX);
    const int rc = fv_rule_check_time(crowd->hold, "the time that a crowd must last", err);
    return rc < 0 ? rc : fv_rule_check_time(crowd->update, "the time between updates", err);
}

static void seen(struct fv_rule *rule, struct fv_walker *walker, void *data)
{
    struct state *state = rule->state;
    const enum fv_latch_step step = fv_presence_update(data, rule, walker);
    if (step == FV_LATCH_ON)
        state->inside++;
    else if (step == FV_LATCH_OFF)
        state->inside--;
}

static void gone(struct fv_rule *rule, const struct fv_walker *walker, void *data,
                 enum fv_zone_cause cause)
{
    struct state *state = rule->state;
    struct fv_latch *latch = data;
    (void)walker;
    (void)cause;
    state->inside -= latch->on;
    latch->on = false;
}

static void tell(struct fv_rule *rule, enum fv_zone_phase phase, int64_t until,
                 enum fv_zone_cause cause)
{
    struct state *state = rule->state;
    struct fv_zone_event event = fv_rule_event(rule, NULL, FV_ZONE_CROWD, phase);
    event.ref = phase == FV_PHASE_START ? 0 : state->ref;
    event.cause = cause;
    event.start = state->latch.begun;
    event.duration = until - state->latch.begun;
    event.count = state->inside;
    event.peak = state->peak;
    event.limit = rule->params.crowd.limit;
    const uint64_t id = fv_rule_emit(rule, &event);
    if (phase == FV_PHASE_START)
        state->ref = id;
    state->told = state->inside;
    state->last_event = fv_rule_now(rule);
}

static void frame(struct fv_rule *rule)
{
    const struct fv_rule_crowd *crowd = &rule->params.crowd;
    struct state *state = rule->state;
    const int64_t now = fv_rule_now(rule);
    const uint32_t limit = state->latch.on ? crowd->limit - crowd->slack : crowd->limit;
    const bool over = state->inside > limit;
    if (!state->latch.on && !state->latch.pending)
        state->peak = 0;
    if (over)
        state->last_over = now;
    if (over && state->inside > state->peak)
        state->peak = state->inside;
    const enum fv_latch_step step = fv_latch_update(&state->latch, over, now, crowd->hold);
    if (step == FV_LATCH_ON)
        tell(rule, FV_PHASE_START, now, FV_CAUSE_MOVED);
    else if (step == FV_LATCH_OFF)
        tell(rule, FV_PHASE_END, state->last_over, FV_CAUSE_MOVED);
    else if (state->latch.on && over && crowd->update > 0 && state->inside != state->told &&
             now - state->last_event >= crowd->update)
        tell(rule, FV_PHASE_UPDATE, now, FV_CAUSE_MOVED);
}

static void finish(struct fv_rule *rule, enum fv_zone_cause cause)
{
    struct state *state = rule->state;
    if (state->latch.on)
        tell(rule, FV_PHASE_END, state->last_over, cause);
    *state = (struct state){0};
}

const struct fv_rule_ops fv_rule_crowd = {
    .name = "crowd",
    .stage = FV_STAGE_RULES,
    .points_min = 3,
    .points_max = FV_GEO_POINTS_MAX,
    .state_size = sizeof(struct state),
    .track_size = sizeof(struct fv_latch),
    .defaults = defaults,
    .check = check,
    .seen = seen,
    .gone = gone,
    .frame = frame,
    .finish = finish,
};

// SPDX-License-Identifier: Apache-2.0
/* Counts by class: of a zone (now, entered, left) or of a line (by direction). */
#include "zone/crossing.h"
#include "zone/latch.h"

#define CLASSES_MAX 64 /* the last one is for all others when there are more */

struct state {
    struct fv_class_count counts[CLASSES_MAX];
    uint32_t size, now;
    bool changed, began;
    int64_t last_event;
};

struct walk {
    struct fv_latch latch;
    struct fv_crossing crossing;
    uint32_t entered_as; /* place in the table: a track leaves as what it entered */
};

static void defaults(struct fv_rule_params *params)
{
    params->count.interval = 60 * FV_S;
}

static int check(const struct fv_rule_params *params, struct fv_error *err)
{
    return fv_rule_check_time(params->count.interval, "the time between counts", err);
}

static uint32_t find(struct state *state, uint16_t class_id)
{
    uint32_t i = 0;
    while (i < state->size && state->counts[i].class_id != class_id)
        i++;
    if (i < state->size)
        return i;
    if (state->size == CLASSES_MAX)
        return CLASSES_MAX - 1;
    const bool last = state->size == CLASSES_MAX - 1;
    state->counts[state->size].class_id = last ? FV_CLASS_OTHERS : class_id;
    return state->size++;
}

static void crossed(struct state *state, const struct fv_walker *walker, int direction)
{
    if (direction == 0)
        return;
    struct fv_class_count *count = &state->counts[find(state, walker->class_id)];
    count->in += direction > 0;
    count->out += direction < 0;
    state->changed = true;
}

static void left(struct state *state, const struct walk *walk)
{
    struct fv_class_count *count = &state->counts[walk->entered_as];
    count->now--;
    count->out++;
    state->now--;
    state->changed = true;
}

static void entered(struct state *state, const struct fv_walker *walker, struct walk *walk)
{
    walk->entered_as = find(state, walker->class_id);
    state->counts[walk->entered_as].now++;
    state->counts[walk->entered_as].in++;
    state->now++;
    state->changed = true;
}

static void seen(struct fv_rule *rule, struct fv_walker *walker, void *data)
{
    struct walk *walk = data;
    int64_t when;
    if (fv_rule_is_line(rule)) {
        crossed(rule->state, walker, fv_crossing_update(&walk->crossing, rule, walker, &when));
        return;
    }
    const enum fv_latch_step step = fv_presence_update(&walk->latch, rule, walker);
    if (step == FV_LATCH_ON)
        entered(rule->state, walker, walk);
    else if (step == FV_LATCH_OFF)
        left(rule->state, walk);
}

static void gone(struct fv_rule *rule, const struct fv_walker *walker, void *data,
                 enum fv_zone_cause cause)
{
    struct walk *walk = data;
    int64_t when;
    (void)cause;
    crossed(rule->state, walker, fv_crossing_end(&walk->crossing, &when));
    if (walk->latch.on)
        left(rule->state, walk);
    walk->latch.on = false;
}

static void tell(struct fv_rule *rule)
{
    struct state *state = rule->state;
    struct fv_zone_event event = fv_rule_event(rule, NULL, FV_ZONE_COUNT, FV_PHASE_ONCE);
    event.start = state->last_event;
    event.count = state->now;
    event.counts = state->counts;
    event.counts_size = state->size;
    fv_rule_emit(rule, &event);
    state->changed = false;
    state->last_event = fv_rule_now(rule);
}

static void frame(struct fv_rule *rule)
{
    struct state *state = rule->state;
    const int64_t interval = rule->params.count.interval;
    if (!state->began) {
        state->began = true;
        state->last_event = fv_rule_now(rule);
    }
    if (interval > 0 && state->changed && fv_rule_now(rule) - state->last_event >= interval)
        tell(rule);
}

static void finish(struct fv_rule *rule, enum fv_zone_cause cause)
{
    const struct state *state = rule->state;
    (void)cause;
    if (rule->params.count.interval > 0 && state->changed)
        tell(rule);
}

static const struct fv_class_count *counts(const struct fv_rule *rule, uint32_t *ret_size)
{
    const struct state *state = rule->state;
    *ret_size = state->size;
    return state->counts;
}

const struct fv_rule_ops fv_rule_count = {
    .name = "count",
    .stage = FV_STAGE_RULES,
    .points_min = 2,
    .points_max = FV_GEO_POINTS_MAX,
    .state_size = sizeof(struct state),
    .track_size = sizeof(struct walk),
    .defaults = defaults,
    .check = check,
    .seen = seen,
    .gone = gone,
    .frame = frame,
    .finish = finish,
    .counts = counts,
};

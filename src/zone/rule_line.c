// SPDX-License-Identifier: Apache-2.0
/* line.crossing. */
#include "zone/crossing.h"

static void tell(struct fv_rule *rule, const struct fv_walker *walker, int direction, int64_t when)
{
    if (direction == 0)
        return;
    struct fv_zone_event event = fv_rule_event(rule, walker, FV_ZONE_CROSSING, FV_PHASE_ONCE);
    event.direction = direction > 0 ? FV_A_TO_B : FV_B_TO_A;
    event.start = when;
    fv_rule_emit(rule, &event);
}

static void seen(struct fv_rule *rule, struct fv_walker *walker, void *state)
{
    int64_t when;
    const int direction = fv_crossing_update(state, rule, walker, &when);
    tell(rule, walker, direction, when);
}

static void gone(struct fv_rule *rule, const struct fv_walker *walker, void *state,
                 enum fv_zone_cause cause)
{
    int64_t when;
    const int direction = fv_crossing_end(state, &when);
    (void)cause;
    tell(rule, walker, direction, when);
}

const struct fv_rule_ops fv_rule_line = {
    .name = "line",
    .stage = FV_STAGE_RULES,
    .points_min = 2,
    .points_max = 2,
    .track_size = sizeof(struct fv_crossing),
    .seen = seen,
    .gone = gone,
};

// SPDX-License-Identifier: Apache-2.0
/* Exclusion: no other rule heeds a track while its anchor is inside. */
#include "zone/rule.h"

static void defaults(struct fv_rule_params *params)
{
    params->inertia = 0;
    params->margin = 0;
}

static void seen(struct fv_rule *rule, struct fv_walker *walker, void *state)
{
    (void)state;
    if (fv_rule_inside(rule, fv_rule_anchor(rule, walker)))
        walker->ignored = FV_STAGE_MASK;
}

const struct fv_rule_ops fv_rule_mask = {
    .name = "mask",
    .stage = FV_STAGE_MASK,
    .points_min = 3,
    .points_max = FV_GEO_POINTS_MAX,
    .defaults = defaults,
    .seen = seen,
};

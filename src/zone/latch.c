// SPDX-License-Identifier: Apache-2.0
#include "zone/latch.h"

enum fv_latch_step fv_latch_update(struct fv_latch *latch, bool seen, int64_t now, int64_t hold)
{
    if (seen == latch->on) {
        latch->pending = false;
        return FV_LATCH_STAYS;
    }
    if (!latch->pending) {
        latch->pending = true;
        latch->changed = now;
    }
    if (now - latch->changed < hold)
        return FV_LATCH_STAYS;
    latch->pending = false;
    latch->on = seen;
    if (seen)
        latch->begun = latch->changed;
    return seen ? FV_LATCH_ON : FV_LATCH_OFF;
}

int64_t fv_latch_end(struct fv_latch *latch, int64_t last)
{
    const int64_t end = latch->pending ? latch->changed : last;
    latch->on = latch->pending = false;
    return fv_max64(end, latch->begun);
}

enum fv_latch_step fv_presence_update(struct fv_latch *latch, const struct fv_rule *rule,
                                      const struct fv_walker *walker)
{
    const struct fv_geo_point at = fv_rule_anchor(rule, walker);
    const bool inside = fv_rule_inside(rule, at) || (latch->on && fv_rule_at_border(rule, at));
    return fv_latch_update(latch, inside, fv_rule_now(rule), rule->params.inertia);
}

// SPDX-License-Identifier: Apache-2.0
#include "zone/crossing.h"

/* Takes one place; returns 1 or -1 when the way since the last place beside the line led through it. */
static int move(struct fv_crossing *crossing, const struct fv_geo_point line[2],
                struct fv_geo_point at)
{
    const int side = fv_geo_side(line[0], line[1], at), before = crossing->side;
    if (side == 0) {
        crossing->touched = true;
        crossing->outside |= !fv_geo_within_segment(line[0], line[1], at);
        return 0;
    }
    bool crossed = before != 0 && side != before;
    if (crossed && crossing->touched)
        crossed = !crossing->outside;
    else if (crossed)
        crossed = fv_geo_cross(line, crossing->last, at) != 0;
    crossing->last = at;
    crossing->side = side;
    crossing->touched = crossing->outside = false;
    return crossed ? side : 0;
}

static int take(struct fv_crossing *crossing, int64_t *ret_when)
{
    const int direction = (crossing->net > 0) - (crossing->net < 0);
    crossing->net -= direction;
    *ret_when = crossing->since;
    return direction;
}

static bool is_clear(const struct fv_rule *rule, struct fv_geo_point at)
{
    const struct fv_geo_point line[2] = {fv_rule_square(rule, rule->points[0]),
                                         fv_rule_square(rule, rule->points[1])};
    return !fv_geo_near(line, fv_rule_square(rule, at), rule->margin);
}

int fv_crossing_update(struct fv_crossing *crossing, const struct fv_rule *rule,
                       const struct fv_walker *walker, int64_t *ret_when)
{
    const struct fv_geo_point at = fv_rule_anchor(rule, walker);
    const int64_t now = fv_rule_now(rule), before = crossing->since;
    const int step = move(crossing, rule->points, at);
    crossing->net += step;
    if (step != 0)
        crossing->since = now;
    if (crossing->net > 1 ||
        crossing->net < -1) { /* the same way again: the first one is certain */
        const int direction = take(crossing, ret_when);
        *ret_when = before;
        return direction;
    }
    /* On the line is never clear of it; asked apart, because distances are rounded to a step. */
    if (crossing->net == 0 || now - crossing->since < rule->params.inertia || crossing->touched ||
        !is_clear(rule, at))
        return 0;
    return take(crossing, ret_when);
}

int fv_crossing_end(struct fv_crossing *crossing, int64_t *ret_when)
{
    return take(crossing, ret_when);
}

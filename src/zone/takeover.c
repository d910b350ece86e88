// SPDX-License-Identifier: Apache-2.0
/* State survives a reload where the rule is the same. */
#include "zone/analytics.h"

static struct fv_rule *find_same(struct fv_analytics *analytics, const struct fv_rule *rule)
{
    for (unsigned i = 0; i < analytics->rule_count; i++)
        if (fv_rule_same(&analytics->rules[i], rule))
            return &analytics->rules[i];
    return NULL;
}

/* Ends a track for one rule of the old object. */
static void end_track(struct fv_rule *rule, struct fv_walker *walker)
{
    const uint64_t bit = UINT64_C(1) << rule->index;
    if ((walker->admitted & bit) && rule->ops->gone)
        rule->ops->gone(rule, walker, fv_rule_state(rule, walker->slot), FV_CAUSE_RELOADED);
    walker->admitted &= ~bit;
}

static void end_rule(struct fv_analytics *analytics, struct fv_rule *rule)
{
    for (uint32_t i = 0; i < analytics->walkers.count; i++)
        end_track(rule, &analytics->walkers.slots[analytics->walkers.active[i]]);
    if (rule->ops->finish)
        rule->ops->finish(rule, FV_CAUSE_RELOADED);
}

static void forget(struct fv_rule *rule, uint32_t tracks_max)
{
    if (rule->ops->state_size)
        memset(rule->state, 0, rule->ops->state_size);
    if (rule->ops->track_size)
        memset(rule->track, 0, tracks_max * rule->ops->track_size);
}

/* `walker` of the old object becomes one of the new, with its state in the rules that go on. */
static void move_walker(struct fv_analytics *fresh, struct fv_analytics *old,
                        struct fv_walker *walker)
{
    struct fv_walker *copy = fv_walkers_add(&fresh->walkers, walker->id);
    if (!copy) { /* the new object follows fewer tracks */
        fv_analytics_gone(old, walker, FV_STAGE_MASK, FV_CAUSE_RELOADED);
        return;
    }
    const uint32_t slot = copy->slot, next = copy->next;
    *copy = *walker;
    copy->slot = slot;
    copy->next = next;
    copy->frame = 0;
    copy->admitted = 0;
    for (unsigned i = 0; i < old->rule_count; i++) {
        struct fv_rule *to = find_same(fresh, &old->rules[i]);
        if (!to || !(walker->admitted & UINT64_C(1) << i))
            continue;
        copy->admitted |= UINT64_C(1) << to->index;
        if (to->ops->track_size)
            memcpy(fv_rule_state(to, slot), fv_rule_state(&old->rules[i], walker->slot),
                   to->ops->track_size);
    }
}

void fv_analytics_take_over(struct fv_analytics *fresh, struct fv_analytics *old)
{
    for (unsigned i = 0; i < old->rule_count; i++)
        if (!find_same(fresh, &old->rules[i]))
            end_rule(old, &old->rules[i]);
    while (old->walkers.count > 0) {
        move_walker(fresh, old, &old->walkers.slots[old->walkers.active[0]]);
        fv_walkers_remove(&old->walkers, 0);
    }
    for (unsigned i = 0; i < old->rule_count; i++) {
        struct fv_rule *to = find_same(fresh, &old->rules[i]);
        if (to && to->ops->state_size)
            memcpy(to->state, old->rules[i].state, to->ops->state_size);
        forget(&old->rules[i], old->walkers.max);
    }
    fresh->frame = old->frame;
    fresh->started = old->started;
    fresh->now = old->now;
    fresh->offset = old->offset;
    fresh->next_id = old->next_id;
    fresh->stats = old->stats;
}

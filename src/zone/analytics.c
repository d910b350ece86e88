// SPDX-License-Identifier: Apache-2.0
#include "zone/analytics.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "base/mem.h"

#define BACKWARDS (2 * FV_S) /* a picture older than this shows a clock that went back */

static bool is_named_before(const struct fv_analytics *analytics, const struct fv_rule *rule)
{
    for (const struct fv_rule *other = analytics->rules; other < rule; other++)
        if (other->ops == rule->ops && strcmp(other->name, rule->name) == 0)
            return true;
    return false;
}

static int make_rule(struct fv_analytics *analytics, const struct fv_rule_params *params,
                     struct fv_error *err)
{
    struct fv_rule *rule = &analytics->rules[analytics->rule_count];
    rule->analytics = analytics;
    rule->index = analytics->rule_count++;
    int rc = fv_rule_init(rule, params, err);
    if (rc == 0 && is_named_before(analytics, rule))
        rc = fv_error_set(err, -EINVAL, "there are two of this name and kind");
    if (rc < 0)
        return fv_error_prefix(err, rc, "rule %u (\"%.63s\")", rule->index + 1,
                               params->name ? params->name : "");
    rc = fv_rule_alloc(rule, analytics->walkers.max);
    return rc < 0 ? fv_error_set(err, rc, "out of memory") : 0;
}

static int make_tables(struct fv_analytics *analytics, const struct fv_analytics_params *params,
                       struct fv_error *err)
{
    const uint32_t max = params->tracks_max ? params->tracks_max : FV_ZONE_TRACKS;
    analytics->rules = fv_calloc(params->rule_count + 1, sizeof(*analytics->rules));
    analytics->present = fv_calloc(max, sizeof(*analytics->present));
    if (!analytics->rules || !analytics->present || fv_walkers_init(&analytics->walkers, max) < 0)
        return fv_error_set(err, -ENOMEM, "out of memory");
    for (unsigned i = 0; i < params->rule_count; i++) {
        const int rc = make_rule(analytics, &params->rules[i], err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int fv_analytics_create(const struct fv_analytics_params *params,
                        struct fv_analytics **ret_analytics, struct fv_error *err)
{
    if (params->rule_count > FV_RULES_MAX || params->tracks_max > FV_ZONE_TRACKS_MAX)
        return fv_error_set(err, -EINVAL, "at most %d rules and %d tracks", FV_RULES_MAX,
                            FV_ZONE_TRACKS_MAX);
    if (fv_rule_check_time(params->lost, "the time for lost tracks", err) < 0)
        return -EINVAL;
    struct fv_analytics *analytics = FV_NEW(struct fv_analytics);
    if (!analytics)
        return fv_error_set(err, -ENOMEM, "out of memory");
    analytics->camera = params->camera;
    analytics->lost = params->lost ? params->lost : FV_ZONE_LOST;
    analytics->event = params->event;
    analytics->data = params->data;
    analytics->next_id = 1;
    const int rc = make_tables(analytics, params, err);
    if (rc < 0) {
        fv_analytics_destroy(analytics);
        return rc;
    }
    *ret_analytics = analytics;
    return 0;
}

void fv_analytics_destroy(struct fv_analytics *analytics)
{
    if (!analytics)
        return;
    for (unsigned i = 0; i < analytics->rule_count; i++)
        fv_rule_finish(&analytics->rules[i]);
    fv_walkers_finish(&analytics->walkers);
    fv_free(analytics->rules);
    fv_free(analytics->present);
    fv_free(analytics);
}

/* 0, -EAGAIN: too old, -EINVAL: no time. */
static int set_time(struct fv_analytics *analytics, int64_t time)
{
    if (time < 0)
        return -EINVAL;
    const int64_t now = fv_later(time, analytics->offset);
    if (analytics->started && now < analytics->now - BACKWARDS) {
        analytics->offset = analytics->now - time; /* goes on from where it was */
        analytics->stats.rebased++;
        return 0;
    }
    if (analytics->started && now < analytics->now) {
        analytics->stats.late++;
        return -EAGAIN;
    }
    analytics->now = now;
    analytics->started = true;
    return 0;
}

void fv_analytics_gone(struct fv_analytics *analytics, struct fv_walker *walker, enum fv_stage from,
                       enum fv_zone_cause cause)
{
    for (unsigned i = 0; i < analytics->rule_count; i++) {
        struct fv_rule *rule = &analytics->rules[i];
        const uint64_t bit = UINT64_C(1) << i;
        if (rule->ops->stage < from || !(walker->admitted & bit))
            continue;
        void *state = fv_rule_state(rule, walker->slot);
        if (rule->ops->gone)
            rule->ops->gone(rule, walker, state, cause);
        if (state)
            memset(state, 0, rule->ops->track_size);
        walker->admitted &= ~bit;
    }
    for (unsigned stage = from; stage < FV_STAGES; stage++)
        walker->held[stage] = false;
}

/* The first stage whose rules hold state of this track and have not seen it for too long. */
static enum fv_stage expired(const struct fv_analytics *analytics, const struct fv_walker *walker)
{
    for (unsigned stage = 0; stage < FV_STAGES; stage++)
        if (walker->held[stage] && analytics->now - walker->last[stage] > analytics->lost)
            return (enum fv_stage)stage;
    return FV_STAGES;
}

/* Later stages see a track at most as lately as earlier ones, so they expire no later. */
static void expire(struct fv_analytics *analytics)
{
    for (uint32_t i = analytics->walkers.count; i-- > 0;) {
        struct fv_walker *walker = &analytics->walkers.slots[analytics->walkers.active[i]];
        const enum fv_stage stage = expired(analytics, walker);
        if (stage == FV_STAGES)
            continue;
        const bool ignored = stage > 0 && walker->last[0] > walker->last[stage];
        fv_analytics_gone(analytics, walker, stage, ignored ? FV_CAUSE_IGNORED : FV_CAUSE_LOST);
        if (stage == 0)
            fv_walkers_remove(&analytics->walkers, i);
    }
}

static int32_t quantise(double value)
{
    int32_t step = 0;
    fv_geo_quantise(value < 0 ? 0 : value > 1 ? 1 : value, &step);
    return step;
}

static bool is_sane(const struct fv_tracked *tracked)
{
    return isfinite(tracked->score) && isfinite(tracked->x0) && isfinite(tracked->y0) &&
           isfinite(tracked->x1) && isfinite(tracked->y1) && tracked->x0 <= tracked->x1 &&
           tracked->y0 <= tracked->y1;
}

static float within(float value)
{
    return value < 0 ? 0 : value > 1 ? 1 : value;
}

static void place(struct fv_walker *walker, const struct fv_tracked *tracked)
{
    const float box[4] = {within(tracked->x0), within(tracked->y0), within(tracked->x1),
                          within(tracked->y1)};
    const int32_t x = quantise(((double)box[0] + box[2]) / 2);
    walker->class_id = tracked->class_id;
    walker->score = tracked->score;
    memcpy(walker->box, box, sizeof(walker->box));
    walker->anchors[FV_ANCHOR_TOP] = (struct fv_geo_point){x, quantise(box[1])};
    walker->anchors[FV_ANCHOR_CENTRE] =
        (struct fv_geo_point){x, quantise(((double)box[1] + box[3]) / 2)};
    walker->anchors[FV_ANCHOR_BOTTOM] = (struct fv_geo_point){x, quantise(box[3])};
}

static void take_track(struct fv_analytics *analytics, const struct fv_tracked *tracked)
{
    if (!is_sane(tracked)) {
        analytics->stats.refused++;
        return;
    }
    struct fv_walker *walker = fv_walkers_find(&analytics->walkers, tracked->id);
    if (walker && walker->frame == analytics->stats.frames) {
        analytics->stats.refused++;
        return;
    }
    if (!walker)
        walker = fv_walkers_add(&analytics->walkers, tracked->id);
    if (!walker) {
        analytics->stats.overflow++;
        return;
    }
    place(walker, tracked);
    walker->frame = analytics->stats.frames;
    walker->ignored = FV_STAGES;
    analytics->present[analytics->present_count++] = walker->slot;
}

static void show(struct fv_rule *rule, struct fv_walker *walker)
{
    const uint64_t bit = UINT64_C(1) << rule->index;
    if (!(walker->admitted & bit) && !fv_rule_passes(rule, walker))
        return;
    walker->admitted |= bit;
    rule->ops->seen(rule, walker, fv_rule_state(rule, walker->slot));
}

static void run_stage(struct fv_analytics *analytics, enum fv_stage stage)
{
    for (uint32_t i = 0; i < analytics->present_count; i++) {
        struct fv_walker *walker = &analytics->walkers.slots[analytics->present[i]];
        if (walker->ignored < stage)
            continue;
        walker->held[stage] = true;
        walker->last[stage] = analytics->now;
    }
    for (unsigned r = 0; r < analytics->rule_count; r++) {
        struct fv_rule *rule = &analytics->rules[r];
        if (rule->ops->stage != stage)
            continue;
        for (uint32_t i = 0; i < analytics->present_count; i++) {
            struct fv_walker *walker = &analytics->walkers.slots[analytics->present[i]];
            if (walker->ignored >= stage)
                show(rule, walker);
        }
        if (rule->ops->frame)
            rule->ops->frame(rule);
    }
}

int fv_analytics_frame(struct fv_analytics *analytics, const struct fv_zone_frame *frame)
{
    const int rc = set_time(analytics, frame->time);
    if (rc < 0)
        return rc;
    analytics->frame = *frame;
    analytics->stats.frames++;
    analytics->present_count = 0;
    expire(analytics);
    for (uint32_t i = 0; i < frame->track_count; i++)
        if (frame->tracks[i].state == FV_TRACKED_SEEN)
            take_track(analytics, &frame->tracks[i]);
    for (unsigned stage = 0; stage < FV_STAGES; stage++)
        run_stage(analytics, (enum fv_stage)stage);
    analytics->frame.tracks = NULL;
    analytics->frame.track_count = 0;
    return 0;
}

void fv_analytics_stop(struct fv_analytics *analytics)
{
    while (analytics->walkers.count > 0) {
        const uint32_t slot = analytics->walkers.active[analytics->walkers.count - 1];
        fv_analytics_gone(analytics, &analytics->walkers.slots[slot], FV_STAGE_MASK,
                          FV_CAUSE_STOPPED);
        fv_walkers_remove(&analytics->walkers, analytics->walkers.count - 1);
    }
    for (unsigned i = 0; i < analytics->rule_count; i++)
        if (analytics->rules[i].ops->finish)
            analytics->rules[i].ops->finish(&analytics->rules[i], FV_CAUSE_STOPPED);
}

const struct fv_class_count *fv_analytics_counts(const struct fv_analytics *analytics,
                                                 unsigned rule, uint32_t *ret_size)
{
    *ret_size = 0;
    if (rule >= analytics->rule_count || !analytics->rules[rule].ops->counts)
        return NULL;
    return analytics->rules[rule].ops->counts(&analytics->rules[rule], ret_size);
}

void fv_analytics_stats(const struct fv_analytics *analytics, struct fv_analytics_stats *ret_stats)
{
    *ret_stats = analytics->stats;
    ret_stats->tracks = analytics->walkers.count;
}

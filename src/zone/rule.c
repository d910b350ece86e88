// SPDX-License-Identifier: Apache-2.0
/* What all kinds of rules have in common: their settings checked and copied, filters, zones, events. */
#include "zone/rule.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "base/mem.h"
#include "zone/analytics.h"

/* By enum fv_rule_kind. */
static const struct fv_rule_ops *const kinds[FV_RULE_KINDS] = {
    [FV_RULE_ENTER] = &fv_rule_enter,           [FV_RULE_DWELL] = &fv_rule_dwell,
    [FV_RULE_CROWD] = &fv_rule_crowd,           [FV_RULE_LINE] = &fv_rule_line,
    [FV_RULE_DIRECTION] = &fv_rule_direction,   [FV_RULE_COUNT] = &fv_rule_count,
    [FV_RULE_STATIONARY] = &fv_rule_stationary, [FV_RULE_MASK] = &fv_rule_mask,
};

struct fv_rule_params fv_rule_defaults(enum fv_rule_kind kind)
{
    struct fv_rule_params params = {
        .kind = kind, .inertia = FV_ZONE_INERTIA, .margin = FV_ZONE_MARGIN};
    if ((unsigned)kind < FV_RULE_KINDS && kinds[kind]->defaults)
        kinds[kind]->defaults(&params);
    return params;
}

int fv_rule_check_time(int64_t value, const char *what, struct fv_error *err)
{
    if (value >= 0 && value <= FV_ZONE_TIME_MAX)
        return 0;
    return fv_error_set(err, -EINVAL, "%s must lie between 0 and 24 hours", what);
}

int fv_rule_check_number(double value, double min, double max, const char *what,
                         struct fv_error *err)
{
    if (value >= min && value <= max)
        return 0;
    return fv_error_set(err, -EINVAL, "%s must lie between %g and %g", what, min, max);
}

static int check_name(const char *name, struct fv_error *err)
{
    const size_t length = name ? strnlen(name, FV_RULE_NAME_MAX) : 0;
    if (length == 0 || length == FV_RULE_NAME_MAX)
        return fv_error_set(err, -EINVAL, "its name must have 1 to %d bytes", FV_RULE_NAME_MAX - 1);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)name[i] < ' ' || name[i] == 127)
            return fv_error_set(err, -EINVAL, "its name has a control character");
    return 0;
}

static int check_filter(const struct fv_rule_filter *filter, struct fv_error *err)
{
    if (filter->class_count > FV_RULE_CLASSES_MAX || (filter->class_count && !filter->classes))
        return fv_error_set(err, -EINVAL, "it may name at most %d classes", FV_RULE_CLASSES_MAX);
    int rc = fv_rule_check_number(filter->min_score, 0, 1, "its minimum score", err);
    if (rc == 0)
        rc = fv_rule_check_number(filter->min_size, 0, 1, "its minimum size", err);
    if (rc == 0)
        rc = fv_rule_check_number(filter->max_size, 0, 1, "its maximum size", err);
    if (rc == 0 && filter->max_size > 0 && filter->max_size < filter->min_size)
        rc = fv_error_set(err, -EINVAL, "its maximum size is below its minimum size");
    return rc;
}

static int take_points(struct fv_rule *rule, const struct fv_rule_params *params,
                       struct fv_error *err)
{
    if (params->point_count < rule->ops->points_min ||
        params->point_count > rule->ops->points_max || (params->point_count && !params->points))
        return fv_error_set(err, -EINVAL, "it has %u points, but must have %u to %u",
                            params->point_count, rule->ops->points_min, rule->ops->points_max);
    rule->point_count = params->point_count;
    for (unsigned i = 0; i < params->point_count; i++) {
        struct fv_geo_point *p = &rule->points[i];
        if (!fv_geo_quantise(params->points[i][0], &p->x) ||
            !fv_geo_quantise(params->points[i][1], &p->y))
            return fv_error_set(err, -EINVAL, "point %u must lie between -1 and 2", i + 1);
        if (i == 0)
            rule->low = rule->high = *p;
        rule->low.x = p->x < rule->low.x ? p->x : rule->low.x;
        rule->low.y = p->y < rule->low.y ? p->y : rule->low.y;
        rule->high.x = p->x > rule->high.x ? p->x : rule->high.x;
        rule->high.y = p->y > rule->high.y ? p->y : rule->high.y;
    }
    return 0;
}

static int check_shape(const struct fv_rule *rule, struct fv_error *err)
{
    static const char *const faults[] = {
        [FV_GEO_COUNT] = "a zone needs at least 3 points",
        [FV_GEO_REPEATED] = "two of its points are the same",
        [FV_GEO_FLAT] = "all its points lie on one line",
        [FV_GEO_CROSSING] = "its sides cross or touch each other",
    };
    struct fv_geo_point clipped[FV_GEO_CLIPPED_MAX];
    if (rule->point_count == 0)
        return 0;
    if (fv_rule_is_line(rule)) {
        const struct fv_geo_point *p = rule->points;
        if (p[0].x == p[1].x && p[0].y == p[1].y)
            return fv_error_set(err, -EINVAL, "its two points are the same");
        return 0;
    }
    const enum fv_geo_fault fault = fv_geo_check(rule->points, rule->point_count);
    if (fault != FV_GEO_FINE)
        return fv_error_set(err, -EINVAL, "%s", faults[fault]);
    if (fv_geo_clip(rule->points, rule->point_count, clipped) == 0)
        return fv_error_set(err, -EINVAL, "it lies outside the picture");
    return 0;
}

static void copy_params(struct fv_rule *rule, const struct fv_rule_params *params)
{
    rule->params = *params;
    snprintf(rule->name, sizeof(rule->name), "%s", params->name);
    rule->params.name = rule->name;
    rule->params.points = NULL;
    if (params->filter.class_count)
        memcpy(rule->classes, params->filter.classes,
               params->filter.class_count * sizeof(rule->classes[0]));
    rule->params.filter.classes = rule->classes;
    rule->margin = (int32_t)lround(params->margin * FV_GEO_UNIT);
    if (rule->ops->prepare)
        rule->ops->prepare(rule);
}

int fv_rule_init(struct fv_rule *rule, const struct fv_rule_params *params, struct fv_error *err)
{
    if ((unsigned)params->kind >= FV_RULE_KINDS || (unsigned)params->anchor >= FV_ANCHORS)
        return fv_error_set(err, -EINVAL, "no such kind of rule or anchor");
    rule->ops = kinds[params->kind];
    int rc = check_name(params->name, err);
    if (rc == 0)
        rc = check_filter(&params->filter, err);
    if (rc == 0)
        rc = take_points(rule, params, err);
    if (rc == 0)
        rc = check_shape(rule, err);
    if (rc == 0)
        rc = fv_rule_check_time(params->inertia, "its inertia", err);
    if (rc == 0)
        rc = fv_rule_check_number(params->margin, 0, 0.5, "its margin", err);
    if (rc == 0 && rule->ops->check)
        rc = rule->ops->check(params, err);
    if (rc == 0)
        copy_params(rule, params);
    return rc;
}

int fv_rule_alloc(struct fv_rule *rule, uint32_t tracks_max)
{
    if (rule->ops->state_size && !(rule->state = fv_calloc(1, rule->ops->state_size)))
        return -ENOMEM;
    if (rule->ops->track_size && !(rule->track = fv_calloc(tracks_max, rule->ops->track_size)))
        return -ENOMEM;
    return 0;
}

void fv_rule_finish(struct fv_rule *rule)
{
    fv_free(rule->state);
    fv_free(rule->track);
}

bool fv_rule_same(const struct fv_rule *a, const struct fv_rule *b)
{
    return a->ops == b->ops && a->params.anchor == b->params.anchor &&
           a->point_count == b->point_count && strcmp(a->name, b->name) == 0 &&
           memcmp(a->points, b->points, a->point_count * sizeof(a->points[0])) == 0;
}

bool fv_rule_passes(const struct fv_rule *rule, const struct fv_walker *walker)
{
    const struct fv_rule_filter *filter = &rule->params.filter;
    const float *box = walker->box, size = (box[2] - box[0]) * (box[3] - box[1]);
    bool listed = filter->class_count == 0;
    for (unsigned i = 0; i < filter->class_count && !listed; i++)
        listed = rule->classes[i] == walker->class_id;
    return listed && walker->score >= filter->min_score && size >= filter->min_size &&
           (filter->max_size <= 0 || size <= filter->max_size);
}

int64_t fv_rule_now(const struct fv_rule *rule)
{
    return rule->analytics->now;
}

struct fv_geo_point fv_rule_anchor(const struct fv_rule *rule, const struct fv_walker *walker)
{
    return walker->anchors[rule->params.anchor];
}

struct fv_geo_point fv_rule_square(const struct fv_rule *rule, struct fv_geo_point p)
{
    return fv_geo_square(p, rule->analytics->frame.width, rule->analytics->frame.height);
}

bool fv_rule_is_line(const struct fv_rule *rule)
{
    return rule->point_count == 2;
}

bool fv_rule_inside(const struct fv_rule *rule, struct fv_geo_point p)
{
    if (rule->point_count == 0)
        return true;
    if (p.x < rule->low.x || p.x > rule->high.x || p.y < rule->low.y || p.y > rule->high.y)
        return false;
    return fv_geo_inside(rule->points, rule->point_count, p);
}

bool fv_rule_at_border(const struct fv_rule *rule, struct fv_geo_point p)
{
    const struct fv_geo_point at = fv_rule_square(rule, p);
    for (unsigned i = 0; i < rule->point_count; i++) {
        const struct fv_geo_point side[2] = {
            fv_rule_square(rule, rule->points[i]),
            fv_rule_square(rule, rule->points[i + 1 < rule->point_count ? i + 1 : 0])};
        if (fv_geo_near(side, at, rule->margin))
            return true;
    }
    return false;
}

struct fv_zone_event fv_rule_event(const struct fv_rule *rule, const struct fv_walker *walker,
                                   enum fv_zone_type type, enum fv_zone_phase phase)
{
    const struct fv_analytics *analytics = rule->analytics;
    struct fv_zone_event event = {
        .type = type,
        .phase = phase,
        .camera = analytics->camera,
        .rule = rule->name,
        .frame = analytics->frame.number,
        .epoch = analytics->frame.epoch,
        .pts = analytics->frame.pts,
        .wall = analytics->frame.wall,
        .time = analytics->now,
        .start = analytics->now,
    };
    if (walker) {
        event.track = walker->id;
        event.class_id = walker->class_id;
        event.score = walker->score;
        memcpy(event.box, walker->box, sizeof(event.box));
        event.at = fv_rule_anchor(rule, walker);
    }
    return event;
}

uint64_t fv_rule_emit(struct fv_rule *rule, struct fv_zone_event *event)
{
    struct fv_analytics *analytics = rule->analytics;
    event->id = analytics->next_id++;
    analytics->stats.events++;
    if (analytics->event)
        analytics->event(analytics->data, event);
    return event->id;
}

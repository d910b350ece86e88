// SPDX-License-Identifier: Apache-2.0
/* zone.direction: a track in the zone moves into a window of angles. */
#include <math.h>

#include "zone/latch.h"

#define PI 3.14159265358979323846

struct state {
    struct fv_latch latch;
    bool has_from, matches;
    struct fv_geo_point from; /* where the way that is measured begins */
    int64_t since;            /* when it was there */
};

static void defaults(struct fv_rule_params *params)
{
    params->direction = (struct fv_rule_direction){.tolerance = 45, .distance = 0.1};
}

static int check(const struct fv_rule_params *params, struct fv_error *err)
{
    const struct fv_rule_direction *direction = &params->direction;
    int rc = fv_rule_check_number(direction->angle, 0, 360, "its angle", err);
    if (rc == 0)
        rc = fv_rule_check_number(direction->tolerance, 1e-3, 180, "its tolerance", err);
    if (rc == 0)
        rc = fv_rule_check_number(direction->distance, 1e-3, 2, "its distance", err);
    return rc;
}

/* A vector of about FV_GEO_UNIT into `degrees` clockwise from up. */
static struct fv_geo_point towards(double degrees)
{
    return (struct fv_geo_point){(int32_t)lround(sin(degrees * PI / 180) * FV_GEO_UNIT),
                                 (int32_t)lround(-cos(degrees * PI / 180) * FV_GEO_UNIT)};
}

/* own[]: the window's first and last direction, clockwise; own_length: the distance. */
static void prepare(struct fv_rule *rule)
{
    const struct fv_rule_direction *direction = &rule->params.direction;
    rule->own[0] = towards(direction->angle - direction->tolerance);
    rule->own[1] = towards(direction->angle + direction->tolerance);
    rule->own_length = (int32_t)lround(direction->distance * FV_GEO_UNIT);
}

/* The signs of cross products decide: up to 90 degrees to either side the window is where both half planes are, beyond it
 * is what the opposite window leaves. */
static bool in_window(const struct fv_rule *rule, struct fv_geo_point way)
{
    const struct fv_geo_point origin = {0, 0};
    const int first = fv_geo_side(origin, rule->own[0], way);
    const int last = fv_geo_side(origin, rule->own[1], way);
    if (rule->params.direction.tolerance >= 180)
        return true;
    return rule->params.direction.tolerance <= 90 ? first >= 0 && last <= 0
                                                  : first >= 0 || last <= 0;
}

static double angle_of(struct fv_geo_point way)
{
    const double degrees = atan2(way.x, -(double)way.y) * 180 / PI;
    return degrees < 0 ? degrees + 360 : degrees;
}

static void measure(struct fv_rule *rule, const struct fv_walker *walker, struct state *state)
{
    const struct fv_geo_point at = fv_rule_anchor(rule, walker);
    const struct fv_geo_point to = fv_rule_square(rule, at),
                              from = fv_rule_square(rule, state->from);
    const struct fv_geo_point way = {to.x - from.x, to.y - from.y};
    const struct fv_geo_point still[2] = {{0, 0}, {0, 0}};
    if (fv_geo_near(still, way, rule->own_length - 1))
        return;
    const bool matches = in_window(rule, way);
    if (matches && !state->matches) {
        struct fv_zone_event event = fv_rule_event(rule, walker, FV_ZONE_DIRECTION, FV_PHASE_ONCE);
        event.angle = angle_of(way);
        event.start = state->since;
        fv_rule_emit(rule, &event);
    }
    state->matches = matches;
    state->from = at;
    state->since = fv_rule_now(rule);
}

static void seen(struct fv_rule *rule, struct fv_walker *walker, void *data)
{
    struct state *state = data;
    fv_presence_update(&state->latch, rule, walker);
    if (!state->latch.on) {
        state->has_from = state->matches = false;
    } else if (state->has_from) {
        measure(rule, walker, state);
    } else {
        state->has_from = true;
        state->from = fv_rule_anchor(rule, walker);
        state->since = fv_rule_now(rule);
    }
}

const struct fv_rule_ops fv_rule_direction = {
    .name = "direction",
    .stage = FV_STAGE_RULES,
    .points_min = 3,
    .points_max = FV_GEO_POINTS_MAX,
    .track_size = sizeof(struct state),
    .defaults = defaults,
    .check = check,
    .prepare = prepare,
    .seen = seen,
};

// SPDX-License-Identifier: Apache-2.0
/*
 * stationary: something stands at one place. The object is the place, not the track: detectors lose things that stand, and
 * the next track begins at the same place.
 */
#include <errno.h>
#include <math.h>

#include "zone/rule.h"

#define PLACES_MAX 64

struct place {
    bool used;
    struct fv_geo_point at;
    int64_t since, last;      /* begin; last seen there */
    uint64_t ref;             /* the START */
    enum fv_zone_cause cause; /* why nothing may be there any more */
    struct fv_walker who;     /* as last seen there, for END */
};

struct state {
    struct place places[PLACES_MAX];
};

struct walk {
    bool known;    /* was seen before */
    bool measures; /* `from` and `since` hold */
    struct fv_geo_point from;
    int64_t since;
    uint32_t place; /* index + 1 of one that may have ended meanwhile; 0: at none */
};

static void defaults(struct fv_rule_params *params)
{
    params->inertia = 0;
    params->margin = 0;
    params->anchor = FV_ANCHOR_CENTRE;
    params->stationary = (struct fv_rule_stationary){
        .after = 30 * FV_S, .forget = 60 * FV_S, .radius = 0.05, .suppress = true};
}

static int check(const struct fv_rule_params *params, struct fv_error *err)
{
    const struct fv_rule_stationary *stationary = &params->stationary;
    if (params->point_count == 2)
        return fv_error_set(err, -EINVAL, "a zone needs at least 3 points");
    int rc = fv_rule_check_time(stationary->after, "the time to stand", err);
    if (rc == 0)
        rc = fv_rule_check_time(stationary->forget, "the time to forget a place", err);
    if (rc == 0)
        rc = fv_rule_check_number(stationary->radius, 1e-3, 1, "its radius", err);
    return rc;
}

static void prepare(struct fv_rule *rule)
{
    rule->own_length = (int32_t)lround(rule->params.stationary.radius * FV_GEO_UNIT);
}

static bool is_near(const struct fv_rule *rule, struct fv_geo_point a, struct fv_geo_point b)
{
    const struct fv_geo_point place[2] = {fv_rule_square(rule, a), fv_rule_square(rule, a)};
    return fv_geo_near(place, fv_rule_square(rule, b), rule->own_length);
}

static void stand(struct fv_rule *rule, struct fv_walker *walker, struct place *place)
{
    place->last = fv_rule_now(rule);
    place->cause = FV_CAUSE_LOST;
    place->who = *walker;
    if (rule->params.stationary.suppress)
        walker->ignored = FV_STAGE_STATIONARY;
}

static bool is_at(const struct fv_rule *rule, const struct place *place, struct fv_geo_point at)
{
    return place->used && is_near(rule, place->at, at);
}

/* Index + 1 of a known place, or 0. */
static uint32_t find_place(const struct fv_rule *rule, struct fv_geo_point at)
{
    const struct state *state = rule->state;
    for (uint32_t i = 0; i < PLACES_MAX; i++)
        if (is_at(rule, &state->places[i], at))
            return i + 1;
    return 0;
}

/* When there is no room for one more place, nothing is reported. */
static void make_place(struct fv_rule *rule, struct fv_walker *walker, struct walk *walk)
{
    struct state *state = rule->state;
    uint32_t i = 0;
    while (i < PLACES_MAX && state->places[i].used)
        i++;
    if (i == PLACES_MAX)
        return;
    struct place *place = &state->places[i];
    *place = (struct place){.used = true, .at = walk->from, .since = walk->since};
    walk->place = i + 1;
    struct fv_zone_event event = fv_rule_event(rule, walker, FV_ZONE_STATIONARY, FV_PHASE_START);
    event.start = walk->since;
    event.duration = fv_rule_now(rule) - walk->since;
    place->ref = fv_rule_emit(rule, &event);
    stand(rule, walker, place);
}

/* Who stood for long enough is at a place: one that is known, or a new one. */
static void settle(struct fv_rule *rule, struct fv_walker *walker, struct walk *walk,
                   struct fv_geo_point at)
{
    struct state *state = rule->state;
    walk->place = find_place(rule, at);
    if (walk->place)
        stand(rule, walker, &state->places[walk->place - 1]);
    else
        make_place(rule, walker, walk);
}

static void begin(struct fv_rule *rule, struct walk *walk, struct fv_geo_point at)
{
    walk->measures = true;
    walk->from = at;
    walk->since = fv_rule_now(rule);
}

/* True when the track stands at a place that is known already. */
static bool stays(struct fv_rule *rule, struct fv_walker *walker, struct walk *walk,
                  struct fv_geo_point at)
{
    struct state *state = rule->state;
    struct place *place = walk->place ? &state->places[walk->place - 1] : NULL;
    if (place && is_at(rule, place, at)) {
        stand(rule, walker, place);
        return true;
    }
    if (place)
        place->cause = FV_CAUSE_MOVED;
    walk->place = 0;
    return false;
}

static void seen(struct fv_rule *rule, struct fv_walker *walker, void *data)
{
    struct walk *walk = data;
    const struct fv_geo_point at = fv_rule_anchor(rule, walker);
    const bool inside = fv_rule_inside(rule, at), is_new = !walk->known;
    walk->known = true;
    if (is_new && inside)
        walk->place = find_place(rule, at);
    if (stays(rule, walker, walk, at))
        return;
    if (!inside)
        walk->measures = false;
    else if (!walk->measures || !is_near(rule, walk->from, at))
        begin(rule, walk, at);
    if (walk->measures && fv_rule_now(rule) - walk->since >= rule->params.stationary.after)
        settle(rule, walker, walk, at);
}

static void end(struct fv_rule *rule, struct place *place, enum fv_zone_cause cause)
{
    struct fv_zone_event event = fv_rule_event(rule, &place->who, FV_ZONE_STATIONARY, FV_PHASE_END);
    event.ref = place->ref;
    event.cause = cause;
    event.start = place->since;
    event.duration = place->last - place->since;
    fv_rule_emit(rule, &event);
    place->used = false;
}

static void frame(struct fv_rule *rule)
{
    struct state *state = rule->state;
    for (uint32_t i = 0; i < PLACES_MAX; i++) {
        struct place *place = &state->places[i];
        if (place->used && fv_rule_now(rule) - place->last > rule->params.stationary.forget)
            end(rule, place, place->cause);
    }
}

static void finish(struct fv_rule *rule, enum fv_zone_cause cause)
{
    struct state *state = rule->state;
    for (uint32_t i = 0; i < PLACES_MAX; i++)
        if (state->places[i].used)
            end(rule, &state->places[i], cause);
}

const struct fv_rule_ops fv_rule_stationary = {
    .name = "stationary",
    .stage = FV_STAGE_STATIONARY,
    .points_min = 0,
    .points_max = FV_GEO_POINTS_MAX,
    .state_size = sizeof(struct state),
    .track_size = sizeof(struct walk),
    .defaults = defaults,
    .check = check,
    .prepare = prepare,
    .seen = seen,
    .frame = frame,
    .finish = finish,
};

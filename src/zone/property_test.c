// SPDX-License-Identifier: Apache-2.0
/* Properties that hold for every walk: on a coarse grid, so that corners, sides and lines are hit all the time. */
#include "base/rand.h"
#include "zone/scene_test.h"

#define STEPS 40
#define TURNS 2000
#define GRID 3.125 /* percent: 1/32 of the picture, an exact number */

struct spot {
    double x, y; /* percent */
};

struct tally {
    unsigned types[FV_ZONE_TYPES];
    unsigned a_to_b, b_to_a, open;
    char order[200]; /* types and directions in their order */
};

static void on_event(void *data, const struct fv_zone_event *event)
{
    struct tally *tally = data;
    const size_t used = strlen(tally->order);
    char letter = (char)('a' + event->type);
    tally->types[event->type]++;
    if (event->type == FV_ZONE_CROSSING) {
        const bool forth = event->direction == FV_A_TO_B;
        tally->a_to_b += forth;
        tally->b_to_a += !forth;
        letter = forth ? '>' : '<';
    }
    tally->open += event->phase == FV_PHASE_START;
    tally->open -= event->phase == FV_PHASE_END;
    if (used + 1 < sizeof(tally->order))
        tally->order[used] = letter;
}

static struct tally run(const struct fv_rule_params *rule, const struct spot *spots, unsigned count)
{
    struct tally tally = {{0}};
    const struct fv_analytics_params params = {
        .rules = rule, .rule_count = 1, .event = on_event, .data = &tally};
    struct fv_analytics *analytics;
    assert_int_equal(fv_analytics_create(&params, &analytics, NULL), 0);
    for (unsigned i = 0; i < count; i++) {
        const struct fv_tracked tracked = scene_tracked(1, spots[i].x, spots[i].y);
        const struct fv_zone_frame frame = {.time = i * 100 * FV_MS,
                                            .width = 1920,
                                            .height = 1080,
                                            .tracks = &tracked,
                                            .track_count = 1};
        assert_int_equal(fv_analytics_frame(analytics, &frame), 0);
    }
    fv_analytics_stop(analytics);
    fv_analytics_destroy(analytics);
    assert_int_equal(tally.open, 0);
    return tally;
}

/* Small steps with pauses, or jumps, within 25..75 % of the picture. */
static void wander(struct fv_rand *rand, struct spot *spots, bool jumps)
{
    int x = 16, y = 16;
    for (int i = 0; i < STEPS; i++) {
        x = jumps ? (int)fv_rand_below(rand, 17) + 8 : x + (int)fv_rand_below(rand, 3) - 1;
        y = jumps ? (int)fv_rand_below(rand, 17) + 8 : y + (int)fv_rand_below(rand, 3) - 1;
        x = x < 8 ? 8 : x > 24 ? 24 : x;
        y = y < 8 ? 8 : y > 24 ? 24 : y;
        spots[i] = (struct spot){x * GRID, y * GRID};
    }
}

static void reverse(const struct spot *spots, struct spot *out)
{
    for (int i = 0; i < STEPS; i++)
        out[i] = spots[STEPS - 1 - i];
}

/* On the grid, too: a slanted line, and a polygon with a dent and a corner on a straight side. */
static const double slanted[2][2] = {{0.375, 0.625}, {0.625, 0.375}};
static const double dented[6][2] = {{0.375, 0.375}, {0.5, 0.375},   {0.625, 0.375},
                                    {0.625, 0.625}, {0.5, 0.53125}, {0.375, 0.625}};

/* Without inertia and margin, a walk backwards crosses as often, the other way. */
static void test_reversed_crossings(void **state)
{
    (void)state;
    struct fv_rand rand;
    unsigned crossings = 0;
    fv_rand_seed(&rand, 1);
    struct fv_rule_params rule = scene_rule(FV_RULE_LINE);
    rule.inertia = 0;
    rule.margin = 0;
    rule.points = slanted;
    for (int i = 0; i < TURNS; i++) {
        struct spot there[STEPS], back[STEPS];
        wander(&rand, there, i % 2);
        reverse(there, back);
        const struct tally a = run(&rule, there, STEPS), b = run(&rule, back, STEPS);
        assert_int_equal(a.a_to_b, b.b_to_a);
        assert_int_equal(a.b_to_a, b.a_to_b);
        crossings += a.a_to_b + a.b_to_a;
    }
    assert_true(crossings > TURNS);
}

/* With inertia the sum stays: what cancels itself out is not counted on either side. */
static void test_net_crossings(void **state)
{
    (void)state;
    struct fv_rand rand;
    fv_rand_seed(&rand, 2);
    struct fv_rule_params plain = scene_rule(FV_RULE_LINE), slow = plain;
    plain.points = slow.points = slanted;
    plain.inertia = 0;
    plain.margin = 0;
    for (int i = 0; i < TURNS; i++) {
        struct spot spots[STEPS];
        wander(&rand, spots, i % 2);
        slow.inertia = (int64_t)fv_rand_below(&rand, 1000) * FV_MS;
        slow.margin = fv_rand_unit(&rand) / 10;
        const struct tally a = run(&plain, spots, STEPS), b = run(&slow, spots, STEPS);
        assert_int_equal((int)a.a_to_b - (int)a.b_to_a, (int)b.a_to_b - (int)b.b_to_a);
        assert_true(b.a_to_b <= a.a_to_b && b.b_to_a <= a.b_to_a);
    }
}

/* Stays in the zone, counted from the geometry alone. */
static unsigned count_stays(const double (*points)[2], unsigned count, const struct spot *spots)
{
    struct fv_geo_point corners[8];
    unsigned stays = 0;
    bool before = false;
    for (unsigned i = 0; i < count; i++) {
        fv_geo_quantise(points[i][0], &corners[i].x);
        fv_geo_quantise(points[i][1], &corners[i].y);
    }
    for (int i = 0; i < STEPS; i++) {
        struct fv_geo_point at;
        fv_geo_quantise(spots[i].x / 100, &at.x);
        fv_geo_quantise(spots[i].y / 100, &at.y);
        const bool inside = fv_geo_inside(corners, count, at);
        stays += inside && !before;
        before = inside;
    }
    return stays;
}

static void test_stays(void **state)
{
    (void)state;
    struct fv_rand rand;
    fv_rand_seed(&rand, 3);
    struct fv_rule_params plain = scene_rule(FV_RULE_ENTER), slow = plain;
    plain.points = slow.points = dented;
    plain.point_count = slow.point_count = 6;
    plain.inertia = 0;
    plain.margin = 0;
    for (int i = 0; i < TURNS; i++) {
        struct spot there[STEPS], back[STEPS];
        wander(&rand, there, i % 2);
        reverse(there, back);
        const struct tally a = run(&plain, there, STEPS), b = run(&plain, back, STEPS);
        const struct tally c = run(&slow, there, STEPS);
        assert_int_equal(a.types[FV_ZONE_ENTER], count_stays(dented, 6, there));
        assert_int_equal(a.types[FV_ZONE_EXIT], a.types[FV_ZONE_ENTER]);
        assert_int_equal(b.types[FV_ZONE_ENTER], a.types[FV_ZONE_ENTER]);
        assert_int_equal(c.types[FV_ZONE_EXIT], c.types[FV_ZONE_ENTER]);
        assert_true(c.types[FV_ZONE_ENTER] <= a.types[FV_ZONE_ENTER]);
    }
}

/* Everything moved by the same amount: the same events in the same order, for each kind of rule. */
static void test_translation(void **state)
{
    (void)state;
    struct fv_rand rand;
    unsigned events = 0;
    fv_rand_seed(&rand, 4);
    for (int i = 0; i < TURNS; i++) {
        struct fv_rule_params rule = scene_rule((enum fv_rule_kind)(i % FV_RULE_KINDS)), other;
        double moved[6][2];
        struct spot spots[STEPS], shifted[STEPS];
        const int dx = (int)fv_rand_below(&rand, 11) - 5, dy = (int)fv_rand_below(&rand, 11) - 5;
        wander(&rand, spots, false);
        rule.points = rule.point_count == 2 ? slanted : dented;
        rule.point_count = rule.point_count == 2 ? 2 : 6;
        rule.margin = 0;
        if (rule.kind == FV_RULE_DWELL)
            rule.dwell.threshold = 400 * FV_MS;
        if (rule.kind == FV_RULE_CROWD)
            rule.crowd = (struct fv_rule_crowd){.update = FV_MS};
        if (rule.kind == FV_RULE_STATIONARY)
            rule.stationary.after = 300 * FV_MS;
        other = rule;
        other.points = (const double(*)[2])moved;
        for (unsigned k = 0; k < rule.point_count; k++) {
            moved[k][0] = rule.points[k][0] + dx * GRID / 100;
            moved[k][1] = rule.points[k][1] + dy * GRID / 100;
        }
        for (int k = 0; k < STEPS; k++)
            shifted[k] = (struct spot){spots[k].x + dx * GRID, spots[k].y + dy * GRID};
        const struct tally a = run(&rule, spots, STEPS), b = run(&other, shifted, STEPS);
        assert_string_equal(a.order, b.order);
        events += (unsigned)strlen(a.order);
    }
    assert_true(events > TURNS / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reversed_crossings),
        cmocka_unit_test(test_net_crossings),
        cmocka_unit_test(test_stays),
        cmocka_unit_test(test_translation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

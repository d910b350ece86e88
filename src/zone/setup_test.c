// SPDX-License-Identifier: Apache-2.0
/* Making the object: filters, bad settings, lack of memory. */
#include <errno.h>
#include <math.h>

#include "base/mem.h"
#include "zone/scene_test.h"

static void check_filter(struct fv_rule_filter filter, const struct fv_tracked *tracked,
                         bool passes)
{
    struct scene scene;
    struct fv_rule_params rule = scene_rule(FV_RULE_ENTER);
    rule.inertia = 0;
    rule.filter = filter;
    scene_open(&scene, &rule, 1);
    scene_frame(&scene, tracked, 1);
    assert_string_equal(scene_take(&scene), passes ? "enter #1 0/0" : "");
    scene_close(&scene);
}

static void test_filters(void **state)
{
    (void)state;
    static const uint16_t classes[] = {0, 5};
    struct fv_tracked tracked = scene_tracked(1, 50, 50); /* 0.04 x 0.1 = 0.004 of the picture */
    const struct fv_rule_filter by_class = {.classes = classes, .class_count = 2};
    check_filter(by_class, &tracked, true);
    tracked.class_id = 5;
    check_filter(by_class, &tracked, true);
    tracked.class_id = 1;
    check_filter(by_class, &tracked, false);
    check_filter((struct fv_rule_filter){.min_score = 0.91f}, &tracked, false);
    check_filter((struct fv_rule_filter){.min_score = 0.9f}, &tracked, true);
    check_filter((struct fv_rule_filter){.min_size = 0.0041f}, &tracked, false);
    check_filter((struct fv_rule_filter){.min_size = 0.0039f}, &tracked, true);
    check_filter((struct fv_rule_filter){.max_size = 0.0039f}, &tracked, false);
    check_filter((struct fv_rule_filter){.max_size = 0.0041f}, &tracked, true);
}

static void try_rule(const struct fv_rule_params *rule, unsigned count, const char *want)
{
    struct fv_analytics *analytics = NULL;
    struct fv_error err = {0};
    const struct fv_analytics_params params = {.rules = rule, .rule_count = count};
    assert_int_equal(fv_analytics_create(&params, &analytics, &err), -EINVAL);
    assert_null(analytics);
    if (!strstr(err.text, want))
        fail_msg("\"%s\" does not say \"%s\"", err.text, want);
}

static void test_bad_rules(void **state)
{
    (void)state;
    static const double bow[4][2] = {{0.4, 0.4}, {0.6, 0.6}, {0.6, 0.4}, {0.4, 0.6}};
    static const double away[3][2] = {{1.1, 0}, {1.5, 0}, {1.1, 1}};
    static const double far[3][2] = {{0, 0}, {5, 0}, {1, 1}};
    static const double same[2][2] = {{0.5, 0.5}, {0.5, 0.5}};
    static const uint16_t class_id = 0;
    struct fv_rule_params two[2] = {scene_rule(FV_RULE_ENTER), scene_rule(FV_RULE_ENTER)};
    try_rule(two, 2, "rule 2 (\"r\"): there are two of this name and kind");
#define BAD(kind, change, want)                                                                    \
    do {                                                                                           \
        struct fv_rule_params rule = scene_rule(kind);                                             \
        change;                                                                                    \
        try_rule(&rule, 1, want);                                                                  \
    } while (0)
    BAD(FV_RULE_ENTER, rule.kind = FV_RULE_KINDS, "no such kind");
    BAD(FV_RULE_ENTER, rule.anchor = FV_ANCHORS, "anchor");
    BAD(FV_RULE_ENTER, rule.name = "", "name");
    BAD(FV_RULE_ENTER, rule.name = NULL, "name");
    BAD(FV_RULE_ENTER, rule.name = "a\nb", "control");
    BAD(FV_RULE_ENTER, rule.points = bow, "cross or touch");
    BAD(FV_RULE_ENTER, (rule.points = away, rule.point_count = 3), "outside the picture");
    BAD(FV_RULE_ENTER, (rule.points = far, rule.point_count = 3), "point 2");
    BAD(FV_RULE_ENTER, rule.point_count = 2, "2 points");
    BAD(FV_RULE_ENTER, rule.point_count = 65, "65 points");
    BAD(FV_RULE_ENTER, rule.points = NULL, "points");
    BAD(FV_RULE_ENTER, rule.inertia = -1, "inertia");
    BAD(FV_RULE_ENTER, rule.margin = NAN, "margin");
    BAD(FV_RULE_ENTER, rule.filter.min_score = NAN, "score");
    BAD(FV_RULE_ENTER, (rule.filter.min_size = 0.5f, rule.filter.max_size = 0.4f), "size");
    BAD(FV_RULE_ENTER, (rule.filter.classes = &class_id, rule.filter.class_count = 65), "classes");
    BAD(FV_RULE_LINE, rule.points = same, "the same");
    BAD(FV_RULE_LINE, rule.point_count = 3, "3 points");
    BAD(FV_RULE_DWELL, rule.dwell.threshold = -1, "dwell");
    BAD(FV_RULE_DWELL, rule.dwell.threshold = 25 * 3600 * FV_S, "24 hours");
    BAD(FV_RULE_CROWD, rule.crowd.slack = 99, "slack");
    BAD(FV_RULE_CROWD, rule.crowd.hold = -1, "crowd");
    BAD(FV_RULE_DIRECTION, rule.direction.tolerance = 0, "tolerance");
    BAD(FV_RULE_DIRECTION, rule.direction.distance = 0, "distance");
    BAD(FV_RULE_DIRECTION, rule.direction.angle = INFINITY, "angle");
    BAD(FV_RULE_COUNT, rule.count.interval = -1, "counts");
    BAD(FV_RULE_COUNT, rule.point_count = 1, "1 points");
    BAD(FV_RULE_STATIONARY, rule.stationary.radius = 0, "radius");
    BAD(FV_RULE_STATIONARY, rule.point_count = 2, "3 points");
    BAD(FV_RULE_STATIONARY, rule.point_count = 1, "3 points");
#undef BAD
    struct fv_analytics *analytics = NULL;
    struct fv_analytics_params params = {.rule_count = FV_RULES_MAX + 1};
    assert_int_equal(fv_analytics_create(&params, &analytics, NULL), -EINVAL);
    params = (struct fv_analytics_params){.tracks_max = FV_ZONE_TRACKS_MAX + 1};
    assert_int_equal(fv_analytics_create(&params, &analytics, NULL), -EINVAL);
    params = (struct fv_analytics_params){.lost = -1};
    assert_int_equal(fv_analytics_create(&params, &analytics, NULL), -EINVAL);
}

static void make_all_kinds(struct fv_rule_params rules[FV_RULE_KINDS])
{
    for (int i = 0; i < FV_RULE_KINDS; i++)
        rules[i] = scene_rule((enum fv_rule_kind)i);
}

static void test_no_memory(void **state)
{
    (void)state;
    struct fv_rule_params rules[FV_RULE_KINDS];
    const struct fv_analytics_params params = {.rules = rules, .rule_count = FV_RULE_KINDS};
    unsigned failures = 0;
    make_all_kinds(rules);
    for (;; failures++) {
        struct fv_analytics *analytics = NULL;
        struct fv_error err = {0};
        fv_alloc_fail_at(failures + 1);
        const int rc = fv_analytics_create(&params, &analytics, &err);
        if (rc == 0) {
            fv_alloc_fail_at(0);
            fv_analytics_destroy(analytics);
            break;
        }
        assert_int_equal(rc, -ENOMEM);
        assert_int_equal(err.code, -ENOMEM);
        assert_null(analytics);
    }
    assert_true(failures > 10);
    fv_analytics_destroy(NULL);
}

/* Not one allocation in 300 pictures with everything that can happen, a reload's take-over included. */
static void test_no_allocation(void **state)
{
    (void)state;
    struct scene scene;
    struct fv_rule_params rules[FV_RULE_KINDS];
    make_all_kinds(rules);
    scene_open(&scene, rules, FV_RULE_KINDS - 1); /* without the mask */
    struct fv_analytics *fresh = scene_make(&scene, rules, FV_RULE_KINDS - 1);
    fv_alloc_fail_at(1);
    for (unsigned i = 0; i < 10; i++) {
        scene_play(&scene, (const char *[]){"50,50*9 30,50 50,50*5 --*12", "30,50*5 70,50*22"}, 2);
        scene_take(&scene);
    }
    fv_analytics_take_over(fresh, scene.analytics);
    fv_analytics_stop(fresh);
    assert_true(fv_alloc_fail_pending());
    fv_alloc_fail_at(0);
    fv_analytics_destroy(fresh);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filters),
        cmocka_unit_test(test_bad_rules),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_no_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

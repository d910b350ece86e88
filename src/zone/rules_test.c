// SPDX-License-Identifier: Apache-2.0
/* Each rule with scripted walks; what is expected was reckoned by hand. Pictures at 0, 100, 200... ms; inertia 200 ms. */
#include "zone/scene_test.h"

struct walk_case {
    const char *name;
    const char *scripts[SCENE_TRACKS];
    const char *want;
};

static void check_all(const struct fv_rule_params *rule, const struct walk_case *cases,
                      size_t count)
{
    for (size_t i = 0; i < count; i++) {
        unsigned tracks = 0;
        while (tracks < SCENE_TRACKS && cases[i].scripts[tracks])
            tracks++;
        print_message("  %s\n", cases[i].name);
        scene_check(rule, cases[i].scripts, tracks, cases[i].want);
    }
}

static void test_enter(void **state)
{
    (void)state;
    static const struct walk_case cases[] = {
        {"straight through",
         {"30,50 35,50 45,50 50,50 55,50 65,50 70,50 75,50"},
         "enter #1 400/200; exit #1 700/500 d300 moved"},
        {"too short", {"30,50 45,50 50,50 65,50 70,50"}, ""},
        {"jitter on the way in",
         {"39,50 41,50 39,50 41,50 39,50 41,50*3"},
         "enter #1 700/500; exit #1 700/700 d200 stopped"},
        {"jitter at the border, once in",
         {"50,50*3 40.5,50 39.5,50 40.5,50 39.5,50*5 50,50"},
         "enter #1 200/0; exit #1 1100/1100 d1100 stopped"},
        {"in, out, in",
         {"50,50*3 70,50*3 50,50*3"},
         "enter #1 200/0; exit #1 500/300 d300 moved; enter #1 800/600; exit #1 800/800 d200 "
         "stopped"},
        {"a short trip outside is none",
         {"50,50*3 70,50*2 50,50"},
         "enter #1 200/0; exit #1 500/500 d500 stopped"},
        {"lost and back in time",
         {"50,50*3 --*8 50,50*2"},
         "enter #1 200/0; exit #1 1200/1200 d1200 stopped"},
        {"lost for good, then again",
         {"50,50*3 --*11 50,50*3"},
         "enter #1 200/0; exit #1 1300/200 d200 lost; enter #1 1600/1400; exit #1 1600/1600 d200 "
         "stopped"},
        {"lost on the way out",
         {"50,50*3 70,50 --*11"},
         "enter #1 200/0; exit #1 1400/300 d300 lost"},
        {"predictions are no sightings",
         {"50,50*3 ?80,50*3 50,50"},
         "enter #1 200/0; exit #1 600/600 d600 stopped"},
        {"predictions alone", {"?50,50*9"}, ""},
        {"a corner belongs to the zone",
         {"30,30 40,40*3 50,30*3"},
         "enter #1 300/100; exit #1 600/400 d300 moved"},
        {"a side belongs to the zone", {"40,45*3"}, "enter #1 200/0; exit #1 200/200 d200 stopped"},
        {"past a corner", {"39,45 45,39*4"}, ""},
        {"two tracks",
         {"50,50*3", "30,50 50,50*3"},
         "enter #1 200/0; enter #2 300/100; exit #2 300/300 d200 stopped; exit #1 300/200 d200 "
         "stopped"},
    };
    const struct fv_rule_params rule = scene_rule(FV_RULE_ENTER);
    check_all(&rule, cases, COUNT(cases));
}

static void test_dwell(void **state)
{
    (void)state;
    static const struct walk_case cases[] = {
        {"stays and leaves",
         {"50,50*8 70,50*3"},
         "dwell start #1 500/0 d500; dwell end #1 1000/0 d800 moved"},
        {"not long enough", {"50,50*5 70,50*5"}, ""},
        {"leaves as the threshold comes", {"50,50*4 70,50*4"}, ""},
        {"a short trip outside",
         {"50,50*4 70,50 50,50*2"},
         "dwell start #1 500/0 d500; dwell end #1 600/0 d600 stopped"},
        {"lost", {"50,50*7 --*11"}, "dwell start #1 500/0 d500; dwell end #1 1700/0 d600 lost"},
        {"lost in between",
         {"50,50*3 --*8 50,50*2"},
         "dwell start #1 1100/0 d1100; dwell end #1 1200/0 d1200 stopped"},
        {"twice",
         {"50,50*6 70,50*3 50,50*6"},
         "dwell start #1 500/0 d500; dwell end #1 800/0 d600 moved; "
         "dwell start #1 1400/900 d500; dwell end #1 1400/900 d500 stopped"},
    };
    struct fv_rule_params rule = scene_rule(FV_RULE_DWELL);
    rule.dwell.threshold = 500 * FV_MS;
    check_all(&rule, cases, COUNT(cases));
}

static void test_crowd(void **state)
{
    (void)state;
    static const struct walk_case cases[] = {
        {"two for a while",
         {"50,50*20", "--*3 50,50*9 70,50*8"},
         "crowd start 700/500 n2 p2 d200; crowd end 1600/500 n1 p2 d800 moved"},
        {"a third one",
         {"50,50*20", "--*3 50,50*9 70,50*8", "--*8 50,50*4 70,50*8"},
         "crowd start 700/500 n2 p2 d200; crowd update 1000/500 n3 p3 d500; "
         "crowd end 1600/500 n1 p3 d800 moved"},
        {"one is none", {"50,50*20"}, ""},
        {"too short", {"50,50*20", "--*3 50,50*2 70,50*10"}, ""},
        {"lasts to the end",
         {"50,50*8", "50,50*8"},
         "crowd start 400/200 n2 p2 d200; crowd end 700/200 n0 p2 d500 stopped"},
        /* both last seen at 400, gone at 1500: below the limit since then, last above it at 1400 */
        {"all lost",
         {"50,50*5 --*15", "50,50*5"},
         "crowd start 400/200 n2 p2 d200; crowd end 1700/200 n0 p2 d1200 moved"},
    };
    struct fv_rule_params rule = scene_rule(FV_RULE_CROWD);
    rule.crowd = (struct fv_rule_crowd){.limit = 1, .hold = 200 * FV_MS, .update = 100 * FV_MS};
    check_all(&rule, cases, COUNT(cases));

    /* With slack it goes on while one is left: ends when that one left at 1600 (counts from 1800). */
    static const struct walk_case slack[] = {
        {"slack",
         {"50,50*16 70,50*6", "50,50*9 70,50*4 50,50*3 70,50*6"},
         "crowd start 400/200 n2 p2 d200; crowd end 2000/200 n0 p2 d1500 moved"},
    };
    rule.crowd = (struct fv_rule_crowd){.limit = 1, .slack = 1, .hold = 200 * FV_MS};
    check_all(&rule, slack, COUNT(slack));
}

static void test_line(void **state)
{
    (void)state;
    static const struct walk_case cases[] = {
        {"left to right", {"40,50 45,50 55,50 60,50 65,50"}, "cross #1 a_to_b 400/200"},
        {"right to left", {"65,50 60,50 55,50 45,50 40,50 35,50"}, "cross #1 b_to_a 500/300"},
        {"touches", {"40,50 50,50*5 40,50*4"}, ""},
        {"stands on the line, then goes on", {"40,50 50,50*5 60,50*4"}, "cross #1 a_to_b 800/600"},
        {"through an end point, seen there", {"40,25 50,25 60,25*4"}, ""},
        {"through an end point, not seen there", {"37.5,12.5 62.5,37.5*4"}, ""},
        {"just below the end point", {"37.5,12.6 62.5,37.6*4"}, "cross #1 a_to_b 300/100"},
        {"round the end", {"40,20 60,20 60,50*4"}, ""},
        {"along the line", {"50,30 50,40 50,50 50,60"}, ""},
        {"begins on the line", {"50,50 60,50*4"}, ""},
        {"along it from beyond the end", {"40,50 50,10 50,50 60,50*4"}, ""},
        {"along it and off again", {"40,30 50,30 50,50 60,50*4"}, "cross #1 a_to_b 500/300"},
        {"jitter", {"40,50 51,50 49,50 51,50 49,50 52,50*4"}, "cross #1 a_to_b 700/500"},
        {"jitter and back", {"40,50 51,50 49,50 51,50 49,50*9"}, ""},
        {"stands just behind it, then goes on",
         {"40,50 50.5,50*6 60,50"},
         "cross #1 a_to_b 700/100"},
        {"stands just behind it, then goes back", {"40,50 50.5,50*6 40,50*4"}, ""},
        {"and back", {"40,50 60,50*3 40,50*3"}, "cross #1 a_to_b 300/100; cross #1 b_to_a 600/400"},
        {"lost meanwhile", {"40,50 --*8 60,50*3"}, "cross #1 a_to_b 1100/900"},
        {"lost for too long", {"40,50 --*11 60,50*3"}, ""},
        {"lost behind it", {"40,50 60,50 --*11"}, "cross #1 a_to_b 1200/100"},
        {"predicted behind it", {"40,50 ?60,50*4 40,50*3"}, ""},
        {"two tracks, opposite ways",
         {"40,50 60,50*3", "60,60 40,60*3"},
         "cross #1 a_to_b 300/100; cross #2 b_to_a 300/100"},
    };
    struct fv_rule_params rule = scene_rule(FV_RULE_LINE);
    check_all(&rule, cases, COUNT(cases));

    static const struct walk_case circles[] = {
        {"twice the same way",
         {"40,50 60,50 60,10 40,10 40,50 60,50*3"},
         "cross #1 a_to_b 500/100; cross #1 a_to_b 700/500"},
    };
    rule.inertia = FV_S;
    check_all(&rule, circles, COUNT(circles));
}

static void test_direction(void **state)
{
    (void)state;
    static const struct walk_case cases[] = {
        {"to the right", {"41,50 43,50 45,50 47,50 49,50 51,50 53,50"}, "direction #1 90 500/200"},
        {"to the left", {"59,50 57,50 55,50 49,50 43,50"}, ""},
        {"once while it goes on", {"41,50*3 47,50 53,50 59,50"}, "direction #1 90 300/200"},
        {"turns round twice",
         {"41,50 43,50 45,50 51,50 45,50 51,50"},
         "direction #1 90 300/200; direction #1 90 500/400"},
        {"the window's edge belongs to it", {"43.75,56.25*3 50,50"}, "direction #1 45 300/200"},
        {"beyond the edge", {"43.75,56.25*3 50,49"}, ""},
        {"up", {"50,55*3 50,45"}, ""},
        {"too short", {"41,50*3 45,50*5"}, ""},
        {"outside", {"10,50*3 20,50 30,50"}, ""},
        {"jitter", {"50,50*3 52,50 48,50 52,50 48,50"}, ""},
    };
    struct fv_rule_params rule = scene_rule(FV_RULE_DIRECTION);
    rule.direction = (struct fv_rule_direction){.angle = 90, .tolerance = 45, .distance = 0.05};
    check_all(&rule, cases, COUNT(cases));

    static const struct walk_case wide[] = {
        {"down, in a wide window", {"50,42*3 50,50"}, "direction #1 180 300/200"},
        {"left, not even there", {"58,50*3 50,50"}, ""},
    };
    rule.direction.tolerance = 120;
    check_all(&rule, wide, COUNT(wide));

    static const struct walk_case all[] = {
        {"any way", {"58,50*3 50,50"}, "direction #1 270 300/200"},
    };
    rule.direction.tolerance = 180;
    check_all(&rule, all, COUNT(all));
}

static void test_count(void **state)
{
    (void)state;
    static const struct walk_case zone[] = {
        {"in and out", {"50,50*3 70,50*9"}, "count 500/0 n0 0:0/1/1"},
        {"in", {"50,50*7"}, "count 500/0 n1 0:1/1/0; count 600/500 n0 0:0/1/1"},
        {"nothing", {"30,50*20"}, ""},
        {"two", {"50,50*9", "--*2 50,50*7"}, "count 500/0 n2 0:2/2/0; count 800/500 n0 0:0/2/2"},
    };
    struct fv_rule_params rule = scene_rule(FV_RULE_COUNT);
    rule.count.interval = 500 * FV_MS;
    check_all(&rule, zone, COUNT(zone));

    static const struct walk_case line[] = {
        {"there and back", {"40,50 60,50*3 40,50*3"}, "count 600/0 n0 0:0/1/1"},
        {"counted when lost", {"40,50 60,50", "60,30 40,30*3"}, "count 300/0 n0 0:0/1/1"},
    };
    rule.points = scene_line;
    rule.point_count = 2;
    rule.count.interval = FV_S;
    check_all(&rule, line, COUNT(line));
}

static void test_stationary(void **state)
{
    (void)state;
    static const struct walk_case cases[] = {
        {"stands",
         {"50,50*8 --"},
         "stationary start #1 500/0 d500; stationary end #1 800/0 d700 stopped"},
        {"jitter",
         {"50,50 52,50 48,50 50,52 50,48 51,50"},
         "stationary start #1 500/0 d500; stationary end #1 500/0 d500 stopped"},
        {"walks", {"42,50 48,50 54,50 60,50 54,50 48,50 42,50"}, ""},
        {"outside", {"70,50*20"}, ""},
        {"leaves",
         {"50,50*7 70,50*12"},
         "stationary start #1 500/0 d500; stationary end #1 1700/0 d600 moved"},
        {"disappears",
         {"50,50*7 --*12"},
         "stationary start #1 500/0 d500; stationary end #1 1700/0 d600 lost"},
        {"a new track at the place",
         {"50,50*7 --*14", "--*10 50,50*8"},
         "stationary start #1 500/0 d500; stationary end #2 2000/0 d1700 stopped"},
        {"goes and comes back",
         {"50,50*7 70,50*3 50,50*7"},
         "stationary start #1 500/0 d500; stationary end #1 1600/0 d1600 stopped"},
    };
    struct fv_rule_params rule = scene_rule(FV_RULE_STATIONARY);
    rule.stationary = (struct fv_rule_stationary){
        .after = 500 * FV_MS, .forget = FV_S, .radius = 0.05, .suppress = true};
    check_all(&rule, cases, COUNT(cases));

    static const struct walk_case everywhere[] = {
        {"no zone: the whole picture",
         {"90,90*6"},
         "stationary start #1 500/0 d500; stationary end #1 500/0 d500 stopped"},
    };
    rule.points = NULL;
    rule.point_count = 0;
    check_all(&rule, everywhere, COUNT(everywhere));
}

static void check_two(const struct fv_rule_params rules[2], const char *script, const char *want)
{
    struct scene scene;
    scene_open(&scene, rules, 2);
    scene_walk(&scene, script);
    assert_string_equal(scene_take(&scene), want);
    scene_close(&scene);
}

static const double everything[4][2] = {{0, 0}, {1, 0}, {1, 1}, {0, 1}};

static void test_suppression(void **state)
{
    (void)state;
    struct fv_rule_params rules[2] = {scene_rule(FV_RULE_ENTER), scene_rule(FV_RULE_STATIONARY)};
    rules[1].stationary = (struct fv_rule_stationary){
        .after = 500 * FV_MS, .forget = FV_S, .radius = 0.05, .suppress = true};
    /* Ignored from 500 on: given up more than 1 s after 400. */
    check_two(rules, "50,50*17",
              "enter #1 200/0; stationary start #1 500/0 d500; exit #1 1500/400 d400 ignored");
    /* It walks again: the zone sees it again. */
    check_two(rules, "50,50*17 58,50*3",
              "enter #1 200/0; stationary start #1 500/0 d500; exit #1 1500/400 d400 ignored; "
              "enter #1 1900/1700");
    rules[1].stationary.suppress = false;
    check_two(rules, "50,50*17", "enter #1 200/0; stationary start #1 500/0 d500");
}

static void test_mask(void **state)
{
    (void)state;
    struct fv_rule_params rules[2] = {scene_rule(FV_RULE_ENTER), scene_rule(FV_RULE_MASK)};
    rules[0].points = everything;
    check_two(rules, "50,50*9", "");
    check_two(rules, "30,50*4 50,50*15", "enter #1 200/0; exit #1 1400/300 d300 ignored");
    check_two(rules, "30,50*4 50,50*5 70,50*3", "enter #1 200/0"); /* a short way under it */
    check_two(rules, "40,40*9", "");                               /* its border belongs to it */
    static const uint16_t cars[] = {2};
    rules[1].filter.classes = cars;
    rules[1].filter.class_count = 1;
    check_two(rules, "50,50*9", "enter #1 200/0"); /* persons are not masked */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_enter),      cmocka_unit_test(test_dwell),
        cmocka_unit_test(test_crowd),      cmocka_unit_test(test_line),
        cmocka_unit_test(test_direction),  cmocka_unit_test(test_count),
        cmocka_unit_test(test_stationary), cmocka_unit_test(test_suppression),
        cmocka_unit_test(test_mask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

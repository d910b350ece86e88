// SPDX-License-Identifier: Apache-2.0
/* Scripted walks for the tests of rules, and a log of what came out, as text. */
#ifndef FV_ZONE_SCENE_TEST_H
#define FV_ZONE_SCENE_TEST_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "zone/zone.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define SCENE_TRACKS 8

struct scene {
    struct fv_analytics *analytics;
    int64_t now; /* of the next picture, ns; pictures come each 100 ms */
    uint64_t number;
    struct fv_zone_event last; /* event; its pointers are not valid */
    uint64_t last_id;          /* ids count up by one */
    char log[2000];
};

/* The square from 40 to 60 %, and the line upwards through the middle: A is the left half. */
extern const double scene_square[4][2];
extern const double scene_line[2][2];

/* A rule with inertia 200 ms, margin 1 %, named "r", on the square (LINE: on the line). */
struct fv_rule_params scene_rule(enum fv_rule_kind kind);
/* Pictures of 1000x1000, lost after 1 s. */
void scene_open(struct scene *scene, const struct fv_rule_params *rules, unsigned count);
void scene_close(struct scene *scene);
struct fv_analytics *scene_make(struct scene *scene, const struct fv_rule_params *rules,
                                unsigned count);

/*
 * One script for each track, ids from 1: places "x,y" in percent of the picture, of the bottom centre of a box 4 wide and
 * 10 high, one for each picture; "50,50*3" three times; "--" not in the picture, "?50,50" predicted there. The longest
 * script says how many pictures.
 */
void scene_play(struct scene *scene, const char *const *scripts, unsigned count);
void scene_walk(struct scene *scene, const char *script); /* of track 1 */
/* One picture at scene->now. */
int scene_frame(struct scene *scene, const struct fv_tracked *tracks, uint32_t count);
struct fv_tracked scene_tracked(uint64_t id, double x, double y); /* percent */

/*
 * What came since the last call, and forgets it: "TYPE PHASE #TRACK TIME/START ...", times in ms, events joined by "; ":
 *   enter #1 600/400      exit #1 900/700 d300 moved      dwell start #1 900/400 d500
 *   cross #1 a_to_b 600/400      direction #1 90 600/300      crowd start 900/600 n3 p3 d300      count n1 0:1/2/1
 */
const char *scene_take(struct scene *scene);
/* Plays, stops, and compares the log with `want`. */
void scene_check(const struct fv_rule_params *rule, const char *const *scripts, unsigned count,
                 const char *want);

#endif

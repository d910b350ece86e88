// SPDX-License-Identifier: Apache-2.0
/*
 * Any rules, any tracks, any times. What comes out must make sense: ids count up, what starts ends once and in order, nothing
 * lasts a negative time, every event can be walked over, and a stop leaves nothing open.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "zone/zone.h"

#define RULES 6
#define TRACKS 6
#define OPEN_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *data;
    size_t size;
};

static struct {
    uint64_t last_id;
    uint64_t open[OPEN_MAX];
    unsigned open_count;
} seen;

static unsigned take(struct input *input, unsigned limit)
{
    if (input->size == 0)
        return 0;
    input->size--;
    return *input->data++ % limit;
}

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void close_event(uint64_t id, bool remove)
{
    unsigned i = 0;
    while (i < seen.open_count && seen.open[i] != id)
        i++;
    check(i < seen.open_count);
    if (remove)
        seen.open[i] = seen.open[--seen.open_count];
}

static int visit(void *data, const char *key, const struct fv_zone_value *value)
{
    unsigned *fields = data;
    check(key && key[0] && value->kind <= FV_VALUE_COUNTS);
    check(value->kind != FV_VALUE_TEXT || value->text);
    check(value->kind != FV_VALUE_MS || strcmp(key, "pts_ms") == 0 || value->number[0] >= 0);
    ++*fields;
    return 0;
}

static void on_event(void *data, const struct fv_zone_event *event)
{
    unsigned fields = 0;
    (void)data;
    check(event->id == ++seen.last_id && event->ref < event->id);
    check(event->duration >= 0 && event->start <= event->time);
    check(fv_zone_event_visit(event, visit, &fields) == 0 && fields >= 10);
    if (event->phase == FV_PHASE_START) {
        check(seen.open_count < OPEN_MAX);
        seen.open[seen.open_count++] = event->id;
    } else if (event->phase != FV_PHASE_ONCE) {
        close_event(event->ref, event->phase == FV_PHASE_END);
    }
}

/* Coarse, so that things meet; sometimes no number at all. */
static double coordinate(struct input *input)
{
    static const double odd[] = {-1, 2, 1e9, NAN};
    const unsigned value = take(input, 36);
    return value < 32 ? value / 24.0 - 0.1 : odd[value - 32];
}

static void make_rule(struct input *input, struct fv_rule_params *rule, double (*points)[2],
                      const char *name)
{
    *rule = fv_rule_defaults((enum fv_rule_kind)take(input, FV_RULE_KINDS));
    rule->name = name;
    rule->anchor = (enum fv_anchor)take(input, FV_ANCHORS);
    rule->inertia = take(input, 8) * 50 * FV_MS;
    rule->margin = take(input, 4) / 40.0;
    rule->points = (const double(*)[2])points;
    rule->point_count = rule->kind == FV_RULE_LINE ? 2 : 3 + take(input, 4);
    for (unsigned i = 0; i < rule->point_count; i++) {
        points[i][0] = coordinate(input);
        points[i][1] = coordinate(input);
    }
    if (rule->kind == FV_RULE_DWELL)
        rule->dwell.threshold = take(input, 8) * 100 * FV_MS;
    if (rule->kind == FV_RULE_CROWD)
        rule->crowd =
            (struct fv_rule_crowd){take(input, 4), 0, take(input, 4) * 100 * FV_MS, FV_MS};
    if (rule->kind == FV_RULE_STATIONARY) {
        rule->stationary.after = take(input, 8) * 100 * FV_MS;
        rule->stationary.forget = take(input, 8) * 200 * FV_MS;
        rule->stationary.suppress = take(input, 2);
    }
}

static struct fv_analytics *make(struct input *input)
{
    static const char *const names[RULES] = {"a", "b", "c", "d", "e", "f"};
    double points[RULES][8][2];
    struct fv_rule_params rules[RULES];
    struct fv_analytics *analytics = NULL;
    const unsigned count = take(input, RULES) + 1;
    for (unsigned i = 0; i < count; i++)
        make_rule(input, &rules[i], points[i], names[i]);
    const struct fv_analytics_params params = {.rules = rules,
                                               .rule_count = count,
                                               .tracks_max = 1 + take(input, TRACKS),
                                               .lost = take(input, 8) * 200 * FV_MS,
                                               .event = on_event};
    struct fv_error err = {0};
    if (fv_analytics_create(&params, &analytics, &err) < 0)
        check(err.text[0] != 0);
    return analytics;
}

static void play(struct input *input, struct fv_analytics *analytics, int64_t *time)
{
    static const int64_t steps[] = {0,        40 * FV_MS,  100 * FV_MS,  300 * FV_MS,
                                    3 * FV_S, 4000 * FV_S, -100 * FV_MS, -9 * FV_S};
    struct fv_tracked tracks[TRACKS];
    const unsigned count = take(input, TRACKS + 1);
    for (unsigned i = 0; i < count; i++) {
        const float x = (float)coordinate(input), y = (float)coordinate(input);
        const unsigned kind = take(input, 16);
        tracks[i] = (struct fv_tracked){.id = take(input, 8),
                                        .class_id = (uint16_t)(kind & 3),
                                        .state = kind > 12 ? FV_TRACKED_PREDICTED : FV_TRACKED_SEEN,
                                        .score = 0.5f,
                                        .x0 = x - 0.05f,
                                        .y0 = y - 0.1f,
                                        .x1 = x + 0.05f,
                                        .y1 = y};
    }
    *time += steps[take(input, 8)];
    const struct fv_zone_frame frame = {.time = *time,
                                        .pts = *time,
                                        .width = 1920,
                                        .height = 1080,
                                        .tracks = tracks,
                                        .track_count = count};
    fv_analytics_frame(analytics, &frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size < 4000 ? size : 4000};
    int64_t time = FV_S;
    seen.last_id = 0;
    seen.open_count = 0;
    struct fv_analytics *analytics = make(&input);
    while (analytics && input.size > 0) {
        if (take(&input, 64) == 63) {
            /* The same rules again: some of the next bytes decide whether they are really the same. */
            struct input again = take(&input, 2) ? (struct input){data, size} : input;
            struct fv_analytics *fresh = make(&again);
            if (fresh) {
                fv_analytics_take_over(fresh, analytics);
                fv_analytics_destroy(analytics);
                analytics = fresh;
            }
        }
        play(&input, analytics, &time);
    }
    if (analytics) {
        fv_analytics_stop(analytics);
        check(seen.open_count == 0);
    }
    fv_analytics_destroy(analytics);
    return 0;
}

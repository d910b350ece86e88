// SPDX-License-Identifier: Apache-2.0
#include "zone/scene_test.h"

const double scene_square[4][2] = {{0.4, 0.4}, {0.6, 0.4}, {0.6, 0.6}, {0.4, 0.6}};
const double scene_line[2][2] = {{0.5, 0.75}, {0.5, 0.25}};

struct fv_rule_params scene_rule(enum fv_rule_kind kind)
{
    struct fv_rule_params rule = fv_rule_defaults(kind);
    rule.name = "r";
    rule.points = kind == FV_RULE_LINE ? scene_line : scene_square;
    rule.point_count = kind == FV_RULE_LINE ? 2 : 4;
    rule.inertia = 200 * FV_MS;
    rule.margin = 0.01;
    rule.anchor = FV_ANCHOR_BOTTOM;
    return rule;
}

static void add(struct scene *scene, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct scene *scene, const char *format, ...)
{
    const size_t used = strlen(scene->log);
    va_list args;
    va_start(args, format);
    vsnprintf(scene->log + used, sizeof(scene->log) - used, format, args);
    va_end(args);
}

static const char *const short_names[FV_ZONE_TYPES] = {"enter", "exit",      "dwell", "crowd",
                                                       "cross", "direction", "count", "stationary"};

static void add_details(struct scene *scene, const struct fv_zone_event *event)
{
    const bool crowd = event->type == FV_ZONE_CROWD;
    if (crowd)
        add(scene, " n%u p%u", event->count, event->peak);
    if (event->type == FV_ZONE_EXIT || event->phase != FV_PHASE_ONCE)
        add(scene, " d%lld", (long long)(event->duration / FV_MS));
    if (event->type == FV_ZONE_EXIT || event->phase == FV_PHASE_END)
        add(scene, " %s", fv_zone_cause_name(event->cause));
    if (event->type == FV_ZONE_COUNT)
        add(scene, " n%u", event->count);
    for (uint32_t i = 0; i < event->counts_size; i++)
        add(scene, " %u:%u/%llu/%llu", event->counts[i].class_id, event->counts[i].now,
            (unsigned long long)event->counts[i].in, (unsigned long long)event->counts[i].out);
}

static void on_event(void *data, const struct fv_zone_event *event)
{
    struct scene *scene = data;
    assert_true(event->id == ++scene->last_id);
    assert_true(event->duration >= 0 && event->start <= event->time && event->ref < event->id);
    assert_true(fv_zone_type_has(event->type, event->phase));
    scene->last = *event;
    add(scene, "%s%s", scene->log[0] ? "; " : "", short_names[event->type]);
    if (event->phase != FV_PHASE_ONCE)
        add(scene, " %s", fv_zone_phase_name(event->phase));
    if (event->track)
        add(scene, " #%llu", (unsigned long long)event->track);
    if (event->type == FV_ZONE_CROSSING)
        add(scene, " %s", event->direction == FV_A_TO_B ? "a_to_b" : "b_to_a");
    if (event->type == FV_ZONE_DIRECTION)
        add(scene, " %.0f", event->angle);
    add(scene, " %lld/%lld", (long long)(event->time / FV_MS), (long long)(event->start / FV_MS));
    add_details(scene, event);
}

struct fv_analytics *scene_make(struct scene *scene, const struct fv_rule_params *rules,
                                unsigned count)
{
    const struct fv_analytics_params params = {.camera = 3,
                                               .rules = rules,
                                               .rule_count = count,
                                               .tracks_max = 16,
                                               .lost = FV_S,
                                               .event = on_event,
                                               .data = scene};
    struct fv_analytics *analytics = NULL;
    struct fv_error err = {0};
    if (fv_analytics_create(&params, &analytics, &err) < 0)
        fail_msg("%s", err.text);
    return analytics;
}

void scene_open(struct scene *scene, const struct fv_rule_params *rules, unsigned count)
{
    memset(scene, 0, sizeof(*scene));
    scene->analytics = scene_make(scene, rules, count);
}

void scene_close(struct scene *scene)
{
    fv_analytics_destroy(scene->analytics);
}

struct fv_tracked scene_tracked(uint64_t id, double x, double y)
{
    return (struct fv_tracked){.id = id,
                               .score = 0.9f,
                               .x0 = (float)(x / 100 - 0.02),
                               .y0 = (float)(y / 100 - 0.1),
                               .x1 = (float)(x / 100 + 0.02),
                               .y1 = (float)(y / 100)};
}

int scene_frame(struct scene *scene, const struct fv_tracked *tracks, uint32_t count)
{
    const struct fv_zone_frame frame = {.time = scene->now,
                                        .pts = scene->now,
                                        .wall = FV_TIME_UNKNOWN,
                                        .epoch = 1,
                                        .number = ++scene->number,
                                        .width = 1000,
                                        .height = 1000,
                                        .tracks = tracks,
                                        .track_count = count};
    return fv_analytics_frame(scene->analytics, &frame);
}

/* Reads one place. Returns the text behind it, or NULL at the end of the script. */
static const char *read_place(const char *text, bool *ret_there, struct fv_tracked *tracked,
                              unsigned *ret_times)
{
    text += strspn(text, " ");
    if (!*text)
        return NULL;
    char *end = (char *)text;
    *ret_times = 1;
    *ret_there = text[0] != '-';
    if (!*ret_there) {
        end += 2;
    } else {
        const bool predicted = text[0] == '?';
        const double x = strtod(text + predicted, &end), y = strtod(end + 1, &end);
        *tracked = scene_tracked(tracked->id, x, y);
        tracked->state = predicted ? FV_TRACKED_PREDICTED : FV_TRACKED_SEEN;
    }
    if (*end == '*')
        *ret_times = (unsigned)strtoul(end + 1, &end, 10);
    return end;
}

struct hand {
    const char *script;
    bool there;
    unsigned times; /* for which `tracked` still holds */
    struct fv_tracked tracked;
};

/* Where the track is in the next picture. False: the script is over. */
static bool next_place(struct hand *hand)
{
    if (hand->times == 0 && hand->script)
        hand->script = read_place(hand->script, &hand->there, &hand->tracked, &hand->times);
    if (!hand->script)
        return false;
    hand->times--;
    return true;
}

void scene_play(struct scene *scene, const char *const *scripts, unsigned count)
{
    struct hand hands[SCENE_TRACKS] = {{0}};
    for (unsigned i = 0; i < count; i++)
        hands[i] = (struct hand){.script = scripts[i], .tracked.id = i + 1};
    for (;;) {
        struct fv_tracked tracks[SCENE_TRACKS];
        uint32_t there = 0;
        bool more = false;
        for (unsigned i = 0; i < count; i++) {
            const bool goes_on = next_place(&hands[i]);
            more |= goes_on;
            if (goes_on && hands[i].there)
                tracks[there++] = hands[i].tracked;
        }
        if (!more)
            break;
        assert_int_equal(scene_frame(scene, tracks, there), 0);
        scene->now += 100 * FV_MS;
    }
}

void scene_walk(struct scene *scene, const char *script)
{
    scene_play(scene, &script, 1);
}

const char *scene_take(struct scene *scene)
{
    static char taken[sizeof(scene->log)];
    snprintf(taken, sizeof(taken), "%s", scene->log);
    scene->log[0] = 0;
    return taken;
}

void scene_check(const struct fv_rule_params *rule, const char *const *scripts, unsigned count,
                 const char *want)
{
    struct scene scene;
    scene_open(&scene, rule, 1);
    scene_play(&scene, scripts, count);
    fv_analytics_stop(scene.analytics);
    assert_string_equal(scene_take(&scene), want);
    struct fv_analytics_stats stats;
    fv_analytics_stats(scene.analytics, &stats);
    assert_int_equal(stats.tracks, 0);
    scene_close(&scene);
}

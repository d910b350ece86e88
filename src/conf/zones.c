// SPDX-License-Identifier: Apache-2.0
/* Zones and lines: the settings of one, and what makes it unusable. docs/analytics.md. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/areas.h"
#include "conf/mask.h"
#include "conf/suggest.h"
#include "zone/geometry.h"
#include "zone/zone.h"

#define LIST_MAX FV_RULES_MAX
#define DAY 86400

static const struct fv_word anchors[] = {
    {"bottom", FV_ANCHOR_BOTTOM}, {"centre", FV_ANCHOR_CENTRE}, {"top", FV_ANCHOR_TOP}, {NULL}};

#define AREA(member) .offset = offsetof(struct fv_conf_area, member)

static const struct fv_setting common[] = {
    {"", "NAME", FV_KIND_STRING, AREA(name), .help = "unique among the camera's zones and lines"},
    {"", "POINTS", FV_KIND_ANY, .help = "corners or ends: [x, y] as fractions of the picture"},
    {"", "ANCHOR", FV_KIND_WORD, AREA(anchor), .words = anchors, .value = "\"bottom\"",
     .help = "the point of a box that counts"},
    {"", "CLASSES", FV_KIND_LIST, AREA(classes), .value = "[]",
     .help = "classes that are heeded, by name or number; none: all"},
    {"", "MIN_SCORE", FV_KIND_NUMBER, AREA(min_score), .value = "0", .min = 0, .max = 1,
     .help = "lowest score that is heeded"},
    {"", "MIN_SIZE", FV_KIND_NUMBER, AREA(min_size), .value = "0", .min = 0, .max = 1,
     .help = "smallest box, as a part of the picture's area"},
    {"", "MAX_SIZE", FV_KIND_NUMBER, AREA(max_size), .value = "0", .min = 0, .max = 1,
     .help = "largest box, as a part of the picture's area; 0: no limit"},
    {"", "INERTIA_MS", FV_KIND_NUMBER, AREA(inertia_ms), .unit = "ms", .value = "300", .min = 0,
     .max = 60000, .help = "how long a new state must hold until it counts"},
    {"", "MARGIN", FV_KIND_NUMBER, AREA(margin), .value = "0.01", .min = 0, .max = 0.5,
     .help = "distance from the border, as a part of the picture's height, that counts"},
    {"", "COUNT_S", FV_KIND_NUMBER, AREA(count_s), .flags = FV_OPEN_MIN, .unit = "s", .min = 0,
     .max = DAY, .help = "counts by class, at most so often"},
};

static const struct fv_setting of_zone[] = {
    {"", "MASK", FV_KIND_BOOL, AREA(mask), .value = "false",
     .help = "the camera's other rules ignore what is inside"},
    {"", "ENTER_EXIT", FV_KIND_BOOL, AREA(enter_exit), .value = "false",
     .help = "events when something enters and leaves"},
    {"", "DWELL_S", FV_KIND_NUMBER, AREA(dwell_s), .flags = FV_OPEN_MIN, .unit = "s", .min = 0,
     .max = DAY, .help = "an event when something stays for so long"},
    {"", "CROWD_LIMIT", FV_KIND_INT, AREA(crowd_limit), .unit = "tracks", .min = 0,
     .max = FV_ZONE_TRACKS_MAX, .help = "an event when there are more inside"},
    {"", "CROWD_S", FV_KIND_NUMBER, AREA(crowd_s), .unit = "s", .value = "3", .min = 0, .max = DAY,
     .help = "for how long there must be"},
    {"", "CROWD_SLACK", FV_KIND_INT, AREA(crowd_slack), .unit = "tracks", .min = 0,
     .max = FV_ZONE_TRACKS_MAX, .default_note = "1; 0 when CROWD_LIMIT is 0",
     .help = "how far below the limit their number must fall to end it"},
    {"", "CROWD_UPDATE_S", FV_KIND_NUMBER, AREA(crowd_update_s), .unit = "s", .value = "0",
     .min = 0, .max = DAY, .help = "updates of the number, at most so often; 0: none"},
    {"", "DIRECTION_DEG", FV_KIND_NUMBER, AREA(direction_deg), .unit = "degrees", .min = 0,
     .max = 360, .help = "an event when something moves that way, clockwise from up"},
    {"", "DIRECTION_TOLERANCE_DEG", FV_KIND_NUMBER, AREA(direction_tolerance_deg),
     .unit = "degrees", .value = "45", .min = 0.001, .max = 180, .help = "to either side"},
    {"", "DIRECTION_DISTANCE", FV_KIND_NUMBER, AREA(direction_distance), .value = "0.1",
     .min = 0.001, .max = 2, .help = "how far, as a part of the picture's height"},
    {"", "STATIONARY_S", FV_KIND_NUMBER, AREA(stationary_s), .flags = FV_OPEN_MIN, .unit = "s",
     .min = 0, .max = DAY, .help = "an event when something stands for so long"},
    {"", "STATIONARY_RADIUS", FV_KIND_NUMBER, AREA(stationary_radius), .value = "0.05",
     .min = 0.001, .max = 1, .help = "how far it may move, as a part of the picture's height"},
    {"", "STATIONARY_FORGET_S", FV_KIND_NUMBER, AREA(stationary_forget_s), .unit = "s",
     .value = "60", .min = 0, .max = DAY, .help = "how long its place is remembered"},
    {"", "STATIONARY_SUPPRESS", FV_KIND_BOOL, AREA(stationary_suppress), .value = "true",
     .help = "the camera's other rules ignore it while it stands"},
};

#define COUNT(table) (sizeof(table) / sizeof(table[0]))

const struct fv_setting *fv_area_setting(bool line, size_t index)
{
    if (index < COUNT(common))
        return &common[index];
    index -= COUNT(common);
    return !line && index < COUNT(of_zone) ? &of_zone[index] : NULL;
}

/* One zone or line while it is read. */
struct reading {
    struct fv_check *check;
    bool line;
    uint32_t node;
    struct fv_conf_area *area;
};

static const char *what(const struct reading *in)
{
    return in->line ? "line" : "zone";
}

static uint32_t child(const struct reading *in, const char *name)
{
    uint32_t node = fv_map_child(&in->check->map, in->node, name);
    return node == FV_NODE_NONE ? in->node : node;
}

static bool has(const struct reading *in, const char *name)
{
    return fv_map_child(&in->check->map, in->node, name) != FV_NODE_NONE;
}

static struct fv_say error(const char *code, uint32_t node, const char *fix)
{
    return (struct fv_say){FV_SEVERITY_ERROR, code, node, .at_value = true, .fix = fix};
}

/* --- POINTS ------------------------------------------------------------------------------------ */

static bool read_point(const struct reading *in, uint32_t node, const json_t *value,
                       double point[2])
{
    bool pair = json_array_size(value) == 2 && json_is_number(json_array_get(value, 0)) &&
                json_is_number(json_array_get(value, 1));
    if (!pair) {
        fv_say(in->check, error("wrong_type", node, "Write [x, y], for example [0.5, 0.9]."),
               "A point must be a list of two numbers.");
        return false;
    }
    /* A line may run on beyond the edge, where anchors are that go there. */
    const int least = in->line ? -1 : 0, most = in->line ? 2 : 1;
    for (unsigned i = 0; i < 2; i++) {
        point[i] = json_number_value(json_array_get(value, i));
        if (point[i] >= least && point[i] <= most)
            continue;
        fv_say(in->check,
               error("out_of_range", node,
                     "Write fractions of the picture: [0, 0] is its top left, [1, 1] its bottom "
                     "right."),
               "%s of the point is %.10g, and must lie between %d and %d.", i ? "y" : "x", point[i],
               least, most);
        return false;
    }
    return true;
}

static bool count_fits(const struct reading *in, uint32_t node, size_t count)
{
    if (in->line ? count == 2 : count >= 3 && count <= FV_GEO_POINTS_MAX)
        return true;
    fv_say(in->check,
           error("bad_points", node,
                 in->line ? "Give its two ends." : "Give 3 to 64 corners, the first one once."),
           "A %s has %s points, not %zu.", what(in), in->line ? "2" : "3 to 64", count);
    return false;
}

static void check_shape(const struct reading *in, uint32_t node)
{
    static const char *const faults[] = {
        [FV_GEO_COUNT] = "it has too few corners",
        [FV_GEO_REPEATED] = "two of its corners are the same",
        [FV_GEO_FLAT] = "all its corners lie on one line",
        [FV_GEO_CROSSING] = "its sides cross or touch each other",
    };
    struct fv_geo_point points[FV_GEO_POINTS_MAX];
    unsigned count = in->area->point_count;
    const char *fault = NULL;
    const char *const fix =
        in->line ? "Give two different ends." : "Give its corners in their order round the zone.";
    for (unsigned i = 0; i < count; i++) {
        fv_geo_quantise(in->area->points[i][0], &points[i].x);
        fv_geo_quantise(in->area->points[i][1], &points[i].y);
    }
    if (in->line)
        fault = points[0].x == points[1].x && points[0].y == points[1].y
                    ? "its two points are the same"
                    : NULL;
    else if (fv_geo_check(points, count) != FV_GEO_FINE)
        fault = faults[fv_geo_check(points, count)];
    if (fault)
        fv_say(in->check, error("bad_points", node, fix), "The %s cannot be used: %s.", what(in),
               fault);
}

static void read_points(const struct reading *in, uint32_t node, const json_t *value)
{
    size_t count = json_array_size(value);
    bool good = true;
    if (!json_is_array(value)) {
        fv_say(in->check, error("wrong_type", node, "Write [[x, y], [x, y], ...]."),
               "POINTS must be a list of points.");
        return;
    }
    if (!count_fits(in, node, count))
        return;
    in->area->points = fv_calloc(count, sizeof(in->area->points[0]));
    if (!in->area->points) {
        in->check->failure = -ENOMEM;
        return;
    }
    uint32_t at = in->check->map.nodes[node].first;
    for (size_t i = 0; i < count && at != FV_NODE_NONE; i++) {
        good &= read_point(in, at, json_array_get(value, i), in->area->points[i]);
        at = in->check->map.nodes[at].next;
    }
    in->area->point_count = (unsigned)count;
    if (good)
        check_shape(in, node);
}

/* --- settings ------------------------------------------------------------------------------------ */

static const struct fv_setting *find(bool line, const char *name)
{
    const struct fv_setting *setting;
    for (size_t i = 0; (setting = fv_area_setting(line, i)); i++)
        if (!strcmp(setting->name, name))
            return setting;
    return NULL;
}

static void unknown_key(const struct reading *in, uint32_t node)
{
    const char *name = in->check->map.nodes[node].name;
    struct fv_suggest suggest = {.wanted = name};
    char fix[200], shown[FV_SHOW_MAX];
    struct fv_str out;
    fv_str_init(&out, fix, sizeof(fix));
    const struct fv_setting *setting;
    for (size_t i = 0; (setting = fv_area_setting(in->line, i)); i++)
        fv_suggest_offer(&suggest, setting->name);
    if (in->line && find(false, name))
        fv_str_add(&out, "Only zones have it.");
    else if (suggest.best)
        fv_str_addf(&out, "Did you mean \"%s\"?", suggest.best);
    else
        fv_str_add(&out, "Remove it; docs/analytics.md lists all settings.");
    fv_say(in->check, (struct fv_say){FV_SEVERITY_ERROR, "unknown_key", node, .fix = fix},
           "A %s has no setting \"%s\".", what(in), fv_mask_show(name, shown));
}

static void read_member(const struct reading *in, uint32_t node, const json_t *value)
{
    const struct fv_setting *setting = find(in->line, in->check->map.nodes[node].name);
    if (!setting)
        unknown_key(in, node);
    else if (!strcmp(setting->name, "POINTS"))
        read_points(in, node, value);
    else if (fv_value_check(in->check, setting, value, node) &&
             fv_value_store(setting, value, in->area) < 0)
        in->check->failure = -ENOMEM;
}

static void check_required(const struct reading *in)
{
    if (!has(in, "NAME"))
        fv_say(in->check, error("missing_key", in->node, "Add \"NAME\": \"...\"."),
               "The %s has no NAME.", what(in));
    if (!has(in, "POINTS"))
        fv_say(in->check, error("missing_key", in->node, "Add \"POINTS\": [[x, y], ...]."),
               "The %s has no POINTS.", what(in));
    if (in->area->name && strlen(in->area->name) >= FV_RULE_NAME_MAX)
        fv_say(in->check, error("bad_name", child(in, "NAME"), "Choose a shorter one."),
               "NAME has more than %d bytes.", FV_RULE_NAME_MAX - 1);
}

static void check_values(const struct reading *in)
{
    const struct fv_conf_area *area = in->area;
    if (area->max_size > 0 && area->max_size < area->min_size)
        fv_say(in->check,
               error("bad_value", child(in, "MAX_SIZE"), "Make MAX_SIZE the larger one."),
               "MAX_SIZE %.10g is smaller than MIN_SIZE %.10g.", area->max_size, area->min_size);
    if (area->classes.count > FV_RULE_CLASSES_MAX)
        fv_say(in->check, error("out_of_range", child(in, "CLASSES"), "Shorten the list."),
               "CLASSES has more than %d entries.", FV_RULE_CLASSES_MAX);
    if (area->crowd_limit >= 0 && area->crowd_slack > area->crowd_limit)
        fv_say(in->check,
               error("bad_value", child(in, "CROWD_SLACK"), "Make CROWD_LIMIT the larger one."),
               "CROWD_SLACK %d is larger than CROWD_LIMIT %d.", area->crowd_slack,
               area->crowd_limit);
}

/* Of a line without other faults. */
static void check_reach(const struct reading *in)
{
    struct fv_geo_point line[2];
    if (!in->area->points) /* no memory */
        return;
    for (unsigned i = 0; i < 2; i++) {
        fv_geo_quantise(in->area->points[i][0], &line[i].x);
        fv_geo_quantise(in->area->points[i][1], &line[i].y);
    }
    if (!fv_geo_enters_picture(line))
        fv_say(in->check,
               (struct fv_say){FV_SEVERITY_WARNING, "idle_line", child(in, "POINTS"),
                               .at_value = true,
                               .fix = "Move it into the picture; for those who leave it, a little "
                                      "away from the edge."},
               "Nothing can cross the line: it lies at the picture's edge or outside.");
}

/* Of a zone without other faults. */
static void check_asks(const struct reading *in)
{
    const struct fv_conf_area *area = in->area;
    bool asked = area->mask || area->enter_exit || area->dwell_s > 0 || area->crowd_limit >= 0 ||
                 area->direction_deg >= 0 || area->count_s > 0 || area->stationary_s > 0;
    if (!asked)
        fv_say(in->check,
               (struct fv_say){FV_SEVERITY_WARNING, "idle_zone", in->node,
                               .fix = "Add for example \"ENTER_EXIT\": true or \"DWELL_S\": 10."},
               "The zone asks for nothing: it yields no events.");
}

/* A setting that refines a rule, and the one that asks for the rule. */
static void check_refines(const struct reading *in)
{
    static const char *const refines[][2] = {
        {"CROWD_S", "CROWD_LIMIT"},
        {"CROWD_SLACK", "CROWD_LIMIT"},
        {"CROWD_UPDATE_S", "CROWD_LIMIT"},
        {"DIRECTION_TOLERANCE_DEG", "DIRECTION_DEG"},
        {"DIRECTION_DISTANCE", "DIRECTION_DEG"},
        {"STATIONARY_RADIUS", "STATIONARY_S"},
        {"STATIONARY_FORGET_S", "STATIONARY_S"},
        {"STATIONARY_SUPPRESS", "STATIONARY_S"},
    };
    for (size_t i = 0; i < COUNT(refines); i++) {
        char fix[80];
        snprintf(fix, sizeof(fix), "Add %s, or remove it.", refines[i][1]);
        if (has(in, refines[i][0]) && !has(in, refines[i][1]))
            fv_say(in->check,
                   (struct fv_say){FV_SEVERITY_WARNING, "idle_setting", child(in, refines[i][0]),
                                   .fix = fix},
                   "%s has no effect without %s.", refines[i][0], refines[i][1]);
    }
}

static int set_defaults(bool line, struct fv_conf_area *area)
{
    const struct fv_setting *setting;
    *area = (struct fv_conf_area){.crowd_limit = -1, .crowd_slack = -1, .direction_deg = -1};
    for (size_t i = 0; (setting = fv_area_setting(line, i)); i++) {
        if (!setting->value)
            continue;
        json_t *value = json_loads(setting->value, JSON_DECODE_ANY, NULL);
        int r = value ? fv_value_store(setting, value, area) : -ENOMEM;
        json_decref(value);
        if (r < 0)
            return r;
    }
    return 0;
}

static void read_area(const struct reading *in, const json_t *value)
{
    unsigned errors = in->check->report.errors;
    if (set_defaults(in->line, in->area) < 0)
        in->check->failure = -ENOMEM;
    if (!json_is_object(value)) {
        fv_say(in->check,
               error("wrong_type", in->node,
                     "Write { \"NAME\": \"...\", \"POINTS\": [[x, y], ...] }."),
               "A %s must be an object with NAME and POINTS.", what(in));
        return;
    }
    for (uint32_t i = in->check->map.nodes[in->node].first; i != FV_NODE_NONE;
         i = in->check->map.nodes[i].next)
        if (!fv_check_repeated(in->check, i))
            read_member(in, i, json_object_get(value, in->check->map.nodes[i].name));
    check_required(in);
    check_values(in);
    if (!in->line)
        check_refines(in);
    if (in->check->report.errors == errors)
        (in->line ? check_reach : check_asks)(in);
    if (in->area->crowd_slack < 0)
        in->area->crowd_slack = in->area->crowd_limit > 0;
}

/* --- lists ---------------------------------------------------------------------------------------- */

static void read_list(struct fv_check *check, uint32_t node, const json_t *value,
                      struct fv_conf_areas *areas)
{
    size_t count = json_array_size(value);
    if (count > LIST_MAX) {
        fv_say(check, error("out_of_range", node, "Shorten the list."),
               "%s has more than %d entries.", check->map.nodes[node].name, LIST_MAX);
        return;
    }
    areas->items = fv_calloc(count + 1, sizeof(areas->items[0]));
    if (!areas->items) {
        check->failure = -ENOMEM;
        return;
    }
    uint32_t at = check->map.nodes[node].first;
    for (size_t i = 0; i < count && at != FV_NODE_NONE; i++) {
        struct reading in = {check, !strcmp(check->map.nodes[node].name, "LINES"), at,
                             &areas->items[areas->count++]};
        read_area(&in, json_array_get(value, i));
        at = check->map.nodes[at].next;
    }
    if (count > 0 && !check->config->tracking.enable)
        fv_say(check,
               (struct fv_say){FV_SEVERITY_WARNING, "needs_tracking", node,
                               .fix = "Set tracking.ENABLE_TRACKING to true."},
               "%s has no effect without tracking.", check->map.nodes[node].name);
}

static void read_key(struct fv_check *check, uint32_t parent, const json_t *object,
                     struct fv_conf_areas *areas, const char *name)
{
    uint32_t node = fv_map_child(&check->map, parent, name);
    const json_t *value = json_object_get(object, name);
    if (node == FV_NODE_NONE || check->map.nodes[node].repeated || !json_is_array(value))
        return;
    areas->given = true;
    read_list(check, node, value, areas);
}

void fv_check_areas(struct fv_check *check, uint32_t parent, const json_t *object,
                    struct fv_conf_areas *zones, struct fv_conf_areas *lines)
{
    read_key(check, parent, object, zones, "ZONES");
    read_key(check, parent, object, lines, "LINES");
}

/* --- what a camera has ------------------------------------------------------------------------------ */

static unsigned rules_of(const struct fv_conf_areas *zones, const struct fv_conf_areas *lines)
{
    unsigned rules = 0;
    for (unsigned i = 0; i < zones->count; i++) {
        const struct fv_conf_area *area = &zones->items[i];
        rules += area->mask + area->enter_exit + (area->dwell_s > 0) + (area->crowd_limit >= 0) +
                 (area->direction_deg >= 0) + (area->count_s > 0) + (area->stationary_s > 0);
    }
    for (unsigned i = 0; i < lines->count; i++)
        rules += 1 + (lines->items[i].count_s > 0);
    return rules;
}

static const struct fv_conf_area *nth(const struct fv_conf_areas *zones,
                                      const struct fv_conf_areas *lines, unsigned index)
{
    return index < zones->count ? &zones->items[index] : &lines->items[index - zones->count];
}

/* Where the n-th of the zones and lines has its name; `fallback`: it stands elsewhere. */
static uint32_t name_of_nth(const struct fv_check *check, uint32_t parent,
                            const struct fv_conf_areas *zones, unsigned index, uint32_t fallback)
{
    bool line = index >= zones->count;
    uint32_t list = fv_map_child(&check->map, parent, line ? "LINES" : "ZONES");
    uint32_t at = list == FV_NODE_NONE ? list : check->map.nodes[list].first;
    for (unsigned i = line ? zones->count : 0; i < index && at != FV_NODE_NONE; i++)
        at = check->map.nodes[at].next;
    uint32_t name = at == FV_NODE_NONE ? at : fv_map_child(&check->map, at, "NAME");
    return name == FV_NODE_NONE ? fallback : name;
}

void fv_check_areas_joined(struct fv_check *check, uint32_t parent,
                           const struct fv_conf_areas *zones, const struct fv_conf_areas *lines)
{
    unsigned count = zones->count + lines->count;
    uint32_t node = fv_map_child(&check->map, parent, "LINES");
    if (node == FV_NODE_NONE)
        node = fv_map_child(&check->map, parent, "ZONES");
    char shown[FV_SHOW_MAX];
    for (unsigned i = 0; i < count; i++) {
        for (unsigned k = 0; k < i; k++) {
            const char *a = nth(zones, lines, i)->name, *b = nth(zones, lines, k)->name;
            if (!a || !b || strcmp(a, b))
                continue;
            uint32_t place = name_of_nth(check, parent, zones, i, node);
            fv_say(check, error("duplicate_name", place, "Give each zone and line its own name."),
                   "Two zones or lines of a camera are called \"%s\".", fv_mask_show(a, shown));
            break;
        }
    }
    unsigned rules = rules_of(zones, lines);
    if (rules > FV_RULES_MAX)
        fv_say(check, error("out_of_range", node, "Leave some of them out."),
               "The zones and lines ask for %u rules; a camera has at most %d.", rules,
               FV_RULES_MAX);
}

void fv_areas_finish(struct fv_conf_areas *areas)
{
    for (unsigned i = 0; i < areas->count; i++) {
        struct fv_conf_area *area = &areas->items[i];
        for (unsigned k = 0; k < area->classes.count; k++)
            fv_free(area->classes.items[k]);
        fv_free(area->classes.items);
        fv_free(area->points);
        fv_free(area->name);
    }
    fv_free(areas->items);
    *areas = (struct fv_conf_areas){0};
}

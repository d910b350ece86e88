// SPDX-License-Identifier: Apache-2.0
#include "zone/event.h"

#include <errno.h>
#include <stdio.h>

/* --- the table ------------------------------------------------------------------------------------------------------- */

#define ONCE (1u << FV_PHASE_ONCE)
#define START (1u << FV_PHASE_START)
#define UPDATE (1u << FV_PHASE_UPDATE)
#define END (1u << FV_PHASE_END)
#define ALWAYS (ONCE | START | UPDATE | END)

enum field_id {
    F_SCHEMA,
    F_ID,
    F_TYPE,
    F_PHASE,
    F_REF,
    F_CAMERA,
    F_RULE,
    F_FRAME,
    F_EPOCH,
    F_PTS,
    F_CAPTURE,
    F_DELAY,
    F_DURATION,
    F_CAUSE,
    F_TRACK,
    F_CLASS,
    F_SCORE,
    F_POSITION,
    F_BOX,
    F_DIRECTION,
    F_ANGLE,
    F_COUNT,
    F_PEAK,
    F_LIMIT,
    F_CLASSES,
    FIELDS
};

struct field {
    const char *key, *type, *help;
    unsigned phases; /* in which it is there */
};

static const struct field fields[FIELDS] = {
    [F_SCHEMA] = {"schema", "string",
                  "`" FV_ZONE_SCHEMA
                  "`. Within version 1 fields and types are added, never removed or changed.",
                  ALWAYS},
    [F_ID] = {"id", "integer",
              "from 1, unique for the camera and the run; grows in the order of the events",
              ALWAYS},
    [F_TYPE] = {"type", "string", "see the table of types", ALWAYS},
    [F_PHASE] = {"phase", "string",
                 "`once`: a moment; `start`, `update`, `end`: of something that lasts. Each "
                 "`start` has one `end`.",
                 ALWAYS},
    [F_REF] = {"ref", "integer or null",
               "`id` of the event that this one goes on with: the `start` of an `update` or `end`, "
               "the `zone.enter` of a `zone.exit`",
               ONCE | UPDATE | END},
    [F_CAMERA] = {"camera", "string", "the camera's name in the configuration", ALWAYS},
    [F_RULE] = {"rule", "string", "`NAME` of the zone or line", ALWAYS},
    [F_FRAME] = {"frame", "integer", "number of the picture that decided", ALWAYS},
    [F_EPOCH] = {"epoch", "integer", "its epoch: `pts_ms` compares only within one", ALWAYS},
    [F_PTS] = {"pts_ms", "number or null",
               "its time by the camera's clock, milliseconds since the epoch's first picture",
               ALWAYS},
    [F_CAPTURE] = {"capture_time", "string or null",
                   "its time of day by the camera's clock, RFC 3339", ALWAYS},
    [F_DELAY] = {"delay_ms", "number",
                 "how long before this picture it happened: the inertia, or the time until a lost "
                 "track was given up",
                 ONCE},
    [F_DURATION] = {"duration_ms", "number",
                    "how long it has lasted, or did last; never negative. Time without a sighting "
                    "at the end does not count.",
                    ALWAYS},
    [F_CAUSE] =
        {"cause", "string",
         "why it ended: `moved` (seen to do so), `lost` (the track), `ignored` (under a mask, or "
         "stationary), `reloaded` (the rule was changed), `stopped` (the analysis)",
         ONCE | END},
    [F_TRACK] = {"track", "integer", "the track's id", ALWAYS},
    [F_CLASS] = {"class", "string", "its class; `class_id` beside it is the number", ALWAYS},
    [F_SCORE] = {"score", "number", "its score when last seen, 0 to 1", ALWAYS},
    [F_POSITION] = {"position", "2 numbers", "its anchor when last seen: x, y, 0 to 1", ALWAYS},
    [F_BOX] = {"box_norm", "4 numbers", "its box when last seen: left, top, right, bottom, 0 to 1",
               ALWAYS},
    [F_DIRECTION] = {"direction", "string",
                     "`a_to_b` or `b_to_a`. A is on the left of somebody who looks from the line's "
                     "first point to its second.",
                     ALWAYS},
    [F_ANGLE] = {"angle", "number",
                 "of the movement on the picture, degrees clockwise from up: 90 is to the right",
                 ALWAYS},
    [F_COUNT] = {"count", "integer", "tracks in the zone now", ALWAYS},
    [F_PEAK] = {"peak", "integer", "most tracks in the zone since it began", ALWAYS},
    [F_LIMIT] = {"limit", "integer", "the rule's limit", ALWAYS},
    [F_CLASSES] = {"classes", "array",
                   "for each class that was seen: `class`, `class_id`, `now`, and totals `in` and "
                   "`out` (entered, left; over a line A to B, B to A)",
                   ALWAYS},
};

#define BIT(field) (1u << (field))
#define COMMON                                                                                     \
    (BIT(F_SCHEMA) | BIT(F_ID) | BIT(F_TYPE) | BIT(F_PHASE) | BIT(F_CAMERA) | BIT(F_RULE) |        \
     BIT(F_FRAME) | BIT(F_EPOCH) | BIT(F_PTS) | BIT(F_CAPTURE))
#define TRACK (BIT(F_TRACK) | BIT(F_CLASS) | BIT(F_SCORE) | BIT(F_POSITION) | BIT(F_BOX))
#define LASTS (BIT(F_REF) | BIT(F_DURATION) | BIT(F_CAUSE))

static const struct {
    const char *name, *help;
    unsigned phases, fields;
} types[FV_ZONE_TYPES] = {
    [FV_ZONE_ENTER] = {"zone.enter", "a track came into the zone, or appeared in it", ONCE,
                       COMMON | TRACK | BIT(F_DELAY)},
    [FV_ZONE_EXIT] = {"zone.exit", "it left the zone, or was lost in it", ONCE,
                      COMMON | TRACK | LASTS | BIT(F_DELAY)},
    [FV_ZONE_DWELL] = {"zone.dwell", "a track stays for at least `DWELL_S`", START | END,
                       COMMON | TRACK | LASTS},
    [FV_ZONE_CROWD] = {"zone.crowd", "more than `CROWD_LIMIT` tracks in the zone",
                       START | UPDATE | END,
                       COMMON | LASTS | BIT(F_COUNT) | BIT(F_PEAK) | BIT(F_LIMIT)},
    [FV_ZONE_CROSSING] = {"line.crossing", "a track went through the line", ONCE,
                          COMMON | TRACK | BIT(F_DELAY) | BIT(F_DIRECTION)},
    [FV_ZONE_DIRECTION] = {"zone.direction", "a track in the zone moves into the watched direction",
                           ONCE, COMMON | TRACK | BIT(F_DELAY) | BIT(F_ANGLE)},
    [FV_ZONE_COUNT] = {"count", "counts by class of a zone or line", ONCE,
                       COMMON | BIT(F_COUNT) | BIT(F_CLASSES)},
    [FV_ZONE_STATIONARY] = {"stationary", "something stands at one place", START | END,
                            COMMON | TRACK | LASTS},
};

static const struct {
    const char *name;
} phases[FV_PHASES] = {{"once"}, {"start"}, {"update"}, {"end"}};

static const char *const causes[FV_CAUSES] = {"moved", "lost", "ignored", "reloaded", "stopped"};

/* --- reading it ------------------------------------------------------------------------------------------------------ */

const char *fv_zone_type_name(enum fv_zone_type type)
{
    return (unsigned)type < FV_ZONE_TYPES ? types[type].name : "unknown";
}

const char *fv_zone_phase_name(enum fv_zone_phase phase)
{
    return (unsigned)phase < FV_PHASES ? phases[phase].name : "unknown";
}

const char *fv_zone_cause_name(enum fv_zone_cause cause)
{
    return (unsigned)cause < FV_CAUSES ? causes[cause] : "unknown";
}

bool fv_zone_type_has(enum fv_zone_type type, enum fv_zone_phase phase)
{
    return (unsigned)type < FV_ZONE_TYPES && (unsigned)phase < FV_PHASES &&
           (types[type].phases & 1u << phase) != 0;
}

static struct fv_zone_value text(const char *value)
{
    return (struct fv_zone_value){.kind = FV_VALUE_TEXT, .text = value};
}

static struct fv_zone_value whole(uint64_t value)
{
    return (struct fv_zone_value){.kind = FV_VALUE_WHOLE, .whole = value};
}

static struct fv_zone_value number(double value)
{
    return (struct fv_zone_value){.kind = FV_VALUE_NUMBER, .number = {value}};
}

static struct fv_zone_value milliseconds(int64_t ns)
{
    if (ns == FV_TIME_UNKNOWN)
        return (struct fv_zone_value){.kind = FV_VALUE_NULL};
    return (struct fv_zone_value){.kind = FV_VALUE_MS, .number = {(double)ns / 1e6}};
}

static struct fv_zone_value of_track(const struct fv_zone_event *event, enum field_id field)
{
    struct fv_zone_value value = {.kind = FV_VALUE_BOX};
    switch (field) {
    case F_TRACK:
        return whole(event->track);
    case F_CLASS:
        return (struct fv_zone_value){.kind = FV_VALUE_CLASS, .whole = event->class_id};
    case F_SCORE:
        return number(event->score);
    case F_POSITION:
        return (struct fv_zone_value){
            .kind = FV_VALUE_PAIR,
            .number = {fv_geo_value(event->at.x), fv_geo_value(event->at.y)}};
    default:
        for (int i = 0; i < 4; i++)
            value.number[i] = event->box[i];
        return value;
    }
}

static struct fv_zone_value of_rule(const struct fv_zone_event *event, enum field_id field)
{
    switch (field) {
    case F_DIRECTION:
        return text(event->direction == FV_A_TO_B ? "a_to_b" : "b_to_a");
    case F_ANGLE:
        return number(event->angle);
    case F_COUNT:
        return whole(event->count);
    case F_PEAK:
        return whole(event->peak);
    case F_LIMIT:
        return whole(event->limit);
    default:
        return (struct fv_zone_value){
            .kind = FV_VALUE_COUNTS, .counts = event->counts, .counts_size = event->counts_size};
    }
}

static struct fv_zone_value of_picture(const struct fv_zone_event *event, enum field_id field)
{
    switch (field) {
    case F_CAMERA:
        return (struct fv_zone_value){.kind = FV_VALUE_CAMERA, .whole = event->camera};
    case F_FRAME:
        return whole(event->frame);
    case F_EPOCH:
        return whole(event->epoch);
    case F_PTS:
        return milliseconds(event->pts);
    case F_DELAY:
        return milliseconds(event->time - event->start);
    case F_DURATION:
        return milliseconds(event->duration);
    default:
        if (event->wall == FV_TIME_UNKNOWN)
            return (struct fv_zone_value){.kind = FV_VALUE_NULL};
        return (struct fv_zone_value){.kind = FV_VALUE_WALL, .ns = event->wall};
    }
}

static struct fv_zone_value value_of(const struct fv_zone_event *event, enum field_id field)
{
    switch (field) {
    case F_SCHEMA:
        return text(FV_ZONE_SCHEMA);
    case F_ID:
        return whole(event->id);
    case F_TYPE:
        return text(fv_zone_type_name(event->type));
    case F_PHASE:
        return text(fv_zone_phase_name(event->phase));
    case F_REF:
        return event->ref ? whole(event->ref) : (struct fv_zone_value){.kind = FV_VALUE_NULL};
    case F_RULE:
        return text(event->rule);
    case F_CAUSE:
        return text(fv_zone_cause_name(event->cause));
    default:
        if (BIT(field) & TRACK)
            return of_track(event, field);
        return field >= F_DIRECTION ? of_rule(event, field) : of_picture(event, field);
    }
}

static bool is_there(enum fv_zone_type type, unsigned phase_mask, unsigned field)
{
    return (types[type].fields & BIT(field)) != 0 && (fields[field].phases & phase_mask) != 0;
}

int fv_zone_event_visit(const struct fv_zone_event *event, fv_zone_visit_fn visit, void *data)
{
    if (!fv_zone_type_has(event->type, event->phase))
        return -EINVAL;
    for (unsigned i = 0; i < FIELDS; i++) {
        if (!is_there(event->type, 1u << event->phase, i))
            continue;
        const struct fv_zone_value value = value_of(event, (enum field_id)i);
        const int rc = visit(data, fields[i].key, &value);
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* --- documentation --------------------------------------------------------------------------------------------------- */

struct page {
    void (*text)(void *data, const char *text);
    void *data;
};

/* The phases among `mask` for which the field is there, "start, end". */
static void put_phases(const struct page *page, unsigned mask)
{
    const char *before = "";
    for (unsigned i = 0; i < FV_PHASES; i++) {
        if (!(mask & 1u << i))
            continue;
        page->text(page->data, before);
        page->text(page->data, phases[i].name);
        before = ", ";
    }
}

static void put_type(const struct page *page, unsigned type)
{
    char line[300];
    const char *before = "";
    snprintf(line, sizeof(line), "| `%s` | ", types[type].name);
    page->text(page->data, line);
    put_phases(page, types[type].phases);
    snprintf(line, sizeof(line), " | %s | ", types[type].help);
    page->text(page->data, line);
    for (unsigned i = 0; i < FIELDS; i++) {
        if ((COMMON & BIT(i)) || !is_there((enum fv_zone_type)type, types[type].phases, i))
            continue;
        snprintf(line, sizeof(line), "%s`%s`", before, fields[i].key);
        page->text(page->data, line);
        before = ", ";
    }
    page->text(page->data, " |\n");
}

void fv_zone_document(void (*put)(void *data, const char *text), void *data)
{
    const struct page page = {put, data};
    char line[400];
    put(data,
        "| Type | Phases | Meaning | Fields beside those of all types |\n|---|---|---|---|\n");
    for (unsigned i = 0; i < FV_ZONE_TYPES; i++)
        put_type(&page, i);
    put(data, "\n| Field | Type | Of | Meaning |\n|---|---|---|---|\n");
    for (unsigned i = 0; i < FIELDS; i++) {
        snprintf(line, sizeof(line), "| `%s` | %s | ", fields[i].key, fields[i].type);
        put(data, line);
        if (COMMON & BIT(i))
            put(data, "all types");
        else
            put(data, "types that name it");
        if (fields[i].phases != ALWAYS && fields[i].phases != ONCE) {
            put(data, "; phases ");
            put_phases(&page, fields[i].phases);
        }
        put(data, " | ");
        put(data, fields[i].help);
        put(data, " |\n");
    }
}

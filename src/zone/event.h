// SPDX-License-Identifier: Apache-2.0
/*
 * Events of the rules. What there is - types, phases, fields, their meaning - stands in one table (event.c); who writes events
 * (JSON, a message) walks over their fields and needs to know no type. docs/events.md is generated from it.
 */
#ifndef FV_ZONE_EVENT_H
#define FV_ZONE_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "zone/geometry.h"

#define FV_ZONE_SCHEMA                                                                             \
    "fovea.zone/1" /* within version 1 fields and types are added, never removed or changed */

enum fv_zone_type {
    FV_ZONE_ENTER,
    FV_ZONE_EXIT,
    FV_ZONE_DWELL,
    FV_ZONE_CROWD,
    FV_ZONE_CROSSING,
    FV_ZONE_DIRECTION,
    FV_ZONE_COUNT,
    FV_ZONE_STATIONARY,
    FV_ZONE_TYPES
};

enum fv_zone_phase {
    FV_PHASE_ONCE, /* a moment */
    FV_PHASE_START,
    FV_PHASE_UPDATE,
    FV_PHASE_END,
    FV_PHASES
};

/* Why something ended. */
enum fv_zone_cause {
    FV_CAUSE_MOVED,    /* seen to do so */
    FV_CAUSE_LOST,     /* not seen for too long */
    FV_CAUSE_IGNORED,  /* under a mask, or stationary */
    FV_CAUSE_RELOADED, /* the rule was changed or removed */
    FV_CAUSE_STOPPED,  /* the analysis ended */
    FV_CAUSES
};

enum fv_zone_direction {
    FV_A_TO_B,
    FV_B_TO_A
}; /* A: left of the line for somebody who looks from its first point to its second */

/* Of one class, by a counting rule. */
struct fv_class_count {
    uint16_t class_id; /* FV_CLASS_OTHERS: all that found no room in the table */
    uint32_t now;      /* in the zone; 0 for a line */
    uint64_t in, out;  /* entered and left; over a line A to B and B to A */
};
#define FV_CLASS_OTHERS UINT16_MAX

/* Borrowed: valid during the callback. Fields that the type does not have are zero. */
struct fv_zone_event {
    uint64_t id; /* from 1, unique for the camera and the run */
    uint64_t
        ref; /* the event that this one goes on or ends (its START, the ENTER of an EXIT); 0: none */
    enum fv_zone_type type;
    enum fv_zone_phase phase;
    enum fv_zone_cause cause; /* END and EXIT */
    uint32_t camera;
    const char *rule; /* its name */

    /* of the picture that decided */
    uint64_t frame;
    uint32_t epoch;
    int64_t pts, wall; /* FV_TIME_UNKNOWN when not known */

    /* on the clock of the analysis, ns: that of the pictures, but it never goes back */
    int64_t time;     /* when it was decided */
    int64_t start;    /* when it happened or, of what lasts, began */
    int64_t duration; /* of what lasts, up to now or to its end; never negative */

    /* the track; position is its anchor, 0..1 */
    uint64_t track;
    uint16_t class_id;
    float score;
    float box[4]; /* left, top, right, bottom, 0..1 */
    struct fv_geo_point at;

    enum fv_zone_direction direction;
    double angle;         /* degrees clockwise from up, 0 <= angle < 360 */
    uint32_t count, peak; /* in the zone */
    uint32_t limit;
    const struct fv_class_count *counts;
    uint32_t counts_size;
};

/* A field's value, ready to be written. */
enum fv_zone_value_kind {
    FV_VALUE_NULL,
    FV_VALUE_TEXT,   /* text */
    FV_VALUE_WHOLE,  /* whole */
    FV_VALUE_NUMBER, /* number[0] */
    FV_VALUE_PAIR,   /* number[0..1] */
    FV_VALUE_BOX,    /* number[0..3] */
    FV_VALUE_MS,     /* number[0]: milliseconds, 3 decimals are meant */
    FV_VALUE_WALL,   /* ns: since 1970; written as RFC 3339 */
    FV_VALUE_CAMERA, /* whole: the camera's index; written as its name */
    FV_VALUE_CLASS,  /* whole: the class; written as its label */
    FV_VALUE_COUNTS, /* counts: a list */
};

struct fv_zone_value {
    enum fv_zone_value_kind kind;
    const char *text;
    uint64_t whole;
    int64_t ns;
    double number[4];
    const struct fv_class_count *counts;
    uint32_t counts_size;
};

/* Stops the walk when it returns non-zero. */
typedef int (*fv_zone_visit_fn)(void *data, const char *key, const struct fv_zone_value *value);

/* Each field that the event's type and phase have, in the order of the documentation. 0, or what the visitor returned;
 * -EINVAL for an event of no known type or phase. */
int fv_zone_event_visit(const struct fv_zone_event *event, fv_zone_visit_fn visit, void *data);

const char *fv_zone_type_name(enum fv_zone_type type); /* "zone.enter", ...; never NULL */
const char *fv_zone_phase_name(enum fv_zone_phase phase);
const char *fv_zone_cause_name(enum fv_zone_cause cause);
/* The type can have events of this phase. */
bool fv_zone_type_has(enum fv_zone_type type, enum fv_zone_phase phase);

/* Its part of docs/events.md, in pieces. */
void fv_zone_document(void (*text)(void *data, const char *text), void *data);

#endif

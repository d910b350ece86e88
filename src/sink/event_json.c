// SPDX-License-Identifier: Apache-2.0
#include "sink/event_json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define FRAME_SCHEMA "fovea.frame/1"

/* Text that is not UTF-8 cannot be shown in JSON. */
static json_t *make_string(const char *text)
{
    json_t *string = json_string(text);
    return string ? string : json_string("?");
}

static json_t *make_real(double value, double one)
{
    return json_real(isfinite(value) ? round(value * one) / one : 0);
}

/* nanoseconds -> milliseconds with 3 decimals, or null */
static json_t *make_ms(int64_t ns)
{
    return ns == FV_TIME_UNKNOWN ? json_null() : make_real((double)ns / 1e6, 1000);
}

static json_t *make_time(int64_t wall)
{
    char text[FV_RFC3339_SIZE];
    fv_rfc3339(wall, text);
    return text[0] ? json_string(text) : json_null();
}

/* When the event came to be: it may have waited in the sink's queue. Offline: when its picture was
 * taken, as far as the file says. */
static json_t *make_event_time(const struct fv_sink_context *context, int64_t at)
{
    if (context->offline)
        return make_time(at == FV_TIME_UNKNOWN ? at : context->start + at);
    int64_t wall = fv_wall();
    return make_time(at == FV_TIME_UNKNOWN ? wall : wall - (fv_now() - at));
}

static json_t *make_label(const struct fv_sink_context *context, uint64_t class_id)
{
    char number[32];
    snprintf(number, sizeof(number), "class %llu", (unsigned long long)class_id);
    return make_string(class_id < context->label_count ? context->labels[class_id] : number);
}

static int64_t age_of(const struct fv_frame_info *info)
{
    if (info->at.event == FV_TIME_UNKNOWN || info->at.last_packet == FV_TIME_UNKNOWN)
        return FV_TIME_UNKNOWN;
    return info->at.event - info->at.last_packet;
}

static json_t *make_box(const struct fv_detection *d, double width, double height, double one)
{
    return json_pack("[o,o,o,o]", make_real((double)d->x0 / width, one),
                     make_real((double)d->y0 / height, one), make_real((double)d->x1 / width, one),
                     make_real((double)d->y1 / height, one));
}

/* --- pictures: one table that writes and documents -------------------------------------------- */

/* What a field is made of: a picture, and one of its detections where the field is of that. */
struct subject {
    const struct fv_sink_context *context;
    const struct fv_result *result;
    const struct fv_detection *detection;
};

struct field {
    const char *key, *type, *help;
    json_t *(*make)(const struct subject *of);  /* NULL: out of memory */
    bool (*is_there)(const struct subject *of); /* NULL: always */
};

static json_t *make_object(const struct field *fields, size_t count, const struct subject *of)
{
    json_t *object = json_object();
    for (size_t i = 0; object && i < count; i++) {
        if (fields[i].is_there && !fields[i].is_there(of))
            continue;
        if (json_object_set_new(object, fields[i].key, fields[i].make(of)) == 0)
            continue;
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *detection_class(const struct subject *of)
{
    return make_label(of->context, of->detection->class_id);
}

static json_t *detection_class_id(const struct subject *of)
{
    return json_integer(of->detection->class_id);
}

static json_t *detection_score(const struct subject *of)
{
    return make_real((double)of->detection->score, 1000);
}

static json_t *detection_box(const struct subject *of)
{
    return make_box(of->detection, 1, 1, 10);
}

static json_t *detection_box_norm(const struct subject *of)
{
    const struct fv_frame_info *info = &of->result->info;
    const double width = info->width ? info->width : 1, height = info->height ? info->height : 1;
    return make_box(of->detection, width, height, 100000);
}

static json_t *detection_track(const struct subject *of)
{
    return json_integer((json_int_t)of->detection->track);
}

static bool has_track(const struct subject *of)
{
    return of->detection->track != 0;
}

static const struct field detection_fields[] = {
    {"class", "string", "the model's label; `class N` when the model has none for it",
     detection_class},
    {"class_id", "integer", "the label's number, from 0", detection_class_id},
    {"score", "number", "0 to 1, 3 decimals", detection_score},
    {"box", "4 numbers",
     "left, top, right, bottom in pixels of the picture, origin at the top left, inside the "
     "picture, 1 decimal",
     detection_box},
    {"box_norm", "4 numbers", "the same divided by width and height, 0 to 1, 5 decimals",
     detection_box_norm},
    {"track", "integer",
     "number of its track: the same object has the same number from picture to picture. Unique "
     "for the camera and the run. Not there while an object is new (one picture) and when "
     "`tracking.ENABLE_TRACKING` is off.",
     detection_track, has_track},
};
#define DETECTION_FIELDS (sizeof(detection_fields) / sizeof(detection_fields[0]))

static json_t *frame_schema(const struct subject *of)
{
    (void)of;
    return json_string(FRAME_SCHEMA);
}

static json_t *frame_camera(const struct subject *of)
{
    return make_string(fv_sink_camera_name(of->context, of->result->info.camera));
}

static json_t *frame_number(const struct subject *of)
{
    return json_integer((json_int_t)of->result->info.number);
}

static json_t *frame_epoch(const struct subject *of)
{
    return json_integer(of->result->info.epoch);
}

static json_t *frame_pts(const struct subject *of)
{
    return make_ms(of->result->info.pts);
}

static json_t *frame_time(const struct subject *of)
{
    const struct fv_frame_info *info = &of->result->info;
    return make_event_time(of->context, of->context->offline ? info->pts : info->at.event);
}

static json_t *frame_capture(const struct subject *of)
{
    return make_time(of->result->info.wall);
}

static json_t *frame_age(const struct subject *of)
{
    return make_ms(of->context->offline ? FV_TIME_UNKNOWN : age_of(&of->result->info));
}

static json_t *frame_width(const struct subject *of)
{
    return json_integer(of->result->info.width);
}

static json_t *frame_height(const struct subject *of)
{
    return json_integer(of->result->info.height);
}

static json_t *frame_key(const struct subject *of)
{
    return json_boolean(of->result->info.flags & FV_FRAME_KEY);
}

static json_t *frame_damaged(const struct subject *of)
{
    return json_boolean(of->result->info.flags & (FV_FRAME_DAMAGED | FV_FRAME_PARTIAL));
}

static json_t *frame_detections(const struct subject *of)
{
    json_t *list = json_array();
    for (uint32_t i = 0; list && i < of->result->count; i++) {
        const struct subject one = {of->context, of->result, &of->result->detections[i]};
        if (json_array_append_new(list, make_object(detection_fields, DETECTION_FIELDS, &one)) <
            0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static const struct field frame_fields[] = {
    {"schema", "string",
     "`" FRAME_SCHEMA "`. Within version 1 keys are added, never removed or changed.",
     frame_schema},
    {"camera", "string", "the camera's name in the configuration", frame_camera},
    {"frame", "integer",
     "number of the picture: decoded pictures of this camera since the engine started, from 1. "
     "Gaps are pictures that were not analysed.",
     frame_number},
    {"epoch", "integer",
     "grows when the camera's timeline restarts or jumps (a reconnect, a clock reset): `pts_ms` "
     "compares only within one epoch",
     frame_epoch},
    {"pts_ms", "number or null",
     "the picture's time by the camera's own clock, milliseconds since the epoch's first picture, "
     "3 decimals",
     frame_pts},
    {"time", "string",
     "when the event was made, by this machine's clock: RFC 3339, UTC, milliseconds. Of a file: "
     "when the picture was taken ([analyze.md](analyze.md))",
     frame_time},
    {"capture_time", "string or null",
     "when the picture was taken, by the camera's clock (RTCP sender reports); null when the "
     "camera does not say. As right as the camera's clock is.",
     frame_capture},
    {"age_ms", "number or null",
     "from the read of the picture's last byte to the event, milliseconds, 3 decimals; null of a "
     "file",
     frame_age},
    {"width", "integer", "of the picture, pixels", frame_width},
    {"height", "integer", "of the picture, pixels", frame_height},
    {"key", "boolean", "an intra picture from which decoding can start", frame_key},
    {"damaged", "boolean",
     "packets were lost in this picture or in one that it depends on, or decoding began at a "
     "recovery point and the picture is not whole yet: boxes may be wrong",
     frame_damaged},
    {"detections", "array", "what was found, best score first; empty when nothing was",
     frame_detections},
};
#define FRAME_FIELDS (sizeof(frame_fields) / sizeof(frame_fields[0]))

json_t *fv_event_json(const struct fv_sink_context *context, const struct fv_result *result)
{
    const struct subject of = {context, result, NULL};
    return make_object(frame_fields, FRAME_FIELDS, &of);
}

static void document(const struct field *fields, size_t count,
                     void (*put)(void *data, const char *text), void *data)
{
    put(data, "| Key | Type | Meaning |\n|---|---|---|\n");
    for (size_t i = 0; i < count; i++) {
        char line[400];
        snprintf(line, sizeof(line), "| `%s` | %s | %s |\n", fields[i].key, fields[i].type,
                 fields[i].help);
        put(data, line);
    }
}

void fv_event_document(enum fv_event_document part, void (*put)(void *data, const char *text),
                       void *data)
{
    switch (part) {
    case FV_DOCUMENT_FRAME:
        document(frame_fields, FRAME_FIELDS, put, data);
        break;
    case FV_DOCUMENT_DETECTION:
        document(detection_fields, DETECTION_FIELDS, put, data);
        break;
    case FV_DOCUMENT_ZONE:
        fv_zone_document(put, data);
        break;
    }
}

/* --- zones and lines --------------------------------------------------------------------------- */

struct writing {
    const struct fv_sink_context *context;
    json_t *object;
    int64_t at;
};

static json_t *make_list(const double *numbers, unsigned count)
{
    json_t *list = json_array();
    for (unsigned i = 0; list && i < count; i++)
        json_array_append_new(list, make_real(numbers[i], 100000));
    return list;
}

/* All classes for which a counting rule had no room of their own are one. */
static json_t *make_count_label(const struct fv_sink_context *context, uint16_t class_id)
{
    return class_id == FV_CLASS_OTHERS ? make_string("others") : make_label(context, class_id);
}

static json_t *make_counts(const struct fv_sink_context *context, const struct fv_zone_value *value)
{
    json_t *list = json_array();
    for (uint32_t i = 0; list && i < value->counts_size; i++) {
        const struct fv_class_count *count = &value->counts[i];
        json_t *item =
            json_pack("{s:o,s:i,s:I,s:I,s:I}", "class", make_count_label(context, count->class_id),
                      "class_id", (int)count->class_id, "now", (json_int_t)count->now, "in",
                      (json_int_t)count->in, "out", (json_int_t)count->out);
        if (json_array_append_new(list, item) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *make_value(const struct fv_sink_context *context, const struct fv_zone_value *value)
{
    switch (value->kind) {
    case FV_VALUE_TEXT:
        return make_string(value->text);
    case FV_VALUE_WHOLE:
        return json_integer((json_int_t)value->whole);
    case FV_VALUE_NUMBER:
    case FV_VALUE_MS:
        return make_real(value->number[0], 1000);
    case FV_VALUE_PAIR:
        return make_list(value->number, 2);
    case FV_VALUE_BOX:
        return make_list(value->number, 4);
    case FV_VALUE_WALL:
        return make_time(value->ns);
    case FV_VALUE_CAMERA:
        return make_string(fv_sink_camera_name(context, value->whole));
    case FV_VALUE_CLASS:
        return make_label(context, value->whole);
    case FV_VALUE_COUNTS:
        return make_counts(context, value);
    case FV_VALUE_NULL:
        break;
    }
    return json_null();
}

static int write_field(void *data, const char *key, const struct fv_zone_value *value)
{
    const struct writing *out = data;
    int r = 0;
    if (strcmp(key, "capture_time") == 0) /* one beside the other, as in events of pictures */
        r = json_object_set_new(out->object, "time", make_event_time(out->context, out->at));
    if (r == 0)
        r = json_object_set_new(out->object, key, make_value(out->context, value));
    if (r == 0 && value->kind == FV_VALUE_CLASS)
        r = json_object_set_new(out->object, "class_id", json_integer((json_int_t)value->whole));
    return r;
}

json_t *fv_rule_event_json(const struct fv_sink_context *context, const struct fv_zone_event *event,
                           int64_t at)
{
    struct writing out = {context, json_object(), at};
    if (out.object && fv_zone_event_visit(event, write_field, &out) == 0)
        return out.object;
    json_decref(out.object);
    return NULL;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Built and written with yyjson: an event of eleven boxes takes a tenth of the time that jansson takes, and this is done for
 * every picture of every camera (docs/performance.md). Values point to what the event is made of, which outlives them.
 */
#include "sink/event_json.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <yyjson.h>

#include "base/mem.h"

#define FRAME_SCHEMA "fovea.frame/1"

/* --- memory and values ------------------------------------------------------------------------- */

static void *allocate(void *data, size_t size)
{
    (void)data;
    return fv_realloc(NULL, size);
}

static void *reallocate(void *data, void *block, size_t old_size, size_t size)
{
    (void)data;
    (void)old_size;
    return fv_realloc(block, size);
}

static void release(void *data, void *block)
{
    (void)data;
    fv_free(block);
}

static const yyjson_alc memory = {allocate, reallocate, release, NULL};

/* An event that is being made. */
struct draft {
    yyjson_mut_doc *doc;
    const struct fv_sink_context *context;
    bool doubtful; /* some text is not UTF-8 */
};

static bool is_utf8(const yyjson_mut_val *string)
{
    yyjson_write_err err = {0};
    fv_free(yyjson_mut_val_write_opts(string, YYJSON_WRITE_NOFLAG, &memory, NULL, &err));
    return err.code != YYJSON_WRITE_ERROR_INVALID_STRING;
}

/* Borrows the text. What is not UTF-8 cannot be shown in JSON. */
static yyjson_mut_val *make_string(const struct draft *draft, const char *text)
{
    yyjson_mut_val *string = yyjson_mut_str(draft->doc, text);
    return !draft->doubtful || is_utf8(string) ? string : yyjson_mut_str(draft->doc, "?");
}

static yyjson_mut_val *make_whole(const struct draft *draft, uint64_t value)
{
    return yyjson_mut_uint(draft->doc, value);
}

static yyjson_mut_val *make_real(const struct draft *draft, double value, double one)
{
    return yyjson_mut_real(draft->doc, isfinite(value) ? round(value * one) / one : 0);
}

/* nanoseconds -> milliseconds with 3 decimals, or null */
static yyjson_mut_val *make_ms(const struct draft *draft, int64_t ns)
{
    return ns == FV_TIME_UNKNOWN ? yyjson_mut_null(draft->doc)
                                 : make_real(draft, (double)ns / 1e6, 1000);
}

static yyjson_mut_val *make_time(const struct draft *draft, int64_t wall)
{
    char text[FV_RFC3339_SIZE];
    fv_rfc3339(wall, text);
    return text[0] ? yyjson_mut_strcpy(draft->doc, text) : yyjson_mut_null(draft->doc);
}

/* When the event came to be: it may have waited in the sink's queue. Offline: when its picture was
 * taken, as far as the file says. */
static yyjson_mut_val *make_event_time(const struct draft *draft, int64_t at)
{
    if (draft->context->offline)
        return make_time(draft, at == FV_TIME_UNKNOWN ? at : draft->context->start + at);
    int64_t wall = fv_wall();
    return make_time(draft, at == FV_TIME_UNKNOWN ? wall : wall - (fv_now() - at));
}

static yyjson_mut_val *make_label(const struct draft *draft, uint64_t class_id)
{
    if (class_id < draft->context->label_count)
        return make_string(draft, draft->context->labels[class_id]);
    char number[32];
    snprintf(number, sizeof(number), "class %llu", (unsigned long long)class_id);
    return yyjson_mut_strcpy(draft->doc, number);
}

static int64_t age_of(const struct fv_frame_info *info)
{
    if (info->at.event == FV_TIME_UNKNOWN || info->at.last_packet == FV_TIME_UNKNOWN)
        return FV_TIME_UNKNOWN;
    return info->at.event - info->at.last_packet;
}

static yyjson_mut_val *make_list(const struct draft *draft, const double *numbers, unsigned count,
                                 double one)
{
    yyjson_mut_val *list = yyjson_mut_arr(draft->doc);
    for (unsigned i = 0; i < count; i++)
        if (!yyjson_mut_arr_append(list, make_real(draft, numbers[i], one)))
            return NULL;
    return list;
}

static yyjson_mut_val *make_box(const struct draft *draft, const struct fv_detection *d,
                                double width, double height, double one)
{
    const double sides[] = {(double)d->x0 / width, (double)d->y0 / height, (double)d->x1 / width,
                            (double)d->y1 / height};
    return make_list(draft, sides, 4, one);
}

/* --- pictures: one table that writes and documents -------------------------------------------- */

/* What a field is made of: a picture, and one of its detections where the field is of that. */
struct subject {
    const struct draft *draft;
    const struct fv_result *result;
    const struct fv_detection *detection;
};

struct field {
    const char *key, *type, *help;
    yyjson_mut_val *(*make)(const struct subject *of); /* NULL: out of memory */
    bool (*is_there)(const struct subject *of);        /* NULL: always */
};

static yyjson_mut_val *make_object(const struct field *fields, size_t count,
                                   const struct subject *of)
{
    yyjson_mut_doc *doc = of->draft->doc;
    yyjson_mut_val *object = yyjson_mut_obj(doc);
    for (size_t i = 0; i < count; i++) {
        if (fields[i].is_there && !fields[i].is_there(of))
            continue;
        if (!yyjson_mut_obj_add_val(doc, object, fields[i].key, fields[i].make(of)))
            return NULL;
    }
    return object;
}

static yyjson_mut_val *detection_class(const struct subject *of)
{
    return make_label(of->draft, of->detection->class_id);
}

static yyjson_mut_val *detection_class_id(const struct subject *of)
{
    return make_whole(of->draft, of->detection->class_id);
}

static yyjson_mut_val *detection_score(const struct subject *of)
{
    return make_real(of->draft, (double)of->detection->score, 1000);
}

static yyjson_mut_val *detection_box(const struct subject *of)
{
    return make_box(of->draft, of->detection, 1, 1, 10);
}

static yyjson_mut_val *detection_box_norm(const struct subject *of)
{
    const struct fv_frame_info *info = &of->result->info;
    const double width = info->width ? info->width : 1, height = info->height ? info->height : 1;
    return make_box(of->draft, of->detection, width, height, 100000);
}

static yyjson_mut_val *detection_track(const struct subject *of)
{
    return make_whole(of->draft, of->detection->track);
}

static bool has_track(const struct subject *of)
{
    return of->detection->track != 0;
}

static const struct fv_mark *mark_of(const struct subject *of)
{
    return &of->result->marks[of->detection - of->result->detections];
}

static yyjson_mut_val *detection_attributes(const struct subject *of)
{
    yyjson_mut_doc *doc = of->draft->doc;
    const struct fv_sink_context *context = of->draft->context;
    const struct fv_mark *mark = mark_of(of);
    yyjson_mut_val *list = yyjson_mut_arr(doc), *item = yyjson_mut_obj(doc);
    bool ok = yyjson_mut_obj_add_val(doc, item, "classifier",
                                     make_string(of->draft, context->classifier)) &&
              yyjson_mut_obj_add_val(doc, item, "label",
                                     make_string(of->draft, context->marks[mark->label - 1])) &&
              yyjson_mut_obj_add_val(doc, item, "score",
                                     make_real(of->draft, (double)mark->score, 1000)) &&
              yyjson_mut_arr_append(list, item);
    return ok ? list : NULL;
}

static bool has_attributes(const struct subject *of)
{
    return of->result->marked && mark_of(of)->label != 0 &&
           mark_of(of)->label <= of->draft->context->mark_count;
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
    {"attributes", "array",
     "what a [classifier](config.md#classifier) says of its track: for each classifier an object with "
     "`classifier` (its name in its manifest), `label` and `score` (0 to 1, 3 decimals). It is the "
     "newest answer that was certain enough; not there before there is one",
     detection_attributes, has_attributes},
};
#define DETECTION_FIELDS (sizeof(detection_fields) / sizeof(detection_fields[0]))

static yyjson_mut_val *frame_schema(const struct subject *of)
{
    return yyjson_mut_str(of->draft->doc, FRAME_SCHEMA);
}

static yyjson_mut_val *frame_camera(const struct subject *of)
{
    return make_string(of->draft, fv_sink_camera_name(of->draft->context, of->result->info.camera));
}

static yyjson_mut_val *frame_number(const struct subject *of)
{
    return make_whole(of->draft, of->result->info.number);
}

static yyjson_mut_val *frame_epoch(const struct subject *of)
{
    return make_whole(of->draft, of->result->info.epoch);
}

static yyjson_mut_val *frame_pts(const struct subject *of)
{
    return make_ms(of->draft, of->result->info.pts);
}

static yyjson_mut_val *frame_time(const struct subject *of)
{
    const struct fv_frame_info *info = &of->result->info;
    return make_event_time(of->draft, of->draft->context->offline ? info->pts : info->at.event);
}

static yyjson_mut_val *frame_capture(const struct subject *of)
{
    return make_time(of->draft, of->result->info.wall);
}

static yyjson_mut_val *frame_age(const struct subject *of)
{
    return make_ms(of->draft,
                   of->draft->context->offline ? FV_TIME_UNKNOWN : age_of(&of->result->info));
}

static yyjson_mut_val *frame_width(const struct subject *of)
{
    return make_whole(of->draft, of->result->info.width);
}

static yyjson_mut_val *frame_height(const struct subject *of)
{
    return make_whole(of->draft, of->result->info.height);
}

static yyjson_mut_val *frame_key(const struct subject *of)
{
    return yyjson_mut_bool(of->draft->doc, of->result->info.flags & FV_FRAME_KEY);
}

static yyjson_mut_val *frame_damaged(const struct subject *of)
{
    return yyjson_mut_bool(of->draft->doc,
                           of->result->info.flags & (FV_FRAME_DAMAGED | FV_FRAME_PARTIAL));
}

static yyjson_mut_val *frame_detections(const struct subject *of)
{
    yyjson_mut_val *list = yyjson_mut_arr(of->draft->doc);
    for (uint32_t i = 0; i < of->result->count; i++) {
        const struct subject one = {of->draft, of->result, &of->result->detections[i]};
        if (!yyjson_mut_arr_append(list, make_object(detection_fields, DETECTION_FIELDS, &one)))
            return NULL;
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

static yyjson_mut_val *make_frame(const struct draft *draft, const void *data)
{
    const struct subject of = {draft, data, NULL};
    return make_object(frame_fields, FRAME_FIELDS, &of);
}

static void document(const struct field *fields, size_t count,
                     void (*put)(void *data, const char *text), void *data)
{
    put(data, "| Key | Type | Meaning |\n|---|---|---|\n");
    for (size_t i = 0; i < count; i++) {
        char line[700];
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

struct rule_event {
    const struct fv_zone_event *event;
    int64_t at;
};

struct writing {
    const struct draft *draft;
    yyjson_mut_val *object;
    int64_t at;
};

/* All classes for which a counting rule had no room of their own are one. */
static yyjson_mut_val *make_count_label(const struct draft *draft, uint16_t class_id)
{
    return class_id == FV_CLASS_OTHERS ? make_string(draft, "others") : make_label(draft, class_id);
}

static yyjson_mut_val *make_count(const struct draft *draft, const struct fv_class_count *count)
{
    yyjson_mut_doc *doc = draft->doc;
    yyjson_mut_val *item = yyjson_mut_obj(doc);
    bool ok =
        yyjson_mut_obj_add_val(doc, item, "class", make_count_label(draft, count->class_id)) &&
        yyjson_mut_obj_add_uint(doc, item, "class_id", count->class_id) &&
        yyjson_mut_obj_add_uint(doc, item, "now", count->now) &&
        yyjson_mut_obj_add_uint(doc, item, "in", count->in) &&
        yyjson_mut_obj_add_uint(doc, item, "out", count->out);
    return ok ? item : NULL;
}

static yyjson_mut_val *make_counts(const struct draft *draft, const struct fv_zone_value *value)
{
    yyjson_mut_val *list = yyjson_mut_arr(draft->doc);
    for (uint32_t i = 0; i < value->counts_size; i++)
        if (!yyjson_mut_arr_append(list, make_count(draft, &value->counts[i])))
            return NULL;
    return list;
}

static yyjson_mut_val *make_value(const struct draft *draft, const struct fv_zone_value *value)
{
    switch (value->kind) {
    case FV_VALUE_TEXT:
        return make_string(draft, value->text);
    case FV_VALUE_WHOLE:
        return make_whole(draft, value->whole);
    case FV_VALUE_NUMBER:
    case FV_VALUE_MS:
        return make_real(draft, value->number[0], 1000);
    case FV_VALUE_PAIR:
        return make_list(draft, value->number, 2, 100000);
    case FV_VALUE_BOX:
        return make_list(draft, value->number, 4, 100000);
    case FV_VALUE_WALL:
        return make_time(draft, value->ns);
    case FV_VALUE_CAMERA:
        return make_string(draft, fv_sink_camera_name(draft->context, value->whole));
    case FV_VALUE_CLASS:
        return make_label(draft, value->whole);
    case FV_VALUE_COUNTS:
        return make_counts(draft, value);
    case FV_VALUE_NULL:
        break;
    }
    return yyjson_mut_null(draft->doc);
}

static int write_field(void *data, const char *key, const struct fv_zone_value *value)
{
    const struct writing *out = data;
    yyjson_mut_doc *doc = out->draft->doc;
    bool ok = true;
    if (strcmp(key, "capture_time") == 0) /* one beside the other, as in events of pictures */
        ok = yyjson_mut_obj_add_val(doc, out->object, "time", make_event_time(out->draft, out->at));
    ok = ok && yyjson_mut_obj_add_val(doc, out->object, key, make_value(out->draft, value));
    if (ok && value->kind == FV_VALUE_CLASS)
        ok = yyjson_mut_obj_add_uint(doc, out->object, "class_id", value->whole);
    return ok ? 0 : -ENOMEM;
}

static yyjson_mut_val *make_rule_event(const struct draft *draft, const void *data)
{
    const struct rule_event *of = data;
    struct writing out = {draft, yyjson_mut_obj(draft->doc), of->at};
    return fv_zone_event_visit(of->event, write_field, &out) == 0 ? out.object : NULL;
}

/* --- text --------------------------------------------------------------------------------------- */

typedef yyjson_mut_val *make_fn(const struct draft *draft, const void *of);

static char *write_draft(struct draft *draft, make_fn *make, const void *of, size_t *ret_size,
                         yyjson_write_err *ret_err)
{
    draft->doc = yyjson_mut_doc_new(&memory);
    if (!draft->doc)
        return NULL;
    yyjson_mut_val *root = make(draft, of);
    char *text = NULL;
    if (root) {
        yyjson_mut_doc_set_root(draft->doc, root);
        text = yyjson_mut_write_opts(draft->doc, YYJSON_WRITE_NEWLINE_AT_END, &memory, ret_size,
                                     ret_err);
    }
    yyjson_mut_doc_free(draft->doc);
    return text;
}

static char *write_event(const struct fv_sink_context *context, make_fn *make, const void *of,
                         size_t *ret_size)
{
    struct draft draft = {.context = context};
    yyjson_write_err err = {0};
    char *text = write_draft(&draft, make, of, ret_size, &err);
    draft.doubtful = err.code == YYJSON_WRITE_ERROR_INVALID_STRING;
    return draft.doubtful ? write_draft(&draft, make, of, ret_size, &err) : text;
}

char *fv_event_json(const struct fv_sink_context *context, const struct fv_result *result,
                    size_t *ret_size)
{
    return write_event(context, make_frame, result, ret_size);
}

char *fv_rule_event_json(const struct fv_sink_context *context, const struct fv_zone_event *event,
                         int64_t at, size_t *ret_size)
{
    const struct rule_event of = {event, at};
    return write_event(context, make_rule_event, &of, ret_size);
}

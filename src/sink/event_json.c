// SPDX-License-Identifier: Apache-2.0
#include "sink/event_json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

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

static json_t *make_detection(const struct fv_sink_context *context, const struct fv_detection *d,
                              const struct fv_frame_info *info)
{
    double width = info->width ? info->width : 1, height = info->height ? info->height : 1;
    json_t *object =
        json_pack("{s:o,s:i,s:o,s:o,s:o}", "class", make_label(context, d->class_id), "class_id",
                  (int)d->class_id, "score", make_real((double)d->score, 1000), "box",
                  make_box(d, 1, 1, 10), "box_norm", make_box(d, width, height, 100000));
    if (!object || d->track == 0 ||
        json_object_set_new(object, "track", json_integer((json_int_t)d->track)) == 0)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *make_detections(const struct fv_sink_context *context,
                               const struct fv_result *result)
{
    json_t *list = json_array();
    for (uint32_t i = 0; list && i < result->count; i++) {
        json_t *item = make_detection(context, &result->detections[i], &result->info);
        if (json_array_append_new(list, item) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

json_t *fv_event_json(const struct fv_sink_context *context, const struct fv_result *result)
{
    const struct fv_frame_info *info = &result->info;
    /* clang-format off */
    return json_pack("{s:s,s:o,s:I,s:I,s:o,s:o,s:o,s:o,s:I,s:I,s:b,s:b,s:o}",
        "schema", "fovea.frame/1",
        "camera", make_string(fv_sink_camera_name(context, info->camera)),
        "frame", (json_int_t)info->number,
        "epoch", (json_int_t)info->epoch,
        "pts_ms", make_ms(info->pts),
        "time", make_event_time(context, context->offline ? info->pts : info->at.event),
        "capture_time", make_time(info->wall),
        "age_ms", make_ms(context->offline ? FV_TIME_UNKNOWN : age_of(info)),
        "width", (json_int_t)info->width,
        "height", (json_int_t)info->height,
        "key", (info->flags & FV_FRAME_KEY) != 0,
        "damaged", (info->flags & (FV_FRAME_DAMAGED | FV_FRAME_PARTIAL)) != 0,
        "detections", make_detections(context, result));
    /* clang-format on */
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

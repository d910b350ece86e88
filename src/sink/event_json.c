// SPDX-License-Identifier: Apache-2.0
#include "sink/event_json.h"

#include <math.h>
#include <stdio.h>

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

/* When the event came to be: it may have waited in the sink's queue. */
static int64_t event_wall(const struct fv_frame_info *info)
{
    int64_t wall = fv_wall();
    return info->at.event == FV_TIME_UNKNOWN ? wall : wall - (fv_now() - info->at.event);
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
    char number[16];
    snprintf(number, sizeof(number), "class %u", d->class_id);
    const char *label = d->class_id < context->label_count ? context->labels[d->class_id] : number;
    double width = info->width ? info->width : 1, height = info->height ? info->height : 1;
    json_t *object =
        json_pack("{s:o,s:i,s:o,s:o,s:o}", "class", make_string(label), "class_id",
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
    const char *camera =
        info->camera < context->camera_count ? context->camera_names[info->camera] : "?";
    /* clang-format off */
    return json_pack("{s:s,s:o,s:I,s:I,s:o,s:o,s:o,s:o,s:I,s:I,s:b,s:b,s:o}",
        "schema", "fovea.frame/1",
        "camera", make_string(camera),
        "frame", (json_int_t)info->number,
        "epoch", (json_int_t)info->epoch,
        "pts_ms", make_ms(info->pts),
        "time", make_time(event_wall(info)),
        "capture_time", make_time(info->wall),
        "age_ms", make_ms(age_of(info)),
        "width", (json_int_t)info->width,
        "height", (json_int_t)info->height,
        "key", (info->flags & FV_FRAME_KEY) != 0,
        "damaged", (info->flags & FV_FRAME_DAMAGED) != 0,
        "detections", make_detections(context, result));
    /* clang-format on */
}

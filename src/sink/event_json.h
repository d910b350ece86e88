// SPDX-License-Identifier: Apache-2.0
/* Events as the JSON objects of docs/events.md, "fovea.frame/1" and "fovea.zone/1"; every sink that
 * speaks JSON sends these. */
#ifndef FV_SINK_EVENT_JSON_H
#define FV_SINK_EVENT_JSON_H

#include <jansson.h>

#include "sink/sink.h"

/* Reals are rounded to their number of decimals beforehand; 15 digits show that decimal and
 * nothing behind it. */
#define FV_EVENT_JSON_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(15))

/* A new reference, or NULL when out of memory. */
json_t *fv_event_json(const struct fv_sink_context *context, const struct fv_result *result);
/* Likewise; `at`: when the event came to be, monotonic. */
json_t *fv_rule_event_json(const struct fv_sink_context *context,
                           const struct fv_zone_event *event, int64_t at);

/* The generated tables of docs/events.md, in pieces; each of what writes the events. */
enum fv_event_document { FV_DOCUMENT_FRAME, FV_DOCUMENT_DETECTION, FV_DOCUMENT_ZONE };
void fv_event_document(enum fv_event_document part, void (*put)(void *data, const char *text),
                       void *data);

#endif

// SPDX-License-Identifier: Apache-2.0
/* Events as the JSON objects of docs/events.md, "fovea.frame/1" and "fovea.zone/1"; every sink that
 * speaks JSON sends these. */
#ifndef FV_SINK_EVENT_JSON_H
#define FV_SINK_EVENT_JSON_H

#include "sink/sink.h"

/* Both: one line of text with its newline, UTF-8, *ret_size bytes and a terminating zero, for fv_free(); NULL when out of memory.
 * Reads only what it is given: any thread. */
char *fv_event_json(const struct fv_sink_context *context, const struct fv_result *result,
                    size_t *ret_size);
/* `at`: when the event came to be, monotonic. */
char *fv_rule_event_json(const struct fv_sink_context *context, const struct fv_zone_event *event,
                         int64_t at, size_t *ret_size);

/* The generated tables of docs/events.md, in pieces; each of what writes the events. */
enum fv_event_document { FV_DOCUMENT_FRAME, FV_DOCUMENT_DETECTION, FV_DOCUMENT_ZONE };
void fv_event_document(enum fv_event_document part, void (*put)(void *data, const char *text),
                       void *data);

#endif

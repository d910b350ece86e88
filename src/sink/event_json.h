// SPDX-License-Identifier: Apache-2.0
/* A result as the JSON object "fovea.frame/1" of docs/events.md; every sink that speaks JSON sends
 * this one. */
#ifndef FV_SINK_EVENT_JSON_H
#define FV_SINK_EVENT_JSON_H

#include <jansson.h>

#include "sink/sink.h"

/* Reals are rounded to their number of decimals beforehand; 15 digits show that decimal and
 * nothing behind it. */
#define FV_EVENT_JSON_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(15))

/* A new reference, or NULL when out of memory. */
json_t *fv_event_json(const struct fv_sink_context *context, const struct fv_result *result);

#endif

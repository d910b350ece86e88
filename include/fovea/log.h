// SPDX-License-Identifier: Apache-2.0
#ifndef FOVEA_LOG_H
#define FOVEA_LOG_H

#include "fovea/error.h"

/* The numbers are those of app.LOG_LEVEL. */
enum fv_log_level { FV_LOG_DEBUG = 10, FV_LOG_INFO = 20, FV_LOG_WARNING = 30, FV_LOG_ERROR = 40 };

/* Where lines go: called with one line without newline, from any thread, never concurrently. */
typedef void (*fv_log_sink)(void *data, enum fv_log_level level, const char *line);

FV_API void fv_log_set_level(enum fv_log_level level);     /* default FV_LOG_WARNING */
FV_API void fv_log_set_sink(fv_log_sink sink, void *data); /* NULL: standard error, the default */

#endif

// SPDX-License-Identifier: Apache-2.0
#ifndef FOVEA_LOG_H
#define FOVEA_LOG_H

#include "fovea/error.h"

/* The numbers are those of app.LOG_LEVEL. */
enum fv_log_level { FV_LOG_DEBUG = 10, FV_LOG_INFO = 20, FV_LOG_WARNING = 30, FV_LOG_ERROR = 40 };

/* Where lines go: called with one line without newline, from any thread, never concurrently. */
typedef void (*fv_log_sink)(void *data, enum fv_log_level level, const char *line);

FV_API void fv_log_set_level(enum fv_log_level level);     /* default FV_LOG_WARNING */
/* Appends to this file, which is made when it is not there; NULL: standard error, the default. Call it again after the file was
 * renamed. 0 or negative errno: then everything stays as it was. An engine sets level and file from app.LOG_LEVEL and
 * app.LOG_FILE. */
FV_API int fv_log_set_file(const char *path);
/* Goes over the file. */
FV_API void fv_log_set_sink(fv_log_sink sink, void *data); /* NULL: standard error, the default */

#endif

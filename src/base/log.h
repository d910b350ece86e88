// SPDX-License-Identifier: Apache-2.0
/* The log: one line an event, to standard error or a file. Any thread. What looks like a password is hidden (fv_redact). */
#ifndef FV_BASE_LOG_H
#define FV_BASE_LOG_H

#include "fovea/log.h"

/* `area` is the tree's own word: "ingest", "decode", "engine"... Lines are cut at 1,000 bytes; control
 * characters from outside are shown as '?'. The same (area, text) repeated within a second is counted, not printed. */
void fv_log(enum fv_log_level level, const char *area, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* True when a line of this level would be printed: guards costly arguments. */
int fv_log_on(enum fv_log_level level);

#define fv_debug(area, ...)                                                                        \
    do {                                                                                           \
        if (fv_log_on(FV_LOG_DEBUG))                                                               \
            fv_log(FV_LOG_DEBUG, area, __VA_ARGS__);                                               \
    } while (0)

#endif

// SPDX-License-Identifier: Apache-2.0
#include "decode/libav_log.h"

#include <pthread.h>
#include <string.h>

#include <libavutil/log.h>

#include "base/log.h"

static void to_debug(void *context, int level, const char *format, va_list arguments)
{
    if (level > AV_LOG_WARNING || !fv_log_on(FV_LOG_DEBUG))
        return;
    char line[512];
    int prefix = 1;
    av_log_format_line2(context, level, format, arguments, line, sizeof(line), &prefix);
    line[strcspn(line, "\n")] = '\0';
    fv_debug("decode", "libav: %s", line);
}

static void install(void)
{
    av_log_set_callback(to_debug);
}

void fv_libav_log_redirect(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install);
}

// SPDX-License-Identifier: Apache-2.0
#include "infer/tell.h"

#include <stdarg.h>
#include <stdio.h>

void fv_tell(void (*progress)(void *data, const char *text), void *data, const char *format, ...)
{
    char text[1501];
    va_list arguments;
    if (!progress)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    progress(data, text);
}

// SPDX-License-Identifier: Apache-2.0
#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>

void fv_str_init(struct fv_str *str, char *buffer, size_t capacity)
{
    *str = (struct fv_str){.data = buffer, .capacity = capacity};
    buffer[0] = 0;
}

void fv_str_add_slice(struct fv_str *str, struct fv_slice text)
{
    size_t room = str->capacity - 1 - str->size;
    size_t size = text.size;
    if (size > room) {
        size = room;
        str->overflow = true;
    }
    if (size)
        memcpy(str->data + str->size, text.data, size);
    str->size += size;
    str->data[str->size] = 0;
}

void fv_str_add(struct fv_str *str, const char *text)
{
    fv_str_add_slice(str, fv_slice_of(text));
}

void fv_str_addf(struct fv_str *str, const char *format, ...)
{
    size_t room = str->capacity - str->size;
    va_list args;
    va_start(args, format);
    int wanted = vsnprintf(str->data + str->size, room, format, args);
    va_end(args);
    if (wanted < 0 || (size_t)wanted >= room) {
        str->overflow = true;
        str->size = str->capacity - 1;
        str->data[str->size] = 0;
        if (wanted < 0)
            str->size = strlen(str->data);
        return;
    }
    str->size += (size_t)wanted;
}

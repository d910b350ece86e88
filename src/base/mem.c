// SPDX-License-Identifier: Apache-2.0
#include "base/mem.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static atomic_uint fail_in; /* 0: off */

bool fv_alloc_fails(void)
{
    unsigned left = atomic_load_explicit(&fail_in, memory_order_relaxed);
    while (left > 0)
        if (atomic_compare_exchange_weak(&fail_in, &left, left - 1))
            return left == 1;
    return false;
}

void fv_alloc_fail_at(unsigned n)
{
    atomic_store(&fail_in, n);
}

int fv_alloc_fail_pending(void)
{
    return atomic_load(&fail_in) > 0;
}

void *fv_calloc(size_t count, size_t size)
{
    return fv_alloc_fails() ? NULL : calloc(count, size);
}

void *fv_realloc(void *ptr, size_t size)
{
    return fv_alloc_fails() ? NULL : realloc(ptr, size);
}

void *fv_alloc_aligned(size_t align, size_t size)
{
    if (fv_alloc_fails() || size > SIZE_MAX - align)
        return NULL;
    return aligned_alloc(align, (size + align - 1) & ~(align - 1));
}

char *fv_strndup(const char *text, size_t length)
{
    char *copy = fv_calloc(length + 1, 1);
    if (copy && length)
        memcpy(copy, text, length);
    return copy;
}

char *fv_strdup(const char *text)
{
    return text ? fv_strndup(text, strlen(text)) : NULL;
}

char *fv_asprintf(const char *format, ...)
{
    if (fv_alloc_fails())
        return NULL;
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int size = vasprintf(&text, format, args);
    va_end(args);
    return size < 0 ? NULL : text;
}

void fv_free(void *ptr)
{
    free(ptr);
}

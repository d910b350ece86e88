// SPDX-License-Identifier: Apache-2.0
/* For the fuzz targets: one input, two files. */
#ifndef FV_VALIDATE_FUZZ_FILES_H
#define FV_VALIDATE_FUZZ_FILES_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* The bytes before and after the first '\f'. Either is NULL when it would be empty. */
static inline void fv_fuzz_two_files(const uint8_t *data, size_t size, FILE *ret_files[2])
{
    const uint8_t *cut = size ? memchr(data, '\f', size) : NULL;
    const size_t first = cut ? (size_t)(cut - data) : size;
    ret_files[0] = first ? fmemopen((void *)(uintptr_t)data, first, "r") : NULL;
    ret_files[1] = cut && size - first > 1
                       ? fmemopen((void *)(uintptr_t)(cut + 1), size - first - 1, "r")
                       : NULL;
}

static inline void fv_fuzz_close(FILE *files[2])
{
    for (int i = 0; i < 2; i++)
        if (files[i])
            fclose(files[i]);
}

#endif

// SPDX-License-Identifier: Apache-2.0
/* A bounded text builder with a sticky overflow flag: write all of it, check once. No allocation. */
#ifndef FV_BASE_STR_H
#define FV_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct fv_str {
    char *data;      /* always terminated */
    size_t size;     /* bytes used, without the terminator */
    size_t capacity; /* of `data`, at least 1 */
    bool overflow;   /* something did not fit; `data` holds what did */
};

void fv_str_init(struct fv_str *str, char *buffer, size_t capacity);
void fv_str_add(struct fv_str *str, const char *text);
void fv_str_add_slice(struct fv_str *str, struct fv_slice text);
void fv_str_addf(struct fv_str *str, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

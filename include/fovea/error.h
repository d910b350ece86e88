// SPDX-License-Identifier: Apache-2.0
#ifndef FOVEA_ERROR_H
#define FOVEA_ERROR_H

#include <stddef.h>

/* A function of the public API; in C++ it has C's name. */
#if defined(__cplusplus)
#define FV_API extern "C" __attribute__((visibility("default")))
#elif defined(__GNUC__)
#define FV_API __attribute__((visibility("default")))
#else
#define FV_API
#endif
/* A variable of it. */
#if defined(__cplusplus)
#define FV_API_DATA FV_API
#else
#define FV_API_DATA FV_API extern
#endif

/* A failure that a person can read. Filled in by functions that take one; untouched on success. */
struct fv_error {
    int code;       /* negative errno, 0 when nothing was set */
    char text[500]; /* UTF-8 sentence, never empty after a failure, never a secret */
};

/* A short stable name of a negative errno in Fovea's vocabulary, e.g. "timed out". Never NULL. */
FV_API const char *fv_strerror(int code);

/* For whoever prints what a person typed: an address in a wrong place, or mistyped, has its password in it. Returns `text` itself
 * where nothing looks like that, else `buffer` with "***" for user and password and for the values of password=, token= and the
 * like. Works on a single word as on a sentence; what may be a secret is hidden, too much rather than too little. Texts of struct
 * fv_error, of findings and of the log have been through it. Cut to `size` (at least 1). */
FV_API const char *fv_redact(const char *text, char *buffer, size_t size);

#endif

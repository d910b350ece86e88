// SPDX-License-Identifier: Apache-2.0
#ifndef FOVEA_ERROR_H
#define FOVEA_ERROR_H

/* A function of the public API; in C++ it has C's name. */
#if defined(__cplusplus)
#define FV_API extern "C" __attribute__((visibility("default")))
#elif defined(__GNUC__)
#define FV_API __attribute__((visibility("default")))
#else
#define FV_API
#endif

/* A failure that a person can read. Filled in by functions that take one; untouched on success. */
struct fv_error {
    int code;       /* negative errno, 0 when nothing was set */
    char text[500]; /* UTF-8 sentence, never empty after a failure, never a secret */
};

/* A short stable name of a negative errno in Fovea's vocabulary, e.g. "timed out". Never NULL. */
FV_API const char *fv_strerror(int code);

#endif

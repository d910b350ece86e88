// SPDX-License-Identifier: Apache-2.0
/* A borrowed run of bytes. Parsers take and return these; nobody frees one. */
#ifndef FV_BASE_SLICE_H
#define FV_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct fv_slice {
    const char *data; /* not terminated; NULL only when size is 0 */
    size_t size;
};

#define FV_SLICE(literal) ((struct fv_slice){(literal), sizeof(literal) - 1})

static inline struct fv_slice fv_slice_of(const char *text)
{
    return (struct fv_slice){text, text ? strlen(text) : 0};
}

bool fv_slice_eq(struct fv_slice a, struct fv_slice b);
bool fv_slice_eq_nocase(struct fv_slice a, struct fv_slice b); /* ASCII */
bool fv_slice_starts_nocase(struct fv_slice text, struct fv_slice prefix);
struct fv_slice fv_slice_trim(struct fv_slice text); /* spaces, tabs, CR, LF at both ends */
/* Cuts at the first `c`: returns what is before, leaves in *rest what is after (empty when there is no `c`). */
struct fv_slice fv_slice_cut(struct fv_slice *rest, char c);
/* Whole slice as an unsigned decimal / hexadecimal number. 0, -EBADMSG (empty, other characters), -ERANGE (> max). */
int fv_slice_u64(struct fv_slice text, uint64_t max, uint64_t *ret_value);
int fv_slice_hex64(struct fv_slice text, uint64_t max, uint64_t *ret_value);
/* Copies into `buffer` with a terminator. 0 or -ENOBUFS (nothing written but an empty string). size >= 1. */
int fv_slice_copy(struct fv_slice text, char *buffer, size_t size);
/* Base64 (RFC 4648, padding optional, white space skipped). Returns bytes written, -EBADMSG or -ENOBUFS. */
int64_t fv_base64_decode(struct fv_slice text, uint8_t *out, size_t capacity);
/* Returns characters written without terminator (which is added), or -ENOBUFS. */
int64_t fv_base64_encode(const uint8_t *data, size_t size, char *out, size_t capacity);

#endif

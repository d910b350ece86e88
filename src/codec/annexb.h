// SPDX-License-Identifier: Apache-2.0
/* Annex B byte streams (ITU-T H.264 B.1, H.265 B.1): NAL units between start codes. */
#ifndef FV_CODEC_ANNEXB_H
#define FV_CODEC_ANNEXB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fv_nal {
    const uint8_t *data; /* from the NAL header on, without start code and trailing zeros */
    size_t size;         /* >= 1 */
};

struct fv_annexb {
    const uint8_t *pos, *end;
};

void fv_annexb_init(struct fv_annexb *it, const uint8_t *data, size_t size);
/* The next NAL unit (3- or 4-byte start codes). Bytes before the first start code are skipped. False at the end. */
bool fv_annexb_next(struct fv_annexb *it, struct fv_nal *ret_nal);
/* The same, but stays there and does not look for its end: *ret_nal goes up to the end of the data. */
bool fv_annexb_peek(const struct fv_annexb *it, struct fv_nal *ret_nal);
/* Removes emulation prevention (7.4.1: 00 00 03 -> 00 00). Writes at most `capacity` bytes, returns the number written. */
size_t fv_rbsp_unescape(const uint8_t *nal, size_t size, uint8_t *out, size_t capacity);

#endif

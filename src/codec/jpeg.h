// SPDX-License-Identifier: Apache-2.0
/* JPEG interchange format (ITU-T T.81 annex B): where an image ends and what its frame header says. Pure functions on borrowed bytes. */
#ifndef FV_CODEC_JPEG_H
#define FV_CODEC_JPEG_H

#include "codec/codec.h"

/* The image that begins with SOI at data[0]. 0; -EBADMSG; -ENOTSUP: lossless, hierarchical, arithmetic or 12-bit coding, sampling
 * that is none of 4:0:0, 4:2:0, 4:2:2 and 4:4:4, a height that comes later, or larger than FV_SIZE_MAX. */
int fv_jpeg_parse(const uint8_t *data, size_t size, struct fv_video_format *ret_format);

/* Bytes of that image up to and with its EOI in *ret_length. 0; -EAGAIN: it is not all there; -EBADMSG: no image. An image within
 * an application segment (a thumbnail) belongs to its segment. */
int fv_jpeg_length(const uint8_t *data, size_t size, size_t *ret_length);

/* SOF0 to SOF15: the second byte of a frame header's marker. */
bool fv_jpeg_is_frame(unsigned marker);
/* What a frame header says (B.2.2): behind its length. As fv_jpeg_parse(). */
int fv_jpeg_parse_frame(unsigned marker, const uint8_t *body, size_t size,
                        struct fv_video_format *ret_format);

#endif

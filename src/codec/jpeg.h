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

/* Motion JPEG in files may take the Huffman tables of T.81 K.3.3 for granted: are there none before the first scan? */
bool fv_jpeg_lacks_tables(const uint8_t *data, size_t size);
/* The image with those tables behind its SOI. `out` holds `size` (>= 2) and FV_JPEG_TABLES_MAX bytes. Bytes written. */
#define FV_JPEG_TABLES_MAX 432
size_t fv_jpeg_add_tables(const uint8_t *data, size_t size, uint8_t *out);

/* SOF0 to SOF15: the second byte of a frame header's marker. */
bool fv_jpeg_is_frame(unsigned marker);
/* What a frame header says (B.2.2): behind its length. As fv_jpeg_parse(). */
int fv_jpeg_parse_frame(unsigned marker, const uint8_t *body, size_t size,
                        struct fv_video_format *ret_format);

#endif

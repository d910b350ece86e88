// SPDX-License-Identifier: Apache-2.0
/* JPEG interchange format (ITU-T T.81 annex B): where an image ends and what its frame header says. Pure functions on borrowed bytes. */
#ifndef FV_CODEC_JPEG_H
#define FV_CODEC_JPEG_H

#include "codec/codec.h"

/* Second bytes of markers, table B.1. */
enum fv_jpeg_marker {
    FV_JPEG_TEM = 0x01,
    FV_JPEG_SOF0 = 0xc0, /* baseline */
    FV_JPEG_SOF1 = 0xc1, /* extended sequential: 16-bit quantization tables */
    FV_JPEG_SOF2 = 0xc2, /* progressive */
    FV_JPEG_DHT = 0xc4,
    FV_JPEG_JPG = 0xc8,
    FV_JPEG_DAC = 0xcc,
    FV_JPEG_SOF15 = 0xcf,
    FV_JPEG_RST0 = 0xd0,
    FV_JPEG_RST7 = 0xd7,
    FV_JPEG_SOI = 0xd8,
    FV_JPEG_EOI = 0xd9,
    FV_JPEG_SOS = 0xda,
    FV_JPEG_DQT = 0xdb,
    FV_JPEG_DRI = 0xdd,
    FV_JPEG_APP0 = 0xe0,
    FV_JPEG_APP15 = 0xef,
    FV_JPEG_COM = 0xfe,
};

/* One marker segment. */
struct fv_jpeg_segment {
    uint8_t marker;      /* enum fv_jpeg_marker and others */
    const uint8_t *data; /* behind the length */
    size_t size;
};

/* The next marker segment (B.1.1.4); fill bytes in front of it are passed over. `offset` is advanced behind it. 1; 0: nothing but
 * fill bytes is left; -EBADMSG: something else stands there. SOI, EOI and RST have no segments and are refused. */
int fv_jpeg_next(const uint8_t *data, size_t size, size_t *offset,
                 struct fv_jpeg_segment *ret_segment);

/* From behind a scan's header over its entropy-coded bytes to the marker behind them. 0; -EAGAIN: there is none. */
int fv_jpeg_skip_scan(const uint8_t *data, size_t size, size_t *offset);

/* The offset behind the EOI that ends an image with this scan; of what else begins something there, the offset of its marker; `size`: there is
 * neither. Markers without a meaning, as damage makes them, are passed over. */
size_t fv_jpeg_end_scan(const uint8_t *data, size_t size, size_t offset);

/* APP0 to APP15 and COM: nothing in them is needed to decode. */
bool fv_jpeg_is_note(unsigned marker);

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

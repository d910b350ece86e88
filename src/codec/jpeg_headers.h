// SPDX-License-Identifier: Apache-2.0
/*
 * The headers of JPEG images (ITU-T T.81 Annex B) as RTP needs them (RFC 2435): taken apart for sending, and made for a scan that
 * came without. Pure functions on borrowed bytes; no allocation.
 */
#ifndef FV_CODEC_JPEG_HEADERS_H
#define FV_CODEC_JPEG_HEADERS_H

#include "base/error.h"
#include "codec/jpeg.h"

#define FV_JPEG_TABLE 64 /* elements of a quantization table, in zigzag order */

/* An image as far as its scan. */
struct fv_jpeg_image {
    struct fv_video_format format;
    bool baseline;
    uint8_t sampling[3];       /* of the components: horizontal << 4 | vertical; 0: there is none */
    uint16_t restart_interval; /* MCUs, 0: none */
    const uint8_t
        *tables[2];     /* of the first component and the others; the same where they share it */
    bool wide[2];       /* 16-bit elements */
    bool usual_huffman; /* the Huffman tables are those of T.81 K.3.3 */
    size_t scan;        /* offset of the entropy-coded bytes */
};

/* An image from SOI on: its headers up to and with the first SOS. 0; -EBADMSG; -ENOTSUP as above, and
 * components in scans of their own. */
int fv_jpeg_read_headers(const uint8_t *data, size_t size, struct fv_jpeg_image *ret_image);

/* For decoders that trust what they read: an image whose segments are sound up to and with the header of the scan after which every
 * component had one. Each segment holds what it must and nothing more, Huffman codes fit their lengths, there is one frame header, before the
 * scans, with components of different names, and scans name these in its order and tables that are there. Huffman tables may be missing
 * altogether (fv_jpeg_lacks_tables()); between scans stand tables alone. In *ret_end where the last of these scans ends (fv_jpeg_end_scan()):
 * a decoder gets nothing of what comes behind. 0; -EBADMSG or -ENOTSUP (as fv_jpeg_parse()) with a sentence. */
int fv_jpeg_check(const uint8_t *data, size_t size, size_t *ret_end, struct fv_error *err);

/* The tables of quality 1..99 (RFC 2435 4.2, T.81 Tables K.1 and K.2): luminance, then chrominance; 8 bits. */
void fv_jpeg_quality_tables(unsigned quality, uint8_t out[2 * FV_JPEG_TABLE]);

/* Headers to be written. */
struct fv_jpeg_headers {
    uint16_t width, height;
    bool vertical;            /* 4:2:0, else 4:2:2 */
    const uint8_t *tables[2]; /* [1] NULL: all components use [0] */
    bool wide[2];
    uint16_t restart_interval; /* 0: none */
};
#define FV_JPEG_HEADERS_MAX 768 /* bytes of all of these together */

/* Each writes one kind of segments to `out` and returns its size: quantization tables, Huffman tables (T.81 K.3.3), restart
 * interval, frame header, scan header of three components. */
size_t fv_jpeg_write_tables(const struct fv_jpeg_headers *headers, uint8_t *out);
size_t fv_jpeg_write_huffman(uint8_t *out);
size_t fv_jpeg_write_restart(const struct fv_jpeg_headers *headers, uint8_t *out);
size_t fv_jpeg_write_frame(const struct fv_jpeg_headers *headers, uint8_t *out);
size_t fv_jpeg_write_scan(uint8_t *out);

#endif

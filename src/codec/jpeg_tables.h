// SPDX-License-Identifier: Apache-2.0
/* Inside codec/: the Huffman tables that RFC 2435 takes for granted. */
#ifndef FV_CODEC_JPEG_TABLES_H
#define FV_CODEC_JPEG_TABLES_H

#include <stdint.h>

#define FV_JPEG_DC 29  /* class and id, 16 counts, 12 values */
#define FV_JPEG_AC 179 /* the same with 162 values */
#define FV_JPEG_HUFFMAN (2 * (FV_JPEG_DC + FV_JPEG_AC))

/* T.81 K.3.3, four tables: DC and AC of luminance, DC and AC of chrominance, each with its class and id in front. */
extern const uint8_t fv_jpeg_huffman[FV_JPEG_HUFFMAN];

#endif

// SPDX-License-Identifier: Apache-2.0
/* What the sequence parameter sets of H.264 and H.265 have in common. */
#ifndef FV_CODEC_SPS_H
#define FV_CODEC_SPS_H

#include "codec/bits.h"
#include "codec/codec.h"

#define FV_SPS_MAX 4096   /* bytes looked at: scaling lists of all sizes fit */
#define FV_SIZE_MAX 16384 /* pixels per side */
#define FV_MATRIX_UNSPECIFIED 2

/* Offsets of a cropping or conformance window, in the standard's units. */
struct fv_sps_window {
    uint32_t left, right, top, bottom;
};

void fv_sps_window_read(struct fv_bits *bits, struct fv_sps_window *ret_window);
/* Sets width and height from coded size and window. `unit_x` and `unit_y` are pixels per step.
 * 0, -EBADMSG (nothing is left), -ENOTSUP (larger than FV_SIZE_MAX). */
int fv_sps_set_size(struct fv_video_format *format, uint64_t coded_width, uint64_t coded_height,
                    const struct fv_sps_window *window, unsigned unit_x, unsigned unit_y);
/* The beginning of the VUI, which both standards share (H.264 E.1.1, H.265 E.2.1): aspect ratio to chroma location. */
void fv_vui_read_head(struct fv_bits *bits, struct fv_video_format *format);
/* Pictures per second as a reduced fraction; stays 0/0 when a part is 0 or too large. */
void fv_sps_set_fps(struct fv_video_format *format, uint64_t num, uint64_t den);

/* Horizontal and vertical luma samples per chroma sample (table 6-1); 1 for 4:0:0 and 4:4:4. */
static inline unsigned fv_chroma_step_x(unsigned chroma)
{
    return chroma == 1 || chroma == 2 ? 2 : 1;
}
static inline unsigned fv_chroma_step_y(unsigned chroma)
{
    return chroma == 1 ? 2 : 1;
}

#endif

// SPDX-License-Identifier: Apache-2.0
/* What av1_frame.c and av1_filters.c share: a frame header that is being read. Internal to codec/. */
#ifndef FV_CODEC_AV1_HEADER_H
#define FV_CODEC_AV1_HEADER_H

#include "codec/av1_frame.h"
#include "codec/bits.h"

enum { KEY_FRAME = FV_AV1_KEY_FRAME, INTER_FRAME = 1, INTRA_ONLY_FRAME = 2, SWITCH_FRAME = 3 };

#define REFS 7             /* REFS_PER_FRAME */
#define PRIMARY_REF_NONE 7 /* primary_ref_frame */
#define SELECT 2           /* SELECT_SCREEN_CONTENT_TOOLS, SELECT_INTEGER_MV */

struct fv_av1_header {
    const struct fv_av1_stream *stream;
    const struct fv_av1_sequence *sequence;
    uint8_t temporal, spatial; /* ids of the OBU's extension */
    struct fv_bits bits;
    struct fv_av1_frame frame;
    bool bad; /* it says what it may not say */
    /* 5.9.2, by their names there */
    bool intra, error_resilient, showable, sized; /* sized: frame_size_override_flag */
    bool screen_tools, integer_mv, intrabc, precise_mv, cdf_update;
    unsigned primary;    /* primary_ref_frame */
    unsigned refs[REFS]; /* ref_frame_idx */
    unsigned base_q;     /* base_q_idx */
    bool has_delta_q;    /* one of DeltaQYDc and its like is not 0 */
    bool coded_lossless;
};

/* get_relative_dist(), 7.9.3 (5.9.3) */
int fv_av1_distance(const struct fv_av1_sequence *sequence, uint32_t a, uint32_t b);

/* From quantization_params() (5.9.12) up to the end of the header. */
void fv_av1_read_filters(struct fv_av1_header *header);

/* ns(n), 4.10.7 */
uint32_t fv_av1_read_ns(struct fv_bits *bits, uint32_t n);

/* tile_info(), 5.9.15 */
void fv_av1_read_tiles(struct fv_av1_header *header);

#endif

// SPDX-License-Identifier: Apache-2.0
/*
 * AV1: what a frame's header and its tile groups take up, for those who hand frames to a parser that does not look (decode/nvdec_packet.h). A
 * frame header can only be read by who knows the sequence header and the frames that it refers to: `fv_av1_stream` is what is known. Pure
 * functions on borrowed bytes; section numbers of AV1 Bitstream & Decoding Process Specification 1.0.0 with errata 1.
 */
#ifndef FV_CODEC_AV1_FRAME_H
#define FV_CODEC_AV1_FRAME_H

#include "codec/av1.h"

#define FV_AV1_SLOTS 8       /* NUM_REF_FRAMES */
#define FV_AV1_KEY_FRAME 0   /* frame_type */
#define FV_AV1_SEGMENTS 8    /* MAX_SEGMENTS */
#define FV_AV1_POINTS 32     /* operating points */
#define FV_AV1_TILES_SIDE 64 /* MAX_TILE_COLS, MAX_TILE_ROWS */

/* 5.5, as far as frame headers depend on it. */
struct fv_av1_sequence {
    struct fv_video_format format;
    bool reduced;               /* reduced_still_picture_header */
    bool model, equal_interval; /* decoder_model_info_present_flag, equal_picture_interval */
    uint8_t removal_bits, presentation_bits; /* of buffer_removal_time, frame_presentation_time */
    uint8_t points;
    uint16_t point_idc[FV_AV1_POINTS]; /* operating_point_idc */
    bool point_model[FV_AV1_POINTS];   /* decoder_model_present_for_this_op */
    uint8_t width_bits, height_bits;
    uint32_t width, height;
    uint8_t id_bits, delta_id_bits;   /* 0: no frame ids */
    uint8_t order_bits;               /* 0: no order hints */
    uint8_t screen_tools, integer_mv; /* 2: said by each frame */
    bool large_blocks, ref_mvs, warped, superres, cdef, restoration, separate_uv, film_grain;
};

/* 0; -EBADMSG: also one that a decoder may not take (levels and bits that are reserved, 6.4.1); -ENOTSUP as fv_av1_parse_sequence(). */
int fv_av1_read_sequence(const uint8_t *payload, size_t size, struct fv_av1_sequence *ret_sequence);

struct fv_av1_size {
    uint32_t upscaled, width, height;
};

/* What later frames need of one that they refer to. */
struct fv_av1_slot {
    bool valid;
    uint8_t type; /* frame_type */
    uint32_t order_hint;
    struct fv_av1_size size;
    uint8_t segments;                    /* bit i: segment i has a quantizer of its own, */
    int16_t quantizers[FV_AV1_SEGMENTS]; /* by this much off */
};

struct fv_av1_stream {
    bool started; /* `sequence` is known */
    struct fv_av1_sequence sequence;
    struct fv_av1_slot slots[FV_AV1_SLOTS];
};

struct fv_av1_tiles {
    unsigned columns, rows, columns_log2, rows_log2;
    unsigned size_bytes; /* of each tile's size, with more than one tile */
};

struct fv_av1_frame {
    bool existing; /* show_existing_frame: there are no tiles */
    bool shown;
    uint8_t refresh;         /* refresh_frame_flags */
    struct fv_av1_slot slot; /* what goes into these */
    struct fv_av1_tiles tiles;
    size_t header_bits;
};

/* 5.9.2: the header that begins a frame or frame header OBU. 0; -EBADMSG: it does not fit its OBU, refers to what is not there, or says what 6.8
 * forbids. */
int fv_av1_read_frame(const struct fv_av1_stream *stream, const struct fv_av1_obu *obu,
                      struct fv_av1_frame *ret_frame);

/* 5.11.1: the tile group of a tile group OBU or, behind the header `frame`, of a frame OBU. Its first tile is to be `*next`, which it advances, up to
 * columns * rows. 0; -EBADMSG: other tiles, or their sizes do not add up to the OBU's, or one is empty. */
int fv_av1_check_tiles(const struct fv_av1_frame *frame, const struct fv_av1_obu *obu,
                       unsigned *next);

/* This sequence header holds from now on. With another one than before nothing is left to refer to. */
void fv_av1_set_sequence(struct fv_av1_stream *stream, const struct fv_av1_sequence *sequence);

/* 7.20: the frame is decoded. */
void fv_av1_apply(struct fv_av1_stream *stream, const struct fv_av1_frame *frame);

#endif

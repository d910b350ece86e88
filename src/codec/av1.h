// SPDX-License-Identifier: Apache-2.0
/* AV1 (AV1 Bitstream & Decoding Process Specification 1.0.0 with errata 1): OBUs, the sequence header, where decoding can start. Pure functions
 * on borrowed bytes. */
#ifndef FV_CODEC_AV1_H
#define FV_CODEC_AV1_H

#include "codec/codec.h"

/* obu_type, 6.2.2 */
enum fv_av1_type {
    FV_AV1_SEQUENCE_HEADER = 1,
    FV_AV1_TEMPORAL_DELIMITER = 2,
    FV_AV1_FRAME_HEADER = 3,
    FV_AV1_TILE_GROUP = 4,
    FV_AV1_METADATA = 5,
    FV_AV1_FRAME = 6,
    FV_AV1_REDUNDANT_FRAME_HEADER = 7,
    FV_AV1_TILE_LIST = 8,
    FV_AV1_PADDING = 15,
};

struct fv_av1_obu {
    unsigned type;
    uint8_t header[2]; /* as coded; the second byte is the extension */
    unsigned header_size;
    const uint8_t *payload;
    size_t payload_size;
    size_t size;   /* of all of it, as it lies there */
    bool has_size; /* obu_has_size_field; without, it goes up to the end of the data */
};

/* OBUs that access units (flow.h) go without. */
static inline bool fv_av1_is_dropped(unsigned type)
{
    return type == FV_AV1_TEMPORAL_DELIMITER || type == FV_AV1_TILE_LIST || type == FV_AV1_PADDING;
}

/* The OBU that begins at data[0] (5.3). 0; -EBADMSG: forbidden bit, or it does not fit. */
int fv_av1_obu(const uint8_t *data, size_t size, struct fv_av1_obu *ret_obu);

/* The same of the beginning of an OBU: the header and its size must be there, of the payload there may be less. */
int fv_av1_obu_head(const uint8_t *data, size_t size, struct fv_av1_obu *ret_obu);
/* leb128(), 4.10.5. The bytes it takes; 0: it is not whole, or larger than 2^32 - 1. */
#define FV_AV1_LEB128_BYTES 8
size_t fv_av1_read_leb128(const uint8_t *data, size_t size, uint64_t *ret_value);
/* `out` holds FV_AV1_LEB128_BYTES. Bytes written. */
size_t fv_av1_write_leb128(uint8_t *out, size_t value);
/* Begins this OBU of a frame header (5.9.2) with a key frame that is shown? `reduced`: the sequence header says reduced_still_picture_header. */
bool fv_av1_is_shown_key(const struct fv_av1_obu *obu, bool reduced);
static inline bool fv_av1_is_reduced(const uint8_t *sequence, size_t size)
{
    return size && sequence[0] & 8;
}

/* Payload of a sequence header OBU (5.5) -> format. 0; -EBADMSG; -ENOTSUP: larger than FV_SIZE_MAX. */
int fv_av1_parse_sequence(const uint8_t *payload, size_t size, struct fv_video_format *ret_format);

/* What a temporal unit holds. */
struct fv_av1_unit {
    bool sequence, key; /* a sequence header; its first frame is a shown key frame */
    unsigned frames;    /* frame headers, also of what is shown again */
    struct fv_video_format format; /* with `sequence` */
};
/* 0; -EBADMSG, -ENOTSUP. */
int fv_av1_look(const uint8_t *data, size_t size, struct fv_av1_unit *ret_unit);

/* The temporal unit as access units carry it (flow.h): each OBU with its size, without temporal delimiters, tile lists and padding.
 * `out` holds fv_av1_pack_bound(size) bytes. Bytes written, or -EBADMSG. */
int64_t fv_av1_pack(const uint8_t *data, size_t size, uint8_t *out);
/* Only the last OBU can be without a size (all up to the end belongs to it); its size takes at most 8 bytes. */
static inline size_t fv_av1_pack_bound(size_t size)
{
    return size + 8;
}

#endif

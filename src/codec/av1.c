// SPDX-License-Identifier: Apache-2.0
#include "codec/av1.h"

#include <errno.h>
#include <string.h>

#include "codec/bits.h"
#include "codec/sps.h"

#define REFERENCES 8
#define KEY_FRAME 0
#define SELECT 2 /* seq_force_screen_content_tools */

size_t fv_av1_read_leb128(const uint8_t *data, size_t size, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (size_t i = 0; i < FV_AV1_LEB128_BYTES && i < size; i++) {
        value |= (uint64_t)(data[i] & 0x7f) << 7 * i;
        if (data[i] & 0x80)
            continue;
        *ret_value = value;
        return value <= UINT32_MAX ? i + 1 : 0;
    }
    return 0;
}

size_t fv_av1_write_leb128(uint8_t *out, size_t value)
{
    size_t bytes = 0;
    do {
        out[bytes++] = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        value >>= 7;
    } while (value);
    return bytes;
}

/* Header and size; obu.size is what the OBU takes by them. */
static int read_head(const uint8_t *data, size_t size, struct fv_av1_obu *ret_obu)
{
    if (!size || data[0] & 0x80)
        return -EBADMSG;
    struct fv_av1_obu obu = {.type = data[0] >> 3 & 15,
                             .header = {data[0]},
                             .header_size = data[0] & 4 ? 2 : 1,
                             .has_size = data[0] & 2};
    if (size < obu.header_size)
        return -EBADMSG;
    if (obu.header_size == 2)
        obu.header[1] = data[1];
    size_t begin = obu.header_size;
    uint64_t payload = size - begin;
    if (obu.has_size) {
        size_t bytes = fv_av1_read_leb128(data + begin, size - begin, &payload);
        begin += bytes;
        if (!bytes)
            return -EBADMSG;
    }
    obu.payload = data + begin;
    obu.payload_size = (size_t)payload;
    obu.size = begin + (size_t)payload;
    *ret_obu = obu;
    return 0;
}

int fv_av1_obu(const uint8_t *data, size_t size, struct fv_av1_obu *ret_obu)
{
    struct fv_av1_obu obu;
    if (read_head(data, size, &obu) < 0 || obu.size > size)
        return -EBADMSG;
    *ret_obu = obu;
    return 0;
}

int fv_av1_obu_head(const uint8_t *data, size_t size, struct fv_av1_obu *ret_obu)
{
    struct fv_av1_obu obu;
    if (read_head(data, size, &obu) < 0)
        return -EBADMSG;
    const size_t there = size - (size_t)(obu.payload - data);
    if (obu.payload_size > there)
        obu.payload_size = there;
    *ret_obu = obu;
    return 0;
}

/* 4.10.3 */
static void skip_uvlc(struct fv_bits *bits)
{
    unsigned zeros = 0;
    while (fv_bits_u(bits, 1) == 0)
        if (bits->error || ++zeros == 32)
            return;
    fv_bits_skip(bits, zeros);
}

/* timing_info(), decoder_model_info() and operating points: 5.5.1. */
static void skip_operating_points(struct fv_bits *bits, struct fv_video_format *format)
{
    unsigned delay_bits = 0;
    bool model = false;
    if (fv_bits_u(bits, 1)) { /* timing_info_present_flag */
        uint32_t tick = fv_bits_u(bits, 32), scale = fv_bits_u(bits, 32);
        if (fv_bits_u(bits, 1)) { /* equal_picture_interval */
            skip_uvlc(bits);
            fv_sps_set_fps(format, scale, tick);
        }
        model = fv_bits_u(bits, 1);
        if (model) {
            delay_bits = fv_bits_u(bits, 5) + 1;
            fv_bits_skip(bits, 32 + 5 + 5);
        }
    }
    bool delay = fv_bits_u(bits, 1); /* initial_display_delay_present_flag */
    unsigned count = fv_bits_u(bits, 5) + 1;
    for (unsigned i = 0; i < count && !bits->error; i++) {
        fv_bits_skip(bits, 12);
        unsigned level = fv_bits_u(bits, 5);
        if (i == 0)
            format->level = (uint8_t)level;
        if (level > 7)
            fv_bits_skip(bits, 1);
        if (model && fv_bits_u(bits, 1))
            fv_bits_skip(bits, 2 * delay_bits + 1);
        if (delay && fv_bits_u(bits, 1))
            fv_bits_skip(bits, 4);
    }
}

/* 5.5.1, from frame_id_numbers_present_flag up to enable_restoration. */
static void skip_tools(struct fv_bits *bits, bool reduced)
{
    if (!reduced && fv_bits_u(bits, 1))
        fv_bits_skip(bits, 4 + 3);
    fv_bits_skip(bits, 3); /* 128x128, filter_intra, intra_edge_filter */
    if (!reduced) {
        fv_bits_skip(bits, 4);
        bool order_hint = fv_bits_u(bits, 1);
        if (order_hint)
            fv_bits_skip(bits, 2);
        unsigned screen = fv_bits_u(bits, 1) ? SELECT : fv_bits_u(bits, 1);
        if (screen && !fv_bits_u(bits, 1))
            fv_bits_skip(bits, 1);
        if (order_hint)
            fv_bits_skip(bits, 3);
    }
    fv_bits_skip(bits, 3); /* superres, cdef, restoration */
}

/* Subsampling of what is neither grey nor RGB, by profile. */
static uint8_t chroma_of(struct fv_bits *bits, const struct fv_video_format *format)
{
    if (format->profile < 2)
        return format->profile ? 3 : 1;
    if (format->bit_depth < 12)
        return 2;
    bool x = fv_bits_u(bits, 1);
    return !x ? 3 : fv_bits_u(bits, 1) ? 1 : 2;
}

/* 5.5.2 */
static void read_color(struct fv_bits *bits, struct fv_video_format *format)
{
    bool high = fv_bits_u(bits, 1);
    format->bit_depth = high ? 10 : 8;
    if (format->profile == 2 && high)
        format->bit_depth = fv_bits_u(bits, 1) ? 12 : 10;
    bool grey = format->profile != 1 && fv_bits_u(bits, 1);
    uint32_t description = 0;
    if (fv_bits_u(bits, 1)) {
        description = fv_bits_u(bits, 24); /* primaries, transfer, matrix */
        format->matrix = (uint8_t)description;
    }
    if (!grey && description == 0x010d00) { /* BT.709, sRGB, identity: RGB */
        format->full_range = true;
        format->chroma = 3;
        return;
    }
    format->full_range = fv_bits_u(bits, 1);
    format->chroma = grey ? 0 : chroma_of(bits, format);
}

int fv_av1_parse_sequence(const uint8_t *payload, size_t size, struct fv_video_format *ret_format)
{
    struct fv_video_format format = {.codec = FV_CODEC_AV1,
                                     .matrix = FV_MATRIX_UNSPECIFIED,
                                     .max_ref_frames = REFERENCES,
                                     .reorder_known = true};
    struct fv_bits bits;
    fv_bits_init(&bits, payload, size);
    format.profile = (uint8_t)fv_bits_u(&bits, 3);
    fv_bits_skip(&bits, 1); /* still_picture */
    bool reduced = fv_bits_u(&bits, 1);
    if (reduced)
        format.level = (uint8_t)fv_bits_u(&bits, 5);
    else
        skip_operating_points(&bits, &format);
    unsigned width_bits = fv_bits_u(&bits, 4) + 1, height_bits = fv_bits_u(&bits, 4) + 1;
    unsigned width = fv_bits_u(&bits, width_bits) + 1, height = fv_bits_u(&bits, height_bits) + 1;
    skip_tools(&bits, reduced);
    read_color(&bits, &format);
    if (bits.error || format.profile > 2)
        return -EBADMSG;
    unsigned coded_width = (width + 7) / 8 * 8, coded_height = (height + 7) / 8 * 8;
    const struct fv_sps_window window = {.right = coded_width - width,
                                         .bottom = coded_height - height};
    int code = fv_sps_set_size(&format, coded_width, coded_height, &window, 1, 1);
    if (code == 0)
        *ret_format = format;
    return code;
}

/* A sequence of one still picture has no such bits. */
bool fv_av1_is_shown_key(const struct fv_av1_obu *obu, bool reduced)
{
    if (reduced)
        return true;
    unsigned first = obu->payload_size ? obu->payload[0] : 0xff;
    bool existing = first & 0x80, shown = first & 0x10;
    return !existing && (first >> 5 & 3) == KEY_FRAME && shown;
}

int fv_av1_look(const uint8_t *data, size_t size, struct fv_av1_unit *ret_unit)
{
    struct fv_av1_unit unit = {0};
    bool reduced = false;
    for (struct fv_av1_obu obu; size; data += obu.size, size -= obu.size) {
        int code = fv_av1_obu(data, size, &obu);
        if (code == 0 && obu.type == FV_AV1_SEQUENCE_HEADER) {
            code = fv_av1_parse_sequence(obu.payload, obu.payload_size, &unit.format);
            unit.sequence = true;
            reduced = fv_av1_is_reduced(obu.payload, obu.payload_size);
        }
        if (code < 0)
            return code;
        if (obu.type != FV_AV1_FRAME && obu.type != FV_AV1_FRAME_HEADER)
            continue;
        if (unit.frames++ == 0)
            unit.key = fv_av1_is_shown_key(&obu, reduced);
    }
    *ret_unit = unit;
    return 0;
}

int64_t fv_av1_pack(const uint8_t *data, size_t size, uint8_t *out)
{
    size_t written = 0;
    for (struct fv_av1_obu obu; size; data += obu.size, size -= obu.size) {
        int code = fv_av1_obu(data, size, &obu);
        if (code < 0)
            return code;
        if (fv_av1_is_dropped(obu.type))
            continue;
        if (obu.has_size) {
            memcpy(out + written, data, obu.size);
            written += obu.size;
            continue;
        }
        memcpy(out + written, obu.header, obu.header_size);
        out[written] |= 2;
        written += obu.header_size;
        written += fv_av1_write_leb128(out + written, obu.payload_size);
        memcpy(out + written, obu.payload, obu.payload_size);
        written += obu.payload_size;
    }
    return (int64_t)written;
}

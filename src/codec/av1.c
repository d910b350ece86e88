// SPDX-License-Identifier: Apache-2.0
#include "codec/av1.h"

#include <errno.h>
#include <string.h>

#define KEY_FRAME 0

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

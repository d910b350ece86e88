// SPDX-License-Identifier: Apache-2.0
#include "rtp/packet.h"

#include <errno.h>

#define HEADER 12
#define VERSION 2

/* Header, CSRCs and extension (RFC 3550 5.1, 5.3.1). Returns the payload's offset, or -EBADMSG. */
static int64_t payload_offset(const uint8_t *data, size_t size)
{
    if (size < HEADER || data[0] >> 6 != VERSION)
        return -EBADMSG;
    size_t offset = HEADER + 4 * (size_t)(data[0] & 0x0f);
    if (data[0] & 0x10) {
        if (size < offset + 4)
            return -EBADMSG;
        offset += 4 + 4 * (size_t)fv_get16(data + offset + 2);
    }
    return offset <= size ? (int64_t)offset : -EBADMSG;
}

int fv_rtp_parse_lenient(const uint8_t *data, size_t size, struct fv_rtp_packet *ret_packet,
                         bool *ret_bad_padding)
{
    int64_t offset = payload_offset(data, size);
    if (offset < 0)
        return (int)offset;
    size_t payload_size = size - (size_t)offset;
    *ret_bad_padding = false;
    if (data[0] & 0x20) {
        size_t padding = data[size - 1];
        *ret_bad_padding = padding == 0 || padding > payload_size;
        payload_size -= *ret_bad_padding ? 0 : padding;
    }
    *ret_packet = (struct fv_rtp_packet){
        .marker = data[1] >> 7,
        .payload_type = data[1] & 0x7f,
        .seq = fv_get16(data + 2),
        .timestamp = fv_get32(data + 4),
        .ssrc = fv_get32(data + 8),
        .payload = data + offset,
        .payload_size = payload_size,
        .extension = data[0] & 0x10 ? data + HEADER + 4 * (size_t)(data[0] & 0x0f) : NULL,
    };
    return 0;
}

int fv_rtp_parse(const uint8_t *data, size_t size, struct fv_rtp_packet *ret_packet)
{
    struct fv_rtp_packet packet;
    bool bad_padding;
    int rc = fv_rtp_parse_lenient(data, size, &packet, &bad_padding);
    if (rc < 0 || bad_padding)
        return -EBADMSG;
    *ret_packet = packet;
    return 0;
}

void fv_rtp_write_header(uint8_t *out, bool marker, uint8_t payload_type, uint16_t seq,
                         uint32_t timestamp, uint32_t ssrc)
{
    out[0] = VERSION << 6;
    out[1] = (uint8_t)((marker ? 0x80 : 0) | (payload_type & 0x7f));
    fv_put16(out + 2, seq);
    fv_put32(out + 4, timestamp);
    fv_put32(out + 8, ssrc);
}

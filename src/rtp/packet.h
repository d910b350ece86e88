// SPDX-License-Identifier: Apache-2.0
/* RTP packets (RFC 3550 5.1) and RTCP headers (6.1). Pure functions on borrowed bytes. */
#ifndef FV_RTP_PACKET_H
#define FV_RTP_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fv_rtp_packet {
    bool marker;
    uint8_t payload_type; /* 0..127 */
    uint16_t seq;
    uint32_t timestamp;
    uint32_t ssrc;
    const uint8_t *payload; /* without header, CSRCs, extension and padding */
    size_t payload_size;    /* may be 0 */
    const uint8_t *extension; /* header extension (5.3.1) from its profile's 16 bits on; NULL without one */
};

/* 0, or -EBADMSG (A.1: version, length, CSRC count, extension, padding that do not fit). */
int fv_rtp_parse(const uint8_t *data, size_t size, struct fv_rtp_packet *ret_packet);
/* As fv_rtp_parse(), but a padding count that does not fit is reported instead of refused: the payload is then
 * everything behind the header. Some cameras set the padding bit without padding. */
int fv_rtp_parse_lenient(const uint8_t *data, size_t size, struct fv_rtp_packet *ret_packet, bool *ret_bad_padding);
/* Writes a 12-byte header. `out` holds 12 bytes. */
void fv_rtp_write_header(uint8_t *out, bool marker, uint8_t payload_type, uint16_t seq, uint32_t timestamp,
                         uint32_t ssrc);

static inline uint16_t fv_get16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }
static inline uint32_t fv_get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
static inline void fv_put16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}
static inline void fv_put32(uint8_t *p, uint32_t v)
{
    fv_put16(p, (uint16_t)(v >> 16));
    fv_put16(p + 2, (uint16_t)v);
}

/* Bytes of a header extension behind its first four, which say so. */
static inline size_t fv_rtp_extension_size(const uint8_t *extension)
{
    return 4 * (size_t)fv_get16(extension + 2);
}

#endif

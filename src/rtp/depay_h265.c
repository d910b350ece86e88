// SPDX-License-Identifier: Apache-2.0
/* RTP payload format for H.265 (RFC 7798) without decoding order numbers (sprop-max-don-diff 0). */
#include "rtp/depay.h"

enum { TYPE_AP = 48, TYPE_FU = 49, TYPE_PACI = 50 };

#define HEADER 2

/* 4.4.3: payload header (type 49), FU header (S, E, type). */
static int fragment(struct fv_depay *depay, const uint8_t *payload, size_t size)
{
    if (size < HEADER + 1)
        return fv_depay_refuse(depay);
    uint8_t type = payload[2] & 0x3f;
    struct fv_fu fu = {
        .start = payload[2] & 0x80,
        .end = payload[2] & 0x40,
        .type = type,
        .part = {{(uint8_t)((payload[0] & 0x81) | type << 1), payload[1]},
                 HEADER,
                 payload + HEADER + 1,
                 size - HEADER - 1},
    };
    return fv_depay_fragment(depay, &fu);
}

static int h265_payload(struct fv_depay *depay, const struct fv_rtp_packet *packet)
{
    const uint8_t *payload = packet->payload;
    const size_t size = packet->payload_size;
    switch (payload[0] >> 1 & 0x3f) {
    case TYPE_FU:
        return fragment(depay, payload, size);
    case TYPE_AP:
        return size < HEADER ? fv_depay_refuse(depay)
                             : fv_depay_aggregate(depay, payload + HEADER, size - HEADER);
    case TYPE_PACI:
        return fv_depay_refuse(depay);
    default:
        depay->lost = false;
        fv_assembly_nal(depay->assembly, payload, size);
        return 0;
    }
}

const struct fv_depay_ops fv_depay_h265 = {.codec = FV_CODEC_H265, .payload = h265_payload};

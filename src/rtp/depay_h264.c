// SPDX-License-Identifier: Apache-2.0
/* RTP payload format for H.264 (RFC 6184), packetization modes 0 and 1. */
#include "rtp/depay.h"

enum { TYPE_STAP_A = 24, TYPE_STAP_B, TYPE_MTAP16, TYPE_MTAP24, TYPE_FU_A, TYPE_FU_B };

/* 5.8: FU indicator (F, NRI, 28), FU header (S, E, R, type). */
static int fu_a(struct fv_depay *depay, const uint8_t *payload, size_t size)
{
    if (size < 2)
        return fv_depay_refuse(depay);
    struct fv_fu fu = {
        .start = payload[1] & 0x80,
        .end = payload[1] & 0x40,
        .type = payload[1] & 0x1f,
        .part = {{(uint8_t)((payload[0] & 0xe0) | (payload[1] & 0x1f))}, 1, payload + 2, size - 2},
    };
    return fv_depay_fragment(depay, &fu);
}

static int h264_payload(struct fv_depay *depay, const struct fv_rtp_packet *packet)
{
    const uint8_t *payload = packet->payload;
    const size_t size = packet->payload_size;
    switch (payload[0] & 0x1f) {
    case TYPE_FU_A:
        return fu_a(depay, payload, size);
    case TYPE_STAP_A:
        return fv_depay_aggregate(depay, payload + 1, size - 1);
    case TYPE_STAP_B: /* interleaved mode */
    case TYPE_MTAP16:
    case TYPE_MTAP24:
    case TYPE_FU_B:
        return fv_depay_refuse(depay);
    default:
        depay->lost = false;
        fv_assembly_nal(depay->assembly, payload, size);
        return 0;
    }
}

const struct fv_depay_ops fv_depay_h264 = {.codec = FV_CODEC_H264, .payload = h264_payload};

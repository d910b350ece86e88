// SPDX-License-Identifier: Apache-2.0
/*
 * NAL units -> RTP payloads: RFC 6184 (H.264, packetization-mode 1) and RFC 7798 (H.265, no DONL).
 * Small units that stand before the slices (parameter sets, SEI, delimiter) travel together
 * (STAP-A, AP), what exceeds the MTU in fragments (FU-A, FU), all else alone. Pure function; no
 * allocation.
 */
#ifndef FV_SIM_PACKETIZE_H
#define FV_SIM_PACKETIZE_H

#include "codec/codec.h"

#define FV_SIM_MTU 1400 /* largest RTP payload in bytes */

struct fv_packetizer {
    const struct fv_codec_ops *codec;
    /* Takes over one payload, in two parts (either may be empty), borrowed. 0 or negative errno,
     * which ends the work. */
    int (*emit)(void *data, struct fv_nal head, struct fv_nal body);
    void *data;
};

/* The NAL units of one access unit, in order. 0, what emit() said, or -EBADMSG: a NAL unit shorter
 * than its header. */
int fv_packetize(const struct fv_packetizer *packetizer, const struct fv_nal *nals, size_t count);

#endif

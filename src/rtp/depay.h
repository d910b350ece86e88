// SPDX-License-Identifier: Apache-2.0
/* Depacketizers: RTP payloads in order -> NAL units. One table entry per codec (depay_h264.c, depay_h265.c). */
#ifndef FV_RTP_DEPAY_H
#define FV_RTP_DEPAY_H

#include "rtp/assembly.h"

struct fv_depay {
    struct fv_assembly *assembly; /* borrowed */
    bool lost;                    /* no start of a fragment since packets were lost */
    bool starts;                  /* fragments with a start bit were seen */
    uint8_t type;                 /* of the NAL unit in fragments */
};

struct fv_depay_ops {
    enum fv_codec codec;
    /* One payload, size >= 1. 0, or -EBADMSG: it was malformed or of a kind that is not supported (the picture counts as damaged). */
    int (*payload)(struct fv_depay *depay, const uint8_t *payload, size_t size);
};

/* NULL for FV_CODEC_NONE. */
const struct fv_depay_ops *fv_depay_ops(enum fv_codec codec);

/* Shared by the codecs: units of 16-bit length and bytes (STAP-A of RFC 6184 5.7.1, AP of RFC 7798 4.4.2). */
int fv_depay_aggregate(struct fv_depay *depay, const uint8_t *units, size_t size);
/* Shared by the codecs: one fragmentation unit (RFC 6184 5.8, RFC 7798 4.4.3), with the tolerated faults of quirks.h. */
struct fv_fu {
    bool start, end;
    uint8_t type;
    struct fv_fragment part;
};
int fv_depay_fragment(struct fv_depay *depay, const struct fv_fu *fu);

extern const struct fv_depay_ops fv_depay_h264;
extern const struct fv_depay_ops fv_depay_h265;

#endif

// SPDX-License-Identifier: Apache-2.0
/* Depacketizers: RTP payloads in order -> parts of pictures. One table entry per codec, in a file of its own (depay_h264.c, ...). */
#ifndef FV_RTP_DEPAY_H
#define FV_RTP_DEPAY_H

#include "rtp/assembly.h"
#include "rtp/packet.h"

struct fv_depay {
    struct fv_assembly *assembly; /* borrowed */
    void *state;                  /* of the codec, state_size bytes, zeroed at first */
    uint16_t width, height;       /* as the SDP says, 0 when it does not */
    const char *refusal;          /* the last kind of payload that is not supported; NULL: none came */
    /* NAL units in fragments */
    bool lost;                    /* no start of a fragment since packets were lost */
    bool starts;                  /* fragments with a start bit were seen */
    uint8_t type;                 /* of the NAL unit in fragments */
};

struct fv_depay_ops {
    enum fv_codec codec;
    size_t state_size;
    /* One packet with a payload. 0, or -EBADMSG: it was malformed or of a kind that is not supported (the picture counts as damaged). */
    int (*payload)(struct fv_depay *depay, const struct fv_rtp_packet *packet);
    /* The picture at hand ends: see fv_assembly.closing. May be NULL. */
    void (*closing)(struct fv_depay *depay);
};

/* NULL for FV_CODEC_NONE. */
const struct fv_depay_ops *fv_depay_ops(enum fv_codec codec);

/* Shared: the packet cannot be used, the picture at hand is damaged. -EBADMSG. */
int fv_depay_refuse(struct fv_depay *depay);
/* The same of what is well-formed and not supported; `why`, static, tells people. */
int fv_depay_refuse_kind(struct fv_depay *depay, const char *why);
/* Shared by H.264 and H.265: units of 16-bit length and bytes (STAP-A of RFC 6184 5.7.1, AP of RFC 7798 4.4.2). */
int fv_depay_aggregate(struct fv_depay *depay, const uint8_t *units, size_t size);
/* Likewise: one fragmentation unit (RFC 6184 5.8, RFC 7798 4.4.3), with the tolerated faults of quirks.h. */
struct fv_fu {
    bool start, end;
    uint8_t type;
    struct fv_fragment part;
};
int fv_depay_fragment(struct fv_depay *depay, const struct fv_fu *fu);

extern const struct fv_depay_ops fv_depay_h264;
extern const struct fv_depay_ops fv_depay_h265;
extern const struct fv_depay_ops fv_depay_jpeg;
extern const struct fv_depay_ops fv_depay_vp9;
extern const struct fv_depay_ops fv_depay_av1;

#endif

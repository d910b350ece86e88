// SPDX-License-Identifier: Apache-2.0
/*
 * Session descriptions (RFC 8866) as cameras write them, and the choice of the one stream that
 * Fovea plays. Parsing allocates
 * nothing: everything is a slice of the text.
 */
#ifndef FV_RTSP_SDP_H
#define FV_RTSP_SDP_H

#include "base/error.h"
#include "base/slice.h"
#include "flow.h"

#define FV_SDP_MEDIA_MAX 16   /* further ones are left out: FV_SDP_TRUNCATED */
#define FV_SDP_FORMATS_MAX 24 /* for each media */
#define FV_SDP_SETS_MAX 4096  /* bytes of Annex B that parameter sets may take */

/* Faults that real cameras have and that do no harm. A description with others is refused. */
enum fv_sdp_quirk {
    FV_SDP_BOM = 1u << 0,       /* a byte order mark in front */
    FV_SDP_JUNK_LINE = 1u << 1, /* a line that is not "x=..." */
    FV_SDP_TRUNCATED = 1u << 2, /* more media or formats than the limits */
    FV_SDP_BAD_MEDIA =
        1u << 3, /* an m= line that cannot be understood, with all that belongs to it */
    FV_SDP_BAD_FORMAT = 1u << 4, /* a payload type that is no number from 0 to 127 */
    FV_SDP_BAD_RTPMAP = 1u << 5, /* a=rtpmap or a=fmtp without payload type or encoding */
    FV_SDP_FOREIGN_FORMAT =
        1u << 6, /* a=rtpmap or a=fmtp for a payload type that m= does not list */
    FV_SDP_BAD_FRAMERATE = 1u << 7,    /* "0S" */
    FV_SDP_NO_CLOCK_RATE = 1u << 8,    /* rtpmap without clock rate: 90 kHz is assumed */
    FV_SDP_GUESSED_CODEC = 1u << 9,    /* no rtpmap: codec taken from the parameter sets in fmtp */
    FV_SDP_SENDONLY_VIDEO = 1u << 10,  /* the only video calls itself a back channel */
    FV_SDP_NO_CONTROL = 1u << 11,      /* the media has no a=control: the base address is used */
    FV_SDP_QUOTED_SETS = 1u << 12,     /* quotation marks inside the parameter sets */
    FV_SDP_BAD_BASE64 = 1u << 13,      /* a parameter set that is no Base64: left out */
    FV_SDP_SETS_START_CODE = 1u << 14, /* start codes before or behind a parameter set: taken off */
    FV_SDP_NOT_A_SET = 1u << 15, /* a NAL unit of another kind among the parameter sets: left out */
    FV_SDP_SETS_TOO_LONG = 1u << 16, /* parameter sets beyond FV_SDP_SETS_MAX: left out */
};
/* "bom", "junk line", ...; "unknown" for other values. One bit at a time. */
const char *fv_sdp_quirk_name(enum fv_sdp_quirk quirk);
/* What it means and what is done about it: one sentence for people. Never NULL. */
const char *fv_sdp_quirk_policy(enum fv_sdp_quirk quirk);

enum fv_sdp_direction { FV_SDP_SENDRECV, FV_SDP_RECVONLY, FV_SDP_SENDONLY, FV_SDP_INACTIVE };

struct fv_sdp_format {
    uint8_t payload_type;
    struct fv_slice
        encoding; /* of rtpmap ("H264"), or of the static table (RFC 3551); empty when unknown */
    uint32_t clock_rate;  /* Hz, 0 when unknown */
    struct fv_slice fmtp; /* parameters, empty when absent */
};

struct fv_sdp_media {
    struct fv_slice type; /* "video" */
    uint16_t port;
    struct fv_slice protocol; /* "RTP/AVP" */
    unsigned format_count;
    struct fv_sdp_format formats[FV_SDP_FORMATS_MAX];
    struct fv_slice connection; /* c= of the media, else of the session; empty when absent */
    struct fv_slice control;    /* a=control, empty when absent */
    enum fv_sdp_direction direction;
    double fps; /* a=framerate, 0 when absent */
    uint16_t width, height; /* a=x-dimensions or a=framesize, 0 when absent */
};

struct fv_sdp {
    struct fv_slice name, connection; /* s=, c= */
    struct fv_slice control;          /* a=control of the session, empty when absent */
    enum fv_sdp_direction direction;
    unsigned media_count;
    struct fv_sdp_media media[FV_SDP_MEDIA_MAX];
    uint32_t quirks; /* FV_SDP_* */
};

/* 0, or -EBADMSG: not a session description (it does not begin with "v="). */
int fv_sdp_parse(struct fv_slice text, struct fv_sdp *ret_sdp);

/* The stream to play. Points into the description. */
struct fv_sdp_choice {
    const struct fv_sdp_media *media;
    const struct fv_sdp_format *format;
    enum fv_codec codec;
    uint32_t clock_rate; /* Hz, > 0 */
    uint32_t quirks;     /* in addition to those of the description */
};

/* The first video that the camera sends in H.264, H.265, VP9 or AV1; when there is none, the first in JPEG, which takes several
 * times the bits. 0; -ENOENT: no video at all; -ENOTSUP: video, but encrypted or in another codec. `err` then names what the camera offers. */
int fv_sdp_choose(const struct fv_sdp *sdp, struct fv_sdp_choice *ret_choice, struct fv_error *err);

/* Parameter sets of fmtp (RFC 6184 8.1, RFC 7798 7.1) as Annex B with 4-byte start codes, in the
 * order VPS, SPS, PPS. Writes at
 * most FV_SDP_SETS_MAX bytes into `out`, returns their number (0: none, they come in band), adds to
 * *quirks. */
size_t fv_sdp_sets(enum fv_codec codec, struct fv_slice fmtp, uint8_t *out, uint32_t *quirks);

#endif

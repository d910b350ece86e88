// SPDX-License-Identifier: Apache-2.0
/* Header values and addresses that a session reads: Transport, Session, RTP-Info, and how control
 * addresses are joined. */
#ifndef FV_RTSP_TRANSPORT_H
#define FV_RTSP_TRANSPORT_H

#include "base/clock.h"
#include "base/url.h"
#include "rtsp/message.h"

#define FV_RTSP_URI_MAX (FV_URL_MAX + 300) /* an address as fv_url_format() writes it */
#define FV_RTSP_SESSION_ID_MAX 256

/* Transport of a SETUP response (RFC 2326 12.39); the first one when there are several. */
struct fv_rtsp_transport {
    bool tcp; /* the lower transport is named TCP, or there are interleaved channels */
    bool multicast;
    bool interleaved; /* channels are given */
    uint8_t rtp_channel, rtcp_channel;
    uint16_t server_rtp_port, server_rtcp_port; /* 0 when absent */
    bool has_ssrc; /* and it is not 0, which cameras write when they do not know */
    uint32_t ssrc;
    char source[64]; /* a literal address, else "" */
};
/* 0, or -EBADMSG: not RTP. Parameters that cannot be understood count as absent. */
int fv_rtsp_parse_transport(struct fv_slice value, struct fv_rtsp_transport *ret_transport);

/* Session (12.37). `id` holds FV_RTSP_SESSION_ID_MAX bytes. *ret_timeout in ns, FV_TIME_UNKNOWN
 * when absent or 0.
 * 0, or -EBADMSG: empty, too long or with control characters. */
int fv_rtsp_parse_session(struct fv_slice value, char *id, int64_t *ret_timeout);

/* RTP-Info (12.33) of the stream with this a=control and this address. Hints: wrong or missing
 * parts are left out. */
struct fv_rtsp_info {
    bool has_seq, has_rtptime;
    uint16_t seq;
    uint32_t rtptime;
};
struct fv_rtsp_info fv_rtsp_parse_info(struct fv_slice value, struct fv_slice control,
                                       const char *uri);

/* What relative control addresses are relative to (RFC 2326 C.1.1): Content-Base, Content-Location,
 * or the address asked for. */
int fv_rtsp_base(const struct fv_rtsp_message *response, const char *request_uri, char *buffer,
                 size_t size);
/* `control` as an address: empty and "*" mean the base; a relative one is appended, also behind a
 * query, as cameras expect (and not as
 * RFC 3986 says). Blanks and quotation marks are percent-encoded. 0, -ENOBUFS, or -EBADMSG: control
 * characters. */
int fv_rtsp_join(const char *base, struct fv_slice control, char *buffer, size_t size);

#endif

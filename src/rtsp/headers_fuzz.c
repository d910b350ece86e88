// SPDX-License-Identifier: Apache-2.0
/* Any text as each of the header values that a session reads: Transport, Session, RTP-Info, and addresses that are joined. */
#include <stdlib.h>
#include <string.h>

#include "rtsp/transport.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool promise)
{
    if (!promise)
        abort();
}

static void check_transport(struct fv_slice value)
{
    struct fv_rtsp_transport transport;
    if (fv_rtsp_parse_transport(value, &transport) < 0)
        return;
    check(!transport.interleaved || transport.tcp);
    check(!transport.interleaved || transport.rtp_channel != transport.rtcp_channel);
    check(!transport.has_ssrc || transport.ssrc != 0);
    check(strspn(transport.source, "0123456789abcdefABCDEF.:") == strlen(transport.source));
}

static void check_session(struct fv_slice value)
{
    char id[FV_RTSP_SESSION_ID_MAX];
    int64_t timeout;
    if (fv_rtsp_parse_session(value, id, &timeout) < 0)
        return;
    check(id[0] && !strpbrk(id, " \r\n;"));
    check(timeout == FV_TIME_UNKNOWN || timeout >= FV_S);
}

/* Up to the first line end the base, behind it the control address. */
static void check_join(struct fv_slice text)
{
    char base[FV_RTSP_URI_MAX], joined[FV_RTSP_URI_MAX];
    struct fv_rtsp_message message = {.header_count = 1};
    message.headers[0].name = FV_SLICE("Content-Base");
    message.headers[0].value = fv_slice_cut(&text, '\n');
    if (fv_rtsp_base(&message, "rtsp://cam/live?a=b", base, sizeof(base)) < 0)
        return;
    check(!strpbrk(base, "\r\n \""));
    if (fv_rtsp_join(base, text, joined, sizeof(joined)) == 0)
        check(!strpbrk(joined, "\r\n \""));
    struct fv_rtsp_info info = fv_rtsp_parse_info(text, fv_slice_of("trackID=1"), base);
    check(info.has_seq || info.seq == 0);
    check(info.has_rtptime || info.rtptime == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fv_slice value = {size ? (const char *)data : "", size};
    check_transport(value);
    check_session(value);
    check_join(value);
    return 0;
}

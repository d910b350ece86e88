// SPDX-License-Identifier: Apache-2.0
/* RTCP (RFC 3550 6): what a receiver needs from compound packets, and the reports that it sends. */
#ifndef FV_RTP_RTCP_H
#define FV_RTP_RTCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rtp/sender_clock.h"

#define FV_RTCP_REPORT_MAX 256

struct fv_rtcp_info {
    bool has_report; /* a sender report of `ssrc` */
    struct fv_sender_report report;
    bool bye; /* `ssrc` said goodbye, or a goodbye names nobody */
};

/*
 * Reads a compound packet for one source. A.2, but tolerant: it need not begin with a report (RFC 5506), and what does not fit
 * behind a whole packet is ignored. 0, or -EBADMSG when not even the first packet is one.
 */
int fv_rtcp_parse(const uint8_t *data, size_t size, uint32_t ssrc, struct fv_rtcp_info *ret_info);

struct fv_rtcp_report {
    uint32_t own_ssrc, ssrc;
    uint8_t fraction; /* lost since the last report, of 256 */
    int64_t lost;     /* cumulative; clamped to 24 bits */
    uint32_t highest; /* extended sequence number */
    uint32_t jitter;
    uint32_t last_report,
        delay; /* LSR: middle of the last report's NTP time; DLSR: 1/65536 s since; both 0: none */
};

/* Receiver report and SDES CNAME (6.4.2, 6.5.1). `out` holds FV_RTCP_REPORT_MAX bytes; returns those written. */
size_t fv_rtcp_write(const struct fv_rtcp_report *report, const char *cname, uint8_t *out);

#endif

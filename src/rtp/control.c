// SPDX-License-Identifier: Apache-2.0
/* RTCP in and out. */
#include "rtp/rtcp.h"
#include "rtp/state.h"

static void sender_report(struct fv_rtp *rtp, const struct fv_sender_report *report, int64_t now,
                          int64_t wall)
{
    rtp->stats.sender_reports++;
    rtp->report_ntp = (uint32_t)(report->ntp >> 16);
    rtp->report_arrival = now;
    if (!fv_sender_clock_update(&rtp->clock, report, now, wall))
        fv_quirk_meet(&rtp->quirks, FV_QUIRK_SENDER_REPORT);
    rtp->stats.drift_ppm = fv_sender_clock_drift(&rtp->clock);
}

int fv_rtp_input_rtcp(struct fv_rtp *receiver, const uint8_t *packet, size_t size, int64_t now,
                      int64_t wall)
{
    struct fv_rtcp_info info;
    int rc = fv_rtcp_parse(packet, size, receiver->ssrc, &info);
    if (rc < 0) {
        receiver->stats.invalid++;
        return rc;
    }
    if (!receiver->started)
        return 0; /* whose report it is cannot be known yet */
    if (info.has_report)
        sender_report(receiver, &info.report, now, wall);
    receiver->stats.ended |= info.bye;
    return 0;
}

size_t fv_rtp_report(struct fv_rtp *receiver, int64_t now, uint8_t *out)
{
    if (!receiver->started)
        return 0;
    struct fv_sequence *sequence = &receiver->sequence;
    struct fv_rtcp_report report = {
        .own_ssrc = receiver->own_ssrc,
        .ssrc = receiver->ssrc,
        .fraction = fv_sequence_fraction(sequence),
        .lost = fv_sequence_lost(sequence),
        .highest = (uint32_t)sequence->highest,
        .jitter = receiver->stats.jitter,
    };
    if (receiver->report_arrival != FV_TIME_UNKNOWN) {
        uint64_t since = (uint64_t)fv_max64(now - receiver->report_arrival, 0);
        report.last_report = receiver->report_ntp;
        report.delay = (uint32_t)(since / FV_S * 65536 + since % FV_S * 65536 / FV_S);
    }
    return fv_rtcp_write(&report, receiver->cname, out);
}

// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a compound RTCP packet; what is found feeds a sender clock. */
#include <stdlib.h>

#include "base/clock.h"
#include "rtp/rtcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fv_sender_clock clock;
    struct fv_rtcp_info info;
    int64_t now = 0;
    fv_sender_clock_init(&clock, 90000);
    for (size_t at = 0; at < size; at += 4) {
        if (fv_rtcp_parse(data + at, size - at, 0x11223344, &info) < 0 || !info.has_report)
            continue;
        now += FV_S;
        fv_sender_clock_update(&clock, &info.report, now, now & 1 ? now : FV_TIME_UNKNOWN);
        if (!clock.sane && fv_sender_clock_wall(&clock, info.report.timestamp) != FV_TIME_UNKNOWN)
            abort();
        (void)fv_sender_clock_drift(&clock);
    }
    return 0;
}

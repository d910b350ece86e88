// SPDX-License-Identifier: Apache-2.0
#include "sim/report.h"

#include <string.h>

#include "base/clock.h"
#include "rtp/packet.h"

#define RTCP_SR 200
#define RTCP_SDES 202
#define RTCP_BYE 203
#define SDES_CNAME 1
#define SR_SIZE 28
#define CNAME_MAX 60
#define NTP_EPOCH INT64_C(2208988800) /* seconds from 1900 to 1970 */

static void write_header(uint8_t *out, unsigned count, uint8_t type, size_t size)
{
    out[0] = (uint8_t)(0x80 | count);
    out[1] = type;
    fv_put16(out + 2, (uint16_t)(size / 4 - 1));
}

static void write_sr(const struct fv_sim_report *report, uint8_t *out)
{
    write_header(out, 0, RTCP_SR, SR_SIZE);
    fv_put32(out + 4, report->ssrc);
    fv_put32(out + 8, (uint32_t)(report->wall / FV_S + NTP_EPOCH));
    fv_put32(out + 12, (uint32_t)(((uint64_t)(report->wall % FV_S) << 32) / (uint64_t)FV_S));
    fv_put32(out + 16, report->rtp_time);
    fv_put32(out + 20, report->packets);
    fv_put32(out + 24, report->octets);
}

/* A chunk ends with at least one zero byte and on a word boundary. */
static size_t write_sdes(const struct fv_sim_report *report, uint8_t *out)
{
    size_t length = strnlen(report->cname, CNAME_MAX);
    size_t size = (10 + length + 1 + 3) & ~(size_t)3;
    memset(out, 0, size);
    write_header(out, 1, RTCP_SDES, size);
    fv_put32(out + 4, report->ssrc);
    out[8] = SDES_CNAME;
    out[9] = (uint8_t)length;
    memcpy(out + 10, report->cname, length);
    return size;
}

static size_t write_bye(const struct fv_sim_report *report, uint8_t *out)
{
    write_header(out, 1, RTCP_BYE, 8);
    fv_put32(out + 4, report->ssrc);
    return 8;
}

size_t fv_sim_report_write(const struct fv_sim_report *report, uint8_t *out)
{
    write_sr(report, out);
    size_t size = SR_SIZE + write_sdes(report, out + SR_SIZE);
    return report->bye ? size + write_bye(report, out + size) : size;
}

// SPDX-License-Identifier: Apache-2.0
#include "rtp/rtcp.h"

#include <errno.h>
#include <string.h>

#include "rtp/packet.h"

#define VERSION 2
#define CNAME_MAX 100
#define SENDER_REPORT_SIZE 28   /* header, sender's ssrc, sender info */
#define RECEIVER_REPORT_SIZE 32 /* with one block */

enum rtcp_type { TYPE_SR = 200, TYPE_RR = 201, TYPE_SDES = 202, TYPE_BYE = 203, TYPE_LAST = 223 };

/* The size of the RTCP packet that `data` begins with, or -EBADMSG. */
static int64_t packet_size(const uint8_t *data, size_t size)
{
    if (size < 4 || data[0] >> 6 != VERSION || data[1] < TYPE_SR || data[1] > TYPE_LAST)
        return -EBADMSG;
    size_t packet = 4 * ((size_t)fv_get16(data + 2) + 1);
    return packet <= size ? (int64_t)packet : -EBADMSG;
}

static void read_sender_report(const uint8_t *data, size_t size, uint32_t ssrc,
                               struct fv_rtcp_info *info)
{
    if (size < SENDER_REPORT_SIZE || fv_get32(data + 4) != ssrc)
        return;
    info->has_report = true;
    info->report.ntp = (uint64_t)fv_get32(data + 8) << 32 | fv_get32(data + 12);
    info->report.timestamp = fv_get32(data + 16);
}

/* 6.6 */
static void read_bye(const uint8_t *data, size_t size, uint32_t ssrc, struct fv_rtcp_info *info)
{
    unsigned sources = data[0] & 0x1f;
    if (sources == 0)
        info->bye = true;
    for (size_t i = 0; i < sources && 8 + 4 * i <= size; i++)
        if (fv_get32(data + 4 + 4 * i) == ssrc)
            info->bye = true;
}

int fv_rtcp_parse(const uint8_t *data, size_t size, uint32_t ssrc, struct fv_rtcp_info *ret_info)
{
    struct fv_rtcp_info info = {0};
    int64_t packet = packet_size(data, size);
    if (packet < 0)
        return (int)packet;
    do {
        if (data[1] == TYPE_SR)
            read_sender_report(data, (size_t)packet, ssrc, &info);
        else if (data[1] == TYPE_BYE)
            read_bye(data, (size_t)packet, ssrc, &info);
        data += packet;
        size -= (size_t)packet;
        packet = packet_size(data, size);
    } while (packet > 0);
    *ret_info = info;
    return 0;
}

static void put_header(uint8_t *out, unsigned count, enum rtcp_type type, size_t size)
{
    out[0] = (uint8_t)(VERSION << 6 | count);
    out[1] = (uint8_t)type;
    fv_put16(out + 2, (uint16_t)(size / 4 - 1));
}

/* 6.4.1: a signed number of 24 bits. */
static uint32_t clamp_lost(int64_t lost)
{
    if (lost > 0x7fffff)
        lost = 0x7fffff;
    if (lost < -0x800000)
        lost = -0x800000;
    return (uint32_t)lost & 0xffffff;
}

size_t fv_rtcp_write(const struct fv_rtcp_report *report, const char *cname, uint8_t *out)
{
    memset(out, 0, FV_RTCP_REPORT_MAX);
    put_header(out, 1, TYPE_RR, RECEIVER_REPORT_SIZE);
    fv_put32(out + 4, report->own_ssrc);
    fv_put32(out + 8, report->ssrc);
    fv_put32(out + 12, (uint32_t)report->fraction << 24 | clamp_lost(report->lost));
    fv_put32(out + 16, report->highest);
    fv_put32(out + 20, report->jitter);
    fv_put32(out + 24, report->last_report);
    fv_put32(out + 28, report->delay);
    uint8_t *sdes = out + RECEIVER_REPORT_SIZE;
    size_t length = strnlen(cname, CNAME_MAX);
    size_t size = (8 + 2 + length + 1 + 3) & ~(size_t)3; /* at least one zero ends the items */
    put_header(sdes, 1, TYPE_SDES, size);
    fv_put32(sdes + 4, report->own_ssrc);
    sdes[8] = 1; /* CNAME */
    sdes[9] = (uint8_t)length;
    memcpy(sdes + 10, cname, length);
    return RECEIVER_REPORT_SIZE + size;
}

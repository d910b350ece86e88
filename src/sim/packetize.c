// SPDX-License-Identifier: Apache-2.0
#include "sim/packetize.h"

#include <errno.h>
#include <string.h>

#include "rtp/packet.h"

#define H264_STAP_A 24
#define H264_FU_A 28
#define H265_AP 48
#define H265_FU 49
#define FU_START 0x80
#define FU_END 0x40

/* The two or three bytes before a fragment, without the start and end bits. RFC 6184 5.8, RFC 7798
 * 4.4.3. */
static size_t fragment_header(const struct fv_codec_ops *codec, const uint8_t *nal, uint8_t *out)
{
    if (codec->codec == FV_CODEC_H264) {
        out[0] = (uint8_t)((nal[0] & 0xe0) | H264_FU_A);
        out[1] = nal[0] & 0x1f;
        return 2;
    }
    out[0] = (uint8_t)((nal[0] & 0x81) | H265_FU << 1);
    out[1] = nal[1];
    out[2] = nal[0] >> 1 & 0x3f;
    return 3;
}

static int emit_fragments(const struct fv_packetizer *packetizer, struct fv_nal nal)
{
    uint8_t header[3];
    size_t header_size = fragment_header(packetizer->codec, nal.data, header);
    const size_t room = FV_SIM_MTU - header_size;
    const uint8_t kind = header[header_size - 1];
    size_t done = packetizer->codec->header_size;
    uint8_t edge = FU_START;
    while (done < nal.size) {
        size_t part = nal.size - done < room ? nal.size - done : room;
        if (done + part == nal.size)
            edge |= FU_END;
        header[header_size - 1] = kind | edge;
        int rc = packetizer->emit(packetizer->data, (struct fv_nal){header, header_size},
                                  (struct fv_nal){nal.data + done, part});
        if (rc < 0)
            return rc;
        edge = 0;
        done += part;
    }
    return 0;
}

/* The header of an aggregation packet: F is the or, NRI the highest (RFC 6184 5.7); layer and
 * temporal id the lowest (RFC 7798 4.4.2) of all units in it. */
static size_t aggregate_header(const struct fv_codec_ops *codec, const struct fv_nal *nals,
                               size_t count, uint8_t *out)
{
    if (codec->codec == FV_CODEC_H264) {
        uint8_t forbidden = 0, importance = 0;
        for (size_t i = 0; i < count; i++) {
            forbidden |= nals[i].data[0] & 0x80;
            if ((nals[i].data[0] & 0x60) > importance)
                importance = nals[i].data[0] & 0x60;
        }
        out[0] = forbidden | importance | H264_STAP_A;
        return 1;
    }
    unsigned layer = 63, temporal = 7;
    for (size_t i = 0; i < count; i++) {
        unsigned word = fv_get16(nals[i].data);
        layer = (word >> 3 & 63) < layer ? word >> 3 & 63 : layer;
        temporal = (word & 7) < temporal ? word & 7 : temporal;
    }
    fv_put16(out, (uint16_t)(H265_AP << 9 | layer << 3 | temporal));
    return 2;
}

static int emit_aggregate(const struct fv_packetizer *packetizer, const struct fv_nal *nals,
                          size_t count)
{
    uint8_t payload[FV_SIM_MTU];
    size_t size = aggregate_header(packetizer->codec, nals, count, payload);
    for (size_t i = 0; i < count; i++) {
        fv_put16(payload + size, (uint16_t)nals[i].size);
        memcpy(payload + size + 2, nals[i].data, nals[i].size);
        size += 2 + nals[i].size;
    }
    return packetizer->emit(packetizer->data, (struct fv_nal){NULL, 0},
                            (struct fv_nal){payload, size});
}

static bool joins(const struct fv_codec_ops *codec, struct fv_nal nal)
{
    enum fv_nal_kind kind = codec->kind(nal.data, nal.size);
    return kind != FV_NAL_SLICE && kind != FV_NAL_SLICE_KEY;
}

/* How many units from `nals` on fit into one aggregation packet (1: none joins the first). */
static size_t aggregate_count(const struct fv_codec_ops *codec, const struct fv_nal *nals,
                              size_t count)
{
    size_t taken = 0, size = codec->header_size;
    while (taken < count && joins(codec, nals[taken]) && size + 2 + nals[taken].size <= FV_SIM_MTU)
        size += 2 + nals[taken++].size;
    return taken > 1 ? taken : 1;
}

int fv_packetize(const struct fv_packetizer *packetizer, const struct fv_nal *nals, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (nals[i].size < packetizer->codec->header_size)
            return -EBADMSG;
    for (size_t i = 0; i < count;) {
        size_t taken = aggregate_count(packetizer->codec, nals + i, count - i);
        int rc;
        if (taken > 1)
            rc = emit_aggregate(packetizer, nals + i, taken);
        else if (nals[i].size > FV_SIM_MTU)
            rc = emit_fragments(packetizer, nals[i]);
        else
            rc = packetizer->emit(packetizer->data, (struct fv_nal){NULL, 0}, nals[i]);
        if (rc < 0)
            return rc;
        i += taken;
    }
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
#include "decode/nvdec_packet_av1.h"

#include <errno.h>
#include <string.h>

struct av1 {
    struct fv_av1_stream stream;
    struct fv_nvdec_packet *packets;
    int count;
    bool follows; /* the last packet goes on */
    bool open;    /* of `frame` tiles are missing: */
    struct fv_av1_frame frame;
    struct fv_av1_obu header; /* that began it */
    unsigned tiles;           /* this many are there */
};

static int keep(struct av1 *av1, const uint8_t *data, size_t size)
{
    if (!av1->follows) {
        if (av1->count == FV_NVDEC_PACKETS_MAX)
            return -EBADMSG;
        av1->packets[av1->count++] = (struct fv_nvdec_packet){.data = data};
    }
    av1->packets[av1->count - 1].size += size;
    av1->follows = true;
    return 0;
}

static int take_sequence(struct av1 *av1, const struct fv_av1_obu *obu)
{
    struct fv_av1_sequence sequence;
    int code = fv_av1_read_sequence(obu->payload, obu->payload_size, &sequence);
    if (code == 0)
        fv_av1_set_sequence(&av1->stream, &sequence);
    return code;
}

static void end_frame(struct av1 *av1)
{
    fv_av1_apply(&av1->stream, &av1->frame);
    av1->packets[av1->count - 1].pictures = av1->frame.existing ? 0 : 1;
    av1->open = av1->follows = false;
}

static int take_tiles(struct av1 *av1, const struct fv_av1_obu *obu)
{
    int code = fv_av1_check_tiles(&av1->frame, obu, &av1->tiles);
    if (code == 0 && av1->tiles == av1->frame.tiles.columns * av1->frame.tiles.rows)
        end_frame(av1);
    else if (code == 0 && obu->type == FV_AV1_FRAME)
        code = -EBADMSG;
    return code;
}

/* In a slot that no frame stands in the driver's parser finds what its memory held: all have one from a shown key frame on. */
static bool can_stand(const struct av1 *av1)
{
    const struct fv_av1_frame *frame = &av1->frame;
    bool start = frame->slot.type == FV_AV1_KEY_FRAME && frame->shown && !frame->existing;
    for (unsigned i = 0; i < FV_AV1_SLOTS && !start; i++)
        if (!av1->stream.slots[i].valid)
            return false;
    return true;
}

static int take_frame(struct av1 *av1, const struct fv_av1_obu *obu)
{
    int code = fv_av1_read_frame(&av1->stream, obu, &av1->frame);
    bool existing = av1->frame.existing;
    if (code < 0 || !can_stand(av1) || (existing && obu->type == FV_AV1_FRAME))
        return -EBADMSG;
    if (existing && av1->frame.slot.type == FV_AV1_KEY_FRAME)
        return -EBADMSG; /* see the header */
    av1->open = true;
    av1->header = *obu;
    av1->tiles = 0;
    if (obu->type == FV_AV1_FRAME)
        return take_tiles(av1, obu);
    if (existing)
        end_frame(av1);
    return 0;
}

/* Is it one that decoding needs? 5.3.1, with layers 0 where an OBU does not name its own, as the driver has it. */
static bool is_wanted(const struct av1 *av1, const struct fv_av1_obu *obu)
{
    if (obu->type == FV_AV1_SEQUENCE_HEADER)
        return true;
    unsigned idc = av1->stream.sequence.point_idc[0];
    unsigned temporal = obu->header[1] >> 5, spatial = obu->header[1] >> 3 & 3;
    bool within = !idc || (idc >> temporal & idc >> (spatial + 8) & 1);
    return within && (obu->type == FV_AV1_FRAME || obu->type == FV_AV1_FRAME_HEADER ||
                      obu->type == FV_AV1_TILE_GROUP);
}

/* The driver's parser gives up where a reserved bit is set. */
static bool is_odd(const struct fv_av1_obu *obu)
{
    return obu->header[0] & 1 || obu->header[1] & 7 || !obu->has_size;
}

/* 5.9.1: frame_header_copy() */
static bool is_copy(const struct fv_av1_obu *obu, const struct fv_av1_obu *header)
{
    return obu->header[1] == header->header[1] && obu->payload_size == header->payload_size &&
           memcmp(obu->payload, header->payload, obu->payload_size) == 0;
}

static int take(struct av1 *av1, const uint8_t *data, const struct fv_av1_obu *obu)
{
    if (av1->open && obu->type == FV_AV1_REDUNDANT_FRAME_HEADER && !is_odd(obu)) /* one packet */
        return is_copy(obu, &av1->header) ? keep(av1, data, obu->size) : -EBADMSG;
    if (!is_wanted(av1, obu)) {
        av1->follows = false;
        return av1->open ? -EBADMSG : 0;
    }
    if (is_odd(obu) || av1->open != (obu->type == FV_AV1_TILE_GROUP))
        return -EBADMSG;
    int code = keep(av1, data, obu->size);
    if (code < 0)
        return code;
    switch (obu->type) {
    case FV_AV1_SEQUENCE_HEADER:
        return take_sequence(av1, obu);
    case FV_AV1_TILE_GROUP:
        return take_tiles(av1, obu);
    default:
        return take_frame(av1, obu);
    }
}

int fv_nvdec_av1_packets(const struct fv_au *au, struct fv_av1_stream *known,
                         struct fv_nvdec_packet ret_packets[FV_NVDEC_PACKETS_MAX],
                         struct fv_error *err)
{
    struct av1 av1 = {.stream = *known, .packets = ret_packets};
    const uint8_t *data = au->buf->data;
    size_t size = au->size;
    int code = 0;
    for (struct fv_av1_obu obu; size && code == 0; data += obu.size, size -= obu.size) {
        code = fv_av1_obu(data, size, &obu);
        if (code < 0)
            break;
        code = take(&av1, data, &obu);
    }
    if (code < 0 || av1.open || !av1.count)
        return fv_error_set(err, -EBADMSG, "av1: the OBUs are damaged");
    *known = av1.stream;
    return av1.count;
}

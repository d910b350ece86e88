// SPDX-License-Identifier: Apache-2.0
/*
 * RTP payload format for AV1 (Alliance for Open Media, v1.0). OBUs come without sizes, whole or in parts, several to a packet; they
 * leave with their sizes, without temporal delimiters, tile lists and padding. The size of one that comes in parts is written in four
 * bytes when it is known.
 *
 *   packet = Z Y W W N | element | element ...     Z: the first one goes on with an OBU; Y: the last one will be gone on with
 */
#include <errno.h>

#include "codec/av1.h"
#include "rtp/depay.h"

enum { BIT_Z = 0x80, BIT_Y = 0x40 };

#define HAS_SIZE 0x02 /* obu_has_size_field */
#define SIZE_BYTES 4
#define SIZE_LIMIT ((size_t)1 << 7 * SIZE_BYTES)

struct av1 {
    bool sequence; /* a sequence header stands in the temporal unit at hand: */
    bool reduced;  /* of a still picture */
    struct fv_video_format format;
    /* OBU in parts */
    bool open, dropped;
    unsigned type;
    size_t size_at; /* where in the access unit its size stands */
};

static int note_sequence(struct fv_depay *depay, const uint8_t *payload, size_t size)
{
    struct av1 *av1 = depay->state;
    int rc = fv_av1_parse_sequence(payload, size, &av1->format);
    if (rc == -ENOTSUP)
        return fv_depay_refuse_kind(depay,
                                    "AV1 of this size is not supported: choose fewer pixels");
    if (rc < 0)
        return fv_depay_refuse(depay);
    av1->sequence = true;
    av1->reduced = fv_av1_is_reduced(payload, size);
    return 0;
}

/* The first frame of a temporal unit tells what it is. Behind a loss only the sequence header proves that nothing is missing in front. */
static void begin_picture(struct fv_depay *depay, const struct fv_av1_obu *obu)
{
    struct av1 *av1 = depay->state;
    struct fv_assembly *assembly = depay->assembly;
    const bool lost = assembly->gap;
    const bool key = av1->sequence && fv_av1_is_shown_key(obu, av1->reduced);
    fv_assembly_picture(assembly, key);
    if (key)
        fv_sets_note_format(assembly->sets, &av1->format);
    else if (lost && fv_assembly_collects(assembly))
        fv_assembly_damage(assembly);
}

/* An OBU begins, of which `obu` has all that came. -EBADMSG: it cannot stand here. */
static int begin_obu(struct fv_depay *depay, const struct fv_av1_obu *obu)
{
    struct fv_assembly *assembly = depay->assembly;
    const bool frame = obu->type == FV_AV1_FRAME || obu->type == FV_AV1_FRAME_HEADER;
    if (!assembly->picture && frame)
        begin_picture(depay, obu);
    if (!assembly->picture && obu->type == FV_AV1_TILE_GROUP) {
        const bool lost = assembly->gap;
        fv_assembly_orphan(assembly);
        return lost ? 0 : -EBADMSG;
    }
    fv_assembly_open(assembly);
    return 0;
}

static void put_header(struct fv_assembly *assembly, const struct fv_av1_obu *obu)
{
    const uint8_t header[2] = {obu->header[0] | HAS_SIZE, obu->header[1]};
    fv_assembly_more(assembly, header, obu->header_size);
}

/* leb128() of always four bytes, which 4.10.5 of the bitstream allows. */
static void put_size(size_t size, uint8_t out[SIZE_BYTES])
{
    for (unsigned i = 0; i < SIZE_BYTES; i++)
        out[i] = (uint8_t)((size >> 7 * i & 0x7f) | (i + 1 < SIZE_BYTES ? 0x80 : 0));
}

static int whole_obu(struct fv_depay *depay, const uint8_t *data, size_t size)
{
    struct fv_assembly *assembly = depay->assembly;
    struct fv_av1_obu obu;
    uint8_t bytes[FV_AV1_LEB128_BYTES];
    if (fv_av1_obu(data, size, &obu) < 0 || obu.size != size)
        return fv_depay_refuse(depay);
    if (fv_av1_is_dropped(obu.type))
        return 0;
    int rc = begin_obu(depay, &obu);
    if (rc == 0 && obu.type == FV_AV1_SEQUENCE_HEADER)
        rc = note_sequence(depay, obu.payload, obu.payload_size);
    if (rc < 0)
        return rc;
    put_header(assembly, &obu);
    fv_assembly_more(assembly, bytes, fv_av1_write_leb128(bytes, obu.payload_size));
    fv_assembly_more(assembly, obu.payload, obu.payload_size);
    return 0;
}

/* The first part, with the OBU's header and, where that has a size, all of it. */
static int first_part(struct fv_depay *depay, const uint8_t *data, size_t size)
{
    struct av1 *av1 = depay->state;
    struct fv_assembly *assembly = depay->assembly;
    struct fv_av1_obu obu;
    const uint8_t room[SIZE_BYTES] = {0};
    if (fv_av1_obu_head(data, size, &obu) < 0)
        return fv_depay_refuse(depay);
    av1->open = true;
    av1->type = obu.type;
    av1->dropped = fv_av1_is_dropped(obu.type);
    fv_assembly_open(assembly);
    if (av1->dropped)
        return 0;
    int rc = begin_obu(depay, &obu);
    if (rc < 0) {
        av1->open = false; /* nothing of it was taken */
        return rc;
    }
    put_header(assembly, &obu);
    av1->size_at = assembly->size;
    fv_assembly_more(assembly, room, SIZE_BYTES);
    fv_assembly_more(assembly, obu.payload, obu.payload_size);
    return 0;
}

/* The last part came: writes the size. */
static int finish_obu(struct fv_depay *depay)
{
    struct av1 *av1 = depay->state;
    struct fv_assembly *assembly = depay->assembly;
    uint8_t bytes[SIZE_BYTES];
    const size_t begin = av1->size_at + SIZE_BYTES;
    av1->open = false;
    if (av1->dropped || !fv_assembly_collects(assembly) || assembly->size < begin)
        return 0;
    const size_t size = assembly->size - begin;
    if (size >= SIZE_LIMIT)
        return fv_depay_refuse(depay);
    put_size(size, bytes);
    fv_assembly_rewrite(assembly, av1->size_at, bytes, SIZE_BYTES);
    if (av1->type == FV_AV1_SEQUENCE_HEADER)
        return note_sequence(depay, assembly->bytes + begin, size);
    return 0;
}

struct element {
    const uint8_t *data;
    size_t size;
    bool goes_on, to_be_continued; /* with the OBU before; in the next packet */
};

static int next_part(struct fv_depay *depay, const struct element *element)
{
    struct av1 *av1 = depay->state;
    struct fv_assembly *assembly = depay->assembly;
    if (!av1->open) {
        const bool lost = assembly->gap;
        fv_assembly_orphan(assembly);
        return lost ? 0 : -EBADMSG;
    }
    if (!av1->dropped)
        fv_assembly_more(assembly, element->data, element->size);
    return element->to_be_continued ? 0 : finish_obu(depay);
}

static int take_element(struct fv_depay *depay, const struct element *element)
{
    struct av1 *av1 = depay->state;
    if (element->goes_on)
        return next_part(depay, element);
    int rc = av1->open ? fv_depay_refuse(depay) : 0; /* the end of that OBU is missing */
    av1->open = false;
    if (rc < 0 || element->size == 0)
        return rc;
    return element->to_be_continued ? first_part(depay, element->data, element->size)
                                    : whole_obu(depay, element->data, element->size);
}

/* 4.4: W elements, of which the last has no length; or, with W 0, as many as there are, each with its length. */
static int av1_payload(struct fv_depay *depay, const struct fv_rtp_packet *packet)
{
    struct av1 *av1 = depay->state;
    const uint8_t *data = packet->payload + 1, *end = packet->payload + packet->payload_size;
    const uint8_t head = packet->payload[0];
    const unsigned count = head >> 4 & 3;
    if (depay->lost || !depay->assembly->open)
        av1->open = false; /* what it belonged to is gone */
    depay->lost = false;
    if (!depay->assembly->open)
        av1->sequence = false;
    if (data == end)
        return fv_depay_refuse(depay);
    for (unsigned i = 0; data < end; i++) {
        uint64_t size = (size_t)(end - data);
        if (i + 1 != count) {
            size_t bytes = fv_av1_read_leb128(data, (size_t)size, &size);
            data += bytes;
            if (!bytes || size > (size_t)(end - data))
                return fv_depay_refuse(depay);
        }
        const bool last = size == (size_t)(end - data);
        const struct element element = {data, (size_t)size, i == 0 && head & BIT_Z,
                                        last && head & BIT_Y};
        data += size;
        int rc = take_element(depay, &element);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* A temporal unit that ends within an OBU lacks its rest. */
static void av1_closing(struct fv_depay *depay)
{
    struct av1 *av1 = depay->state;
    if (av1->open)
        fv_assembly_damage(depay->assembly);
    av1->open = false;
}

const struct fv_depay_ops fv_depay_av1 = {
    .codec = FV_CODEC_AV1,
    .state_size = sizeof(struct av1),
    .payload = av1_payload,
    .closing = av1_closing,
};

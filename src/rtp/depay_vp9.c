// SPDX-License-Identifier: Apache-2.0
/*
 * RTP payload format for VP9 (RFC 9628). The frames of a picture (spatial layers, hidden frames) that come as frames of their own
 * leave as one superframe; a superframe that the camera made stays as it is.
 *
 *   descriptor = I P L F B E V Z | picture id 1..2 | layers 1..2 | reference indices 1..3 | scalability structure
 */
#include <errno.h>

#include "codec/sps.h"
#include "codec/vp9.h"
#include "rtp/depay.h"

enum {
    BIT_Z = 0x01,
    BIT_V = 0x02,
    BIT_E = 0x04,
    BIT_B = 0x08,
    BIT_F = 0x10,
    BIT_L = 0x20,
    BIT_P = 0x40,
    BIT_I = 0x80,
    BIT_D = 0x01 /* of the layers' byte: T T T U S S S D */
};

#define REFERENCES_MAX 3
#define FORM "VP9 of this size or sampling is not supported: choose profile 0 with fewer pixels"

struct descriptor {
    bool begin, end;        /* of a frame */
    bool needs_lower_layer; /* of the same picture */
    bool has_id;
    uint16_t id;            /* of the picture */
    uint16_t width, height; /* of the largest layer, 0: not said */
};

struct vp9 {
    bool between;                     /* frames: what comes must begin one */
    struct descriptor first;          /* of the picture at hand */
    unsigned frames;                  /* in it */
    size_t begins[FV_VP9_FRAMES_MAX]; /* where they begin in the access unit */
};

/* What is left of the descriptor. */
struct cursor {
    const uint8_t *data, *end;
    bool error;
};

static unsigned take(struct cursor *c, unsigned bytes)
{
    if ((size_t)(c->end - c->data) < bytes) {
        c->error = true;
        c->data = c->end;
        return 0;
    }
    unsigned value = 0;
    while (bytes--)
        value = value << 8 | *c->data++;
    return value;
}

/* 4.2: M | 7 or 15 bits. */
static void take_id(struct cursor *c, struct descriptor *d)
{
    d->has_id = true;
    d->id = (uint16_t)take(c, 1);
    if (d->id & 0x80)
        d->id = (uint16_t)((d->id & 0x7f) << 8 | take(c, 1));
}

/* 4.2.1: N_S, Y, G; sizes of the layers; the pictures of a group with their references. */
static void take_structure(struct cursor *c, struct descriptor *d)
{
    const unsigned head = take(c, 1), layers = (head >> 5) + 1;
    for (unsigned i = 0; head & 0x10 && i < layers; i++) {
        unsigned width = take(c, 2), height = take(c, 2);
        if (width * height > (unsigned)d->width * d->height) {
            d->width = (uint16_t)width;
            d->height = (uint16_t)height;
        }
    }
    unsigned pictures = head & 0x08 ? take(c, 1) : 0;
    while (pictures-- && !c->error)
        take(c, take(c, 1) >> 2 & 3);
}

static void take_references(struct cursor *c)
{
    unsigned n = 1;
    while (take(c, 1) & 1 && n < REFERENCES_MAX)
        n++;
}

static int parse_descriptor(const struct fv_rtp_packet *packet, struct descriptor *ret_descriptor,
                            struct cursor *ret_rest)
{
    struct cursor c = {packet->payload, packet->payload + packet->payload_size, false};
    const unsigned bits = take(&c, 1);
    struct descriptor d = {.begin = bits & BIT_B, .end = bits & BIT_E};
    if (bits & BIT_I)
        take_id(&c, &d);
    if (bits & BIT_L) {
        d.needs_lower_layer = take(&c, 1) & BIT_D;
        take(&c, bits & BIT_F ? 0 : 1); /* TL0PICIDX */
    }
    if (bits & BIT_F && bits & BIT_P)
        take_references(&c);
    if (bits & BIT_V)
        take_structure(&c, &d);
    if (c.error || c.data == c.end)
        return -EBADMSG;
    *ret_descriptor = d;
    *ret_rest = c;
    return 0;
}

/* The first frame of a picture. Its header is at the front of its first packet. */
static int begin_picture(struct fv_depay *depay, const struct descriptor *d, const struct cursor *c)
{
    struct fv_assembly *assembly = depay->assembly;
    struct vp9 *vp9 = depay->state;
    struct fv_vp9_header header;
    int rc = fv_vp9_parse(c->data, (size_t)(c->end - c->data), &header);
    if (rc == -ENOTSUP || d->width > FV_SIZE_MAX || d->height > FV_SIZE_MAX)
        return fv_depay_refuse_kind(depay, FORM);
    if (rc < 0)
        return fv_depay_refuse(depay);
    fv_assembly_picture(assembly, header.key);
    vp9->first = *d;
    vp9->frames = 0;
    if (!header.key)
        return 0;
    if (d->width && d->height) { /* the key frame is the smallest layer */
        header.format.width = header.format.coded_width = d->width;
        header.format.height = header.format.coded_height = d->height;
    }
    fv_sets_note_format(assembly->sets, &header.format);
    return 0;
}

/* Frames of one timestamp are one picture, as long as the camera does not number them apart. */
static bool joins(const struct fv_depay *depay, const struct descriptor *d)
{
    const struct vp9 *vp9 = depay->state;
    return depay->assembly->picture && d->has_id == vp9->first.has_id && d->id == vp9->first.id;
}

/* What stands before it in its picture did not come. */
static int orphan(struct fv_depay *depay)
{
    const bool lost = depay->assembly->gap;
    fv_assembly_orphan(depay->assembly);
    return lost ? 0 : -EBADMSG;
}

static int begin_frame(struct fv_depay *depay, const struct descriptor *d, const struct cursor *c)
{
    struct vp9 *vp9 = depay->state;
    if (!joins(depay, d) && d->needs_lower_layer)
        return orphan(depay);
    if (!joins(depay, d)) {
        int rc = begin_picture(depay, d, c);
        if (rc < 0)
            return rc;
    } else if (vp9->frames == FV_VP9_FRAMES_MAX) {
        return fv_depay_refuse(depay);
    }
    vp9->begins[vp9->frames++] = depay->assembly->size;
    return 0;
}

/* A part that does not begin a frame. */
static int go_on(struct fv_depay *depay)
{
    const struct vp9 *vp9 = depay->state;
    return depay->assembly->picture && !vp9->between ? 0 : orphan(depay);
}

static int vp9_payload(struct fv_depay *depay, const struct fv_rtp_packet *packet)
{
    struct vp9 *vp9 = depay->state;
    struct descriptor d;
    struct cursor c;
    if (parse_descriptor(packet, &d, &c) < 0)
        return fv_depay_refuse(depay);
    int rc = d.begin ? begin_frame(depay, &d, &c) : go_on(depay);
    if (rc < 0 || !depay->assembly->picture)
        return rc;
    fv_assembly_more(depay->assembly, c.data, (size_t)(c.end - c.data));
    vp9->between = d.end;
    return 0;
}

/* Annex B of the bitstream: 110, bytes a size - 1, frames - 1; the sizes; the same again. */
static size_t write_index(const struct vp9 *vp9, size_t size, uint8_t *out)
{
    size_t at = 0;
    out[at++] = (uint8_t)(0xc0 | 3 << 3 | (vp9->frames - 1));
    for (unsigned i = 0; i < vp9->frames; i++) {
        size_t frame = (i + 1 < vp9->frames ? vp9->begins[i + 1] : size) - vp9->begins[i];
        for (unsigned byte = 0; byte < 4; byte++)
            out[at++] = (uint8_t)(frame >> 8 * byte);
    }
    out[at++] = out[0];
    return at;
}

/* A frame with an index of its own cannot stand within another superframe. */
static bool is_one_frame(const struct fv_assembly *assembly, size_t begin, size_t end)
{
    struct fv_vp9_frame frames[FV_VP9_FRAMES_MAX];
    return end > begin && fv_vp9_split(assembly->bytes + begin, end - begin, frames) == 1;
}

static void vp9_closing(struct fv_depay *depay)
{
    struct fv_assembly *assembly = depay->assembly;
    const struct vp9 *vp9 = depay->state;
    uint8_t index[2 + 4 * FV_VP9_FRAMES_MAX];
    if (vp9->frames < 2 || assembly->damaged || !fv_assembly_collects(assembly))
        return;
    for (unsigned i = 0; i < vp9->frames; i++)
        if (!is_one_frame(assembly, vp9->begins[i],
                          i + 1 < vp9->frames ? vp9->begins[i + 1] : assembly->size)) {
            fv_assembly_damage(assembly);
            return;
        }
    fv_assembly_insert(assembly, index, write_index(vp9, assembly->size, index));
}

const struct fv_depay_ops fv_depay_vp9 = {
    .codec = FV_CODEC_VP9,
    .state_size = sizeof(struct vp9),
    .payload = vp9_payload,
    .closing = vp9_closing,
};

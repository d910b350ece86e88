// SPDX-License-Identifier: Apache-2.0
/*
 * RTP payload format for JPEG (RFC 2435), types 0 and 1 with and without restart markers, and ONVIF's header extension
 * (Streaming Specification 5.1.4) that carries the image's own headers. Frames only: fields of interlaced video are refused.
 *
 *   packet = main header 8 | restart header 4 | quantization tables 4 + n | part of the scan
 *             type 64..127 ----^    offset 0 and Q >= 128 ----^
 */
#include <errno.h>
#include <string.h>

#include "codec/jpeg_headers.h"
#include "rtp/depay.h"

#define FIELDS                                                                                     \
    "fields of interlaced JPEG are not supported: choose progressive pictures in the camera"
#define TYPE "JPEG of a type that RFC 2435 does not define is not supported: choose another codec"
#define SPREAD "JPEG headers that are spread over packets are not supported: choose another codec"
#define SIZELESS                                                                                   \
    "neither the packets nor the session's description say how large the JPEG pictures are: "      \
    "choose at most 2040 x 2040 pixels in the camera"
#define FORM                                                                                       \
    "JPEG of this coding, sampling or size is not supported: choose baseline, 4:2:0 in the camera"
#define RESTART 64       /* types with a restart header */
#define QUALITY_MAX 99   /* Q of tables that are computed */
#define Q_IN_BAND 128    /* and above: tables in the packets */
#define Q_EACH_TIME 255  /* these are not kept */
#define KEPT 4           /* sets of tables */
#define EXTENSION 0xffd8 /* of a picture's first packet */
#define EXTENSION_NEXT 0xffff

struct tables {
    uint8_t q; /* 0: none */
    bool wide[2], pair;
    uint8_t data[2 * 2 * FV_JPEG_TABLE];
};

struct jpeg {
    struct tables kept[KEPT];
    unsigned next;          /* of these: the one to be replaced */
    uint16_t width, height; /* of the picture before */
    /* picture at hand */
    size_t expected; /* fragment offset of its next part */
    bool extended;   /* ONVIF: its offsets mean little */
};

/* 3.1 */
struct header {
    uint8_t specific, type, q;
    size_t offset;
    unsigned width, height; /* pixels, 0: too large to be said */
    uint16_t restart;
    const uint8_t *rest;
    size_t rest_size;
};

static int parse_header(const struct fv_rtp_packet *packet, struct header *ret_header)
{
    const uint8_t *p = packet->payload;
    size_t size = 8;
    if (packet->payload_size < size)
        return -EBADMSG;
    struct header header = {
        .specific = p[0],
        .offset = fv_get32(p) & 0xffffff,
        .type = p[4],
        .q = p[5],
        .width = p[6] * 8u,
        .height = p[7] * 8u,
    };
    if (header.type >= RESTART) {
        size += 4;
        if (packet->payload_size < size)
            return -EBADMSG;
        header.restart = fv_get16(p + 8);
    }
    header.rest = p + size;
    header.rest_size = packet->payload_size - size;
    *ret_header = header;
    return 0;
}

/* 3.1.8: takes the quantization table header off. Its size; 0: the tables are those of before; -EBADMSG. */
static int take_tables(struct header *header, struct tables *ret_tables)
{
    const uint8_t *p = header->rest;
    if (header->rest_size < 4 || fv_get16(p + 2) > header->rest_size - 4)
        return -EBADMSG;
    const size_t size = fv_get16(p + 2);
    const bool wide[2] = {p[1] & 1, p[1] & 2};
    const size_t first = wide[0] ? 2 * FV_JPEG_TABLE : FV_JPEG_TABLE;
    const size_t both = first + (wide[1] ? 2 * FV_JPEG_TABLE : FV_JPEG_TABLE);
    header->rest += 4 + size;
    header->rest_size -= 4 + size;
    if (size == 0)
        return 0;
    if (size != first && size < both)
        return -EBADMSG;
    *ret_tables = (struct tables){header->q, {wide[0], wide[1]}, size >= both, {0}};
    memcpy(ret_tables->data, p + 4, size >= both ? both : first);
    return (int)size;
}

static struct tables *find_tables(struct jpeg *jpeg, uint8_t q)
{
    for (unsigned i = 0; i < KEPT; i++)
        if (jpeg->kept[i].q == q)
            return &jpeg->kept[i];
    return NULL;
}

static void keep_tables(struct jpeg *jpeg, const struct tables *tables)
{
    if (tables->q == Q_EACH_TIME)
        return;
    struct tables *place = find_tables(jpeg, tables->q);
    if (!place) {
        place = &jpeg->kept[jpeg->next];
        jpeg->next = (jpeg->next + 1) % KEPT;
    }
    *place = *tables;
}

/* 4.2. The tables of a picture; q 0: it has none (ONVIF's extension brings them). */
static int choose_tables(struct jpeg *jpeg, struct header *header, struct tables *ret_tables)
{
    *ret_tables = (struct tables){0};
    if (header->q == 0)
        return 0;
    if (header->q <= QUALITY_MAX) {
        *ret_tables = (struct tables){.q = header->q, .pair = true};
        fv_jpeg_quality_tables(header->q, ret_tables->data);
        return 0;
    }
    if (header->q < Q_IN_BAND)
        return -EBADMSG;
    int size = take_tables(header, ret_tables);
    if (size < 0)
        return size;
    if (size > 0) {
        keep_tables(jpeg, ret_tables);
        return 0;
    }
    const struct tables *kept = find_tables(jpeg, header->q);
    if (!kept)
        return -EBADMSG;
    *ret_tables = *kept;
    return 0;
}

/* What ONVIF's extension holds: segments, and perhaps a scan header with the beginning of the scan. */
struct extension {
    const uint8_t *segments, *scan;
    size_t segments_size, scan_size;
    bool tables, huffman, restart, frame;
    struct fv_video_format format; /* of `frame` */
};

static int note_segment(struct extension *ext, const struct fv_jpeg_segment *segment)
{
    ext->tables |= segment->marker == FV_JPEG_DQT;
    ext->huffman |= segment->marker == FV_JPEG_DHT;
    ext->restart |= segment->marker == FV_JPEG_DRI;
    if (!fv_jpeg_is_frame(segment->marker))
        return 0;
    ext->frame = true;
    return fv_jpeg_parse_frame(segment->marker, segment->data, segment->size, &ext->format);
}

static int parse_extension(const uint8_t *extension, struct extension *ret_ext)
{
    const uint8_t *data = extension + 4;
    const size_t size = fv_rtp_extension_size(extension);
    struct extension ext = {.segments = data, .scan = data + size};
    struct fv_jpeg_segment segment;
    size_t offset = 0;
    for (;;) {
        ext.segments_size = offset;
        int rc = fv_jpeg_next(data, size, &offset, &segment);
        if (rc < 0)
            return rc;
        if (rc == 0)
            break;
        if (segment.marker == FV_JPEG_SOS) {
            ext.scan = segment.data - 4;
            ext.scan_size = (size_t)(data + size - ext.scan);
            break;
        }
        rc = note_segment(&ext, &segment);
        if (rc < 0)
            return rc;
    }
    *ret_ext = ext;
    return 0;
}

/* By the SDP when the header agrees with it as far as its 8 bits in blocks of 8 pixels go: it is exact, and says what they cannot. */
static void choose_size(const struct fv_depay *depay, const struct header *header,
                        struct fv_jpeg_headers *headers)
{
    const struct jpeg *jpeg = depay->state;
    const unsigned wide = (depay->width + 7u) / 8 & 0xff, high = (depay->height + 7u) / 8 & 0xff;
    const bool agrees = (!header->width || header->width == 8 * wide) &&
                        (!header->height || header->height == 8 * high);
    const bool told = header->width && header->height;
    headers->width = (uint16_t)(told ? header->width : jpeg->width);
    headers->height = (uint16_t)(told ? header->height : jpeg->height);
    if (depay->width && depay->height && agrees) {
        headers->width = depay->width;
        headers->height = depay->height;
    }
}

/* Appendix B, and what ONVIF's extension has of it. */
static void write_headers(struct fv_assembly *assembly, const struct fv_jpeg_headers *headers,
                          const struct extension *ext)
{
    uint8_t out[FV_JPEG_HEADERS_MAX] = {0xff, FV_JPEG_SOI};
    size_t size = 2;
    if (headers->tables[0])
        size += fv_jpeg_write_tables(headers, out + size);
    if (!ext->huffman)
        size += fv_jpeg_write_huffman(out + size);
    fv_assembly_insert(assembly, out, size);
    fv_assembly_insert(assembly, ext->segments, ext->segments_size);
    size = ext->restart ? 0 : fv_jpeg_write_restart(headers, out);
    if (!ext->frame)
        size += fv_jpeg_write_frame(headers, out + size);
    if (!ext->scan_size)
        size += fv_jpeg_write_scan(out + size);
    fv_assembly_insert(assembly, out, size);
    fv_assembly_insert(assembly, ext->scan, ext->scan_size);
}

/* What the frame header will say. */
static int format_of(const struct fv_jpeg_headers *headers, const struct extension *ext,
                     struct fv_video_format *ret_format)
{
    uint8_t frame[32];
    if (ext->frame) {
        *ret_format = ext->format;
        return 0;
    }
    const size_t size = fv_jpeg_write_frame(headers, frame);
    return fv_jpeg_parse_frame(frame[1], frame + 4, size - 4, ret_format);
}

/* 3.1.1 and 3.1.3: what cannot be used, or NULL. */
static const char *unsupported(const struct header *header)
{
    if (header->specific == 1 || header->specific == 2)
        return FIELDS;
    return (header->type & ~RESTART) > 1 ? TYPE : NULL;
}

static int begin(struct fv_depay *depay, struct header *header, const uint8_t *extension)
{
    struct jpeg *jpeg = depay->state;
    struct tables tables;
    struct extension ext = {0};
    struct fv_jpeg_headers headers = {
        .vertical = header->type & 1,
        .restart_interval = header->restart,
    };
    struct fv_video_format format;
    if (choose_tables(jpeg, header, &tables) < 0 ||
        (extension && parse_extension(extension, &ext) < 0) || (!tables.q && !ext.tables))
        return fv_depay_refuse(depay);
    if (tables.q) {
        headers.tables[0] = tables.data;
        headers.tables[1] =
            tables.pair ? tables.data + (tables.wide[0] ? 2 : 1) * FV_JPEG_TABLE : NULL;
        headers.wide[0] = tables.wide[0];
        headers.wide[1] = tables.pair && tables.wide[1];
    }
    choose_size(depay, header, &headers);
    if (!ext.frame && (!headers.width || !headers.height))
        return fv_depay_refuse_kind(depay, SIZELESS);
    if (format_of(&headers, &ext, &format) < 0)
        return fv_depay_refuse_kind(depay, FORM);
    jpeg->width = format.width;
    jpeg->height = format.height;
    jpeg->expected = 0;
    jpeg->extended = extension;
    fv_assembly_picture(depay->assembly, true);
    fv_sets_note_format(depay->assembly->sets, &format);
    write_headers(depay->assembly, &headers, &ext);
    return 0;
}

/* A part behind the first one. */
static int go_on(struct fv_depay *depay, struct header *header)
{
    struct fv_assembly *assembly = depay->assembly;
    struct jpeg *jpeg = depay->state;
    struct tables again;
    if (!assembly->picture) {
        fv_assembly_orphan(assembly);
        return assembly->gap ? 0 : -EBADMSG;
    }
    if (header->offset == 0 && header->q >= Q_IN_BAND && take_tables(header, &again) < 0)
        return fv_depay_refuse(depay);
    if (jpeg->extended || header->offset == jpeg->expected)
        return 0;
    fv_assembly_damage(assembly);
    return assembly->gap ? 0 : -EBADMSG;
}

/* The first packet of a picture may be one without any of the scan: then the second, too, has offset 0. */
static bool begins(const struct fv_depay *depay, const struct header *header,
                   const uint8_t *extension)
{
    const struct jpeg *jpeg = depay->state;
    const bool empty = depay->assembly->picture && jpeg->extended && jpeg->expected == 0;
    return extension || (header->offset == 0 && !empty);
}

static int jpeg_payload(struct fv_depay *depay, const struct fv_rtp_packet *packet)
{
    struct fv_assembly *assembly = depay->assembly;
    struct jpeg *jpeg = depay->state;
    struct header header;
    const uint8_t *extension = packet->extension;
    const unsigned id = extension ? fv_get16(extension) : 0;
    if (parse_header(packet, &header) < 0)
        return fv_depay_refuse(depay);
    if (unsupported(&header))
        return fv_depay_refuse_kind(depay, unsupported(&header));
    if (id == EXTENSION_NEXT && fv_rtp_extension_size(extension) > 0)
        return fv_depay_refuse_kind(depay, SPREAD); /* not met so far */
    if (id != EXTENSION)
        extension = NULL;
    const bool first = begins(depay, &header, extension);
    int rc = first ? begin(depay, &header, extension) : go_on(depay, &header);
    if ((first && rc < 0) || !assembly->picture)
        return rc;
    fv_assembly_more(assembly, header.rest, header.rest_size);
    jpeg->expected = header.offset + header.rest_size;
    return rc;
}

/* Some cameras send the image's end with it. */
static void jpeg_closing(struct fv_depay *depay)
{
    static const uint8_t end[] = {0xff, FV_JPEG_EOI};
    struct fv_assembly *assembly = depay->assembly;
    const size_t size = assembly->size;
    if (size < sizeof(end) || memcmp(assembly->bytes + size - sizeof(end), end, sizeof(end)) != 0)
        fv_assembly_insert(assembly, end, sizeof(end));
}

const struct fv_depay_ops fv_depay_jpeg = {
    .codec = FV_CODEC_JPEG,
    .state_size = sizeof(struct jpeg),
    .payload = jpeg_payload,
    .closing = jpeg_closing,
};

// SPDX-License-Identifier: Apache-2.0
/*
 * The look-alike's parser for codecs that move as whole pictures. VP9 is read as far as sizes, references and what is shown need
 * it, AV1 where its headers can be followed (cuvid_av1.c); of other streams a frame refreshes the slot that its number says, and
 * only surfaces are chosen otherwise.
 */
#include <stdlib.h>
#include <string.h>

#include "codec/av1.h"
#include "codec/bits.h"
#include "codec/vp9.h"
#include "cuvid_parser.h"

#define ALL_SLOTS 0xff

static bool set_format(struct parser *parser, const struct fv_video_format *format)
{
    if (parser->started && memcmp(format, &parser->format, sizeof(*format)) == 0)
        return true;
    parser->format = *format;
    parser->started = fakegpu_begin_sequence(parser);
    return parser->started;
}

/* One frame: what it is decoded into stands in the slots that it refreshes. */
struct frame {
    const uint8_t *data;
    size_t size;
    bool shown;
    unsigned refresh;
};

static bool decode(struct parser *parser, const struct frame *frame)
{
    const unsigned offset = 0;
    CUVIDPICPARAMS params = {
        .CurrPicIdx = fakegpu_take_surface(parser),
        .nBitstreamDataLen = (unsigned)frame->size,
        .pBitstreamData = frame->data,
        .nNumSlices = 1,
        .pSliceDataOffsets = &offset,
    };
    if (parser->codec == FV_CODEC_VP9)
        params.CodecSpecific.vp9.showFrame = frame->shown;
    if (parser->codec == FV_CODEC_AV1) {
        params.CodecSpecific.av1.show_frame = frame->shown;
        params.CodecSpecific.av1.decodePicIdx = params.CurrPicIdx;
    }
    if (parser->params.pfnDecodePicture(parser->params.pUserData, &params) <= 0)
        return false;
    for (unsigned i = 0; i < 8; i++)
        if (frame->refresh >> i & 1)
            parser->slots[i] = params.CurrPicIdx;
    if (frame->shown)
        fakegpu_display(parser, params.CurrPicIdx);
    return true;
}

static bool show_existing(struct parser *parser, unsigned slot)
{
    if (parser->slots[slot] < 0)
        return false;
    fakegpu_display(parser, parser->slots[slot]);
    return true;
}

/* 6.2 of VP9, of a frame that refers to others: which slots it refreshes, and a size of its own. */
static unsigned read_vp9_inter(const struct fv_vp9_frame *data, const struct fv_vp9_header *header,
                               struct fv_video_format *format)
{
    struct fv_bits bits;
    fv_bits_init(&bits, data->data, data->size);
    fv_bits_skip(&bits, 6 + (header->profile == 3));
    bool shown = fv_bits_u(&bits, 1), resilient = fv_bits_u(&bits, 1);
    fv_bits_skip(&bits, (shown ? 0 : 1) + (resilient ? 0 : 2));
    unsigned refresh = fv_bits_u(&bits, 8);
    fv_bits_skip(&bits, 12); /* three references */
    if (fv_bits_u(&bits, 1) || fv_bits_u(&bits, 1) || fv_bits_u(&bits, 1))
        return refresh; /* of the size of one of them; which all have here */
    format->width = format->coded_width = (uint16_t)(fv_bits_u(&bits, 16) + 1);
    format->height = format->coded_height = (uint16_t)(fv_bits_u(&bits, 16) + 1);
    return refresh;
}

static bool parse_vp9(struct parser *parser, const struct fv_vp9_frame *data)
{
    struct fv_vp9_header header;
    if (fv_vp9_parse(data->data, data->size, &header) < 0)
        return false;
    if (header.existing)
        return show_existing(parser, data->data[0] & 7);
    if (!header.key && !parser->started)
        return true;
    struct fv_video_format format = header.key ? header.format : parser->format;
    unsigned refresh =
        header.key || header.intra_only ? ALL_SLOTS : read_vp9_inter(data, &header, &format);
    if (!set_format(parser, &format))
        return false;
    return decode(parser, &(struct frame){data->data, data->size, header.shown, refresh});
}

/* Annex B. The sizes of the index that ends at `end`; 0: there is none. */
static unsigned read_index(const uint8_t *data, size_t size, uint32_t ret_sizes[FV_VP9_FRAMES_MAX],
                           size_t *ret_index)
{
    uint8_t marker = data[size - 1];
    unsigned bytes = (marker >> 3 & 3) + 1u, count = (marker & 7) + 1u;
    *ret_index = 2 + bytes * count;
    if ((marker & 0xe0) != 0xc0 || size < *ret_index || data[size - *ret_index] != marker)
        return 0;
    const uint8_t *at = data + size - *ret_index + 1;
    for (unsigned i = 0; i < count; i++) {
        ret_sizes[i] = 0;
        for (unsigned n = 0; n < bytes; n++)
            ret_sizes[i] |= (uint32_t)*at++ << 8 * n;
    }
    return count;
}

/* As the real one goes through a packet (driver 580): frame after frame of the index's sizes, zeros behind each left out, until the
 * packet is at its end. What is left over is one frame more for it, of a size that lies behind its table: there it crashes. */
static bool parse_superframe(struct parser *parser, const uint8_t *data, size_t size)
{
    uint32_t sizes[FV_VP9_FRAMES_MAX];
    size_t index, at = 0;
    if (!size)
        return false;
    unsigned count = read_index(data, size, sizes, &index);
    for (unsigned i = 0; at < size && !(count && at == size - index); i++) {
        if (count && i >= count)
            fakegpu_abort("cuvidParseVideoData", "a superframe that its frames do not fill");
        if (count && (sizes[i] == 0 || sizes[i] > size - at))
            fakegpu_abort("cuvidParseVideoData", "a superframe of false sizes");
        const struct fv_vp9_frame frame = {data + at, count ? sizes[i] : size - at};
        if (!parse_vp9(parser, &frame))
            return false;
        at += frame.size;
        while (at < size && data[at] == 0)
            at++;
    }
    return true;
}

static bool parse_obu(struct parser *parser, const struct fv_av1_obu *obu)
{
    struct fv_video_format format;
    unsigned refresh = 1u << parser->counter % 8;
    bool followed = fakegpu_av1_follow(&parser->av1, obu, &refresh);
    if (obu->type == FV_AV1_TEMPORAL_DELIMITER || !obu->has_size)
        fakegpu_abort("cuvidParseVideoData", "an OBU that does not belong into an access unit");
    if (obu->type == FV_AV1_SEQUENCE_HEADER)
        return fv_av1_parse_sequence(obu->payload, obu->payload_size, &format) == 0 &&
               set_format(parser, &format);
    if ((obu->type != FV_AV1_FRAME && obu->type != FV_AV1_FRAME_HEADER) || !obu->payload_size ||
        !parser->started)
        return true;
    unsigned first = obu->payload[0];
    if (first & 0x80)
        return show_existing(parser, first >> 4 & 7);
    bool shown = first & 0x10, key = (first & 0x60) == 0;
    for (unsigned i = 0; i < 8 && !(key && shown); i++)
        if (parser->slots[i] < 0)
            fakegpu_abort("cuvidParseVideoData", "a slot that no frame stands in");
    if (key && shown && !followed)
        refresh = ALL_SLOTS;
    parser->counter++;
    return decode(parser, &(struct frame){obu->payload, obu->payload_size, shown, refresh});
}

static bool parse_av1(struct parser *parser, const uint8_t *data, size_t size)
{
    fakegpu_av1_begin(&parser->av1);
    for (struct fv_av1_obu obu; size; data += obu.size, size -= obu.size)
        if (fv_av1_obu(data, size, &obu) < 0 || !parse_obu(parser, &obu))
            return false;
    return true;
}

/* The real one's reader of JPEG headers (driver 580): bytes are passed over until two are a marker that it knows, whose segment it then reads
 * as if it held what it should. */
struct jpeg_reader {
    const uint8_t *data;
    size_t size, at;
    unsigned components, scanned;
};

static long jpeg_word(const struct jpeg_reader *reader, size_t at)
{
    return at + 1 < reader->size ? reader->data[at] << 8 | reader->data[at + 1] : 0;
}

/* Bytes of the segment that its tables leave over; `left` and `at` are of its content. Each table is copied to the place of its number. */
static long read_huffman(const struct jpeg_reader *reader, size_t at, long left)
{
    while (left > 16) {
        long values = 0;
        if ((reader->data[at] & 15) > 3)
            fakegpu_abort("cuvidParseVideoData", "a Huffman table behind the last of four");
        for (unsigned i = 1; i <= 16; i++)
            values += reader->data[at + i];
        if (values > left - 17)
            return left;
        at += 17 + (size_t)values;
        left -= 17 + values;
    }
    return left;
}

static long read_quantization(const struct jpeg_reader *reader, size_t at, long left)
{
    while (left > 64 && at < reader->size) {
        long table = 1 + 64 * (1 + (reader->data[at] >> 4));
        at += (size_t)table;
        left -= table;
    }
    return left;
}

/* The segment at hand, whose length is there. What it has too little is a number of bits below zero to the real one: it goes through half a
 * thousand million bytes. */
static void read_jpeg_segment(struct jpeg_reader *reader, long marker, long length)
{
    const size_t at = reader->at + 4;
    long left = length - 2;
    if (marker == 0xffc4)
        left = read_huffman(reader, at, left);
    else if (marker == 0xffdb)
        left = read_quantization(reader, at, left);
    else if (marker == 0xffdd)
        left -= 2;
    else if (marker == 0xffda) {
        if (!reader->components)
            fakegpu_abort("cuvidParseVideoData", "a scan before the frame that says of what");
        reader->scanned += reader->data[at];
        left -= 1;
    }
    if (left < 0)
        fakegpu_abort("cuvidParseVideoData", "a segment that is shorter than its content");
    reader->at += 2 + (size_t)length;
}

static bool is_jpeg_segment(long marker)
{
    return marker == 0xffc4 || (marker >= 0xffda && marker <= 0xffdd) ||
           (marker >= 0xffe0 && marker <= 0xfffe);
}

/* The decoder, which goes through the image again, looks for headers behind the scan's, too. */
static void check_jpeg_rest(const struct jpeg_reader *reader)
{
    for (size_t i = reader->at; i + 1 < reader->size; i++) {
        const long marker = jpeg_word(reader, i);
        const bool restart = marker >= 0xffd0 && marker <= 0xffd7;
        if (marker == 0xffd9)
            return;
        if (marker >= 0xffc0 && marker != 0xffff && !restart)
            fakegpu_abort("cuvidDecodePicture", "headers behind the scans");
    }
}

/* Is there a picture? */
static bool read_jpeg(struct jpeg_reader *reader)
{
    while (reader->at + 10 <= reader->size) {
        long marker = jpeg_word(reader, reader->at), length = jpeg_word(reader, reader->at + 2);
        if (marker >= 0xffc0 && marker <= 0xffc2) {
            reader->components = reader->data[reader->at + 9];
            reader->at += 10 + 3 * (size_t)reader->components;
        } else if (is_jpeg_segment(marker)) {
            if (length - 2 > (long)(reader->size - reader->at - 4))
                return false;
            read_jpeg_segment(reader, marker, length);
            if (reader->components && reader->scanned >= reader->components) {
                check_jpeg_rest(reader);
                return true;
            }
        } else {
            reader->at++;
        }
    }
    return false;
}

/* Packets are one image until one ends it. */
static bool parse_jpeg(struct parser *parser, const uint8_t *data, size_t size)
{
    parser->image = realloc(parser->image, parser->image_size + size);
    if (!parser->image)
        abort();
    memcpy(parser->image + parser->image_size, data, size);
    parser->image_size += size;
    if (parser->open)
        return true;
    struct jpeg_reader reader = {.data = parser->image, .size = parser->image_size};
    struct frame image = {.data = reader.data, .size = reader.size, .shown = true};
    struct fv_video_format format;
    parser->image_size = 0;
    return !read_jpeg(&reader) ||
           (fv_codec_read_format(FV_CODEC_JPEG, image.data, image.size, &format) == 0 &&
            set_format(parser, &format) && decode(parser, &image));
}

bool fakegpu_parse_whole(struct parser *parser, const uint8_t *data, size_t size)
{
    switch (parser->codec) {
    case FV_CODEC_JPEG:
        return parse_jpeg(parser, data, size);
    case FV_CODEC_VP9:
        return parse_superframe(parser, data, size);
    default:
        return parse_av1(parser, data, size);
    }
}

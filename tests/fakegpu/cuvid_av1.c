// SPDX-License-Identifier: Apache-2.0
/*
 * Where the real parser (driver 580) goes out of bounds in an AV1 packet, the look-alike ends the process. Headers and tiles are only followed in
 * streams of few tools, as tests write them (nvdec_whole_test.c): no order hints, no filters, quantizer 0, up to 128x128. Of other streams' frames
 * nothing is known here.
 */
#include "codec/bits.h"
#include "cuvid_parser.h"

#define SHOWN_MAX 4 /* of a packet: the real one's table of pictures to show */
#define BLOCK 64

static void crash(const char *on)
{
    fakegpu_abort("cuvidParseVideoData", "%s", on);
}

/* 5.5.1, written the same way as the tests' one. */
static void begin_sequence(struct parser_av1 *av1, const uint8_t *payload, size_t size)
{
    struct fv_bits bits;
    fv_bits_init(&bits, payload, size);
    av1->few_tools = fv_bits_u(&bits, 29) == 0 && fv_bits_u(&bits, 8) == 0xff;
    av1->width = fv_bits_u(&bits, 16) + 1;
    av1->height = fv_bits_u(&bits, 16) + 1;
    if (fv_bits_u(&bits, 9) || fv_bits_u(&bits, 2) != 3 || fv_bits_u(&bits, 3))
        av1->few_tools = false;
    fv_bits_skip(&bits, 1); /* 10 bits */
    if (fv_bits_u(&bits, 8) != 1 || bits.error)
        av1->few_tools = false;
    if (av1->width > 2 * BLOCK || av1->height > 2 * BLOCK)
        av1->few_tools = false;
}

struct tiles {
    unsigned count, size_bytes;
    size_t header_bits;
};

/* 5.9.2. False: not one of few tools. */
static bool read_header(const struct parser_av1 *av1, struct fv_bits *bits, unsigned *ret_refresh,
                        struct tiles *ret_tiles)
{
    unsigned type = fv_bits_u(bits, 3), shown = fv_bits_u(bits, 1), key = type == 0, log2 = 0;
    fv_bits_skip(bits, !shown);
    unsigned implied = key && shown, resilient = implied || fv_bits_u(bits, 1);
    if (type > 1 || !resilient || fv_bits_u(bits, 3) != 4)
        return false;
    *ret_refresh = implied ? 0xff : fv_bits_u(bits, 8);
    fv_bits_skip(bits, key ? 0 : 21);
    unsigned mixed = fv_bits_u(bits, key ? 1 : 4);
    if (mixed != (key ? 0 : 2) || !fv_bits_u(bits, 1))
        return false;
    log2 += av1->width > BLOCK && fv_bits_u(bits, 1);
    log2 += av1->height > BLOCK && fv_bits_u(bits, 1);
    ret_tiles->count = 1u << log2;
    if (log2) {
        fv_bits_skip(bits, log2);
        ret_tiles->size_bytes = fv_bits_u(bits, 2) + 1;
    }
    unsigned rest = key ? 14 : 22;
    bool few = fv_bits_u(bits, rest) == 0;
    ret_tiles->header_bits = bits->pos;
    return few;
}

/* 5.11.1 */
static void follow_tiles(const struct tiles *tiles, const uint8_t *data, size_t size)
{
    size_t at = (tiles->header_bits + 7) / 8 + (tiles->count > 1);
    for (unsigned i = 0; i + 1 < tiles->count; i++) {
        size_t tile = 1;
        for (unsigned n = 0; n < tiles->size_bytes; n++, at++)
            tile += at < size ? (size_t)data[at] << 8 * n : 0;
        at += tile;
    }
    if (at >= size)
        crash("tiles that lead out of their frame");
}

static bool begin_frame(struct parser_av1 *av1, const struct fv_av1_obu *obu, unsigned *ret_refresh)
{
    struct tiles tiles = {0};
    struct fv_bits bits;
    fv_bits_init(&bits, obu->payload, obu->payload_size);
    if (!av1->few_tools)
        return false;
    bool few = read_header(av1, &bits, ret_refresh, &tiles);
    if (bits.error)
        crash("a frame header that ends too early");
    if (few && obu->type == FV_AV1_FRAME)
        follow_tiles(&tiles, obu->payload, obu->payload_size);
    return few;
}

void fakegpu_av1_begin(struct parser_av1 *av1)
{
    av1->open = false;
    av1->shown = 0;
}

bool fakegpu_av1_follow(struct parser_av1 *av1, const struct fv_av1_obu *obu, unsigned *ret_refresh)
{
    const unsigned first = obu->payload_size ? obu->payload[0] : 0;
    if (obu->type == FV_AV1_SEQUENCE_HEADER)
        begin_sequence(av1, obu->payload, obu->payload_size);
    if (obu->type == FV_AV1_METADATA && (!obu->payload_size || first & 0x80))
        crash("metadata without a type");
    if (obu->type == FV_AV1_TILE_GROUP && !av1->open)
        crash("a tile group without a frame");
    if (obu->type != FV_AV1_FRAME && obu->type != FV_AV1_FRAME_HEADER)
        return false;
    if (first & 0x90 && ++av1->shown > SHOWN_MAX)
        crash("too many frames that are shown");
    bool existing = first & 0x80;
    av1->open = obu->type == FV_AV1_FRAME_HEADER && !existing;
    return !existing && begin_frame(av1, obu, ret_refresh);
}

// SPDX-License-Identifier: Apache-2.0
/* AV1's frame headers and tile groups. The headers are those that libaom wrote; what they say, and that they take so many bits, FFmpeg's
 * trace_headers says. Tile groups are by hand from 5.11.1. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec/av1_frame.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SEQUENCE "000000043cfefcdaf90040" /* 320x192, order hints of 7 bits */

static size_t unhex(const char *hex, uint8_t *out)
{
    size_t size = 0;
    for (; *hex; hex += 2) {
        const char digits[3] = {hex[0], hex[1], 0};
        out[size++] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return size;
}

/* On a copy that ends where the bytes end, so that a sanitizer sees what is read behind it. */
static int read_frame(const struct fv_av1_stream *stream, const uint8_t *data, size_t size,
                      struct fv_av1_frame *ret_frame)
{
    uint8_t *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, data, size);
    const struct fv_av1_obu obu = {
        .type = FV_AV1_FRAME, .header = {0x32}, .payload = copy, .payload_size = size};
    int code = fv_av1_read_frame(stream, &obu, ret_frame);
    free(copy);
    return code;
}

static int read_sequence(const char *hex, struct fv_av1_sequence *ret_sequence)
{
    uint8_t bytes[64];
    return fv_av1_read_sequence(bytes, unhex(hex, bytes), ret_sequence);
}

static void begin(struct fv_av1_stream *stream, const char *hex)
{
    struct fv_av1_sequence sequence;
    assert_int_equal(read_sequence(hex, &sequence), 0);
    fv_av1_set_sequence(stream, &sequence);
}

static void test_sequence(void **state)
{
    (void)state;
    struct fv_av1_sequence sequence;
    assert_int_equal(read_sequence(SEQUENCE, &sequence), 0);
    assert_int_equal(sequence.width, 320);
    assert_int_equal(sequence.height, 192);
    assert_int_equal(sequence.format.width, 320);
    assert_int_equal(sequence.order_bits, 7);
    assert_int_equal(sequence.id_bits, 0);
    assert_int_equal(sequence.points, 1);
    assert_true(sequence.cdef && sequence.warped && sequence.ref_mvs);
    assert_false(sequence.film_grain || sequence.reduced || sequence.model);
    assert_int_equal(read_sequence("000000043cfefcdaf900c0", &sequence), 0);
    assert_true(sequence.film_grain);
    /* without trailing_one_bit; a bit behind it; a reserved level (24); profile 3 */
    assert_int_equal(read_sequence("000000043cfefcdaf90000", &sequence), -EBADMSG);
    assert_int_equal(read_sequence("000000043cfefcdaf90041", &sequence), -EBADMSG);
    assert_int_equal(read_sequence("000000c43cfefcdaf90040", &sequence), -EBADMSG);
    assert_int_equal(read_sequence("600000043cfefcdaf90040", &sequence), -EBADMSG);
    assert_int_equal(read_sequence("000000043cfefcdaf9", &sequence), -EBADMSG);
}

struct header {
    const char *hex;
    size_t bits;
    unsigned type, refresh, columns, rows;
    bool shown;
};

/* One after the other; of each no prefix is enough. */
static void check_headers(const char *sequence, const struct header *headers, size_t count)
{
    struct fv_av1_stream stream = {0};
    uint8_t bytes[128];
    begin(&stream, sequence);
    for (size_t i = 0; i < count; i++) {
        const struct header *want = &headers[i];
        struct fv_av1_frame frame;
        size_t size = unhex(want->hex, bytes);
        for (size_t n = 0; 8 * n < want->bits; n++)
            assert_int_equal(read_frame(&stream, bytes, n, &frame), -EBADMSG);
        assert_int_equal(read_frame(&stream, bytes, size, &frame), 0);
        assert_int_equal(frame.header_bits, want->bits);
        assert_int_equal(frame.slot.type, want->type);
        assert_int_equal(frame.refresh, want->refresh);
        assert_int_equal(frame.shown, want->shown);
        if (!frame.existing) {
            assert_int_equal(frame.tiles.columns, want->columns);
            assert_int_equal(frame.tiles.rows, want->rows);
            assert_int_equal(frame.slot.size.width, 320);
            assert_int_equal(frame.slot.size.height, 192);
        }
        fv_av1_apply(&stream, &frame);
    }
}

/* 2x2 tiles; hidden frames, one of which is shown at the end. */
static const struct header PYRAMID[] = {
    {"140035a3c000008820acb80082b2001604d8e8e5", 112, 0, 0xff, 2, 2, true},
    {"2905f020000011b5a7800820840882b820aeb8002800000603dd", 173, 1, 0x02, 2, 2, false},
    {"2902f040000051b5aa8008210409420aebbc0000b201dab1", 150, 1, 0x04, 2, 2, false},
    {"29014080002051b5abe0082084096eb820bc00000601d772", 150, 1, 0x08, 2, 2, false},
    {"3201e2000068a36b5c00104108128005d77800008100dc15", 149, 1, 0x10, 2, 2, true},
    {"b8", 4, 1, 0x00, 0, 0, true},
};

/* Error resilient: each frame says the order hints of all slots. */
static const struct header RESILIENT[] = {
    {"15414001415020d87060cea225f3", 52, 0, 0xff, 1, 1, true},
    {"2d50510a020000000000000000000000000000000000000000000045100010420c130575d70000414000", 331, 1,
     0x02, 1, 1, false},
    {"2d5052050400280000000000000040002000100008000400024000451800104208128015d77000", 308, 1, 0x04,
     1, 1, false},
};

/* Film grain: 14 points, 24 + 25 + 25 coefficients. */
static const struct header GRAIN[] = {
    {"1400a0a816c2bc80303ff0040101ff0040101ff01f0903070102fb10fb0ed302cf00ed0cdef96b490af6df118508"
     "f3050918e90af10d10dae126ecfd22ad74fce7131cb9870108f3050918e90af10d10dae126ecfd22ad74fce7131c"
     "b98700b01810080c0806d870",
     815, 0, 0xff, 1, 1, true},
};

static void test_headers(void **state)
{
    (void)state;
    check_headers(SEQUENCE, PYRAMID, COUNT(PYRAMID));
    check_headers("000000043cfeff81b5f20080", RESILIENT, COUNT(RESILIENT));
    check_headers("000000043cfefcdaf900c0", GRAIN, COUNT(GRAIN));
}

static int read_header(const struct fv_av1_stream *stream, const struct header *header,
                       struct fv_av1_frame *ret_frame)
{
    uint8_t bytes[128];
    return read_frame(stream, bytes, unhex(header->hex, bytes), ret_frame);
}

/* What refers to slots that nothing stands in, at the beginning or behind another sequence header; to another frame than stands there. */
static void test_references(void **state)
{
    (void)state;
    struct fv_av1_stream stream = {0};
    struct fv_av1_frame frame;
    assert_int_equal(read_header(&stream, &PYRAMID[0], &frame), -EBADMSG);
    begin(&stream, SEQUENCE);
    assert_int_equal(read_header(&stream, &PYRAMID[1], &frame), -EBADMSG);
    assert_int_equal(read_header(&stream, &PYRAMID[5], &frame), -EBADMSG);
    assert_int_equal(read_header(&stream, &PYRAMID[0], &frame), 0);
    fv_av1_apply(&stream, &frame);
    begin(&stream, SEQUENCE); /* once more: nothing changes */
    assert_int_equal(read_header(&stream, &PYRAMID[1], &frame), 0);
    begin(&stream, "000000043cfefcdaf900c0");
    assert_int_equal(read_header(&stream, &PYRAMID[1], &frame), -EBADMSG);

    begin(&stream, "000000043cfeff81b5f20080");
    assert_int_equal(read_header(&stream, &RESILIENT[0], &frame), 0);
    fv_av1_apply(&stream, &frame);
    assert_int_equal(read_header(&stream, &RESILIENT[2], &frame), -EBADMSG); /* [1] was lost */
}

/* What 6.8 forbids: an intra-only frame that refreshes all slots. */
static void test_forbidden(void **state)
{
    (void)state;
    struct fv_av1_stream stream = {0};
    struct fv_av1_frame frame;
    begin(&stream, SEQUENCE);
    assert_int_equal(read_header(&stream, &PYRAMID[0], &frame), 0);
    fv_av1_apply(&stream, &frame);
    /* existing 0, type 10, shown, not resilient, cdf update, no screen tools, no own size, order hint, refresh, then all 0 */
    uint8_t bytes[24] = {0x50, 0x01, 0xff};
    assert_int_equal(read_frame(&stream, bytes, sizeof(bytes), &frame), -EBADMSG);
    bytes[2] = 0x7f;
    assert_int_equal(read_frame(&stream, bytes, sizeof(bytes), &frame), 0);
    assert_int_equal(frame.slot.type, 2);
}

static void test_tiles(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        unsigned type, from, to; /* to 0: refused */
    } cases[] = {
        {"00"
         "0000aa"
         "0100aabb"
         "0000aa"
         "aabbcc",
         FV_AV1_FRAME, 0, 4},
        {"00"
         "0000aa"
         "0100aabb"
         "0000aa",
         FV_AV1_FRAME, 0, 0}, /* nothing is left for the last */
        {"00"
         "0000aa"
         "0100aabb"
         "0100aa",
         FV_AV1_FRAME, 0, 0}, /* one byte too few */
        {"00"
         "0000aa"
         "0100aabb"
         "00",
         FV_AV1_FRAME, 0, 0}, /* half a size */
        {"00"
         "ffffaa"
         "0100aabb"
         "0000aa"
         "aa",
         FV_AV1_FRAME, 0, 0},
        {"", FV_AV1_FRAME, 0, 0},
        {"88"
         "0000aa"
         "aabb",
         FV_AV1_TILE_GROUP, 0, 2}, /* 1 00 01: tiles 0 and 1 */
        {"88"
         "0000aa"
         "aabb",
         FV_AV1_FRAME, 0, 0},
        {"88"
         "0000aa"
         "aabb",
         FV_AV1_TILE_GROUP, 2, 0}, /* they were there */
        {"d8"
         "0000aa"
         "aabb",
         FV_AV1_TILE_GROUP, 2, 4},
        {"d8"
         "0000aa"
         "aabb",
         FV_AV1_TILE_GROUP, 1, 0},
        {"f0"
         "0000aa"
         "aabb",
         FV_AV1_TILE_GROUP, 3, 0}, /* 1 11 10: backwards */
        {"f8"
         "aa",
         FV_AV1_TILE_GROUP, 3, 4},
    };
    const struct fv_av1_frame frame = {.tiles = {2, 2, 1, 1, 2}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t bytes[32];
        size_t size = unhex(cases[i].hex, bytes);
        uint8_t *copy = malloc(size ? size : 1);
        assert_non_null(copy);
        memcpy(copy, bytes, size);
        unsigned next = cases[i].from;
        const struct fv_av1_obu obu = {
            .type = cases[i].type, .payload = copy, .payload_size = size};
        int code = fv_av1_check_tiles(&frame, &obu, &next);
        assert_int_equal(code, cases[i].to ? 0 : -EBADMSG);
        assert_int_equal(next, cases[i].to ? cases[i].to : cases[i].from);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sequence),   cmocka_unit_test(test_headers),
        cmocka_unit_test(test_references), cmocka_unit_test(test_forbidden),
        cmocka_unit_test(test_tiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

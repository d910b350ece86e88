// SPDX-License-Identifier: Apache-2.0
/* The codecs that move as whole pictures. Headers by hand from the standards; the two sequence headers and the frame headers are
 * those that SVT-AV1, libaom and libvpx wrote, with what FFmpeg's trace_headers says of them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec/av1.h"
#include "codec/codec.h"
#include "codec/jpeg.h"
#include "codec/vp9.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static size_t unhex(const char *hex, uint8_t *out)
{
    size_t size = 0;
    while (*hex) {
        const char digits[3] = {hex[0], hex[1], 0};
        out[size++] = (uint8_t)strtoul(digits, NULL, 16);
        hex += 2;
        hex += *hex == ' ';
    }
    return size;
}

/* A copy that ends where the bytes end, so that a sanitizer sees what is read behind it. */
static uint8_t *copy_of(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    if (size)
        memcpy(copy, data, size);
    return copy;
}

/* JPEG */

#define QUANT "ffdb 0003 00"                     /* a segment to be skipped */
#define SCAN "ffda 0008 01 01 00 00 3f 00 ab cd" /* with two bytes of entropy-coded data */

static void test_jpeg_header(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        int code;
        unsigned width, height, coded_width, coded_height, chroma;
    } cases[] = {
        /* 322x242; factors 2x2, 2x1, 1x1, one component */
        {"ffd8" QUANT "ffc0 0011 08 00f2 0142 03 012200 021101 031101", 0, 322, 242, 336, 256, 1},
        {"ffd8 ffffffc1 0011 08 00f2 0142 03 012100 021101 031101", 0, 322, 242, 336, 248, 2},
        {"ffd8 ffc2 0011 08 00f2 0142 03 011100 021101 031101", 0, 322, 242, 328, 248, 3},
        {"ffd8 ffc0 000b 08 00f2 0142 01 011100", 0, 322, 242, 328, 248, 0},
        /* 4:4:0, 4:1:1, unlike chroma planes, four components, 12 bit, lossless, arithmetic, height by DNL, too large */
        {"ffd8 ffc0 0011 08 00f2 0142 03 011200 021101 031101", -ENOTSUP, 0, 0, 0, 0, 0},
        {"ffd8 ffc0 0011 08 00f2 0142 03 014100 021101 031101", -ENOTSUP, 0, 0, 0, 0, 0},
        {"ffd8 ffc0 0011 08 00f2 0142 03 012200 021101 032101", -ENOTSUP, 0, 0, 0, 0, 0},
        {"ffd8 ffc0 0014 08 00f2 0142 04 011100 021100 031100 041100", -ENOTSUP, 0, 0, 0, 0, 0},
        {"ffd8 ffc1 000b 0c 00f2 0142 01 011100", -ENOTSUP, 0, 0, 0, 0, 0},
        {"ffd8 ffc3 000b 08 00f2 0142 01 011100", -ENOTSUP, 0, 0, 0, 0, 0},
        {"ffd8 ffc9 000b 08 00f2 0142 01 011100", -ENOTSUP, 0, 0, 0, 0, 0},
        {"ffd8 ffc0 000b 08 0000 0142 01 011100", -ENOTSUP, 0, 0, 0, 0, 0},
        {"ffd8 ffc0 000b 08 ffff ffff 01 011100", -ENOTSUP, 0, 0, 0, 0, 0},
        /* no width, no component, too few bytes for the components, factor 0 */
        {"ffd8 ffc0 000b 08 00f2 0000 01 011100", -EBADMSG, 0, 0, 0, 0, 0},
        {"ffd8 ffc0 0008 08 00f2 0142 00", -EBADMSG, 0, 0, 0, 0, 0},
        {"ffd8 ffc0 000b 08 00f2 0142 03 011100", -EBADMSG, 0, 0, 0, 0, 0},
        {"ffd8 ffc0 0011 08 00f2 0142 03 012200 020001 030001", -ENOTSUP, 0, 0, 0, 0, 0},
        /* a scan, an end or an image before the frame header; no marker; no image */
        {"ffd8" SCAN, -EBADMSG, 0, 0, 0, 0, 0},
        {"ffd8 ffd9", -EBADMSG, 0, 0, 0, 0, 0},
        {"ffd8 ffd8", -EBADMSG, 0, 0, 0, 0, 0},
        {"ffd8 00 ffc0", -EBADMSG, 0, 0, 0, 0, 0},
        {"ffd8 ff00", -EBADMSG, 0, 0, 0, 0, 0},
        {"ffd8 ffdb 0001", -EBADMSG, 0, 0, 0, 0, 0},
        {"ffd9", -EBADMSG, 0, 0, 0, 0, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t bytes[100];
        struct fv_video_format format = {0};
        size_t size = unhex(cases[i].hex, bytes);
        uint8_t *copy = copy_of(bytes, size);
        assert_int_equal(fv_jpeg_parse(copy, size, &format), cases[i].code);
        assert_int_equal(format.width, cases[i].width);
        assert_int_equal(format.height, cases[i].height);
        assert_int_equal(format.coded_width, cases[i].coded_width);
        assert_int_equal(format.coded_height, cases[i].coded_height);
        assert_int_equal(format.chroma, cases[i].chroma);
        if (cases[i].code == 0) {
            assert_int_equal(format.codec, FV_CODEC_JPEG);
            assert_int_equal(format.bit_depth, 8);
            assert_true(format.full_range);
            assert_int_equal(format.matrix, 5);
        }
        free(copy);
        for (size_t n = 0; cases[i].code == 0 && n < size; n++) {
            copy = copy_of(bytes, n);
            assert_int_equal(fv_jpeg_parse(copy, n, &format), -EBADMSG);
            free(copy);
        }
    }
}

static void test_jpeg_length(void **state)
{
    (void)state;
    /* A thumbnail in APP1, stuffing, a restart marker, fill bytes, two scans, TEM; then something else. */
    static const char image[] =
        "ffd8 ffe1 0008 ffd8 ffff ffd9 ff01 " QUANT "ffc0 000b 08 0010 0010 01 011100" SCAN
        "ff00 12 ffd3 34 ff00" SCAN "56 ffffffd9";
    uint8_t bytes[200];
    size_t size = unhex(image, bytes), length = 0;
    for (size_t n = 0; n < size; n++) {
        uint8_t *copy = copy_of(bytes, n);
        assert_int_equal(fv_jpeg_length(copy, n, &length), -EAGAIN);
        free(copy);
    }
    unhex("ffd8 00", bytes + size);
    for (size_t more = 0; more <= 3; more++) {
        length = 0;
        assert_int_equal(fv_jpeg_length(bytes, size + more, &length), 0);
        assert_int_equal(length, size);
    }
    static const char *const bad[] = {"00",      "ff00",      "ffd9",
                                      "ffd8 00", "ffd8 ffd8", "ffd8 ffdb 0001"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        size = unhex(bad[i], bytes);
        assert_int_equal(fv_jpeg_length(bytes, size, &length), -EBADMSG);
    }
}

static void test_jpeg_tables(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        bool lacks;
    } cases[] = {
        {"ffd8" QUANT "ffc0 000b 08 0010 0010 01 011100" SCAN "ffd9", true},
        {"ffd8" QUANT "ffc4 0003 00" SCAN "ffd9", false},
        {"ffd8" SCAN "ffc4 0003 00 ffd9", true}, /* too late for its scan */
        {"ffd8" QUANT "ffd9", false},
        {"ffd8" QUANT, false},
        {"ffd9", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t bytes[100], out[100 + FV_JPEG_TABLES_MAX];
        size_t size = unhex(cases[i].hex, bytes);
        assert_int_equal(fv_jpeg_lacks_tables(bytes, size), cases[i].lacks);
        assert_int_equal(fv_jpeg_add_tables(bytes, size, out), size + 420);
        assert_false(fv_jpeg_lacks_tables(out, size + 420));
        assert_memory_equal(out + 422, bytes + 2, size - 2);
    }
}

/* VP9 */

static void test_vp9_split(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        int count;
        size_t sizes[3];
    } cases[] = {
        {"82 11 22", 1, {3}},
        {"c0", 1, {1}},                                /* too short for an index */
        {"82 11 84 22 33 c9 0200 0300 c9", 2, {2, 3}}, /* two sizes of two bytes */
        {"82 84 c1 01 01 c1", 2, {1, 1}},              /* of one byte */
        {"82 84 22 c2 01 00 02 c2", 2, {1, 2}},        /* an empty one between */
        {"82 d8 01000000 d8", 1, {1}},                 /* of four bytes */
        {"82 84 c0 01 c1", 1, {5}},                    /* first and last byte differ: no index */
        {"82 84 c1 01 02 c1", -EBADMSG, {0}},          /* larger than what is there */
        {"82 84 c1 ff 01 c1", -EBADMSG, {0}},
        {"c0 00 c0", -EBADMSG, {0}}, /* nothing in it */
        {"", -EBADMSG, {0}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t bytes[40];
        struct fv_vp9_frame frames[FV_VP9_FRAMES_MAX];
        size_t size = unhex(cases[i].hex, bytes);
        uint8_t *copy = copy_of(bytes, size);
        assert_int_equal(fv_vp9_split(copy, size, frames), cases[i].count);
        for (int n = 0; n < cases[i].count; n++)
            assert_int_equal(frames[n].size, cases[i].sizes[n]);
        if (cases[i].count > 0)
            assert_ptr_equal(frames[0].data, copy);
        free(copy);
    }
}

/* Which of them are superframes with nothing left over. */
static void test_vp9_fills(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        bool fills;
    } cases[] = {
        {"82 11 22", true},
        {"02 11 cc", true}, /* without an index, whatever it is */
        {"82 11 84 22 33 c9 0200 0300 c9", true},
        {"82 84 c1 01 01 c1", true},
        {"82 d8 01000000 d8", true},
        {"82 84 22 c2 01 00 02 c2", false}, /* an empty one between */
        {"82 84 00 c1 01 01 c1", false},    /* a byte between the frames and the index */
        {"82 84 82 c1 01 01 c1", false},
        {"82 04 c1 01 01 c1", false}, /* what begins in no frame_marker */
        {"c0 84 c1 01 01 c1", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t bytes[40];
        struct fv_vp9_frame frames[FV_VP9_FRAMES_MAX];
        size_t size = unhex(cases[i].hex, bytes);
        uint8_t *copy = copy_of(bytes, size);
        int count = fv_vp9_split(copy, size, frames);
        assert_true(count > 0);
        assert_int_equal(fv_vp9_fills(copy, size, frames, count), cases[i].fills);
        free(copy);
    }
}

static void test_vp9_key(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        int code;
        uint8_t profile, depth, chroma, matrix;
        bool range;
    } cases[] = {
        /* libvpx, 322x242: profile 0, and profile 2 with 10 bit */
        {"82 498342 0014100f1604", 0, 0, 8, 1, 2, false},
        {"92 498342 000a08078b03", 0, 2, 10, 1, 2, false},
        /* by hand: BT.709, full range: 010 1, then 321 and 241 in 16 bits each */
        {"82 498342 50 1410 0f10", 0, 0, 8, 1, 1, true},
        /* profile 1 (10 10 0 0 1 0): BT.601, limited; subsampling 1,0 and 0,0 and 0,1, reserved 0 */
        {"a2 498342 28 028201e2", 0, 1, 8, 2, 5, false},
        {"a2 498342 20 028201e2", 0, 1, 8, 3, 5, false},
        {"a2 498342 24 028201e2", -ENOTSUP, 0, 0, 0, 0, false},
        /* profile 1, RGB: 111, reserved 0 */
        {"a2 498342 e0 1410 0f10", 0, 1, 8, 3, 0, true},
        /* profile 0 has no RGB */
        {"82 498342 e0 1410 0f10", -EBADMSG, 0, 0, 0, 0, false},
        /* profile 3 (10 11 0 0 0 1 0): 12 bit, space 0, subsampling 1,1 */
        {"b1 24c1a1 43 00a0 8078 80", 0, 3, 12, 1, 2, false},
        /* 65536x65536; another sync code; another marker; the reserved bit of profile 3 */
        {"82 498342 0f ffff ffff", -ENOTSUP, 0, 0, 0, 0, false},
        {"82 498343 0014100f1604", -EBADMSG, 0, 0, 0, 0, false},
        {"42 498342 0014100f1604", -EBADMSG, 0, 0, 0, 0, false},
        {"b8 498342 0014100f1604", -EBADMSG, 0, 0, 0, 0, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t bytes[40];
        struct fv_vp9_header header = {0};
        size_t size = unhex(cases[i].hex, bytes);
        assert_int_equal(fv_vp9_parse(bytes, size, &header), cases[i].code);
        if (cases[i].code < 0)
            continue;
        const struct fv_video_format *format = &header.format;
        assert_true(header.key && header.shown && !header.existing);
        assert_int_equal(header.profile, cases[i].profile);
        assert_int_equal(format->profile, cases[i].profile);
        assert_int_equal(format->bit_depth, cases[i].depth);
        assert_int_equal(format->chroma, cases[i].chroma);
        assert_int_equal(format->matrix, cases[i].matrix);
        assert_int_equal(format->full_range, cases[i].range);
        assert_int_equal(format->width, 322);
        assert_int_equal(format->height, 242);
        assert_int_equal(format->coded_width, 328);
        assert_int_equal(format->coded_height, 248);
        assert_int_equal(format->max_ref_frames, 8);
        for (size_t n = 0; n < 8; n++) { /* the last bits are in the ninth byte */
            uint8_t *copy = copy_of(bytes, n);
            assert_int_equal(fv_vp9_parse(copy, n, &header), -EBADMSG);
            free(copy);
        }
    }
}

static void test_vp9_other_frames(void **state)
{
    (void)state;
    static const struct {
        uint8_t byte[2];
        bool existing, shown, intra_only;
    } cases[] = {
        {{0x86, 0}, false, true, false},     /* 10 00 0 1 1 0: shown */
        {{0x84, 0x00}, false, false, false}, /* hidden */
        {{0x84, 0x80}, false, false, true},  /* hidden, intra only */
        {{0x8b, 0}, true, true, false},      /* 10 00 1 011: frame 3 once more */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct fv_vp9_header header;
        assert_int_equal(fv_vp9_parse(cases[i].byte, 2, &header), 0);
        assert_false(header.key);
        assert_int_equal(header.existing, cases[i].existing);
        assert_int_equal(header.shown, cases[i].shown);
        assert_int_equal(header.intra_only, cases[i].intra_only);
    }
}

/* AV1 */

#define SVT "0000 0004 3d07 c4fb f900 40"        /* 322x242, 8 bit */
#define AOM "0000 0004 3d07 c4da f950 2020 1840" /* 322x242, 10 bit, BT.709, full range */

static void test_av1_sequence(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        uint8_t depth, matrix;
        bool range;
    } cases[] = {{SVT, 8, 2, false}, {AOM, 10, 1, true}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t bytes[40];
        struct fv_video_format format;
        size_t size = unhex(cases[i].hex, bytes);
        assert_int_equal(fv_av1_parse_sequence(bytes, size, &format), 0);
        assert_int_equal(format.codec, FV_CODEC_AV1);
        assert_int_equal(format.width, 322);
        assert_int_equal(format.height, 242);
        assert_int_equal(format.coded_width, 328);
        assert_int_equal(format.coded_height, 248);
        assert_int_equal(format.profile, 0);
        assert_int_equal(format.level, 0);
        assert_int_equal(format.bit_depth, cases[i].depth);
        assert_int_equal(format.chroma, 1);
        assert_int_equal(format.matrix, cases[i].matrix);
        assert_int_equal(format.full_range, cases[i].range);
        for (size_t n = 0; n < size - 1; n++) { /* the last byte has only trailing bits */
            uint8_t *copy = copy_of(bytes, n);
            assert_int_equal(fv_av1_parse_sequence(copy, n, &format), -EBADMSG);
            free(copy);
        }
    }
}

struct writer {
    uint8_t data[80];
    unsigned bits;
};

static void put(struct writer *w, unsigned count, uint32_t value)
{
    while (count-- > 0) {
        w->data[w->bits / 8] |= (uint8_t)((value >> count & 1) << (7 - w->bits % 8));
        w->bits++;
    }
}

/* 5.5.1 with all that is optional: timing, decoder model, two operating points, display delay, frame ids, colour. */
static void test_av1_sequence_in_full(void **state)
{
    (void)state;
    struct writer w = {0};
    struct fv_video_format format;
    put(&w, 3, 2), put(&w, 2, 0);                                                 /* profile 2 */
    put(&w, 1, 1), put(&w, 32, 1), put(&w, 32, 25), put(&w, 1, 1), put(&w, 3, 2); /* uvlc 1: 010 */
    put(&w, 1, 1), put(&w, 5, 9), put(&w, 32, 1), put(&w, 5, 9), put(&w, 5, 9);
    put(&w, 1, 1), put(&w, 5, 1);                                 /* display delay; two points */
    put(&w, 12, 0x101), put(&w, 5, 8), put(&w, 1, 1);             /* level 8, high tier */
    put(&w, 1, 1), put(&w, 10, 3), put(&w, 10, 4), put(&w, 1, 0); /* its model */
    put(&w, 1, 1), put(&w, 4, 5);
    put(&w, 12, 0), put(&w, 5, 7), put(&w, 1, 0), put(&w, 1, 0);
    put(&w, 4, 15), put(&w, 4, 15), put(&w, 16, 1919), put(&w, 16, 1079);
    put(&w, 1, 1), put(&w, 7, 0);                               /* frame ids */
    put(&w, 3, 0), put(&w, 4, 0), put(&w, 1, 1), put(&w, 2, 0); /* order hints */
    put(&w, 1, 0), put(&w, 1, 1), put(&w, 1, 0), put(&w, 1, 1); /* screen content, integer mv */
    put(&w, 3, 7), put(&w, 3, 0);
    put(&w, 1, 1), put(&w, 1, 1), put(&w, 1, 0);                 /* 12 bit, not grey */
    put(&w, 1, 1), put(&w, 8, 9), put(&w, 8, 16), put(&w, 8, 9); /* BT.2020 */
    put(&w, 1, 1), put(&w, 1, 1), put(&w, 1, 0);                 /* full range, 4:2:2 */
    assert_int_equal(fv_av1_parse_sequence(w.data, (w.bits + 7) / 8, &format), 0);
    assert_int_equal(format.profile, 2);
    assert_int_equal(format.level, 8);
    assert_int_equal(format.width, 1920);
    assert_int_equal(format.height, 1080);
    assert_int_equal(format.coded_height, 1080);
    assert_int_equal(format.bit_depth, 12);
    assert_int_equal(format.chroma, 2);
    assert_int_equal(format.matrix, 9);
    assert_true(format.full_range);
    assert_int_equal(format.fps_num, 25);
    assert_int_equal(format.fps_den, 1);
}

/* A still picture (reduced header): profile 0, level 4, 16384x16385 in 15 bits each, which is too much. */
static void test_av1_still(void **state)
{
    (void)state;
    for (uint32_t height = 16383; height <= 16384; height++) {
        struct writer w = {0};
        struct fv_video_format format;
        put(&w, 5, 3), put(&w, 5, 4), put(&w, 8, 0xee), put(&w, 15, 16383), put(&w, 15, height);
        put(&w, 6, 0), put(&w, 1, 0), put(&w, 1, 1), put(&w, 1, 0), put(&w, 1, 0); /* grey */
        int code = fv_av1_parse_sequence(w.data, (w.bits + 7) / 8, &format);
        assert_int_equal(code, height == 16383 ? 0 : -ENOTSUP);
        if (code < 0)
            continue;
        assert_int_equal(format.height, 16384);
        assert_int_equal(format.level, 4);
        assert_int_equal(format.chroma, 0);
    }
}

static void test_av1_look(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        int code;
        bool sequence, key;
        unsigned frames;
    } cases[] = {
        {"1200 0a0b" SVT "3202 1000", 0, true, true, 1},  /* a shown key frame */
        {"1200 0a0b" SVT "3202 0000", 0, true, false, 1}, /* hidden */
        {"0a0b" SVT "3202 3000", 0, true, false, 1},      /* an inter frame */
        {"0a0b" SVT "3202 9000", 0, true, false, 1},      /* show_existing_frame */
        {"3202 1000 3201 30", 0, false, true, 2},
        {"1a02 1000 2201 aa", 0, false, true, 1}, /* frame header and tile group */
        {"3600 02 1000", 0, false, true, 1},      /* with an extension */
        {"3010 00", 0, false, true, 1},           /* without size */
        {"3200", 0, false, false, 1},
        {"0a03 180000", -EBADMSG, false, false, 0},     /* a sequence header that ends early */
        {"3203 1000", -EBADMSG, false, false, 0},       /* larger than what is there */
        {"b200", -EBADMSG, false, false, 0},            /* the forbidden bit */
        {"32 ffffffffff01", -EBADMSG, false, false, 0}, /* a size beyond 2^32 */
        {"36", -EBADMSG, false, false, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t bytes[60];
        struct fv_av1_unit unit = {0};
        size_t size = unhex(cases[i].hex, bytes);
        uint8_t *copy = copy_of(bytes, size);
        assert_int_equal(fv_av1_look(copy, size, &unit), cases[i].code);
        assert_int_equal(unit.sequence, cases[i].sequence);
        assert_int_equal(unit.key, cases[i].key);
        assert_int_equal(unit.frames, cases[i].frames);
        assert_int_equal(unit.format.width, cases[i].sequence ? 322 : 0);
        free(copy);
    }
}

static void test_av1_pack(void **state)
{
    (void)state;
    uint8_t bytes[400], out[408], expected[400];
    /* Delimiter, sequence, padding, tile list: out; a frame without size and with an extension gets one. */
    size_t size = unhex("1200 0a0b" SVT "7a0100 4201aa 3408 1000ff", bytes);
    size_t wanted = unhex("0a0b" SVT "3608 03 1000ff", expected);
    assert_int_equal(fv_av1_pack(bytes, size, out), wanted);
    assert_memory_equal(out, expected, wanted);
    assert_true(wanted <= fv_av1_pack_bound(size));
    /* A size of two bytes: 300 = 0x2c + 2 x 128. */
    memset(bytes, 0x55, sizeof(bytes));
    bytes[0] = 0x30;
    assert_int_equal(fv_av1_pack(bytes, 301, out), 303);
    unhex("32 ac02", expected);
    assert_memory_equal(out, expected, 3);
    assert_memory_equal(out + 3, bytes + 1, 300);
    assert_int_equal(fv_av1_pack((const uint8_t *)"\x12\x00", 2, out), 0);
    assert_int_equal(fv_av1_pack((const uint8_t *)"\x32\x05\x00", 3, out), -EBADMSG);
}

/* Whatever the codec */

static void test_any_codec(void **state)
{
    (void)state;
    static const struct {
        enum fv_codec codec;
        const char *hex;
        int code;
        bool key;
    } cases[] = {
        {FV_CODEC_JPEG, "ffd8 ffc0 000b 08 00f2 0142 01 011100", 0, true},
        {FV_CODEC_JPEG, "ffd8", -EBADMSG, true},
        {FV_CODEC_VP9, "82 498342 0014100f1604", 0, true},
        {FV_CODEC_VP9, "82 498342 0014100f1604 86 c1 0a 01 c1", 0, true},
        {FV_CODEC_VP9, "86 00", -ENOENT, false},
        {FV_CODEC_VP9, "00", -EBADMSG, false},
        {FV_CODEC_AV1, "0a0b" SVT "3202 1000", 0, true},
        {FV_CODEC_AV1, "0a0b" SVT "3202 3000", 0, false},
        {FV_CODEC_AV1, "3202 1000", -ENOENT,
         false}, /* nothing can start without a sequence header */
        {FV_CODEC_AV1, "3205", -EBADMSG, false},
        /* 16x16, baseline, level 1, written bit by bit: 7.3.2.1.1; then a slice of an IDR picture */
        {FV_CODEC_H264, "00000001 6742 00000001 6588", -EBADMSG, true},
        {FV_CODEC_H264, "00000001 6742000a fb88 00000001 6188", 0, false},
        {FV_CODEC_H264, "00000001 6188", -ENOENT, false},
        {FV_CODEC_H265, "00000001 2601", -ENOENT, true},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t bytes[60];
        struct fv_video_format format = {0};
        size_t size = unhex(cases[i].hex, bytes);
        assert_int_equal(fv_codec_read_format(cases[i].codec, bytes, size, &format), cases[i].code);
        if (cases[i].code == 0)
            assert_int_equal(format.codec, cases[i].codec);
        assert_int_equal(fv_codec_is_key(cases[i].codec, bytes, size), cases[i].key);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jpeg_header),
        cmocka_unit_test(test_jpeg_length),
        cmocka_unit_test(test_jpeg_tables),
        cmocka_unit_test(test_vp9_split),
        cmocka_unit_test(test_vp9_fills),
        cmocka_unit_test(test_vp9_key),
        cmocka_unit_test(test_vp9_other_frames),
        cmocka_unit_test(test_av1_sequence),
        cmocka_unit_test(test_av1_sequence_in_full),
        cmocka_unit_test(test_av1_still),
        cmocka_unit_test(test_av1_look),
        cmocka_unit_test(test_av1_pack),
        cmocka_unit_test(test_any_codec),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
/* What of access units goes to NVDEC's parser; VP9, and JPEG and AV1 further: nvdec_whole_test.c. */
#include "decode/nvdec_packet.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define UNIT_MAX 512

#define START "00000001"
#define AUD START "460150"
#define VPS START "40010c01ffff"
#define PPS START "4401c0f1"
#define SLICE START "26018001aabb"
#define OF_LAYER_1 START "26098001aabb"
#define SPS_START                                                                                  \
    START "42010101600000030090000003000003003fa00502016965959a4932bc05b8101008200000030020000003" \
          "03"
#define SPS SPS_START "2c0292cbc001e848003d0910"
#define SPS_32_BUFFERS SPS_START "2c0292cb82000007a12000f4244ffffffffffffffffffffffffffffffff"
#define SPS_33_BUFFERS SPS_START "2c0292cb82100007a12000f4244ffffffffffffffffffffffffffffffff"
#define SPS_RESTRICTION_WITHOUT_TIMING                                                             \
    START "42010101600000030090000003000003005da003c0801107cb96f924c92ee6a02020205da08041"
#define SPS_SMALL START "42010101600000030090000003000003005da020810594bfc208"
#define SPS_UNREADABLE_VUI                                                                         \
    START "42010101600000030090000003000003005da020810594bfc22200000300010000030000ffffffff80"
#define SPS_LEVELS                                                                                 \
    START "42010501600000030090000003000003005d70003c000003000003000003000003000003003ca020810594" \
          "bfc208"
#define SPS_LEVELS_MISREAD START "42010501600000030090000003000003005d50003c3ca020810594bfc208"
#define SPS_BUFFERS_WITHOUT_END SPS_START "2c0292cb8000000300ffffffff0007a12000f424"

#define SOI "ffd8"
#define ONES "0101010101010101010101010101010101010101010101010101010101010101"
#define DQT "ffdb004300" ONES ONES
#define SOF "ffc0000b080010001001011100"
#define CUT "ffda0008010100003f00aa00ffd3ff01bb"
#define SCAN CUT "ffffd9"
#define JFIF "ffffe00006ffc40000"
#define COM "fffe00046869"

static size_t unhex(const char *hex, uint8_t *out)
{
    size_t size = strlen(hex) / 2;
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)strtoul((const char[]){hex[2 * i], hex[2 * i + 1], 0}, NULL, 16);
    return size;
}

struct packets {
    uint8_t data[UNIT_MAX];
    struct fv_nvdec_packet all[FV_NVDEC_PACKETS_MAX];
    int count;
    struct fv_error err;
};

static void split_known(struct packets *packets, struct fv_nvdec_known *known, enum fv_codec codec,
                        const char *hex)
{
    struct fv_buf buf = {.data = packets->data};
    const struct fv_au au = {.buf = &buf, .codec = codec, .size = unhex(hex, packets->data)};
    packets->err = (struct fv_error){0};
    packets->count = fv_nvdec_packets(&au, known, packets->all, &packets->err);
}

static void split(struct packets *packets, enum fv_codec codec, const char *hex)
{
    split_known(packets, &(struct fv_nvdec_known){0}, codec, hex);
}

/* The packets, one behind the other with a stroke after each, are these bytes; their start codes have three bytes. */
static void expect(const struct packets *packets, const char *hex)
{
    char found[2 * UNIT_MAX + 2 * FV_NVDEC_PACKETS_MAX] = "";
    char *at = found;
    assert_true(packets->count > 0);
    for (int i = 0; i < packets->count; i++) {
        for (size_t n = 0; n < packets->all[i].size; n++)
            at += sprintf(at, "%02x", packets->all[i].data[n]);
        at += sprintf(at, "|");
    }
    assert_string_equal(found, hex);
}

static void test_h264_is_left_alone(void **state)
{
    (void)state;
    struct packets packets;
    split(&packets, FV_CODEC_H264, START "6742c01e" START "65888421");
    expect(&packets, "000000016742c01e0000000165888421|");
}

static void test_h264_slice_groups(void **state)
{
    (void)state;
    static const char *const refused[] = {"68c4f1c4", "68c4", "68"};
    struct packets packets;
    split(&packets, FV_CODEC_H264, START "68ce3880" START "65888421");
    assert_int_equal(packets.count, 1);
    for (size_t i = 0; i < COUNT(refused); i++) {
        char unit[64];
        snprintf(unit, sizeof(unit), START "65888421" START "%s", refused[i]);
        split(&packets, FV_CODEC_H264, unit);
        assert_int_equal(packets.count, -EBADMSG);
        assert_non_null(strstr(packets.err.text, "slice groups"));
    }
}

static void test_h265(void **state)
{
    (void)state;
    struct packets packets;
    split(&packets, FV_CODEC_H265, PPS SLICE);
    expect(&packets, "0000014401c0f10000000126018001aabb|");
    split(&packets, FV_CODEC_H265, VPS PPS SLICE);
    expect(&packets, "0000014401c0f10000000126018001aabb|");
    split(&packets, FV_CODEC_H265, AUD VPS VPS PPS SLICE VPS);
    expect(&packets, "000001460150|0000014401c0f10000000126018001aabb|");
    split(&packets, FV_CODEC_H265, PPS OF_LAYER_1 SLICE OF_LAYER_1);
    expect(&packets, "0000014401c0f1|00000126018001aabb|");
    split(&packets, FV_CODEC_H265, "aabbcc" START "26" SLICE START "26"); /* no header */
    expect(&packets, "00000126018001aabb|");
    split(&packets, FV_CODEC_H265, VPS OF_LAYER_1);
    assert_int_equal(packets.count, 0);
}

static void test_h265_refused(void **state)
{
    (void)state;
    static const struct {
        const char *hex, *words;
    } cases[] = {
        {SPS_33_BUFFERS PPS SLICE, "sequence parameter set is damaged"},
        {SPS_BUFFERS_WITHOUT_END PPS SLICE, "sequence parameter set is damaged"},
        {SPS_START "2c0292" PPS SLICE, "sequence parameter set is damaged"},
        {SPS_UNREADABLE_VUI PPS SLICE, "sequence parameter set is damaged"},
        {SPS_LEVELS_MISREAD PPS SLICE, "which NVDEC's parser misreads"},
        {PPS VPS PPS VPS PPS VPS PPS VPS PPS VPS PPS VPS PPS VPS PPS VPS SLICE, "too many"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct packets packets;
        split(&packets, FV_CODEC_H265, cases[i].hex);
        assert_int_equal(packets.count, -EBADMSG);
        assert_non_null(strstr(packets.err.text, cases[i].words));
    }
}

static void test_h265_sets(void **state)
{
    (void)state;
    static const char *const sets[] = {SPS, SPS_32_BUFFERS, SPS_SMALL, SPS_LEVELS,
                                       SPS_RESTRICTION_WITHOUT_TIMING};
    for (size_t i = 0; i < COUNT(sets); i++) {
        struct packets packets;
        split(&packets, FV_CODEC_H265, sets[i]);
        assert_int_equal(packets.count, 1);
        assert_int_equal(packets.all[0].size, strlen(sets[i]) / 2 - 1);
    }
}

static void test_jpeg(void **state)
{
    (void)state;
    struct packets packets;
    split(&packets, FV_CODEC_JPEG, SOI DQT SOF SCAN "0000" SOI SCAN);
    expect(&packets, SOI DQT SOF SCAN "|");
    split(&packets, FV_CODEC_JPEG, SOI DQT SOF CUT);
    expect(&packets, SOI DQT SOF CUT "|");
    split(&packets, FV_CODEC_JPEG, SOI DQT SOF CUT "ffc400140f");
    expect(&packets, SOI DQT SOF CUT "|");
    split(&packets, FV_CODEC_JPEG, SOI JFIF COM JFIF DQT "ff" SOF COM SCAN);
    expect(&packets, SOI "|" DQT "ff" SOF "|" SCAN "|");
    split(&packets, FV_CODEC_JPEG,
          SOI COM DQT COM SOF COM DQT COM DQT COM DQT COM DQT COM "ff" SCAN);
    expect(&packets, SOI "|" DQT "|" SOF "|" DQT "|" DQT "|" DQT "|" DQT "|ff" SCAN "|");
    split(&packets, FV_CODEC_JPEG,
          SOI COM DQT COM SOF COM DQT COM DQT COM DQT COM DQT COM DQT COM SCAN);
    assert_int_equal(packets.count, -EBADMSG);
    assert_non_null(strstr(packets.err.text, "too many comments"));
    split(&packets, FV_CODEC_JPEG,
          SOI DQT "ffc400140f"
                  "0001"
                  "0000000000000000000000000000"
                  "00" SOF SCAN);
    assert_int_equal(packets.count, -EBADMSG);
    assert_string_equal(packets.err.text, "jpeg: a Huffman table is damaged");
}

/* libaom's: 320x192, error resilient, one tile, of which some bytes are there; av1_frame_test.c has more of them. */
#define AV1_SEQUENCE "0a0c000000043cfeff81b5f20080"
#define AV1_KEY "320e15414001415020d87060cea225f3"
#define AV1_SECOND                                                                                 \
    "322c2d50510a020000000000000000000000000000000000000000000045100010420c130575d70000414000dd3f"
#define AV1_SHOW_SECOND "1a03900010" /* show_existing_frame of slot 1, its frame id */
#define AV1_METADATA "2a0104"
#define AV1_KEY_HEADER "1a0715414001415020" /* AV1_KEY in two */
#define AV1_KEY_TILES "2207d87060cea225f3"
#define AV1_KEY_COPY "3a0715414001415020"
#define AV1_RESERVED "4a01ff"

/* Frame after frame, without what decoding does not need; what a frame refers to came before. */
static void test_av1(void **state)
{
    (void)state;
    struct packets packets;
    struct fv_nvdec_known known = {0};
    split_known(&packets, &known, FV_CODEC_AV1, AV1_SECOND);
    assert_int_equal(packets.count, -EBADMSG);
    split_known(&packets, &known, FV_CODEC_AV1, AV1_SEQUENCE AV1_KEY);
    expect(&packets, AV1_SEQUENCE AV1_KEY "|");
    assert_int_equal(packets.all[0].pictures, 1);
    split_known(&packets, &known, FV_CODEC_AV1, AV1_SEQUENCE AV1_METADATA AV1_KEY AV1_RESERVED);
    expect(&packets, AV1_SEQUENCE "|" AV1_KEY "|");
    assert_int_equal(packets.all[0].pictures, 0);
    split_known(&packets, &known, FV_CODEC_AV1, AV1_SECOND AV1_SECOND "22");
    assert_int_equal(packets.count, -EBADMSG); /* and nothing of it is known: */
    split_known(&packets, &known, FV_CODEC_AV1, AV1_SECOND AV1_SHOW_SECOND);
    expect(&packets, AV1_SECOND "|" AV1_SHOW_SECOND "|");
    assert_int_equal(packets.all[0].pictures, 1);
    assert_int_equal(packets.all[1].pictures, 0);
    split_known(&packets, &known, FV_CODEC_AV1, AV1_SECOND); /* slot 1 has another order hint now */
    assert_int_equal(packets.count, -EBADMSG);
    split_known(&packets, &known, FV_CODEC_AV1, AV1_METADATA);
    assert_int_equal(packets.count, -EBADMSG);
}

/* Between a frame's header and its tiles only copies of the header stand (5.9.1). */
static void test_av1_header_copies(void **state)
{
    (void)state;
    static const char *const others[] = {"3a0715414001415021", "3a00"};
    struct packets packets;
    split(&packets, FV_CODEC_AV1, AV1_SEQUENCE AV1_KEY_HEADER AV1_KEY_COPY AV1_KEY_TILES);
    expect(&packets, AV1_SEQUENCE AV1_KEY_HEADER AV1_KEY_COPY AV1_KEY_TILES "|");
    for (size_t i = 0; i < COUNT(others); i++) {
        char unit[200];
        snprintf(unit, sizeof(unit), AV1_SEQUENCE AV1_KEY_HEADER "%s" AV1_KEY_TILES, others[i]);
        split(&packets, FV_CODEC_AV1, unit);
        assert_int_equal(packets.count, -EBADMSG);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_h264_is_left_alone),
        cmocka_unit_test(test_h264_slice_groups),
        cmocka_unit_test(test_h265),
        cmocka_unit_test(test_h265_refused),
        cmocka_unit_test(test_h265_sets),
        cmocka_unit_test(test_jpeg),
        cmocka_unit_test(test_av1),
        cmocka_unit_test(test_av1_header_copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

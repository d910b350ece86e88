// SPDX-License-Identifier: Apache-2.0
/* Packets by the text of RFC 2435 and of ONVIF's Streaming Specification 5.1.4 -> JPEG images. */
#include <stdio.h>

#include "base/mem.h"
#include "codec/jpeg_headers.h"
#include "rtp/bench.h"

/* T.81 Tables K.1 and K.2 in zigzag order: quality 50. */
#define LUMA                                                                                       \
    "100b0c0e0c0a100e0d0e1211101318281a181616183123251d283a333d3c3933"                             \
    "383740485c4e404457453738506d51575f626768673e4d71797064785c656763"
#define CHROMA                                                                                     \
    "1112121815182f1a1a2f63423842636363636363636363636363636363636363"                             \
    "6363636363636363636363636363636363636363636363636363636363636363"
#define ONES "0101010101010101010101010101010101010101010101010101010101010101"
#define TWOS "0202020202020202020202020202020202020202020202020202020202020202"
#define WORD "00010001000100010001000100010001000100010001000100010001000100010001"
#define SOI "ffd8"
#define EOI "ffd9"
#define SOS "ffda000c03010002110311003f00"
#define DQT_50 "ffdb008400" LUMA "01" CHROMA
/* 4:2:0, 16 x 8 */
#define SOF_16x8                                                                                   \
    "ffc0001108000800100301220002110103"                                                           \
    "1101"
/* Main header: type-specific, offset (3), type, Q, width / 8, height / 8 */
#define HEAD(offset, type, q) "00" offset type q "0201"
#define Q50(offset) HEAD(offset, "01", "32")

/* As fv_bench_assert_au(), with the Huffman segment where DHT stands. */
static void assert_image(const struct bench *b, size_t index, const char *front, const char *back)
{
    uint8_t expected[4096];
    size_t size = fv_bench_unhex(front, expected);
    size += fv_jpeg_write_huffman(expected + size);
    size += fv_bench_unhex(back, expected + size);
    assert_true(index < b->count);
    assert_int_equal(b->aus[index].size, size);
    assert_memory_equal(b->aus[index].buf->data, expected, size);
}

/* 4.2: tables by the quality factor. */
static void test_computed_tables(void **state)
{
    struct bench b;
    fv_bench_init_codec(&b, FV_CODEC_JPEG, 0, FV_ON_LOSS_SKIP);
    fv_bench_send(&b, 0, false, Q50("000000") "a1a2a3");
    fv_bench_send(&b, 0, true, Q50("000003") "a4");
    assert_string_equal(b.log, "FK");
    assert_image(&b, 0, SOI DQT_50, SOF_16x8 SOS "a1a2a3a4" EOI);
    assert_int_equal(b.format.codec, FV_CODEC_JPEG);
    assert_int_equal(b.format.width, 16);
    assert_int_equal(b.format.height, 8);
    assert_int_equal(b.format.chroma, 1);
    assert_int_equal(b.format.bit_depth, 8);
    assert_true(b.format.full_range);
    fv_bench_assert_no_quirks(&b);
    fv_bench_finish(&b);

    uint8_t tables[128];
    fv_jpeg_quality_tables(99, tables); /* scale 2: (16 * 2 + 50) / 100 is 0, which becomes 1 */
    assert_int_equal(tables[0], 1);
    assert_int_equal(tables[63], 2);    /* (99 * 2 + 50) / 100 */
    fv_jpeg_quality_tables(25, tables); /* scale 200 */
    assert_int_equal(tables[0], 32);
    assert_int_equal(tables[50], 206); /* twice 103 */
    fv_jpeg_quality_tables(1, tables); /* scale 5000: all of it beyond 255 */
    for (size_t i = 0; i < sizeof(tables); i++)
        assert_int_equal(tables[i], 255);
}

/* Type 0 is 4:2:2; 64 more: restart markers (3.1.7). */
static void test_restart_and_sampling(void **state)
{
    struct bench b;
    fv_bench_init_codec(&b, FV_CODEC_JPEG, 0, FV_ON_LOSS_SKIP);
    fv_bench_send(&b, 0, true,
                  HEAD("000000", "40", "32") "0010ffff"
                                             "b1");
    fv_bench_send(&b, 1, true, HEAD("000000", "00", "32") "b2");
    assert_string_equal(b.log, "FKK");
    assert_image(&b, 0, SOI DQT_50,
                 "ffdd00040010"
                 "ffc000110800080010030121000211010311"
                 "01" SOS "b1" EOI);
    assert_image(&b, 1, SOI DQT_50,
                 "ffc000110800080010030121000211010311"
                 "01" SOS "b2" EOI);
    assert_int_equal(b.format.chroma, 2);
    fv_bench_finish(&b);
}

/* 3.1.8: tables in the packets; length 0 means those that this Q had last. */
static void test_tables_in_band(void **state)
{
    struct bench b;
    fv_bench_init_codec(&b, FV_CODEC_JPEG, 0, FV_ON_LOSS_SKIP);
    fv_bench_send(&b, 0, true,
                  HEAD("000000", "01", "80") "00000000"
                                             "c0"); /* not known yet */
    assert_int_equal(b.rc, -EBADMSG);
    fv_bench_send(&b, 1, true, HEAD("000000", "01", "80") "00000080" ONES ONES TWOS TWOS "c1");
    fv_bench_send(&b, 2, false, HEAD("000000", "01", "81") "00000080" TWOS TWOS ONES ONES "c2");
    fv_bench_send(&b, 2, true, HEAD("000001", "01", "81") "c3");
    fv_bench_send(&b, 3, true,
                  HEAD("000000", "01", "80") "00000000"
                                             "c4");
    assert_string_equal(b.log, "FKKK");
    assert_image(&b, 0, SOI "ffdb008400" ONES ONES "01" TWOS TWOS, SOF_16x8 SOS "c1" EOI);
    assert_image(&b, 1, SOI "ffdb008400" TWOS TWOS "01" ONES ONES, SOF_16x8 SOS "c2c3" EOI);
    assert_image(&b, 2, SOI "ffdb008400" ONES ONES "01" TWOS TWOS, SOF_16x8 SOS "c4" EOI);
    /* Q 255: they hold for this picture only */
    fv_bench_send(&b, 4, true, HEAD("000000", "01", "ff") "00000080" ONES ONES ONES ONES "c5");
    fv_bench_send(&b, 5, true,
                  HEAD("000000", "01", "ff") "00000000"
                                             "c6");
    assert_string_equal(b.log, "FKKKK");
    assert_int_equal(fv_rtp_stats(b.rtp)->damaged, 2);
    fv_bench_finish(&b);
}

/* One table for all components; tables of 16 bits, which baseline images do not have; a third table, of which nothing is known. */
static void test_odd_tables(void **state)
{
    struct bench b;
    fv_bench_init_codec(&b, FV_CODEC_JPEG, 0, FV_ON_LOSS_SKIP);
    fv_bench_send(&b, 0, true, HEAD("000000", "01", "82") "00000040" TWOS TWOS "d1");
    fv_bench_send(&b, 1, true,
                  HEAD("000000", "01", "83") "000200c0" ONES ONES WORD WORD WORD
                                             "00010001000100010001"
                                             "00010001000100010001"
                                             "000100010001"
                                             "d2");
    fv_bench_send(&b, 2, true,
                  HEAD("000000", "01", "84") "000000c0" ONES ONES TWOS TWOS ONES ONES "d3");
    assert_string_equal(b.log, "FKFKFK");
    assert_image(&b, 0, SOI "ffdb004300" TWOS TWOS,
                 "ffc000110800080010030122000211000311"
                 "00" SOS "d1" EOI);
    assert_int_equal(b.aus[1].buf->data[2 + 2 + 2 + 1 + 64], 0x11); /* 16 bits, table 1 */
    assert_image(&b, 2, SOI "ffdb008400" ONES ONES "01" TWOS TWOS, SOF_16x8 SOS "d3" EOI);
    fv_bench_finish(&b);
}

/* The size beyond 2040 pixels, and the exact one, is the SDP's. */
static void test_size_by_sdp(void **state)
{
    static const struct {
        uint16_t width, height;
        const char *fields; /* width, height / 8 of the main header */
        unsigned expected_width, expected_height;
    } cases[] = {
        {2560, 1440, "0000", 2560, 1440}, {2560, 1440, "40b4", 2560, 1440},
        {0, 0, "f087", 1920, 1080},       {100, 52, "0d07", 100, 52},
        {640, 480, "0d07", 104, 56}, /* an old description */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bench b;
        char packet[64];
        fv_bench_start(&b);
        struct fv_rtp_params params = fv_bench_params(&b, FV_CODEC_JPEG, 0);
        params.width = cases[i].width;
        params.height = cases[i].height;
        fv_bench_open(&b, &params);
        snprintf(packet, sizeof(packet), "000000000132%saa", cases[i].fields);
        fv_bench_send(&b, 0, true, packet);
        assert_string_equal(b.log, "FK");
        assert_int_equal(b.format.width, cases[i].expected_width);
        assert_int_equal(b.format.height, cases[i].expected_height);
        fv_bench_finish(&b);
    }
    struct bench b;
    fv_bench_init_codec(&b, FV_CODEC_JPEG, 0, FV_ON_LOSS_SKIP); /* nobody says it */
    fv_bench_send(&b, 0, true, "0000000001320000aa");
    assert_string_equal(b.log, "");
    fv_bench_finish(&b);
}

/* One packet with a header extension. */
static void send_extended(struct bench *b, uint32_t ts, bool marker, const char *extension,
                          const char *hex)
{
    uint8_t text[4096];
    size_t extension_size = fv_bench_unhex(extension, text + 12);
    size_t size = 12 + extension_size + fv_bench_unhex(hex, text + 12 + extension_size);
    uint8_t *packet = malloc(size);
    assert_non_null(packet);
    fv_rtp_write_header(text, marker, PT, b->seq++, ts, b->ssrc);
    text[0] |= 0x10;
    memcpy(packet, text, size);
    b->rc = fv_rtp_input(b->rtp, packet, size, b->now);
    free(packet);
}

/* 4:2:2, 4096 x 2160, one quantization table; padded in front of the frame header */
#define SOF_LARGE                                                                                  \
    "ffc0001108087010000301210002110003"                                                           \
    "1100"
#define LARGE_EXTENSION                                                                            \
    "ffd80017"                                                                                     \
    "ffdb004300" ONES ONES "ffffffff" SOF_LARGE

static void test_onvif_extension(void **state)
{
    struct bench b;
    fv_bench_init_codec(&b, FV_CODEC_JPEG, 0, FV_ON_LOSS_SKIP);
    /* all headers by the extension but those of the Huffman tables and the scan */
    send_extended(&b, 0, false, LARGE_EXTENSION,
                  "0000000001000000"
                  "e1");
    send_extended(&b, 0, true, "ffff0000",
                  "0000000101000000"
                  "e2");
    assert_string_equal(b.log, "FK");
    assert_int_equal(b.format.width, 4096);
    assert_int_equal(b.format.height, 2160);
    assert_int_equal(b.format.chroma, 2);
    assert_image(&b, 0, SOI,
                 "ffdb004300" ONES ONES "ffffff"
                 "ff" SOF_LARGE SOS "e1e2" EOI);
    /* a scan header, too, in a packet without scan; a restart interval; the RFC's tables in front */
    send_extended(&b, 1, false,
                  "ffd80006"
                  "ffffff"
                  "ffdd00040008" SOS "aa",
                  Q50("000000") "");
    fv_bench_send(&b, 1, true, Q50("000000") "e3");
    assert_int_equal(b.rc, 0);
    assert_string_equal(b.log, "FKFK");
    assert_image(&b, 1, SOI DQT_50, "ffffffffdd00040008" SOF_16x8 SOS "aae3" EOI);
    /* other extensions say nothing */
    send_extended(&b, 2, true,
                  "abac0001"
                  "01020304",
                  Q50("000000") "e4");
    assert_image(&b, 2, SOI DQT_50, SOF_16x8 SOS "e4" EOI);
    fv_bench_finish(&b);
}

static void test_bad_extensions(void **state)
{
    static const char *const extensions[] = {
        "ffd80001"
        "ffdb0043", /* a segment longer than the extension */
        "ffd80001"
        "01020304", /* no segment */
        "ffd80001"
        "ffd8ffd8", /* a marker without segment */
        "ffd80001"
        "ffdb0001", /* a length below 2 */
        "ffd80006"
        "ffffffffff"
        "ffc90011080008001003012200021101031101", /* arithmetic coding */
        "ffff0001"
        "ffffffff", /* headers spread over packets */
    };
    for (size_t i = 0; i < COUNT(extensions); i++) {
        struct bench b;
        fv_bench_init_codec(&b, FV_CODEC_JPEG, 0, FV_ON_LOSS_SKIP);
        send_extended(&b, 0, true, extensions[i], Q50("000000") "e1");
        assert_int_equal(b.rc, -EBADMSG);
        assert_string_equal(b.log, "");
        fv_bench_finish(&b);
    }
}

static void test_malformed(void **state)
{
    static const char *const packets[] = {
        "00000000013202", /* every header cut */
        HEAD("000000", "41", "32") "000000",
        HEAD("000000", "01", "80") "000000",
        HEAD("000000", "01", "80") "00000001", /* tables that are not there */
        HEAD("000000", "01", "80") "00000002"
                                   "0101", /* no table has two bytes */
        HEAD("000000", "02", "32") "aa",   /* types that nobody defined */
        HEAD("000000", "80", "32") "00000000aa",
        HEAD("000000", "01", "00") "aa", /* Q 0 and 100: reserved */
        HEAD("000000", "01", "64") "aa",
        "010000000132"
        "0201"
        "aa", /* fields */
        "020000000132"
        "0201"
        "aa",
    };
    fv_bench_refuse(FV_CODEC_JPEG, packets, COUNT(packets), Q50("000000") "aa");
}

/* What is well-formed and not supported is told in words. */
static void test_refusals(void **state)
{
    static const struct {
        const char *packet, *words;
    } cases[] = {
        {"010000000132"
         "0201"
         "aa",
         "fields of interlaced JPEG"},
        {HEAD("000000", "02", "32") "aa", "a type that RFC 2435 does not define"},
        {"0000000001320000aa", "how large the JPEG pictures are"},
        {HEAD("000000", "01", "00") "aa", NULL}, /* malformed */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bench b;
        fv_bench_init_codec(&b, FV_CODEC_JPEG, 0, FV_ON_LOSS_SKIP);
        fv_bench_send(&b, 0, true, cases[i].packet);
        assert_int_equal(b.rc, -EBADMSG);
        const char *refusal = fv_rtp_stats(b.rtp)->refusal;
        if (cases[i].words)
            assert_non_null(strstr(refusal, cases[i].words));
        else
            assert_null(refusal);
        fv_bench_finish(&b);
    }
}

static const struct bench_story stories[] = {
    {"a lost part takes its picture with it, and no other",
     0,
     FV_ON_LOSS_SKIP,
     1,
     {{0, 0, true, Q50("000000") "11", "FK"},
      {1, 1, false, Q50("000000") "11", "FK"},
      {3, 1, true, Q50("000002") "33", "FK"},
      {4, 2, true, Q50("000000") "11", "FKK"}}},
    {"the same, flagged",
     0,
     FV_ON_LOSS_FLAG,
     1,
     {{0, 0, true, Q50("000000") "11", "FK"},
      {1, 1, false, Q50("000000") "11", "FK"},
      {3, 1, true, Q50("000002") "33", "FKd"},
      {4, 2, true, Q50("000000") "11", "FKdK"}}},
    {"a lost beginning",
     0,
     FV_ON_LOSS_SKIP,
     1,
     {{0, 0, true, Q50("000000") "11", "FK"},
      {2, 1, false, Q50("000001") "22", "FK"},
      {3, 1, true, Q50("000002") "33", "FK"},
      {4, 2, true, Q50("000000") "11", "FKK"}}},
    {"a lost end: the next picture shows it",
     0,
     FV_ON_LOSS_SKIP,
     1,
     {{0, 0, false, Q50("000000") "11", ""}, {2, 1, true, Q50("000000") "11", "FK"}}},
    {"a whole picture lost",
     0,
     FV_ON_LOSS_SKIP,
     0,
     {{0, 0, true, Q50("000000") "11", "FK"}, {2, 2, true, Q50("000000") "11", "FKK"}}},
    {"comes in the middle of a picture",
     0,
     FV_ON_LOSS_SKIP,
     1,
     {{0, 0, true, Q50("000009") "11", ""}, {1, 1, true, Q50("000000") "11", "FK"}}},
    {"a part that leaves a hole although no packet is missing",
     0,
     FV_ON_LOSS_SKIP,
     1,
     {{0, 0, false, Q50("000000") "11", ""},
      {1, 0, true, Q50("000002") "33", ""},
      {2, 1, true, Q50("000000") "11", "FK"}}},
    {"late and repeated packets",
     50 * FV_MS,
     FV_ON_LOSS_SKIP,
     0,
     {{0, 0, false, Q50("000000") "11", ""},
      {2, 0, true, Q50("000002") "33", ""},
      {1, 0, false, Q50("000001") "22", "FK"},
      {1, 0, false, Q50("000001") "22", "FK"},
      {3, 1, true, Q50("000000") "11", "FKK"}}},
    {"no markers: the next timestamp ends a picture",
     0,
     FV_ON_LOSS_SKIP,
     0,
     {{0, 0, false, Q50("000000") "11", ""},
      {1, 1, false, Q50("000000") "11", "FK"},
      {2, 2, false, Q50("000000") "11", "FKK"}}},
    {"two pictures of one timestamp",
     0,
     FV_ON_LOSS_SKIP,
     0,
     {{0, 0, false, Q50("000000") "11", ""}, {1, 0, true, Q50("000000") "22", "FKK"}}},
    {"markers within pictures: not believed any longer",
     0,
     FV_ON_LOSS_SKIP,
     1,
     {{0, 0, true, Q50("000000") "11", "FK"},
      {1, 0, true, Q50("000001") "22", "FK"},
      {2, 1, true, Q50("000000") "11", "FK"},
      {3, 1, true, Q50("000001") "22", "FK"},
      {4, 2, true, Q50("000000") "11", "FKK"}}},
};

static void test_stories(void **state)
{
    fv_bench_tell(FV_CODEC_JPEG, stories, COUNT(stories));
}

/* A camera that sends the end of image itself: not twice. */
static void test_end_of_image(void **state)
{
    struct bench b;
    fv_bench_init_codec(&b, FV_CODEC_JPEG, 0, FV_ON_LOSS_SKIP);
    fv_bench_send(&b, 0, true, Q50("000000") "a1" EOI);
    assert_image(&b, 0, SOI DQT_50, SOF_16x8 SOS "a1" EOI);
    fv_bench_finish(&b);
}

static void test_failing_allocations(void **state)
{
    struct bench b;
    fv_bench_start(&b);
    struct fv_rtp_params params = fv_bench_params(&b, FV_CODEC_JPEG, 50 * FV_MS);
    for (unsigned n = 1;; n++) {
        fv_alloc_fail_at(n);
        int rc = fv_rtp_create(&params, &b.rtp);
        bool done = fv_alloc_fail_pending();
        fv_alloc_fail_at(0);
        if (done) {
            assert_int_equal(rc, 0);
            assert_true(n > 2);
            break;
        }
        assert_int_equal(rc, -ENOMEM);
        assert_null(b.rtp);
    }
    fv_bench_finish(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_computed_tables), cmocka_unit_test(test_restart_and_sampling),
        cmocka_unit_test(test_tables_in_band),  cmocka_unit_test(test_odd_tables),
        cmocka_unit_test(test_size_by_sdp),     cmocka_unit_test(test_onvif_extension),
        cmocka_unit_test(test_bad_extensions),  cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_refusals),        cmocka_unit_test(test_stories),
        cmocka_unit_test(test_end_of_image),    cmocka_unit_test(test_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

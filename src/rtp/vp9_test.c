// SPDX-License-Identifier: Apache-2.0
/* Packets by the text of RFC 9628 -> VP9 frames and superframes. */
#include <stdio.h>

#include "rtp/bench.h"

/* 10 marker, 00 profile, 0, 0 key frame, 1 shown, 0; sync code; BT.601, studio range; 64 x 48 */
#define KEY "824983422003f002f0"
#define INTER "86" /* shown */
#define HIDDEN "8400"
/* Descriptors without anything optional: whole frame, its beginning, middle, end */
#define WHOLE "0c"
#define BEGIN "08"
#define MIDDLE "00"
#define END "04"
/* Whole frames of a spatial layer, by the picture's id; the upper one needs the lower one. */
#define LAYER0(id) "ac" id "0007"
#define LAYER1(id) "ac" id "0307"

static void test_frames(void **state)
{
    struct bench b;
    fv_bench_init_codec(&b, FV_CODEC_VP9, 0, FV_ON_LOSS_SKIP);
    fv_bench_send(&b, 0, false, BEGIN KEY "11");
    fv_bench_send(&b, 0, false, MIDDLE "2233");
    fv_bench_send(&b, 0, true, END "44");
    fv_bench_send(&b, 1, true, WHOLE INTER "55");
    assert_string_equal(b.log, "FKp");
    fv_bench_assert_au(&b, 0, KEY "11223344");
    fv_bench_assert_au(&b, 1, INTER "55");
    assert_int_equal(b.format.codec, FV_CODEC_VP9);
    assert_int_equal(b.format.width, 64);
    assert_int_equal(b.format.height, 48);
    assert_int_equal(b.format.bit_depth, 8);
    fv_bench_assert_no_quirks(&b);
    fv_bench_finish(&b);
}

static const struct {
    const char *descriptor;
    uint16_t width;
} descriptors[] = {
    {"8c"
     "05",
     64}, /* I: 7 bits */
    {"8c"
     "8505",
     64}, /* 15 bits */
    {"ac"
     "05"
     "00"
     "07",
     64}, /* L, TL0PICIDX */
    {"bc"
     "05"
     "00",
     64}, /* L, flexible: without it */
    {"dc"
     "05"
     "03"
     "05"
     "06",
     64}, /* F and P: three references */
    {"dc"
     "05"
     "02",
     64}, /* one */
    {"5c"
     "03"
     "03"
     "03",
     64}, /* never more than three */
    {"0e"
     "00",
     64}, /* V: one layer, nothing said of it */
    {"0e"
     "10"
     "0100"
     "00c0",
     256}, /* its size */
    {"0e"
     "38"
     "00a0005a"
     "0140"
     "00b4"
     "02"
     "0401"
     "0802"
     "03",
     320}, /* two layers, a group of two */
    {"ae"
     "05"
     "00"
     "07"
     "18"
     "02800168"
     "01"
     "00",
     640},
};

/* 4.2: everything that may stand in front, and every cut of it. */
static void test_descriptors(void **state)
{
    for (size_t i = 0; i < COUNT(descriptors); i++) {
        struct bench b;
        uint8_t packet[64];
        char hex[128];
        print_message("descriptor %zu\n", i);
        snprintf(hex, sizeof(hex), "%s" KEY "77", descriptors[i].descriptor);
        fv_bench_init_codec(&b, FV_CODEC_VP9, 0, FV_ON_LOSS_SKIP);
        fv_bench_send(&b, 0, true, hex);
        assert_string_equal(b.log, "FK");
        fv_bench_assert_au(&b, 0, KEY "77");
        assert_int_equal(b.format.width, descriptors[i].width);
        const size_t size = fv_bench_unhex(descriptors[i].descriptor, packet);
        for (size_t cut = 1; cut <= size; cut++) {
            fv_bench_input(&b, b.seq++, (uint32_t)cut * 3600, true, packet, cut);
            assert_int_equal(b.rc, -EBADMSG);
        }
        assert_string_equal(b.log, "FK");
        fv_bench_finish(&b);
    }
}

/* Frames of one picture: spatial layers, and hidden ones. 9 bytes, 3 bytes -> Annex B of the bitstream. */
static void test_superframes(void **state)
{
    struct bench b;
    fv_bench_init_codec(&b, FV_CODEC_VP9, 0, FV_ON_LOSS_SKIP);
    fv_bench_send(&b, 0, false,
                  "ac"
                  "05"
                  "00"
                  "07" KEY "11");
    fv_bench_send(&b, 0, false,
                  "a8"
                  "05"
                  "03"
                  "07" INTER "22");
    fv_bench_send(&b, 0, true,
                  "a4"
                  "05"
                  "03"
                  "07"
                  "33");
    fv_bench_send(&b, 1, false, WHOLE HIDDEN);
    fv_bench_send(&b, 1, true, WHOLE INTER "44");
    assert_string_equal(b.log, "FKp");
    fv_bench_assert_au(&b, 0,
                       KEY "11" INTER "2233"
                           "d9"
                           "0a000000"
                           "03000000"
                           "d9");
    fv_bench_assert_au(&b, 1,
                       HIDDEN INTER "44"
                                    "d9"
                                    "02000000"
                                    "02000000"
                                    "d9");
    /* other numbers are other pictures, also of one timestamp */
    fv_bench_send(&b, 2, false,
                  "8c"
                  "06" INTER "55");
    fv_bench_send(&b, 2, true,
                  "8c"
                  "07" INTER "66");
    assert_string_equal(b.log, "FKppp");
    fv_bench_assert_au(&b, 3, INTER "66");
    /* one that the camera made stays as it is */
    fv_bench_send(&b, 3, true,
                  WHOLE HIDDEN INTER "77"
                                     "c1"
                                     "02"
                                     "02"
                                     "c1");
    fv_bench_assert_au(&b, 4,
                       HIDDEN INTER "77"
                                    "c1"
                                    "02"
                                    "02"
                                    "c1");
    /* and cannot be put into another */
    fv_bench_send(&b, 4, false,
                  WHOLE HIDDEN INTER "88"
                                     "c1"
                                     "02"
                                     "02"
                                     "c1");
    fv_bench_send(&b, 4, true, WHOLE INTER "99");
    assert_string_equal(b.log, "FKpppp");
    assert_int_equal(fv_rtp_stats(b.rtp)->damaged, 1);
    fv_bench_finish(&b);
}

static void test_too_many_frames(void **state)
{
    struct bench b;
    fv_bench_init_codec(&b, FV_CODEC_VP9, 0, FV_ON_LOSS_SKIP);
    fv_bench_send(&b, 0, false, WHOLE KEY);
    for (unsigned i = 0; i < 7; i++)
        fv_bench_send(&b, 0, i == 6, WHOLE INTER "11");
    assert_string_equal(b.log, "FK");
    fv_bench_send(&b, 1, false, WHOLE KEY);
    for (unsigned i = 0; i < 8; i++)
        fv_bench_send(&b, 1, i == 7, WHOLE INTER "11");
    assert_int_equal(b.rc, -EBADMSG);
    assert_string_equal(b.log, "FK");
    fv_bench_finish(&b);
}

static void test_malformed(void **state)
{
    static const char *const packets[] = {
        WHOLE "00"
              "1122", /* no frame marker */
        WHOLE "82498343"
              "2003f002f0", /* no sync code */
        WHOLE "82498342"
              "2003f002", /* a header that ends in its size */
        WHOLE "82498342"
              "2ffff002f0", /* wider than anything here */
        "0e"
        "10"
        "ffff0010" KEY, /* the same by the structure */
    };
    fv_bench_refuse(FV_CODEC_VP9, packets, COUNT(packets), WHOLE KEY);
}

static const struct bench_story stories[] = {
    {"nothing before the first key frame",
     0,
     FV_ON_LOSS_FLAG,
     0,
     {{0, 0, true, WHOLE INTER, ""}, {1, 1, true, WHOLE KEY, "FK"}}},
    {"comes in the middle of a frame",
     0,
     FV_ON_LOSS_SKIP,
     1,
     {{0, 0, true, END "11", ""}, {1, 1, true, WHOLE KEY, "FK"}}},
    {"a lost middle: waits for a key frame",
     0,
     FV_ON_LOSS_SKIP,
     1,
     {{0, 0, true, WHOLE KEY, "FK"},
      {1, 1, false, BEGIN INTER "11", "FK"},
      {3, 1, true, END "33", "FK"},
      {4, 2, true, WHOLE INTER "11", "FK"},
      {5, 3, true, WHOLE KEY, "FKK"},
      {6, 4, true, WHOLE INTER "11", "FKKp"}}},
    {"a lost middle: flagged until a key frame",
     0,
     FV_ON_LOSS_FLAG,
     2,
     {{0, 0, true, WHOLE KEY, "FK"},
      {1, 1, false, BEGIN INTER "11", "FK"},
      {3, 1, true, END "33", "FKd"},
      {4, 2, true, WHOLE INTER "11", "FKdd"},
      {5, 3, true, WHOLE KEY, "FKddK"}}},
    {"a lost beginning of a key frame",
     0,
     FV_ON_LOSS_SKIP,
     1,
     {{0, 0, true, WHOLE KEY, "FK"},
      {2, 1, true, END "22", "FK"},
      {3, 2, true, WHOLE INTER, "FK"},
      {4, 3, true, WHOLE KEY, "FKK"}}},
    {"a lost base layer: what lies on it is no picture",
     0,
     FV_ON_LOSS_FLAG,
     1,
     {{0, 0, false, LAYER0("05") KEY, ""},
      {1, 0, true, LAYER1("05") INTER "11", "FK"},
      {3, 1, true, LAYER1("06") INTER "11", "FK"},
      {4, 2, false, LAYER0("07") KEY, "FK"},
      {5, 2, true, LAYER1("07") INTER "11", "FKK"}}},
    {"a layer that was sent without its base",
     0,
     FV_ON_LOSS_SKIP,
     1,
     {{0, 0, true, LAYER0("05") KEY, "FK"},
      {1, 1, true, LAYER1("06") INTER "11", "FK"},
      {2, 2, true, LAYER0("07") KEY, "FKK"}}},
    {"late and repeated packets",
     50 * FV_MS,
     FV_ON_LOSS_SKIP,
     0,
     {{0, 0, false, BEGIN KEY, ""},
      {2, 0, true, END "33", ""},
      {1, 0, false, MIDDLE "22", "FK"},
      {1, 0, false, MIDDLE "22", "FK"},
      {3, 1, true, WHOLE INTER, "FKp"}}},
    {"no markers: the next timestamp ends a picture",
     0,
     FV_ON_LOSS_SKIP,
     0,
     {{0, 0, false, WHOLE KEY, ""},
      {1, 1, false, WHOLE INTER, "FK"},
      {2, 2, false, WHOLE INTER, "FKp"}}},
    {"a part behind the end of its frame",
     0,
     FV_ON_LOSS_SKIP,
     1,
     {{0, 0, false, WHOLE KEY, ""}, {1, 0, true, END "11", ""}, {2, 1, true, WHOLE KEY, "FK"}}},
};

static void test_stories(void **state)
{
    fv_bench_tell(FV_CODEC_VP9, stories, COUNT(stories));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames),      cmocka_unit_test(test_descriptors),
        cmocka_unit_test(test_superframes), cmocka_unit_test(test_too_many_frames),
        cmocka_unit_test(test_malformed),   cmocka_unit_test(test_stories),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

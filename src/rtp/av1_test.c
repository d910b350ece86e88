// SPDX-License-Identifier: Apache-2.0
/* Packets by the text of the AV1 RTP payload specification -> temporal units. */
#include "rtp/bench.h"

/* Sequence header, 322 x 242: 11 bytes of payload behind its OBU header */
#define SEQUENCE_PAYLOAD "000000043d07c4fbf90040"
#define SEQUENCE "08" SEQUENCE_PAYLOAD
/* Frame OBU, and the same as it leaves with its size; the first byte tells: shown key frame, shown inter frame */
#define KEY                                                                                        \
    "30"                                                                                           \
    "10aabb"
#define INTER                                                                                      \
    "30"                                                                                           \
    "30cc"
#define OUT_SEQUENCE "0a0b" SEQUENCE_PAYLOAD
#define OUT_KEY                                                                                    \
    "3203"                                                                                         \
    "10aabb"
#define OUT_INTER                                                                                  \
    "3202"                                                                                         \
    "30cc"
/* Aggregation headers: elements each with a length; one, two, three elements; Z and Y */
#define ANY "00"
#define ONE "10"
#define TWO "20"
#define THREE "30"
#define KEY_UNIT TWO "0c" SEQUENCE KEY

static void test_elements(void **state)
{
    static const struct {
        const char *what, *packet, *expected;
    } cases[] = {
        {"two elements", KEY_UNIT, OUT_SEQUENCE OUT_KEY},
        {"a new sequence says so",
         "28"
         "0c" SEQUENCE KEY,
         OUT_SEQUENCE OUT_KEY},
        {"lengths for all", ANY "0c" SEQUENCE "04" KEY, OUT_SEQUENCE OUT_KEY},
        {"a length of two bytes", ANY "8c00" SEQUENCE "04" KEY, OUT_SEQUENCE OUT_KEY},
        {"an element of no bytes",
         ANY "0c" SEQUENCE "00"
             "04" KEY,
         OUT_SEQUENCE OUT_KEY},
        {"three elements, one of them metadata",
         THREE "0c" SEQUENCE "03"
               "28"
               "0102" KEY,
         OUT_SEQUENCE "2a02"
                      "0102" OUT_KEY},
        {"temporal delimiter, tile list and padding stay behind",
         ANY "01"
             "10"
             "0c" SEQUENCE "02"
             "40ff"
             "02"
             "78ff"
             "04" KEY,
         OUT_SEQUENCE OUT_KEY},
        {"OBUs that have their size", TWO "0d" OUT_SEQUENCE OUT_KEY, OUT_SEQUENCE OUT_KEY},
        {"an extension",
         THREE "0c" SEQUENCE "03"
               "2c0801" KEY,
         OUT_SEQUENCE "2e08"
                      "01"
                      "01" OUT_KEY},
        {"frame header and tile group apart",
         THREE "0c" SEQUENCE "02"
               "1810"
               "20"
               "aabb",
         OUT_SEQUENCE "1a0110"
                      "2202"
                      "aabb"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bench b;
        print_message("%s\n", cases[i].what);
        fv_bench_init_codec(&b, FV_CODEC_AV1, 0, FV_ON_LOSS_SKIP);
        fv_bench_send(&b, 0, true, cases[i].packet);
        assert_string_equal(b.log, "FK");
        fv_bench_assert_au(&b, 0, cases[i].expected);
        assert_int_equal(b.format.codec, FV_CODEC_AV1);
        assert_int_equal(b.format.width, 322);
        assert_int_equal(b.format.height, 242);
        fv_bench_assert_no_quirks(&b);
        fv_bench_finish(&b);
    }
}

/* An OBU over three packets, behind one that ends in the first: Y, then Z and Y, then Z. Its size takes four bytes. */
static void test_parts(void **state)
{
    struct bench b;
    fv_bench_init_codec(&b, FV_CODEC_AV1, 0, FV_ON_LOSS_SKIP);
    fv_bench_send(&b, 0, false,
                  "60"
                  "0c" SEQUENCE "30"
                  "10aa");
    fv_bench_send(&b, 0, false,
                  "d0"
                  "bbcc");
    fv_bench_send(&b, 0, true,
                  "a0"
                  "01"
                  "dd"
                  "28"
                  "01");
    assert_string_equal(b.log, "FK");
    fv_bench_assert_au(&b, 0,
                       OUT_SEQUENCE "32"
                                    "85808000"
                                    "10aabbccdd"
                                    "2a01"
                                    "01");
    /* a sequence header in parts counts as well; a size that the OBU has is not doubled */
    fv_bench_send(&b, 1, false,
                  "50"
                  "08"
                  "00000004");
    fv_bench_send(&b, 1, false,
                  "80"
                  "07"
                  "3d07c4fbf90040");
    fv_bench_send(&b, 1, false,
                  "50"
                  "3205"
                  "10aa");
    fv_bench_send(&b, 1, true,
                  "90"
                  "bbccdd");
    assert_string_equal(b.log, "FKK");
    fv_bench_assert_au(&b, 1,
                       "0a"
                       "8b808000" SEQUENCE_PAYLOAD "32"
                       "85808000"
                       "10aabbccdd");
    /* what is left out may come in parts, too */
    fv_bench_send(&b, 2, false,
                  "60"
                  "03" INTER "78"
                  "01");
    fv_bench_send(&b, 2, true,
                  "90"
                  "0203");
    fv_bench_assert_au(&b, 2, OUT_INTER);
    fv_bench_assert_no_quirks(&b);
    fv_bench_finish(&b);
}

/* Every split of a temporal unit into two packets. */
static void test_every_split(void **state)
{
    static const char frame[] = "10aabbccddeeff00112233445566778899";
    uint8_t body[32], packet[64] = {0x60, 12};
    const size_t head = 2 + fv_bench_unhex(SEQUENCE, packet + 2);
    const size_t size = fv_bench_unhex(frame, body);
    for (size_t split = 1; split < size; split++) {
        struct bench b;
        fv_bench_init_codec(&b, FV_CODEC_AV1, 0, FV_ON_LOSS_SKIP);
        packet[head] = 0x30;
        memcpy(packet + head + 1, body, split);
        fv_bench_input(&b, b.seq++, 0, false, packet, head + 1 + split);
        uint8_t rest[64] = {0x90};
        memcpy(rest + 1, body + split, size - split);
        fv_bench_input(&b, b.seq++, 0, true, rest, 1 + size - split);
        assert_string_equal(b.log, "FK");
        fv_bench_assert_au(&b, 0,
                           OUT_SEQUENCE "32"
                                        "91808000"
                                        "10aabbccddeeff00112233445566778899");
        fv_bench_finish(&b);
    }
}

static void test_malformed(void **state)
{
    static const char *const packets[] = {
        ONE, /* nothing behind the header */
        ANY "05"
            "30",                 /* an element longer than the packet */
        ANY "ffffffffffffffffff", /* a length without end */
        TWO "ff",                 /* the same, cut */
        ONE "b0"
            "10", /* the forbidden bit */
        ONE "34", /* an extension that is not there */
        ONE "3205"
            "10", /* a size that does not fit */
        ONE "3201"
            "10"
            "ff", /* ... or leaves something over */
        TWO "02"
            "0800" KEY, /* a sequence header that ends early */
        "5032",         /* in parts: a size that is not there */
    };
    fv_bench_refuse(FV_CODEC_AV1, packets, COUNT(packets), KEY_UNIT);
}

static const struct bench_story stories[] = {
    {"nothing before the first key frame with its sequence header",
     0,
     FV_ON_LOSS_FLAG,
     0,
     {{1, 1, true, ONE INTER, ""},
      {2, 2, true, ONE KEY, ""},
      {3, 3, true, TWO "0c" SEQUENCE INTER, ""},
      {4, 4, true, KEY_UNIT, "FK"},
      {5, 5, true, ONE INTER, "FKp"},
      {6, 6, true, KEY_UNIT, "FKpK"}}},
    {"comes in the middle of an OBU",
     0,
     FV_ON_LOSS_SKIP,
     1,
     {{0, 0, true,
       "90"
       "11",
       ""},
      {1, 1, true, KEY_UNIT, "FK"}}},
    {"a lost part: waits for a key frame",
     0,
     FV_ON_LOSS_SKIP,
     1,
     {{0, 0, true, KEY_UNIT, "FK"},
      {1, 1, false, "50" INTER, "FK"},
      {3, 1, true,
       "90"
       "33",
       "FK"},
      {4, 2, true, ONE INTER, "FK"},
      {5, 3, true, KEY_UNIT, "FKK"},
      {6, 4, true, ONE INTER, "FKKp"}}},
    {"a lost part: flagged until a key frame",
     0,
     FV_ON_LOSS_FLAG,
     2,
     {{0, 0, true, KEY_UNIT, "FK"},
      {1, 1, false, "50" INTER, "FK"},
      {3, 1, true,
       "90"
       "33",
       "FKd"},
      {4, 2, true, ONE INTER, "FKdd"},
      {5, 3, true, KEY_UNIT, "FKddK"}}},
    {"a lost sequence header: its key frame is none",
     0,
     FV_ON_LOSS_SKIP,
     0,
     {{0, 0, true, KEY_UNIT, "FK"}, {2, 1, true, ONE KEY, "FK"}, {3, 2, true, KEY_UNIT, "FKK"}}},
    {"a frame's tile groups without their header",
     0,
     FV_ON_LOSS_SKIP,
     1,
     {{0, 0, true, KEY_UNIT, "FK"}, {2, 1, true, ONE "2011", "FK"}, {3, 2, true, KEY_UNIT, "FKK"}}},
    {"late and repeated packets",
     50 * FV_MS,
     FV_ON_LOSS_SKIP,
     0,
     {{0, 0, false,
       "60"
       "0c" SEQUENCE "30"
       "10aa",
       ""},
      {2, 0, true,
       "90"
       "cc",
       ""},
      {1, 0, false,
       "d0"
       "bb",
       "FK"},
      {1, 0, false,
       "d0"
       "bb",
       "FK"},
      {3, 1, true, ONE INTER, "FKp"}}},
    {"no markers: the next timestamp ends a picture",
     0,
     FV_ON_LOSS_SKIP,
     0,
     {{0, 0, false, KEY_UNIT, ""},
      {1, 1, false, ONE INTER, "FK"},
      {2, 2, false, ONE INTER, "FKp"}}},
    {"an OBU whose end never came although no packet is missing",
     0,
     FV_ON_LOSS_SKIP,
     1,
     {{0, 0, true, KEY_UNIT, "FK"}, {1, 1, true, "50" INTER, "FK"}, {2, 2, true, KEY_UNIT, "FKK"}}},
    {"a tile group in parts without its frame's header",
     0,
     FV_ON_LOSS_FLAG,
     1,
     {{0, 0, true, KEY_UNIT, "FK"},
      {1, 1, false,
       "50"
       "2011",
       "FK"},
      {2, 1, true,
       "80"
       "00",
       "FK"},
      {3, 2, true, KEY_UNIT, "FKK"}}},
    {"an OBU whose beginning was thrown away",
     0,
     FV_ON_LOSS_SKIP,
     2,
     {{0, 0, false,
       "50"
       "2801",
       ""},
      {1, 0, false, ANY "0530", ""},
      {2, 1, true,
       "90"
       "22",
       ""},
      {3, 2, true, KEY_UNIT, "FK"}}},
    {"the sequence header under another timestamp than its frame",
     0,
     FV_ON_LOSS_SKIP,
     0,
     {{0, 0, true, ONE SEQUENCE, ""}, {1, 1, true, ONE KEY, ""}, {2, 2, false, ONE INTER, "FK"}}},
};

static void test_stories(void **state)
{
    fv_bench_tell(FV_CODEC_AV1, stories, COUNT(stories));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elements),    cmocka_unit_test(test_parts),
        cmocka_unit_test(test_every_split), cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_stories),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

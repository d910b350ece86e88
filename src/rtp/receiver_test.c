// SPDX-License-Identifier: Apache-2.0
/* What exactly is in the access units that leave the receiver, bytes and times. */
#include "rtp/bench.h"

/* What exactly is in an access unit */

static void test_contents(void **state)
{
    struct bench b;
    fv_bench_init(&b, 0);
    fv_bench_send(&b, 3000, false, "0910");
    fv_bench_send(&b, 3000, false,
                  "78"
                  "0015" SPS "0004" PPS);
    fv_bench_send(&b, 3000, false, "060102");
    b.now += 5 * FV_MS;
    fv_bench_send(&b, 3000, false,
                  "7c85"
                  "8811");
    fv_bench_send(&b, 3000, false,
                  "7c05"
                  "");
    fv_bench_send(&b, 3000, false,
                  "7c05"
                  "2233");
    b.now += 5 * FV_MS;
    fv_bench_send(&b, 3000, true,
                  "7c45"
                  "44");
    b.now += 30 * FV_MS;
    fv_bench_send(&b, 6600, true, "419a22");
    assert_int_equal(b.count, 2);
    fv_bench_assert_au(&b, 0,
                       SC "0910" SETS SC "060102" SC "65"
                          "8811"
                          "2233"
                          "44");
    fv_bench_assert_au(&b, 1, SC "419a22");
    const struct fv_au *au = &b.aus[0];
    assert_int_equal(au->codec, FV_CODEC_H264);
    assert_int_equal(au->camera, 9);
    assert_int_equal(au->epoch, 3);
    assert_int_equal(au->format, 7);
    assert_int_equal(au->flags, FV_FRAME_KEY);
    assert_int_equal(au->rtp_time, 3000);
    assert_int_equal(au->pts, 0);
    assert_int_equal(au->wall, FV_TIME_UNKNOWN);
    assert_int_equal(au->first_packet, FV_S);
    assert_int_equal(au->last_packet, FV_S + 10 * FV_MS);
    assert_int_equal(au->delivered, FV_S + 10 * FV_MS);
    assert_int_equal(b.aus[1].pts, 40 * FV_MS);
    assert_int_equal(b.aus[1].flags, 0);
    assert_int_equal(b.serial, 7);
    assert_int_equal(b.format.width, 240);
    fv_bench_assert_no_quirks(&b);
    const struct fv_rtp_stats *stats = fv_rtp_stats(b.rtp);
    assert_int_equal(stats->packets, 8);
    assert_int_equal(stats->access_units, 2);
    assert_int_equal(stats->keyframes, 1);
    assert_int_equal(stats->last_packet, FV_S + 40 * FV_MS);
    assert_int_equal(stats->last_au, FV_S + 40 * FV_MS);
    assert_int_equal(stats->video.height, 160);
    assert_false(stats->waiting_key);
    assert_true(isnan(stats->drift_ppm));
    fv_bench_finish(&b);
}

/* Parameter sets from the SDP stand in front, behind the delimiter, when the camera does not send its own. */
static void test_sets_from_sdp(void **state)
{
    struct bench b;
    fv_bench_start(&b);
    uint8_t sets[64];
    struct fv_rtp_params params = fv_bench_params(&b, FV_CODEC_H264, 0);
    params.sets_size = fv_bench_unhex(SC SPS SC PPS, sets);
    params.sets = sets;
    fv_bench_open(&b, &params);
    memset(sets, 0, sizeof(sets)); /* borrowed during create only */
    fv_bench_send(&b, 0, true, "658811");
    fv_bench_send(&b, 3600, false, "0910");
    fv_bench_send(&b, 3600, false, "060102");
    fv_bench_send(&b, 3600, true, "658822");
    fv_bench_send(&b, 7200, false, SPS); /* half of them in band */
    fv_bench_send(&b, 7200, true, "658833");
    assert_string_equal(b.log, "FKKK");
    fv_bench_assert_au(&b, 0, SETS SC "658811");
    fv_bench_assert_au(&b, 1, SC "0910" SETS SC "060102" SC "658822");
    fv_bench_assert_au(&b, 2, SETS SC SPS SC "658833");
    fv_bench_finish(&b);
}

static void test_format_change(void **state)
{
    struct bench b;
    fv_bench_init(&b, 0);
    fv_bench_send_key(&b, 0);
    fv_bench_send_key(&b, 3600); /* the same sets: no event */
    assert_string_equal(b.log, "FKK");
    fv_bench_send(&b, 7200, false, SPS_LARGE);
    fv_bench_send(&b, 7200, false, PPS);
    assert_string_equal(b.log, "FKK"); /* in force with the picture, not before */
    fv_bench_send(&b, 7200, true, "658811");
    assert_string_equal(b.log, "FKKFK");
    assert_int_equal(b.serial, 8);
    assert_int_equal(b.format.width, 2560);
    assert_int_equal(b.aus[1].format, 7);
    assert_int_equal(b.aus[2].format, 8);
    assert_int_equal(fv_rtp_stats(b.rtp)->format, 8);
    fv_bench_assert_met(&b, FV_QUIRK_SETS_CHANGED, 1);
    fv_bench_send(&b, 10800, true, "658811"); /* the newest sets are put in front */
    fv_bench_assert_au(&b, 3, SC SPS_LARGE SC PPS SC "658811");
    fv_bench_finish(&b);
}

static void test_annexb_payloads(void **state)
{
    struct bench b;
    fv_bench_init(&b, 0);
    fv_bench_send(&b, 0, true,
                  SC SPS SC PPS "000001"
                                "658811");                 /* all in one packet */
    fv_bench_send(&b, 3600, true, SPS SC PPS SC "658822"); /* without the first start code */
    fv_bench_send(&b, 7200, true,
                  "000001"
                  "419a");
    fv_bench_send(&b, 10800, false,
                  "7c87"
                  "42c01ed903c56840000003004000000c03c58b92" SC PPS); /* the same in fragments */
    fv_bench_send(&b, 10800, true, "7c47" SC "658833");
    assert_string_equal(b.log, "FKKpK");
    fv_bench_assert_au(&b, 0, SETS SC "658811");
    fv_bench_assert_au(&b, 1, SETS SC "658822");
    fv_bench_assert_au(&b, 2, SC "419a");
    fv_bench_assert_au(&b, 3, SETS SC "658833");
    fv_bench_assert_met(&b, FV_QUIRK_ANNEXB, 4);
    fv_bench_finish(&b);
}

/* A picture behind start codes in a fragment of another kind, which has no end bit: its times are those of its own packet, not of the
 * next one, which shows that it is over. (Found by the fuzzer.) */
static void test_hidden_picture_times(void **state)
{
    struct bench b;
    fv_bench_init(&b, 0);
    fv_bench_send(&b, 0, false,
                  "7c87"
                  "42c01ed903c56840000003004000000c03c58b92" SC PPS SC "658833");
    b.now += 40 * FV_MS;
    fv_bench_send(&b, 3600, true, "419a22");
    assert_string_equal(b.log, "FKp");
    assert_int_equal(b.aus[0].rtp_time, 0);
    assert_int_equal(b.aus[0].first_packet, FV_S);
    assert_int_equal(b.aus[0].last_packet, FV_S);
    assert_int_equal(b.aus[0].delivered, FV_S + 40 * FV_MS);
    assert_int_equal(b.aus[1].rtp_time, 3600);
    fv_bench_finish(&b);
}

static void test_quirk_contents(void **state)
{
    struct bench b;
    fv_bench_init(&b, 0);
    fv_bench_send_key(&b, 0);
    fv_bench_send(&b, 3600, false,
                  "7c81"
                  "9a"); /* early end */
    fv_bench_send(&b, 3600, false,
                  "7c41"
                  "22");
    fv_bench_send(&b, 3600, true,
                  "7c41"
                  "33");
    fv_bench_assert_au(&b, 1, SC "619a2233");
    fv_bench_assert_met(&b, FV_QUIRK_FU_EARLY_END, 1);
    fv_bench_send(&b, 7200, false,
                  "7c81"
                  "9a"); /* repeated start: end bits are known by now */
    fv_bench_send(&b, 7200, false,
                  "7c81"
                  "22");
    fv_bench_send(&b, 7200, true,
                  "7cc1"
                  "33");
    fv_bench_assert_au(&b, 2, SC "619a2233");
    fv_bench_assert_met(&b, FV_QUIRK_FU_REPEATED_START, 2);
    fv_bench_assert_met(&b, FV_QUIRK_FU_WHOLE, 1);
    fv_bench_send(&b, 10800, true,
                  "7cc1"
                  "9a44");
    fv_bench_assert_au(&b, 3, SC "619a44");
    fv_bench_send(&b, 14400, true,
                  "78"
                  "0002"
                  "419a"
                  "00");
    fv_bench_assert_au(&b, 4, SC "419a");
    fv_bench_assert_met(&b, FV_QUIRK_AGGREGATE_TAIL, 1);
    assert_int_equal(fv_rtp_stats(b.rtp)->damaged, 0);
    fv_bench_finish(&b);
}

static void test_padding_lie(void **state)
{
    struct bench b;
    fv_bench_init(&b, 0);
    fv_bench_send_key(&b, 0);
    uint8_t packet[32];
    size_t size = fv_bench_unhex("a0e00067"
                                 "00000e10"
                                 "11223344"
                                 "419aff",
                                 packet);
    assert_int_equal(fv_rtp_input(b.rtp, packet, size, b.now), 0);
    fv_bench_assert_au(&b, 1, SC "419aff");
    fv_bench_assert_met(&b, FV_QUIRK_PADDING_LIE, 1);
    fv_bench_finish(&b);
}

/* H.265 */

#define VPS5 "40010c01ffff016000000300b0000003000003005aac0c00000300040000030032a8"
#define SPS5                                                                                       \
    "420101016000000300b0000003000003005aa0058201e1636b92452fcdc14181410000030001000003000ca1"
#define PPS5 "4401c0f2c68d03b340"

static void test_h265(void **state)
{
    struct bench b;
    fv_bench_start(&b);
    struct fv_rtp_params params = fv_bench_params(&b, FV_CODEC_H265, 0);
    fv_bench_open(&b, &params);
    fv_bench_send(&b, 0, false, VPS5);
    fv_bench_send(&b, 0, false, SPS5);
    fv_bench_send(&b, 0, false, PPS5);
    fv_bench_send(&b, 0, false,
                  "620193"
                  "af01"); /* FU of type 19 */
    fv_bench_send(&b, 0, false,
                  "620113"
                  "02");
    fv_bench_send(&b, 0, true,
                  "620153"
                  "03");
    fv_bench_send(&b, 3600, true,
                  "6001"
                  "0004"
                  "0201d011"
                  "0004"
                  "02015011"); /* AP of two slices */
    fv_bench_send(&b, 7200, true, "0201d0");
    fv_bench_send(&b, 10800, true, "2a01a0"); /* CRA */
    assert_string_equal(b.log, "FKppK");
    fv_bench_assert_au(&b, 0,
                       SC VPS5 SC SPS5 SC PPS5 SC "2601"
                                                  "af010203");
    fv_bench_assert_au(&b, 1, SC "0201d011" SC "02015011");
    fv_bench_assert_au(&b, 3, SC VPS5 SC SPS5 SC PPS5 SC "2a01a0");
    assert_int_equal(b.format.width, 704);
    fv_bench_assert_no_quirks(&b);
    fv_bench_send(&b, 14400, false,
                  "6401"
                  "00"); /* PACI */
    assert_int_equal(b.rc, -EBADMSG);
    fv_bench_send(&b, 14400, true, "0201d0");
    fv_bench_send(&b, 18000, true, "6201"); /* no FU header */
    assert_int_equal(b.rc, -EBADMSG);
    fv_bench_send(&b, 21600, true, "2601af");
    assert_string_equal(b.log, "FKppKK");
    assert_int_equal(fv_rtp_stats(b.rtp)->damaged, 2);
    assert_int_equal(fv_rtp_stats(b.rtp)->invalid, 2);
    fv_bench_finish(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contents),
        cmocka_unit_test(test_sets_from_sdp),
        cmocka_unit_test(test_format_change),
        cmocka_unit_test(test_annexb_payloads),
        cmocka_unit_test(test_hidden_picture_times),
        cmocka_unit_test(test_quirk_contents),
        cmocka_unit_test(test_padding_lie),
        cmocka_unit_test(test_h265),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

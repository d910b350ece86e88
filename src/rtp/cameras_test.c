// SPDX-License-Identifier: Apache-2.0
/* Faults of cameras by make and model, as those who met them report (docs/cameras.md). Parameter sets are the cameras' own, slices are not. */
#include "rtp/bench.h"

/* Key pictures never fit into one packet. */
static void send_key_picture(struct bench *b, uint32_t ts)
{
    fv_bench_send(b, ts, false, "7c858811");
    fv_bench_send(b, ts, true, "7c4522");
}

/* Reolink RLC-822A (IPC_523128M8MP), firmware v3.0.0.177_21012101: 640 x 360. */
#define REOLINK_SPS "67640033ac1514a0a02ff950"
#define REOLINK_PPS "68ee3cb0"

/* At its start a marker on the SPS, and both sets under another timestamp than their picture. */
static void test_reolink_start(void **state)
{
    struct bench b;
    fv_bench_init(&b, 0);
    fv_bench_send(&b, 0, true, REOLINK_SPS);
    fv_bench_send(&b, 0, false, REOLINK_PPS);
    send_key_picture(&b, 1);
    assert_string_equal(b.log, "FK");
    fv_bench_assert_au(&b, 0, SC REOLINK_SPS SC REOLINK_PPS SC "65881122");
    assert_int_equal(b.aus[0].rtp_time, 1);
    assert_int_equal(b.format.width, 640);
    assert_int_equal(b.format.height, 360);
    fv_bench_assert_met(&b, FV_QUIRK_SETS_APART, 1);
    assert_int_equal(fv_rtp_stats(b.rtp)->damaged + fv_rtp_stats(b.rtp)->skipped, 0);
    fv_bench_finish(&b);
}

/* Later the sets come under the timestamp of the picture before. */
static void test_reolink_later(void **state)
{
    struct bench b;
    fv_bench_init(&b, 0);
    fv_bench_send(&b, 0, false, REOLINK_SPS);
    fv_bench_send(&b, 0, false, REOLINK_PPS);
    fv_bench_send(&b, 0, true, "658811");
    fv_bench_send(&b, 3600, true, "419a22");
    fv_bench_send(&b, 3600, false, REOLINK_SPS);
    fv_bench_send(&b, 3600, false, REOLINK_PPS);
    fv_bench_send(&b, 7200, true, "658833");
    assert_string_equal(b.log, "FKpK");
    fv_bench_assert_au(&b, 1, SC "419a22");
    fv_bench_assert_au(&b, 2, SC REOLINK_SPS SC REOLINK_PPS SC "658833");
    assert_int_equal(b.aus[2].rtp_time, 7200);
    fv_bench_assert_met(&b, FV_QUIRK_SETS_APART, 1);
    fv_bench_assert_met(&b, FV_QUIRK_SETS_CHANGED, 0);
    assert_int_equal(fv_rtp_stats(b.rtp)->damaged, 0);
    fv_bench_finish(&b);
}

/* LV-IP22IR40DVBL and others that call themselves "H264DVR 1.0": markers on SPS, PPS and SEI (a message of type 229), all of one time. */
static void test_h264dvr(void **state)
{
    struct bench b;
    fv_bench_init(&b, 0);
    for (unsigned i = 0; i < 2; i++) {
        fv_bench_send(&b, i * 3600, true, SPS);
        fv_bench_send(&b, i * 3600, true, PPS);
        fv_bench_send(&b, i * 3600, true, "06e50211227f");
        send_key_picture(&b, i * 3600);
        assert_string_equal(b.log, i ? "FKK" : "FK"); /* at once, without the next packet */
    }
    fv_bench_assert_au(&b, 1, SETS SC "06e50211227f" SC "65881122");
    assert_int_equal(fv_rtp_stats(b.rtp)->damaged + fv_rtp_stats(b.rtp)->skipped, 0);
    fv_bench_finish(&b);
}

/* Longse CMSEKL800, firmware KL8_1ND_BVD0L1A0T0Q0_A00038268_V2.0.10.241016_R2: the reserved bit in each FU-A header. */
static void test_longse(void **state)
{
    struct bench b;
    fv_bench_init(&b, 0);
    fv_bench_send_key(&b, 0);
    fv_bench_send(&b, 3600, false, "7ca19a");
    fv_bench_send(&b, 3600, false, "7c2122");
    fv_bench_send(&b, 3600, true, "7c6133");
    fv_bench_assert_au(&b, 1, SC "619a2233");
    fv_bench_assert_no_quirks(&b);
    fv_bench_finish(&b);
}

/* GeoVision GV-EBD4701, firmware V1.02_2021_04_08: behind each key picture a packet of payload type 50, which nobody announced, with the
 * number of the picture's last one. Over UDP (window) it must not stand in for that. */
static void test_geovision(void **state)
{
    for (int udp = 0; udp < 2; udp++) {
        struct bench b;
        uint8_t stranger[16];
        fv_bench_init(&b, udp ? 60 * FV_MS : 0);
        fv_bench_send_key(&b, 0);
        fv_rtp_write_header(stranger, true, 50, (uint16_t)(b.seq - 1), 0, b.ssrc);
        assert_int_equal(fv_rtp_input(b.rtp, stranger, sizeof(stranger), b.now), -EBADMSG);
        fv_bench_send(&b, 3600, true, "419a22");
        assert_string_equal(b.log, "FKp");
        const struct fv_rtp_stats *stats = fv_rtp_stats(b.rtp);
        assert_int_equal(stats->invalid, 1);
        assert_int_equal(stats->lost + stats->duplicates + stats->reordered + stats->damaged, 0);
        fv_bench_finish(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reolink_start), cmocka_unit_test(test_reolink_later),
        cmocka_unit_test(test_h264dvr),       cmocka_unit_test(test_longse),
        cmocka_unit_test(test_geovision),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

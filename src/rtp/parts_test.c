// SPDX-License-Identifier: Apache-2.0
/* The receiver's parts on their own: sequence numbers, timeline, sender clock, RTCP, parameter sets, quirks. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "rtp/quirks.h"
#include "rtp/rtcp.h"
#include "rtp/sequence.h"
#include "rtp/sets.h"
#include "rtp/timeline.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define RATE 90000

static size_t unhex(const char *hex, uint8_t *out)
{
    size_t size = 0;
    for (; hex[0] && hex[1]; hex += 2) {
        const char digits[3] = {hex[0], hex[1], 0};
        out[size++] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return size;
}

/* A.1 */

static void test_sequence(void **state)
{
    static const struct {
        uint16_t seq;
        enum fv_arrival arrival;
        int64_t number;
    } steps[] = {
        {65534, FV_ARRIVAL_AHEAD, 65534},     {65535, FV_ARRIVAL_AHEAD, 65535},
        {1, FV_ARRIVAL_AHEAD, 65537}, /* 0 is missing */
        {0, FV_ARRIVAL_LATE, 65536},          {0, FV_ARRIVAL_DUPLICATE, 65536},
        {65534, FV_ARRIVAL_DUPLICATE, 65534}, {3001, FV_ARRIVAL_AHEAD, 68537},
        {2950, FV_ARRIVAL_LATE, 68486},       {2901, FV_ARRIVAL_LATE, 68437},
        {2900, FV_ARRIVAL_JUMP, 0},           {6002, FV_ARRIVAL_JUMP, 0},
        {6001, FV_ARRIVAL_AHEAD, 71537},
    };
    struct fv_sequence sequence = {.clock_rate = RATE};
    fv_sequence_start(&sequence, 65534);
    for (size_t i = 0; i < COUNT(steps); i++) {
        int64_t number = 0;
        print_message("step %zu\n", i);
        assert_int_equal(fv_sequence_update(&sequence, steps[i].seq, &number), steps[i].arrival);
        assert_int_equal(number, steps[i].number);
    }
    /* 65534..71537 are 6004 numbers; 10 packets came (duplicates count, A.3) */
    assert_int_equal(fv_sequence_lost(&sequence), 5994);
    fv_sequence_start(&sequence, 7);
    assert_int_equal(sequence.lost_before, 5994);
    assert_int_equal(fv_sequence_lost(&sequence), 0);
}

static void arrive(struct fv_sequence *sequence, unsigned from, unsigned to)
{
    for (unsigned seq = from; seq <= to; seq++) {
        int64_t number;
        fv_sequence_update(sequence, (uint16_t)seq, &number);
    }
}

static void test_fraction(void **state)
{
    struct fv_sequence sequence = {.clock_rate = RATE};
    fv_sequence_start(&sequence, 0);
    arrive(&sequence, 0, 9);
    assert_int_equal(fv_sequence_fraction(&sequence), 0);
    arrive(&sequence, 15, 19); /* 5 of 10 lost */
    assert_int_equal(fv_sequence_fraction(&sequence), 128);
    assert_int_equal(fv_sequence_fraction(&sequence), 0);
    arrive(&sequence, 10, 14); /* late ones: nothing expected, nothing lost */
    assert_int_equal(fv_sequence_fraction(&sequence), 0);
    assert_int_equal(fv_sequence_lost(&sequence), 0);
    arrive(&sequence, 1019, 1019); /* 999 of 1000 */
    assert_int_equal(fv_sequence_fraction(&sequence), 255);
}

/* A.8: J += (|D| - J) / 16, in 1/16 units with rounding. */
static void test_jitter(void **state)
{
    struct fv_sequence sequence = {.clock_rate = RATE};
    fv_sequence_start(&sequence, 0);
    fv_sequence_jitter(&sequence, 1000 * FV_S, 5000);
    assert_int_equal(sequence.jitter16, 0);
    fv_sequence_jitter(&sequence, 1000 * FV_S + 40 * FV_MS, 5000 + 3600);
    assert_int_equal(sequence.jitter16, 0);
    fv_sequence_jitter(&sequence, 1000 * FV_S + 90 * FV_MS,
                       5000 + 7200); /* 10 ms late: 900 units */
    assert_int_equal(sequence.jitter16, 900);
    fv_sequence_jitter(&sequence, 1000 * FV_S + 120 * FV_MS,
                       5000 + 10800); /* back in time: 900 again */
    assert_int_equal(sequence.jitter16, 900 + 900 - 56);
}

/* Timeline */

static void test_ticks(void **state)
{
    assert_int_equal(fv_ticks_to_ns(1, RATE), 11111);
    assert_int_equal(fv_ticks_to_ns(-1, RATE), -11112); /* rounded down */
    assert_int_equal(fv_ticks_to_ns(90000, RATE), FV_S);
    assert_int_equal(fv_ticks_to_ns(INT64_C(90000) * 86400 * 365, RATE), FV_S * 86400 * 365);
    assert_int_equal(fv_ticks_to_ns(3, 3), FV_S);
    assert_int_equal(fv_ticks_to_ns(2, 3), 666666666);
}

struct moment {
    uint32_t timestamp;
    int64_t arrival_ms;
    bool jump;
    uint32_t epoch;
    int64_t pts; /* ns */
};

static void run_timeline(const struct moment *moments, size_t count)
{
    struct fv_timeline timeline;
    fv_timeline_init(&timeline, RATE, 5);
    for (size_t i = 0; i < count; i++) {
        print_message("moment %zu\n", i);
        assert_int_equal(
            fv_timeline_advance(&timeline, moments[i].timestamp, moments[i].arrival_ms * FV_MS),
            moments[i].jump);
        assert_int_equal(fv_timeline_pts(&timeline), moments[i].pts);
        assert_int_equal(timeline.epoch, moments[i].epoch);
    }
}

static void test_timeline(void **state)
{
    static const struct moment wrap[] = {
        {0xfffff000, 0, false, 5, 0},
        {0xfffff000 + 3600, 40, false, 5, 40 * FV_MS},
        {0xfffff000 + 7200, 80, false, 5, 80 * FV_MS}, /* behind the wrap */
        {0xfffff000 + 3601, 81, false, 5,
         40 * FV_MS + 11111}, /* small steps back are pictures out of order */
        {0xfffff000 + 7200 + 900000, 10080, false, 5, 10080 * FV_MS},
    };
    run_timeline(wrap, COUNT(wrap));
    static const struct moment jumps[] = {
        {1000, 0, false, 5, 0},
        {1000 + 900000, 0, false, 5, 10 * FV_S}, /* 10 s at once: not more */
        {1000 + 900000 + 900001, 0, true, 6, 0},
        {1000 + 1800001 + 90000 * 30, 30000, false, 6, 30 * FV_S}, /* a pause that really passed */
        {1000 + 1800001 + 90000 * 28, 30001, false, 6, 28 * FV_S},
        {1000 + 1800001 + 90000 * 26 - 1, 30002, true, 7, 0},
        {0, 30003, true, 8, 0},
        {0x80000000, 30004, true, 9, 0},
    };
    run_timeline(jumps, COUNT(jumps));
}

static void test_timeline_restart(void **state)
{
    struct fv_timeline timeline;
    fv_timeline_init(&timeline, RATE, 0);
    fv_timeline_advance(&timeline, 1, 0);
    fv_timeline_restart(&timeline); /* nothing was given a time yet */
    assert_int_equal(timeline.epoch, 0);
    assert_false(fv_timeline_advance(&timeline, 0x12345678, 0));
    assert_int_equal(fv_timeline_pts(&timeline), 0);
    fv_timeline_restart(&timeline);
    assert_int_equal(timeline.epoch, 1);
}

/* Exact for ever: an odd rate for 2^33 ticks in steps of 1001. */
static void test_timeline_exact(void **state)
{
    struct fv_timeline timeline;
    fv_timeline_init(&timeline, 30000, 0);
    uint64_t ticks = 0;
    for (unsigned i = 0; i < 10000; i++, ticks += 1001 * 100) {
        fv_timeline_advance(&timeline, (uint32_t)ticks, (int64_t)(ticks / 30000) * FV_S);
        int64_t expected = (int64_t)(ticks / 3 * 100000 + ticks % 3 * 100000 / 3);
        assert_int_equal(fv_timeline_pts(&timeline), expected);
    }
}

/* Sender clock. 2026-01-01 00:00:00 UTC is 1767225600 s of 1970 and 3976214400 s of 1900. */

#define WALL (INT64_C(1767225600) * FV_S)
#define NTP (UINT64_C(3976214400) << 32)

static bool report(struct fv_sender_clock *clock, double ntp_s, double rtp_s, double now_s)
{
    struct fv_sender_report sr = {.ntp = NTP + (uint64_t)(ntp_s * 4294967296.0),
                                  .timestamp = (uint32_t)(int64_t)(rtp_s * RATE) + 0xfffff000};
    return fv_sender_clock_update(clock, &sr, (int64_t)(now_s * 1e9),
                                  WALL + (int64_t)(now_s * 1e9));
}

static void test_sender_clock(void **state)
{
    struct fv_sender_clock clock;
    fv_sender_clock_init(&clock, RATE);
    assert_int_equal(fv_sender_clock_wall(&clock, 0), FV_TIME_UNKNOWN);
    assert_true(report(&clock, 0, 0, 0));
    assert_int_equal(fv_sender_clock_wall(&clock, 0xfffff000),
                     FV_TIME_UNKNOWN); /* one proves nothing */
    assert_true(report(&clock, 1.5, 1.5, 1.5));
    assert_int_equal(fv_sender_clock_wall(&clock, 0xfffff000), FV_TIME_UNKNOWN); /* too soon */
    assert_true(report(&clock, 2, 2, 2));
    assert_int_equal(fv_sender_clock_wall(&clock, 0xfffff000), WALL);
    assert_int_equal(fv_sender_clock_wall(&clock, 0xfffff000 + 3 * RATE), WALL + 3 * FV_S);
    assert_true(isnan(fv_sender_clock_drift(&clock)));
    assert_true(report(&clock, 100.01, 100.01, 100)); /* 100 ppm fast */
    assert_true(fabs(fv_sender_clock_drift(&clock) - 100) < 0.1);
    assert_true(report(&clock, 1000.4, 1000.4, 1000));
    assert_true(fabs(fv_sender_clock_drift(&clock) - 400) < 0.1);
}

static void test_sender_clock_refuses(void **state)
{
    static const struct {
        const char *name;
        double ntp, rtp, now;
        bool accepted, sane;
    } cases[] = {
        {"good", 100, 100, 100, true, true},
        {"one second in our future", 101, 100, 100, false, false},
        {"camera's clock was set back", 90, 100, 100, false, false},
        {"half a percent fast", 100.5, 100.5, 100, false, false},
        {"RTP clock does not follow", 100, 98, 100, false, false},
        {"arrived 200 ms late", 100, 100, 100.2, true, true},
        {"RTP time of the last picture", 100, 99.95, 100, true, true},
        {"11 s in our future", 111, 100, 100, false, true}, /* passed over: what is known stays */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct fv_sender_clock clock;
        print_message("%s\n", cases[i].name);
        fv_sender_clock_init(&clock, RATE);
        report(&clock, 0, 0, 0);
        report(&clock, 5, 5, 5);
        assert_int_equal(report(&clock, cases[i].ntp, cases[i].rtp, cases[i].now),
                         cases[i].accepted);
        assert_int_equal(clock.sane, cases[i].sane);
        if (cases[i].sane)
            continue;
        assert_int_equal(fv_sender_clock_wall(&clock, 0), FV_TIME_UNKNOWN);
        report(&clock, cases[i].ntp + 3, cases[i].rtp + 3,
               cases[i].now + 3); /* proves itself anew */
        assert_true(clock.sane);
    }
    struct fv_sender_clock clock;
    fv_sender_clock_init(&clock, RATE);
    assert_false(fv_sender_clock_update(&clock, &(struct fv_sender_report){0, 5}, 0, WALL));
    assert_false(
        fv_sender_clock_update(&clock, &(struct fv_sender_report){UINT64_C(1) << 32, 5}, 0, WALL));
}

/* RTCP */

#define SR                                                                                         \
    "80c80006"                                                                                     \
    "11223344"                                                                                     \
    "ecffe28080000000"                                                                             \
    "00015f90"                                                                                     \
    "00000064"                                                                                     \
    "00010000"

static const struct {
    const char *name, *packet;
    int rc;
    bool report, bye;
} rtcp_cases[] = {
    {"empty", "", -EBADMSG, false, false},
    {"three bytes", "80c800", -EBADMSG, false, false},
    {"sender report", SR, 0, true, false},
    {"other source",
     "80c80006"
     "11223345"
     "ecffe28080000000"
     "00015f90"
     "00000064"
     "00010000",
     0, false, false},
    {"short sender report",
     "80c80001"
     "11223344",
     0, false, false},
    {"cut",
     "80c80006"
     "11223344"
     "ecffe280",
     -EBADMSG, false, false},
    {"version",
     "40c80001"
     "11223344",
     -EBADMSG, false, false},
    {"an RTP packet",
     "80600006"
     "11223344",
     -EBADMSG, false, false},
    {"report, SDES, BYE",
     SR "81ca0002"
        "11223344"
        "01026162"
        "81cb0001"
        "11223344",
     0, true, true},
    {"RR first",
     "80c90001"
     "11223344" SR,
     0, true, false},
    {"SDES alone",
     "81ca0002"
     "11223344"
     "01026162",
     0, false, false},
    {"BYE alone",
     "81cb0001"
     "11223344",
     0, false, true},
    {"BYE of the second of two",
     "82cb0002"
     "99999999"
     "11223344",
     0, false, true},
    {"BYE of others",
     "81cb0001"
     "99999999",
     0, false, false},
    {"BYE of nobody", "80cb0000", 0, false, true},
    {"BYE that names more than it holds",
     "9fcb0001"
     "99999999",
     0, false, false},
    {"APP, feedback",
     "80cc0002"
     "11223344"
     "61626364"
     "81ce0002"
     "11223344"
     "99999999" SR,
     0, true, false},
    {"rubbish behind a report", SR "ffffffff", 0, true, false},
    {"half a packet behind a report",
     SR "81cb0001"
        "1122",
     0, true, false},
};

static void test_rtcp_parse(void **state)
{
    for (size_t i = 0; i < COUNT(rtcp_cases); i++) {
        uint8_t data[128];
        size_t size = unhex(rtcp_cases[i].packet, data);
        struct fv_rtcp_info info = {0};
        print_message("%s\n", rtcp_cases[i].name);
        assert_int_equal(fv_rtcp_parse(data, size, 0x11223344, &info), rtcp_cases[i].rc);
        assert_int_equal(info.has_report, rtcp_cases[i].report);
        assert_int_equal(info.bye, rtcp_cases[i].bye);
        if (info.has_report) {
            assert_true(info.report.ntp == UINT64_C(0xecffe28080000000));
            assert_int_equal(info.report.timestamp, 90000);
        }
    }
}

static void test_rtcp_write(void **state)
{
    struct fv_rtcp_report values = {.own_ssrc = 0x0a0b0c0d,
                                    .ssrc = 0x11223344,
                                    .fraction = 64,
                                    .lost = 258,
                                    .highest = 0x00021234,
                                    .jitter = 90,
                                    .last_report = 0xe2808000,
                                    .delay = 0x18000};
    uint8_t out[FV_RTCP_REPORT_MAX], expected[FV_RTCP_REPORT_MAX];
    size_t size = fv_rtcp_write(&values, "abc", out);
    assert_int_equal(size, unhex("81c90007"
                                 "0a0b0c0d"
                                 "11223344"
                                 "40000102"
                                 "00021234"
                                 "0000005a"
                                 "e2808000"
                                 "00018000"
                                 "81ca0003"
                                 "0a0b0c0d"
                                 "01036162"
                                 "63000000",
                                 expected));
    assert_memory_equal(out, expected, size);
    values.lost = -1;
    fv_rtcp_write(&values, "", out);
    assert_int_equal(out[13] << 16 | out[14] << 8 | out[15], 0xffffff);
    values.lost = INT64_C(1) << 40;
    fv_rtcp_write(&values, "", out);
    assert_int_equal(out[13] << 16 | out[14] << 8 | out[15], 0x7fffff);
    char name[300];
    memset(name, 'x', sizeof(name));
    name[299] = 0;
    assert_true(fv_rtcp_write(&values, name, out) <= FV_RTCP_REPORT_MAX);
}

/* Parameter sets */

#define SPS_BUNNY "6742c01ed903c56840000003004000000c03c58b92"
#define SPS_IPCAM "274d00208d6a050079a10000030001000003002884"

static int add(struct fv_sets *sets, enum fv_nal_kind kind, const char *hex)
{
    uint8_t nal[4200] = {0};
    return fv_sets_add(sets, kind, nal, unhex(hex, nal));
}

static void assert_bytes(const struct fv_sets *sets, const char *hex)
{
    uint8_t expected[256];
    assert_int_equal(sets->size, unhex(hex, expected));
    assert_memory_equal(sets->bytes, expected, sets->size);
}

static void test_sets(void **state)
{
    struct fv_sets sets;
    fv_sets_init(&sets, fv_codec_ops(FV_CODEC_H264));
    assert_int_equal(add(&sets, FV_NAL_PPS, "68ce3c80"), 1);
    assert_false(fv_sets_complete(&sets));
    assert_int_equal(add(&sets, FV_NAL_SPS, SPS_BUNNY), 1);
    assert_true(fv_sets_complete(&sets));
    assert_int_equal(sets.format.width, 240);
    assert_bytes(&sets, "00000001" SPS_BUNNY "0000000168ce3c80");
    assert_int_equal(add(&sets, FV_NAL_SPS, SPS_BUNNY), 0);
    assert_int_equal(add(&sets, FV_NAL_SPS, SPS_BUNNY "00000000"), 0);
    assert_int_equal(sets.changes, 1);
    assert_int_equal(add(&sets, FV_NAL_PPS, "684e3c80"), 1); /* id 1: another one */
    assert_int_equal(add(&sets, FV_NAL_SPS, SPS_IPCAM), 1);
    assert_bytes(&sets, "00000001" SPS_IPCAM "0000000168ce3c80"
                        "00000001684e3c80");
    assert_int_equal(sets.format.width, 1280);
    assert_int_equal(sets.changes, 2);
    assert_int_equal(add(&sets, FV_NAL_PPS, "68ce3c8080"), 1); /* longer */
    assert_bytes(&sets, "00000001" SPS_IPCAM "0000000168ce3c8080"
                        "00000001684e3c80");
    assert_int_equal(add(&sets, FV_NAL_PPS, "68"), -EBADMSG);
    assert_int_equal(add(&sets, FV_NAL_PPS, ""), -EBADMSG);
    assert_int_equal(add(&sets, FV_NAL_SPS, "6742c01e80"), -EBADMSG);
    assert_bytes(&sets, "00000001" SPS_IPCAM "0000000168ce3c8080"
                        "00000001684e3c80");
}

static void test_sets_bounds(void **state)
{
    struct fv_sets sets;
    uint8_t large[FV_SETS_BYTES] = {0x68, 0x80};
    fv_sets_init(&sets, fv_codec_ops(FV_CODEC_H264));
    large[FV_SETS_BYTES - 4] = large[FV_SETS_BYTES - 5] = 1;
    assert_int_equal(fv_sets_add(&sets, FV_NAL_PPS, large, FV_SETS_BYTES - 3), -ENOBUFS);
    assert_int_equal(fv_sets_add(&sets, FV_NAL_PPS, large, FV_SETS_BYTES - 4), 1);
    assert_int_equal(add(&sets, FV_NAL_SPS, SPS_BUNNY), -ENOBUFS);
    fv_sets_init(&sets, fv_codec_ops(FV_CODEC_H264));
    for (unsigned id = 0; id < 30;
         id++) { /* 9.1: ids 31..60 take eleven bits: 00000, then 32 + n */
        uint8_t pps[4] = {0x68, (uint8_t)((32 + id) >> 3), (uint8_t)((32 + id) << 5), 0x80};
        assert_int_equal(fv_sets_add(&sets, FV_NAL_PPS, pps, 4), id < FV_SETS_MAX ? 1 : -ENOBUFS);
    }
}

static void test_sets_stream(void **state)
{
    uint8_t stream[256];
    struct fv_sets sets;
    size_t size = unhex(
        "00000001"
        "40010c01ffff016000000300b0000003000003005aac0c00000300040000030032a8"
        "00000001"
        "420101016000000300b0000003000003005aa0058201e1636b92452fcdc14181410000030001000003000ca1"
        "00000001"
        "4401c0f2c68d03b340"
        "00000001"
        "2601af",
        stream);
    fv_sets_init(&sets, fv_codec_ops(FV_CODEC_H265));
    fv_sets_add_stream(&sets, stream, size);
    assert_true(fv_sets_complete(&sets));
    assert_int_equal(sets.size, size - 7); /* all but the slice */
    assert_memory_equal(sets.bytes, stream, size - 7);
    assert_int_equal(sets.format.width, 704);
}

static void test_quirks(void **state)
{
    struct fv_quirks quirks = {0};
    for (unsigned i = 0; i < FV_QUIRK_COUNT; i++) {
        assert_non_null(fv_quirk_info((enum fv_quirk)i)->name);
        assert_non_null(fv_quirk_info((enum fv_quirk)i)->policy);
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(fv_quirk_info((enum fv_quirk)i)->name,
                                    fv_quirk_info((enum fv_quirk)j)->name);
    }
    quirks.met[FV_QUIRK_ANNEXB] = UINT32_MAX - 1;
    fv_quirk_meet(&quirks, FV_QUIRK_ANNEXB);
    fv_quirk_meet(&quirks, FV_QUIRK_ANNEXB);
    assert_int_equal(quirks.met[FV_QUIRK_ANNEXB], UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sequence),
        cmocka_unit_test(test_fraction),
        cmocka_unit_test(test_jitter),
        cmocka_unit_test(test_ticks),
        cmocka_unit_test(test_timeline),
        cmocka_unit_test(test_timeline_restart),
        cmocka_unit_test(test_timeline_exact),
        cmocka_unit_test(test_sender_clock),
        cmocka_unit_test(test_sender_clock_refuses),
        cmocka_unit_test(test_rtcp_parse),
        cmocka_unit_test(test_rtcp_write),
        cmocka_unit_test(test_sets),
        cmocka_unit_test(test_sets_bounds),
        cmocka_unit_test(test_sets_stream),
        cmocka_unit_test(test_quirks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

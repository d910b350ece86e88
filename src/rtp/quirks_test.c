// SPDX-License-Identifier: Apache-2.0
/* Cameras' faults one at a time, as probe counts them: the fault that is met, how often, and no other. (What they do to pictures among
 * losses: loss_test.c; the other faults: receiver_test.c.) */
#include "rtp/bench.h"

#include <stdio.h>

struct packet {
    unsigned ts; /* pictures of 3600 ticks */
    bool marker;
    const char *payload;
};

static const struct fault {
    enum fv_quirk quirk;
    uint32_t met;
    const char *log;     /* behind the key picture's "FK" */
    const char *picture; /* the first behind the key picture */
    struct packet packets[6];
} faults[] = {
    {FV_QUIRK_UNKNOWN_UNIT,
     2,
     "p",
     SC "419a22",
     {{1, false, "1e0102"}, {1, true, "419a22"}, {2, false, "1f03"}}},
    {FV_QUIRK_EMPTY_UNIT,
     2,
     "pp",
     SC "419a22",
     {{1, false, ""}, {1, true, "419a22"}, {2, true, "7800000003419b33"}}},
    {FV_QUIRK_FU_MISSING_START,
     2,
     "pp",
     SC "619a2233",
     {{1, false, "7c019a"},
      {1, false, "7c0122"},
      {1, true, "7c4133"},
      {2, false, "7c019b"},
      {2, true, "7c4144"}}},
    {FV_QUIRK_MARKER_MISSING,
     2,
     "pp",
     SC "419a22",
     {{1, false, "419a22"}, {2, false, "419b33"}, {3, false, "419c44"}}},
    {FV_QUIRK_SETS_APART,
     1,
     "pK",
     SC "419a22",
     {{1, true, "419a22"}, {2, false, SPS}, {2, false, PPS}, {3, true, "658811"}}},
};

static void test_faults(void **state)
{
    for (size_t i = 0; i < COUNT(faults); i++) {
        struct bench b;
        char log[16];
        fv_bench_init(&b, 0);
        fv_bench_send_key(&b, 0);
        for (const struct packet *p = faults[i].packets; p < faults[i].packets + 6 && p->payload;
             p++)
            fv_bench_send(&b, p->ts * 3600, p->marker, p->payload);
        print_message("%s\n", fv_quirk_info(faults[i].quirk)->name);
        snprintf(log, sizeof(log), "FK%s", faults[i].log);
        assert_string_equal(b.log, log);
        fv_bench_assert_au(&b, 1, faults[i].picture);
        for (unsigned q = 0; q < FV_QUIRK_COUNT; q++)
            fv_bench_assert_met(&b, (enum fv_quirk)q, q == faults[i].quirk ? faults[i].met : 0);
        assert_int_equal(fv_rtp_stats(b.rtp)->damaged, 0);
        fv_bench_finish(&b);
    }
}

/* No end bit anywhere: the next timestamp ends the unit. */
static void test_missing_end(void **state)
{
    struct bench b;
    fv_bench_init(&b, 0);
    fv_bench_send_key(&b, 0);
    fv_bench_send(&b, 3600, false, "7c819a");
    fv_bench_send(&b, 3600, false, "7c0122");
    fv_bench_send(&b, 7200, false, "7c819b");
    fv_bench_send(&b, 7200, false, "7c0133");
    fv_bench_send(&b, 10800, true, "419a");
    assert_string_equal(b.log, "FKppp");
    fv_bench_assert_au(&b, 1, SC "619a22");
    fv_bench_assert_au(&b, 2, SC "619b33");
    fv_bench_assert_met(&b, FV_QUIRK_FU_MISSING_END, 2);
    fv_bench_finish(&b);
}

/* A marker on each slice: the first fault costs a picture, then markers end nothing any more. */
static void test_false_marker(void **state)
{
    struct bench b;
    fv_bench_init(&b, 0);
    fv_bench_send_key(&b, 0);
    fv_bench_send(&b, 3600, true, "419a22");
    fv_bench_send(&b, 3600, true, "412133");
    fv_bench_assert_met(&b, FV_QUIRK_MARKER_FALSE, 1);
    fv_bench_send(&b, 7200, true, "658811");
    fv_bench_send(&b, 7200, true, "652233");
    fv_bench_send(&b, 10800, true, "419a");
    assert_string_equal(b.log, "FKpK");
    fv_bench_assert_au(&b, 2, SETS SC "658811" SC "652233");
    fv_bench_finish(&b);
}

/* The camera's clock stands in the year 2036, ours in 2026. */
static void test_sender_report(void **state)
{
    struct bench b;
    uint8_t sr[28] = {0x80, 200, 0, 6};
    fv_bench_init(&b, 0);
    fv_bench_send_key(&b, 0);
    fv_put32(sr + 4, b.ssrc);
    fv_put32(sr + 8, 4291747200u);                   /* 2036-01-01 */
    const int64_t wall = INT64_C(1767225600) * FV_S; /* 2026-01-01 */
    assert_int_equal(fv_rtp_input_rtcp(b.rtp, sr, sizeof(sr), b.now, wall), 0);
    fv_bench_assert_met(&b, FV_QUIRK_SENDER_REPORT, 1);
    fv_bench_send(&b, 3600, true, "419a");
    assert_int_equal(b.aus[1].wall, FV_TIME_UNKNOWN);
    fv_bench_finish(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_missing_end),
        cmocka_unit_test(test_false_marker),
        cmocka_unit_test(test_sender_report),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

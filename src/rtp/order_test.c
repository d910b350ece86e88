// SPDX-License-Identifier: Apache-2.0
/* The reorder window, restarts, epochs and RTCP on a virtual clock. */
#include "rtp/bench.h"

/* Order and time */

static void test_reorder_deadline(void **state)
{
    struct bench b;
    fv_bench_init(&b, 60 * FV_MS);
    fv_bench_send_key(&b, 0); /* 100..102 */
    assert_int_equal(fv_rtp_deadline(b.rtp), FV_TIME_NEVER);
    b.now = 2 * FV_S;
    fv_bench_send_at(&b, 105, 10800, true, "658822"); /* 103, 104 are missing */
    assert_int_equal(fv_rtp_deadline(b.rtp), 2 * FV_S + 60 * FV_MS);
    b.now += 20 * FV_MS;
    fv_bench_send_at(&b, 104, 7200, true, "419a");
    assert_int_equal(fv_rtp_deadline(b.rtp), 2 * FV_S + 60 * FV_MS);
    fv_rtp_tick(b.rtp, 2 * FV_S + 60 * FV_MS - 1);
    assert_string_equal(b.log, "FK");
    fv_rtp_tick(b.rtp, 2 * FV_S + 60 * FV_MS);
    assert_string_equal(b.log, "FKK"); /* 104 lacks its reference, 105 is a key picture */
    assert_int_equal(b.aus[1].last_packet, 2 * FV_S);
    assert_int_equal(b.aus[1].delivered, 2 * FV_S + 60 * FV_MS);
    assert_int_equal(fv_rtp_deadline(b.rtp), FV_TIME_NEVER);
    assert_int_equal(fv_rtp_stats(b.rtp)->lost, 1);
    fv_bench_send_at(&b, 103, 3600, true, "419a"); /* too late */
    assert_string_equal(b.log, "FKK");
    assert_int_equal(fv_rtp_stats(b.rtp)->lost, 0); /* A.3: it arrived */
    assert_int_equal(fv_rtp_stats(b.rtp)->reordered, 2);
    assert_int_equal(fv_rtp_stats(b.rtp)->skipped, 1);
    b.now = 3 * FV_S;
    fv_bench_send_at(&b, 108, 21600, true, "419a"); /* two gaps, one deadline each */
    b.now += 10 * FV_MS;
    fv_bench_send_at(&b, 110, 28800, true, "658833");
    fv_rtp_tick(b.rtp, 3 * FV_S + 60 * FV_MS);
    assert_int_equal(fv_rtp_deadline(b.rtp), 3 * FV_S + 70 * FV_MS);
    fv_bench_send_at(&b, 109, 25200, true, "419a"); /* in time for the second */
    assert_string_equal(b.log, "FKKK");
    fv_bench_finish(&b);
}

/* A picture's first and last packet are the first and last to arrive, in whatever order they belong. (Found by the fuzzer.) */
static void test_reorder_times(void **state)
{
    struct bench b;
    fv_bench_init(&b, 60 * FV_MS);
    fv_bench_send_key(&b, 0); /* 100..102 */
    b.now = 2 * FV_S;
    fv_bench_send_at(&b, 104, 3600, false, "4144");
    b.now += 10 * FV_MS;
    fv_bench_send_at(&b, 105, 3600, true, "4146");
    b.now += 20 * FV_MS;
    fv_bench_send_at(&b, 103, 3600, false, "419a"); /* the first slice comes last */
    assert_string_equal(b.log, "FKp");
    fv_bench_assert_au(&b, 1, SC "419a" SC "4144" SC "4146");
    assert_int_equal(b.aus[1].first_packet, 2 * FV_S);
    assert_int_equal(b.aus[1].last_packet, 2 * FV_S + 30 * FV_MS);
    assert_int_equal(b.aus[1].delivered, 2 * FV_S + 30 * FV_MS);
    fv_bench_finish(&b);
}

/* A deadline that passed counts at the next packet, even if nobody ticks. */
static void test_reorder_late_owner(void **state)
{
    struct bench b;
    fv_bench_init(&b, 60 * FV_MS);
    fv_bench_send_key(&b, 0);
    fv_bench_send_at(&b, 104, 7200, true, "658822");
    b.now += 61 * FV_MS;
    fv_bench_send_at(&b, 105, 10800, true, "419a");
    assert_string_equal(b.log, "FKKp");
    fv_bench_finish(&b);
}

/* More packets than the window holds: the gap is given up early, nothing else is lost. */
static void test_reorder_full(void **state)
{
    struct bench b;
    fv_bench_init(&b, FV_S);
    fv_bench_send_key(&b, 0);
    for (unsigned i = 0; i < 255; i++)
        fv_bench_send_at(&b, (uint16_t)(104 + i), 3600 * (2 + i), true, i ? "419a" : "658822");
    assert_string_equal(b.log, "FK");
    fv_bench_send_at(&b, 104 + 255, 3600 * 300, true, "419a");
    assert_int_equal(b.count, 1 + 256);
    assert_int_equal(fv_rtp_stats(b.rtp)->lost, 1);
    fv_bench_send_at(&b, 2000, 3600 * 301, true, "658833"); /* farther than the window: at once */
    assert_int_equal(b.count, 1 + 256 + 1);
    fv_bench_finish(&b);
}

/* Every order of five packets within the window gives the same pictures. */
static void test_reorder_permutations(void **state)
{
    static const char *const payloads[] = {"7c81"
                                           "9a",
                                           "7c41"
                                           "22",
                                           "419a", "658811", "419a"};
    static const unsigned times[] = {1, 1, 2, 3, 4};
    for (unsigned code = 0; code < 120; code++) {
        struct bench b;
        fv_bench_init(&b, 60 * FV_MS);
        fv_bench_send_key(&b, 0);
        unsigned left[] = {0, 1, 2, 3, 4}, rest = code;
        for (unsigned n = 5; n > 0; n--) {
            unsigned pick = rest % n, i = left[pick];
            rest /= n;
            memmove(left + pick, left + pick + 1, (n - pick - 1) * sizeof(left[0]));
            fv_bench_send_at(&b, (uint16_t)(103 + i), 3600 * times[i], i != 0, payloads[i]);
        }
        assert_string_equal(b.log, "FKppKp");
        fv_bench_assert_au(&b, 1, SC "619a22");
        assert_int_equal(fv_rtp_stats(b.rtp)->lost, 0);
        fv_bench_finish(&b);
    }
}

/* Far ahead, and as much time passed as the missing packets need: lost, not restarted. */
static void test_outage(void **state)
{
    static const int64_t windows[] = {0, 60 * FV_MS};
    for (size_t i = 0; i < COUNT(windows); i++) {
        struct bench b;
        fv_bench_init(&b, windows[i]);
        fv_bench_send_key(&b, 0); /* 100..102 */
        fv_bench_send(&b, 3600, true, "419a");
        b.now += 10 * FV_S;
        b.seq += 3100;
        fv_bench_send(&b, 3600 + 900000, true, "419a"); /* lacks its reference */
        assert_int_equal(b.rc, 0);
        assert_true(fv_rtp_stats(b.rtp)->waiting_key);
        fv_bench_send(&b, 7200 + 900000, true, "658811");
        assert_string_equal(b.log, "FKpK");
        assert_int_equal(fv_rtp_stats(b.rtp)->lost, 3100);
        assert_int_equal(fv_rtp_stats(b.rtp)->invalid, 0);
        assert_int_equal(b.aus[2].epoch, 3);
        assert_int_equal(b.aus[2].pts, 10080 * FV_MS);
        b.now += 10 * FV_S;
        b.seq += 3100; /* but 30 s ahead by its own clock */
        fv_bench_send_key(&b, 7200 + 900000 + 2700000);
        assert_string_equal(b.log, "FKpKK");
        assert_int_equal(b.aus[3].epoch, 4);
        assert_int_equal(fv_rtp_stats(b.rtp)->lost, 3100);
        fv_bench_finish(&b);
    }
}

static void test_restart_tcp(void **state)
{
    struct bench b;
    fv_bench_init(&b, 0);
    fv_bench_send_key(&b, 0);
    fv_bench_send(&b, 3600, false, "419a"); /* unfinished */
    b.ssrc = 0x55667788;
    b.seq = 40000;
    fv_bench_send(&b, 0x70000000, true, "419a"); /* no key picture of the new source yet */
    fv_bench_send_key(&b, 0x70000000 + 3600);
    assert_string_equal(b.log, "FKK");
    assert_int_equal(b.aus[1].epoch, 4);
    assert_int_equal(b.aus[1].pts, 0);
    b.seq = 50000; /* the same source far away */
    fv_bench_send_key(&b, 0x70000000 + 7200);
    assert_string_equal(b.log, "FKKK");
    assert_int_equal(b.aus[2].epoch, 5);
    b.seq = 49990; /* and a little back: the second packet proves it */
    fv_bench_send(&b, 0, false, SPS);
    fv_bench_send_key(&b, 0);
    assert_string_equal(b.log, "FKKKK");
    assert_int_equal(b.aus[3].epoch, 6);
    assert_int_equal(fv_rtp_stats(b.rtp)->epoch, 6);
    assert_int_equal(fv_rtp_stats(b.rtp)->invalid, 0);
    fv_bench_finish(&b);
}

/* Over TCP, too, one packet proves nothing, be it of another source or with a far number. */
static void test_stray_tcp(void **state)
{
    struct bench b;
    fv_bench_init(&b, 0);
    fv_bench_send_key(&b, 0); /* 100..102 */
    fv_bench_send(&b, 3600, false, "419a");
    b.ssrc = 0x55667788;
    fv_bench_send_at(&b, 9, 0, true, "658899");
    assert_int_equal(b.rc, -EBADMSG);
    b.ssrc = SSRC;
    fv_bench_send(&b, 3600, true, "4120"); /* the other slice of the picture */
    assert_string_equal(b.log, "FKp");
    b.ssrc = 0x55667788; /* one after the other, never two in a row */
    fv_bench_send_at(&b, 10, 0, true, "658899");
    b.ssrc = SSRC;
    fv_bench_send(&b, 7200, true, "419a");
    b.ssrc = 0x55667788;
    fv_bench_send_at(&b, 11, 0, true, "658899");
    b.ssrc = SSRC;
    fv_bench_send_at(&b, 30000, 10800, true, "419a"); /* 30000 packets in 40 ms */
    fv_bench_send(&b, 10800, true, "419a");
    assert_string_equal(b.log, "FKppp");
    assert_int_equal(b.aus[3].epoch, 3);
    assert_int_equal(fv_rtp_stats(b.rtp)->invalid, 4);
    assert_int_equal(fv_rtp_stats(b.rtp)->lost, 0);
    fv_bench_finish(&b);
}

/* Back by a little more than what counts as late: the first of the two is kept, too. */
static void test_restart_behind_tcp(void **state)
{
    struct bench b;
    fv_bench_init(&b, 0);
    fv_bench_send_key(&b, 0); /* 100..102 */
    fv_bench_send_at(&b, 1, 0x70000000, true,
                     "78"
                     "0015" SPS "0004" PPS "0003"
                     "658822");                               /* -101 */
    fv_bench_send_at(&b, 2, 0x70000000 + 3600, true, "419a"); /* -100 */
    assert_string_equal(b.log, "FKKp");
    assert_int_equal(b.aus[1].epoch, 4);
    assert_int_equal(fv_rtp_stats(b.rtp)->invalid, 0);
    b.ssrc = 0x55667788; /* a stray does not prove a restart of this source */
    fv_bench_send_at(&b, 0, 0, true, "658899");
    b.ssrc = SSRC;
    fv_bench_send_at(&b, 1, 0x70000000, true, "658822");
    fv_bench_send_at(&b, 3, 0x70000000 + 7200, true, "419a");
    assert_string_equal(b.log, "FKKpp");
    assert_int_equal(b.aus[3].epoch, 4);
    fv_bench_finish(&b);
}

static void test_restart_udp(void **state)
{
    struct bench b;
    fv_bench_init(&b, 60 * FV_MS);
    fv_bench_send_key(&b, 0);
    b.ssrc = 0x55667788; /* one stray packet is refused */
    fv_bench_send_at(&b, 9, 0, true, "658899");
    assert_int_equal(b.rc, -EBADMSG);
    b.ssrc = SSRC;
    fv_bench_send(&b, 3600, true, "419a");
    assert_string_equal(b.log, "FKp");
    assert_int_equal(fv_rtp_stats(b.rtp)->invalid, 1);
    b.ssrc = 0x55667788; /* two in sequence are believed, and none of them is lost */
    fv_bench_send_at(&b, 65535, 0x1000, true, "658822");
    fv_bench_send_at(&b, 0, 0x1000 + 3600, true, "419a");
    assert_string_equal(b.log, "FKpKp");
    assert_int_equal(b.aus[2].epoch, 4);
    assert_int_equal(b.aus[3].pts, 40 * FV_MS);
    assert_int_equal(fv_rtp_stats(b.rtp)->invalid, 1);
    assert_int_equal(fv_rtp_stats(b.rtp)->lost, 0);
    fv_bench_send_at(&b, 30000, 0x1000 + 7200, true, "658833"); /* a jump */
    fv_bench_send_at(&b, 30001, 0x1000 + 10800, true, "419a");
    assert_string_equal(b.log, "FKpKpKp");
    assert_int_equal(b.aus[4].epoch, 5);
    fv_bench_finish(&b);
}

static void test_refused(void **state)
{
    struct bench b;
    fv_bench_init(&b, 0);
    uint8_t packet[32];
    const char *const bad[] = {"", "80",
                               "00e00067"
                               "00000e10"
                               "11223344"
                               "419a",
                               "80e10067"
                               "00000e10"
                               "11223344"
                               "419a"};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(fv_rtp_input(b.rtp, packet, fv_bench_unhex(bad[i], packet), b.now),
                         -EBADMSG);
    assert_int_equal(fv_rtp_stats(b.rtp)->invalid, 4);
    assert_int_equal(fv_rtp_stats(b.rtp)->packets, 0);
    assert_int_equal(fv_rtp_stats(b.rtp)->last_packet, FV_TIME_UNKNOWN);
    fv_bench_send_key(&b, 0);
    assert_string_equal(b.log, "FK");
    fv_bench_finish(&b);
}

static void test_epochs(void **state)
{
    struct bench b;
    fv_bench_init(&b, 0);
    fv_bench_send_key(&b, 0x10000000);
    fv_bench_send(&b, 0x10000000 + 900001, true,
                  "419a"); /* more than 10 s at once: the chain of pictures holds */
    assert_string_equal(b.log, "FKp");
    assert_int_equal(b.aus[1].epoch, 4);
    assert_int_equal(b.aus[1].pts, 0);
    fv_bench_send(&b, 0x10000000 + 900001 - 7200, true, "419a"); /* out of display order */
    assert_int_equal(b.aus[2].epoch, 4);
    assert_int_equal(b.aus[2].pts, -80 * FV_MS);
    fv_bench_send(&b, 0, true, "419a"); /* reset to 0 */
    assert_int_equal(b.aus[3].epoch, 5);
    assert_int_equal(b.aus[3].pts, 0);
    fv_bench_finish(&b);
}

static void test_await_key(void **state)
{
    struct bench b;
    fv_bench_init(&b, 0);
    fv_bench_send_key(&b, 0);
    b.await_key = true; /* inside the callback */
    fv_bench_send(&b, 3600, true, "419a");
    fv_bench_send(&b, 7200, true, "419a");
    fv_bench_send(&b, 10800, true, "658811");
    fv_rtp_await_key(b.rtp); /* outside */
    assert_true(fv_rtp_stats(b.rtp)->waiting_key);
    fv_bench_send(&b, 14400, true, "419a");
    fv_bench_send(&b, 18000, true, "658811");
    assert_string_equal(b.log, "FKpKK");
    assert_int_equal(fv_rtp_stats(b.rtp)->skipped, 2);
    fv_bench_finish(&b);
}

/* RTCP */

static void send_report(struct bench *b, uint64_t ntp, uint32_t ts, int64_t wall)
{
    uint8_t sr[28] = {0x80, 200, 0, 6};
    fv_put32(sr + 4, b->ssrc);
    fv_put32(sr + 8, (uint32_t)(ntp >> 32));
    fv_put32(sr + 12, (uint32_t)ntp);
    fv_put32(sr + 16, ts);
    assert_int_equal(fv_rtp_input_rtcp(b->rtp, sr, sizeof(sr), b->now, wall), 0);
}

static void test_wall(void **state)
{
    const int64_t wall = INT64_C(1767225600) * FV_S; /* 2026-01-01 */
    const uint64_t ntp = UINT64_C(3976214400) << 32;
    struct bench b;
    fv_bench_init(&b, 0);
    fv_bench_send_key(&b, 0);
    send_report(&b, ntp, 0, wall);
    b.now += 5 * FV_S;
    send_report(&b, ntp + (UINT64_C(5) << 32), 450000, wall + 5 * FV_S);
    fv_bench_send(&b, 450000 + 900, true, "419a");
    assert_int_equal(b.aus[0].wall, FV_TIME_UNKNOWN);
    assert_int_equal(b.aus[1].wall, wall + 5010 * FV_MS);
    b.now += 5 * FV_S;
    send_report(&b, ntp + (UINT64_C(10) << 32), 900000, wall + 10 * FV_S);
    assert_true(fabs(fv_rtp_stats(b.rtp)->drift_ppm) < 0.01);
    fv_bench_send(&b, 0x40000000, true,
                  "419a"); /* another epoch: the old reports say nothing about it */
    assert_int_equal(b.aus[2].wall, FV_TIME_UNKNOWN);
    assert_true(isnan(fv_rtp_stats(b.rtp)->drift_ppm));
    fv_bench_finish(&b);
}

static void test_report(void **state)
{
    struct bench b;
    uint8_t out[256];
    fv_bench_init(&b, 0);
    assert_int_equal(fv_rtp_report(b.rtp, b.now, out), 0);
    fv_bench_send_key(&b, 0); /* 100..102 */
    b.seq = 104;
    fv_bench_send(&b, 3600, true, "419a"); /* 1 of 5 lost */
    size_t size = fv_rtp_report(b.rtp, b.now, out);
    assert_true(size >= 32 + 16 && size <= 256 && size % 4 == 0);
    assert_int_equal(out[1], 201);
    assert_int_equal(fv_get32(out + 8), SSRC);
    assert_int_equal(fv_get32(out + 12), 51u << 24 | 1); /* 256 / 5 */
    assert_int_equal(fv_get32(out + 16), 104);
    assert_int_equal(fv_get32(out + 24), 0);
    assert_int_equal(fv_get32(out + 28), 0);
    assert_int_equal(out[33], 202);
    send_report(&b, UINT64_C(0xecffe28080001234), 0, FV_TIME_UNKNOWN);
    fv_rtp_report(b.rtp, b.now + 1500 * FV_MS, out);
    assert_int_equal(fv_get32(out + 12), 1); /* nothing new is lost */
    assert_int_equal(fv_get32(out + 24), 0xe2808000);
    assert_int_equal(fv_get32(out + 28), 0x18000);
    fv_bench_finish(&b);
}

static void test_bye(void **state)
{
    struct bench b;
    fv_bench_init(&b, 0);
    const uint8_t bye[] = {0x81, 203, 0, 1, 0x11, 0x22, 0x33, 0x44};
    fv_bench_send_key(&b, 0);
    assert_int_equal(fv_rtp_input_rtcp(b.rtp, bye, sizeof(bye), b.now, FV_TIME_UNKNOWN), 0);
    assert_true(fv_rtp_stats(b.rtp)->ended);
    fv_bench_send(&b, 3600, true, "419a"); /* it did not mean it */
    assert_false(fv_rtp_stats(b.rtp)->ended);
    assert_int_equal(fv_rtp_input_rtcp(b.rtp, bye, 3, b.now, FV_TIME_UNKNOWN), -EBADMSG);
    fv_bench_finish(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reorder_deadline),
        cmocka_unit_test(test_reorder_late_owner),
        cmocka_unit_test(test_reorder_times),
        cmocka_unit_test(test_reorder_full),
        cmocka_unit_test(test_reorder_permutations),
        cmocka_unit_test(test_stray_tcp),
        cmocka_unit_test(test_restart_behind_tcp),
        cmocka_unit_test(test_outage),
        cmocka_unit_test(test_restart_tcp),
        cmocka_unit_test(test_restart_udp),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_epochs),
        cmocka_unit_test(test_await_key),
        cmocka_unit_test(test_wall),
        cmocka_unit_test(test_report),
        cmocka_unit_test(test_bye),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

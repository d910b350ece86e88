// SPDX-License-Identifier: Apache-2.0
/* What the faults do to the bytes of the connection and when they strike, on a virtual clock. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "rtp/packet.h"
#include "sim/sick.h"
#include "sim/testkit.h"

/* 10 pictures a second of 4, 3, 3 packets */
static const struct kit_stream stream = {.pictures = 6, .gop = 3, .slice = 3000};
static const char describe[] = "DESCRIBE rtsp://h/cam0 RTSP/1.0\r\nCSeq: 1\r\n\r\n";

static struct kit_bench bench;

static void start(const char *spec)
{
    kit_bench_start(&bench, &stream, 10, &spec, 1);
    bench.session.ends.peer.in.sin_family = AF_INET;
}

static int teardown(void **state)
{
    kit_bench_finish(&bench);
    return 0;
}

static void answers_dribble(void **state)
{
    start("slow:rate=250"); /* one byte in 4 ms */
    assert_int_equal(kit_feed(&bench, describe, sizeof(describe) - 1), 0);
    const size_t size = bench.session.out.size;
    kit_run(&bench, 400 * FV_MS);
    assert_in_range(bench.sent_size, 98, 101);
    assert_int_equal(bench.writes, bench.sent_size);
    kit_run(&bench, (int64_t)size * 4 * FV_MS);
    assert_int_equal(bench.sent_size, size);
}

static void writes_are_split(void **state)
{
    start("split:size=10");
    kit_play(&bench, KIT_TCP);
    bench.writes = 0;
    kit_run(&bench, 600 * FV_MS);
    /* 18,000 bytes of slices and 20 headers in writes of 1 to 10 bytes, 5.5 on average */
    assert_in_range(bench.writes, bench.sent_size / 7, bench.sent_size / 4);
    assert_true(bench.sent_size > 18000);
}

static void writes_are_merged(void **state)
{
    start("merge:ms=200");
    kit_play(&bench, KIT_TCP);
    bench.writes = 0;
    kit_run(&bench, 2000 * FV_MS);
    assert_in_range(bench.writes, 7, 10);
    /* an answer leaves together with the packets behind it */
    static const char options[] = "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n";
    bench.sent_size = bench.writes = 0;
    assert_int_equal(kit_feed(&bench, options, sizeof(options) - 1), 0);
    while (!bench.writes)
        kit_run(&bench, 4 * FV_MS);
    assert_memory_equal(bench.sent, "RTSP/1.0 200", 12);
    assert_non_null(memmem(bench.sent, bench.sent_size, "\r\n\r\n$\x04", 6));
}

static void a_stream_ends_when_it_should(void **state)
{
    const struct {
        const char *spec;
        enum fv_sim_end end;
        uint64_t packets;    /* sent until then; 0: not checked */
        size_t bytes;        /* the same */
        int64_t from, until; /* ms */
    } cases[] = {
        {"close:after=2", FV_SIM_END_CLOSE, 67, 0, 2000, 2008},
        {"reset:after=2", FV_SIM_END_RESET, 67, 0, 2000, 2008},
        {"close:packets=10", FV_SIM_END_CLOSE, 10, 0, 290, 312},
        {"reset:packets=100", FV_SIM_END_RESET, 100, 0, 2990, 3012},
        {"close:bytes=5000", FV_SIM_END_CLOSE, 0, 5000, 0, 300},
        {"reset:bytes=20001", FV_SIM_END_RESET, 0, 20001, 300, 1000},
        {"close:after=1,since=start", FV_SIM_END_CLOSE, 34, 0, 1000, 1008},
        {"close:after=2,connections=1", FV_SIM_END_CLOSE, 67, 0, 2000, 2008},
        {"close:after=2,cam=1-3", FV_SIM_END_NOT, 0, 0, 5000, 5000},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        start(cases[i].spec);
        kit_play(&bench, KIT_TCP);
        while (!fv_sim_session_end(&bench.session) && bench.now < KIT_START + 5 * FV_S)
            kit_run(&bench, 4 * FV_MS);
        if (fv_sim_session_end(&bench.session) != cases[i].end ||
            (cases[i].packets && bench.session.packets != cases[i].packets) ||
            (cases[i].bytes && bench.sent_size != cases[i].bytes))
            fail_msg("%s: end %d, %u packets, %zu bytes", cases[i].spec,
                     fv_sim_session_end(&bench.session), bench.session.packets, bench.sent_size);
        assert_in_range((bench.now - KIT_START) / FV_MS, cases[i].from, cases[i].until);
        kit_bench_finish(&bench);
    }
    start("mute"); /* for teardown */
}

static void later_connections_are_good(void **state)
{
    start("refuse:status=503,connections=2");
    for (unsigned i = 1; i <= 4; i++) {
        assert_int_equal(kit_ask_simple(&bench, "DESCRIBE", "/cam0", ""), i <= 2 ? 503 : 200);
        kit_reconnect(&bench);
    }
    assert_int_equal(kit_ask_simple(&bench, "DESCRIBE", "/cam1", ""), 503);
    assert_int_equal(kit_ask_simple(&bench, "DESCRIBE", "/cam0", ""), 200);
    assert_null(bench.session.sick); /* costs nothing any more */
}

static void an_outage_passes(void **state)
{
    start("refuse:status=503,since=start,after=10,for=5");
    const struct {
        int64_t second;
        unsigned status;
    } moments[] = {{9, 200}, {10, 503}, {14, 503}, {15, 200}};
    for (size_t i = 0; i < sizeof(moments) / sizeof(*moments); i++) {
        bench.now = KIT_START + moments[i].second * FV_S;
        kit_reconnect(&bench);
        assert_int_equal(kit_ask_simple(&bench, "DESCRIBE", "/cam0", ""), moments[i].status);
    }
}

static void frames_of_before_come_first(void **state)
{
    start("stale-data:frames=3");
    assert_int_equal(kit_ask_simple(&bench, "SETUP", "/cam0/track1", KIT_TCP), 200);
    assert_int_equal(kit_ask_in_session(&bench, "PLAY"), 0); /* no answer at the very front */
    for (int i = 0; i < 3; i++) {
        const uint8_t *frame = bench.sent + 36 * i;
        assert_memory_equal(frame, "$\x04\0\x20\x80\x60", 6);
        assert_int_equal(fv_get16(frame + 6), 40000 + i);
        assert_int_equal(fv_get32(frame + 12), ~bench.session.ssrc);
    }
    assert_memory_equal(bench.sent + 108, "RTSP/1.0 200", 12);
}

static void reports_tell_another_time(void **state)
{
    start("wrong-clock:by=-1000000");
    kit_play(&bench, KIT_UDP);
    kit_run(&bench, 600 * FV_MS);
    for (unsigned i = 0; i < bench.datagram_count; i++)
        if (bench.datagrams[i].rtcp)
            /* 1,700,000,000 + 2,208,988,800 - 1,000,000 */
            assert_int_equal(fv_get32(bench.sent + bench.datagrams[i].at + 8), 3907988800u);
}

static void timestamps_begin_again(void **state)
{
    start("ts-reset:after=1");
    kit_play(&bench, KIT_UDP);
    kit_run(&bench, 1095 * FV_MS); /* the first picture behind 1 s */
    const struct kit_datagram *last = &bench.datagrams[bench.datagram_count - 1];
    assert_int_equal(fv_get32(bench.sent + last->at + 4), 0);
    kit_run(&bench, 100 * FV_MS);
    last = &bench.datagrams[bench.datagram_count - 1];
    assert_int_equal(fv_get32(bench.sent + last->at + 4), 9000);
}

static int64_t longest_pause(void)
{
    int64_t longest = 0;
    for (unsigned i = 1; i < bench.datagram_count; i++)
        longest = fv_max64(longest, bench.datagrams[i].when - bench.datagrams[i - 1].when);
    return longest / FV_MS;
}

static void a_frozen_stream_catches_up(void **state)
{
    start("freeze:after=2,ms=500");
    kit_play(&bench, KIT_UDP);
    kit_run(&bench, 5 * FV_S);
    assert_in_range(longest_pause(), 490, 540);
    assert_int_equal(bench.session.packets, 167); /* 50 pictures, 17 of them key pictures */
}

static void channels_may_be_the_servers(void **state)
{
    start("other-channel");
    kit_play(&bench, KIT_TCP);
    kit_run(&bench, 100 * FV_MS);
    assert_memory_equal(bench.sent, "$\x0e", 2);
}

/* The same seed, the same losses. */
static void chance_is_repeatable(void **state)
{
    static uint8_t first[1 << 20];
    start("loss:probability=0.3");
    kit_play(&bench, KIT_TCP);
    kit_run(&bench, 5 * FV_S);
    const size_t size = bench.sent_size;
    memcpy(first, bench.sent, size);
    kit_bench_finish(&bench);
    start("loss:probability=0.3");
    kit_play(&bench, KIT_TCP);
    kit_run(&bench, 5 * FV_S);
    assert_int_equal(bench.sent_size, size);
    for (size_t at = 0; at + 16 < size; at += 4u + fv_get16(first + at + 2))
        if (first[at + 1] == 4) /* reports carry the session's name */
            assert_memory_equal(first + at, bench.sent + at, 12);
}

static void a_good_camera_carries_nothing(void **state)
{
    start("mute:cam=1");
    assert_non_null(bench.session.sick);
    assert_int_equal(kit_ask_simple(&bench, "OPTIONS", "/cam0", ""), 200);
    assert_null(bench.session.sick);
    assert_false(fv_sim_session_busy(&bench.session));
}

static void every_allocation_may_fail(void **state)
{
    struct fv_sim_session session;
    start("mute");
    for (unsigned n = 1; n <= 3; n++) {
        fv_alloc_fail_at(n);
        assert_int_equal(fv_sim_session_init(&session, &bench.site, KIT_START), -ENOMEM);
        assert_false(fv_alloc_fail_pending());
    }
    fv_alloc_fail_at(4);
    assert_int_equal(fv_sim_session_init(&session, &bench.site, KIT_START), 0);
    fv_alloc_fail_at(0);
    fv_sim_session_finish(&session);
}

#define CASE(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(answers_dribble),
        CASE(writes_are_split),
        CASE(writes_are_merged),
        CASE(a_stream_ends_when_it_should),
        CASE(later_connections_are_good),
        CASE(an_outage_passes),
        CASE(frames_of_before_come_first),
        CASE(reports_tell_another_time),
        CASE(timestamps_begin_again),
        CASE(a_frozen_stream_catches_up),
        CASE(channels_may_be_the_servers),
        CASE(chance_is_repeatable),
        CASE(a_good_camera_carries_nothing),
        CASE(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

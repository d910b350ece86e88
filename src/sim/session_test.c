// SPDX-License-Identifier: Apache-2.0
/* Sessions without a socket, on a virtual clock. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "base/clock.h"
#include "base/mem.h"
#include "rtp/packet.h"
#include "sim/testkit.h"

static const struct kit_stream stream = {.pictures = 6, .gop = 3, .slice = 3000};

static struct kit_bench bench;

static int setup(void **state)
{
    kit_bench_start(&bench, &stream, 10, NULL, 0);
    return 0;
}

static int teardown(void **state)
{
    kit_bench_finish(&bench);
    return 0;
}

static int drain(size_t limit)
{
    return kit_drain(&bench, limit);
}

static int feed(const void *data, size_t size)
{
    return kit_feed(&bench, data, size);
}

static unsigned ask(const char *request)
{
    return kit_ask(&bench, request);
}

static unsigned ask_simple(const char *method, const char *path, const char *headers)
{
    return kit_ask_simple(&bench, method, path, headers);
}

static unsigned ask_in_session(const char *method)
{
    return kit_ask_in_session(&bench, method);
}

static void start_playing(void)
{
    kit_play(&bench, KIT_TCP);
}

static bool replied(const char *text)
{
    return strstr(bench.reply, text) != NULL;
}

static void a_whole_conversation(void **state)
{
    char expected[100];
    assert_int_equal(ask_simple("OPTIONS", "/cam0", ""), 200);
    assert_true(replied("CSeq: 9\r\n"));
    assert_true(replied("Public: OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE,"));
    assert_int_equal(ask_simple("DESCRIBE", "/cam0", "Accept: application/sdp\r\n"), 200);
    assert_true(replied("Content-Base: rtsp://10.0.0.1:8554/cam0/\r\n"));
    assert_true(replied("Content-Type: application/sdp\r\n"));
    assert_int_equal(ask_simple("SETUP", "/cam0/track1", KIT_TCP), 200);
    snprintf(expected, sizeof(expected),
             "Transport: RTP/AVP/TCP;unicast;interleaved=4-5;ssrc=%08X\r\n", bench.session.ssrc);
    assert_true(replied(expected));
    assert_true(replied(";timeout=60\r\n"));
    assert_int_equal(bench.session.state, FV_SIM_READY);
    assert_int_equal(ask_in_session("PLAY"), 200);
    assert_int_equal(bench.session.state, FV_SIM_PLAYING);
    assert_true(replied("RTP-Info: url=rtsp://10.0.0.1:8554/cam0/track1;seq="));
    assert_int_equal(ask_in_session("GET_PARAMETER"), 200);
    assert_int_equal(ask_in_session("SET_PARAMETER"), 200);
    assert_int_equal(ask_in_session("PAUSE"), 200);
    assert_int_equal(bench.session.state, FV_SIM_READY);
    assert_int_equal(ask_in_session("PLAY"), 200);
    assert_int_equal(ask_in_session("TEARDOWN"), 200);
    assert_int_equal(bench.session.state, FV_SIM_INIT);
    assert_int_equal(ask_simple("SETUP", "/cam1", KIT_TCP), 200);
    assert_int_equal(bench.site.counters.sessions, 2);
}

static void the_description(void **state)
{
    assert_int_equal(ask_simple("DESCRIBE", "/cam1/?x=y", ""), 200);
    const char *body = strstr(bench.reply, "\r\n\r\n") + 4;
    assert_string_equal(body, "v=0\r\n"
                              "o=- 2 1 IN IP4 0.0.0.0\r\n"
                              "s=Fovea simulator, camera 1\r\n"
                              "c=IN IP4 0.0.0.0\r\n"
                              "t=0 0\r\n"
                              "a=control:*\r\n"
                              "a=range:npt=now-\r\n"
                              "m=video 0 RTP/AVP 96\r\n"
                              "a=rtpmap:96 H264/90000\r\n"
                              "a=fmtp:96 packetization-mode=1; profile-level-id=42C01E; "
                              "sprop-parameter-sets=Z0LAHtoFB+Q=,aM44gA==\r\n"
                              "a=framerate:10\r\n"
                              "a=control:track1\r\n");
}

static void wrong_requests_are_told_so(void **state)
{
    const struct {
        const char *method, *path, *headers;
        unsigned status;
    } cases[] = {
        {"DESCRIBE", "/", "", 404},
        {"DESCRIBE", "/cam4", "", 404},
        {"DESCRIBE", "/cam", "", 404},
        {"DESCRIBE", "/cam0/track2", "", 404},
        {"DESCRIBE", "/cam00000000000000000000001", "", 404},
        {"DESCRIBE", "/cam-1", "", 404},
        {"DESCRIBE", "/cam0", "Accept: text/html\r\n", 406},
        {"DESCRIBE", "/cam0", "Accept: text/html, application/sdp;q=0.5\r\n", 200},
        {"DESCRIBE", "/cam0", "Require: com.example.magic\r\n", 551},
        {"RECORD", "/cam0", "", 501},
        {"describe", "/cam0", "", 501},
        {"PLAY", "/cam0", "", 455},
        {"PAUSE", "/cam0", "", 455},
        {"TEARDOWN", "/cam0", "", 455},
        {"PLAY", "/cam0", "Session: 1234\r\n", 454},
        {"GET_PARAMETER", "/cam0", "Session: 1234\r\n", 454},
        {"SETUP", "/cam0", "", 461},
        {"SETUP", "/cam0", "Transport: RTP/AVP;unicast;client_port=5000-5001\r\n", 461},
        {"SETUP", "/cam0", "Transport: RTP/AVP/TCP;interleaved=255\r\n", 461},
        {"SETUP", "/cam0", "Transport: RTP/AVP/TCP;interleaved=x-1\r\n", 461},
        {"SETUP", "/cam0", "Transport: RTP/AVP/TCP;mode=RECORD\r\n", 461},
        {"SETUP", "/cam9", KIT_TCP, 404},
        {"SETUP", "/cam0", "Transport: RTP/AVP;client_port=1-2,RTP/AVP/TCP;interleaved=2\r\n", 200},
        {"PLAY", "/cam0", "", 454},
        {"PLAY", "/cam0", "Session: 1234\r\n", 454},
        {"SETUP", "/cam1", KIT_TCP, 459},
    };
    bench.site.via = FV_SIM_VIA_TCP;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        unsigned status = ask_simple(cases[i].method, cases[i].path, cases[i].headers);
        if (status != cases[i].status)
            fail_msg("%s %s %s: %u", cases[i].method, cases[i].path, cases[i].headers, status);
    }
    assert_int_equal(ask_simple("SETUP", "/cam0", KIT_TCP), 200); /* again, other channels */
    assert_int_equal(ask_in_session("PLAY"), 200);
    assert_int_equal(ask_simple("SETUP", "/cam0", KIT_TCP), 455);
    assert_int_equal(ask_simple("TEAPOT", "/cam0", ""), 501);
    assert_true(replied("Allow: OPTIONS,"));
    assert_int_equal(ask("DESCRIBE /cam0 RTSP/1.0\r\nCSeq: 1\r\n\r\n"), 400);
    assert_int_equal(ask("DESCRIBE rtsp://h/cam0 RTSP/1.0\r\n\r\n"), 400);
}

static void md5(const char *text, char *ret_hex)
{
    uint8_t out[16];
    assert_int_equal(EVP_Q_digest(NULL, "MD5", NULL, text, strlen(text), out, NULL), 1);
    for (int i = 0; i < 16; i++)
        sprintf(ret_hex + 2 * i, "%02x", out[i]);
}

static unsigned describe_as(const char *password)
{
    char text[200], ha1[33], ha2[33], response[33], header[400];
    snprintf(text, sizeof(text), "admin:Fovea simulator:%s", password);
    md5(text, ha1);
    md5("DESCRIBE:rtsp://10.0.0.1:8554/cam0", ha2);
    snprintf(text, sizeof(text), "%s:%s:%s", ha1, bench.session.nonce, ha2);
    md5(text, response);
    snprintf(header, sizeof(header),
             "Authorization: Digest username=\"admin\", realm=\"Fovea simulator\", nonce=\"%s\", "
             "uri=\"rtsp://10.0.0.1:8554/cam0\", response=\"%s\"\r\n",
             bench.session.nonce, response);
    return ask_simple("DESCRIBE", "/cam0", header);
}

static void credentials_open_the_door(void **state)
{
    bench.site.auth = (struct fv_sim_auth){"admin", "s3cret"};
    assert_int_equal(ask_simple("OPTIONS", "/cam0", ""), 200);
    assert_int_equal(ask_simple("SETUP", "/cam0", KIT_TCP), 401);
    assert_int_equal(ask_simple("DESCRIBE", "/cam9", ""), 401); /* strangers learn no names */
    assert_true(replied(bench.session.nonce));
    assert_int_equal(describe_as("secret"), 401);
    assert_int_equal(describe_as("s3cret"), 200);
}

static void garbage_ends_the_session(void **state)
{
    assert_int_equal(ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
    assert_int_equal(bench.session.state, FV_SIM_ENDED);
}

static void endless_heads_end_the_session(void **state)
{
    char line[2000];
    memset(line, 'a', sizeof(line));
    assert_int_equal(feed("OPTIONS * RTSP/1.0\r\nX: ", 23), 0);
    for (int i = 0; i < 40; i++)
        if (feed(line, sizeof(line)) < 0 || bench.session.state == FV_SIM_ENDED)
            break;
    assert_int_equal(bench.session.state, FV_SIM_ENDED);
    assert_true(bench.session.in.capacity <= FV_SIM_INPUT_MAX);
}

/* Two requests and a receiver report, cut at every place. */
static void every_split_is_understood(void **state)
{
    static const char text[] = "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n"
                               "$\x05\0\x08\x80\xc9\0\x01\0\0\0\0"
                               "\r\nOPTIONS * RTSP/1.0\r\nCSeq: 2\r\n\r\n";
    const size_t size = sizeof(text) - 1;
    for (size_t cut = 0; cut <= size; cut++) {
        bench.session.out.size = 0;
        assert_int_equal(feed(text, cut), 0);
        assert_int_equal(feed(text + cut, size - cut), 0);
        memcpy(bench.reply, bench.session.out.data, bench.session.out.size);
        bench.reply[bench.session.out.size] = '\0';
        assert_true(replied("CSeq: 1\r\n"));
        assert_true(replied("CSeq: 2\r\n"));
        assert_int_equal(bench.session.in.size, 0);
    }
}

struct seen {
    unsigned rtp, rtcp, markers;
    uint16_t first_seq, last_seq;
    unsigned gaps; /* sequence numbers left out */
};

/* Takes what went out apart: interleaved frames on channels 4 and 5. */
static struct seen look(void)
{
    struct seen seen = {0};
    size_t at = 0;
    while (at < bench.sent_size) {
        const uint8_t *frame = bench.sent + at;
        assert_true(bench.sent_size - at > 4);
        assert_int_equal(frame[0], '$');
        size_t size = fv_get16(frame + 2);
        assert_true(at + 4 + size <= bench.sent_size);
        if (frame[1] == 5) {
            seen.rtcp++;
        } else {
            assert_int_equal(frame[1], 4);
            assert_int_equal(frame[4], 0x80);
            assert_int_equal(frame[5] & 0x7f, 96);
            uint16_t seq = fv_get16(frame + 6);
            if (seen.rtp++ == 0)
                seen.first_seq = seq;
            else
                seen.gaps += (uint16_t)(seq - seen.last_seq - 1);
            seen.last_seq = seq;
            seen.markers += frame[5] >> 7;
        }
        at += 4 + size;
    }
    return seen;
}

static void packets_leave_when_they_are_due(void **state)
{
    unsigned seq;
    assert_int_equal(ask_simple("SETUP", "/cam0/track1", KIT_TCP), 200);
    assert_int_equal(ask_in_session("PLAY"), 200);
    assert_int_equal(sscanf(strstr(bench.reply, ";seq="), ";seq=%u", &seq), 1);
    bench.sent_size = 0;
    assert_int_equal(drain(SIZE_MAX), 0);
    assert_int_equal(look().rtp, 1);
    bench.now = KIT_START + 24 * FV_MS;
    assert_int_equal(drain(SIZE_MAX), 0);
    assert_int_equal(look().rtp, 1);
    bench.now = KIT_START + 75 * FV_MS;
    assert_int_equal(drain(SIZE_MAX), 0);
    assert_int_equal(look().rtp, 4);
    assert_int_equal(look().markers, 1);
    assert_int_equal(look().first_seq, seq);
    bench.now = KIT_START + 599 * FV_MS; /* one round of the clip */
    assert_int_equal(drain(SIZE_MAX), 0);
    assert_int_equal(look().rtp, 20);
    assert_int_equal(look().markers, 6);
    assert_int_equal(look().gaps, 0);
    assert_int_equal(bench.site.counters.packets, 20);
    /* of four at 75 ms those due at 25 and 50; then the 16 of the jump to 599 ms */
    assert_int_equal(bench.site.counters.late, 18);
}

/* RFC 3550 6.4.1: half a second after PLAY, then every 5 s. */
static void sender_reports_are_right(void **state)
{
    start_playing();
    bench.now = KIT_START + 499 * FV_MS;
    assert_int_equal(drain(SIZE_MAX), 0);
    struct seen before = look();
    assert_int_equal(before.rtcp, 0);
    bench.sent_size = 0;
    bench.now = KIT_START + 500 * FV_MS;
    assert_int_equal(drain(SIZE_MAX), 0);
    const uint8_t *report = bench.sent + 4;
    assert_memory_equal(bench.sent, "$\x05\0\x38\x80\xc8\0\x06", 8);
    assert_int_equal(fv_get32(report + 4), bench.session.timeline.ssrc);
    assert_int_equal(fv_get32(report + 8), 3908988800u); /* 1,700,000,000 + 2,208,988,800 */
    assert_int_equal(fv_get32(report + 12), 0x80000000u);
    assert_int_equal(fv_get32(report + 16), bench.session.timeline.rtp_base + 45000);
    assert_int_equal(fv_get32(report + 20), before.rtp);
    assert_int_equal(fv_get32(report + 24), bench.session.octets - fv_get16(bench.sent + 62) + 12);
    assert_memory_equal(report + 28, "\x81\xca\0\x06", 4); /* SDES: one chunk, 28 bytes */
    assert_memory_equal(report + 36, "\x01\x10", 2);       /* CNAME of 16 bytes */
    assert_memory_equal(report + 38, bench.session.id, 16);
    bench.sent_size = 0;
    for (bench.now = KIT_START + 550 * FV_MS; bench.now < KIT_START + 10400 * FV_MS;
         bench.now += 50 * FV_MS)
        assert_int_equal(drain(SIZE_MAX), 0);
    assert_int_equal(look().rtcp, 1);
}

static void partial_writes_tear_nothing(void **state)
{
    start_playing();
    for (size_t limit = 1; limit < 3000; limit += 1 + limit / 4) {
        bench.now += 100 * FV_MS;
        for (unsigned i = 0; i < 6000 / limit + 1; i++)
            assert_int_equal(drain(limit), 0);
        assert_true(bench.session.out.size <= 16 + 1400 + 200);
    }
    assert_int_equal(drain(SIZE_MAX), 0);
    assert_int_equal(look().gaps, 0);
    assert_true(look().rtp > 60);
}

static void a_slow_client_loses_whole_pictures(void **state)
{
    start_playing();
    assert_int_equal(drain(500), 0); /* the first packet has begun */
    size_t waiting = bench.session.out.size;
    for (int i = 0; i < 1000; i++) {
        bench.now += 5 * FV_MS;
        fv_sim_session_stalled(&bench.session, bench.now);
    }
    assert_int_equal(bench.session.out.size, waiting);
    assert_true(bench.site.counters.stalled > 100);
    assert_int_equal(drain(SIZE_MAX), 0);
    assert_int_equal(look().gaps, bench.site.counters.stalled);
    assert_int_equal(look().first_seq + look().rtp - 1 + look().gaps,
                     look().first_seq + (uint16_t)(look().last_seq - look().first_seq));
}

static void unread_answers_are_bounded(void **state)
{
    int rc = 0;
    for (int i = 0; i < 2000 && rc == 0; i++)
        rc = feed("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n", 31);
    assert_int_equal(rc, -ENOBUFS);
    assert_true(bench.session.out.capacity <= FV_SIM_OUTPUT_MAX);
}

static void silence_ends_a_session(void **state)
{
    assert_false(fv_sim_session_expired(&bench.session, KIT_START + 60 * FV_S));
    assert_true(fv_sim_session_expired(&bench.session, KIT_START + 61 * FV_S));
    bench.now = KIT_START + 50 * FV_S;
    assert_int_equal(feed("$\x05\0\0", 4), 0);
    assert_false(fv_sim_session_expired(&bench.session, KIT_START + 110 * FV_S));
}

/* RFC 2326 12.39 */
static void udp_ports_are_agreed_on(void **state)
{
    const struct {
        unsigned via;
        const char *offer, *answer; /* NULL: 461 */
    } cases[] = {
        {FV_SIM_VIA_TCP | FV_SIM_VIA_UDP, "RTP/AVP;unicast;client_port=5000-5001",
         "RTP/AVP;unicast;client_port=5000-5001;server_port=7000-7001;source=10.0.0.1;ssrc="},
        {FV_SIM_VIA_UDP, "RTP/AVP/UDP;unicast;client_port=6000",
         "RTP/AVP/UDP;unicast;client_port=6000-6001;server_port=7000-7001;source=10.0.0.1;ssrc="},
        {FV_SIM_VIA_UDP, "RTP/AVP/TCP;interleaved=0-1,RTP/AVP;client_port=6000-6001",
         "RTP/AVP;unicast;client_port=6000-6001;"},
        {FV_SIM_VIA_TCP | FV_SIM_VIA_UDP, "RTP/AVP/TCP;interleaved=0-1,RTP/AVP;client_port=1-2",
         "RTP/AVP/TCP;unicast;interleaved=0-1;"},
        {FV_SIM_VIA_TCP, "RTP/AVP;unicast;client_port=5000-5001", NULL},
        {FV_SIM_VIA_UDP, "RTP/AVP/TCP;interleaved=0-1", NULL},
        {FV_SIM_VIA_UDP, "RTP/AVP", NULL},
        {FV_SIM_VIA_UDP, "RTP/AVP;client_port=0-1", NULL},
        {FV_SIM_VIA_UDP, "RTP/AVP;client_port=65535", NULL},
        {FV_SIM_VIA_UDP, "RTP/AVP;client_port=65536-65537", NULL},
        {FV_SIM_VIA_UDP, "RTP/AVP;multicast;client_port=5000-5001", NULL},
        {FV_SIM_VIA_UDP, "RTP/SAVP;client_port=5000-5001", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char text[200];
        bench.site.via = cases[i].via;
        snprintf(bench.session.ends.local, sizeof(bench.session.ends.local), "10.0.0.1");
        snprintf(text, sizeof(text), "Transport: %s\r\n", cases[i].offer);
        unsigned status = ask_simple("SETUP", "/cam0", text);
        snprintf(text, sizeof(text), "Transport: %s", cases[i].answer ? cases[i].answer : "");
        if (status != (cases[i].answer ? 200 : 461) || (status == 200 && !replied(text)))
            fail_msg("%s: %s", cases[i].offer, bench.reply);
    }
}

/* Packets are datagrams, answers stay on the connection, reports go their own way. */
static void udp_carries_packets(void **state)
{
    unsigned ssrc;
    bench.session.ends.peer.in.sin_family = AF_INET;
    assert_int_equal(ask_simple("SETUP", "/cam0/track1", KIT_UDP), 200);
    assert_int_equal(sscanf(strstr(bench.reply, ";ssrc="), ";ssrc=%8x", &ssrc), 1);
    assert_int_equal(bench.session.to[0].in.sin_port, htons(5000));
    assert_int_equal(bench.session.to[1].in.sin_port, htons(5001));
    assert_int_equal(ask_in_session("PLAY"), 200);
    bench.now = KIT_START + 599 * FV_MS; /* 20 packets and one report */
    assert_int_equal(drain(SIZE_MAX), 0);
    assert_int_equal(bench.session.packets, 20);
    assert_int_equal(bench.datagram_count, 21);
    unsigned rtp = 0, rtcp = 0;
    for (unsigned i = 0; i < bench.datagram_count; i++) {
        const uint8_t *data = bench.sent + bench.datagrams[i].at;
        rtp += !bench.datagrams[i].rtcp;
        rtcp += bench.datagrams[i].rtcp;
        assert_int_equal(data[0] >> 6, 2);
        assert_int_equal(fv_get32(data + (bench.datagrams[i].rtcp ? 4 : 8)), ssrc);
        assert_int_equal(data[1] & 0x7f, bench.datagrams[i].rtcp ? 200 & 0x7f : 96);
    }
    assert_int_equal(rtp, 20);
    assert_int_equal(rtcp, 1);
    bench.sent_size = 0;
    assert_int_equal(ask_in_session("GET_PARAMETER"), 200);
    assert_int_equal(bench.sent[0], 'R');
}

static void every_allocation_may_fail(void **state)
{
    struct fv_sim_session session;
    for (unsigned n = 1; n <= 2; n++) {
        fv_alloc_fail_at(n);
        assert_int_equal(fv_sim_session_init(&session, &bench.site, KIT_START), -ENOMEM);
        assert_false(fv_alloc_fail_pending());
    }
    fv_alloc_fail_at(3);
    assert_int_equal(fv_sim_session_init(&session, &bench.site, KIT_START), 0);
    fv_alloc_fail_at(0);
    fv_sim_session_finish(&session);
    fv_sim_session_finish(&session);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_whole_conversation),
        CASE(the_description),
        CASE(wrong_requests_are_told_so),
        CASE(credentials_open_the_door),
        CASE(garbage_ends_the_session),
        CASE(endless_heads_end_the_session),
        CASE(every_split_is_understood),
        CASE(packets_leave_when_they_are_due),
        CASE(sender_reports_are_right),
        CASE(partial_writes_tear_nothing),
        CASE(a_slow_client_loses_whole_pictures),
        CASE(unread_answers_are_bounded),
        CASE(silence_ends_a_session),
        CASE(udp_ports_are_agreed_on),
        CASE(udp_carries_packets),
        CASE(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
/* Conversations that end well. Each runs with whole answers and byte by byte. */
#include <errno.h>
#include <stdio.h>

#include "base/mem.h"
#include "rtsp/peer.h"
#include "rtsp/sdp.h"

static struct peer peer;

static void test_play_over_tcp(void **state)
{
    peer_start(&peer, state, "rtsp://10.0.0.9:8554/live?ch=1");
    assert_true(fv_rtsp_deadline(peer.session) == PEER_START + 5 * FV_S);
    peer_expect(&peer, "");
    assert_string_equal(peer.heard, "OPTIONS rtsp://10.0.0.9:8554/live?ch=1 RTSP/1.0\r\n"
                                    "CSeq: 1\r\nUser-Agent: test\r\n\r\n");
    peer_answer(&peer, 1, "200 OK", "Public: OPTIONS, DESCRIBE\r\nServer: Cam/1\r\n", "");
    peer_expect(&peer, "");
    assert_string_equal(peer.heard, "DESCRIBE rtsp://10.0.0.9:8554/live?ch=1 RTSP/1.0\r\n"
                                    "CSeq: 2\r\nUser-Agent: test\r\n"
                                    "Accept: application/sdp\r\n\r\n");
    assert_null(fv_rtsp_stream(peer.session));
    peer_answer(&peer, 2, "200 OK", "Content-Base: rtsp://10.0.0.9:8554/live/\r\n", PEER_SDP);
    peer_expect(&peer, "");
    assert_string_equal(peer.heard, "SETUP rtsp://10.0.0.9:8554/live/trackID=1 RTSP/1.0\r\n"
                                    "CSeq: 3\r\nUser-Agent: test\r\n"
                                    "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n");
    peer_answer(&peer, 3, "200 OK",
                "Session: S1;timeout=30\r\n"
                "Transport: RTP/AVP/TCP;unicast;interleaved=4-5;ssrc=4cacc3d1;mode=\"play\"\r\n",
                "");
    peer_expect(&peer, "");
    assert_string_equal(peer.heard, "PLAY rtsp://10.0.0.9:8554/live/ RTSP/1.0\r\n"
                                    "CSeq: 4\r\nUser-Agent: test\r\nSession: S1\r\n"
                                    "Range: npt=0.000-\r\n\r\n");
    peer_answer(&peer, 4, "200 OK", "RTP-Info: url=trackID=1;seq=47121;rtptime=3475222385\r\n", "");
    peer_expect_silence(&peer);
    assert_string_equal(peer.states, "awaiting OPTIONS, awaiting DESCRIBE, awaiting SETUP, "
                                     "awaiting PLAY, playing");
    assert_string_equal(fv_rtsp_server(peer.session), "Cam/1");

    const struct fv_rtsp_stream *stream = fv_rtsp_stream(peer.session);
    static const uint8_t sets[] = {0,    0,    0,    1, 0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x03, 0xc5,
                                   0x68, 0x40, 0,    0, 0x03, 0,    0x40, 0,    0,    0x0c, 0x03,
                                   0xc5, 0x8b, 0x92, 0, 0,    0,    1,    0x68, 0xcb, 0x8c, 0xb2};
    assert_int_equal(stream->codec, FV_CODEC_H264);
    assert_int_equal(stream->payload_type, 96);
    assert_int_equal(stream->clock_rate, 90000);
    assert_true(stream->fps == 25.0);
    assert_int_equal(stream->sets.size, sizeof(sets));
    assert_memory_equal(stream->sets.data, sets, sizeof(sets));
    assert_int_equal(stream->rtp_channel, 4);
    assert_int_equal(stream->rtcp_channel, 5);
    assert_true(stream->has_ssrc && stream->ssrc == 0x4cacc3d1);
    assert_true(stream->has_seq && stream->seq == 47121);
    assert_true(stream->has_rtptime && stream->rtptime == 3475222385u);
    assert_int_equal(stream->quirks, 0);
    peer_close(&peer);
}

static void test_interleaved(void **state)
{
    peer_start(&peer, state, PEER_URL);
    peer_expect(&peer, "");
    peer_answer(&peer, 1, "200 OK", "", "");
    peer_expect(&peer, "");
    peer_answer(&peer, 2, "200 OK", "", PEER_SDP);
    peer_expect(&peer, "");
    /* Left over from an earlier connection: nothing is set up yet. */
    peer_say_bytes(&peer, "$\0\0\2xx", 6);
    peer_answer(&peer, 3, "200 OK", "Session: S1\r\n" PEER_TCP, "");
    peer_expect(&peer, "");
    assert_int_equal(peer.rtp, 0);
    /* Before the answer to PLAY. */
    peer_say_bytes(&peer, "$\0\0\3abc", 7);
    assert_int_equal(peer.rtp, 1);
    assert_memory_equal(peer.packet, "abc", 3);
    peer_answer(&peer, 4, "200 OK", "", "");
    peer_say_bytes(&peer, "$\1\0\2de$\2\0\1x\r\n$\0\0\0$\0\0\1f", 6 + 5 + 2 + 4 + 5);
    assert_int_equal(peer.rtp, 2);
    assert_int_equal(peer.rtcp, 1);
    assert_memory_equal(peer.packet, "f", 1);
    assert_int_equal(fv_rtsp_counters(peer.session)->frames, 3);
    assert_int_equal(fv_rtsp_counters(peer.session)->foreign_frames, 2);
    assert_int_equal(peer.in_size, 0);
    peer_close(&peer);
}

/* What a person is told: every format, in the description's order; unprintable bytes become '?'. */
static void test_facts_for_people(void **state)
{
    const struct fv_rtsp_offer *offers;
    peer_start(&peer, state, PEER_URL);
    assert_string_equal(fv_rtsp_login(peer.session), "none");
    assert_int_equal(fv_rtsp_offers(peer.session, &offers), 0);
    peer_expect(&peer, "");
    peer_answer(&peer, 1, "200 OK", "Public: DESCRIBE, X\xe9Y\r\n", "");
    assert_string_equal(fv_rtsp_methods(peer.session), "DESCRIBE, X?Y");
    peer_expect(&peer, "");
    peer_answer(&peer, 2, "200 OK", "",
                "v=0\r\nm=audio 0 RTP/AVP 0 107\r\na=rtpmap:107 opus/48000/2\r\n"
                "m=video 0 RTP/AVP 96 97\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:97 H264/90000\r\n"
                "m=application 0 RTP/AVP 98\r\n");
    assert_int_equal(fv_rtsp_offers(peer.session, &offers), 5);
    assert_string_equal(offers[0].type, "audio");
    assert_string_equal(offers[0].encoding, "PCMU");
    assert_int_equal(offers[0].clock_rate, 8000);
    assert_string_equal(offers[1].encoding, "opus");
    assert_string_equal(offers[2].encoding, "VP8");
    assert_string_equal(offers[3].type, "video");
    assert_string_equal(offers[3].encoding, "H264");
    assert_string_equal(offers[4].encoding, "98");
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(offers[i].chosen, i == 3);
    peer_close(&peer);
}

/* The login is named also when there is none to give. */
static void test_login_names(void **state)
{
    static const struct {
        const char *challenge, *name;
    } cases[] = {
        {"Basic realm=\"r\"", "Basic"},
        {"Digest realm=\"r\", nonce=\"n\"", "Digest MD5"},
        {"Digest realm=\"r\", nonce=\"n\", algorithm=MD5-sess, qop=\"auth\"", "Digest MD5-sess"},
        {"Digest realm=\"r\", nonce=\"n\", algorithm=SHA-256, qop=\"auth\"", "Digest SHA-256"},
        {"Digest realm=\"r\", nonce=\"n\", algorithm=SHA-512-256", "Digest SHA-512-256"},
        {"Negotiate", "none"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char header[200];
        snprintf(header, sizeof(header), "WWW-Authenticate: %s\r\n", cases[i].challenge);
        peer_start(&peer, state, PEER_URL);
        peer_expect(&peer, "");
        peer_answer(&peer, 1, "401 Unauthorized", header, "");
        peer_expect_failure(&peer, -EACCES, 401, FV_RTSP_BAD_CREDENTIALS);
        assert_string_equal(fv_rtsp_login(peer.session), cases[i].name);
        peer_close(&peer);
    }
}

static void test_send_rtcp(void **state)
{
    const uint8_t report[] = {0x81, 201, 0, 1};
    const uint8_t *data;
    peer_start(&peer, state, PEER_URL);
    assert_int_equal(fv_rtsp_send_rtcp(peer.session, report, 4), -EPROTO);
    peer_play(&peer, "OPTIONS", "S1");
    assert_int_equal(fv_rtsp_send_rtcp(peer.session, report, 4), 0);
    assert_int_equal(fv_rtsp_output(peer.session, &data), 8);
    assert_memory_equal(data, "$\1\0\4\x81\xc9\0\1", 8);
    /* 8 KiB hold 1024 of these; then the peer is not reading. The keepalive still fits. */
    for (int i = 1; i < 1024; i++)
        assert_int_equal(fv_rtsp_send_rtcp(peer.session, report, 4), 0);
    assert_int_equal(fv_rtsp_send_rtcp(peer.session, report, 4), -ENOBUFS);
    assert_int_equal(fv_rtsp_state(peer.session), FV_RTSP_PLAYING);
    fv_rtsp_sent(peer.session, 8192);
    assert_int_equal(fv_rtsp_send_rtcp(peer.session, report, 4), 0);
    peer_close(&peer);
}

static void test_udp(void **state)
{
    struct fv_rtsp_params params = peer_params(PEER_URL);
    params.lower = FV_RTSP_UDP;
    params.client_rtp_port = 5000;
    params.skip_options = true;
    peer_open(&peer, state, &params);
    assert_int_equal(fv_rtsp_start(peer.session, peer.now), 0);
    peer_expect(&peer, "DESCRIBE " PEER_URL " RTSP/1.0\nCSeq: 1");
    peer_answer(&peer, 1, "200 OK", "", PEER_SDP);
    peer_expect(&peer, "Transport: RTP/AVP;unicast;client_port=5000-5001");
    peer_answer(&peer, 2, "200 OK",
                "Session: S1\r\nTransport: RTP/AVP/UDP;unicast;client_port=5000-5001;"
                "server_port=6000-6001;source=10.0.0.10;ssrc= 1F\r\n",
                "");
    const struct fv_rtsp_stream *stream = fv_rtsp_stream(peer.session);
    assert_int_equal(stream->server_rtp_port, 6000);
    assert_int_equal(stream->server_rtcp_port, 6001);
    assert_string_equal(stream->source, "10.0.0.10");
    assert_true(stream->has_ssrc && stream->ssrc == 0x1f);
    peer_answer(&peer, 3, "200 OK", "", "");
    assert_int_equal(fv_rtsp_state(peer.session), FV_RTSP_PLAYING);
    assert_int_equal(fv_rtsp_send_rtcp(peer.session, (const uint8_t *)"x", 1), -EPROTO);
    peer_close(&peer);
}

/* RFC 2617 3.5 with our own address: the response was computed with md5sum(1). */
static void test_digest_once(void **state)
{
    peer_start(&peer, state, PEER_LOGIN_URL);
    peer_expect(&peer, "OPTIONS " PEER_URL " RTSP/1.0\nCSeq: 1");
    assert_null(strstr(peer.heard, "Authorization"));
    peer_answer(&peer, 1, "401 Unauthorized",
                "WWW-Authenticate: Basic realm=\"cam\"\r\n"
                "WWW-Authenticate: Digest realm=\"cam\", nonce=\"n1\"\r\n",
                "");
    peer_expect(&peer, "OPTIONS " PEER_URL " RTSP/1.0\nCSeq: 2\n"
                       "Authorization: Digest username=\"admin\", realm=\"cam\", nonce=\"n1\", "
                       "uri=\"rtsp://10.0.0.9/live\", "
                       "response=\"d4ef8968642785bfc59ba954066a2841\"");
    peer_answer(&peer, 2, "200 OK", "", "");
    /* Later requests carry it at once. */
    peer_expect(&peer, "DESCRIBE " PEER_URL " RTSP/1.0\nCSeq: 3\n"
                       "Authorization: Digest username=\"admin\", realm=\"cam\", nonce=\"n1\", "
                       "uri=\"rtsp://10.0.0.9/live\", "
                       "response=\"5105ea2b98ab6cf296bd5ac8f7a197da\"");
    peer_close(&peer);
}

/* A nonce that grew old: once by stale=true, once by a new nonce after the credentials were taken.
 * */
static void test_digest_renewed(void **state)
{
    peer_start(&peer, state, PEER_LOGIN_URL);
    peer_expect(&peer, "");
    peer_answer(&peer, 1, "401 Unauthorized",
                "WWW-Authenticate: Digest realm=\"c\",nonce=\"n1\"\r\n", "");
    peer_expect(&peer, "CSeq: 2");
    peer_answer(&peer, 2, "401 Unauthorized",
                "WWW-Authenticate: Digest realm=\"c\",nonce=\"n2\",stale=TRUE\r\n", "");
    peer_expect(&peer, "CSeq: 3");
    assert_non_null(strstr(peer.heard, "nonce=\"n2\""));
    peer_answer(&peer, 3, "200 OK", "", "");
    peer_expect(&peer, "CSeq: 4");
    peer_answer(&peer, 4, "401 Unauthorized",
                "WWW-Authenticate: Digest realm=\"c\",nonce=\"n3\"\r\n", "");
    peer_expect(&peer, "DESCRIBE " PEER_URL " RTSP/1.0\nCSeq: 5");
    assert_non_null(strstr(peer.heard, "nonce=\"n3\""));
    peer_answer(&peer, 5, "200 OK", "", PEER_SDP);
    peer_expect(&peer, "CSeq: 6");
    peer_close(&peer);
}

static void test_options_refused(void **state)
{
    static const char *const answers[] = {"404 Not Found", "405 Method Not Allowed",
                                          "400 Bad Request", "501 Not Implemented",
                                          "551 Option not supported"};
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        peer_start(&peer, state, PEER_URL);
        peer_expect(&peer, "");
        peer_answer(&peer, 1, answers[i], "", "");
        peer_expect(&peer, "DESCRIBE " PEER_URL " RTSP/1.0\nCSeq: 2");
        peer_close(&peer);
    }
}

/* CSeq missing from the answer; "100 Continue" in front; an unknown session id in the answer to
 * PLAY. */
static void test_loose_answers(void **state)
{
    peer_start(&peer, state, PEER_URL);
    peer_expect(&peer, "");
    peer_say(&peer, "RTSP/1.0 100 Continue\r\nCSeq: 1\r\n\r\nRTSP/1.0 200 OK\r\n\r\n");
    peer_expect(&peer, "DESCRIBE " PEER_URL " RTSP/1.0");
    peer_answer(&peer, 2, "200 OK", "", PEER_SDP);
    peer_expect(&peer, "");
    peer_answer(&peer, 3, "200 OK", "Session:     S1 ; timeout=10\r\n", "");
    peer_expect(&peer, "Session: S1");
    peer_answer(&peer, 4, "200 OK", "Session: S2;timeout=20\r\n", "");
    assert_int_equal(fv_rtsp_state(peer.session), FV_RTSP_PLAYING);
    /* Without Transport in the answer the channels are those that were asked for. */
    assert_int_equal(fv_rtsp_stream(peer.session)->rtcp_channel, 1);
    assert_true(fv_rtsp_deadline(peer.session) == PEER_START + 10 * FV_S);
    fv_rtsp_close(peer.session, peer.now);
    peer_expect(&peer, "TEARDOWN " PEER_URL " RTSP/1.0\nCSeq: 5\nSession: S1");
    peer_close(&peer);
}

static void test_server_requests(void **state)
{
    peer_start(&peer, state, PEER_URL);
    peer_play(&peer, "", "S1");
    peer_say(&peer, "OPTIONS rtsp://x/ RTSP/1.0\r\nCSeq: 71\r\n\r\n");
    peer_expect(&peer, "RTSP/1.0 200 OK\nCSeq: 71\nSession: S1");
    peer_say(&peer, "GET_PARAMETER rtsp://x/ RTSP/1.0\r\n\r\n");
    peer_expect(&peer, "RTSP/1.0 200 OK");
    assert_null(strstr(peer.heard, "CSeq"));
    peer_say(&peer, "SET_PARAMETER * RTSP/1.0\r\nCSeq: 8\r\nContent-Length: 2\r\n\r\nab");
    peer_expect(&peer, "RTSP/1.0 200 OK\nCSeq: 8");
    peer_say(&peer, "RECORD * RTSP/1.0\r\nCSeq: 9\r\n\r\n");
    peer_expect(&peer, "RTSP/1.0 501 Not Implemented\nCSeq: 9");
    peer_say(&peer, "ANNOUNCE * RTSP/1.0\r\nCSeq: 10\r\nx-notice: 2104\r\n\r\n");
    peer_expect(&peer, "RTSP/1.0 200 OK\nCSeq: 10");
    assert_int_equal(fv_rtsp_counters(peer.session)->server_requests, 5);
    assert_int_equal(fv_rtsp_state(peer.session), FV_RTSP_PLAYING);
    peer_close(&peer);
}

static void test_close(void **state)
{
    /* Without a session there is nothing to tear down. */
    peer_start(&peer, state, PEER_URL);
    peer_expect(&peer, "");
    fv_rtsp_close(peer.session, peer.now);
    peer_expect_silence(&peer);
    assert_int_equal(fv_rtsp_state(peer.session), FV_RTSP_CLOSED);
    assert_true(fv_rtsp_deadline(peer.session) == FV_TIME_NEVER);
    peer_close(&peer);

    peer_start(&peer, state, PEER_URL);
    peer_play(&peer, "", "S1");
    fv_rtsp_close(peer.session, peer.now);
    fv_rtsp_close(peer.session, peer.now);
    peer_expect(&peer, "");
    assert_string_equal(peer.heard, "TEARDOWN " PEER_URL " RTSP/1.0\r\n"
                                    "CSeq: 5\r\nUser-Agent: test\r\nSession: S1\r\n\r\n");
    assert_true(fv_rtsp_deadline(peer.session) == FV_TIME_NEVER);
    /* What still comes is swallowed. */
    assert_int_equal(fv_rtsp_feed(peer.session, (const uint8_t *)"$\0\0\1x", 5, peer.now), 5);
    assert_int_equal(peer.rtp, 0);
    assert_int_equal(fv_rtsp_tick(peer.session, peer.now + 100 * FV_S), 0);
    peer_close(&peer);
}

static void test_create(void **state)
{
    struct fv_rtsp_params params = peer_params(PEER_URL);
    struct fv_rtsp *session = NULL;
    fv_alloc_fail_at(1);
    assert_int_equal(fv_rtsp_create(&params, &session), -ENOMEM);
    assert_null(session);
    params.lower = FV_RTSP_UDP;
    assert_int_equal(fv_rtsp_create(&params, &session), -EINVAL);
    params.client_rtp_port = 65535;
    assert_int_equal(fv_rtsp_create(&params, &session), -EINVAL);
    params.client_rtp_port = 5000;
    params.user_agent = "a\r\nb";
    assert_int_equal(fv_rtsp_create(&params, &session), -EINVAL);
    params.user_agent = NULL;
    params.url.has_user = true;
    memcpy(params.url.user, "a\r\nX: y", 8);
    assert_int_equal(fv_rtsp_create(&params, &session), -EINVAL);
    assert_null(session);
    fv_rtsp_destroy(NULL);
    peer_start(&peer, state, PEER_URL);
    assert_int_equal(fv_rtsp_start(peer.session, peer.now), -EPROTO);
    peer_close(&peer);
}

#define BOTH(test) cmocka_unit_test(test), cmocka_unit_test_prestate(test, &bytewise)

int main(void)
{
    static size_t bytewise = 1;
    const struct CMUnitTest tests[] = {
        BOTH(test_play_over_tcp),      BOTH(test_interleaved),
        BOTH(test_send_rtcp),          BOTH(test_udp),
        BOTH(test_facts_for_people),   BOTH(test_login_names),
        BOTH(test_digest_once),        BOTH(test_digest_renewed),
        BOTH(test_options_refused),    BOTH(test_loose_answers),
        BOTH(test_server_requests),    BOTH(test_close),
        cmocka_unit_test(test_create),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

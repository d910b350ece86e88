// SPDX-License-Identifier: Apache-2.0
/* Conversations that end badly, or nearly. Each runs with whole answers and byte by byte. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rtsp/peer.h"

static struct peer peer;

enum stage { AT_OPTIONS, AT_DESCRIBE, AT_SETUP, AT_PLAY, AT_PLAYING };

/* A started session whose next answer is that to the request of this stage; CSeq is stage + 1. */
static void advance_to(void **state, const char *url, enum stage stage)
{
    peer_start(&peer, state, url);
    if (stage > AT_OPTIONS)
        peer_answer(&peer, 1, "200 OK", "", "");
    if (stage > AT_DESCRIBE)
        peer_answer(&peer, 2, "200 OK", "", PEER_SDP);
    if (stage > AT_SETUP)
        peer_answer(&peer, 3, "200 OK", "Session: S1\r\n" PEER_TCP, "");
    if (stage > AT_PLAY)
        peer_answer(&peer, 4, "200 OK", "", "");
    peer_expect(&peer, "");
}

static void test_status(void **state)
{
    static const struct {
        enum stage stage;
        const char *status;
        int code;
        enum fv_rtsp_advice advice;
    } cases[] = {
        {AT_OPTIONS, "453 Not Enough Bandwidth", -EACCES, FV_RTSP_RETRY_LATE},
        {AT_OPTIONS, "503 Service Unavailable", -EACCES, FV_RTSP_RETRY_LATE},
        {AT_OPTIONS, "401 Unauthorized", -EACCES, FV_RTSP_BAD_CREDENTIALS},
        {AT_DESCRIBE, "404 Not Found", -ENOENT, FV_RTSP_NO_STREAM},
        {AT_DESCRIBE, "401 Unauthorized", -EACCES, FV_RTSP_BAD_CREDENTIALS},
        {AT_DESCRIBE, "403 Forbidden", -EACCES, FV_RTSP_BAD_CREDENTIALS},
        {AT_DESCRIBE, "406 Not Acceptable", -ENOENT, FV_RTSP_NO_STREAM},
        {AT_DESCRIBE, "453", -EACCES, FV_RTSP_RETRY_LATE},
        {AT_DESCRIBE, "500 Internal", -EACCES, FV_RTSP_RETRY_LATE},
        {AT_DESCRIBE, "503 Busy", -EACCES, FV_RTSP_RETRY_LATE},
        {AT_DESCRIBE, "501 No", -ENOTSUP, FV_RTSP_RETRY_LATE},
        {AT_DESCRIBE, "302 Moved without saying where", -EPROTO, FV_RTSP_RETRY},
        {AT_DESCRIBE, "999 Odd", -EPROTO, FV_RTSP_RETRY},
        {AT_SETUP, "461 Unsupported transport", -ENOTSUP, FV_RTSP_OTHER_TRANSPORT},
        {AT_SETUP, "453 Not Enough Bandwidth", -EACCES, FV_RTSP_RETRY_LATE},
        {AT_SETUP, "404 Not Found", -ENOENT, FV_RTSP_NO_STREAM},
        {AT_PLAY, "454 Session Not Found", -ECONNRESET, FV_RTSP_RETRY_NOW},
        {AT_PLAY, "455 Method Not Valid in This State", -EPROTO, FV_RTSP_RETRY},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        advance_to(state, PEER_URL, cases[i].stage);
        int64_t n = peer_answer(&peer, cases[i].stage + 1, cases[i].status, "", "");
        assert_int_equal(n, cases[i].code);
        peer_expect_failure(&peer, cases[i].code, (unsigned)atoi(cases[i].status), cases[i].advice);
        /* A failed session stays so. */
        assert_int_equal(peer_say(&peer, "RTSP/1.0 200 OK\r\n\r\n"), cases[i].code);
        assert_int_equal(fv_rtsp_tick(peer.session, peer.now), cases[i].code);
        peer_close(&peer);
    }
}

static void test_reason(void **state)
{
    advance_to(state, PEER_URL, AT_DESCRIBE);
    peer_answer(&peer, 2, "404 Stream Not Found", "", "");
    assert_string_equal(fv_rtsp_failure(peer.session)->reason,
                        "DESCRIBE (CSeq 2) was answered with 404 Not Found");
    peer_close(&peer);
}

#define CHALLENGE "WWW-Authenticate: Digest realm=\"cam\", nonce=\"%s\"%s\r\n"

static void answer_401(unsigned cseq, const char *nonce, const char *more)
{
    char headers[300];
    snprintf(headers, sizeof(headers), CHALLENGE, nonce, more);
    peer_answer(&peer, cseq, "401 Unauthorized", headers, "");
}

/* Cameras lock accounts: one try; two when the camera itself says that the nonce was stale. */
static void test_wrong_password(void **state)
{
    advance_to(state, PEER_LOGIN_URL, AT_DESCRIBE);
    answer_401(2, "n1", "");
    peer_expect(&peer, "CSeq: 3");
    answer_401(3, "n2", "");
    peer_expect_failure(&peer, -EACCES, 401, FV_RTSP_BAD_CREDENTIALS);
    peer_expect_silence(&peer);
    peer_close(&peer);

    advance_to(state, PEER_LOGIN_URL, AT_DESCRIBE);
    answer_401(2, "n1", "");
    answer_401(3, "n2", ", stale=true");
    peer_expect(&peer, "CSeq: 4");
    answer_401(4, "n3", ", stale=true");
    peer_expect_failure(&peer, -EACCES, 401, FV_RTSP_BAD_CREDENTIALS);
    peer_close(&peer);
}

/* The same nonce again after the credentials were taken means that they are not taken any more. */
static void test_login_withdrawn(void **state)
{
    advance_to(state, PEER_LOGIN_URL, AT_DESCRIBE);
    answer_401(2, "n1", "");
    peer_answer(&peer, 3, "200 OK", "", PEER_SDP);
    answer_401(4, "n1", "");
    peer_expect_failure(&peer, -EACCES, 401, FV_RTSP_BAD_CREDENTIALS);
    peer_close(&peer);
}

static void test_unsupported_login(void **state)
{
    advance_to(state, PEER_LOGIN_URL, AT_DESCRIBE);
    peer_answer(&peer, 2, "401 Unauthorized", "WWW-Authenticate: Negotiate\r\n", "");
    peer_expect_failure(&peer, -ENOTSUP, 401, FV_RTSP_BAD_CREDENTIALS);
    peer_close(&peer);
    advance_to(state, PEER_LOGIN_URL, AT_DESCRIBE);
    peer_answer(&peer, 2, "401 Unauthorized", "", "");
    peer_expect_failure(&peer, -EBADMSG, 401, FV_RTSP_BAD_CREDENTIALS);
    peer_close(&peer);
}

static void test_redirect(void **state)
{
    advance_to(state, PEER_LOGIN_URL, AT_DESCRIBE);
    peer_answer(&peer, 2, "302 Moved", "Location: rtsp://10.0.0.9:8554/other\r\n", "");
    peer_expect_failure(&peer, -ECONNRESET, 302, FV_RTSP_REDIRECTED);
    const struct fv_url *url = &fv_rtsp_failure(peer.session)->redirect;
    assert_int_equal(url->port, 8554);
    assert_string_equal(url->path, "/other");
    assert_true(url->has_user);
    assert_string_equal(url->password, "secret12");
    peer_close(&peer);
    /* Not to strangers. */
    advance_to(state, PEER_LOGIN_URL, AT_OPTIONS);
    peer_answer(&peer, 1, "301 Moved", "Location: rtsp://evil.example/\r\n", "");
    peer_expect_failure(&peer, -ECONNRESET, 301, FV_RTSP_REDIRECTED);
    url = &fv_rtsp_failure(peer.session)->redirect;
    assert_string_equal(url->host, "evil.example");
    assert_false(url->has_user);
    assert_string_equal(url->password, "");
    peer_close(&peer);
    advance_to(state, PEER_URL, AT_DESCRIBE);
    peer_answer(&peer, 2, "302 Moved", "Location: http://10.0.0.9/\r\n", "");
    peer_expect_failure(&peer, -EBADMSG, 302, FV_RTSP_RETRY_LATE);
    peer_close(&peer);
}

/* Credentials follow to TLS on the same host, and never from TLS to plain. */
static void test_redirect_scheme(void **state)
{
    static const struct {
        const char *from, *location;
        bool login;
    } cases[] = {
        {"rtsp://admin:secret12@10.0.0.9/live", "rtsps://10.0.0.9/live", true},
        {"rtsps://admin:secret12@10.0.0.9/live", "rtsps://10.0.0.9:8322/b", true},
        {"rtsps://admin:secret12@10.0.0.9/live", "rtsp://10.0.0.9/live", false},
        {"rtsp://admin:secret12@10.0.0.9/live", "rtsps://10.0.0.8/live", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char header[100];
        snprintf(header, sizeof(header), "Location: %s\r\n", cases[i].location);
        advance_to(state, cases[i].from, AT_OPTIONS);
        peer_answer(&peer, 1, "302 Moved", header, "");
        peer_expect_failure(&peer, -ECONNRESET, 302, FV_RTSP_REDIRECTED);
        const struct fv_url *url = &fv_rtsp_failure(peer.session)->redirect;
        assert_int_equal(url->has_user, cases[i].login);
        assert_string_equal(url->user, cases[i].login ? "admin" : "");
        assert_string_equal(url->password, cases[i].login ? "secret12" : "");
        peer_close(&peer);
    }
}

static void test_transport_mismatch(void **state)
{
    static const char *const answers[] = {
        "Transport: RTP/AVP;unicast;client_port=5000-5001;server_port=6000-6001\r\n",
        "Transport: RTP/AVP;multicast;destination=232.1.1.1;port=5000-5001\r\n",
    };
    for (size_t i = 0; i < 2; i++) {
        advance_to(state, PEER_URL, AT_SETUP);
        peer_answer(&peer, 3, "200 OK", answers[i], "");
        peer_expect_failure(&peer, -ENOTSUP, 0, FV_RTSP_OTHER_TRANSPORT);
        peer_close(&peer);
    }
    struct fv_rtsp_params params = peer_params(PEER_URL);
    params.lower = FV_RTSP_UDP;
    params.client_rtp_port = 5000;
    params.skip_options = true;
    peer_open(&peer, state, &params);
    assert_int_equal(fv_rtsp_start(peer.session, peer.now), 0);
    peer_answer(&peer, 1, "200 OK", "", PEER_SDP);
    peer_answer(&peer, 2, "200 OK", "Session: S1\r\n" PEER_TCP, "");
    peer_expect_failure(&peer, -ENOTSUP, 0, FV_RTSP_OTHER_TRANSPORT);
    peer_close(&peer);
}

static void test_bad_answers(void **state)
{
    static const struct {
        const char *name;
        enum stage stage;
        const char *headers, *body;
        int code;
        enum fv_rtsp_advice advice;
    } cases[] = {
        {"no body", AT_DESCRIBE, "", "", -EBADMSG, FV_RTSP_RETRY_LATE},
        {"not SDP", AT_DESCRIBE, "", "<html>", -EBADMSG, FV_RTSP_RETRY_LATE},
        {"H.261", AT_DESCRIBE, "", "v=0\r\nm=video 0 RTP/AVP 31\r\n", -ENOTSUP, FV_RTSP_NO_STREAM},
        {"audio", AT_DESCRIBE, "", "v=0\r\nm=audio 0 RTP/AVP 0\r\n", -ENOENT, FV_RTSP_NO_STREAM},
        {"control", AT_DESCRIBE, "",
         "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:a\tb\r\n", -EBADMSG,
         FV_RTSP_RETRY_LATE},
        {"transport", AT_SETUP, "Transport: x\r\n", "", -EBADMSG, FV_RTSP_RETRY_LATE},
        {"session", AT_SETUP, "Session: ;timeout=3\r\n" PEER_TCP, "", -EBADMSG, FV_RTSP_RETRY_LATE},
        {"session", AT_SETUP, "Session: a b\r\n" PEER_TCP, "", -EBADMSG, FV_RTSP_RETRY_LATE},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        advance_to(state, PEER_URL, cases[i].stage);
        peer_answer(&peer, cases[i].stage + 1, "200 OK", cases[i].headers, cases[i].body);
        peer_expect_failure(&peer, cases[i].code, 0, cases[i].advice);
        peer_close(&peer);
    }
}

static void test_wrong_cseq(void **state)
{
    advance_to(state, PEER_URL, AT_DESCRIBE);
    assert_int_equal(peer_answer(&peer, 1, "200 OK", "", PEER_SDP), -EPROTO);
    peer_expect_failure(&peer, -EPROTO, 0, FV_RTSP_RETRY);
    peer_close(&peer);
    advance_to(state, PEER_URL, AT_DESCRIBE);
    assert_int_equal(peer_say(&peer, "RTSP/1.0 200 OK\r\nCSeq: x\r\n\r\n"), -EPROTO);
    peer_close(&peer);
    /* Nothing is awaited: an answer too many is skipped. */
    advance_to(state, PEER_URL, AT_PLAYING);
    assert_true(peer_answer(&peer, 4, "200 OK", "", "") > 0);
    assert_int_equal(fv_rtsp_counters(peer.session)->stray_responses, 1);
    peer_close(&peer);
}

static void test_server_ends(void **state)
{
    static const struct {
        const char *request;
        enum fv_rtsp_advice advice;
    } cases[] = {
        {"TEARDOWN * RTSP/1.0\r\nCSeq: 7\r\n\r\n", FV_RTSP_RETRY_NOW},
        {"REDIRECT * RTSP/1.0\r\nCSeq: 7\r\n\r\n", FV_RTSP_RETRY_NOW},
        {"REDIRECT * RTSP/1.0\r\nCSeq: 7\r\nLocation: rtsp://10.0.0.9/b\r\n\r\n",
         FV_RTSP_REDIRECTED},
        {"ANNOUNCE * RTSP/1.0\r\nCSeq: 7\r\nContent-Length: 5\r\n\r\nv=0\r\n", FV_RTSP_RETRY_NOW},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        advance_to(state, PEER_URL, AT_PLAYING);
        assert_int_equal(peer_say(&peer, cases[i].request), -ECONNRESET);
        peer_expect_failure(&peer, -ECONNRESET, 0, cases[i].advice);
        peer_expect(&peer, "RTSP/1.0 200 OK\nCSeq: 7");
        /* TEARDOWN is not answered with one. */
        fv_rtsp_close(peer.session, peer.now);
        if (i == 0)
            peer_expect_silence(&peer);
        else
            peer_expect(&peer, "TEARDOWN " PEER_URL " RTSP/1.0");
        peer_close(&peer);
    }
}

/* Garbage between messages: skipped to the next frame of ours or message, counted, bounded. */
static void test_garbage(void **state)
{
    static const char noise[] = "\xff\x00$\x07\x00\x01zRTS$\x00\x00\x02ok";
    advance_to(state, PEER_URL, AT_PLAYING);
    peer_say_bytes(&peer, noise, sizeof(noise) - 1);
    assert_int_equal(peer.rtp, 1);
    assert_memory_equal(peer.packet, "ok", 2);
    assert_int_equal(fv_rtsp_counters(peer.session)->garbage, 10);
    peer_say(&peer, "xyz\1OPTIONS * RTSP/1.0\r\nCSeq: 3\r\n\r\n");
    peer_expect(&peer, "RTSP/1.0 200 OK\nCSeq: 3");
    assert_int_equal(fv_rtsp_counters(peer.session)->garbage, 14);
    /* A junk byte before text is seen at the end of its line. */
    peer_say(&peer, ".RTSP/1.0 200 OK\r\n\r\n");
    assert_int_equal(fv_rtsp_counters(peer.session)->stray_responses, 1);
    assert_int_equal(fv_rtsp_state(peer.session), FV_RTSP_PLAYING);

    static char flood[4098];
    memset(flood, 1, sizeof(flood));
    assert_true(peer_say_bytes(&peer, flood, 4096) >= 0);
    assert_int_equal(peer_say_bytes(&peer, flood, 1), -EBADMSG);
    peer_expect_failure(&peer, -EBADMSG, 0, FV_RTSP_RETRY);
    peer_close(&peer);
}

static void test_not_rtsp(void **state)
{
    advance_to(state, PEER_URL, AT_OPTIONS);
    assert_int_equal(peer_say(&peer, "HTTP/1.1 400 Bad Request\r\n"), -EBADMSG);
    peer_expect_failure(&peer, -EBADMSG, 0, FV_RTSP_RETRY_LATE);
    assert_non_null(strstr(fv_rtsp_failure(peer.session)->reason, "HTTP"));
    peer_close(&peer);
    advance_to(state, PEER_URL, AT_OPTIONS);
    assert_int_equal(peer_say(&peer, "\x15\x03\x01"), -EBADMSG);
    peer_close(&peer);
    advance_to(state, PEER_URL, AT_DESCRIBE);
    assert_int_equal(peer_say(&peer, "RTSP/1.0 OK\r\n"), -EBADMSG);
    peer_expect_failure(&peer, -EBADMSG, 0, FV_RTSP_RETRY);
    peer_close(&peer);
}

static void test_too_long(void **state)
{
    static char head[17000];
    advance_to(state, PEER_URL, AT_DESCRIBE);
    assert_int_equal(peer_say(&peer, "RTSP/1.0 200 OK\r\nContent-Length: 9999999999\r\n\r\n"),
                     -EBADMSG);
    peer_expect_failure(&peer, -EBADMSG, 0, FV_RTSP_RETRY_LATE);
    peer_close(&peer);
    advance_to(state, PEER_URL, AT_DESCRIBE);
    memset(head, 'a', sizeof(head) - 1);
    memcpy(head, "RTSP/1.0 200 OK\r\n", 17);
    assert_int_equal(peer_say(&peer, head), -EBADMSG);
    peer_close(&peer);
}

/* Requests without end, answers that nobody takes. */
static void test_peer_does_not_read(void **state)
{
    advance_to(state, PEER_URL, AT_PLAYING);
    int64_t n = 0;
    for (int i = 0; i < 1000 && n >= 0; i++)
        n = peer_say(&peer, "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n");
    assert_int_equal(n, -ENOBUFS);
    peer_expect_failure(&peer, -ENOBUFS, 0, FV_RTSP_RETRY);
    peer_close(&peer);
}

/* A camera that repeats the password it was sent (Basic) does not get it into our text. */
static void test_no_secret(void **state)
{
    advance_to(state, PEER_LOGIN_URL, AT_DESCRIBE);
    peer_answer(&peer, 2, "401 Unauthorized", "WWW-Authenticate: Basic realm=\"c\"\r\n", "");
    peer_expect(&peer, "Authorization: Basic YWRtaW46c2VjcmV0MTI=");
    peer_answer(&peer, 3, "200 OK", "Server: admin:secret12\r\n",
                "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 secret12/90000\r\n");
    peer_expect_failure(&peer, -ENOTSUP, 0, FV_RTSP_NO_STREAM);
    assert_non_null(strstr(fv_rtsp_failure(peer.session)->reason, "video ********"));
    assert_string_equal(fv_rtsp_server(peer.session), "admin:********");
    const struct fv_rtsp_offer *offers;
    assert_int_equal(fv_rtsp_offers(peer.session, &offers), 1);
    assert_string_equal(offers[0].encoding, "********");
    peer_close(&peer);
}

#define BOTH(test) cmocka_unit_test(test), cmocka_unit_test_prestate(test, &bytewise)

int main(void)
{
    static size_t bytewise = 1;
    const struct CMUnitTest tests[] = {
        BOTH(test_status),
        BOTH(test_reason),
        BOTH(test_wrong_password),
        BOTH(test_login_withdrawn),
        BOTH(test_unsupported_login),
        BOTH(test_redirect),
        BOTH(test_redirect_scheme),
        BOTH(test_transport_mismatch),
        BOTH(test_bad_answers),
        BOTH(test_wrong_cseq),
        BOTH(test_server_ends),
        BOTH(test_garbage),
        BOTH(test_not_rtsp),
        BOTH(test_too_long),
        BOTH(test_peer_does_not_read),
        BOTH(test_no_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
/* Deadlines and keepalives on a clock that the test turns. */
#include <errno.h>

#include "base/str.h"
#include "rtsp/peer.h"

static struct peer peer;

static void at(int64_t now)
{
    peer.now = now;
    assert_int_equal(fv_rtsp_tick(peer.session, now), 0);
}

#define ALL "OPTIONS, GET_PARAMETER, SET_PARAMETER"

static void test_which_method(void **state)
{
    static const struct {
        const char *public_methods, *request;
    } cases[] = {
        {"OPTIONS, GET_PARAMETER, SET_PARAMETER", "GET_PARAMETER"},
        {"OPTIONS,SET_PARAMETER", "SET_PARAMETER"},
        {"options, get_parameter", "GET_PARAMETER"},
        {"OPTIONS, PLAY", "OPTIONS"},
        {"", "OPTIONS"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char line[200];
        struct fv_str str;
        peer_start(&peer, state, PEER_URL);
        peer_play(&peer, cases[i].public_methods, "S1");
        at(PEER_START + 30 * FV_S - 1);
        peer_expect_silence(&peer);
        at(PEER_START + 30 * FV_S);
        fv_str_init(&str, line, sizeof(line));
        fv_str_addf(&str, "%s " PEER_URL " RTSP/1.0\nCSeq: 5\nSession: S1", cases[i].request);
        peer_expect(&peer, line);
        peer_close(&peer);
    }
}

static void test_interval(void **state)
{
    static const struct {
        const char *session;
        int64_t interval;
    } cases[] = {
        {"S1", 30 * FV_S},
        {"S1;timeout=60", 30 * FV_S},
        {"S1;timeout=10", 5 * FV_S},
        {"S1;timeout=8", 3 * FV_S},
        {"S1;timeout=5", FV_S},
        {"S1;timeout=1", FV_S},
        {"S1;timeout=0", 30 * FV_S},
        {"S1;timeout=600", 300 * FV_S},
        {"S1; timeout=x", 30 * FV_S},
        {"S1;timeout=86401", 30 * FV_S},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        peer_start(&peer, state, PEER_URL);
        peer_play(&peer, ALL, cases[i].session);
        assert_true(fv_rtsp_deadline(peer.session) == PEER_START + cases[i].interval);
        peer_close(&peer);
    }
}

/* Counted from when the last one was sent, not from its answer. */
static void test_rhythm(void **state)
{
    peer_start(&peer, state, PEER_URL);
    peer_play(&peer, ALL, "S1");
    for (unsigned i = 0; i < 100; i++) {
        int64_t due = PEER_START + (i + 1) * 30 * FV_S;
        assert_true(fv_rtsp_deadline(peer.session) == due);
        at(due);
        peer_expect(&peer, "GET_PARAMETER " PEER_URL " RTSP/1.0");
        assert_true(fv_rtsp_deadline(peer.session) == due + 5 * FV_S);
        peer.now = due + FV_S;
        assert_true(peer_answer(&peer, 5 + i, "200 OK", "", "") > 0);
    }
    assert_int_equal(fv_rtsp_counters(peer.session)->keepalives, 100);
    peer_close(&peer);
}

static void test_falls_over(void **state)
{
    static const char *const answers[] = {"405 Method Not Allowed", "501 Not Implemented",
                                          "551 Option not supported",
                                          "451 Parameter not understood"};
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        peer_start(&peer, state, PEER_URL);
        peer_play(&peer, ALL, "S1");
        at(PEER_START + 30 * FV_S);
        peer_expect(&peer, "GET_PARAMETER " PEER_URL " RTSP/1.0\nCSeq: 5");
        peer_answer(&peer, 5, answers[i], "", "");
        peer_expect(&peer, "SET_PARAMETER " PEER_URL " RTSP/1.0\nCSeq: 6");
        peer_answer(&peer, 6, answers[i], "", "");
        peer_expect(&peer, "OPTIONS " PEER_URL " RTSP/1.0\nCSeq: 7\nSession: S1");
        peer_answer(&peer, 7, answers[i], "", "");
        peer_expect_silence(&peer);
        assert_true(fv_rtsp_deadline(peer.session) == PEER_START + 60 * FV_S);
        at(PEER_START + 60 * FV_S);
        peer_expect(&peer, "OPTIONS " PEER_URL " RTSP/1.0\nCSeq: 8");
        peer_close(&peer);
    }
}

static void test_session_gone(void **state)
{
    peer_start(&peer, state, PEER_URL);
    peer_play(&peer, ALL, "S1");
    at(PEER_START + 30 * FV_S);
    assert_int_equal(peer_answer(&peer, 5, "454 Session Not Found", "", ""), -ECONNRESET);
    peer_expect_failure(&peer, -ECONNRESET, 454, FV_RTSP_RETRY_NOW);
    peer_expect(&peer, "");
    fv_rtsp_close(peer.session, peer.now);
    peer_expect_silence(&peer);
    peer_close(&peer);
}

static void test_unanswered(void **state)
{
    peer_start(&peer, state, PEER_URL);
    peer_play(&peer, ALL, "S1");
    at(PEER_START + 30 * FV_S);
    at(PEER_START + 35 * FV_S - 1);
    assert_int_equal(fv_rtsp_tick(peer.session, PEER_START + 35 * FV_S), -ETIMEDOUT);
    peer_expect_failure(&peer, -ETIMEDOUT, 0, FV_RTSP_RETRY);
    assert_string_equal(fv_rtsp_failure(peer.session)->reason,
                        "GET_PARAMETER (CSeq 5) was not answered in 5000 ms");
    peer_close(&peer);
}

/* Packets come: the camera lives, it only does not know this keepalive. A late answer is skipped.
 * */
static void test_unanswered_while_media(void **state)
{
    peer_start(&peer, state, PEER_URL);
    peer_play(&peer, ALL, "S1");
    at(PEER_START + 30 * FV_S);
    peer_expect(&peer, "GET_PARAMETER " PEER_URL " RTSP/1.0\nCSeq: 5");
    peer_say_bytes(&peer, "$\0\0\1x", 5);
    at(PEER_START + 35 * FV_S);
    assert_int_equal(fv_rtsp_counters(peer.session)->keepalives_unanswered, 1);
    assert_true(fv_rtsp_deadline(peer.session) == PEER_START + 60 * FV_S);
    at(PEER_START + 60 * FV_S);
    peer_expect(&peer, "SET_PARAMETER " PEER_URL " RTSP/1.0\nCSeq: 6");
    assert_true(peer_answer(&peer, 5, "200 OK", "", "") > 0);
    assert_true(fv_rtsp_deadline(peer.session) == PEER_START + 65 * FV_S);
    assert_true(peer_answer(&peer, 6, "200 OK", "", "") > 0);
    assert_true(fv_rtsp_deadline(peer.session) == PEER_START + 90 * FV_S);
    peer_close(&peer);
}

/* Hours later the nonce is refused: the keepalive is sent again with the new one. */
static void test_new_nonce(void **state)
{
    peer_start(&peer, state, PEER_LOGIN_URL);
    peer_answer(&peer, 1, "401 Unauthorized", "WWW-Authenticate: Digest realm=r,nonce=a\r\n", "");
    peer_answer(&peer, 2, "200 OK", "Public: GET_PARAMETER\r\n", "");
    peer_answer(&peer, 3, "200 OK", "", PEER_SDP);
    peer_answer(&peer, 4, "200 OK", "Session: S1\r\n" PEER_TCP, "");
    peer_answer(&peer, 5, "200 OK", "", "");
    peer_expect(&peer, "");
    at(PEER_START + 30 * FV_S);
    peer_expect(&peer, "CSeq: 6");
    peer_answer(&peer, 6, "401 Unauthorized", "WWW-Authenticate: Digest realm=r,nonce=b\r\n", "");
    peer_expect(&peer, "GET_PARAMETER " PEER_URL " RTSP/1.0\nCSeq: 7");
    peer_answer(&peer, 7, "200 OK", "", "");
    assert_int_equal(fv_rtsp_state(peer.session), FV_RTSP_PLAYING);
    peer_close(&peer);
}

/* Each request has its own deadline, and the sentence says which. */
static void test_every_deadline(void **state)
{
    static const char *const names[] = {"OPTIONS (CSeq 1)", "DESCRIBE (CSeq 2)", "SETUP (CSeq 3)",
                                        "PLAY (CSeq 4)"};
    for (unsigned stage = 0; stage < 4; stage++) {
        struct fv_rtsp_params params = peer_params(PEER_URL);
        params.request_timeout = 2 * FV_S;
        peer_open(&peer, state, &params);
        assert_true(fv_rtsp_deadline(peer.session) == FV_TIME_NEVER);
        assert_int_equal(fv_rtsp_start(peer.session, peer.now), 0);
        for (unsigned i = 0; i < stage; i++) {
            peer.now += FV_S;
            peer_answer(&peer, i + 1, "200 OK", i == 2 ? "Session: S1\r\n" PEER_TCP : "",
                        i == 1 ? PEER_SDP : "");
        }
        assert_true(fv_rtsp_deadline(peer.session) == PEER_START + (stage + 2) * FV_S);
        assert_int_equal(fv_rtsp_tick(peer.session, PEER_START + (stage + 2) * FV_S - 1), 0);
        assert_int_equal(fv_rtsp_tick(peer.session, PEER_START + (stage + 2) * FV_S), -ETIMEDOUT);
        peer_expect_failure(&peer, -ETIMEDOUT, 0, FV_RTSP_RETRY);
        assert_ptr_equal(strstr(fv_rtsp_failure(peer.session)->reason, names[stage]),
                         fv_rtsp_failure(peer.session)->reason);
        peer_close(&peer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_which_method),
        cmocka_unit_test(test_interval),
        cmocka_unit_test(test_rhythm),
        cmocka_unit_test(test_falls_over),
        cmocka_unit_test(test_session_gone),
        cmocka_unit_test(test_unanswered),
        cmocka_unit_test(test_unanswered_while_media),
        cmocka_unit_test(test_new_nonce),
        cmocka_unit_test(test_every_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

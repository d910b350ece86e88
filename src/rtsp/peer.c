// SPDX-License-Identifier: Apache-2.0
#include "rtsp/peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static void on_packet(void *data, bool rtcp, const uint8_t *packet, size_t size)
{
    struct peer *peer = data;
    *(rtcp ? &peer->rtcp : &peer->rtp) += 1;
    peer->packet_size = size < sizeof(peer->packet) ? size : sizeof(peer->packet);
    memcpy(peer->packet, packet, peer->packet_size);
}

static void on_state(void *data, enum fv_rtsp_state from, enum fv_rtsp_state to)
{
    struct peer *peer = data;
    size_t used = strlen(peer->states);
    snprintf(peer->states + used, sizeof(peer->states) - used, "%s%s", used ? ", " : "",
             fv_rtsp_state_name(to));
    assert_int_not_equal(from, to);
}

struct fv_rtsp_params peer_params(const char *url)
{
    struct fv_rtsp_params params = {.lower = FV_RTSP_TCP, .user_agent = "test", .seed = 1};
    assert_int_equal(fv_url_parse(url, &params.url, NULL), 0);
    return params;
}

void peer_open(struct peer *peer, void **state, const struct fv_rtsp_params *params)
{
    struct fv_rtsp_params own = *params;
    memset(peer, 0, sizeof(*peer));
    peer->chunk = *state ? *(size_t *)*state : 0;
    peer->now = PEER_START;
    own.handler = (struct fv_rtsp_handler){on_packet, on_state, peer};
    assert_int_equal(fv_rtsp_create(&own, &peer->session), 0);
}

void peer_start(struct peer *peer, void **state, const char *url)
{
    struct fv_rtsp_params params = peer_params(url);
    peer_open(peer, state, &params);
    assert_int_equal(fv_rtsp_start(peer->session, peer->now), 0);
}

void peer_close(struct peer *peer)
{
    fv_rtsp_destroy(peer->session);
    peer->session = NULL;
}

/* Feeds a copy of exactly the bytes there are, so that sanitizers see a read behind them. */
static int64_t feed_copy(struct peer *peer)
{
    uint8_t *copy = malloc(peer->in_size);
    assert_non_null(copy);
    memcpy(copy, peer->in, peer->in_size);
    int64_t n = fv_rtsp_feed(peer->session, copy, peer->in_size, peer->now);
    free(copy);
    if (n > 0) {
        assert_true((size_t)n <= peer->in_size);
        peer->in_size -= (size_t)n;
        memmove(peer->in, peer->in + n, peer->in_size);
    }
    return n;
}

int64_t peer_say_bytes(struct peer *peer, const void *data, size_t size)
{
    const char *bytes = data;
    int64_t n = 0;
    while (size && n >= 0) {
        size_t part = peer->chunk && peer->chunk < size ? peer->chunk : size;
        assert_true(peer->in_size + part <= sizeof(peer->in));
        memcpy(peer->in + peer->in_size, bytes, part);
        peer->in_size += part;
        bytes += part;
        size -= part;
        n = feed_copy(peer);
    }
    return n;
}

int64_t peer_say(struct peer *peer, const char *text)
{
    return peer_say_bytes(peer, text, strlen(text));
}

int64_t peer_answer(struct peer *peer, unsigned cseq, const char *status, const char *headers,
                    const char *body)
{
    static char text[20000];
    struct fv_str str;
    fv_str_init(&str, text, sizeof(text));
    fv_str_addf(&str, "RTSP/1.0 %s\r\nCSeq: %u\r\n%s", status, cseq, headers);
    if (body[0])
        fv_str_addf(&str, "Content-Type: application/sdp\r\nContent-Length: %zu\r\n", strlen(body));
    fv_str_addf(&str, "\r\n%s", body);
    assert_false(str.overflow);
    return peer_say(peer, text);
}

static void take_output(struct peer *peer)
{
    const uint8_t *data;
    size_t size = fv_rtsp_output(peer->session, &data);
    assert_true(size < sizeof(peer->heard));
    memcpy(peer->heard, data, size);
    peer->heard[size] = '\0';
    /* In two parts, as a socket may. */
    fv_rtsp_sent(peer->session, size / 2);
    assert_int_equal(fv_rtsp_output(peer->session, &data), size - size / 2);
    fv_rtsp_sent(peer->session, size - size / 2);
    assert_int_equal(fv_rtsp_output(peer->session, &data), 0);
}

bool peer_heard(const struct peer *peer, const char *line)
{
    char text[3000];
    snprintf(text, sizeof(text), "%s\r\n", line);
    const char *at = strstr(peer->heard, text);
    return at && (at == peer->heard || at[-1] == '\n');
}

void peer_expect(struct peer *peer, const char *lines)
{
    char line[3000];
    take_output(peer);
    while (*lines) {
        size_t n = strcspn(lines, "\n");
        snprintf(line, sizeof(line), "%.*s", (int)n, lines);
        if (!peer_heard(peer, line))
            fail_msg("\"%s\" is not in:\n%s(%s)", line, peer->heard,
                     fv_rtsp_failure(peer->session)->reason);
        lines += n + (lines[n] == '\n');
    }
}

void peer_expect_silence(struct peer *peer)
{
    take_output(peer);
    assert_string_equal(peer->heard, "");
}

void peer_play(struct peer *peer, const char *public_methods, const char *session)
{
    char headers[400];
    snprintf(headers, sizeof(headers), "Public: %s\r\n", public_methods);
    peer_expect(peer, "OPTIONS " PEER_URL " RTSP/1.0");
    assert_true(peer_answer(peer, 1, "200 OK", headers, "") > 0);
    peer_expect(peer, "DESCRIBE " PEER_URL " RTSP/1.0");
    assert_true(peer_answer(peer, 2, "200 OK", "", PEER_SDP) > 0);
    peer_expect(peer, "SETUP " PEER_URL "/trackID=1 RTSP/1.0");
    snprintf(headers, sizeof(headers), PEER_TCP "Session: %s\r\n", session);
    assert_true(peer_answer(peer, 3, "200 OK", headers, "") > 0);
    peer_expect(peer, "PLAY " PEER_URL " RTSP/1.0");
    assert_true(peer_answer(peer, 4, "200 OK", "", "") > 0);
    assert_int_equal(fv_rtsp_state(peer->session), FV_RTSP_PLAYING);
    peer_expect_silence(peer);
}

void peer_expect_failure(const struct peer *peer, int code, unsigned status,
                         enum fv_rtsp_advice advice)
{
    const struct fv_rtsp_failure *failure = fv_rtsp_failure(peer->session);
    assert_int_equal(fv_rtsp_state(peer->session), FV_RTSP_FAILED);
    if (failure->code != code || failure->status != status || failure->advice != advice)
        fail_msg("code %d, status %u, advice %d: %s", failure->code, failure->status,
                 (int)failure->advice, failure->reason);
    assert_true(failure->reason[0] != '\0');
    assert_null(strstr(failure->reason, "secret12"));
    assert_true(fv_rtsp_deadline(peer->session) == FV_TIME_NEVER);
}

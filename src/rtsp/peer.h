// SPDX-License-Identifier: Apache-2.0
/* Tests only: a session with a scripted server on the other side and a clock that stands still. */
#ifndef FV_RTSP_PEER_H
#define FV_RTSP_PEER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rtsp/session.h"

#define PEER_URL "rtsp://10.0.0.9/live"
#define PEER_LOGIN_URL "rtsp://admin:secret12@10.0.0.9/live"
#define PEER_START (100 * FV_S)

/* One H.264 stream with parameter sets. */
#define PEER_SDP                                                                                   \
    "v=0\r\no=- 1 1 IN IP4 10.0.0.9\r\ns=cam\r\nt=0 0\r\na=control:*\r\n"                          \
    "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"                                           \
    "a=fmtp:96 "                                                                                   \
    "packetization-mode=1;sprop-parameter-sets=Z0LAHtkDxWhAAAADAEAAAAwDxYuS,aMuMsg==\r\n"          \
    "a=framerate:25\r\na=control:trackID=1\r\n"
#define PEER_TCP "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"

struct peer {
    struct fv_rtsp *session;
    int64_t now;
    size_t chunk; /* bytes fed at a time; 0: all at once */
    char in[300000];
    size_t in_size;
    char heard[40000]; /* what the client sent last */
    unsigned rtp, rtcp;
    uint8_t packet[64];
    size_t packet_size;
    char states[400]; /* every change, "AWAIT_OPTIONS>..." as state numbers */
};

struct fv_rtsp_params peer_params(const char *url);
/* *state is NULL or a pointer to a chunk size. */
void peer_open(struct peer *peer, void **state, const struct fv_rtsp_params *params);
/* With peer_params(url), started. */
void peer_start(struct peer *peer, void **state, const char *url);
void peer_close(struct peer *peer);

/* The server says: the result of the last feed(). */
int64_t peer_say_bytes(struct peer *peer, const void *data, size_t size);
int64_t peer_say(struct peer *peer, const char *text);
/* Status line, CSeq, headers (each with its line end) and body. */
int64_t peer_answer(struct peer *peer, unsigned cseq, const char *status, const char *headers,
                    const char *body);
/* The client must have sent a request whose text has each line of `lines` (separated by '\n'). */
void peer_expect(struct peer *peer, const char *lines);
void peer_expect_silence(struct peer *peer);
bool peer_heard(const struct peer *peer, const char *line);

/* OPTIONS to PLAY with plain answers: CSeq 1..4 are used up, session id "S1". */
void peer_play(struct peer *peer, const char *public_methods, const char *session);
/* The session failed with this. */
void peer_expect_failure(const struct peer *peer, int code, unsigned status,
                         enum fv_rtsp_advice advice);

#endif

// SPDX-License-Identifier: Apache-2.0
/*
 * The least RTSP client that makes a well-behaved server on 127.0.0.1 play its first video track: blocking, no credentials, no
 * recovery. For the benchmark's bare loop only; Fovea's own client is src/rtsp.
 */
#ifndef FV_BENCH_CANNED_RTSP_H
#define FV_BENCH_CANNED_RTSP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct canned_rtsp {
    int fd;           /* the connection, still blocking */
    int rtp, rtcp;    /* UDP sockets, or -1 */
    char session[80]; /* without its parameters */
    /* What was read behind the response to PLAY: the first bytes of the stream. */
    size_t rest_size;
    uint8_t rest[16384];
};

/* Plays `url` ("rtsp://127.0.0.1:PORT/PATH"). Ends the process, saying why, when that fails. */
void canned_rtsp_play(const char *url, bool udp, struct canned_rtsp *ret_rtsp);
/* Sends a request that keeps the session alive; its response arrives between the frames. */
void canned_rtsp_keep_alive(const struct canned_rtsp *rtsp, const char *url);

#endif

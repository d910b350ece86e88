// SPDX-License-Identifier: Apache-2.0
/* For the receiver's tests: a receiver on a virtual clock, and what came out of it. */
#ifndef FV_RTP_BENCH_H
#define FV_RTP_BENCH_H

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rtp/packet.h"
#include "rtp/receiver.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PT 96
#define SSRC 0x11223344
#define SPS "6742c01ed903c56840000003004000000c03c58b92" /* 240x160 */
#define SPS_LARGE "67640033ace802800b59"                 /* 2560x1440 */
#define PPS "68ce3c80"
#define SC "00000001"
#define SETS SC SPS SC PPS

struct bench {
    struct fv_buf_pool *pool;
    struct fv_rtp *rtp;
    struct fv_au aus[64]; /* the first ones, kept */
    size_t count;
    /* "F" format, "K" key, "R" recovery point, "p" other, "q" partial, "d" damaged */
    char log[256];
    uint32_t serial;
    struct fv_video_format format;
    uint16_t seq;
    uint32_t ssrc;
    int64_t now;
    int rc;         /* of the last input */
    bool await_key; /* the consumer refuses the next access unit */
};

/* Hexadecimal digits to bytes; returns their number. */
size_t fv_bench_unhex(const char *hex, uint8_t *out);
/* Parameters of a receiver that reports to the bench. */
struct fv_rtp_params fv_bench_params(struct bench *b, enum fv_codec codec, int64_t reorder);
/* The receiver. */
void fv_bench_open(struct bench *b, const struct fv_rtp_params *params);
/* A pool, but no receiver yet. */
void fv_bench_start(struct bench *b);
/* Both, for H.264. */
void fv_bench_init(struct bench *b, int64_t reorder);
/* Both, for another codec. */
void fv_bench_init_codec(struct bench *b, enum fv_codec codec, int64_t reorder,
                         enum fv_on_loss on_loss);
/* Gives all back and checks that nothing leaked. */
void fv_bench_finish(struct bench *b);
/* One packet from memory of its exact size: valgrind and the sanitizers see each byte too many. */
void fv_bench_input(struct bench *b, uint16_t seq, uint32_t ts, bool marker, const uint8_t *payload,
                    size_t size);
/* One packet, payload in hexadecimal. */
void fv_bench_send_at(struct bench *b, uint16_t seq, uint32_t ts, bool marker, const char *hex);
/* The next packet in sequence. */
void fv_bench_send(struct bench *b, uint32_t ts, bool marker, const char *hex);
/* The bytes of the index-th access unit. */
void fv_bench_assert_au(const struct bench *b, size_t index, const char *hex);
/* How often a quirk was met. */
void fv_bench_assert_met(const struct bench *b, enum fv_quirk quirk, uint32_t times);
void fv_bench_assert_no_quirks(const struct bench *b);
/* A key picture as cameras send it: SPS, PPS, slice. */
void fv_bench_send_key(struct bench *b, uint32_t ts);

/* A few packets, and what has come out behind each. */
struct bench_story {
    const char *what;
    int64_t reorder;
    enum fv_on_loss on_loss;
    unsigned damaged; /* pictures, in the end */
    struct bench_step {
        unsigned seq, time; /* from 65534 on; in pictures of 25 a second */
        bool marker;
        const char *packet; /* payload in hexadecimal */
        const char *log;    /* afterwards */
    } steps[8];
};
void fv_bench_tell(enum fv_codec codec, const struct bench_story *stories, size_t count);
/* Each payload alone is refused; `good`, a key picture, that follows it is not. */
void fv_bench_refuse(enum fv_codec codec, const char *const *payloads, size_t count,
                     const char *good);

#endif

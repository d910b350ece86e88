// SPDX-License-Identifier: Apache-2.0
/*
 * The whole receiver on a virtual clock. Streams are written as lists of packets; what must come out is written by hand beside them.
 * A picture is "K" (key) or "p"; its bytes are compared with what was put in.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "rtp/packet.h"
#include "rtp/receiver.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PT 96
#define SSRC 0x11223344
#define SPS "6742c01ed903c56840000003004000000c03c58b92" /* 240x160 */
#define SPS_LARGE                                                                                  \
    "6764"                                                                                         \
    "0033ace802800b59" /* 2560x1440 */
#define PPS "68ce3c80"
#define SC "00000001"
#define SETS SC SPS SC PPS

static size_t unhex(const char *hex, uint8_t *out)
{
    size_t size = 0;
    for (; hex[0] && hex[1]; hex += 2) {
        const char digits[3] = {hex[0], hex[1], 0};
        out[size++] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return size;
}

/* The bench: a receiver, and what came out of it. */
struct bench {
    struct fv_buf_pool *pool;
    struct fv_rtp *rtp;
    struct fv_au aus[64]; /* the first ones, kept */
    size_t count;
    char log[256]; /* "F" format, "K" key, "p" other, "d" damaged */
    uint32_t serial;
    struct fv_video_format format;
    uint16_t seq;
    uint32_t ssrc;
    int64_t now;
    int rc;         /* of the last input */
    bool await_key; /* the consumer refuses the next access unit */
};

static void add_log(struct bench *b, char c)
{
    size_t length = strlen(b->log);
    if (length + 1 < sizeof(b->log))
        b->log[length] = c;
}

static void on_au(void *data, const struct fv_au *au)
{
    struct bench *b = data;
    add_log(b, au->flags & FV_FRAME_DAMAGED ? 'd' : au->flags & FV_FRAME_KEY ? 'K' : 'p');
    for (size_t i = 0; i < FV_AU_PADDING; i++)
        assert_int_equal(au->buf->data[au->size + i], 0);
    assert_memory_equal(au->buf->data, "\0\0\0\1", 4);
    if (b->count < COUNT(b->aus))
        b->aus[b->count] = fv_au_share(au);
    b->count++;
    if (b->await_key) {
        b->await_key = false;
        fv_rtp_await_key(b->rtp);
    }
}

static void on_format(void *data, const struct fv_video_format *format, uint32_t serial)
{
    struct bench *b = data;
    add_log(b, 'F');
    b->format = *format;
    b->serial = serial;
}

static struct fv_rtp_params params_of(struct bench *b, enum fv_codec codec, int64_t reorder)
{
    return (struct fv_rtp_params){
        .codec = fv_codec_ops(codec),
        .payload_type = PT,
        .clock_rate = 90000,
        .reorder = reorder,
        .camera = 9,
        .pool = b->pool,
        .epoch = 3,
        .format = 7,
        .seed = 1,
        .handler = {on_au, on_format, b},
    };
}

static void bench_open(struct bench *b, const struct fv_rtp_params *params)
{
    assert_int_equal(fv_rtp_create(params, &b->rtp), 0);
}

static void bench_start(struct bench *b)
{
    *b = (struct bench){.seq = 100, .ssrc = SSRC, .now = FV_S};
    assert_int_equal(fv_buf_pool_create(256u << 20, 64u << 20, &b->pool), 0);
}

static void bench_init(struct bench *b, int64_t reorder)
{
    bench_start(b);
    struct fv_rtp_params params = params_of(b, FV_CODEC_H264, reorder);
    bench_open(b, &params);
}

static void bench_finish(struct bench *b)
{
    for (size_t i = 0; i < b->count && i < COUNT(b->aus); i++)
        fv_au_drop(&b->aus[i]);
    fv_rtp_destroy(b->rtp);
    struct fv_buf_stats stats;
    fv_buf_pool_stats(b->pool, &stats);
    assert_int_equal(stats.bytes_used, 0); /* nothing leaked */
    fv_buf_pool_destroy(b->pool);
}

/* Every packet comes from memory of its exact size, so that valgrind and the sanitizers see each byte too many. */
static void input(struct bench *b, uint16_t seq, uint32_t ts, bool marker, const uint8_t *payload,
                  size_t size)
{
    uint8_t *packet = malloc(12 + size);
    assert_non_null(packet);
    fv_rtp_write_header(packet, marker, PT, seq, ts, b->ssrc);
    memcpy(packet + 12, payload, size);
    b->rc = fv_rtp_input(b->rtp, packet, 12 + size, b->now);
    free(packet);
}

static void send_at(struct bench *b, uint16_t seq, uint32_t ts, bool marker, const char *hex)
{
    uint8_t payload[2048];
    input(b, seq, ts, marker, payload, unhex(hex, payload));
}

static void send(struct bench *b, uint32_t ts, bool marker, const char *hex)
{
    send_at(b, b->seq++, ts, marker, hex);
}

static void assert_au(const struct bench *b, size_t index, const char *hex)
{
    uint8_t expected[4096];
    size_t size = unhex(hex, expected);
    assert_true(index < b->count);
    assert_int_equal(b->aus[index].size, size);
    assert_memory_equal(b->aus[index].buf->data, expected, size);
}

static void assert_met(const struct bench *b, enum fv_quirk quirk, uint32_t times)
{
    assert_int_equal(fv_rtp_quirks(b->rtp)->met[quirk], times);
}

static void assert_no_quirks(const struct bench *b)
{
    for (unsigned i = 0; i < FV_QUIRK_COUNT; i++)
        assert_met(b, (enum fv_quirk)i, 0);
}

/* A key picture as cameras send it: SPS, PPS, slice. */
static void send_key(struct bench *b, uint32_t ts)
{
    send(b, ts, false, SPS);
    send(b, ts, false, PPS);
    send(b, ts, true, "658811");
}

/* Scripts: one row a packet; `log` is what must have come out after it. */

struct packet {
    int seq;     /* from 0 */
    unsigned ts; /* pictures of 3600 ticks */
    bool marker;
    const char *payload;
    const char *log;
};

struct script {
    const char *name;
    int64_t reorder;
    enum fv_on_loss on_loss;
    struct {
        uint64_t damaged, skipped, lost, invalid;
    } stats;
    struct packet packets[20];
};

#define KEY0                                                                                       \
    {0, 0, false, SPS, ""}, {1, 0, false, PPS, ""},                                                \
    {                                                                                              \
        2, 0, true, "658811", "FK"                                                                 \
    }

static const struct script scripts[] = {
    {"single NAL units", 0, FV_ON_LOSS_SKIP, {0, 0, 0, 0}, {KEY0, {3, 1, true, "419a22", "FKp"}}},
    {"STAP-A",
     0,
     FV_ON_LOSS_SKIP,
     {0, 0, 0, 0},
     {{0, 0, true,
       "78"
       "0015" SPS "0004" PPS "0003"
       "658811",
       "FK"},
      {1, 1, true,
       "78"
       "0003"
       "419a22",
       "FKp"}}},
    {"FU-A",
     0,
     FV_ON_LOSS_SKIP,
     {0, 0, 0, 0},
     {{0, 0, false,
       "78"
       "0015" SPS "0004" PPS,
       ""},
      {1, 0, false,
       "7c85"
       "8811",
       ""},
      {2, 0, false,
       "7c05"
       "22",
       ""},
      {3, 0, true,
       "7c45"
       "33",
       "FK"},
      {4, 1, false,
       "5c81"
       "9a",
       "FK"},
      {5, 1, true,
       "5c41"
       "22",
       "FKp"}}},
    {"several slices",
     0,
     FV_ON_LOSS_SKIP,
     {0, 0, 0, 0},
     {{0, 0, false, SPS, ""},
      {1, 0, false, PPS, ""},
      {2, 0, false, "658811", ""},
      {3, 0, true, "652211", "FK"},
      {4, 1, false, "419a", "FK"},
      {5, 1, false, "4120", "FK"},
      {6, 1, true, "4121", "FKp"}}},
    {"nothing before the first key picture",
     0,
     FV_ON_LOSS_FLAG,
     {0, 2, 0, 0},
     {{0, 0, true, "419a22", ""},
      {1, 1, true, "419a22", ""},
      {2, 2, false, SPS, ""},
      {3, 2, false, PPS, ""},
      {4, 2, true, "658811", "FK"}}},
    {"no parameter sets: no decoder could start",
     0,
     FV_ON_LOSS_SKIP,
     {0, 2, 0, 0},
     {{0, 0, true, "658811", ""},
      {1, 1, false, SPS, ""},
      {2, 1, true, "658811", ""},
      {3, 2, false, PPS, ""},
      {4, 2, true, "658811", "FK"}}},
    {"loss within a picture: skip",
     0,
     FV_ON_LOSS_SKIP,
     {1, 1, 1, 0},
     {KEY0,
      {3, 1, false, "419a", "FK"},
      {5, 1, true, "4121", "FK"},
      {6, 2, true, "419a", "FK"},
      {7, 3, true, "658811", "FKK"},
      {8, 4, true, "419a", "FKKp"}}},
    {"loss within a picture: flag",
     0,
     FV_ON_LOSS_FLAG,
     {2, 0, 1, 0},
     {KEY0,
      {3, 1, false, "419a", "FK"},
      {5, 1, true, "4121", "FKd"},
      {6, 2, true, "419a", "FKdd"},
      {7, 3, true, "658811", "FKddK"},
      {8, 4, true, "419a", "FKddKp"}}},
    {"a whole picture lost",
     0,
     FV_ON_LOSS_SKIP,
     {0, 1, 2, 0},
     {KEY0, {5, 2, true, "419a", "FK"}, {6, 3, true, "658811", "FKK"}}},
    {"a whole picture lost: flag",
     0,
     FV_ON_LOSS_FLAG,
     {1, 0, 2, 0},
     {KEY0, {5, 2, true, "419a", "FKd"}, {6, 3, true, "658811", "FKdK"}}},
    {"loss before a key picture that begins well",
     0,
     FV_ON_LOSS_SKIP,
     {0, 0, 1, 0},
     {KEY0, {4, 1, true, "658811", "FKK"}}},
    {"the head of a key picture lost",
     0,
     FV_ON_LOSS_SKIP,
     {1, 0, 1, 0},
     {KEY0, {4, 1, true, "652211", "FK"}, {5, 2, true, "658811", "FKK"}}},
    {"the tail of a picture lost",
     0,
     FV_ON_LOSS_SKIP,
     {1, 0, 1, 0},
     {KEY0, {3, 1, false, "419a", "FK"}, {5, 2, true, "658811", "FKK"}}},
    {"start of a fragment lost",
     0,
     FV_ON_LOSS_SKIP,
     {1, 0, 1, 0},
     {KEY0,
      {4, 1, false,
       "7c01"
       "22",
       "FK"},
      {5, 1, true,
       "7c41"
       "22",
       "FK"},
      {6, 2, true, "658811", "FKK"}}},
    {"middle of a fragment lost: flag",
     0,
     FV_ON_LOSS_FLAG,
     {1, 0, 1, 0},
     {KEY0,
      {3, 1, false,
       "7c81"
       "9a",
       "FK"},
      {5, 1, false,
       "7c01"
       "22",
       "FK"},
      {6, 1, true,
       "7c41"
       "22",
       "FKd"},
      {7, 2, true, "658811", "FKdK"}}},
    {"damage in a key picture: flag does not start there",
     0,
     FV_ON_LOSS_FLAG,
     {1, 0, 1, 0},
     {{0, 0, false, SPS, ""},
      {1, 0, false, PPS, ""},
      {2, 0, false, "658811", ""},
      {4, 0, true, "652211", ""},
      {5, 1, true, "658811", "FK"}}},
    {"unsupported and malformed payloads",
     0,
     FV_ON_LOSS_SKIP,
     {2, 0, 0, 7},
     {KEY0,
      {3, 1, false, "790000000341", "FK"},
      {4, 1, false, "7a00", "FK"},
      {5, 1, false, "7b00", "FK"},
      {6, 1, false, "7d8100", "FK"},
      {7, 1, false, "7c", "FK"},
      {8, 1, false, "7c98aa", "FK"},
      {9, 1, true, "419a", "FK"},
      {10, 2, true,
       "78"
       "0004"
       "658811",
       "FK"},
      {11, 3, true, "658811", "FKK"}}},
    {"forbidden bit: damaged",
     0,
     FV_ON_LOSS_SKIP,
     {1, 0, 0, 0},
     {KEY0, {3, 1, true, "c19a", "FK"}, {4, 2, true, "658811", "FKK"}}},
    {"filler and end of sequence",
     0,
     FV_ON_LOSS_SKIP,
     {0, 0, 0, 0},
     {KEY0, {3, 0, false, "0cff", "FK"}, {4, 1, false, "419a", "FK"}, {5, 1, true, "0cff", "FKp"}}},
    {"UDP: two swapped",
     60 * FV_MS,
     FV_ON_LOSS_SKIP,
     {0, 0, 0, 0},
     {{0, 0, false, SPS, ""},
      {2, 0, true, "658811", ""},
      {1, 0, false, PPS, "FK"},
      {3, 1, true, "419a", "FKp"}}},
    {"UDP: duplicates",
     60 * FV_MS,
     FV_ON_LOSS_SKIP,
     {0, 0, 0, 0},
     {KEY0,
      {2, 0, true, "658811", "FK"},
      {3, 1, true, "419a", "FKp"},
      {3, 1, true, "419a", "FKp"}}},
    {"UDP: lowest of many comes last",
     60 * FV_MS,
     FV_ON_LOSS_SKIP,
     {0, 0, 0, 0},
     {KEY0,
      {6, 4, true, "419a", "FK"},
      {5, 3, true, "419a", "FK"},
      {4, 2, true, "419a", "FK"},
      {5, 3, true, "419a", "FK"},
      {3, 1, true, "419a", "FKpppp"}}},
    /* quirks */
    {"marker missing everywhere",
     0,
     FV_ON_LOSS_SKIP,
     {0, 0, 0, 0},
     {{0, 0, false, SPS, ""},
      {1, 0, false, PPS, ""},
      {2, 0, false, "658811", ""},
      {3, 1, false, "419a", "FK"},
      {4, 2, false, "419a", "FKp"},
      {5, 3, false, "419a", "FKpp"}}},
    {"marker on every packet, fragments",
     0,
     FV_ON_LOSS_SKIP,
     {0, 0, 0, 0},
     {{0, 0, true, SPS, ""},
      {1, 0, true, PPS, ""},
      {2, 0, true,
       "7c85"
       "88",
       ""},
      {3, 0, true,
       "7c05"
       "22",
       ""},
      {4, 0, true,
       "7c45"
       "33",
       ""},
      {5, 1, true, "419a", "FK"},
      {6, 2, true, "419a", "FKp"}}},
    {"marker on every packet, slices",
     0,
     FV_ON_LOSS_SKIP,
     {0, 0, 0, 0},
     {{0, 0, true, SPS, ""},
      {1, 0, true, PPS, ""},
      {2, 0, true, "6588", ""},
      {3, 0, true, "6522", ""},
      {4, 1, true, "419a", "FK"},
      {5, 1, true, "4121", "FK"},
      {6, 2, true, "419a", "FKp"}}},
    {"marker on every slice: learned at the first fault",
     0,
     FV_ON_LOSS_SKIP,
     {1, 1, 0, 0},
     {{0, 0, false, SPS, ""},
      {1, 0, false, PPS, ""},
      {2, 0, true, "6588", "FK"},
      {3, 0, true, "6522", "FK"},
      {4, 1, true, "419a", "FK"},
      {5, 1, true, "4121", "FK"},
      {6, 2, true, "6588", "FK"},
      {7, 2, true, "6522", "FK"},
      {8, 3, true, "419a", "FKK"},
      {9, 3, true, "4121", "FKK"},
      {10, 4, true, "419a", "FKKp"}}},
    {"timestamp stands still, no markers",
     0,
     FV_ON_LOSS_SKIP,
     {0, 0, 0, 0},
     {{0, 0, false, SPS, ""},
      {1, 0, false, PPS, ""},
      {2, 0, false, "6588", ""},
      {3, 0, false, "6522", ""},
      {4, 0, false, "419a", "FK"},
      {5, 0, false, "4121", "FK"},
      {6, 0, false, "0910", "FKp"},
      {7, 0, false, "419a", "FKp"},
      {8, 0, false, "419a", "FKpp"}}},
    {"parameter sets under the timestamp before",
     0,
     FV_ON_LOSS_SKIP,
     {0, 0, 0, 0},
     {{0, 0, true, SPS, ""},
      {1, 0, true, PPS, ""},
      {2, 1, false,
       "7c85"
       "88",
       ""},
      {3, 1, true,
       "7c45"
       "22",
       "FK"}}},
    {"FU-A without end bit",
     0,
     FV_ON_LOSS_SKIP,
     {0, 0, 0, 0},
     {{0, 0, false, SPS, ""},
      {1, 0, false, PPS, ""},
      {2, 0, false,
       "7c85"
       "88",
       ""},
      {3, 0, true,
       "7c05"
       "22",
       ""},
      {4, 1, false,
       "7c81"
       "9a",
       "FK"},
      {5, 1, true,
       "7c01"
       "22",
       "FKp"},
      {6, 2, true,
       "7c81"
       "9a",
       "FKpp"}}},
    {"FU-A without start bit",
     0,
     FV_ON_LOSS_SKIP,
     {0, 0, 0, 0},
     {{0, 0, false, SPS, ""},
      {1, 0, false, PPS, ""},
      {2, 0, false,
       "7c05"
       "88",
       ""},
      {3, 0, false,
       "7c05"
       "22",
       ""},
      {4, 0, true,
       "7c45"
       "33",
       "FK"},
      {5, 1, false,
       "7c01"
       "9a",
       "FK"},
      {6, 1, true,
       "7c41"
       "22",
       "FKp"}}},
    {"FU-A with start bit on every fragment",
     0,
     FV_ON_LOSS_SKIP,
     {1, 0, 0, 0},
     {{0, 0, false, SPS, ""},
      {1, 0, false, PPS, ""},
      {2, 0, false,
       "7c85"
       "88",
       ""},
      {3, 0, false,
       "7c85"
       "22",
       ""},
      {4, 0, true,
       "7cc5"
       "33",
       ""},
      {5, 1, false,
       "7c85"
       "88",
       ""},
      {6, 1, false,
       "7c85"
       "22",
       ""},
      {7, 1, true,
       "7cc5"
       "33",
       "FK"}}},
    {"FU-A with an early end bit",
     0,
     FV_ON_LOSS_SKIP,
     {0, 0, 0, 0},
     {{0, 0, false, SPS, ""},
      {1, 0, false, PPS, ""},
      {2, 0, false,
       "7c85"
       "88",
       ""},
      {3, 0, false,
       "7c45"
       "22",
       ""},
      {4, 0, true,
       "7c45"
       "33",
       "FK"}}},
    {"empty payloads",
     0,
     FV_ON_LOSS_SKIP,
     {0, 0, 0, 0},
     {KEY0,
      {3, 1, false, "", "FK"},
      {4, 1, false, "419a", "FK"},
      {5, 1, true, "", "FKp"},
      {6, 2, true,
       "78"
       "0000"
       "0002"
       "419a",
       "FKpp"}}},
    {"reserved types are left out",
     0,
     FV_ON_LOSS_SKIP,
     {0, 0, 0, 0},
     {KEY0, {3, 1, false, "1e00", "FK"}, {4, 1, true, "419a", "FKp"}}},
};

static void run_script(const struct script *script)
{
    struct bench b;
    bench_start(&b);
    struct fv_rtp_params params = params_of(&b, FV_CODEC_H264, script->reorder);
    params.on_loss = script->on_loss;
    bench_open(&b, &params);
    print_message("%s\n", script->name);
    for (const struct packet *p = script->packets; p->payload; p++) {
        send_at(&b, (uint16_t)(65533 + p->seq), 0xffffff00 + 3600 * p->ts, p->marker,
                p->payload); /* both wrap */
        assert_string_equal(b.log, p->log);
    }
    const struct fv_rtp_stats *stats = fv_rtp_stats(b.rtp);
    assert_int_equal(stats->damaged, script->stats.damaged);
    assert_int_equal(stats->skipped, script->stats.skipped);
    assert_int_equal(stats->lost, script->stats.lost);
    assert_int_equal(stats->invalid, script->stats.invalid);
    bench_finish(&b);
}

static void test_scripts(void **state)
{
    for (size_t i = 0; i < COUNT(scripts); i++)
        run_script(&scripts[i]);
}

/* What exactly is in an access unit */

static void test_contents(void **state)
{
    struct bench b;
    bench_init(&b, 0);
    send(&b, 3000, false, "0910");
    send(&b, 3000, false,
         "78"
         "0015" SPS "0004" PPS);
    send(&b, 3000, false, "060102");
    b.now += 5 * FV_MS;
    send(&b, 3000, false,
         "7c85"
         "8811");
    send(&b, 3000, false,
         "7c05"
         "");
    send(&b, 3000, false,
         "7c05"
         "2233");
    b.now += 5 * FV_MS;
    send(&b, 3000, true,
         "7c45"
         "44");
    b.now += 30 * FV_MS;
    send(&b, 6600, true, "419a22");
    assert_int_equal(b.count, 2);
    assert_au(&b, 0,
              SC "0910" SETS SC "060102" SC "65"
                 "8811"
                 "2233"
                 "44");
    assert_au(&b, 1, SC "419a22");
    const struct fv_au *au = &b.aus[0];
    assert_int_equal(au->codec, FV_CODEC_H264);
    assert_int_equal(au->camera, 9);
    assert_int_equal(au->epoch, 3);
    assert_int_equal(au->format, 7);
    assert_int_equal(au->flags, FV_FRAME_KEY);
    assert_int_equal(au->rtp_time, 3000);
    assert_int_equal(au->pts, 0);
    assert_int_equal(au->wall, FV_TIME_UNKNOWN);
    assert_int_equal(au->first_packet, FV_S);
    assert_int_equal(au->last_packet, FV_S + 10 * FV_MS);
    assert_int_equal(au->delivered, FV_S + 10 * FV_MS);
    assert_int_equal(b.aus[1].pts, 40 * FV_MS);
    assert_int_equal(b.aus[1].flags, 0);
    assert_int_equal(b.serial, 7);
    assert_int_equal(b.format.width, 240);
    assert_no_quirks(&b);
    const struct fv_rtp_stats *stats = fv_rtp_stats(b.rtp);
    assert_int_equal(stats->packets, 8);
    assert_int_equal(stats->access_units, 2);
    assert_int_equal(stats->keyframes, 1);
    assert_int_equal(stats->last_packet, FV_S + 40 * FV_MS);
    assert_int_equal(stats->last_au, FV_S + 40 * FV_MS);
    assert_int_equal(stats->video.height, 160);
    assert_false(stats->waiting_key);
    assert_true(isnan(stats->drift_ppm));
    bench_finish(&b);
}

/* Parameter sets from the SDP stand in front, behind the delimiter, when the camera does not send its own. */
static void test_sets_from_sdp(void **state)
{
    struct bench b;
    bench_start(&b);
    uint8_t sets[64];
    struct fv_rtp_params params = params_of(&b, FV_CODEC_H264, 0);
    params.sets_size = unhex(SC SPS SC PPS, sets);
    params.sets = sets;
    bench_open(&b, &params);
    memset(sets, 0, sizeof(sets)); /* borrowed during create only */
    send(&b, 0, true, "658811");
    send(&b, 3600, false, "0910");
    send(&b, 3600, false, "060102");
    send(&b, 3600, true, "658822");
    send(&b, 7200, false, SPS); /* half of them in band */
    send(&b, 7200, true, "658833");
    assert_string_equal(b.log, "FKKK");
    assert_au(&b, 0, SETS SC "658811");
    assert_au(&b, 1, SC "0910" SETS SC "060102" SC "658822");
    assert_au(&b, 2, SETS SC SPS SC "658833");
    bench_finish(&b);
}

static void test_format_change(void **state)
{
    struct bench b;
    bench_init(&b, 0);
    send_key(&b, 0);
    send_key(&b, 3600); /* the same sets: no event */
    assert_string_equal(b.log, "FKK");
    send(&b, 7200, false, SPS_LARGE);
    send(&b, 7200, false, PPS);
    assert_string_equal(b.log, "FKK"); /* in force with the picture, not before */
    send(&b, 7200, true, "658811");
    assert_string_equal(b.log, "FKKFK");
    assert_int_equal(b.serial, 8);
    assert_int_equal(b.format.width, 2560);
    assert_int_equal(b.aus[1].format, 7);
    assert_int_equal(b.aus[2].format, 8);
    assert_int_equal(fv_rtp_stats(b.rtp)->format, 8);
    assert_met(&b, FV_QUIRK_SETS_CHANGED, 1);
    send(&b, 10800, true, "658811"); /* the newest sets are put in front */
    assert_au(&b, 3, SC SPS_LARGE SC PPS SC "658811");
    bench_finish(&b);
}

static void test_annexb_payloads(void **state)
{
    struct bench b;
    bench_init(&b, 0);
    send(&b, 0, true,
         SC SPS SC PPS "000001"
                       "658811");                 /* all in one packet */
    send(&b, 3600, true, SPS SC PPS SC "658822"); /* without the first start code */
    send(&b, 7200, true,
         "000001"
         "419a");
    send(&b, 10800, false,
         "7c87"
         "42c01ed903c56840000003004000000c03c58b92" SC PPS); /* the same in fragments */
    send(&b, 10800, true, "7c47" SC "658833");
    assert_string_equal(b.log, "FKKpK");
    assert_au(&b, 0, SETS SC "658811");
    assert_au(&b, 1, SETS SC "658822");
    assert_au(&b, 2, SC "419a");
    assert_au(&b, 3, SETS SC "658833");
    assert_met(&b, FV_QUIRK_ANNEXB, 4);
    bench_finish(&b);
}

static void test_quirk_contents(void **state)
{
    struct bench b;
    bench_init(&b, 0);
    send_key(&b, 0);
    send(&b, 3600, false,
         "7c81"
         "9a"); /* early end */
    send(&b, 3600, false,
         "7c41"
         "22");
    send(&b, 3600, true,
         "7c41"
         "33");
    assert_au(&b, 1, SC "619a2233");
    assert_met(&b, FV_QUIRK_FU_EARLY_END, 1);
    send(&b, 7200, false,
         "7c81"
         "9a"); /* repeated start: end bits are known by now */
    send(&b, 7200, false,
         "7c81"
         "22");
    send(&b, 7200, true,
         "7cc1"
         "33");
    assert_au(&b, 2, SC "619a2233");
    assert_met(&b, FV_QUIRK_FU_REPEATED_START, 2);
    assert_met(&b, FV_QUIRK_FU_WHOLE, 1);
    send(&b, 10800, true,
         "7cc1"
         "9a44");
    assert_au(&b, 3, SC "619a44");
    send(&b, 14400, true,
         "78"
         "0002"
         "419a"
         "00");
    assert_au(&b, 4, SC "419a");
    assert_met(&b, FV_QUIRK_AGGREGATE_TAIL, 1);
    assert_int_equal(fv_rtp_stats(b.rtp)->damaged, 0);
    bench_finish(&b);
}

static void test_padding_lie(void **state)
{
    struct bench b;
    bench_init(&b, 0);
    send_key(&b, 0);
    uint8_t packet[32];
    size_t size = unhex("a0e00067"
                        "00000e10"
                        "11223344"
                        "419aff",
                        packet);
    assert_int_equal(fv_rtp_input(b.rtp, packet, size, b.now), 0);
    assert_au(&b, 1, SC "419aff");
    assert_met(&b, FV_QUIRK_PADDING_LIE, 1);
    bench_finish(&b);
}

/* H.265 */

#define VPS5 "40010c01ffff016000000300b0000003000003005aac0c00000300040000030032a8"
#define SPS5                                                                                       \
    "420101016000000300b0000003000003005aa0058201e1636b92452fcdc14181410000030001000003000ca1"
#define PPS5 "4401c0f2c68d03b340"

static void test_h265(void **state)
{
    struct bench b;
    bench_start(&b);
    struct fv_rtp_params params = params_of(&b, FV_CODEC_H265, 0);
    bench_open(&b, &params);
    send(&b, 0, false, VPS5);
    send(&b, 0, false, SPS5);
    send(&b, 0, false, PPS5);
    send(&b, 0, false,
         "620193"
         "af01"); /* FU of type 19 */
    send(&b, 0, false,
         "620113"
         "02");
    send(&b, 0, true,
         "620153"
         "03");
    send(&b, 3600, true,
         "6001"
         "0004"
         "0201d011"
         "0004"
         "02015011"); /* AP of two slices */
    send(&b, 7200, true, "0201d0");
    send(&b, 10800, true, "2a01a0"); /* CRA */
    assert_string_equal(b.log, "FKppK");
    assert_au(&b, 0,
              SC VPS5 SC SPS5 SC PPS5 SC "2601"
                                         "af010203");
    assert_au(&b, 1, SC "0201d011" SC "02015011");
    assert_au(&b, 3, SC VPS5 SC SPS5 SC PPS5 SC "2a01a0");
    assert_int_equal(b.format.width, 704);
    assert_no_quirks(&b);
    send(&b, 14400, false,
         "6401"
         "00"); /* PACI */
    assert_int_equal(b.rc, -EBADMSG);
    send(&b, 14400, true, "0201d0");
    send(&b, 18000, true, "6201"); /* no FU header */
    assert_int_equal(b.rc, -EBADMSG);
    send(&b, 21600, true, "2601af");
    assert_string_equal(b.log, "FKppKK");
    assert_int_equal(fv_rtp_stats(b.rtp)->damaged, 2);
    assert_int_equal(fv_rtp_stats(b.rtp)->invalid, 2);
    bench_finish(&b);
}

/* Order and time */

static void test_reorder_deadline(void **state)
{
    struct bench b;
    bench_init(&b, 60 * FV_MS);
    send_key(&b, 0); /* 100..102 */
    assert_int_equal(fv_rtp_deadline(b.rtp), FV_TIME_NEVER);
    b.now = 2 * FV_S;
    send_at(&b, 105, 10800, true, "658822"); /* 103, 104 are missing */
    assert_int_equal(fv_rtp_deadline(b.rtp), 2 * FV_S + 60 * FV_MS);
    b.now += 20 * FV_MS;
    send_at(&b, 104, 7200, true, "419a");
    assert_int_equal(fv_rtp_deadline(b.rtp), 2 * FV_S + 60 * FV_MS);
    fv_rtp_tick(b.rtp, 2 * FV_S + 60 * FV_MS - 1);
    assert_string_equal(b.log, "FK");
    fv_rtp_tick(b.rtp, 2 * FV_S + 60 * FV_MS);
    assert_string_equal(b.log, "FKK"); /* 104 lacks its reference, 105 is a key picture */
    assert_int_equal(b.aus[1].last_packet, 2 * FV_S);
    assert_int_equal(b.aus[1].delivered, 2 * FV_S + 60 * FV_MS);
    assert_int_equal(fv_rtp_deadline(b.rtp), FV_TIME_NEVER);
    assert_int_equal(fv_rtp_stats(b.rtp)->lost, 1);
    send_at(&b, 103, 3600, true, "419a"); /* too late */
    assert_string_equal(b.log, "FKK");
    assert_int_equal(fv_rtp_stats(b.rtp)->lost, 0); /* A.3: it arrived */
    assert_int_equal(fv_rtp_stats(b.rtp)->reordered, 2);
    assert_int_equal(fv_rtp_stats(b.rtp)->skipped, 1);
    b.now = 3 * FV_S;
    send_at(&b, 108, 21600, true, "419a"); /* two gaps, one deadline each */
    b.now += 10 * FV_MS;
    send_at(&b, 110, 28800, true, "658833");
    fv_rtp_tick(b.rtp, 3 * FV_S + 60 * FV_MS);
    assert_int_equal(fv_rtp_deadline(b.rtp), 3 * FV_S + 70 * FV_MS);
    send_at(&b, 109, 25200, true, "419a"); /* in time for the second */
    assert_string_equal(b.log, "FKKK");
    bench_finish(&b);
}

/* A deadline that passed counts at the next packet, even if nobody ticks. */
static void test_reorder_late_owner(void **state)
{
    struct bench b;
    bench_init(&b, 60 * FV_MS);
    send_key(&b, 0);
    send_at(&b, 104, 7200, true, "658822");
    b.now += 61 * FV_MS;
    send_at(&b, 105, 10800, true, "419a");
    assert_string_equal(b.log, "FKKp");
    bench_finish(&b);
}

/* More packets than the window holds: the gap is given up early, nothing else is lost. */
static void test_reorder_full(void **state)
{
    struct bench b;
    bench_init(&b, FV_S);
    send_key(&b, 0);
    for (unsigned i = 0; i < 255; i++)
        send_at(&b, (uint16_t)(104 + i), 3600 * (2 + i), true, i ? "419a" : "658822");
    assert_string_equal(b.log, "FK");
    send_at(&b, 104 + 255, 3600 * 300, true, "419a");
    assert_int_equal(b.count, 1 + 256);
    assert_int_equal(fv_rtp_stats(b.rtp)->lost, 1);
    send_at(&b, 2000, 3600 * 301, true, "658833"); /* farther than the window: at once */
    assert_int_equal(b.count, 1 + 256 + 1);
    bench_finish(&b);
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
        bench_init(&b, 60 * FV_MS);
        send_key(&b, 0);
        unsigned left[] = {0, 1, 2, 3, 4}, rest = code;
        for (unsigned n = 5; n > 0; n--) {
            unsigned pick = rest % n, i = left[pick];
            rest /= n;
            memmove(left + pick, left + pick + 1, (n - pick - 1) * sizeof(left[0]));
            send_at(&b, (uint16_t)(103 + i), 3600 * times[i], i != 0, payloads[i]);
        }
        assert_string_equal(b.log, "FKppKp");
        assert_au(&b, 1, SC "619a22");
        assert_int_equal(fv_rtp_stats(b.rtp)->lost, 0);
        bench_finish(&b);
    }
}

static void test_restart_tcp(void **state)
{
    struct bench b;
    bench_init(&b, 0);
    send_key(&b, 0);
    send(&b, 3600, false, "419a"); /* unfinished */
    b.ssrc = 0x55667788;
    b.seq = 40000;
    send(&b, 0x70000000, true, "419a"); /* no key picture of the new source yet */
    send_key(&b, 0x70000000 + 3600);
    assert_string_equal(b.log, "FKK");
    assert_int_equal(b.aus[1].epoch, 4);
    assert_int_equal(b.aus[1].pts, 0);
    b.seq = 50000; /* the same source far away */
    send_key(&b, 0x70000000 + 7200);
    assert_string_equal(b.log, "FKKK");
    assert_int_equal(b.aus[2].epoch, 5);
    b.seq = 49990; /* and a little back: the second packet proves it */
    send(&b, 0, false, SPS);
    send_key(&b, 0);
    assert_string_equal(b.log, "FKKKK");
    assert_int_equal(b.aus[3].epoch, 6);
    assert_int_equal(fv_rtp_stats(b.rtp)->epoch, 6);
    assert_int_equal(fv_rtp_stats(b.rtp)->invalid, 0);
    bench_finish(&b);
}

static void test_restart_udp(void **state)
{
    struct bench b;
    bench_init(&b, 60 * FV_MS);
    send_key(&b, 0);
    b.ssrc = 0x55667788; /* one stray packet is refused */
    send_at(&b, 9, 0, true, "658899");
    assert_int_equal(b.rc, -EBADMSG);
    b.ssrc = SSRC;
    send(&b, 3600, true, "419a");
    assert_string_equal(b.log, "FKp");
    assert_int_equal(fv_rtp_stats(b.rtp)->invalid, 1);
    b.ssrc = 0x55667788; /* two in sequence are believed, and none of them is lost */
    send_at(&b, 65535, 0x1000, true, "658822");
    send_at(&b, 0, 0x1000 + 3600, true, "419a");
    assert_string_equal(b.log, "FKpKp");
    assert_int_equal(b.aus[2].epoch, 4);
    assert_int_equal(b.aus[3].pts, 40 * FV_MS);
    assert_int_equal(fv_rtp_stats(b.rtp)->invalid, 1);
    assert_int_equal(fv_rtp_stats(b.rtp)->lost, 0);
    send_at(&b, 30000, 0x1000 + 7200, true, "658833"); /* a jump */
    send_at(&b, 30001, 0x1000 + 10800, true, "419a");
    assert_string_equal(b.log, "FKpKpKp");
    assert_int_equal(b.aus[4].epoch, 5);
    bench_finish(&b);
}

static void test_refused(void **state)
{
    struct bench b;
    bench_init(&b, 0);
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
        assert_int_equal(fv_rtp_input(b.rtp, packet, unhex(bad[i], packet), b.now), -EBADMSG);
    assert_int_equal(fv_rtp_stats(b.rtp)->invalid, 4);
    assert_int_equal(fv_rtp_stats(b.rtp)->packets, 0);
    assert_int_equal(fv_rtp_stats(b.rtp)->last_packet, FV_TIME_UNKNOWN);
    send_key(&b, 0);
    assert_string_equal(b.log, "FK");
    bench_finish(&b);
}

static void test_epochs(void **state)
{
    struct bench b;
    bench_init(&b, 0);
    send_key(&b, 0x10000000);
    send(&b, 0x10000000 + 900001, true,
         "419a"); /* more than 10 s at once: the chain of pictures holds */
    assert_string_equal(b.log, "FKp");
    assert_int_equal(b.aus[1].epoch, 4);
    assert_int_equal(b.aus[1].pts, 0);
    send(&b, 0x10000000 + 900001 - 7200, true, "419a"); /* out of display order */
    assert_int_equal(b.aus[2].epoch, 4);
    assert_int_equal(b.aus[2].pts, -80 * FV_MS);
    send(&b, 0, true, "419a"); /* reset to 0 */
    assert_int_equal(b.aus[3].epoch, 5);
    assert_int_equal(b.aus[3].pts, 0);
    bench_finish(&b);
}

static void test_await_key(void **state)
{
    struct bench b;
    bench_init(&b, 0);
    send_key(&b, 0);
    b.await_key = true; /* inside the callback */
    send(&b, 3600, true, "419a");
    send(&b, 7200, true, "419a");
    send(&b, 10800, true, "658811");
    fv_rtp_await_key(b.rtp); /* outside */
    assert_true(fv_rtp_stats(b.rtp)->waiting_key);
    send(&b, 14400, true, "419a");
    send(&b, 18000, true, "658811");
    assert_string_equal(b.log, "FKpKK");
    assert_int_equal(fv_rtp_stats(b.rtp)->skipped, 2);
    bench_finish(&b);
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
    bench_init(&b, 0);
    send_key(&b, 0);
    send_report(&b, ntp, 0, wall);
    b.now += 5 * FV_S;
    send_report(&b, ntp + (UINT64_C(5) << 32), 450000, wall + 5 * FV_S);
    send(&b, 450000 + 900, true, "419a");
    assert_int_equal(b.aus[0].wall, FV_TIME_UNKNOWN);
    assert_int_equal(b.aus[1].wall, wall + 5010 * FV_MS);
    b.now += 5 * FV_S;
    send_report(&b, ntp + (UINT64_C(10) << 32), 900000, wall + 10 * FV_S);
    assert_true(fabs(fv_rtp_stats(b.rtp)->drift_ppm) < 0.01);
    send(&b, 0x40000000, true, "419a"); /* another epoch: the old reports say nothing about it */
    assert_int_equal(b.aus[2].wall, FV_TIME_UNKNOWN);
    assert_true(isnan(fv_rtp_stats(b.rtp)->drift_ppm));
    bench_finish(&b);
}

static void test_report(void **state)
{
    struct bench b;
    uint8_t out[256];
    bench_init(&b, 0);
    assert_int_equal(fv_rtp_report(b.rtp, b.now, out), 0);
    send_key(&b, 0); /* 100..102 */
    b.seq = 104;
    send(&b, 3600, true, "419a"); /* 1 of 5 lost */
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
    bench_finish(&b);
}

static void test_bye(void **state)
{
    struct bench b;
    bench_init(&b, 0);
    const uint8_t bye[] = {0x81, 203, 0, 1, 0x11, 0x22, 0x33, 0x44};
    send_key(&b, 0);
    assert_int_equal(fv_rtp_input_rtcp(b.rtp, bye, sizeof(bye), b.now, FV_TIME_UNKNOWN), 0);
    assert_true(fv_rtp_stats(b.rtp)->ended);
    send(&b, 3600, true, "419a"); /* it did not mean it */
    assert_false(fv_rtp_stats(b.rtp)->ended);
    assert_int_equal(fv_rtp_input_rtcp(b.rtp, bye, 3, b.now, FV_TIME_UNKNOWN), -EBADMSG);
    bench_finish(&b);
}

/* Sizes, memory */

/* One key picture of 3,001 bytes in fragments of every size. */
static void test_every_fragment_size(void **state)
{
    uint8_t slice[3001], payload[3100];
    for (size_t i = 0; i < sizeof(slice); i++)
        slice[i] = (uint8_t)(i % 251 + 1);
    slice[0] = 0x65;
    slice[1] = 0x88;
    for (size_t part = 1; part < sizeof(slice); part += part < 40 ? 1 : 37) {
        struct bench b;
        bench_init(&b, 0);
        send(&b, 0, false, SPS);
        send(&b, 0, false, PPS);
        for (size_t at = 1; at < sizeof(slice); at += part) {
            size_t size = part < sizeof(slice) - at ? part : sizeof(slice) - at;
            bool end = at + size == sizeof(slice);
            payload[0] = 0x7c;
            payload[1] = (uint8_t)(0x05 | (at == 1 ? 0x80 : 0) | (end ? 0x40 : 0));
            memcpy(payload + 2, slice + at, size);
            input(&b, b.seq++, 0, end, payload, 2 + size);
        }
        assert_string_equal(b.log, "FK");
        size_t front = 4 + sizeof(SPS) / 2 + 4 + sizeof(PPS) / 2 + 4;
        assert_int_equal(b.aus[0].size, front + sizeof(slice));
        assert_memory_equal(b.aus[0].buf->data + front, slice, sizeof(slice));
        bench_finish(&b);
    }
}

/* A steady stream allocates nothing once it runs: the pool's fresh buffers stand still. */
static void test_steady_state(void **state)
{
    static uint8_t payload[1400];
    struct bench b;
    struct fv_buf_stats before = {0}, after;
    bench_init(&b, 0);
    b.count = COUNT(b.aus); /* keep none */
    memset(payload, 0x55, sizeof(payload));
    for (unsigned picture = 0; picture < 200; picture++) {
        bool key = picture % 25 == 0;
        unsigned packets = key ? 60 : 10;
        if (key) {
            send(&b, 3600 * picture, false, SPS);
            send(&b, 3600 * picture, false, PPS);
        }
        for (unsigned i = 0; i < packets; i++) {
            payload[0] = 0x7c;
            payload[1] =
                (uint8_t)((key ? 5 : 1) | (i == 0 ? 0x80 : 0) | (i == packets - 1 ? 0x40 : 0));
            payload[2] = 0x88;
            input(&b, b.seq++, 3600 * picture, i == packets - 1, payload, sizeof(payload));
        }
        if (picture == 60)
            fv_buf_pool_stats(b.pool, &before);
    }
    fv_buf_pool_stats(b.pool, &after);
    assert_int_equal(b.count, COUNT(b.aus) + 200);
    assert_int_equal(before.fresh, after.fresh);
    b.count = 0;
    bench_finish(&b);
}

static void test_pool_exhausted(void **state)
{
    struct bench b = {.seq = 100, .ssrc = SSRC, .now = FV_S};
    assert_int_equal(fv_buf_pool_create(4096, 4096, &b.pool), 0);
    struct fv_rtp_params params = params_of(&b, FV_CODEC_H264, 0);
    bench_open(&b, &params);
    uint8_t large[6000];
    memset(large, 0x55, sizeof(large));
    large[0] = 0x65;
    large[1] = 0x88;
    send_key(&b, 0);
    assert_string_equal(b.log, "FK");
    send(&b, 3600, true, "419a"); /* the first one is still held */
    assert_string_equal(b.log, "FK");
    assert_int_equal(fv_rtp_stats(b.rtp)->no_buffer, 1);
    fv_au_drop(&b.aus[0]);
    send(&b, 7200, true, "419a"); /* lacks its reference */
    assert_int_equal(fv_rtp_stats(b.rtp)->skipped, 1);
    input(&b, b.seq++, 10800, true, large, sizeof(large)); /* larger than the pool */
    assert_int_equal(fv_rtp_stats(b.rtp)->no_buffer, 2);
    send(&b, 14400, true, "658811");
    assert_string_equal(b.log, "FKK");
    bench_finish(&b);
}

/* A picture that never ends is given up at FV_BUF_MAX, and the next key picture is fine. */
static void test_picture_too_large(void **state)
{
    static uint8_t payload[60000];
    struct bench b;
    bench_init(&b, 0);
    send(&b, 0, false, SPS);
    send(&b, 0, false, PPS);
    for (unsigned i = 0; i < 150; i++) { /* 9 MB */
        payload[0] = 0x7c;
        payload[1] = i == 0 ? 0x85 : 0x05;
        payload[2] = 0x88;
        input(&b, b.seq++, 0, false, payload, sizeof(payload));
    }
    send(&b, 0, true,
         "7c45"
         "11");
    assert_string_equal(b.log, "");
    assert_int_equal(fv_rtp_stats(b.rtp)->no_buffer, 1);
    send_key(&b, 3600);
    assert_string_equal(b.log, "FK");
    bench_finish(&b);
}

static void test_create(void **state)
{
    struct bench b;
    bench_start(&b);
    struct fv_rtp_params good = params_of(&b, FV_CODEC_H264, FV_MS);
    struct fv_rtp *rtp = NULL;
    for (unsigned i = 0; i < 6; i++) {
        struct fv_rtp_params bad = good;
        i == 0   ? (void)(bad.codec = NULL)
        : i == 1 ? (void)(bad.clock_rate = 0)
        : i == 2 ? (void)(bad.pool = NULL)
        : i == 3 ? (void)(bad.handler.au = NULL)
        : i == 4 ? (void)(bad.reorder = -1)
                 : (void)(bad.payload_type = 128);
        assert_int_equal(fv_rtp_create(&bad, &rtp), -EINVAL);
    }
    unsigned n = 1;
    for (;; n++) {
        fv_alloc_fail_at(n);
        int rc = fv_rtp_create(&good, &rtp);
        bool pending = fv_alloc_fail_pending();
        fv_alloc_fail_at(0);
        if (pending) {
            assert_int_equal(rc, 0);
            break;
        }
        assert_int_equal(rc, -ENOMEM);
        assert_null(rtp);
    }
    assert_true(n > 2); /* the receiver and its window */
    b.rtp = rtp;
    bench_finish(&b);
    fv_rtp_destroy(NULL);
}

/* Each allocation on the way fails once: the stream goes on, and no picture is wrong. */
static void test_allocation_fails(void **state)
{
    for (unsigned n = 1;; n++) {
        struct bench b;
        bench_init(&b, 60 * FV_MS);
        fv_alloc_fail_at(n);
        send_key(&b, 0);
        send_at(&b, 104, 7200, true, "419a");
        send_at(&b, 103, 3600, true, "419a");
        b.ssrc++;
        send_at(&b, 200, 3600, false, SPS);
        send_at(&b, 201, 3600, false, PPS);
        send_at(&b, 202, 3600, true, "658811");
        bool pending = fv_alloc_fail_pending();
        fv_alloc_fail_at(0);
        send_at(&b, 203, 7200, true, "658822");
        assert_true(b.count > 0);
        assert_int_equal(b.aus[b.count - 1].flags, FV_FRAME_KEY);
        for (size_t i = 0; i < b.count; i++)
            if (b.aus[i].flags & FV_FRAME_KEY)
                assert_true(b.aus[i].size == sizeof(SPS) / 2 + sizeof(PPS) / 2 + 8 + 4 + 3);
        bench_finish(&b);
        if (pending) {
            assert_true(n > 1);
            break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scripts),
        cmocka_unit_test(test_contents),
        cmocka_unit_test(test_sets_from_sdp),
        cmocka_unit_test(test_format_change),
        cmocka_unit_test(test_annexb_payloads),
        cmocka_unit_test(test_quirk_contents),
        cmocka_unit_test(test_padding_lie),
        cmocka_unit_test(test_h265),
        cmocka_unit_test(test_reorder_deadline),
        cmocka_unit_test(test_reorder_late_owner),
        cmocka_unit_test(test_reorder_full),
        cmocka_unit_test(test_reorder_permutations),
        cmocka_unit_test(test_restart_tcp),
        cmocka_unit_test(test_restart_udp),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_epochs),
        cmocka_unit_test(test_await_key),
        cmocka_unit_test(test_wall),
        cmocka_unit_test(test_report),
        cmocka_unit_test(test_bye),
        cmocka_unit_test(test_every_fragment_size),
        cmocka_unit_test(test_steady_state),
        cmocka_unit_test(test_pool_exhausted),
        cmocka_unit_test(test_picture_too_large),
        cmocka_unit_test(test_create),
        cmocka_unit_test(test_allocation_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

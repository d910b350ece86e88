// SPDX-License-Identifier: Apache-2.0
#include "rtp/bench.h"

size_t fv_bench_unhex(const char *hex, uint8_t *out)
{
    size_t size = 0;
    for (; hex[0] && hex[1]; hex += 2) {
        const char digits[3] = {hex[0], hex[1], 0};
        out[size++] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return size;
}

static void add_log(struct bench *b, char c)
{
    size_t length = strlen(b->log);
    if (length + 1 < sizeof(b->log))
        b->log[length] = c;
}

static char sign_of(uint32_t flags)
{
    if (flags & FV_FRAME_DAMAGED)
        return 'd';
    if (flags & FV_FRAME_RECOVERY)
        return 'R';
    if (flags & FV_FRAME_KEY)
        return 'K';
    return flags & FV_FRAME_PARTIAL ? 'q' : 'p';
}

static void on_au(void *data, const struct fv_au *au)
{
    struct bench *b = data;
    add_log(b, sign_of(au->flags));
    for (size_t i = 0; i < FV_AU_PADDING; i++)
        assert_int_equal(au->buf->data[au->size + i], 0);
    if (fv_codec_ops(au->codec))
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

struct fv_rtp_params fv_bench_params(struct bench *b, enum fv_codec codec, int64_t reorder)
{
    return (struct fv_rtp_params){
        .codec = codec,
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

void fv_bench_open(struct bench *b, const struct fv_rtp_params *params)
{
    assert_int_equal(fv_rtp_create(params, &b->rtp), 0);
}

void fv_bench_start(struct bench *b)
{
    *b = (struct bench){.seq = 100, .ssrc = SSRC, .now = FV_S};
    assert_int_equal(fv_buf_pool_create(256u << 20, 64u << 20, &b->pool), 0);
}

void fv_bench_init(struct bench *b, int64_t reorder)
{
    fv_bench_start(b);
    struct fv_rtp_params params = fv_bench_params(b, FV_CODEC_H264, reorder);
    fv_bench_open(b, &params);
}

void fv_bench_init_codec(struct bench *b, enum fv_codec codec, int64_t reorder,
                         enum fv_on_loss on_loss)
{
    fv_bench_start(b);
    struct fv_rtp_params params = fv_bench_params(b, codec, reorder);
    params.on_loss = on_loss;
    fv_bench_open(b, &params);
}

void fv_bench_finish(struct bench *b)
{
    for (size_t i = 0; i < b->count && i < COUNT(b->aus); i++)
        fv_au_drop(&b->aus[i]);
    fv_rtp_destroy(b->rtp);
    struct fv_buf_stats stats;
    fv_buf_pool_stats(b->pool, &stats);
    assert_int_equal(stats.bytes_used, 0); /* nothing leaked */
    fv_buf_pool_destroy(b->pool);
}

void fv_bench_input(struct bench *b, uint16_t seq, uint32_t ts, bool marker, const uint8_t *payload,
                    size_t size)
{
    uint8_t *packet = malloc(12 + size);
    assert_non_null(packet);
    fv_rtp_write_header(packet, marker, PT, seq, ts, b->ssrc);
    memcpy(packet + 12, payload, size);
    b->rc = fv_rtp_input(b->rtp, packet, 12 + size, b->now);
    free(packet);
}

void fv_bench_send_at(struct bench *b, uint16_t seq, uint32_t ts, bool marker, const char *hex)
{
    uint8_t payload[2048];
    fv_bench_input(b, seq, ts, marker, payload, fv_bench_unhex(hex, payload));
}

void fv_bench_send(struct bench *b, uint32_t ts, bool marker, const char *hex)
{
    fv_bench_send_at(b, b->seq++, ts, marker, hex);
}

void fv_bench_assert_au(const struct bench *b, size_t index, const char *hex)
{
    uint8_t expected[4096];
    size_t size = fv_bench_unhex(hex, expected);
    assert_true(index < b->count);
    assert_int_equal(b->aus[index].size, size);
    assert_memory_equal(b->aus[index].buf->data, expected, size);
}

void fv_bench_assert_met(const struct bench *b, enum fv_quirk quirk, uint32_t times)
{
    assert_int_equal(fv_rtp_quirks(b->rtp)->met[quirk], times);
}

void fv_bench_assert_no_quirks(const struct bench *b)
{
    for (unsigned i = 0; i < FV_QUIRK_COUNT; i++)
        fv_bench_assert_met(b, (enum fv_quirk)i, 0);
}

void fv_bench_send_key(struct bench *b, uint32_t ts)
{
    fv_bench_send(b, ts, false, SPS);
    fv_bench_send(b, ts, false, PPS);
    fv_bench_send(b, ts, true, "658811");
}

void fv_bench_tell(enum fv_codec codec, const struct bench_story *stories, size_t count)
{
    for (const struct bench_story *story = stories; story < stories + count; story++) {
        struct bench b;
        print_message("%s\n", story->what);
        fv_bench_init_codec(&b, codec, story->reorder, story->on_loss);
        for (const struct bench_step *step = story->steps; step->packet; step++) {
            fv_bench_send_at(&b, (uint16_t)(65534 + step->seq), step->time * 3600, step->marker,
                             step->packet);
            assert_string_equal(b.log, step->log);
        }
        assert_int_equal(fv_rtp_stats(b.rtp)->damaged, story->damaged);
        fv_bench_finish(&b);
    }
}

void fv_bench_refuse(enum fv_codec codec, const char *const *payloads, size_t count,
                     const char *good)
{
    for (size_t i = 0; i < count; i++) {
        struct bench b;
        print_message("payload %zu\n", i);
        fv_bench_init_codec(&b, codec, 0, FV_ON_LOSS_SKIP);
        fv_bench_send(&b, 0, true, payloads[i]);
        assert_int_equal(b.rc, -EBADMSG);
        assert_int_equal(fv_rtp_stats(b.rtp)->invalid, 1);
        fv_bench_send(&b, 1, true, good); /* and the next picture is fine */
        assert_string_equal(b.log, "FK");
        fv_bench_finish(&b);
    }
}

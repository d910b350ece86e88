// SPDX-License-Identifier: Apache-2.0
#include "rtp/fuzz_stream.h"

#include <stdlib.h>
#include <string.h>

#include "codec/av1.h"
#include "codec/jpeg_headers.h"
#include "codec/vp9.h"
#include "rtp/packet.h"
#include "rtp/receiver.h"

#define HEADER 12

struct stream {
    struct fv_rtp *rtp;
    uint64_t access_units;
    uint32_t format, epoch;
    bool formatted;
    int64_t now;
    uint16_t seq;
    uint32_t timestamp;
};

static void check(bool promise)
{
    if (!promise)
        abort();
}

/* An image from its beginning to its end, whatever is missing between. */
static void check_jpeg(const struct fv_au *au)
{
    const uint8_t *data = au->buf->data;
    check(data[0] == 0xff && data[1] == FV_JPEG_SOI);
    check(data[au->size - 2] == 0xff && data[au->size - 1] == FV_JPEG_EOI);
}

/* Its first frame says what it is. */
static void check_vp9(const struct fv_au *au)
{
    struct fv_vp9_header header;
    check(fv_vp9_parse(au->buf->data, au->size, &header) == 0);
    if (!(au->flags & FV_FRAME_DAMAGED))
        check(header.key == !!(au->flags & FV_FRAME_KEY));
}

/* OBUs with sizes, without those that are left out. */
static void check_av1(const struct fv_au *au)
{
    struct fv_av1_obu obu;
    struct fv_av1_unit unit;
    if (au->flags & FV_FRAME_DAMAGED)
        return;
    for (size_t at = 0; at < au->size; at += obu.size) {
        check(fv_av1_obu(au->buf->data + at, au->size - at, &obu) == 0 && obu.has_size);
        check(obu.type != FV_AV1_TEMPORAL_DELIMITER && obu.type != FV_AV1_TILE_LIST);
    }
    check(fv_av1_look(au->buf->data, au->size, &unit) == 0 && unit.frames > 0);
    check((unit.key && unit.sequence) == !!(au->flags & FV_FRAME_KEY));
}

/* A key picture has its sets and a slice. */
static void check_nals(const struct fv_au *au)
{
    const struct fv_codec_ops *ops = fv_codec_ops(au->codec);
    check(au->size > 4 && memcmp(au->buf->data, "\0\0\0\1", 4) == 0);
    if (!(au->flags & FV_FRAME_KEY))
        return;
    struct fv_annexb it;
    struct fv_nal nal;
    unsigned kinds = 0;
    fv_annexb_init(&it, au->buf->data, au->size);
    while (fv_annexb_next(&it, &nal))
        kinds |= 1u << ops->kind(nal.data, nal.size);
    bool point = au->flags & FV_FRAME_RECOVERY; /* says a message in the SEI */
    unsigned slice = point ? 1u << FV_NAL_SLICE | 1u << FV_NAL_SEI : 1u << FV_NAL_SLICE_KEY;
    check(kinds >> FV_NAL_SPS & 1 && kinds >> FV_NAL_PPS & 1 && (kinds & slice) == slice);
}

static void on_au(void *data, const struct fv_au *au)
{
    struct stream *s = data;
    check(s->formatted && au->format == s->format);
    check(s->access_units > 0 || au->flags & FV_FRAME_KEY); /* starts with a key picture */
    check(au->size > 0 && au->size + FV_AU_PADDING <= au->buf->capacity);
    for (size_t i = 0; i < FV_AU_PADDING; i++)
        check(au->buf->data[au->size + i] == 0);
    check(au->first_packet <= au->last_packet && au->last_packet <= au->delivered &&
          au->delivered == s->now);
    check(au->epoch >= s->epoch);
    s->epoch = au->epoch;
    s->access_units++;
    if (au->codec == FV_CODEC_JPEG)
        check_jpeg(au);
    else if (au->codec == FV_CODEC_VP9)
        check_vp9(au);
    else if (au->codec == FV_CODEC_AV1)
        check_av1(au);
    else
        check_nals(au);
}

static void on_format(void *data, const struct fv_video_format *format, uint32_t serial)
{
    struct stream *s = data;
    check(format->width > 0 && (!s->formatted || serial == s->format + 1));
    s->format = serial;
    s->formatted = true;
}

static void send(struct stream *s, const uint8_t *control, const uint8_t *payload, size_t size)
{
    uint8_t *packet = malloc(HEADER + size);
    if (!packet)
        abort();
    unsigned step = control[1] ? (unsigned)(int8_t)control[1] : 1;
    s->seq = (uint16_t)(s->seq + step);
    s->timestamp += control[2] * 100u;
    fv_rtp_write_header(packet, control[3] & 0x80, 96, s->seq, s->timestamp, control[3] & 0x10);
    memcpy(packet + HEADER, payload, size);
    if (control[3] & 0x20)
        fv_rtp_input_rtcp(s->rtp, packet + HEADER, size, s->now, FV_TIME_UNKNOWN);
    else if (control[3] & 0x40)
        fv_rtp_input(s->rtp, packet + HEADER, size, s->now);
    else
        fv_rtp_input(s->rtp, packet, HEADER + size, s->now);
    free(packet);
}

static void run(struct stream *s, const uint8_t *data, size_t size)
{
    while (size >= 4) {
        size_t payload = data[0];
        if (payload == 0) {
            s->now += 20 * FV_MS;
            fv_rtp_tick(s->rtp, s->now);
            check(fv_rtp_deadline(s->rtp) > s->now);
            data++, size--;
            continue;
        }
        if (payload > size - 4)
            payload = size - 4;
        send(s, data, data + 4, payload);
        data += 4 + payload;
        size -= 4 + payload;
    }
}

static void check_stats(const struct stream *s)
{
    const struct fv_rtp_stats *stats = fv_rtp_stats(s->rtp);
    check(stats->access_units == s->access_units && stats->keyframes <= stats->access_units);
    check(stats->recovery_points <= stats->keyframes);
    check(stats->epoch >= s->epoch && stats->reordered + stats->duplicates <= stats->packets);
    check(stats->invalid < UINT64_MAX / 2);
    uint8_t report[256];
    check(fv_rtp_report(s->rtp, s->now, report) <= sizeof(report));
}

void fv_fuzz_stream(enum fv_codec codec, const uint8_t *data, size_t size)
{
    if (size < 1)
        return;
    struct fv_buf_pool *pool;
    struct stream stream = {.now = FV_S, .seq = 65530, .timestamp = 0xfffff000};
    if (fv_buf_pool_create(1 << 20, 1 << 20, &pool) < 0)
        return;
    struct fv_rtp_params params = {
        .codec = codec,
        .payload_type = 96,
        .clock_rate = 90000,
        .reorder = data[0] & 1 ? 60 * FV_MS : 0,
        .on_loss = data[0] & 2 ? FV_ON_LOSS_FLAG : FV_ON_LOSS_SKIP,
        .pool = pool,
        .seed = 1,
        .handler = {on_au, on_format, &stream},
    };
    if (fv_rtp_create(&params, &stream.rtp) == 0) {
        run(&stream, data + 1, size - 1);
        check_stats(&stream);
    }
    fv_rtp_destroy(stream.rtp);
    struct fv_buf_stats left;
    fv_buf_pool_stats(pool, &left);
    check(left.bytes_used == 0);
    fv_buf_pool_destroy(pool);
}

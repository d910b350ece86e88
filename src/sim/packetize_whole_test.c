// SPDX-License-Identifier: Apache-2.0
/* Pictures of JPEG, VP9 and AV1 -> packets -> the receiver (rtp/), which has its own tests by the RFCs' text: they come back whole. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec/av1.h"
#include "codec/jpeg_headers.h"
#include "rtp/packet.h"
#include "rtp/receiver.h"
#include "sim/packetize_whole.h"

#define PT 96

struct trip {
    struct fv_buf_pool *pool;
    struct fv_rtp *rtp;
    uint8_t packet
        [12 +
         FV_SIM_MTU]; /* the last one, not yet sent: its marker is known when the next one comes */
    size_t size;
    uint16_t seq;
    unsigned packets, pictures;
    struct fv_au au; /* the last picture */
    struct fv_video_format format;
};

static void on_au(void *data, const struct fv_au *au)
{
    struct trip *t = data;
    fv_au_drop(&t->au);
    t->au = fv_au_share(au);
    t->pictures++;
}

static void on_format(void *data, const struct fv_video_format *format, uint32_t serial)
{
    struct trip *t = data;
    t->format = *format;
}

static void begin(struct trip *t, enum fv_codec codec)
{
    *t = (struct trip){0};
    assert_int_equal(fv_buf_pool_create(8u << 20, 8u << 20, &t->pool), 0);
    struct fv_rtp_params params = {
        .codec = codec,
        .payload_type = PT,
        .clock_rate = 90000,
        .pool = t->pool,
        .handler = {on_au, on_format, t},
    };
    assert_int_equal(fv_rtp_create(&params, &t->rtp), 0);
}

static void end(struct trip *t)
{
    fv_au_drop(&t->au);
    fv_rtp_destroy(t->rtp);
    fv_buf_pool_destroy(t->pool);
}

static void send(struct trip *t, bool marker)
{
    if (!t->size)
        return;
    fv_rtp_write_header(t->packet, marker, PT, t->seq++, 3600 * (t->pictures + 1), 1);
    assert_int_equal(fv_rtp_input(t->rtp, t->packet, t->size, FV_S), 0);
    t->size = 0;
    t->packets++;
}

static int emit(void *data, struct fv_nal head, struct fv_nal body)
{
    struct trip *t = data;
    send(t, false);
    assert_in_range(head.size + body.size, 1, FV_SIM_MTU);
    if (head.size)
        memcpy(t->packet + 12, head.data, head.size);
    memcpy(t->packet + 12 + head.size, body.data, body.size);
    t->size = 12 + head.size + body.size;
    return 0;
}

static int travel(struct trip *t, enum fv_codec codec, struct fv_nal au, bool key)
{
    const struct fv_whole_packetizer packetizer = {codec, emit, t};
    t->packets = 0;
    int rc = fv_packetize_whole(&packetizer, au.data, au.size, key);
    send(t, true);
    return rc;
}

static uint8_t bytes[9000];

static void fill(uint8_t *at, size_t size)
{
    for (size_t i = 0; i < size; i++)
        at[i] = (uint8_t)(i * 13 % 251 + 1);
}

/* An image with a scan of `scan` bytes; the 4:2:0 one has restart intervals. */
static size_t make_jpeg(size_t scan, bool vertical)
{
    uint8_t tables[2 * FV_JPEG_TABLE];
    struct fv_jpeg_headers headers = {.width = 2000,
                                      .height = 1504,
                                      .vertical = vertical,
                                      .tables = {tables, tables + FV_JPEG_TABLE},
                                      .restart_interval = vertical ? 20 : 0};
    fv_jpeg_quality_tables(60, tables);
    size_t size = 2;
    bytes[0] = 0xff;
    bytes[1] = FV_JPEG_SOI;
    size += fv_jpeg_write_tables(&headers, bytes + size);
    size += fv_jpeg_write_huffman(bytes + size);
    size += fv_jpeg_write_restart(&headers, bytes + size);
    size += fv_jpeg_write_frame(&headers, bytes + size);
    size += fv_jpeg_write_scan(bytes + size);
    fill(bytes + size, scan);
    size += scan;
    bytes[size++] = 0xff;
    bytes[size++] = FV_JPEG_EOI;
    return size;
}

static void jpeg_comes_back(void **state)
{
    static const size_t scans[] = {1, 1200, 1259, 1260, 1261, 1264, 3000, 8000};
    for (unsigned vertical = 0; vertical < 2; vertical++)
        for (size_t i = 0; i < sizeof(scans) / sizeof(scans[0]); i++) {
            struct trip t;
            begin(&t, FV_CODEC_JPEG);
            const struct fv_nal au = {bytes, make_jpeg(scans[i], vertical)};
            assert_int_equal(travel(&t, FV_CODEC_JPEG, au, true), 0);
            assert_int_equal(t.pictures, 1);
            assert_int_equal(t.format.width, 2000);
            assert_int_equal(t.format.height, 1504);
            assert_int_equal(t.format.chroma, vertical ? 1 : 2);
            assert_int_equal(t.au.size, au.size);
            assert_memory_equal(t.au.buf->data, au.data, au.size);
            end(&t);
        }
}

static void jpeg_that_rtp_does_not_carry(void **state)
{
    struct trip t;
    begin(&t, FV_CODEC_JPEG);
    struct fv_nal au = {bytes, make_jpeg(10, true)};
    const size_t tables = 2 + 4 + 130, frame = tables + 420 + 6;
    assert_int_equal(bytes[frame + 1], FV_JPEG_SOF0);
    assert_null(fv_packetize_jpeg_refusal(bytes, au.size));
    bytes[frame + 1] = 0xc2; /* progressive */
    assert_int_equal(travel(&t, FV_CODEC_JPEG, au, true), -ENOTSUP);
    make_jpeg(10, true);
    bytes[frame + 11] = 0x11; /* 4:4:4 */
    assert_int_equal(travel(&t, FV_CODEC_JPEG, au, true), -ENOTSUP);
    bytes[frame + 11] = 0x22; /* 4:2:2 as ffmpeg writes it */
    bytes[frame + 14] = bytes[frame + 17] = 0x12;
    assert_int_equal(travel(&t, FV_CODEC_JPEG, au, true), -ENOTSUP);
    assert_non_null(strstr(fv_packetize_jpeg_refusal(bytes, au.size), "sampling factors"));
    make_jpeg(10, true);
    bytes[tables + 4 + 18] ^= 1; /* other Huffman tables */
    assert_int_equal(travel(&t, FV_CODEC_JPEG, au, true), -ENOTSUP);
    assert_non_null(strstr(fv_packetize_jpeg_refusal(bytes, au.size), "Huffman"));
    au.size = 100;
    assert_int_equal(travel(&t, FV_CODEC_JPEG, au, true), -EBADMSG);
    assert_int_equal(t.pictures, 0);
    end(&t);
}

static void vp9_comes_back(void **state)
{
    static const uint8_t key[] = {0x82, 0x49, 0x83, 0x42, 0x20, 0x03, 0xf0, 0x02, 0xf0};
    for (size_t size = sizeof(key); size<4300; size += size> 1390 && size < 1410 ? 1 : 97) {
        struct trip t;
        begin(&t, FV_CODEC_VP9);
        fill(bytes, size);
        memcpy(bytes, key, sizeof(key));
        assert_int_equal(travel(&t, FV_CODEC_VP9, (struct fv_nal){bytes, size}, true), 0);
        assert_int_equal(t.packets, (size + 1398) / 1399);
        assert_int_equal(t.pictures, 1);
        assert_int_equal(t.au.size, size);
        assert_memory_equal(t.au.buf->data, bytes, size);
        bytes[0] = 0x86;
        assert_int_equal(travel(&t, FV_CODEC_VP9, (struct fv_nal){bytes, size}, false), 0);
        assert_int_equal(t.pictures, 2);
        assert_memory_equal(t.au.buf->data, bytes, size);
        end(&t);
    }
}

/* Appends an OBU with its size. */
static size_t put_obu(size_t at, uint8_t type, const uint8_t *payload, size_t size)
{
    bytes[at++] = (uint8_t)(type << 3 | 2);
    at += fv_av1_write_leb128(bytes + at, size);
    memcpy(bytes + at, payload, size);
    return at + size;
}

static void check_obus(const struct fv_au *au, size_t size)
{
    size_t at = 0, back = 0;
    struct fv_av1_obu sent, got;
    for (; at < size; at += sent.size, back += got.size) {
        assert_int_equal(fv_av1_obu(bytes + at, size - at, &sent), 0);
        assert_int_equal(fv_av1_obu(au->buf->data + back, au->size - back, &got), 0);
        assert_true(got.has_size);
        assert_int_equal(got.type, sent.type);
        assert_int_equal(got.payload_size, sent.payload_size);
        assert_memory_equal(got.payload, sent.payload, sent.payload_size);
    }
    assert_int_equal(back, au->size);
}

static void av1_comes_back(void **state)
{
    static const uint8_t sequence[] = {0, 0, 0, 4, 0x3d, 7, 0xc4, 0xfb, 0xf9, 0, 0x40};
    static uint8_t frame[4000];
    for (size_t size = 1; size<3000; size += size> 1360 && size < 1400 ? 1 : 97) {
        struct trip t;
        begin(&t, FV_CODEC_AV1);
        fill(frame, sizeof(frame));
        frame[0] = 0x10;
        size_t end_of = put_obu(0, FV_AV1_SEQUENCE_HEADER, sequence, sizeof(sequence));
        end_of = put_obu(end_of, FV_AV1_FRAME, frame, size);
        end_of = put_obu(end_of, FV_AV1_METADATA, frame, 20);
        end_of = put_obu(end_of, FV_AV1_TILE_GROUP, frame, 1500);
        end_of = put_obu(end_of, FV_AV1_METADATA, frame, 0);
        assert_int_equal(travel(&t, FV_CODEC_AV1, (struct fv_nal){bytes, end_of}, true), 0);
        assert_int_equal(t.pictures, 1);
        assert_int_equal(t.format.width, 322);
        check_obus(&t.au, end_of);
        frame[0] = 0x30; /* shown inter frame */
        end_of = put_obu(0, FV_AV1_FRAME, frame, size);
        assert_int_equal(travel(&t, FV_CODEC_AV1, (struct fv_nal){bytes, end_of}, false), 0);
        assert_int_equal(t.pictures, 2);
        check_obus(&t.au, end_of);
        end(&t);
    }
}

static int refuse(void *data, struct fv_nal head, struct fv_nal body)
{
    return -ENOMEM;
}

static void what_emit_says_comes_out(void **state)
{
    static const uint8_t obu[] = {0x32, 1, 0x10};
    const struct fv_nal jpeg = {bytes, make_jpeg(10, true)};
    const struct {
        enum fv_codec codec;
        struct fv_nal au;
    } cases[] = {{FV_CODEC_JPEG, jpeg}, {FV_CODEC_VP9, jpeg}, {FV_CODEC_AV1, {obu, sizeof(obu)}}};
    for (size_t i = 0; i < 3; i++) {
        const struct fv_whole_packetizer packetizer = {cases[i].codec, refuse, NULL};
        assert_int_equal(fv_packetize_whole(&packetizer, cases[i].au.data, cases[i].au.size, true),
                         -ENOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jpeg_comes_back),          cmocka_unit_test(jpeg_that_rtp_does_not_carry),
        cmocka_unit_test(vp9_comes_back),           cmocka_unit_test(av1_comes_back),
        cmocka_unit_test(what_emit_says_comes_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

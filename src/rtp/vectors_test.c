// SPDX-License-Identifier: Apache-2.0
/* Captured streams from the folder FV_VECTORS; skipped where it is absent. Counts were taken from the files by hand (see each test). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rtp/packet.h"
#include "rtp/receiver.h"

struct capture {
    uint8_t data[200000];
    size_t size;
};

static struct capture capture;

static void load(const char *name)
{
    const char *folder = getenv("FV_VECTORS");
    char path[1000];
    snprintf(path, sizeof(path), "%s/%s", folder ? folder : "", name);
    FILE *file = folder ? fopen(path, "rb") : NULL;
    if (!file) {
        print_message("%s is not there\n", name);
        skip();
    }
    capture.size = fread(capture.data, 1, sizeof(capture.data), file);
    fclose(file);
}

struct counts {
    struct fv_buf_pool *pool;
    struct fv_rtp *rtp;
    unsigned access_units, keys, formats, damaged;
    size_t bytes;
    uint32_t last_time;
    int64_t last_pts;
    struct fv_video_format format;
    int64_t now;
};

static void on_au(void *data, const struct fv_au *au)
{
    struct counts *c = data;
    c->access_units++;
    c->keys += au->flags & FV_FRAME_KEY ? 1 : 0;
    c->damaged += au->flags & FV_FRAME_DAMAGED ? 1 : 0;
    c->bytes += au->size;
    c->last_time = au->rtp_time;
    c->last_pts = au->pts;
}

static void on_format(void *data, const struct fv_video_format *format, uint32_t serial)
{
    struct counts *c = data;
    c->formats++;
    c->format = *format;
}

static void start(struct counts *c, enum fv_codec codec, uint8_t payload_type, int64_t reorder)
{
    *c = (struct counts){.now = FV_S};
    assert_int_equal(fv_buf_pool_create(64u << 20, 64u << 20, &c->pool), 0);
    struct fv_rtp_params params = {
        .codec = codec,
        .payload_type = payload_type,
        .clock_rate = 90000,
        .reorder = reorder,
        .pool = c->pool,
        .handler = {on_au, on_format, c},
    };
    assert_int_equal(fv_rtp_create(&params, &c->rtp), 0);
}

static void finish(struct counts *c)
{
    fv_rtp_destroy(c->rtp);
    fv_buf_pool_destroy(c->pool);
}

/* Packets after a 16-bit length each. */
static void feed_lengths(struct counts *c)
{
    for (size_t at = 0; at + 2 <= capture.size;) {
        size_t size = fv_get16(capture.data + at);
        assert_true(at + 2 + size <= capture.size);
        assert_int_equal(fv_rtp_input(c->rtp, capture.data + at + 2, size, c->now), 0);
        at += 2 + size;
    }
}

/* SPS (15 bytes), PPS (4), and an IDR picture of 1 + 1386 + 1386 + 202 bytes in three FU-A; 80 x 45 macroblocks. */
static void test_gstreamer_h264(void **state)
{
    struct counts c;
    load("gstreamer/h264.rtp");
    start(&c, FV_CODEC_H264, 96, 0);
    feed_lengths(&c);
    assert_int_equal(c.access_units, 1);
    assert_int_equal(c.keys, 1);
    assert_int_equal(c.bytes, 3 * 4 + 15 + 4 + 2975);
    assert_int_equal(c.format.width, 1280);
    assert_int_equal(c.format.height, 720);
    finish(&c);
}

/* VPS (24), SPS (45), PPS (7, with a marker), IDR_N_LP (26). After a marker without picture the next one is doubted, too: the
 * picture leaves with the packet that follows. */
static void test_gstreamer_h265(void **state)
{
    struct counts c;
    load("gstreamer/h265.rtp");
    start(&c, FV_CODEC_H265, 96, 0);
    feed_lengths(&c);
    assert_int_equal(c.access_units, 0);
    uint8_t next[15];
    fv_rtp_write_header(next, false, 96, 0x1672, 0xbb1db393 + 3600, 0x30cc0967);
    memcpy(next + 12, "\x02\x01\xd0", 3);
    memcpy(next + 8, capture.data + 2 + 8, 4);
    next[3] = (uint8_t)(5747 & 0xff);
    next[2] = 5747 >> 8;
    assert_int_equal(fv_rtp_input(c.rtp, next, sizeof(next), c.now), 0);
    assert_int_equal(c.access_units, 1);
    assert_int_equal(c.keys, 1);
    assert_int_equal(c.bytes, 4 * 4 + 24 + 45 + 7 + 26);
    finish(&c);
}

/* The video channel of an interleaved capture: 269 packets, 245 pictures, 6 of them key pictures with SPS, PPS (one with an SEI,
 * three in STAP-A, FU-A or single packets); 112,510 bytes with start codes. Every `period`-th packet comes one place late. */
static void feed_interleaved(struct counts *c, unsigned period)
{
    const uint8_t *late = NULL;
    unsigned n = 0;
    for (size_t at = 0; at + 4 <= capture.size;) {
        const uint8_t *frame = capture.data + at;
        assert_int_equal(frame[0], '$');
        at += 4 + (size_t)fv_get16(frame + 2);
        assert_true(at <= capture.size);
        if (frame[1] != 2)
            continue;
        c->now += FV_MS;
        if (period && ++n % period == 0) {
            late = frame;
            continue;
        }
        assert_int_equal(fv_rtp_input(c->rtp, frame + 4, fv_get16(frame + 2), c->now), 0);
        if (late)
            assert_int_equal(fv_rtp_input(c->rtp, late + 4, fv_get16(late + 2), c->now), 0);
        late = NULL;
    }
}

static void assert_bunny(const struct counts *c)
{
    const struct fv_rtp_stats *stats = fv_rtp_stats(c->rtp);
    assert_int_equal(c->access_units, 245);
    assert_int_equal(c->keys, 6);
    assert_int_equal(c->formats, 1);
    assert_int_equal(c->damaged, 0);
    assert_int_equal(c->bytes, 112510);
    assert_int_equal(c->last_time, 915030);
    assert_int_equal(c->last_pts, 10167 * FV_MS); /* 915030 / 90 ms */
    assert_int_equal(c->format.width, 240);
    assert_int_equal(stats->packets, 269);
    assert_int_equal(stats->bytes, 114758);
    assert_int_equal(stats->lost + stats->invalid + stats->duplicates + stats->skipped, 0);
}

static void test_bunny(void **state)
{
    struct counts c;
    load("retina/bunny.rtsp");
    start(&c, FV_CODEC_H264, 97, 0);
    feed_interleaved(&c, 0);
    assert_bunny(&c);
    assert_int_equal(fv_rtp_stats(c.rtp)->reordered, 0);
    for (unsigned i = 0; i < FV_QUIRK_COUNT; i++)
        assert_int_equal(fv_rtp_quirks(c.rtp)->met[i], 0);
    finish(&c);
}

static void test_bunny_disordered(void **state)
{
    struct counts c;
    load("retina/bunny.rtsp");
    start(&c, FV_CODEC_H264, 97, 60 * FV_MS);
    feed_interleaved(&c, 5);
    assert_bunny(&c);
    assert_int_equal(fv_rtp_stats(c.rtp)->reordered, 53); /* 269 / 5 */
    finish(&c);
}

/* Three packets of one JPEG picture (RFC 2435, payload type 26): no camera's answer promised them, so they are strangers. The session
 * description that offers JPEG alone is refused by name in src/rtsp/vectors_test.c. (img_jpg_0.jpg is the picture they make.) */
static void test_jpeg_refused(void **state)
{
    static const char *const names[] = {"sharprtsp/jpeg_0.rtp", "sharprtsp/jpeg_1.rtp",
                                        "sharprtsp/jpeg_2.rtp"};
    struct counts c;
    load(names[0]);
    start(&c, FV_CODEC_H264, 96, 0);
    for (unsigned i = 0; i < 3; i++) {
        struct fv_rtp_packet packet;
        load(names[i]);
        assert_int_equal(fv_rtp_parse(capture.data, capture.size, &packet), 0);
        assert_int_equal(packet.payload_type, 26);
        assert_int_equal(packet.marker, i == 2);
        assert_int_equal(fv_rtp_input(c.rtp, capture.data, capture.size, c.now), -EBADMSG);
    }
    assert_int_equal(fv_rtp_stats(c.rtp)->invalid, 3);
    assert_int_equal(fv_rtp_stats(c.rtp)->packets + c.access_units, 0);
    finish(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gstreamer_h264),   cmocka_unit_test(test_gstreamer_h265),
        cmocka_unit_test(test_jpeg_refused),     cmocka_unit_test(test_bunny),
        cmocka_unit_test(test_bunny_disordered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

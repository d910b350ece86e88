// SPDX-License-Identifier: Apache-2.0
/* Captured streams (FV_VECTORS) through session and receiver, as one connection brings them: in reads of every size, cut at every place of
 * every packet, and broken off everywhere. Always the same pictures, and nothing is read beyond what came. Skipped where they are absent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/pages.h"
#include "rtp/packet.h"
#include "rtp/receiver.h"
#include "rtsp/session.h"

#define PICTURES_MAX 300
#define FRAMES_MAX 600
#define CHANNEL 2

/* A stream as it is on a TCP connection: '$', channel, length, packet. */
struct capture {
    uint8_t data[200000];
    size_t size;
    size_t ends[FRAMES_MAX]; /* where each frame is through */
    size_t frames;
    enum fv_codec codec;
    uint8_t payload_type;
};
static struct capture capture;

struct picture {
    uint64_t sum;
    size_t size;
    uint32_t rtp_time, flags;
};

struct watcher {
    struct fv_buf_pool *pool;
    struct fv_rtsp *session;
    struct fv_rtp *rtp;
    struct picture pictures[PICTURES_MAX];
    size_t count;
};

static void on_au(void *data, const struct fv_au *au)
{
    struct watcher *w = data;
    assert_true(w->count < PICTURES_MAX);
    struct picture *picture = &w->pictures[w->count++];
    *picture = (struct picture){14695981039346656037u, au->size, au->rtp_time, au->flags};
    for (size_t i = 0; i < au->size; i++)
        picture->sum = (picture->sum ^ au->buf->data[i]) * 1099511628211u;
}

static void on_format(void *data, const struct fv_video_format *format, uint32_t serial) {}

static void on_packet(void *data, bool rtcp, const uint8_t *packet, size_t size)
{
    struct watcher *w = data;
    if (!rtcp)
        assert_int_equal(fv_rtp_input(w->rtp, packet, size, FV_S), 0);
}

static void open_session(struct watcher *w)
{
    static const char answers[] =
        "RTSP/1.0 200 OK\r\nContent-Length: 72\r\n\r\n"
        "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:trackID=1\r\n"
        "RTSP/1.0 200 OK\r\nSession: a\r\nTransport: RTP/AVP/TCP;interleaved=2-3\r\n\r\n"
        "RTSP/1.0 200 OK\r\n\r\n";
    static struct fv_rtsp_params params;
    params =
        (struct fv_rtsp_params){.skip_options = true, .seed = 1, .handler = {.packet = on_packet}};
    params.handler.data = w;
    assert_int_equal(fv_url_parse("rtsp://cam/live", &params.url, NULL), 0);
    assert_int_equal(fv_rtsp_create(&params, &w->session), 0);
    assert_int_equal(fv_rtsp_start(w->session, 0), 0);
    int64_t n = fv_rtsp_feed(w->session, (const uint8_t *)answers, strlen(answers), 0);
    assert_int_equal(n, strlen(answers));
    assert_int_equal(fv_rtsp_state(w->session), FV_RTSP_PLAYING);
}

static void open_watcher(struct watcher *w, int64_t reorder)
{
    w->count = 0;
    assert_int_equal(fv_buf_pool_create(4u << 20, 4u << 20, &w->pool), 0);
    struct fv_rtp_params params = {
        .codec = capture.codec,
        .payload_type = capture.payload_type,
        .clock_rate = 90000,
        .reorder = reorder,
        .pool = w->pool,
        .handler = {on_au, on_format, w},
    };
    assert_int_equal(fv_rtp_create(&params, &w->rtp), 0);
    open_session(w);
}

static void close_watcher(struct watcher *w)
{
    struct fv_buf_stats left;
    fv_rtsp_destroy(w->session);
    fv_rtp_destroy(w->rtp);
    fv_buf_pool_stats(w->pool, &left);
    assert_int_equal(left.bytes_used, 0);
    fv_buf_pool_destroy(w->pool);
}

static void assert_begins_as(const struct watcher *w, const struct watcher *whole, size_t count)
{
    assert_true(w->count >= count && whole->count >= count);
    assert_memory_equal(w->pictures, whole->pictures, count * sizeof(struct picture));
}

/* Exactly these bytes: valgrind and the sanitizers see one read too many. */
static uint8_t *copy_of(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, data, size);
    return copy;
}

/* What is not taken is presented again with what comes next: returns the new beginning. */
static size_t read_to(struct watcher *w, size_t used, size_t end)
{
    uint8_t *copy = copy_of(capture.data + used, end - used);
    int64_t n = fv_rtsp_feed(w->session, copy, end - used, 0);
    free(copy);
    assert_true(n >= 0 && (size_t)n <= end - used);
    return used + (size_t)n;
}

static void note_ends(void)
{
    capture.frames = 0;
    for (size_t at = 0; at < capture.size;) {
        assert_int_equal(capture.data[at], '$');
        assert_true(capture.frames < FRAMES_MAX);
        at += 4 + (size_t)fv_get16(capture.data + at + 2);
        capture.ends[capture.frames++] = at;
    }
    assert_int_equal(capture.ends[capture.frames - 1], capture.size);
}

static size_t load(const char *name, uint8_t *out, size_t size)
{
    const char *folder = getenv("FV_VECTORS");
    char path[1000];
    snprintf(path, sizeof(path), "%s/%s", folder ? folder : "", name);
    FILE *file = folder ? fopen(path, "rb") : NULL;
    if (!file) {
        print_message("%s is not there\n", name);
        skip();
    }
    size_t n = fread(out, 1, size, file);
    fclose(file);
    return n;
}

static void append_frame(const uint8_t *packet, size_t size)
{
    uint8_t *out = capture.data + capture.size;
    assert_true(capture.size + 4 + size <= sizeof(capture.data));
    memcpy(out, (uint8_t[]){'$', CHANNEL}, 2);
    fv_put16(out + 2, (uint16_t)size);
    memcpy(out + 4, packet, size);
    capture.size += 4 + size;
}

/* Packets behind a 16-bit length each; then one of the next picture, which ends what no marker ended (`slice`: of that codec). */
static void load_lengths(const char *name, enum fv_codec codec, const char *slice)
{
    static uint8_t file[10000];
    size_t size = load(name, file, sizeof(file));
    const uint8_t *last = NULL;
    capture.size = 0;
    for (size_t at = 0; at + 2 <= size; at += 2 + (size_t)fv_get16(file + at)) {
        last = file + at + 2;
        append_frame(last, fv_get16(file + at));
    }
    uint8_t next[15];
    fv_rtp_write_header(next, false, 96, (uint16_t)(fv_get16(last + 2) + 1),
                        fv_get32(last + 4) + 3600, fv_get32(last + 8));
    memcpy(next + 12, slice, 3);
    append_frame(next, sizeof(next));
    capture.codec = codec;
    capture.payload_type = 96;
    note_ends();
}

static void load_bunny(void)
{
    capture.size = load("retina/bunny.rtsp", capture.data, sizeof(capture.data));
    capture.codec = FV_CODEC_H264;
    capture.payload_type = 97;
    note_ends();
}

/* valgrind is fifty times slower: there, not at every place. */
static size_t sparse(size_t step)
{
    const char *preload = getenv("LD_PRELOAD");
    return preload && strstr(preload, "vgpreload") ? 101 * step : step;
}

/* The pictures of the whole, and how many there are behind each frame. */
static struct watcher whole;
static size_t behind[FRAMES_MAX];

static void watch_whole(size_t pictures)
{
    open_watcher(&whole, 0);
    for (size_t i = 0; i < capture.frames; i++) {
        size_t used = read_to(&whole, i ? capture.ends[i - 1] : 0, capture.ends[i]);
        assert_int_equal(used, capture.ends[i]);
        behind[i] = whole.count;
    }
    close_watcher(&whole);
    assert_int_equal(whole.count, pictures);
}

/* One byte more at a time: after each prefix there are the pictures whose packets are complete, and no others. */
static void every_prefix(void)
{
    struct watcher w;
    size_t used = 0, frames = 0;
    open_watcher(&w, 0);
    for (size_t end = 1; end <= capture.size; end++) {
        used = read_to(&w, used, end);
        if (end == capture.ends[frames])
            frames++;
        assert_int_equal(used, frames ? capture.ends[frames - 1] : 0);
        assert_int_equal(w.count, frames ? behind[frames - 1] : 0);
    }
    assert_begins_as(&w, &whole, whole.count);
    close_watcher(&w);
}

/* Reads of `size` bytes. */
static void in_reads_of(size_t size)
{
    struct watcher w;
    size_t used = 0;
    open_watcher(&w, 0);
    for (size_t end = 0; end < capture.size;) {
        end = end + size < capture.size ? end + size : capture.size;
        used = read_to(&w, used, end);
    }
    assert_int_equal(w.count, whole.count);
    assert_begins_as(&w, &whole, whole.count);
    close_watcher(&w);
}

/* Each read ends `cut` bytes into the next frame, or with it where it is shorter; false when all are. */
static bool cut_into_frames(size_t cut)
{
    struct watcher w;
    size_t used = 0;
    bool any = false;
    open_watcher(&w, 0);
    for (size_t i = 0; i < capture.frames; i++) {
        size_t begin = i ? capture.ends[i - 1] : 0;
        if (cut >= capture.ends[i] - begin)
            continue;
        used = read_to(&w, used, begin + cut);
        any = true;
    }
    read_to(&w, used, capture.size);
    assert_int_equal(w.count, whole.count);
    assert_begins_as(&w, &whole, whole.count);
    close_watcher(&w);
    return any;
}

/* The stream ends with the `frame`-th packet, of which only `size` bytes came. Datagrams do that; also the reorder window gives back
 * what it holds. What was complete before is delivered as ever. */
static void break_off(size_t frame, size_t size, int64_t reorder)
{
    static struct watcher w;
    open_watcher(&w, reorder);
    for (size_t i = 0; i <= frame; i++) {
        const uint8_t *begin = capture.data + (i ? capture.ends[i - 1] : 0);
        uint8_t *copy = copy_of(begin + 4, i < frame ? fv_get16(begin + 2) : size);
        if (begin[1] == CHANNEL)
            fv_rtp_input(w.rtp, copy, i < frame ? fv_get16(begin + 2) : size, FV_S);
        free(copy);
    }
    fv_rtp_tick(w.rtp, 2 * FV_S);
    assert_int_equal(fv_rtp_deadline(w.rtp), FV_TIME_NEVER);
    assert_begins_as(&w, &whole, frame ? behind[frame - 1] : 0);
    assert_true(w.count <= behind[frame]);
    close_watcher(&w);
}

/* `step` bytes apart behind the headers, every `frames`-th packet. */
static void break_off_everywhere(size_t step, size_t frames)
{
    for (size_t i = 0; i < capture.frames; i += frames) {
        size_t size = capture.ends[i] - (i ? capture.ends[i - 1] : 0) - 4;
        for (size_t cut = 0; cut < size; cut += cut < 24 ? 1 : step)
            break_off(i, cut, 0);
        break_off(i, size, 0);
        break_off(i, size, 60 * FV_MS);
    }
}

static void everything(size_t reads, size_t step, size_t frames)
{
    every_prefix();
    for (size_t size = 1; size <= reads; size += sparse(1))
        in_reads_of(size);
    size_t cuts = 0;
    for (size_t cut = 0; cut_into_frames(cut); cut += sparse(1))
        cuts++;
    assert_true(cuts > 0);
    break_off_everywhere(step, frames);
}

/* The one picture is complete with its marker; the packet behind begins another, which nothing ends. */
static void test_gstreamer_h264(void **state)
{
    load_lengths("gstreamer/h264.rtp", FV_CODEC_H264, "\x41\x9a\x00");
    watch_whole(1);
    assert_int_equal(behind[capture.frames - 2], 1);
    everything(capture.size, sparse(1), 1);
}

/* The one picture is complete with the packet behind it. */
static void test_gstreamer_h265(void **state)
{
    load_lengths("gstreamer/h265.rtp", FV_CODEC_H265, "\x02\x01\xd0");
    watch_whole(1);
    assert_int_equal(behind[capture.frames - 2], 0);
    everything(capture.size, 1, 1);
}

/* 245 pictures; the other channels' packets are nobody's. */
static void test_bunny(void **state)
{
    load_bunny();
    watch_whole(245);
    everything(400, 307, sparse(1));
}

/* Keeps the block of pages, which the C library fills at each turn when it is told to (MALLOC_PERTURB_). */
#define HELD 4096
static int hold_pages(void **state)
{
    *state = fv_pages_alloc(HELD);
    return *state ? 0 : -1;
}

static int release_pages(void **state)
{
    fv_pages_free(*state, HELD);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gstreamer_h264),
        cmocka_unit_test(test_gstreamer_h265),
        cmocka_unit_test(test_bunny),
    };
    return cmocka_run_group_tests(tests, hold_pages, release_pages);
}

// SPDX-License-Identifier: Apache-2.0
/* What real cameras said (FV_VECTORS), cut off at every place and in two parts at every place: nothing is read beyond its end, and the
 * parts come to the same as the whole. */
#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rtsp/sdp.h"
#include "rtsp/session.h"
#include "rtsp/transport.h"

#define FILES_MAX 400
#define DENSE 3000 /* bytes of a file that are cut at every place; behind them the steps are wide */
#define STRIDE 4999

static char *paths[FILES_MAX];
static size_t path_count;

static int note_file(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    /* The seeds of fuzzers are replayed by those. */
    if (type == FTW_F && !strstr(path, "/fuzz_seeds/") && path_count < FILES_MAX)
        paths[path_count++] = strdup(path);
    return 0;
}

static int find_files(void **state)
{
    const char *folder = getenv("FV_VECTORS");
    if (folder)
        nftw(folder, note_file, 16, FTW_PHYS);
    return 0;
}

static int forget_files(void **state)
{
    for (size_t i = 0; i < path_count; i++)
        free(paths[i]);
    return 0;
}

struct text {
    char data[300000];
    size_t size;
};
static struct text text;

/* An answer's number is taken out, so that it counts as the answer to whatever is awaited. */
static void load(const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    text.size = fread(text.data, 1, sizeof(text.data) - 1, file);
    fclose(file);
    text.data[text.size] = 0;
    char *cseq = strcasestr(text.data, "\ncseq:");
    if (cseq)
        cseq[1] = 'x';
}

/* valgrind is fifty times slower: there, not at every place. */
static size_t dense_step(void)
{
    const char *preload = getenv("LD_PRELOAD");
    return preload && strstr(preload, "vgpreload") ? 53 : 1;
}

static size_t next_cut(size_t cut)
{
    return cut < DENSE ? cut + dense_step() : cut + STRIDE;
}

/* Exactly these bytes: valgrind and the sanitizers see one read too many. */
static char *copy_of(const char *data, size_t size)
{
    char *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, data, size);
    return copy;
}

/* Of a whole message every shorter piece asks for more. */
static void test_every_prefix(void **state)
{
    static struct fv_sdp sdp;
    unsigned messages = 0;
    for (size_t i = 0; i < path_count; i++) {
        struct fv_rtsp_message message;
        struct fv_rtsp_frame frame;
        load(paths[i]);
        int64_t whole = fv_rtsp_parse(text.data, text.size, &message);
        messages += whole == (int64_t)text.size;
        for (size_t cut = 0; cut <= text.size; cut = next_cut(cut)) {
            char *copy = copy_of(text.data, cut);
            int64_t n = fv_rtsp_parse(copy, cut, &message);
            if (whole > 0)
                assert_true(n == ((int64_t)cut < whole ? -EAGAIN : whole));
            if (cut)
                fv_rtsp_parse_frame((const uint8_t *)copy, cut, &frame);
            struct fv_sdp_choice choice;
            struct fv_error err;
            if (fv_sdp_parse((struct fv_slice){copy, cut}, &sdp) == 0)
                fv_sdp_choose(&sdp, &choice, &err);
            free(copy);
        }
    }
    print_message("%zu files, %u of them messages\n", path_count, messages);
    assert_true(path_count == 0 || messages > 30);
}

struct listener {
    struct fv_rtsp *session;
    uint64_t packets, sum;
};

static void on_packet(void *data, bool rtcp, const uint8_t *packet, size_t size)
{
    struct listener *listener = data;
    listener->packets += 1 + (rtcp ? 1000 : 0);
    for (size_t i = 0; i < size; i++)
        listener->sum += packet[i];
}

/* A session that awaits the answer to DESCRIBE; `playing`: that has all answers. */
static void open_session(struct listener *listener, bool playing)
{
    static const char answers[] =
        "RTSP/1.0 200 OK\r\nContent-Length: 72\r\n\r\n"
        "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:trackID=1\r\n"
        "RTSP/1.0 200 OK\r\nSession: a\r\nTransport: RTP/AVP/TCP;interleaved=2-3\r\n\r\n"
        "RTSP/1.0 200 OK\r\n\r\n";
    static struct fv_rtsp_params params;
    *listener = (struct listener){0};
    params = (struct fv_rtsp_params){
        .skip_options = true, .seed = 1, .handler = {.packet = on_packet, .data = listener}};
    assert_int_equal(fv_url_parse("rtsp://admin:secret12@cam/live", &params.url, NULL), 0);
    assert_int_equal(fv_rtsp_create(&params, &listener->session), 0);
    assert_int_equal(fv_rtsp_start(listener->session, 0), 0);
    size_t size = playing ? strlen(answers) : 0;
    assert_int_equal(fv_rtsp_feed(listener->session, (const uint8_t *)answers, size, 0), size);
    assert_int_equal(fv_rtsp_state(listener->session),
                     playing ? FV_RTSP_PLAYING : FV_RTSP_AWAIT_DESCRIBE);
}

/* The first `cut` bytes, then, behind what was left of them, the rest. */
static void feed(struct listener *listener, size_t cut)
{
    size_t used = 0;
    for (int part = 0; part < 2; part++) {
        size_t end = part == 0 ? cut : text.size;
        char *copy = copy_of(text.data + used, end - used);
        int64_t n = fv_rtsp_feed(listener->session, (const uint8_t *)copy, end - used, 0);
        free(copy);
        if (n < 0)
            return;
        assert_true(n <= (int64_t)(end - used));
        used += (size_t)n;
    }
}

static void assert_same(const struct listener *a, const struct listener *b)
{
    const struct fv_rtsp_counters *one = fv_rtsp_counters(a->session),
                                  *other = fv_rtsp_counters(b->session);
    const uint8_t *out[2];
    size_t size = fv_rtsp_output(a->session, &out[0]);
    assert_int_equal(fv_rtsp_state(a->session), fv_rtsp_state(b->session));
    assert_string_equal(fv_rtsp_failure(a->session)->reason, fv_rtsp_failure(b->session)->reason);
    assert_int_equal(fv_rtsp_output(b->session, &out[1]), size);
    assert_memory_equal(out[0], out[1], size);
    assert_memory_equal(one, other, sizeof(*one));
    assert_true(a->packets == b->packets && a->sum == b->sum);
}

static void split_everywhere(bool playing, unsigned *accepted)
{
    for (size_t i = 0; i < path_count; i++) {
        struct listener whole;
        load(paths[i]);
        open_session(&whole, playing);
        feed(&whole, text.size);
        *accepted += fv_rtsp_state(whole.session) != FV_RTSP_FAILED;
        for (size_t cut = 0; cut < text.size; cut = next_cut(cut)) {
            struct listener parts;
            open_session(&parts, playing);
            feed(&parts, cut);
            assert_same(&whole, &parts);
            fv_rtsp_destroy(parts.session);
        }
        fv_rtsp_destroy(whole.session);
    }
}

static void test_every_split(void **state)
{
    unsigned described = 0, played = 0;
    split_everywhere(false, &described);
    split_everywhere(true, &played);
    print_message("%u accepted as an answer to DESCRIBE, %u while playing\n", described, played);
    assert_true(path_count == 0 || (described > 15 && played > 20));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_prefix),
        cmocka_unit_test(test_every_split),
    };
    return cmocka_run_group_tests(tests, find_files, forget_files);
}

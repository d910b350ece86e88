// SPDX-License-Identifier: Apache-2.0
/*
 * A session against a server that says anything. The first byte picks the transport and how far an
 * honest server leads before; the
 * second one seeds the sizes of the pieces in which the rest arrives. The same bytes in one piece
 * must end the same way.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/rand.h"
#include "rtsp/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SDP "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:trackID=1\r\n"

static const char *const honest[] = {
    "RTSP/1.0 200 OK\r\nCSeq: 1\r\nPublic: GET_PARAMETER\r\n\r\n",
    ("RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Length: 72\r\n\r\n" SDP),
    "RTSP/1.0 200 OK\r\nCSeq: 3\r\nSession: a;timeout=9\r\n\r\n",
    "RTSP/1.0 200 OK\r\nCSeq: 4\r\n\r\n",
};

struct run {
    struct fv_rtsp *session;
    uint64_t packets, bytes;
    struct fv_rand rand;
    int64_t now;
};

static void on_packet(void *data, bool rtcp, const uint8_t *packet, size_t size)
{
    struct run *run = data;
    run->packets++;
    for (size_t i = 0; i < size; i++)
        run->bytes += packet[i];
}

static void open_run(struct run *run, uint8_t kind, uint8_t seed)
{
    static struct fv_rtsp_params params;
    memset(run, 0, sizeof(*run));
    fv_rand_seed(&run->rand, seed);
    params.lower = kind & 1 ? FV_RTSP_UDP : FV_RTSP_TCP;
    params.client_rtp_port = 5000;
    params.seed = 1;
    params.handler = (struct fv_rtsp_handler){.packet = on_packet, .data = run};
    if (fv_url_parse("rtsp://admin:hunter42@cam/live", &params.url, NULL) < 0 ||
        fv_rtsp_create(&params, &run->session) < 0 || fv_rtsp_start(run->session, 0) < 0)
        abort();
    for (unsigned i = 0; i < (kind >> 1) % 5; i++) {
        size_t size = strlen(honest[i]);
        if (fv_rtsp_feed(run->session, (const uint8_t *)honest[i], size, 0) != (int64_t)size)
            abort();
    }
}

static void take_output(struct run *run)
{
    const uint8_t *out;
    size_t size = fv_rtsp_output(run->session, &out);
    if (size > 16384)
        abort();
    fv_rtsp_sent(run->session, size);
}

/* Presents `size` bytes in pieces (whole: all at once), each as a copy of its exact size. */
static void feed_all(struct run *run, const uint8_t *data, size_t size, bool whole)
{
    size_t used = 0, end = whole ? size : 0;
    int64_t n = 0;
    do {
        if (!whole) {
            end += 1 + fv_rand_below(&run->rand, 100);
            end = end < size ? end : size;
        }
        uint8_t *copy = malloc(end - used ? end - used : 1);
        if (!copy)
            abort();
        if (end > used)
            memcpy(copy, data + used, end - used);
        n = fv_rtsp_feed(run->session, copy, end - used, run->now);
        free(copy);
        if (n > (int64_t)(end - used))
            abort();
        used += n > 0 ? (size_t)n : 0;
        take_output(run);
    } while (n >= 0 && end < size);
}

static void check_failure(const struct run *run)
{
    const struct fv_rtsp_failure *failure = fv_rtsp_failure(run->session);
    bool failed = fv_rtsp_state(run->session) == FV_RTSP_FAILED;
    if (failed != (failure->code < 0) || failed != (failure->reason[0] != '\0') ||
        strstr(failure->reason, "hunter42"))
        abort();
}

/* Time goes on until the session fails, or a hundred deadlines passed. */
static void let_time_pass(struct run *run)
{
    for (int i = 0; i < 100; i++) {
        int64_t deadline = fv_rtsp_deadline(run->session);
        if (deadline == FV_TIME_NEVER)
            break;
        if (deadline < run->now)
            abort();
        run->now = deadline;
        if (fv_rtsp_tick(run->session, run->now) < 0)
            break;
        if (fv_rtsp_deadline(run->session) <= run->now)
            abort();
        take_output(run);
    }
    check_failure(run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct run whole, pieces;
    if (size < 2)
        return 0;
    open_run(&whole, data[0], data[1]);
    open_run(&pieces, data[0], data[1]);
    feed_all(&whole, data + 2, size - 2, true);
    feed_all(&pieces, data + 2, size - 2, false);
    /* A flood of requests may overflow the output only when nothing of it was taken in between. */
    if (fv_rtsp_failure(whole.session)->code != -ENOBUFS &&
        (fv_rtsp_state(whole.session) != fv_rtsp_state(pieces.session) ||
         whole.packets != pieces.packets || whole.bytes != pieces.bytes ||
         strcmp(fv_rtsp_failure(whole.session)->reason, fv_rtsp_failure(pieces.session)->reason)))
        abort();
    check_failure(&whole);
    let_time_pass(&pieces);
    fv_rtsp_close(pieces.session, pieces.now);
    take_output(&pieces);
    fv_rtsp_destroy(whole.session);
    fv_rtsp_destroy(pieces.session);
    return 0;
}

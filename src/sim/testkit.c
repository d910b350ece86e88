// SPDX-License-Identifier: Apache-2.0
#include "sim/testkit.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* profile 66, constraints C0, level 30, then 1 1 011 010 0 000010100 0001111 1 1 0 0 and the stop
 * bit */
const uint8_t kit_sps[8] = {0x67, 0x42, 0xc0, 0x1e, 0xda, 0x05, 0x07, 0xe4};
const uint8_t kit_pps[4] = {0x68, 0xce, 0x38, 0x80};

static size_t put(uint8_t *at, const uint8_t *nal, size_t size)
{
    memcpy(at, "\0\0\0\1", 4);
    memcpy(at + 4, nal, size);
    return 4 + size;
}

void kit_slice(const struct kit_stream *stream, unsigned n, uint8_t *out)
{
    bool key = stream->leading ? n > 0 && (n - 1) % stream->gop == 0 : n % stream->gop == 0;
    out[0] = key ? 0x65 : 0x41;
    out[1] = 0x88; /* first_mb_in_slice 0 */
    for (size_t i = 2; i < stream->slice; i++)
        out[i] = (uint8_t)(0x80 | (n * 31 + i * 7)); /* never zero: no start code inside */
}

uint8_t *kit_make(const struct kit_stream *stream, size_t *ret_size)
{
    static const uint8_t delimiter[] = {0x09, 0xf0};
    uint8_t *data = calloc(stream->pictures, stream->slice + 64);
    uint8_t *slice = malloc(stream->slice);
    size_t size = 0;
    bool sets = !stream->no_sets;
    assert_non_null(data);
    assert_non_null(slice);
    for (unsigned n = 0; n < stream->pictures; n++) {
        kit_slice(stream, n, slice);
        if (stream->delimiters)
            size += put(data + size, delimiter, sizeof(delimiter));
        if (sets && slice[0] == 0x65) {
            size += put(data + size, kit_sps, sizeof(kit_sps));
            size += put(data + size, kit_pps, sizeof(kit_pps));
            sets = !stream->sets_once;
        }
        size += put(data + size, slice, stream->slice);
    }
    free(slice);
    *ret_size = size;
    return data;
}

void kit_write(char *path, const void *data, size_t size)
{
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, size), size);
    close(fd);
}

struct fv_clip *kit_clip(const struct kit_stream *stream, double fps)
{
    char path[] = "/tmp/fovea-kit-XXXXXX";
    size_t size;
    uint8_t *data = kit_make(stream, &size);
    kit_write(path, data, size);
    free(data);
    struct fv_clip *clip = NULL;
    struct fv_error err = {0};
    const struct fv_clip_params params = {.path = path, .fps = fps};
    int rc = fv_clip_open(&params, &clip, &err);
    unlink(path);
    if (rc < 0)
        fail_msg("%s", err.text);
    return clip;
}

void kit_reconnect(struct kit_bench *bench)
{
    fv_sim_session_finish(&bench->session);
    assert_int_equal(fv_sim_session_init(&bench->session, &bench->site, bench->now), 0);
    bench->sent_size = bench->datagram_count = 0;
}

void kit_bench_start(struct kit_bench *bench, const struct kit_stream *stream, double fps,
                     const char *const *faults, unsigned fault_count)
{
    memset(bench, 0, sizeof(*bench));
    bench->now = KIT_START;
    bench->clip = kit_clip(stream, fps);
    for (int i = 0; i < KIT_CAMERAS; i++)
        bench->cameras[i].clip = bench->clip;
    for (unsigned i = 0; i < fault_count; i++) {
        struct fv_error err = {0};
        if (fv_sim_fault_parse(faults[i], &bench->specs[i], &err) < 0)
            fail_msg("%s", err.text);
    }
    bench->site = (struct fv_sim_site){.cameras = bench->cameras,
                                       .camera_count = KIT_CAMERAS,
                                       .via = FV_SIM_VIA_TCP | FV_SIM_VIA_UDP,
                                       .udp_ports = {7000, 7001},
                                       .faults = bench->specs,
                                       .fault_count = fault_count,
                                       .visits = bench->visits,
                                       .start = KIT_START};
    fv_rand_seed(&bench->site.rand, 7);
    assert_int_equal(fv_sim_session_init(&bench->session, &bench->site, KIT_START), 0);
}

void kit_bench_finish(struct kit_bench *bench)
{
    fv_sim_session_finish(&bench->session);
    fv_clip_destroy(bench->clip);
}

static void keep(struct kit_bench *bench, const void *data, size_t size)
{
    assert_true(bench->sent_size + size <= sizeof(bench->sent));
    if (size)
        memcpy(bench->sent + bench->sent_size, data, size);
    bench->sent_size += size;
}

static void keep_datagram(struct kit_bench *bench, const struct iovec *parts, unsigned count,
                          bool rtcp)
{
    assert_true(bench->datagram_count < KIT_DATAGRAMS);
    struct kit_datagram *datagram = &bench->datagrams[bench->datagram_count++];
    *datagram = (struct kit_datagram){.at = bench->sent_size, .rtcp = rtcp, .when = bench->now};
    for (unsigned i = 0; i < count; i++)
        keep(bench, parts[i].iov_base, parts[i].iov_len);
    datagram->size = bench->sent_size - datagram->at;
}

static void take_datagrams(struct kit_bench *bench)
{
    struct fv_sim_batch *batch = &bench->batch;
    const struct iovec report = {batch->report, batch->report_size};
    if (batch->report_size)
        keep_datagram(bench, &report, 1, true);
    for (unsigned i = 0; batch->datagrams && i < batch->packets; i++)
        keep_datagram(bench, batch->datagrams + 2 * i, 2, false);
    fv_sim_session_posted(&bench->session, batch, bench->now);
}

int kit_drain(struct kit_bench *bench, size_t limit)
{
    struct fv_sim_batch *batch = &bench->batch;
    for (;;) {
        fv_sim_session_gather(&bench->session, bench->now, KIT_WALL + bench->now - KIT_START,
                              batch);
        const bool more = batch->datagrams;
        const size_t size = batch->size < limit ? batch->size : limit;
        size_t left = size;
        for (unsigned i = 0; left; i++) {
            assert_true(i < batch->iov_count);
            size_t part = batch->iov[i].iov_len < left ? batch->iov[i].iov_len : left;
            keep(bench, batch->iov[i].iov_base, part);
            left -= part;
        }
        limit -= size;
        bench->writes += size > 0;
        int rc = size ? fv_sim_session_sent(&bench->session, batch, size, bench->now) : 0;
        if (rc < 0)
            return rc;
        take_datagrams(bench);
        if (!size && !more)
            return 0;
    }
}

int kit_feed(struct kit_bench *bench, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    while (size) {
        uint8_t *room;
        int64_t space = fv_sim_session_room(&bench->session, &room);
        if (space < 0)
            return (int)space;
        size_t part = (size_t)space < size ? (size_t)space : size;
        memcpy(room, bytes, part);
        int rc = fv_sim_session_feed(&bench->session, part, bench->now);
        if (rc < 0)
            return rc;
        bytes += part;
        size -= part;
    }
    return 0;
}

unsigned kit_ask(struct kit_bench *bench, const char *request)
{
    struct fv_sim_bytes *out = &bench->session.out;
    unsigned status = 0;
    bench->sent_size = 0;
    assert_int_equal(kit_feed(bench, request, strlen(request)), 0);
    assert_true(out->size < sizeof(bench->reply));
    memcpy(bench->reply, out->data, out->size);
    bench->reply[out->size] = '\0';
    sscanf(bench->reply, "RTSP/1.0 %3u", &status);
    keep(bench, out->data, out->size);
    fv_sim_bytes_drop(out, out->size);
    return status;
}

unsigned kit_ask_simple(struct kit_bench *bench, const char *method, const char *path,
                        const char *headers)
{
    char text[1024];
    snprintf(text, sizeof(text), "%s rtsp://10.0.0.1:8554%s RTSP/1.0\r\nCSeq: 9\r\n%s\r\n", method,
             path, headers);
    return kit_ask(bench, text);
}

unsigned kit_ask_in_session(struct kit_bench *bench, const char *method)
{
    char session[64];
    snprintf(session, sizeof(session), "Session: %s\r\n", bench->session.id);
    return kit_ask_simple(bench, method, "/cam0/", session);
}

void kit_play(struct kit_bench *bench, const char *transport)
{
    assert_int_equal(kit_ask_simple(bench, "SETUP", "/cam0/track1", transport), 200);
    assert_int_equal(kit_ask_in_session(bench, "PLAY"), 200);
    bench->sent_size = bench->datagram_count = 0;
}

void kit_run(struct kit_bench *bench, int64_t duration)
{
    for (const int64_t end = bench->now + duration; bench->now < end; bench->now += 4 * FV_MS)
        assert_int_equal(kit_drain(bench, SIZE_MAX), 0);
}

static void *serve(void *data)
{
    struct kit_server *server = data;
    server->rc = fv_sim_run(server->sim);
    return NULL;
}

struct kit_server *kit_serve(const struct fv_sim_params *params)
{
    static struct kit_server server;
    struct fv_error err = {0};
    if (fv_sim_open(params, &server.sim, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(pthread_create(&server.thread, NULL, serve, &server), 0);
    return &server;
}

void kit_end(struct kit_server *server)
{
    fv_sim_stop(server->sim);
    assert_int_equal(pthread_join(server->thread, NULL), 0);
    assert_int_equal(server->rc, 0);
    fv_sim_close(server->sim);
}

void kit_be_patient(int fd)
{
    const struct timeval patience = {.tv_sec = 30};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
}

int kit_connect(const struct kit_server *server, int receive_buffer)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(fv_sim_port(server->sim)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (receive_buffer)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
    kit_be_patient(fd);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

// SPDX-License-Identifier: Apache-2.0
/* The public interface over real loopback sockets, the server in a thread. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "fovea/sim.h"
#include "rtp/packet.h"
#include "sim/testkit.h"

static char clip_path[] = "/tmp/fovea-server-XXXXXX";
static const char *const inputs[] = {clip_path};

static int write_clip(void **state)
{
    const struct kit_stream stream = {.pictures = 10, .gop = 5, .slice = 20000};
    size_t size;
    uint8_t *data = kit_make(&stream, &size);
    kit_write(clip_path, data, size);
    free(data);
    return 0;
}

static int remove_clip(void **state)
{
    return unlink(clip_path);
}

static struct fv_sim_params params_of(unsigned cameras)
{
    return (struct fv_sim_params){.listen = "127.0.0.1:0",
                                  .inputs = inputs,
                                  .input_count = 1,
                                  .cameras = cameras,
                                  .fps = 50,
                                  .seed = 3};
}

static struct fv_sim_stats stats_of(struct kit_server *server)
{
    struct fv_sim_stats stats;
    fv_sim_stats(server->sim, &stats);
    return stats;
}

static void read_exactly(int fd, void *data, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t part = recv(fd, (char *)data + done, size - done, 0);
        if (part <= 0)
            fail_msg("the connection ended or fell silent");
        done += (size_t)part;
    }
}

/* Reads one interleaved frame; returns its channel. `out` holds 64 KiB. */
static int read_frame(int fd, uint8_t *out, size_t *ret_size)
{
    uint8_t head[4];
    read_exactly(fd, head, 4);
    assert_int_equal(head[0], '$');
    *ret_size = fv_get16(head + 2);
    read_exactly(fd, out, *ret_size);
    return head[1];
}

/* Sends a request and reads its answer, which comes before any media. Returns the status. */
static unsigned ask(int fd, const char *request, char *answer, size_t room)
{
    size_t size = 0;
    unsigned status = 0;
    size_t length = 0;
    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
    do {
        assert_true(size + 1 < room);
        read_exactly(fd, answer + size++, 1);
        answer[size] = '\0';
    } while (size < 4 || strcmp(answer + size - 4, "\r\n\r\n") != 0);
    const char *field = strstr(answer, "Content-Length: ");
    if (field)
        assert_int_equal(sscanf(field, "Content-Length: %zu", &length), 1);
    assert_true(size + length < room);
    read_exactly(fd, answer + size, length);
    answer[size + length] = '\0';
    assert_int_equal(sscanf(answer, "RTSP/1.0 %3u", &status), 1);
    return status;
}

/* `id` holds 64 bytes and becomes the session's. */
static void play(int fd, unsigned camera, char *id)
{
    char request[300], answer[4096];
    snprintf(request, sizeof(request),
             "SETUP rtsp://h/cam%u/track1 RTSP/1.0\r\nCSeq: 2\r\n"
             "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n",
             camera);
    assert_int_equal(ask(fd, request, answer, sizeof(answer)), 200);
    assert_int_equal(sscanf(strstr(answer, "Session: "), "Session: %60[0-9a-f]", id), 1);
    snprintf(request, sizeof(request),
             "PLAY rtsp://h/cam%u/ RTSP/1.0\r\nCSeq: 3\r\nSession: %s\r\n\r\n", camera, id);
    assert_int_equal(ask(fd, request, answer, sizeof(answer)), 200);
}

/* The answer comes behind the media that was under way. */
static void tear_down(int fd, unsigned camera, const char *id)
{
    static uint8_t rest[64 << 10];
    char text[300];
    uint8_t head[4];
    snprintf(text, sizeof(text),
             "TEARDOWN rtsp://h/cam%u RTSP/1.0\r\nCSeq: 4\r\nSession: %s\r\n\r\n", camera, id);
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    for (;;) {
        read_exactly(fd, head, 4);
        if (head[0] != '$')
            break;
        read_exactly(fd, rest, fv_get16(head + 2));
    }
    read_exactly(fd, rest, 8);
    assert_memory_equal(head, "RTSP", 4);
    assert_memory_equal(rest, "/1.0 200", 8);
}

static void one_camera_from_options_to_teardown(void **state)
{
    static uint8_t packet[64 << 10];
    const struct fv_sim_params params = params_of(2);
    struct kit_server *server = kit_serve(&params);
    char answer[4096], id[64];
    int fd = kit_connect(server, 0);
    assert_int_equal(ask(fd, "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n", answer, sizeof(answer)), 200);
    assert_int_equal(
        ask(fd, "DESCRIBE rtsp://h/cam1 RTSP/1.0\r\nCSeq: 1\r\n\r\n", answer, sizeof(answer)), 200);
    assert_non_null(strstr(answer, "m=video 0 RTP/AVP 96"));
    const int64_t begin = fv_now();
    play(fd, 1, id);
    /* 30 pictures: more than two rounds of the clip, at 50 pictures a second */
    unsigned pictures = 0;
    uint16_t seq = 0;
    for (unsigned n = 0; pictures < 30; n++) {
        size_t size;
        if (read_frame(fd, packet, &size) != 0)
            continue;
        uint16_t now = fv_get16(packet + 2);
        if (n)
            assert_int_equal(now, (uint16_t)(seq + 1));
        seq = now;
        pictures += packet[1] >> 7;
    }
    assert_true(fv_now() - begin >= 500 * FV_MS); /* 29 intervals of 20 ms */
    tear_down(fd, 1, id);
    close(fd);
    assert_int_equal(stats_of(server).sessions_total, 1);
    assert_true(stats_of(server).packets >= 30 * 15);
    kit_end(server);
}

static void credentials_are_asked_for(void **state)
{
    struct fv_sim_params params = params_of(1);
    params.user = "admin";
    params.password = "s3cret";
    struct kit_server *server = kit_serve(&params);
    char answer[4096];
    int fd = kit_connect(server, 0);
    assert_int_equal(ask(fd, "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n", answer, sizeof(answer)), 200);
    assert_int_equal(
        ask(fd, "DESCRIBE rtsp://h/cam0 RTSP/1.0\r\nCSeq: 1\r\n\r\n", answer, sizeof(answer)), 401);
    assert_non_null(strstr(answer, "algorithm=SHA-256"));
    assert_null(strstr(answer, "s3cret"));
    close(fd);
    kit_end(server);
}

static void garbage_is_answered_and_cut_off(void **state)
{
    const struct fv_sim_params params = params_of(1);
    struct kit_server *server = kit_serve(&params);
    char answer[4096], byte;
    int fd = kit_connect(server, 0);
    assert_int_equal(ask(fd, "\x16\x03\x01 hello\r\n\r\n", answer, sizeof(answer)), 400);
    assert_true(recv(fd, &byte, 1, 0) <= 0);
    close(fd);
    kit_end(server);
}

/* One client does not read: it loses pictures, the other does not. */
static void a_deaf_client_hurts_only_itself(void **state)
{
    static uint8_t packet[64 << 10];
    const struct fv_sim_params params = params_of(2);
    struct kit_server *server = kit_serve(&params);
    int deaf = kit_connect(server, 4096), good = kit_connect(server, 0);
    char id[64];
    play(deaf, 0, id);
    play(good, 1, id);
    unsigned lost = 0;
    uint16_t seq = 0;
    const int64_t end = fv_now() + 20 * FV_S;
    for (unsigned n = 0; !stats_of(server).stalled && fv_now() < end; n++) {
        size_t size;
        if (read_frame(good, packet, &size) != 0)
            continue;
        lost += n && fv_get16(packet + 2) != (uint16_t)(seq + 1);
        seq = fv_get16(packet + 2);
    }
    assert_true(stats_of(server).stalled > 0);
    assert_int_equal(lost, 0);
    assert_int_equal(stats_of(server).clients, 2);
    close(deaf);
    close(good);
    kit_end(server);
}

static void wrong_parameters_are_refused(void **state)
{
    const struct fv_sim_params good = params_of(1);
    struct kit_server *server = kit_serve(&good);
    char taken[64];
    snprintf(taken, sizeof(taken), "127.0.0.1:%u", fv_sim_port(server->sim));
    struct fv_sim_params params[8];
    int expected[8] = {-EADDRINUSE, -EINVAL, -EINVAL, -EINVAL, -EINVAL, -EINVAL, -ENOENT, -EINVAL};
    static const char *const missing[] = {"/nowhere/clip.h264"};
    for (int i = 0; i < 8; i++)
        params[i] = good;
    params[0].listen = taken;
    params[1].listen = "127.0.0.1";
    params[2].listen = "127.0.0.1:70000";
    params[3].listen = "::1:8554";
    params[4].cameras = 0;
    params[5].cameras = 4097;
    params[6].inputs = missing;
    params[7].user = "somebody";
    for (int i = 0; i < 8; i++) {
        struct fv_error err = {0};
        struct fv_sim *sim = NULL;
        assert_int_equal(fv_sim_open(&params[i], &sim, &err), expected[i]);
        assert_int_equal(err.code, expected[i]);
        assert_true(err.text[0]);
        assert_null(sim);
    }
    kit_end(server);
}

static void every_allocation_may_fail(void **state)
{
    struct fv_sim_params params = params_of(3);
    params.user = "u";
    params.password = "p";
    unsigned n = 0;
    int rc;
    do {
        struct fv_sim *sim = NULL;
        fv_alloc_fail_at(++n);
        rc = fv_sim_open(&params, &sim, NULL);
        assert_true(rc == 0 || rc == -ENOMEM);
        fv_sim_close(sim);
    } while (!fv_alloc_fail_pending());
    fv_alloc_fail_at(0);
    assert_int_equal(rc, 0);
    assert_true(n > 8);
}

static void stop_before_run_counts(void **state)
{
    const struct fv_sim_params params = params_of(1);
    struct fv_sim *sim;
    assert_int_equal(fv_sim_open(&params, &sim, NULL), 0);
    fv_sim_stop(sim);
    assert_int_equal(fv_sim_run(sim), 0);
    fv_sim_close(sim);
    fv_sim_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_camera_from_options_to_teardown),
        cmocka_unit_test(credentials_are_asked_for),
        cmocka_unit_test(garbage_is_answered_and_cut_off),
        cmocka_unit_test(a_deaf_client_hurts_only_itself),
        cmocka_unit_test(wrong_parameters_are_refused),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(stop_before_run_counts),
    };
    return cmocka_run_group_tests(tests, write_clip, remove_clip);
}

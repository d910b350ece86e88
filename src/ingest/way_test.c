// SPDX-License-Identifier: Apache-2.0
/* The ways to a camera: UDP, TLS, and from one transport to another. The camera is the simulator. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "fovea/sim.h"
#include "ingest/test_bed.h"

static char clip_path[] = "/tmp/fovea-way-clip-XXXXXX", ca_path[] = "/tmp/fovea-way-ca-XXXXXX";

struct server {
    struct fv_sim *sim;
    pthread_t thread;
    char url[80];
};

/* A key picture and four others of 3,000 bytes: some packets each. */
static int write_clip(void **state)
{
    static const uint8_t head[] = {0,    0,    0, 1, 0x67, 0x42, 0xC0, 0x1E, 0xDA, 0x05,
                                   0x07, 0xE4, 0, 0, 0,    1,    0x68, 0xCE, 0x3C, 0x80};
    static const uint8_t key[] = {0, 0, 0, 1, 0x65, 0x88}, other[] = {0, 0, 0, 1, 0x41, 0x9A};
    uint8_t rest[3000];
    memset(rest, 0xA5, sizeof(rest));
    FILE *file = fdopen(mkstemp(clip_path), "w");
    fwrite(head, sizeof(head), 1, file);
    for (int i = 0; i < 5; i++) {
        fwrite(i == 0 ? key : other, sizeof(key), 1, file);
        fwrite(rest, sizeof(rest), 1, file);
    }
    close(mkstemp(ca_path));
    return fclose(file);
}

static int remove_files(void **state)
{
    return unlink(clip_path) + unlink(ca_path);
}

static void *run_sim(void *data)
{
    fv_sim_run(data);
    return NULL;
}

static void server_start(struct server *server, struct fv_sim_params params)
{
    static const char *const inputs[] = {clip_path};
    struct fv_error err;
    params.listen = params.listen ? params.listen : "127.0.0.1:0";
    params.inputs = inputs;
    params.input_count = 1;
    params.cameras = 1;
    params.fps = 50;
    params.seed = 1;
    if (fv_sim_open(&params, &server->sim, &err) < 0)
        fail_msg("%s", err.text);
    snprintf(server->url, sizeof(server->url), "%s://%s:%u/cam0",
             params.tls_self_signed ? "rtsps" : "rtsp",
             params.listen[0] == '[' ? "[::1]" : "127.0.0.1", fv_sim_port(server->sim));
    assert_int_equal(pthread_create(&server->thread, NULL, run_sim, server->sim), 0);
}

static void server_stop(struct server *server)
{
    fv_sim_stop(server->sim);
    pthread_join(server->thread, NULL);
    fv_sim_close(server->sim);
}

static struct fv_camera_params params_for(const struct server *server, enum fv_transport transport)
{
    struct fv_camera_params params = bed_params(server->url);
    params.transport = transport;
    return params;
}

static enum fv_transport transport_in_use(uint32_t id)
{
    struct fv_camera_description description;
    assert_int_equal(fv_ingest_describe(bed.ingest, id, &description), 0);
    assert_int_equal(description.receive_buffer > 0, description.transport == FV_TRANSPORT_UDP);
    return description.transport;
}

/* Was this said at some change of state? */
static bool was_said(uint32_t id, const char *text)
{
    struct fv_camera_change changes[FV_CAMERA_HISTORY];
    int count = fv_ingest_history(bed.ingest, id, FV_CAMERA_HISTORY, changes);
    for (int i = 0; i < count; i++) {
        if (strstr(changes[i].reason, text))
            return true;
    }
    return false;
}

static void test_udp_plays(void **state)
{
    static const char *const listen[] = {"127.0.0.1:0", "[::1]:0"};
    for (size_t i = 0; i < 2; i++) {
        struct server server;
        server_start(&server, (struct fv_sim_params){.listen = listen[i]});
        bed_open(i ? 5 * FV_MS : 0);
        struct fv_camera_params params = params_for(&server, FV_TRANSPORT_UDP);
        uint32_t id = bed_add(&params);
        bed_await(id, bed_has_pictures, 60);
        bed_assert_well(id);
        assert_int_equal(transport_in_use(id), FV_TRANSPORT_UDP);
        fv_ingest_stop(bed.ingest);
        struct fv_camera_stats stats = bed_stats(id);
        assert_int_equal(stats.access_units, bed.cameras[id].pictures);
        assert_true(stats.packets >= 3 * stats.access_units);
        assert_int_equal(stats.lost + stats.invalid + stats.damaged + stats.foreign, 0);
        assert_int_equal(stats.attempts, 1);
        assert_int_equal(stats.failures + stats.transport_changes, 0);
        bed_close();
        server_stop(&server);
    }
}

/* Sends something to every UDP port of this process, from an address that is not the camera's. */
static unsigned send_foreign(void)
{
    static const uint8_t packet[] = {0x80, 0xE0, 0, 1, 0, 0, 0, 1, 1, 2, 3, 4, 0x65, 0x88, 0, 0};
    struct sockaddr_in addr = {.sin_family = AF_INET};
    inet_pton(AF_INET, "127.0.0.2", &addr.sin_addr);
    int out = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(bind(out, (struct sockaddr *)&addr, sizeof(addr)), 0);
    unsigned sent = 0;
    for (int fd = 3; fd < 200; fd++) {
        int type = 0;
        socklen_t size = sizeof(type), length = sizeof(addr);
        if (fd == out || getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 ||
            type != SOCK_DGRAM || getsockname(fd, (struct sockaddr *)&addr, &length) < 0)
            continue;
        sent += sendto(out, packet, sizeof(packet), 0, (struct sockaddr *)&addr, length) > 0;
    }
    close(out);
    return sent;
}

static void test_udp_foreign_packets(void **state)
{
    struct server server;
    server_start(&server, (struct fv_sim_params){0});
    bed_open(FV_MS);
    struct fv_camera_params params = params_for(&server, FV_TRANSPORT_UDP);
    uint32_t id = bed_add(&params);
    bed_await(id, bed_has_pictures, 5);
    assert_in_range(send_foreign(), 2, 100);
    bed_await(id, bed_has_pictures, 30);
    fv_ingest_stop(bed.ingest);
    struct fv_camera_stats stats = bed_stats(id);
    assert_int_equal(stats.foreign, 1); /* RTCP; those for RTP the kernel keeps out by now */
    assert_int_equal(stats.lost + stats.invalid + stats.damaged, 0);
    bed_close();
    server_stop(&server);
}

static void test_udp_faults(void **state)
{
    static const char *const reorder[] = {"reorder:probability=0.1,ms=15"};
    static const char *const loss[] = {"loss:probability=0.05"};
    for (int lossy = 0; lossy < 2; lossy++) {
        struct server server;
        server_start(&server,
                     (struct fv_sim_params){.faults = lossy ? loss : reorder, .fault_count = 1});
        bed_open(FV_MS);
        struct fv_camera_params params = params_for(&server, FV_TRANSPORT_UDP);
        params.reorder = lossy ? params.reorder : 20 * FV_S;
        uint32_t id = bed_add(&params);
        bed_await(id, bed_has_pictures, 40);
        fv_ingest_stop(bed.ingest);
        struct fv_camera_stats stats = bed_stats(id);
        assert_int_equal(stats.failures, 0);
        assert_int_equal(stats.lost > 0, lossy);
        assert_int_equal(stats.damaged > 0, lossy);
        assert_true(lossy || stats.reordered > 0);
        bed_close();
        server_stop(&server);
    }
}

struct change {
    enum fv_sim_transports offered;
    enum fv_transport asked, used;
    const char *fault;
    const char *said;
    unsigned attempts, changes;
};

/* Within one attempt; what was learned is used in the next one. */
static void test_changes_transport(void **state)
{
    static const struct change table[] = {
        {FV_SIM_UDP_ONLY, FV_TRANSPORT_AUTO, FV_TRANSPORT_UDP, NULL, "461", 1, 1},
        {FV_SIM_TCP_ONLY, FV_TRANSPORT_UDP, FV_TRANSPORT_TCP, NULL, "461", 1, 1},
        {FV_SIM_TCP_AND_UDP, FV_TRANSPORT_UDP, FV_TRANSPORT_TCP, "mute:at=media,connections=1",
         "over TCP, because no first packet for 1.0 s over UDP", 1, 1},
        {FV_SIM_TCP_AND_UDP, FV_TRANSPORT_AUTO, FV_TRANSPORT_UDP, "mute:at=media,connections=1",
         "over UDP, because no first packet for 1.0 s", 1, 1},
        {FV_SIM_UDP_ONLY, FV_TRANSPORT_AUTO, FV_TRANSPORT_UDP, "close:connections=2,after=0.3",
         "over UDP, because SETUP", 2, 1},
        {FV_SIM_TCP_AND_UDP, FV_TRANSPORT_AUTO, FV_TRANSPORT_TCP, NULL, "plays", 1, 0},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const struct change *want = &table[i];
        struct server server;
        server_start(&server, (struct fv_sim_params){.transports = want->offered,
                                                     .faults = &want->fault,
                                                     .fault_count = want->fault != NULL});
        bed_open(FV_MS);
        struct fv_camera_params params = params_for(&server, want->asked);
        if (want->fault && strstr(want->fault, "mute"))
            params.first_packet_timeout = FV_S;
        uint32_t id = bed_add(&params);
        bed_await(id, bed_has_pictures, want->attempts > 1 ? 40 : 5);
        assert_true(was_said(id, want->said));
        assert_int_equal(transport_in_use(id), want->used);
        struct fv_camera_stats stats = bed_stats(id);
        assert_int_equal(stats.attempts, want->attempts);
        assert_int_equal(stats.failures, want->attempts - 1);
        assert_int_equal(stats.transport_changes, want->changes);
        bed_close();
        server_stop(&server);
    }
}

/* Neither is accepted: no hurry, and the next attempt begins anew. */
static void test_no_transport_left(void **state)
{
    static const char *const faults[] = {"refuse:at=setup,status=461"};
    struct server server;
    server_start(&server, (struct fv_sim_params){.faults = faults, .fault_count = 1});
    static const enum fv_transport asked[] = {FV_TRANSPORT_AUTO, FV_TRANSPORT_UDP,
                                              FV_TRANSPORT_TCP};
    for (size_t i = 0; i < 3; i++) {
        bed_open(FV_MS);
        struct fv_camera_params params = params_for(&server, asked[i]);
        uint32_t id = bed_add(&params);
        bed_await(id, bed_failed, 1);
        assert_int_equal(bed_failure(id, 0).code, -ENOTSUP);
        struct fv_camera_stats stats = bed_stats(id);
        assert_int_equal(stats.retry_at - stats.since, 10 * FV_S);
        assert_int_equal(stats.transport_changes, asked[i] == FV_TRANSPORT_TCP ? 0 : 2);
        bed_close();
    }
    server_stop(&server);
}

struct trust {
    const char *host; /* NULL: as the server says */
    bool verify, with_ca;
    int code; /* 0: plays */
    const char *reason;
};

static void test_tls(void **state)
{
    static const struct trust table[] = {
        {NULL, true, true, 0, "by TLS"},
        {"localhost", true, true, 0, "by TLS"},
        {NULL, false, false, 0, "by TLS"},
        {NULL, true, false, -EACCES, "the certificate is not accepted: self-signed certificate"},
        {"127.0.0.2", true, true, -EACCES, "the certificate is not accepted: IP address mismatch"},
        {"127.0.0.2", false, true, 0, "by TLS"},
    };
    struct server server;
    server_start(&server, (struct fv_sim_params){.listen = "0.0.0.0:0",
                                                 .tls_self_signed = true,
                                                 .tls_cert_out = ca_path});
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const struct trust *want = &table[i];
        bed_open(5 * FV_MS);
        /* An rtsps:// address is TLS whatever is asked for; rtsp:// is when TLS is asked for. */
        struct fv_camera_params params =
            params_for(&server, i % 2 ? FV_TRANSPORT_TLS : FV_TRANSPORT_AUTO);
        strcpy(params.url.scheme, i % 2 ? "rtsp" : "rtsps");
        if (want->host)
            snprintf(params.url.host, sizeof(params.url.host), "%s", want->host);
        params.tls_verify = want->verify;
        snprintf(params.tls_ca_file, sizeof(params.tls_ca_file), "%s",
                 want->with_ca ? ca_path : "");
        uint32_t id = bed_add(&params);
        bed_await(id, want->code ? bed_failed : bed_has_pictures, want->code ? 1 : 60);
        assert_true(was_said(id, want->reason));
        if (want->code) {
            assert_int_equal(bed_failure(id, 0).code, want->code);
        } else {
            assert_int_equal(transport_in_use(id), FV_TRANSPORT_TLS);
            assert_int_equal(bed_stats(id).failures, 0);
        }
        bed_close();
    }
    server_stop(&server);
}

static void test_tls_trouble(void **state)
{
    static const char *const mute[] = {"mute:at=connect"};
    static const struct fv_sim_params servers[] = {
        {.tls_self_signed = true, .faults = mute, .fault_count = 1},
        {.tls_self_signed = false},
    };
    static const char *const reasons[] = {"no answer to the TLS handshake", "TLS with 127.0.0.1:"};
    for (size_t i = 0; i < 2; i++) {
        struct server server;
        server_start(&server, servers[i]);
        bed_open(FV_MS);
        struct fv_camera_params params = params_for(&server, FV_TRANSPORT_TLS);
        params.connect_timeout = i == 0 ? 400 * FV_MS : params.connect_timeout;
        params.tls_verify = false;
        uint32_t id = bed_add(&params);
        bed_await(id, bed_failed, 1);
        if (!was_said(id, reasons[i]))
            fail_msg("%s", bed_failure(id, 0).reason);
        assert_int_equal(bed.cameras[id].events[1].to, FV_CAMERA_CONNECTING);
        assert_int_equal(bed.cameras[id].events[2].to, FV_CAMERA_WAITING);
        bed_close();
        server_stop(&server);
    }
}

/* The last 32 changes, in order, as they were reported. */
static void test_history(void **state)
{
    struct fv_camera_change changes[FV_CAMERA_HISTORY];
    bed_open(0);
    struct fv_camera_params params = bed_params("rtsp://127.0.0.1:1/");
    params.backoff.maximum = 20 * FV_MS;
    uint32_t id = bed_add(&params);
    bed_await(id, bed_has_events, 38);
    fv_ingest_stop(bed.ingest);
    assert_int_equal(fv_ingest_history(bed.ingest, id + 1, 1, changes), -ENOENT);
    assert_int_equal(fv_ingest_history(bed.ingest, id, 3, changes), 3);
    assert_int_equal(changes[2].to, FV_CAMERA_DISABLED);
    assert_string_equal(changes[2].reason, "stopped");
    assert_int_equal(changes[2].code, -ECANCELED);
    assert_int_equal(fv_ingest_history(bed.ingest, id, 100, changes), FV_CAMERA_HISTORY);
    for (int i = 1; i < FV_CAMERA_HISTORY; i++) {
        assert_int_equal(changes[i].from, changes[i - 1].to);
        assert_true(changes[i].at >= changes[i - 1].at);
        assert_true(changes[i].wall > 1600000000 * FV_S);
        if (changes[i].to == FV_CAMERA_WAITING)
            assert_int_equal(changes[i].code, -ECONNREFUSED);
    }
    bed_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_udp_plays),         cmocka_unit_test(test_udp_foreign_packets),
        cmocka_unit_test(test_udp_faults),        cmocka_unit_test(test_changes_transport),
        cmocka_unit_test(test_no_transport_left), cmocka_unit_test(test_tls),
        cmocka_unit_test(test_tls_trouble),       cmocka_unit_test(test_history),
    };
    return cmocka_run_group_tests(tests, write_clip, remove_files);
}

// SPDX-License-Identifier: Apache-2.0
/* UDP, TLS and ends of connections over real loopback sockets, the server in a thread. */
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
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
#include "sim/tls.h"

static char clip_path[] = "/tmp/fovea-net-XXXXXX";
static char ca_path[] = "/tmp/fovea-net-ca-XXXXXX";
static const char *const inputs[] = {clip_path};

static int make_files(void **state)
{
    const struct kit_stream stream = {.pictures = 10, .gop = 5, .slice = 6000};
    size_t size;
    uint8_t *data = kit_make(&stream, &size);
    kit_write(clip_path, data, size);
    kit_write(ca_path, "", 0);
    free(data);
    return 0;
}

static int remove_files(void **state)
{
    return unlink(clip_path) | unlink(ca_path);
}

static struct fv_sim_params params_of(const char *const *fault)
{
    return (struct fv_sim_params){.listen = "127.0.0.1:0",
                                  .inputs = inputs,
                                  .input_count = 1,
                                  .cameras = 2,
                                  .fps = 50,
                                  .seed = 3,
                                  .faults = fault,
                                  .fault_count = fault ? 1 : 0};
}

/* Plain when ssl is NULL. */
struct wire {
    int fd;
    SSL *ssl;
};

static void say(const struct wire *wire, const char *text)
{
    const int size = (int)strlen(text);
    assert_int_equal(wire->ssl ? SSL_write(wire->ssl, text, size)
                               : send(wire->fd, text, strlen(text), MSG_NOSIGNAL),
                     size);
}

static int64_t hear(const struct wire *wire, void *data, size_t size)
{
    return wire->ssl ? SSL_read(wire->ssl, data, (int)size) : recv(wire->fd, data, size, 0);
}

/* The head of an answer that comes before any media. Returns its status. */
static unsigned ask(const struct wire *wire, const char *request, char *answer, size_t room)
{
    size_t size = 0;
    unsigned status = 0;
    say(wire, request);
    do {
        assert_true(size + 1 < room);
        if (hear(wire, answer + size++, 1) != 1)
            fail_msg("no answer to %s", request);
        answer[size] = '\0';
    } while (size < 4 || strcmp(answer + size - 4, "\r\n\r\n") != 0);
    assert_int_equal(sscanf(answer, "RTSP/1.0 %3u", &status), 1);
    return status;
}

/* SETUP with this Transport header, then PLAY; `answer` is that of SETUP. */
static void play(const struct wire *wire, const char *transport, char *answer, size_t room)
{
    char request[400], id[64], other[2000];
    snprintf(request, sizeof(request),
             "SETUP rtsp://h/cam1/track1 RTSP/1.0\r\nCSeq: 2\r\nTransport: %s\r\n\r\n", transport);
    assert_int_equal(ask(wire, request, answer, room), 200);
    assert_int_equal(sscanf(strstr(answer, "Session: "), "Session: %60[0-9a-f]", id), 1);
    snprintf(request, sizeof(request),
             "PLAY rtsp://h/cam1/ RTSP/1.0\r\nCSeq: 3\r\nSession: %s\r\n\r\n", id);
    assert_int_equal(ask(wire, request, other, sizeof(other)), 200);
}

/* Returns the port. */
static unsigned bind_udp(int *ret_fd)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), buffer = 4 << 20;
    assert_true(fd >= 0);
    kit_be_patient(fd);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *ret_fd = fd;
    return ntohs(address.sin_port);
}

/* 30 pictures over UDP without a gap, a report, and reports and punches of ours do no harm. */
static void udp_conversation(void **state)
{
    const struct fv_sim_params params = params_of(NULL);
    struct kit_server *server = kit_serve(&params);
    const struct wire wire = {.fd = kit_connect(server, 0)};
    char transport[100], answer[2000];
    int rtp, rtcp;
    unsigned rtp_port = bind_udp(&rtp), rtcp_port = bind_udp(&rtcp), ports[2], ssrc;
    snprintf(transport, sizeof(transport), "RTP/AVP;unicast;client_port=%u-%u", rtp_port,
             rtcp_port);
    play(&wire, transport, answer, sizeof(answer));
    assert_int_equal(sscanf(strstr(answer, ";server_port="),
                            ";server_port=%u-%u;source=127.0.0.1;ssrc=%8x", &ports[0], &ports[1],
                            &ssrc),
                     3);
    assert_int_equal(ports[0] % 2, 0);
    assert_int_equal(ports[1], ports[0] + 1);
    for (int i = 0; i < 2; i++) {
        const struct sockaddr_in to = {.sin_family = AF_INET,
                                       .sin_port = htons((uint16_t)ports[i]),
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        for (int n = 0; n < 100; n++)
            assert_int_equal(sendto(i ? rtcp : rtp, "\x80\xc9\0\1abcd", 8, 0,
                                    (const struct sockaddr *)&to, sizeof(to)),
                             8);
    }
    uint8_t packet[2000];
    unsigned pictures = 0, last = 0;
    for (unsigned n = 0; pictures < 30; n++) {
        struct sockaddr_in from = {0};
        socklen_t from_size = sizeof(from);
        ssize_t size =
            recvfrom(rtp, packet, sizeof(packet), 0, (struct sockaddr *)&from, &from_size);
        assert_true(size > 12 && size <= 1412);
        assert_int_equal(ntohs(from.sin_port), ports[0]);
        assert_int_equal(fv_get32(packet + 8), ssrc);
        if (n)
            assert_int_equal(fv_get16(packet + 2), (uint16_t)(last + 1));
        last = fv_get16(packet + 2);
        pictures += packet[1] >> 7;
    }
    assert_true(recv(rtcp, packet, sizeof(packet), 0) > 28);
    assert_int_equal(packet[1], 200);
    assert_int_equal(ask(&wire, "OPTIONS * RTSP/1.0\r\nCSeq: 9\r\n\r\n", answer, sizeof(answer)),
                     200);
    close(wire.fd);
    close(rtp);
    close(rtcp);
    kit_end(server);
}

/* What a client's next reads say: everything read, then 0 or an error. */
static int read_to_end(int fd)
{
    char data[4096];
    ssize_t size;
    do
        size = recv(fd, data, sizeof(data), 0);
    while (size > 0);
    return size == 0 ? 0 : -errno;
}

static void ends_of_connections(void **state)
{
    const struct {
        const char *fault;
        bool plays;
        int outcome; /* 0: FIN */
    } cases[] = {
        {"close:at=connect", false, 0},  {"reset:at=connect", false, -ECONNRESET},
        {"close:at=options", false, 0},  {"reset:at=options", false, -ECONNRESET},
        {"close:after=0.1", true, 0},    {"reset:after=0.1", true, -ECONNRESET},
        {"close:bytes=100000", true, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct fv_sim_params params = params_of(&cases[i].fault);
        struct kit_server *server = kit_serve(&params);
        const struct wire wire = {.fd = kit_connect(server, 0)};
        char answer[2000];
        if (cases[i].plays)
            play(&wire, "RTP/AVP/TCP;interleaved=0-1", answer, sizeof(answer));
        int outcome = 0;
        if (!cases[i].plays &&
            send(wire.fd, "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n", 31, MSG_NOSIGNAL) < 0)
            outcome = errno == EPIPE ? -ECONNRESET : -errno; /* it came too late, and says so once */
        if (outcome == 0)
            outcome = read_to_end(wire.fd);
        /* What arrived at a closed socket is answered by RST as well. */
        if (outcome != cases[i].outcome && !(i == 0 && outcome == -ECONNRESET))
            fail_msg("%s: %s", cases[i].fault, strerror(-outcome));
        close(wire.fd);
        kit_end(server);
    }
}

static void a_deaf_camera_says_nothing(void **state)
{
    static const char *const fault = "mute:at=connect";
    struct fv_sim_params params = params_of(&fault);
    params.tls_self_signed = true;
    struct kit_server *server = kit_serve(&params);
    int fd = kit_connect(server, 0);
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    for (int i = 0; i < 20; i++) /* a hello, more or less */
        assert_int_equal(send(fd, "\x16\x03\x01\0\x05hello", 10, MSG_NOSIGNAL), 10);
    assert_int_equal(poll(&poll_fd, 1, 300), 0);
    struct fv_sim_stats stats;
    fv_sim_stats(server->sim, &stats);
    assert_int_equal(stats.clients, 1);
    close(fd);
    kit_end(server);
}

/* A client that trusts the certificate in ca_path and nothing else. */
static SSL *connect_tls(int fd, int version, const char *address)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    assert_non_null(context);
    assert_int_equal(SSL_CTX_load_verify_locations(context, ca_path, NULL), 1);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_min_proto_version(context, version);
    SSL_CTX_set_max_proto_version(context, version);
    SSL *ssl = SSL_new(context);
    SSL_CTX_free(context);
    assert_int_equal(X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), address), 1);
    assert_int_equal(SSL_set_fd(ssl, fd), 1);
    return ssl;
}

static void play_over_tls(struct kit_server *server, int version)
{
    static uint8_t frame[70 << 10];
    struct wire wire = {.fd = kit_connect(server, 0)};
    char answer[2000];
    wire.ssl = connect_tls(wire.fd, version, "127.0.0.1");
    assert_int_equal(SSL_connect(wire.ssl), 1);
    assert_int_equal(SSL_get_verify_result(wire.ssl), X509_V_OK);
    play(&wire, "RTP/AVP/TCP;interleaved=0-1", answer, sizeof(answer));
    unsigned pictures = 0, last = 0;
    for (unsigned n = 0; pictures < 20;) {
        size_t done = 0, size = 4;
        while (done < size) {
            int64_t part = hear(&wire, frame + done, size - done);
            assert_true(part > 0);
            done += (size_t)part;
            size = done >= 4 ? 4u + fv_get16(frame + 2) : 4;
        }
        assert_int_equal(frame[0], '$');
        if (frame[1] != 0)
            continue;
        if (n++)
            assert_int_equal(fv_get16(frame + 6), (uint16_t)(last + 1));
        last = fv_get16(frame + 6);
        pictures += frame[5] >> 7;
    }
    SSL_shutdown(wire.ssl);
    SSL_free(wire.ssl);
    close(wire.fd);
}

static void tls_carries_everything(void **state)
{
    struct fv_sim_params params = params_of(NULL);
    params.tls_self_signed = true;
    params.tls_cert_out = ca_path;
    struct kit_server *server = kit_serve(&params);
    play_over_tls(server, TLS1_2_VERSION);
    play_over_tls(server, TLS1_3_VERSION);
    kit_end(server);
}

static void tls_is_strict(void **state)
{
    struct fv_sim_params params = params_of(NULL);
    params.tls_self_signed = true;
    params.tls_cert_out = ca_path;
    struct kit_server *server = kit_serve(&params);
    const struct {
        int version;
        const char *address;
    } cases[] = {{TLS1_1_VERSION, "127.0.0.1"}, {TLS1_2_VERSION, "127.0.0.2"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        int fd = kit_connect(server, 0);
        SSL *ssl = connect_tls(fd, cases[i].version, cases[i].address);
        assert_int_not_equal(SSL_connect(ssl), 1);
        SSL_free(ssl);
        close(fd);
    }
    /* Someone who speaks plain RTSP is sent away. */
    int fd = kit_connect(server, 0);
    assert_int_equal(send(fd, "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n", 31, MSG_NOSIGNAL), 31);
    assert_int_not_equal(read_to_end(fd), -EAGAIN); /* that would be silence */
    close(fd);
    kit_end(server);
}

static void certificates_must_fit(void **state)
{
    const struct {
        struct fv_sim_tls_params params;
        int rc;
    } cases[] = {
        {{.cert = ca_path}, -EINVAL},
        {{.key = ca_path}, -EINVAL},
        {{.cert = ca_path, .key = ca_path, .self_signed = true}, -EINVAL},
        {{.cert = "/nowhere/cert.pem", .key = ca_path}, -ENOENT},
        {{.cert = ca_path, .key = "/nowhere/key.pem"}, -ENOENT},
        {{.cert = clip_path, .key = ca_path}, -EBADMSG},
        {{.cert = ca_path, .key = clip_path}, -EBADMSG},
        {{.self_signed = true, .cert_out = "/nowhere/cert.pem"}, -EIO},
    };
    struct fv_sim_tls *tls = NULL;
    const struct fv_sim_tls_params own = {.self_signed = true, .cert_out = ca_path};
    assert_int_equal(fv_sim_tls_create(&own, &tls, NULL), 0);
    fv_sim_tls_destroy(tls);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct fv_error err = {0};
        tls = NULL;
        int rc = fv_sim_tls_create(&cases[i].params, &tls, &err);
        if (rc != cases[i].rc || !err.text[0] || tls)
            fail_msg("case %zu: %d: %s", i, rc, err.text);
    }
}

static void wrong_faults_are_refused(void **state)
{
    static const char *const faults[] = {"los", "loss:cam=x", "size-change", "size-change:input=1",
                                         "loss:cam=2-3"};
    for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
        const struct fv_sim_params params = params_of(&faults[i]);
        struct fv_error err = {0};
        struct fv_sim *sim = NULL;
        assert_int_equal(fv_sim_open(&params, &sim, &err), -EINVAL);
        assert_non_null(strstr(err.text, "fault"));
        assert_null(sim);
    }
}

static void every_allocation_may_fail(void **state)
{
    static const char *const fault = "loss";
    struct fv_sim_params params = params_of(&fault);
    params.tls_self_signed = true;
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
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(udp_conversation),
        cmocka_unit_test(ends_of_connections),
        cmocka_unit_test(a_deaf_camera_says_nothing),
        cmocka_unit_test(tls_carries_everything),
        cmocka_unit_test(tls_is_strict),
        cmocka_unit_test(certificates_must_fit),
        cmocka_unit_test(wrong_faults_are_refused),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}

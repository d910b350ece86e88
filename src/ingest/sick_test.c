// SPDX-License-Identifier: Apache-2.0
/* Cameras that are sick in every phase: what is said about them, and when they are tried again. */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "ingest/impl.h"
#include "ingest/test_bed.h"

struct sickness {
    struct fake_params fake;
    int code;
    const char *reason;  /* part of it */
    int64_t least, most; /* delay before the next attempt, ms */
};

static const struct sickness sicknesses[] = {
    {{.at = FAKE_OPTIONS, .fault = FAKE_CLOSE},
     -ECONNRESET,
     "closed the connection while awaiting the session, awaiting OPTIONS",
     20,
     20},
    {{.at = FAKE_DESCRIBE, .fault = FAKE_CLOSE}, -ECONNRESET, "awaiting DESCRIBE", 20, 20},
    {{.at = FAKE_SETUP, .fault = FAKE_CLOSE}, -ECONNRESET, "awaiting SETUP", 20, 20},
    {{.at = FAKE_PLAY, .fault = FAKE_CLOSE}, -ECONNRESET, "awaiting PLAY", 20, 20},
    {{.at = FAKE_MEDIA, .fault = FAKE_CLOSE},
     -ECONNRESET,
     "closed the connection while awaiting the first packet",
     20,
     20},
    {{.at = FAKE_MEDIA, .fault = FAKE_CLOSE, .pictures = 6},
     -ECONNRESET,
     "closed the connection while playing",
     20,
     20},
    {{.at = FAKE_OPTIONS, .fault = FAKE_MUTE}, -ETIMEDOUT, "OPTIONS", 20, 20},
    {{.at = FAKE_DESCRIBE, .fault = FAKE_MUTE}, -ETIMEDOUT, "DESCRIBE", 20, 20},
    {{.at = FAKE_SETUP, .fault = FAKE_MUTE}, -ETIMEDOUT, "SETUP", 20, 20},
    {{.at = FAKE_PLAY, .fault = FAKE_MUTE}, -ETIMEDOUT, "PLAY", 20, 20},
    {{.at = FAKE_MEDIA, .fault = FAKE_MUTE}, -ETIMEDOUT, "no first packet for 0.5 s", 20, 20},
    {{.at = FAKE_MEDIA, .fault = FAKE_MUTE, .pictures = 6},
     -ETIMEDOUT,
     "no packet for 0.5 s",
     20,
     20},
    {{.at = FAKE_MEDIA, .fault = FAKE_NO_KEY},
     -ETIMEDOUT,
     "packets, but no first key picture or recovery point for 0.6 s",
     20,
     20},
    {{.at = FAKE_MEDIA, .fault = FAKE_FIELDS},
     -ENOTSUP,
     "recovery point for 0.6 s: fields of interlaced JPEG are not supported",
     20,
     30000},
    {{.at = FAKE_MEDIA, .fault = FAKE_NO_MORE_PICTURES, .pictures = 6},
     -ETIMEDOUT,
     "packets, but no picture for 0.5 s",
     20,
     20},
    {{.at = FAKE_MEDIA, .fault = FAKE_BYE, .pictures = 6}, -ETIMEDOUT, "RTCP BYE", 20, 20},
    {{.at = FAKE_OPTIONS, .fault = FAKE_GARBAGE}, -EBADMSG, "RTSP", 20, 30000},
    {{.at = FAKE_PLAY, .fault = FAKE_GARBAGE}, -ETIMEDOUT, "PLAY", 20, 30000},
    {{.at = FAKE_MEDIA, .fault = FAKE_GARBAGE, .pictures = 6}, -EBADMSG, "RTSP", 20, 30000},
    {{.at = FAKE_DESCRIBE,
      .fault = FAKE_STATUS,
      .status = 401,
      .headers = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n"},
     -EACCES,
     "401",
     60000,
     60000},
    {{.at = FAKE_DESCRIBE, .fault = FAKE_STATUS, .status = 403}, -EACCES, "403", 60000, 60000},
    {{.at = FAKE_DESCRIBE, .fault = FAKE_STATUS, .status = 404}, -ENOENT, "404", 10000, 10000},
    {{.at = FAKE_SETUP, .fault = FAKE_STATUS, .status = 453}, -EACCES, "453", 30000, 30000},
    {{.at = FAKE_PLAY, .fault = FAKE_STATUS, .status = 503}, -EACCES, "503", 30000, 30000},
    {{.at = FAKE_SETUP, .fault = FAKE_STATUS, .status = 461}, -ENOTSUP, "461", 10000, 10000},
};

static struct fv_camera_params long_limits(const char *url)
{
    struct fv_camera_params params = bed_params(url);
    params.transport = FV_TRANSPORT_TCP; /* auto would try UDP behind some faults */
    return params;
}

static struct fv_camera_params short_limits(const char *url)
{
    struct fv_camera_params params = long_limits(url);
    params.connect_timeout = params.request_timeout = params.stall_timeout = 500 * FV_MS;
    params.first_packet_timeout = 500 * FV_MS;
    params.first_key_timeout = 600 * FV_MS;
    return params;
}

/* With short limits a slow machine may meet one in an earlier phase, where the fake is well. That says nothing; the next attempt may. */
static bool shows_at_limit(const struct sickness *want)
{
    return want->code == -ETIMEDOUT || want->fake.fault == FAKE_FIELDS;
}

static bool says_nothing(const struct sickness *want, int code, const char *reason)
{
    return shows_at_limit(want) && code == -ETIMEDOUT && !strstr(reason, want->reason);
}

static bool failed_telling(const struct bed_camera *camera, unsigned index)
{
    for (unsigned i = 0; i < camera->event_count; i++) {
        int code = camera->events[i].code;
        if (code < 0 && !says_nothing(&sicknesses[index], code, camera->reasons[i]))
            return true;
    }
    return false;
}

static void assert_failure(uint32_t id, const struct sickness *want)
{
    struct fv_camera_event event = bed_failure(id, 0);
    for (unsigned n = 1; says_nothing(want, event.code, event.reason); n++)
        event = bed_failure(id, n);
    if (!strstr(event.reason, want->reason) || event.code != want->code)
        fail_msg("expected %d and '%s', got %d and '%s'", want->code, want->reason, event.code,
                 event.reason);
    assert_int_equal(event.to, FV_CAMERA_WAITING);
    struct fv_camera_stats stats = bed_stats(id);
    if (want->least <= 20)
        return; /* it may be under way again */
    assert_int_equal(stats.state, FV_CAMERA_WAITING);
    assert_string_equal(stats.reason, event.reason);
    assert_in_range(stats.retry_at - stats.since, want->least * FV_MS, want->most * FV_MS);
}

/* All of them at once, side by side. */
static void test_sick_in_each_phase(void **state)
{
    enum { COUNT = sizeof(sicknesses) / sizeof(sicknesses[0]) };
    static struct fake_camera fakes[COUNT];
    uint32_t ids[COUNT];
    bed_open(FV_MS);
    for (size_t i = 0; i < COUNT; i++) {
        fake_camera_start(&fakes[i], &sicknesses[i].fake);
        bool brief = shows_at_limit(&sicknesses[i]);
        struct fv_camera_params params = (brief ? short_limits : long_limits)(fakes[i].url);
        ids[i] = bed_add(&params);
    }
    for (size_t i = 0; i < COUNT; i++) {
        bed_await(ids[i], failed_telling, (unsigned)i);
        assert_failure(ids[i], &sicknesses[i]);
    }
    bed_close();
    for (size_t i = 0; i < COUNT; i++)
        fake_camera_stop(&fakes[i]);
}

static int bind_local(int backlog, char *url, size_t size)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, length), 0);
    if (backlog >= 0)
        assert_int_equal(listen(fd, backlog), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &length), 0);
    snprintf(url, size, "rtsp://127.0.0.1:%u/", ntohs(addr.sin_port));
    return fd;
}

static void test_refused(void **state)
{
    static const struct sickness want = {{0}, -ECONNREFUSED, "connecting to 127.0.0.1:", 20, 20};
    char url[64];
    int fd = bind_local(-1, url, sizeof(url));
    bed_open(FV_MS);
    struct fv_camera_params params = short_limits(url);
    uint32_t id = bed_add(&params);
    bed_await(id, bed_failed, 4);
    assert_failure(id, &want);
    /* 20, 40, 80 ms: the backoff's exact steps, plus at most what the loop needs. */
    for (unsigned n = 0; n < 3; n++) {
        int64_t pause = bed_failure(id, n + 1).at - bed_failure(id, n).at;
        assert_in_range(pause, (20 << n) * FV_MS, (20 << n) * FV_MS + 10 * FV_S);
    }
    bed_close();
    close(fd);
}

static void test_black_hole(void **state)
{
    static const struct sickness want = {{0}, -ETIMEDOUT, "no connection to 127.0.0.1:", 20, 20};
    char url[64];
    int listener = bind_local(0, url, sizeof(url)), fillers[4];
    struct sockaddr_in addr;
    socklen_t size = sizeof(addr);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&addr, &size), 0);
    for (size_t i = 0; i < 4; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(fillers[i], (struct sockaddr *)&addr, size);
    }
    struct pollfd first = {.fd = fillers[0], .events = POLLOUT};
    assert_int_equal(poll(&first, 1, 20000), 1); /* the queue is full */
    usleep(20000);
    bed_open(FV_MS);
    struct fv_camera_params params = short_limits(url);
    uint32_t id = bed_add(&params);
    bed_await(id, bed_failed, 2);
    assert_failure(id, &want);
    assert_non_null(strstr(bed_failure(id, 0).reason, "for 0.5 s"));
    bed_close();
    for (size_t i = 0; i < 4; i++)
        close(fillers[i]);
    close(listener);
}

static void test_unknown_host(void **state)
{
    /* No name, by RFC 1035 2.3.4: nobody is asked. */
    char url[100] = "rtsp://";
    memset(url + 7, 'a', 70);
    strcpy(url + 77, "/live");
    static const struct sickness want = {{0}, -ENOENT, "there is no host named aaa", 20, 20};
    bed_open(FV_MS);
    struct fv_camera_params params = short_limits(url);
    uint32_t id = bed_add(&params);
    bed_await(id, bed_failed, 2);
    assert_failure(id, &want);
    assert_int_equal(bed.cameras[id].events[1].to, FV_CAMERA_RESOLVING);
    bed_close();
}

/* A name service that answers once, then fails or falls silent. */
static atomic_uint names_asked;
static atomic_int names_code; /* 0: silent for a while */

static int ask_names(const char *host, struct fv_addrs *addrs)
{
    (void)host;
    int code = names_code;
    if (names_asked++ == 0) {
        addrs->count = 1;
        return fv_addr_parse("127.0.0.1", 0, &addrs->list[0]);
    }
    if (code == 0)
        usleep(1000000);
    return code ? code : -EAGAIN;
}

/* The camera hangs up once: it is found again without the name service. The short limit holds from then on. */
static void assert_known_address(int code, const char *why)
{
    struct fake_params sick = {
        .at = FAKE_MEDIA, .fault = FAKE_CLOSE, .pictures = UINT_MAX, .sick = 1};
    struct fake_camera fake;
    char url[80];
    names_asked = 0;
    names_code = code;
    fake_camera_start(&fake, &sick);
    snprintf(url, sizeof(url), "rtsp://gate.test%s", strrchr(fake.url, ':'));
    bed_open(FV_MS);
    fv_resolver_use(bed.ingest->resolver, ask_names);
    struct fv_camera_params params = bed_params(url);
    params.resolve_timeout = 50 * FV_S;
    uint32_t id = bed_add(&params);
    bed_await(id, bed_has_pictures, 1);
    params.resolve_timeout = 200 * FV_MS;
    assert_int_equal(fv_ingest_change(bed.ingest, id, &params), 0);
    fake.over = true;
    bed_await(id, bed_failed, 1);
    bed_await(id, bed_in_state, FV_CAMERA_PLAYING);
    assert_int_equal(names_asked, 2);
    assert_int_equal(fake.connections, 2);
    bool said = false;
    for (unsigned i = 0; i < bed.cameras[id].event_count; i++)
        said = said || strstr(bed.cameras[id].reasons[i], why);
    assert_true(said);
    assert_int_equal(bed_stats(id).failures, 1);
    bed_close();
    fake_camera_stop(&fake);
}

static void test_name_service_fails_later(void **state)
{
    assert_known_address(-EAGAIN, ", its last known address (the name service has no answer for "
                                  "gate.test)");
    assert_known_address(0, ", its last known address (the name gate.test was not looked up "
                            "within 0.2 s)");
}

static void test_name_service_never_answered(void **state)
{
    static const struct sickness want = {
        {0}, -EAGAIN, "the name service has no answer for gate.test", 20, 20};
    names_asked = 1;
    names_code = -EAGAIN;
    bed_open(FV_MS);
    fv_resolver_use(bed.ingest->resolver, ask_names);
    struct fv_camera_params params = bed_params("rtsp://gate.test/");
    uint32_t id = bed_add(&params);
    bed_await(id, bed_failed, 2);
    assert_failure(id, &want);
    bed_close();
}

/* 454: at once, but only once in a row; then by the backoff. */
static void test_session_gone(void **state)
{
    struct fake_params gone = {.at = FAKE_PLAY, .fault = FAKE_STATUS, .status = 454};
    struct fake_camera fake;
    fake_camera_start(&fake, &gone);
    bed_open(FV_MS);
    struct fv_camera_params params = bed_params(fake.url);
    params.backoff.initial = params.backoff.maximum = 10 * FV_S;
    uint32_t id = bed_add(&params);
    bed_await(id, bed_failed, 2);
    assert_int_equal(fake.connections, 2);
    struct fv_camera_stats stats = bed_stats(id);
    assert_int_equal(stats.state, FV_CAMERA_WAITING);
    assert_int_equal(stats.retry_at - stats.since, 10 * FV_S);
    assert_int_equal(stats.failures, 2);
    bed_close();
    fake_camera_stop(&fake);
}

static void start_redirect(struct fake_camera *fake, const char *to, char *header, size_t size)
{
    snprintf(header, size, "Location: %s\r\n", to);
    struct fake_params params = {
        .at = FAKE_DESCRIBE, .fault = FAKE_STATUS, .status = 302, .headers = header};
    fake_camera_start(fake, &params);
}

static void test_redirect(void **state)
{
    static const struct fake_params well = {0};
    struct fake_camera good, door;
    char header[100];
    fake_camera_start(&good, &well);
    start_redirect(&door, good.url, header, sizeof(header));
    bed_open(FV_MS);
    struct fv_camera_params params = bed_params(door.url);
    uint32_t id = bed_add(&params);
    bed_await(id, bed_has_pictures, 5);
    struct fv_camera_stats stats = bed_stats(id);
    assert_int_equal(stats.failures, 0);
    assert_int_equal(stats.attempts, 1);
    assert_int_equal(door.connections, 1);
    bed_close();
    fake_camera_stop(&door);
    fake_camera_stop(&good);
}

static void test_redirect_in_circles(void **state)
{
    static const struct sickness want = {
        {0}, -ECONNRESET, "redirects more than 3 times", 10000, 10000};
    struct fake_camera door;
    char header[100] = "";
    start_redirect(&door, "rtsp://127.0.0.1:1/", header, sizeof(header));
    snprintf(header, sizeof(header), "Location: %s\r\n", door.url);
    bed_open(FV_MS);
    struct fv_camera_params params = bed_params(door.url);
    uint32_t id = bed_add(&params);
    bed_await(id, bed_failed, 1);
    assert_failure(id, &want);
    assert_int_equal(door.connections, 4);
    bed_close();
    fake_camera_stop(&door);
}

/* The redirection is followed; who waits there speaks no TLS. */
static void test_redirect_to_tls(void **state)
{
    static const struct sickness want = {
        {0}, -ETIMEDOUT, "no answer to the TLS handshake from 127.0.0.1:", 20, 20};
    static const struct fake_params well = {0};
    struct fake_camera good, door;
    char header[100], url[80];
    fake_camera_start(&good, &well);
    snprintf(url, sizeof(url), "rtsps%s", good.url + 4);
    start_redirect(&door, url, header, sizeof(header));
    bed_open(FV_MS);
    struct fv_camera_params params = short_limits(door.url);
    uint32_t id = bed_add(&params);
    bed_await(id, bed_failed, 1);
    assert_failure(id, &want);
    bed_close();
    fake_camera_stop(&door);
    fake_camera_stop(&good);
}

/* A password appears in no event and no reason, and bad ones are not tried again soon. */
static void test_wrong_login(void **state)
{
    struct fake_params locked = {.at = FAKE_DESCRIBE,
                                 .fault = FAKE_STATUS,
                                 .status = 401,
                                 .headers = "WWW-Authenticate: Basic realm=\"r\"\r\n"};
    struct fake_camera fake;
    fake_camera_start(&fake, &locked);
    bed_open(FV_MS);
    struct fv_camera_params params = bed_params(fake.url);
    params.url.has_user = true;
    strcpy(params.url.user, "admin");
    strcpy(params.url.password, "hunter2");
    uint32_t id = bed_add(&params);
    bed_await(id, bed_failed, 1);
    struct fv_camera_stats stats = bed_stats(id);
    assert_true(stats.retry_at - stats.since >= 60 * FV_S);
    for (unsigned i = 0; i < bed.cameras[id].event_count; i++)
        assert_null(strstr(bed.cameras[id].reasons[i], "hunter2"));
    assert_int_equal(fake.connections, 1);
    bed_close();
    fake_camera_stop(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sick_in_each_phase),  cmocka_unit_test(test_refused),
        cmocka_unit_test(test_black_hole),          cmocka_unit_test(test_unknown_host),
        cmocka_unit_test(test_session_gone),        cmocka_unit_test(test_redirect),
        cmocka_unit_test(test_redirect_in_circles), cmocka_unit_test(test_redirect_to_tls),
        cmocka_unit_test(test_wrong_login),         cmocka_unit_test(test_name_service_fails_later),
        cmocka_unit_test(test_name_service_never_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
#include "ingest/fake_camera.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define GOP 5
#define CLOCK_STEP 3600 /* of 90 kHz: 25 pictures a second by the camera's clock */

/* H.264 7.3.2.1.1: baseline, level 3, 20 x 15 macroblocks, picture order count type 2. */
static const uint8_t sps[] = {0x67, 0x42, 0xC0, 0x1E, 0xDA, 0x05, 0x07, 0xE4};
static const uint8_t pps[] = {0x68, 0xCE, 0x3C, 0x80};

static const char description[] = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=fake\r\nt=0 0\r\n"
                                  "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
                                  "a=fmtp:96 packetization-mode=1; "
                                  "sprop-parameter-sets=Z0LAHtoFB+Q=,aM48gA==\r\n"
                                  "a=control:track1\r\n";

static const char description_jpeg[] = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=fake\r\nt=0 0\r\n"
                                       "m=video 0 RTP/AVP 96\r\na=rtpmap:96 JPEG/90000\r\n"
                                       "a=control:track1\r\n";

struct client {
    struct fake_camera *camera;
    int fd;
    bool sick;
    char in[8192];
    size_t size;
    uint16_t seq;
    uint32_t timestamp;
};

/* False: the client is gone. */
static bool send_all(struct client *client, const void *data, size_t size)
{
    size_t chunk = client->camera->params.chunk ? client->camera->params.chunk : size;
    for (size_t at = 0; at < size;) {
        size_t n = size - at < chunk ? size - at : chunk;
        ssize_t sent = send(client->fd, (const char *)data + at, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        at += (size_t)sent;
    }
    return true;
}

/* Waits for bytes at most `ms`. False: the client is gone. */
static bool receive(struct client *client, int ms)
{
    struct pollfd poll_fd = {.fd = client->fd, .events = POLLIN};
    if (poll(&poll_fd, 1, ms) <= 0)
        return true;
    if (client->size == sizeof(client->in))
        return false;
    ssize_t n = recv(client->fd, client->in + client->size, sizeof(client->in) - client->size, 0);
    if (n <= 0)
        return false;
    client->size += (size_t)n;
    return true;
}

static void drop(struct client *client, size_t n)
{
    memmove(client->in, client->in + n, client->size - n);
    client->size -= n;
}

/* Bytes of a whole interleaved frame or request at the start; 0: not yet. */
static size_t whole(const struct client *client)
{
    if (client->size >= 4 && client->in[0] == '$') {
        size_t size = 4 + ((size_t)(uint8_t)client->in[2] << 8 | (uint8_t)client->in[3]);
        return size <= client->size ? size : 0;
    }
    const char *end = memmem(client->in, client->size, "\r\n\r\n", 4);
    return end ? (size_t)(end - client->in) + 4 : 0;
}

static bool answer(struct client *client, unsigned status, const char *headers, const char *body)
{
    char text[2048];
    const char *cseq = memmem(client->in, client->size, "CSeq:", 5);
    int n =
        snprintf(text, sizeof(text), "RTSP/1.0 %u X\r\nCSeq: %d\r\n%sContent-Length: %zu\r\n\r\n%s",
                 status, cseq ? atoi(cseq + 5) : 0, headers, strlen(body), body);
    return send_all(client, text, (size_t)n);
}

static bool is(const struct client *client, const char *method)
{
    return strncmp(client->in, method, strlen(method)) == 0;
}

/* What interrupts media: keepalives, reports, TEARDOWN. */
static bool serve_between(struct client *client)
{
    for (size_t n; (n = whole(client)) > 0; drop(client, n)) {
        struct fake_camera *camera = client->camera;
        if (client->in[0] == '$') {
            camera->reports++;
            continue;
        }
        camera->teardowns += is(client, "TEARDOWN");
        camera->keepalives += !is(client, "TEARDOWN");
        if (!answer(client, 200, "Session: 1\r\n", ""))
            return false;
    }
    return true;
}

static bool wait_ms(struct client *client, int ms)
{
    return receive(client, ms) && serve_between(client) && !client->camera->stop;
}

static bool garbage(struct client *client)
{
    char noise[4096];
    for (size_t i = 0; i < sizeof(noise); i++)
        noise[i] = (char)(i * 37 % 91 + 'a' - 32);
    return send_all(client, noise, sizeof(noise));
}

static void stay_mute(struct client *client)
{
    while (!client->camera->stop && receive(client, 20))
        client->size = 0;
}

static bool send_packet(struct client *client, const uint8_t *nal, size_t size, bool marker)
{
    uint8_t *frame = malloc(16 + size);
    uint8_t head[16] = {'$',
                        0,
                        (uint8_t)((12 + size) >> 8),
                        (uint8_t)(12 + size),
                        0x80,
                        (uint8_t)(96 | (marker ? 0x80 : 0)),
                        (uint8_t)(client->seq >> 8),
                        (uint8_t)client->seq};
    for (int i = 0; i < 4; i++) {
        head[8 + i] = (uint8_t)(client->timestamp >> (24 - 8 * i));
        head[12 + i] = (uint8_t)(0x11 * (i + 1));
    }
    client->seq++;
    memcpy(frame, head, 16);
    memcpy(frame + 16, nal, size);
    bool ok = send_all(client, frame, 16 + size);
    free(frame);
    return ok;
}

static bool send_slice(struct client *client, uint8_t type, uint8_t first, bool marker)
{
    size_t size = client->camera->params.slice ? client->camera->params.slice : 500;
    uint8_t *nal = malloc(size);
    memset(nal, 0xA5, size);
    nal[0] = type;
    nal[1] = first;
    bool ok = send_packet(client, nal, size, marker);
    free(nal);
    return ok;
}

static bool send_picture(struct client *client, bool key)
{
    client->timestamp += CLOCK_STEP;
    if (!key)
        return send_slice(client, 0x41, 0x9A, true);
    return send_packet(client, sps, sizeof(sps), false) &&
           send_packet(client, pps, sizeof(pps), false) && send_slice(client, 0x65, 0x88, true);
}

/* RFC 2435 3.1: the odd lines of 16 x 8 pixels. */
static bool send_field(struct client *client)
{
    static const uint8_t field[] = {1, 0, 0, 0, 1, 50, 2, 1, 0xAA};
    client->timestamp += CLOCK_STEP;
    return send_packet(client, field, sizeof(field), true);
}

static bool send_bye(struct client *client)
{
    static const uint8_t bye[] = {'$', 1, 0, 8, 0x81, 203, 0, 1, 0x11, 0x22, 0x33, 0x44};
    return send_all(client, bye, sizeof(bye));
}

static void play(struct client *client)
{
    const struct fake_params *params = &client->camera->params;
    enum fake_fault fault = client->sick && params->at == FAKE_MEDIA ? params->fault : FAKE_WELL;
    int interval = params->interval_ms ? (int)params->interval_ms : 5;
    client->camera->plays++;
    for (unsigned n = 0; wait_ms(client, interval); n++) {
        bool ok = true;
        bool now = n >= params->pictures || client->camera->over;
        if (fault == FAKE_WELL || (!now && fault != FAKE_NO_KEY))
            ok = send_picture(client, n % GOP == 0);
        else if (fault == FAKE_NO_KEY)
            ok = send_picture(client, false);
        else if (fault == FAKE_NO_MORE_PICTURES)
            ok = send_slice(client, 0x41, 0x40, false); /* first_mb_in_slice 1: goes on */
        else if (fault == FAKE_GARBAGE)
            ok = garbage(client);
        else if (fault == FAKE_FIELDS)
            ok = send_field(client);
        else if (fault == FAKE_BYE)
            ok = n > params->pictures || send_bye(client);
        if (!ok)
            wait_ms(client, 0); /* the goodbye before a reset is still there to be read */
        if (!ok || (fault == FAKE_CLOSE && now))
            return;
    }
}

static enum fake_step step_of(const struct client *client)
{
    static const char *const methods[] = {"OPTIONS ", "DESCRIBE ", "SETUP ", "PLAY "};
    for (int i = 0; i < 4; i++) {
        if (is(client, methods[i]))
            return (enum fake_step)i;
    }
    return FAKE_OPTIONS;
}

static bool serve_well(struct client *client, enum fake_step step)
{
    char headers[300];
    const struct fake_camera *camera = client->camera;
    switch (step) {
    case FAKE_DESCRIBE:
        snprintf(headers, sizeof(headers), "Content-Base: %s/\r\nContent-Type: application/sdp\r\n",
                 camera->url);
        return answer(client, 200, headers,
                      camera->params.fault == FAKE_FIELDS ? description_jpeg : description);
    case FAKE_SETUP:
        snprintf(headers, sizeof(headers),
                 "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1;timeout=%u\r\n",
                 camera->params.session_s ? camera->params.session_s : 60);
        return answer(client, 200, headers, "");
    case FAKE_PLAY:
        return answer(client, 200, "Session: 1\r\n", "");
    case FAKE_OPTIONS:
    case FAKE_MEDIA:
        break;
    }
    return answer(client, 200, "Public: OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER\r\n", "");
}

/* False: the connection ends. */
static bool serve_sick(struct client *client)
{
    const struct fake_params *params = &client->camera->params;
    switch (params->fault) {
    case FAKE_MUTE:
        stay_mute(client);
        return false;
    case FAKE_GARBAGE:
        if (garbage(client))
            stay_mute(client);
        return false;
    case FAKE_STATUS:
        return answer(client, params->status, params->headers ? params->headers : "", "");
    default:
        return false;
    }
}

static void serve(struct client *client)
{
    const struct fake_params *params = &client->camera->params;
    while (!client->camera->stop) {
        size_t n = whole(client);
        if (!n) {
            if (!receive(client, 20))
                return;
            continue;
        }
        enum fake_step step = step_of(client);
        bool sick = client->sick && params->fault != FAKE_WELL && params->at == step;
        if (!(sick ? serve_sick(client) : serve_well(client, step)))
            return;
        drop(client, n);
        if (step == FAKE_PLAY && !sick) {
            play(client);
            return;
        }
    }
}

static void *run_client(void *data)
{
    struct client *client = data;
    struct fake_camera *camera = client->camera;
    serve(client);
    close(client->fd);
    free(client);
    pthread_mutex_lock(&camera->lock);
    camera->running--;
    pthread_cond_signal(&camera->changed);
    pthread_mutex_unlock(&camera->lock);
    return NULL;
}

static void take_client(struct fake_camera *camera, int fd)
{
    int one = 1;
    pthread_t thread;
    struct client *client = calloc(1, sizeof(*client));
    unsigned number = ++camera->connections;
    client->camera = camera;
    client->fd = fd;
    client->sick = camera->params.sick == 0 || number <= camera->params.sick;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    pthread_mutex_lock(&camera->lock);
    camera->running++;
    pthread_mutex_unlock(&camera->lock);
    if (pthread_create(&thread, NULL, run_client, client) != 0)
        abort();
    pthread_detach(thread);
}

static void *run(void *data)
{
    struct fake_camera *camera = data;
    while (!camera->stop) {
        struct pollfd poll_fd = {.fd = camera->listener, .events = POLLIN};
        if (poll(&poll_fd, 1, 20) <= 0)
            continue;
        int fd = accept(camera->listener, NULL, NULL);
        if (fd >= 0)
            take_client(camera, fd);
        else
            usleep(5000);
    }
    return NULL;
}

void fake_camera_start(struct fake_camera *camera, const struct fake_params *params)
{
    memset(camera, 0, sizeof(*camera));
    camera->params = *params;
    camera->addr =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(camera->addr);
    camera->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(camera->listener, (struct sockaddr *)&camera->addr, size), 0);
    assert_int_equal(listen(camera->listener, 128), 0);
    assert_int_equal(getsockname(camera->listener, (struct sockaddr *)&camera->addr, &size), 0);
    snprintf(camera->url, sizeof(camera->url), "rtsp://127.0.0.1:%u/live",
             ntohs(camera->addr.sin_port));
    pthread_mutex_init(&camera->lock, NULL);
    pthread_cond_init(&camera->changed, NULL);
    assert_int_equal(pthread_create(&camera->thread, NULL, run, camera), 0);
}

void fake_camera_stop(struct fake_camera *camera)
{
    camera->stop = true;
    pthread_join(camera->thread, NULL);
    pthread_mutex_lock(&camera->lock);
    while (camera->running)
        pthread_cond_wait(&camera->changed, &camera->lock);
    pthread_mutex_unlock(&camera->lock);
    close(camera->listener);
    pthread_cond_destroy(&camera->changed);
    pthread_mutex_destroy(&camera->lock);
}

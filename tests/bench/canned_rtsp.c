// SPDX-License-Identifier: Apache-2.0
#include "canned_rtsp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define URL_MAX 512
#define UDP_BUFFER (512 << 10)

struct talk {
    struct canned_rtsp *rtsp;
    const char *url;
    unsigned cseq;
    size_t size;         /* bytes of the last response, and what came behind it */
    size_t header, body; /* parts of it */
    char text[16384];
};

static _Noreturn void give_up(const char *url, const char *what)
{
    fprintf(stderr, "%s: %s (%s)\n", url, what, errno ? strerror(errno) : "protocol");
    exit(1);
}

static void connect_to(struct talk *talk)
{
    struct sockaddr_in peer = {.sin_family = AF_INET};
    char host[64];
    unsigned port;
    if (sscanf(talk->url, "rtsp://%63[0-9.]:%u/", host, &port) != 2 || port > UINT16_MAX ||
        inet_pton(AF_INET, host, &peer.sin_addr) != 1)
        give_up(talk->url, "not rtsp://ADDRESS:PORT/PATH");
    peer.sin_port = htons((uint16_t)port);
    talk->rtsp->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (talk->rtsp->fd < 0 || connect(talk->rtsp->fd, (struct sockaddr *)&peer, sizeof(peer)) < 0)
        give_up(talk->url, "cannot connect");
    const int on = 1;
    (void)setsockopt(talk->rtsp->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static const char *header_of(const struct talk *talk, const char *name)
{
    for (const char *line = strstr(talk->text, "\r\n"); line && line < talk->text + talk->header;
         line = strstr(line + 2, "\r\n")) {
        if (!strncasecmp(line + 2, name, strlen(name)) && line[2 + strlen(name)] == ':')
            return line + 3 + strlen(name) + strspn(line + 3 + strlen(name), " ");
    }
    return NULL;
}

static void read_more(struct talk *talk)
{
    ssize_t size =
        read(talk->rtsp->fd, talk->text + talk->size, sizeof(talk->text) - 1 - talk->size);
    if (size <= 0)
        give_up(talk->url, "no response");
    talk->size += (size_t)size;
    talk->text[talk->size] = '\0';
}

static void read_response(struct talk *talk)
{
    const char *end, *length;
    talk->size = 0;
    do
        read_more(talk);
    while ((end = strstr(talk->text, "\r\n\r\n")) == NULL);
    talk->header = (size_t)(end + 4 - talk->text);
    length = header_of(talk, "Content-Length");
    talk->body = length ? strtoul(length, NULL, 10) : 0;
    while (talk->size < talk->header + talk->body)
        read_more(talk);
    errno = 0;
    if (strncmp(talk->text, "RTSP/1.0 200", 12) != 0)
        give_up(talk->url, "refused");
}

static void request(struct talk *talk, const char *method, const char *url, const char *headers)
{
    char text[2048];
    int size = snprintf(text, sizeof(text), "%s %s RTSP/1.0\r\nCSeq: %u\r\n%s", method, url,
                        ++talk->cseq, headers);
    if (talk->rtsp->session[0])
        size += snprintf(text + size, sizeof(text) - (size_t)size, "Session: %s\r\n",
                         talk->rtsp->session);
    size += snprintf(text + size, sizeof(text) - (size_t)size, "\r\n");
    if (write(talk->rtsp->fd, text, (size_t)size) != size)
        give_up(talk->url, "cannot send");
    read_response(talk);
}

/* The video track's address: Content-Base (or the URL) and the last "a=control" of the first "m=video". */
static void find_track(struct talk *talk, char *base, char *track)
{
    const char *location = header_of(talk, "Content-Base");
    const char *video = strstr(talk->text + talk->header, "m=video");
    const char *control = video ? strstr(video, "a=control:") : NULL;
    char name[URL_MAX] = "";
    snprintf(base, URL_MAX, "%.*s", location ? (int)strcspn(location, "\r") : URL_MAX,
             location ? location : talk->url);
    if (!control || sscanf(control, "a=control:%500[^\r\n]", name) != 1)
        give_up(talk->url, "no video track");
    const char *slash = base[strlen(base) - 1] == '/' ? "" : "/";
    if (!strncmp(name, "rtsp://", 7))
        snprintf(track, 2 * URL_MAX, "%s", name);
    else
        snprintf(track, 2 * URL_MAX, "%s%s%s", base, slash, name);
}

static int bind_udp(struct talk *talk, uint16_t port)
{
    const struct sockaddr_in any = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int buffer = UDP_BUFFER;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        give_up(talk->url, "no UDP socket");
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
    if (bind(fd, (const struct sockaddr *)&any, sizeof(any)) == 0)
        return fd;
    close(fd);
    return -1;
}

/* An even port and the next one (RFC 3550 11). */
static uint16_t bind_pair(struct talk *talk)
{
    static uint16_t next = 20000;
    for (; next < 60000; next = (uint16_t)(next + 2)) {
        talk->rtsp->rtp = bind_udp(talk, next);
        talk->rtsp->rtcp = talk->rtsp->rtp < 0 ? -1 : bind_udp(talk, (uint16_t)(next + 1));
        if (talk->rtsp->rtcp >= 0) {
            next = (uint16_t)(next + 2);
            return (uint16_t)(next - 2);
        }
        if (talk->rtsp->rtp >= 0)
            close(talk->rtsp->rtp);
    }
    give_up(talk->url, "no free pair of ports");
}

static void set_up(struct talk *talk, const char *track, bool udp)
{
    char transport[128];
    if (udp) {
        unsigned port = bind_pair(talk);
        snprintf(transport, sizeof(transport), "Transport: RTP/AVP;unicast;client_port=%u-%u\r\n",
                 port, port + 1);
    } else {
        snprintf(transport, sizeof(transport),
                 "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n");
    }
    request(talk, "SETUP", track, transport);
    const char *session = header_of(talk, "Session");
    if (!session)
        give_up(talk->url, "no session");
    snprintf(talk->rtsp->session, sizeof(talk->rtsp->session), "%.*s", (int)strcspn(session, ";\r"),
             session);
}

void canned_rtsp_play(const char *url, bool udp, struct canned_rtsp *ret_rtsp)
{
    struct talk talk = {.rtsp = ret_rtsp, .url = url};
    char base[URL_MAX], track[2 * URL_MAX];
    *ret_rtsp = (struct canned_rtsp){.fd = -1, .rtp = -1, .rtcp = -1};
    connect_to(&talk);
    request(&talk, "OPTIONS", url, "");
    request(&talk, "DESCRIBE", url, "Accept: application/sdp\r\n");
    find_track(&talk, base, track);
    set_up(&talk, track, udp);
    request(&talk, "PLAY", base, "Range: npt=0.000-\r\n");
    ret_rtsp->rest_size = talk.size - talk.header - talk.body;
    memcpy(ret_rtsp->rest, talk.text + talk.header + talk.body, ret_rtsp->rest_size);
}

void canned_rtsp_keep_alive(const struct canned_rtsp *rtsp, const char *url)
{
    char text[1024];
    int size =
        snprintf(text, sizeof(text), "OPTIONS %s RTSP/1.0\r\nCSeq: 99\r\nSession: %s\r\n\r\n", url,
                 rtsp->session);
    if (write(rtsp->fd, text, (size_t)size) != size)
        fprintf(stderr, "%s: a sign of life was not sent\n", url);
}

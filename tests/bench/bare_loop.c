// SPDX-License-Identifier: Apache-2.0
/*
 * The floor of the benchmark: the system calls that a gathered reception cannot do without, and nothing else.
 *
 * Every --interval ms: one epoll_wait(), then one read() (TCP) or recvmmsg() (UDP) for each socket that has something. The bytes are
 * thrown away; of each packet only length, marker and sequence number are looked at, to know that every picture arrived.
 *
 * With --keep they are thrown away a picture later: each camera's bytes go to a place of their own, one behind the other, as they must
 * where pictures are made of them. The system calls are the same, but they write to memory that is not in the cache.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "canned_rtsp.h"
#include "counting.h"

#define EVENTS_MAX 512
#define READ_SIZE (256 << 10)
#define DATAGRAMS 32
#define DATAGRAM_SIZE 2048
#define KEPT (32 << 10) /* bytes: somewhat more than a picture */
#define KEPT_STEP                                                                                  \
    1408 /* from one datagram to the next, about their size: only their heads are looked at */
#define KEEP_ALIVE_S 25
#define HEAD                                                                                       \
    8 /* of a frame: '$', channel, 16-bit length; then of RTP: V/P/X/CC, M/PT, sequence number */

struct camera {
    struct counted_camera *counted;
    struct canned_rtsp rtsp;
    size_t skip; /* bytes of the current frame, or of its tail, that are not looked at */
    unsigned have;
    uint8_t head[HEAD];
    unsigned blank; /* bytes of "\r\n\r\n" seen while a response goes by */
    bool in_response, has_seq;
    uint16_t next_seq;
    uint8_t *kept; /* NULL without --keep */
    size_t kept_at;
};

struct bare {
    struct counting counting;
    struct camera *cameras;
    int epoll;
    uint8_t buffer[READ_SIZE];
    struct mmsghdr messages[DATAGRAMS];
    struct iovec parts[DATAGRAMS];
};

/* `rtp`: the first four bytes of an RTP packet. */
static void count_packet(struct bare *bare, struct camera *camera, const uint8_t *rtp)
{
    const uint16_t seq = (uint16_t)(rtp[2] << 8 | rtp[3]);
    if (camera->has_seq && seq != camera->next_seq)
        counting_add(&camera->counted->lost, (uint16_t)(seq - camera->next_seq));
    camera->next_seq = (uint16_t)(seq + 1);
    camera->has_seq = true;
    if (rtp[1] & 0x80)
        counting_picture(&bare->counting, camera->counted);
}

/* Passes over a response to a keepalive, which has no body. Returns the bytes that belonged to it. */
static size_t skip_response(struct camera *camera, const uint8_t *data, size_t size)
{
    size_t i = 0;
    while (i < size && camera->blank < 4) {
        const bool fits = data[i] == (camera->blank % 2 ? '\n' : '\r');
        camera->blank = fits ? camera->blank + 1 : data[i] == '\r';
        i++;
    }
    if (camera->blank == 4)
        camera->in_response = false;
    return i;
}

/* `head`: HEAD bytes from the start of a frame. */
static void take_frame(struct bare *bare, struct camera *camera, const uint8_t *head)
{
    const size_t length = (size_t)(head[2] << 8 | head[3]);
    if (length < HEAD - 4) {
        fprintf(stderr, "%s: not a frame\n", camera->counted->url);
        exit(1);
    }
    if (head[1] == 0)
        count_packet(bare, camera, head + 4);
    camera->skip = length - (HEAD - 4);
}

/* A head that is cut by the end of what was read, or a response. Returns the bytes used. */
static size_t take_rare(struct bare *bare, struct camera *camera, const uint8_t *data, size_t size)
{
    if (camera->in_response)
        return skip_response(camera, data, size);
    camera->in_response = camera->have == 0 && *data != '$';
    if (camera->in_response) {
        camera->blank = 0;
        return 1;
    }
    camera->head[camera->have++] = *data;
    if (camera->have == HEAD) {
        take_frame(bare, camera, camera->head);
        camera->have = 0;
    }
    return 1;
}

static void take_stream(struct bare *bare, struct camera *camera, const uint8_t *data, size_t size)
{
    counting_add(&camera->counted->bytes, size);
    while (size > 0) {
        size_t used = HEAD;
        if (camera->skip > 0) {
            used = camera->skip < size ? camera->skip : size;
            camera->skip -= used;
        } else if (*data == '$' && size >= HEAD && camera->have == 0 && !camera->in_response) {
            take_frame(bare, camera, data);
        } else {
            used = take_rare(bare, camera, data, size);
        }
        data += used;
        size -= used;
    }
}

static void read_stream(struct bare *bare, struct camera *camera)
{
    uint8_t *to = camera->kept ? camera->kept + camera->kept_at : bare->buffer;
    ssize_t size = read(camera->rtsp.fd, to, camera->kept ? KEPT : sizeof(bare->buffer));
    if (size > 0) {
        camera->kept_at = (camera->kept_at + (size_t)size) % KEPT;
        take_stream(bare, camera, to, (size_t)size);
    } else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
        fprintf(stderr, "%s: the connection ended\n", camera->counted->url);
        exit(1);
    }
}

static void read_datagrams(struct bare *bare, struct camera *camera)
{
    int count;
    do {
        for (size_t i = 0; camera->kept && i < DATAGRAMS; i++)
            bare->parts[i].iov_base = camera->kept + camera->kept_at + i * KEPT_STEP;
        count = recvmmsg(camera->rtsp.rtp, bare->messages, DATAGRAMS, MSG_DONTWAIT, NULL);
        for (int i = 0; i < count; i++) {
            const size_t size = bare->messages[i].msg_len;
            counting_add(&camera->counted->bytes, size);
            if (size >= 12)
                count_packet(bare, camera, bare->parts[i].iov_base);
        }
        if (count > 0)
            camera->kept_at = (camera->kept_at + (size_t)count * KEPT_STEP) % KEPT;
    } while (count == DATAGRAMS);
}

/* RTCP, and what an RTSP server says while the media comes by UDP: read and forgotten. */
static void drain(struct bare *bare, int fd)
{
    if (recv(fd, bare->buffer, sizeof(bare->buffer), MSG_DONTWAIT) == 0) {
        fprintf(stderr, "a connection ended\n");
        exit(1);
    }
}

/* An event's data: the camera's number and which of its sockets. */
enum socket_kind { STREAM, CONTROL, RTP, RTCP };

static void watch(struct bare *bare, int fd, unsigned camera, enum socket_kind kind)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)camera << 2 | kind};
    if (epoll_ctl(bare->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
        perror("epoll_ctl");
        exit(1);
    }
}

static void start_camera(struct bare *bare, unsigned number)
{
    struct camera *camera = &bare->cameras[number];
    camera->counted = &bare->counting.cameras[number];
    if (bare->counting.keep) {
        camera->kept = calloc(1, 2 * KEPT + DATAGRAMS * DATAGRAM_SIZE);
        if (!camera->kept)
            abort();
    }
    canned_rtsp_play(camera->counted->url, bare->counting.udp, &camera->rtsp);
    fcntl(camera->rtsp.fd, F_SETFL, O_NONBLOCK);
    if (bare->counting.udp) {
        watch(bare, camera->rtsp.fd, number, CONTROL);
        watch(bare, camera->rtsp.rtp, number, RTP);
        watch(bare, camera->rtsp.rtcp, number, RTCP);
    } else {
        watch(bare, camera->rtsp.fd, number, STREAM);
        take_stream(bare, camera, camera->rtsp.rest, camera->rtsp.rest_size);
    }
}

static void serve(struct bare *bare, const struct epoll_event *event)
{
    struct camera *camera = &bare->cameras[event->data.u64 >> 2];
    switch ((enum socket_kind)(event->data.u64 & 3)) {
    case STREAM:
        read_stream(bare, camera);
        break;
    case RTP:
        read_datagrams(bare, camera);
        break;
    case RTCP:
        drain(bare, camera->rtsp.rtcp);
        break;
    case CONTROL:
        drain(bare, camera->rtsp.fd);
        break;
    }
}

static void one_pass(struct bare *bare)
{
    struct epoll_event events[EVENTS_MAX];
    unsigned left = 3 * bare->counting.camera_count; /* each socket at most once */
    int count;
    do {
        count = epoll_wait(bare->epoll, events, EVENTS_MAX, 0);
        for (int i = 0; i < count; i++)
            serve(bare, &events[i]);
        left -= count > 0 && (unsigned)count < left ? (unsigned)count : left;
    } while (count == EVENTS_MAX && left > 0);
}

static bool is_before(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

static void sleep_until_next(struct timespec *next, int interval_ms)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    next->tv_nsec += interval_ms * 1000000L;
    next->tv_sec += next->tv_nsec / 1000000000L;
    next->tv_nsec %= 1000000000L;
    if (is_before(next, &now))
        *next = now; /* late: no passes are made up for */
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, next, NULL);
}

static _Noreturn void run(struct bare *bare)
{
    struct timespec next;
    clock_gettime(CLOCK_MONOTONIC, &next);
    time_t keep_alive = next.tv_sec + KEEP_ALIVE_S;
    for (;;) {
        sleep_until_next(&next, bare->counting.interval_ms);
        one_pass(bare);
        if (next.tv_sec < keep_alive)
            continue;
        keep_alive = next.tv_sec + KEEP_ALIVE_S;
        for (unsigned i = 0; i < bare->counting.camera_count; i++)
            canned_rtsp_keep_alive(&bare->cameras[i].rtsp, bare->cameras[i].counted->url);
    }
}

static void prepare_datagrams(struct bare *bare)
{
    for (int i = 0; i < DATAGRAMS; i++) {
        bare->parts[i] = (struct iovec){.iov_base = bare->buffer + (size_t)i * DATAGRAM_SIZE,
                                        .iov_len = DATAGRAM_SIZE};
        bare->messages[i].msg_hdr = (struct msghdr){.msg_iov = &bare->parts[i], .msg_iovlen = 1};
    }
}

int main(int argc, char **argv)
{
    static struct bare bare;
    counting_start(&bare.counting, argc, argv);
    bare.cameras = calloc(bare.counting.camera_count, sizeof(*bare.cameras));
    bare.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!bare.cameras || bare.epoll < 0) {
        perror("bare_loop");
        return 1;
    }
    prepare_datagrams(&bare);
    for (unsigned i = 0; i < bare.counting.camera_count; i++)
        start_camera(&bare, i);
    run(&bare);
}

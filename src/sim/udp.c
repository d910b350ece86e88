// SPDX-License-Identifier: Apache-2.0
#include "sim/udp.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "sim/session.h"

#define MESSAGES_MAX 256
#define PAIR_TRIES 100
#define SEND_BUFFER (4 << 20) /* a wake-up's packets of several hundred cameras */

struct fv_sim_udp {
    int fds[2];
    uint16_t ports[2];
    unsigned count, lost;
    struct mmsghdr messages[MESSAGES_MAX];
    struct iovec parts[2 * MESSAGES_MAX];
    uint8_t headers[MESSAGES_MAX][FV_SIM_HEADER_MAX];
};

static uint16_t get_port(const struct fv_addr *addr)
{
    return ntohs(addr->sa.sa_family == AF_INET6 ? addr->in6.sin6_port : addr->in.sin_port);
}

static void set_port(struct fv_addr *addr, uint16_t port)
{
    if (addr->sa.sa_family == AF_INET6)
        addr->in6.sin6_port = htons(port);
    else
        addr->in.sin_port = htons(port);
}

/* Descriptor or negative errno. */
static int bind_at(struct fv_addr *addr, uint16_t port)
{
    const int buffer = SEND_BUFFER;
    int fd = socket(addr->sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    set_port(addr, port);
    if (bind(fd, &addr->sa, addr->size) < 0 || getsockname(fd, &addr->sa, &addr->size) < 0) {
        int rc = -errno;
        close(fd);
        return rc;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer)); /* as far as allowed */
    return fd;
}

/* RFC 3550 11: RTP at an even port, RTCP at the next. 0, -EADDRINUSE: try again. */
static int bind_pair(struct fv_sim_udp *udp, const struct fv_addr *local)
{
    struct fv_addr addr = *local;
    int rtp = bind_at(&addr, 0);
    if (rtp < 0)
        return rtp;
    const uint16_t port = get_port(&addr);
    int rtcp = port % 2 ? -EADDRINUSE : bind_at(&addr, (uint16_t)(port + 1));
    if (rtcp < 0) {
        close(rtp);
        return rtcp;
    }
    udp->fds[FV_SIM_RTP] = rtp;
    udp->fds[FV_SIM_RTCP] = rtcp;
    udp->ports[FV_SIM_RTP] = port;
    udp->ports[FV_SIM_RTCP] = (uint16_t)(port + 1);
    return 0;
}

int fv_sim_udp_open(const struct fv_addr *local, struct fv_sim_udp **ret_udp, struct fv_error *err)
{
    struct fv_sim_udp *udp = FV_NEW(struct fv_sim_udp);
    if (!udp)
        return fv_error_set(err, -ENOMEM, "out of memory");
    int rc = -EADDRINUSE;
    for (int i = 0; i < PAIR_TRIES && rc == -EADDRINUSE; i++)
        rc = bind_pair(udp, local);
    if (rc < 0) {
        fv_free(udp);
        return fv_error_set(err, rc, "cannot open a pair of UDP ports: %s", strerror(-rc));
    }
    *ret_udp = udp;
    return 0;
}

void fv_sim_udp_close(struct fv_sim_udp *udp)
{
    if (!udp)
        return;
    close(udp->fds[FV_SIM_RTP]);
    close(udp->fds[FV_SIM_RTCP]);
    fv_free(udp);
}

int fv_sim_udp_fd(const struct fv_sim_udp *udp, int which)
{
    return udp->fds[which];
}

uint16_t fv_sim_udp_port(const struct fv_sim_udp *udp, int which)
{
    return udp->ports[which];
}

/* What the socket does not take is lost, as datagrams are. One that cannot be sent at all (no
 * route, a forbidden port) does not hold up the others. */
static void send_all(struct fv_sim_udp *udp)
{
    unsigned done = 0;
    while (done < udp->count) {
        int sent = sendmmsg(udp->fds[FV_SIM_RTP], udp->messages + done, udp->count - done,
                            MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            done += (unsigned)sent;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) {
            udp->lost += udp->count - done;
            break;
        } else if (errno != EINTR) {
            udp->lost++;
            done++;
        }
    }
    udp->count = 0;
}

void fv_sim_udp_post(struct fv_sim_udp *udp, const struct iovec *parts, unsigned count,
                     struct fv_addr *to)
{
    for (unsigned i = 0; i < count; i++) {
        if (udp->count == MESSAGES_MAX)
            send_all(udp);
        const unsigned n = udp->count++;
        struct iovec *own = &udp->parts[2 * n];
        memcpy(udp->headers[n], parts[2 * i].iov_base, parts[2 * i].iov_len);
        own[0] = (struct iovec){udp->headers[n], parts[2 * i].iov_len};
        own[1] = parts[2 * i + 1];
        udp->messages[n].msg_hdr = (struct msghdr){
            .msg_name = &to->sa, .msg_namelen = to->size, .msg_iov = own, .msg_iovlen = 2};
    }
}

void fv_sim_udp_report(struct fv_sim_udp *udp, const void *data, size_t size,
                       const struct fv_addr *to)
{
    /* A lost report is followed by another. */
    (void)sendto(udp->fds[FV_SIM_RTCP], data, size, MSG_NOSIGNAL | MSG_DONTWAIT, &to->sa, to->size);
}

unsigned fv_sim_udp_flush(struct fv_sim_udp *udp)
{
    if (udp->count)
        send_all(udp);
    const unsigned lost = udp->lost;
    udp->lost = 0;
    return lost;
}

bool fv_sim_udp_receive(struct fv_sim_udp *udp, int which, struct fv_addr *ret_from)
{
    uint8_t data[64]; /* longer ones are cut */
    struct fv_addr from = {.size = sizeof(from.in6)};
    ssize_t size =
        recvfrom(udp->fds[which], data, sizeof(data), MSG_DONTWAIT, &from.sa, &from.size);
    if (size < 0)
        return false;
    *ret_from = from;
    return true;
}

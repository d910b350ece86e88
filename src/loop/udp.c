// SPDX-License-Identifier: Apache-2.0
#include "loop/udp.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/pages.h"

#define PAIRS_TRIED 64

static void set_port(struct fv_addr *addr, uint16_t port)
{
    addr->in.sin_port = htons(port); /* lies at the same place in both families */
}

static uint16_t port_of(const struct fv_addr *addr)
{
    return ntohs(addr->in.sin_port);
}

static bool same_host(const struct fv_addr *a, const struct fv_addr *b)
{
    if (!a->size || a->sa.sa_family != b->sa.sa_family)
        return false;
    if (a->sa.sa_family == AF_INET)
        return a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
    return memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof(a->in6.sin6_addr)) == 0;
}

/* A socket bound to `local`, port 0: one that the system chooses. Sets the port in `local`. The descriptor or negative errno. */
static int bind_one(struct fv_addr *local, uint16_t port)
{
    int fd = socket(local->sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    socklen_t size = local->size;
    set_port(local, port);
    if (bind(fd, &local->sa, local->size) == 0 && getsockname(fd, &local->sa, &size) == 0)
        return fd;
    int code = -errno;
    close(fd);
    return code;
}

/* The system chooses one port; its neighbour makes the pair. -EAGAIN: the neighbour is taken. */
static int bind_pair(const struct fv_addr *local, int *ret_rtp, int *ret_rtcp)
{
    struct fv_addr first = *local, second = *local;
    int one = bind_one(&first, 0);
    if (one < 0)
        return one;
    int other = bind_one(&second, port_of(&first) ^ 1);
    if (other < 0) {
        close(one);
        return other == -EADDRINUSE || other == -EACCES ? -EAGAIN : other;
    }
    bool even = port_of(&first) % 2 == 0;
    *ret_rtp = even ? one : other;
    *ret_rtcp = even ? other : one;
    return port_of(even ? &first : &second);
}

/* What was granted: beyond the system's limit (net.core.rmem_max) only with a privilege. */
static int set_receive_buffer(int fd, int wanted)
{
    int granted = 0;
    socklen_t size = sizeof(granted);
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &wanted, sizeof(wanted)) < 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &wanted, sizeof(wanted));
    getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &granted, &size);
    return granted / 2; /* the kernel doubles it for its own bookkeeping, and reports that */
}

void fv_udp_init(struct fv_udp *udp)
{
    *udp = (struct fv_udp){
        .on_rtp = udp->on_rtp, .on_rtcp = udp->on_rtcp, .rtp.fd = -1, .rtcp.fd = -1};
}

static int watch(struct fv_loop *loop, struct fv_io *io, int fd,
                 void (*ready)(struct fv_io *, unsigned))
{
    int ret = fv_loop_add(loop, io, fd, FV_IO_READ, ready);
    if (ret < 0)
        close(fd);
    return ret;
}

int fv_udp_open(struct fv_udp *udp, struct fv_loop *loop, const struct fv_addr *local,
                int receive_buffer)
{
    int rtp = -1, rtcp = -1, port = -EAGAIN;
    for (int i = 0; i < PAIRS_TRIED && port == -EAGAIN; i++)
        port = bind_pair(local, &rtp, &rtcp);
    if (port < 0)
        return port == -EAGAIN ? -EADDRINUSE : port;
    fv_udp_init(udp);
    udp->port = (uint16_t)port;
    udp->receive_buffer = set_receive_buffer(rtp, receive_buffer);
    int ret = watch(loop, &udp->rtp, rtp, udp->on_rtp);
    if (ret < 0) {
        close(rtcp);
        return ret;
    }
    ret = watch(loop, &udp->rtcp, rtcp, udp->on_rtcp);
    if (ret < 0)
        fv_udp_close(udp, loop);
    return ret;
}

void fv_udp_close(struct fv_udp *udp, struct fv_loop *loop)
{
    struct fv_io *const ios[] = {&udp->rtp, &udp->rtcp};
    for (size_t i = 0; i < 2; i++) {
        int fd = ios[i]->fd;
        fv_loop_remove(loop, ios[i]);
        if (fd >= 0)
            close(fd);
    }
    fv_udp_init(udp);
}

static bool is_any(const struct fv_addr *addr)
{
    static const struct in6_addr any;
    if (addr->sa.sa_family == AF_INET)
        return addr->in.sin_addr.s_addr == 0;
    return memcmp(&addr->in6.sin6_addr, &any, sizeof(any)) == 0;
}

void fv_udp_expect(struct fv_udp *udp, const struct fv_addr *peer, const char *source,
                   uint16_t rtp_port, uint16_t rtcp_port)
{
    udp->peer = *peer;
    set_port(&udp->peer, rtp_port);
    udp->source = (struct fv_addr){.size = 0};
    if (source[0] && fv_addr_parse(source, rtp_port, &udp->source) == 0 && is_any(&udp->source))
        udp->source.size = 0;
    udp->rtcp_port = rtcp_port;
}

bool fv_udp_expects(const struct fv_udp *udp, bool rtcp, const struct fv_addr *from)
{
    uint16_t port = rtcp ? udp->rtcp_port : port_of(&udp->peer);
    if (port && port != port_of(from))
        return false;
    return same_host(&udp->peer, from) || same_host(&udp->source, from);
}

/* The address of each packet costs the kernel and us about a tenth of the packet. */
void fv_udp_narrow(struct fv_udp *udp, const struct fv_addr *from)
{
    if (udp->connected)
        udp->sole = true;
    else if (port_of(&udp->peer))
        udp->connected = connect(udp->rtp.fd, &from->sa, from->size) == 0;
}

int64_t fv_udp_send(const struct fv_udp *udp, bool rtcp, const void *data, size_t size)
{
    struct fv_addr to = udp->peer;
    if (rtcp)
        set_port(&to, udp->rtcp_port);
    if (!to.size || !port_of(&to))
        return -EDESTADDRREQ;
    ssize_t n =
        sendto(rtcp ? udp->rtcp.fd : udp->rtp.fd, data, size, MSG_NOSIGNAL, &to.sa, to.size);
    return n < 0 ? -errno : n;
}

/* --- Batches --- */

struct fv_datagrams {
    struct mmsghdr messages[FV_UDP_BATCH];
    struct iovec parts[FV_UDP_BATCH];
    struct fv_addr from[FV_UDP_BATCH];
    bool named; /* the messages ask where they come from */
    int used;   /* entries whose name sizes the kernel has overwritten */
    uint8_t memory[FV_UDP_BATCH][FV_UDP_DATAGRAM];
};

int fv_datagrams_create(struct fv_datagrams **ret_datagrams)
{
    struct fv_datagrams *datagrams = FV_PAGES_NEW(struct fv_datagrams);
    if (!datagrams)
        return -ENOMEM;
    for (int i = 0; i < FV_UDP_BATCH; i++) {
        datagrams->parts[i] = (struct iovec){datagrams->memory[i], FV_UDP_DATAGRAM};
        datagrams->messages[i].msg_hdr =
            (struct msghdr){.msg_iov = &datagrams->parts[i], .msg_iovlen = 1};
    }
    *ret_datagrams = datagrams;
    return 0;
}

void fv_datagrams_destroy(struct fv_datagrams *datagrams)
{
    fv_pages_free(datagrams, sizeof(*datagrams));
}

static void ask_for_names(struct fv_datagrams *datagrams, bool named)
{
    if (named != datagrams->named) {
        for (int i = 0; i < FV_UDP_BATCH; i++)
            datagrams->messages[i].msg_hdr.msg_name = named ? &datagrams->from[i].sa : NULL;
        datagrams->named = named;
        datagrams->used = FV_UDP_BATCH;
    }
    for (int i = 0; named && i < datagrams->used; i++)
        datagrams->messages[i].msg_hdr.msg_namelen = sizeof(struct sockaddr_in6);
}

/* An error may be the answer to something that was sent (ICMP). It is told once and says nothing about what comes: then asking again
 * helps. */
int fv_datagrams_receive(struct fv_datagrams *datagrams, int fd, bool from)
{
    int n = -1;
    ask_for_names(datagrams, from);
    for (int tries = 0; n < 0 && tries < 3; tries++) {
        n = recvmmsg(fd, datagrams->messages, FV_UDP_BATCH, MSG_DONTWAIT, NULL);
        if (n < 0 && errno == EAGAIN)
            break;
    }
    datagrams->used = n > 0 ? n : 0;
    if (n < 0)
        return -errno;
    return n == 0 ? -EAGAIN : n;
}

struct fv_datagram fv_datagrams_get(struct fv_datagrams *datagrams, int i)
{
    const struct mmsghdr *message = &datagrams->messages[i];
    struct fv_addr *from = &datagrams->from[i];
    from->size = message->msg_hdr.msg_namelen;
    return (struct fv_datagram){
        .data = datagrams->memory[i],
        .size = message->msg_len,
        .cut = message->msg_hdr.msg_flags & MSG_TRUNC,
        .from = datagrams->named ? from : NULL,
    };
}

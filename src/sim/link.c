// SPDX-License-Identifier: Apache-2.0
#include "sim/link.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK (16u << 10)
#define SEND_BUFFER                                                                                \
    (256 << 10) /* of the kernel, per client: with the backlog's limit, the most that waits */

static void prepare_socket(int fd)
{
    const int on = 1, buffer = SEND_BUFFER;
    /* Without these it works too, only less smoothly. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
}

int fv_sim_link_open(struct fv_sim_link *link, int fd, struct fv_sim_tls *tls)
{
    *link = (struct fv_sim_link){.fd = fd};
    if (tls && fv_sim_tls_link_create(tls, &link->tls) < 0) {
        fv_sim_link_close(link);
        return -ENOMEM;
    }
    prepare_socket(fd);
    return 0;
}

static int64_t receive(int fd, void *data, size_t size)
{
    ssize_t got = recv(fd, data, size, 0);
    if (got >= 0)
        return got;
    return errno == EINTR || errno == EWOULDBLOCK ? -EAGAIN : -errno;
}

static int64_t send_parts(int fd, const struct iovec *parts, unsigned count)
{
    const struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)parts,
                                   .msg_iovlen = count};
    ssize_t size;
    do
        size = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (size < 0 && errno == EINTR);
    if (size >= 0)
        return size;
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS ? 0 : -errno;
}

int fv_sim_link_flush(struct fv_sim_link *link)
{
    struct fv_sim_bytes *output = link->tls ? fv_sim_tls_output(link->tls) : NULL;
    int64_t size = 1;
    while (output && output->size && size > 0) {
        const struct iovec part = {output->data, output->size};
        size = send_parts(link->fd, &part, 1);
        if (size > 0)
            fv_sim_bytes_drop(output, (size_t)size);
    }
    return size < 0 ? (int)size : 0;
}

bool fv_sim_link_waits(const struct fv_sim_link *link)
{
    return link->tls && fv_sim_tls_output(link->tls)->size;
}

int64_t fv_sim_link_read(struct fv_sim_link *link, void *data, size_t size)
{
    uint8_t cipher[CHUNK];
    if (!link->tls)
        return receive(link->fd, data, size);
    for (;;) {
        int64_t got = fv_sim_tls_read(link->tls, data, size);
        int rc = fv_sim_link_flush(link);
        if (got != -EAGAIN || rc < 0)
            return rc < 0 ? rc : got;
        got = receive(link->fd, cipher, sizeof(cipher));
        if (got <= 0)
            return got;
        rc = fv_sim_tls_feed(link->tls, cipher, (size_t)got);
        if (rc < 0)
            return rc;
    }
}

int64_t fv_sim_link_write(struct fv_sim_link *link, const struct iovec *parts, unsigned count)
{
    if (!link->tls)
        return send_parts(link->fd, parts, count);
    int rc = fv_sim_link_flush(link);
    int64_t size = rc < 0 ? rc : fv_sim_tls_write(link->tls, parts, count);
    if (size > 0)
        rc = fv_sim_link_flush(link);
    return rc < 0 ? rc : size;
}

int64_t fv_sim_link_discard(struct fv_sim_link *link)
{
    uint8_t data[CHUNK];
    return receive(link->fd, data, sizeof(data));
}

void fv_sim_link_close(struct fv_sim_link *link)
{
    if (link->fd < 0)
        return;
    if (link->tls) {
        fv_sim_tls_end(link->tls);
        (void)fv_sim_link_flush(link); /* as far as it goes at once */
    }
    close(link->fd);
    fv_sim_tls_link_destroy(link->tls);
    *link = (struct fv_sim_link){.fd = -1};
}

void fv_sim_link_reset(struct fv_sim_link *link)
{
    const struct linger linger = {.l_onoff = 1, .l_linger = 0};
    if (link->fd < 0)
        return;
    (void)setsockopt(link->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    close(link->fd);
    fv_sim_tls_link_destroy(link->tls);
    *link = (struct fv_sim_link){.fd = -1};
}

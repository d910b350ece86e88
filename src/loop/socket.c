// SPDX-License-Identifier: Apache-2.0
#include "loop/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int fv_addr_parse(const char *host, uint16_t port, struct fv_addr *ret_addr)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM}, *found;
    if (getaddrinfo(host, NULL, &hints, &found) != 0)
        return -EINVAL;
    struct fv_addr addr = {.size = found->ai_addrlen};
    int ret = -EINVAL;
    if (found->ai_family == AF_INET || found->ai_family == AF_INET6) {
        memcpy(&addr.sa, found->ai_addr, found->ai_addrlen);
        addr.in.sin_port = htons(port); /* lies at the same place in both */
        *ret_addr = addr;
        ret = 0;
    }
    freeaddrinfo(found);
    return ret;
}

char *fv_addr_format(const struct fv_addr *addr, char *text)
{
    char host[INET6_ADDRSTRLEN] = "?";
    bool six = addr->sa.sa_family == AF_INET6;
    const void *raw = six ? (const void *)&addr->in6.sin6_addr : (const void *)&addr->in.sin_addr;
    inet_ntop(addr->sa.sa_family, raw, host, sizeof(host));
    snprintf(text, FV_ADDR_TEXT, six ? "[%s]:%u" : "%s:%u", host, ntohs(addr->in.sin_port));
    return text;
}

static int set_option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int apply_options(int fd, const struct fv_socket_options *options)
{
    int ret = 0;
    if (options->nodelay)
        ret = set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (ret >= 0 && options->receive_buffer > 0)
        ret = set_option(fd, SOL_SOCKET, SO_RCVBUF, options->receive_buffer);
    if (ret < 0 || !options->keepalive)
        return ret;
    static const int probes[][2] = {{TCP_KEEPIDLE, 30}, {TCP_KEEPINTVL, 10}, {TCP_KEEPCNT, 3}};
    ret = set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]) && ret >= 0; i++)
        ret = set_option(fd, IPPROTO_TCP, probes[i][0], probes[i][1]);
    return ret;
}

int fv_socket_connect(const struct fv_addr *addr, const struct fv_socket_options *options,
                      int *ret_fd)
{
    int fd = socket(addr->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int ret = apply_options(fd, options);
    if (ret >= 0 && connect(fd, &addr->sa, addr->size) < 0 && errno != EINPROGRESS &&
        errno != EINTR)
        ret = -errno;
    if (ret < 0) {
        close(fd);
        return ret;
    }
    *ret_fd = fd;
    return 0;
}

int fv_socket_error(int fd)
{
    int error = 0;
    socklen_t size = sizeof(error);
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
        return -errno;
    return -error;
}

int64_t fv_socket_read(int fd, void *buffer, size_t size)
{
    ssize_t n;
    do
        n = recv(fd, buffer, size, 0);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    return n == 0 ? -ECONNRESET : n;
}

int64_t fv_socket_write(int fd, const void *data, size_t size)
{
    ssize_t n;
    do
        n = send(fd, data, size, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

// SPDX-License-Identifier: Apache-2.0
#include "sim/listen.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/slice.h"

#define BACKLOG 512

struct place {
    char host[256];
    char port[8];
};

/* The last colon separates; an IPv6 address stands in brackets. */
static int split(const char *address, struct place *ret_place)
{
    const char *colon = strrchr(address, ':');
    uint64_t port;
    if (!colon || fv_slice_u64(fv_slice_of(colon + 1), 65535, &port) < 0)
        return -EINVAL;
    struct fv_slice host = {address, (size_t)(colon - address)};
    if (host.size >= 2 && host.data[0] == '[' && host.data[host.size - 1] == ']')
        host = (struct fv_slice){host.data + 1, host.size - 2};
    else if (memchr(host.data, ':', host.size))
        return -EINVAL;
    if (!host.size || fv_slice_copy(host, ret_place->host, sizeof(ret_place->host)) < 0)
        return -EINVAL;
    return fv_slice_copy(fv_slice_of(colon + 1), ret_place->port, sizeof(ret_place->port)) < 0
               ? -EINVAL
               : 0;
}

static int open_socket(const struct addrinfo *info, int *ret_fd)
{
    const int on = 1;
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        bind(fd, info->ai_addr, info->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
        int rc = -errno;
        close(fd);
        return rc;
    }
    *ret_fd = fd;
    return 0;
}

static int address_of(int fd, struct fv_addr *ret_bound)
{
    struct fv_addr bound = {.size = sizeof(bound.in6)};
    if (getsockname(fd, &bound.sa, &bound.size) < 0)
        return -errno;
    *ret_bound = bound;
    return 0;
}

int fv_sim_listen(const char *address, int *ret_fd, struct fv_addr *ret_bound, struct fv_error *err)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found;
    struct place place;
    if (split(address, &place) < 0)
        return fv_error_set(
            err, -EINVAL,
            "'%s' is not an address to listen at: ADDR:PORT, as 127.0.0.1:8554 or [::1]:8554",
            address);
    int failed = getaddrinfo(place.host, place.port, &hints, &found);
    if (failed)
        return fv_error_set(err, -EINVAL, "cannot listen at '%s': %s", address,
                            gai_strerror(failed));
    int fd = -1;
    int rc = open_socket(found, &fd);
    freeaddrinfo(found);
    if (rc == 0)
        rc = address_of(fd, ret_bound);
    if (rc == -EADDRINUSE)
        return fv_error_set(
            err, rc,
            "cannot listen at %s: the port is taken; choose another or port 0 for any free one",
            address);
    if (rc < 0) {
        if (fd >= 0)
            close(fd);
        return fv_error_set(err, rc, "cannot listen at %s: %s", address, strerror(-rc));
    }
    *ret_fd = fd;
    return 0;
}

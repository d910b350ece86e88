// SPDX-License-Identifier: Apache-2.0
/* Socket addresses and non-blocking TCP sockets. Thin: one system call a function, errors as negative errno. */
#ifndef FV_LOOP_SOCKET_H
#define FV_LOOP_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <netinet/in.h>
#include <sys/socket.h>

struct fv_addr {
    union {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    };
    socklen_t size; /* of the member that is in use */
};

#define FV_ADDRS_MAX 8

/* The addresses of one name, best first. */
struct fv_addrs {
    unsigned count;
    struct fv_addr list[FV_ADDRS_MAX];
};

struct fv_socket_options {
    bool nodelay;       /* send small requests at once */
    bool keepalive;     /* let the kernel notice a peer that vanished: after 30 s of silence, 3 probes 10 s apart */
    int receive_buffer; /* SO_RCVBUF in bytes; 0: the kernel's own sizing, which is the best for TCP */
};

/* A numeric IPv4 or IPv6 address (also with a zone, fe80::1%eth0). 0, or -EINVAL: a name. */
int fv_addr_parse(const char *host, uint16_t port, struct fv_addr *ret_addr);
/* "192.0.2.1:554", "[2001:db8::1]:554". Returns `text`, which holds FV_ADDR_TEXT bytes. */
#define FV_ADDR_TEXT 80
char *fv_addr_format(const struct fv_addr *addr, char *text);

/* A non-blocking socket that connects to `addr`. 0: it became writable or will; then ask fv_socket_error(). On failure nothing is left open. */
int fv_socket_connect(const struct fv_addr *addr, const struct fv_socket_options *options, int *ret_fd);
/* The pending error: 0 when connected, else negative errno. */
int fv_socket_error(int fd);
/* Bytes read (> 0), -EAGAIN, -ECONNRESET when the peer closed, or another negative errno. size > 0. */
int64_t fv_socket_read(int fd, void *buffer, size_t size);
/* Bytes written (> 0), -EAGAIN, or another negative errno; never SIGPIPE. size > 0. */
int64_t fv_socket_write(int fd, const void *data, size_t size);

#endif

// SPDX-License-Identifier: Apache-2.0
#include "loop/conn.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/list.h"

void fv_conn_init(struct fv_conn *conn, struct fv_loop *loop)
{
    conn->loop = loop;
    conn->io.fd = -1;
    conn->tls = NULL;
    conn->trouble[0] = 0;
    conn->addrs.count = conn->next = 0;
    conn->open = conn->reached = false;
    conn->deadline = conn->last = FV_TIME_NEVER;
}

static void drop_socket(struct fv_conn *conn)
{
    int fd = conn->io.fd;
    fv_tls_destroy(conn->tls);
    conn->tls = NULL;
    if (fd < 0)
        return;
    fv_loop_remove(conn->loop, &conn->io);
    close(fd);
}

static void on_io(struct fv_io *io, unsigned events);

static int try_address(struct fv_conn *conn, const struct fv_addr *addr)
{
    static const struct fv_socket_options options = {.nodelay = true, .keepalive = true};
    conn->reached = false;
    int fd, ret = fv_socket_connect(addr, &options, &fd);
    if (ret < 0)
        return ret;
    ret = fv_loop_add(conn->loop, &conn->io, fd, FV_IO_WRITE, on_io);
    if (ret < 0)
        close(fd);
    return ret;
}

/* `code`: why the address before failed; returned when it was the last. */
static int try_next(struct fv_conn *conn, int code, int64_t now)
{
    drop_socket(conn);
    while (conn->next < conn->addrs.count) {
        int64_t left = conn->last - now;
        if (left <= 0)
            return -ETIMEDOUT;
        conn->deadline = now + left / (conn->addrs.count - conn->next);
        code = try_address(conn, &conn->addrs.list[conn->next++]);
        if (code == 0)
            return 0;
    }
    conn->deadline = FV_TIME_NEVER;
    return code;
}

int fv_conn_open(struct fv_conn *conn, const struct fv_addrs *addrs, int64_t timeout, int64_t now)
{
    fv_conn_close(conn);
    conn->addrs = *addrs;
    conn->next = 0;
    conn->trouble[0] = 0;
    conn->timeout = timeout;
    conn->last = fv_later(now, timeout);
    return try_next(conn, -EINVAL, now);
}

static void become_open(struct fv_conn *conn)
{
    conn->open = true;
    conn->deadline = FV_TIME_NEVER;
    conn->io.steady = true;
    conn->io.near = conn->near;
    conn->opened(conn, 0);
}

/* What is left of the time to connect stays with the addresses that were not tried yet. */
static int start_tls(struct fv_conn *conn)
{
    int64_t now = fv_loop_now(conn->loop), left = conn->last - now;
    conn->deadline = fv_later(now, conn->timeout);
    conn->last = fv_later(conn->deadline, left > 0 ? left : 0);
    return fv_tls_create(conn->secure, conn->io.fd, conn->host, &conn->tls);
}

/* Another address would show the same certificate: the first that answers decides. */
static void secure(struct fv_conn *conn)
{
    int code = conn->tls ? 0 : start_tls(conn);
    if (code == 0)
        code = fv_tls_handshake(conn->tls);
    if (code == 0 || code == -EAGAIN) {
        bool write = code == -EAGAIN && fv_tls_wants_write(conn->tls);
        int ret = fv_loop_change(conn->loop, &conn->io, FV_IO_READ | (write ? FV_IO_WRITE : 0));
        code = ret < 0 ? ret : code;
    }
    if (code == -EAGAIN)
        return;
    if (code == 0) {
        become_open(conn);
        return;
    }
    if (conn->tls)
        snprintf(conn->trouble, sizeof(conn->trouble), "%s", fv_tls_trouble(conn->tls));
    drop_socket(conn);
    conn->deadline = FV_TIME_NEVER;
    conn->opened(conn, code);
}

static void on_connected(struct fv_conn *conn)
{
    int code = fv_socket_error(conn->io.fd);
    conn->reached = code == 0;
    if (code == 0 && conn->secure) {
        secure(conn);
        return;
    }
    if (code == 0)
        code = fv_loop_change(conn->loop, &conn->io, FV_IO_READ);
    if (code == 0) {
        become_open(conn);
        return;
    }
    code = try_next(conn, code, fv_loop_now(conn->loop));
    if (code < 0)
        conn->opened(conn, code);
}

static void on_io(struct fv_io *io, unsigned events)
{
    struct fv_conn *conn = FV_CONTAINER(io, struct fv_conn, io);
    if (conn->open)
        conn->ready(conn, events);
    else if (conn->tls)
        secure(conn);
    else
        on_connected(conn);
}

const char *fv_conn_trouble(const struct fv_conn *conn)
{
    return conn->trouble;
}

bool fv_conn_securing(const struct fv_conn *conn)
{
    return conn->tls && !conn->open;
}

bool fv_conn_reached(const struct fv_conn *conn)
{
    return conn->reached;
}

int64_t fv_conn_deadline(const struct fv_conn *conn)
{
    return conn->deadline;
}

int fv_conn_tick(struct fv_conn *conn, int64_t now)
{
    return now < conn->deadline ? 0 : try_next(conn, -ETIMEDOUT, now);
}

int64_t fv_conn_read(struct fv_conn *conn, void *buffer, size_t size)
{
    int64_t n = conn->tls ? fv_tls_read(conn->tls, buffer, size)
                          : fv_socket_read(conn->io.fd, buffer, size);
    if (n == -EAGAIN)
        fv_loop_found_nothing(&conn->io);
    return n;
}

int64_t fv_conn_write(struct fv_conn *conn, const void *data, size_t size)
{
    return conn->tls ? fv_tls_write(conn->tls, data, size)
                     : fv_socket_write(conn->io.fd, data, size);
}

bool fv_conn_pending(const struct fv_conn *conn)
{
    return conn->open && conn->tls && fv_tls_pending(conn->tls);
}

int fv_conn_local(const struct fv_conn *conn, struct fv_addr *ret_addr)
{
    struct fv_addr addr = {.size = sizeof(addr.in6)};
    if (getsockname(conn->io.fd, &addr.sa, &addr.size) < 0)
        return -errno;
    *ret_addr = addr;
    return 0;
}

struct fv_addr fv_conn_remote(const struct fv_conn *conn)
{
    return conn->next ? conn->addrs.list[conn->next - 1] : (struct fv_addr){.size = 0};
}

int fv_conn_want_write(struct fv_conn *conn, bool want)
{
    return fv_loop_change(conn->loop, &conn->io, FV_IO_READ | (want ? FV_IO_WRITE : 0));
}

char *fv_conn_peer(const struct fv_conn *conn, char *text)
{
    if (conn->next == 0)
        *text = 0;
    else
        fv_addr_format(&conn->addrs.list[conn->next - 1], text);
    return text;
}

void fv_conn_close(struct fv_conn *conn)
{
    drop_socket(conn);
    conn->open = false;
    conn->deadline = FV_TIME_NEVER;
}

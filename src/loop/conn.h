// SPDX-License-Identifier: Apache-2.0
/*
 * A byte connection on the loop, plain or TLS: tries a name's addresses one after the other, then reads and writes. What carries the
 * bytes stays in conn.c; the owner sees only these functions. The owner keeps the deadline: it calls fv_conn_tick() at fv_conn_deadline().
 */
#ifndef FV_LOOP_CONN_H
#define FV_LOOP_CONN_H

#include "loop/loop.h"
#include "loop/socket.h"
#include "loop/tls.h"

struct fv_conn {
    /* set by the owner before open; called on the loop's thread, never from inside fv_conn_open() or fv_conn_tick() */
    void (*opened)(struct fv_conn *conn, int code); /* 0, or why the last address failed */
    void (*ready)(struct fv_conn *conn, unsigned events); /* FV_IO_READ, FV_IO_WRITE; after opened(0) */
    const struct fv_tls_context *secure; /* NULL: no TLS. Borrowed while it is open */
    const void *near;                    /* as in struct fv_io; NULL: nothing */
    const char *host;                    /* with TLS: the name that the certificate must be for; likewise */
    /* owner: conn.c */
    struct fv_loop *loop;
    struct fv_io io;
    struct fv_tls *tls; /* NULL: plain, or not yet connected */
    bool open;
    bool reached; /* the address tried last has accepted */
    int64_t deadline, last; /* of the current address, of all */
    int64_t timeout;
    unsigned next;          /* address that is tried after the current one */
    struct fv_addrs addrs;
    char trouble[200];
};

void fv_conn_init(struct fv_conn *conn, struct fv_loop *loop);
/* Starts to connect. All addresses together get `timeout`, each an equal share of what is left, so that a dead one (IPv6 that leads nowhere) does
 * not take the time of the next; a TLS handshake gets as much of its own. 0: under way; else negative errno: no address could even be tried. */
int fv_conn_open(struct fv_conn *conn, const struct fv_addrs *addrs, int64_t timeout, int64_t now);
/* FV_TIME_NEVER unless connecting. */
int64_t fv_conn_deadline(const struct fv_conn *conn);
/* 0: still under way; -ETIMEDOUT or another negative errno: the last address failed. */
int fv_conn_tick(struct fv_conn *conn, int64_t now);
/* What TLS has to say about the failure, or "": valid until the next open or close. fv_conn_securing(): the address is connected and
 * the handshake goes on. */
const char *fv_conn_trouble(const struct fv_conn *conn);
bool fv_conn_securing(const struct fv_conn *conn);
/* The address that was tried last accepted the connection, whatever became of TLS; stays until the next one is tried. */
bool fv_conn_reached(const struct fv_conn *conn);
/* As fv_socket_read() and fv_socket_write(). */
int64_t fv_conn_read(struct fv_conn *conn, void *buffer, size_t size);
int64_t fv_conn_write(struct fv_conn *conn, const void *data, size_t size);
/* There are bytes that the loop will not report, because the socket is empty: read again soon. */
bool fv_conn_pending(const struct fv_conn *conn);
/* Our address on the connection; for sockets beside it. 0 or negative errno. */
int fv_conn_local(const struct fv_conn *conn, struct fv_addr *ret_addr);
/* The address that is tried or connected; it has size 0 when none. */
struct fv_addr fv_conn_remote(const struct fv_conn *conn);
/* Ask for ready(FV_IO_WRITE) while something is pending. 0 or negative errno. */
int fv_conn_want_write(struct fv_conn *conn, bool want);
/* The address that is tried or connected; "" text when none. Returns `text` (FV_ADDR_TEXT bytes). */
char *fv_conn_peer(const struct fv_conn *conn, char *text);
/* Closes at once; no callback afterwards. Harmless when closed. */
void fv_conn_close(struct fv_conn *conn);

#endif

// SPDX-License-Identifier: Apache-2.0
/*
 * A byte connection on the loop: tries a name's addresses one after the other, then reads and writes. What carries the bytes
 * stays in conn.c; the owner sees only these functions. The owner keeps the deadline: it calls fv_conn_tick() at fv_conn_deadline().
 */
#ifndef FV_LOOP_CONN_H
#define FV_LOOP_CONN_H

#include "loop/loop.h"
#include "loop/socket.h"

struct fv_conn {
    /* set by the owner before open; called on the loop's thread, never from inside fv_conn_open() or fv_conn_tick() */
    void (*opened)(struct fv_conn *conn, int code); /* 0, or why the last address failed */
    void (*ready)(struct fv_conn *conn, unsigned events); /* FV_IO_READ, FV_IO_WRITE; after opened(0) */
    const void *hot; /* as fv_io.hot; may be NULL */
    /* owner: conn.c */
    struct fv_loop *loop;
    struct fv_io io;
    bool open;
    int64_t deadline, last; /* of the current address, of all */
    unsigned next;          /* address that is tried after the current one */
    struct fv_addrs addrs;
};

void fv_conn_init(struct fv_conn *conn, struct fv_loop *loop);
/* Starts to connect. All addresses together get `timeout`, each an equal share of what is left, so that a dead one (IPv6 that leads
 * nowhere) does not take the time of the next. 0: under way; else negative errno: no address could even be tried. */
int fv_conn_open(struct fv_conn *conn, const struct fv_addrs *addrs, int64_t timeout, int64_t now);
/* FV_TIME_NEVER unless connecting. */
int64_t fv_conn_deadline(const struct fv_conn *conn);
/* 0: still under way; -ETIMEDOUT or another negative errno: the last address failed. */
int fv_conn_tick(struct fv_conn *conn, int64_t now);
/* As fv_socket_read() and fv_socket_write(). */
int64_t fv_conn_read(struct fv_conn *conn, void *buffer, size_t size);
int64_t fv_conn_write(struct fv_conn *conn, const void *data, size_t size);
/* Ask for ready(FV_IO_WRITE) while something is pending. 0 or negative errno. */
int fv_conn_want_write(struct fv_conn *conn, bool want);
/* The address that is tried or connected; "" text when none. Returns `text` (FV_ADDR_TEXT bytes). */
char *fv_conn_peer(const struct fv_conn *conn, char *text);
/* Closes at once; no callback afterwards. Harmless when closed. */
void fv_conn_close(struct fv_conn *conn);

#endif

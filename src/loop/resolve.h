// SPDX-License-Identifier: Apache-2.0
/*
 * Names to addresses without blocking the loop: getaddrinfo() runs in at most eight helper threads, which start when there is
 * something to look up and end when there is nothing left. A name is looked up once at a time, for all who ask: a name whose server is
 * silent holds up one thread, however often it is asked for and cancelled. All functions on the loop's thread.
 */
#ifndef FV_LOOP_RESOLVE_H
#define FV_LOOP_RESOLVE_H

#include "loop/loop.h"
#include "loop/socket.h"

#define FV_RESOLVE_THREADS 8

struct fv_resolver;
struct fv_resolve_job;

/* One question, embedded in its owner; zeroed at first. */
struct fv_resolve {
    struct fv_resolve_job *job; /* owner: resolve.c; NULL when nothing is asked */
    /* On the loop's thread, never from inside fv_resolve_start(). code 0: `addrs` (borrowed) has at least one; -ENOENT: no such name;
     * -EAGAIN: the name service did not answer; -ENOMEM. A new question may be started inside. */
    void (*done)(struct fv_resolve *resolve, int code, const struct fv_addrs *addrs);
};

/* Borrows the loop, which outlives the resolver. 0 or -ENOMEM. */
int fv_resolver_create(struct fv_loop *loop, struct fv_resolver **ret_resolver);
/* For tests: looks names up instead of getaddrinfo(), in the helper threads. The port is filled in afterwards. Returns a code as for done(). */
void fv_resolver_use(struct fv_resolver *resolver,
                     int (*look_up)(const char *host, struct fv_addrs *addrs));
/* Does not wait for running look-ups: their answers are dropped. No done() afterwards. NULL is fine. */
void fv_resolver_destroy(struct fv_resolver *resolver);
/* Numeric addresses should go through fv_addr_parse() first. Borrows host. The caller keeps its own deadline and cancels.
 * 0, -EINVAL (no or too long a name), -ENOMEM, -EAGAIN (no thread could be started). */
int fv_resolve_start(struct fv_resolver *resolver, struct fv_resolve *resolve, const char *host,
                     uint16_t port);
/* No done() afterwards. Harmless when nothing is asked. */
void fv_resolve_cancel(struct fv_resolver *resolver, struct fv_resolve *resolve);

#endif

// SPDX-License-Identifier: Apache-2.0
/*
 * Signals while the main thread is busy with something that may block (a start on a file system that hangs): asked to end, the
 * program gives it a little time to come back; after that, or when asked again, or at its limit, the process ends at once.
 */
#ifndef FV_TOOLS_GUARD_H
#define FV_TOOLS_GUARD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct fv_guard {
    /* Set by the caller. */
    const char *tool; /* for the message */
    int signals;      /* fv_tool_signals() */
    int limit_ms;     /* the process ends when it takes longer; 0: no limit */
    int code;         /* the exit code when the process ends */
    /* Not to be set. */
    int end; /* eventfd; -1: there is no guard, signals wait */
    pthread_t thread;
    atomic_bool asked;  /* SIGINT or SIGTERM came, or the limit was reached */
    atomic_bool reload; /* SIGHUP came */
};

/* What cannot be set up leaves the program without a guard. */
void fv_guard_begin(struct fv_guard *guard);
void fv_guard_end(struct fv_guard *guard);

#endif

// SPDX-License-Identifier: Apache-2.0
#include "guard.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "tool.h"

#define PATIENCE_MS 3000

/* The next signal's number; 0: the guard ended, or the time is over. */
static int next_signal(const struct fv_guard *guard, int timeout_ms)
{
    struct pollfd fds[] = {{.fd = guard->end, .events = POLLIN},
                           {.fd = guard->signals, .events = POLLIN}};
    struct signalfd_siginfo info;
    if (poll(fds, 2, timeout_ms) <= 0 || fds[0].revents)
        return 0;
    return read(guard->signals, &info, sizeof(info)) == (ssize_t)sizeof(info) ? (int)info.ssi_signo
                                                                              : 0;
}

static bool ended(const struct fv_guard *guard)
{
    struct pollfd fd = {.fd = guard->end, .events = POLLIN};
    return poll(&fd, 1, 0) == 1;
}

static void *watch(void *data)
{
    struct fv_guard *guard = data;
    int number;
    while ((number = next_signal(guard, guard->limit_ms ? guard->limit_ms : -1)) == SIGHUP)
        guard->reload = true;
    if (number == 0 && ended(guard))
        return NULL;
    guard->asked = true;
    while (number && next_signal(guard, PATIENCE_MS) == SIGHUP)
        ;
    if (ended(guard))
        return NULL;
    fprintf(stderr, "fovea %s: ended while something did not come back\n", guard->tool);
    _exit(guard->code);
}

void fv_guard_begin(struct fv_guard *guard)
{
    guard->asked = guard->reload = false;
    guard->end = eventfd(0, EFD_CLOEXEC);
    if (guard->end >= 0 && pthread_create(&guard->thread, NULL, watch, guard) != 0) {
        close(guard->end);
        guard->end = -1;
    }
}

void fv_guard_end(struct fv_guard *guard)
{
    if (guard->end < 0)
        return;
    if (eventfd_write(guard->end, 1) < 0)
        abort(); /* the thread would wait for ever: cannot happen */
    pthread_join(guard->thread, NULL);
    close(guard->end);
    guard->end = -1;
}

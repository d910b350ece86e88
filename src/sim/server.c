// SPDX-License-Identifier: Apache-2.0
#include "sim/server.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "sim/client.h"
#include "sim/listen.h"

#define EVENTS_MAX 256
#define SWEEP_EVERY (1 * FV_S)

/* Name the UDP sockets in events; of all servers, since only their address counts. */
static char udp_tags[2];

struct fv_sim_server {
    struct fv_sim_hub hub;
    int timer, stop, listener;
    struct fv_addr bound;
    bool stopping, accepting;
    int64_t last_slot; /* number of the slot served last, counted from the clock's zero */
    int64_t next_sweep;
};

static int open_descriptors(struct fv_sim_server *server, struct fv_error *err)
{
    struct fv_sim_hub *hub = &server->hub;
    hub->epoll = epoll_create1(EPOLL_CLOEXEC);
    server->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    server->stop = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    int rc = hub->epoll < 0 || server->timer < 0 || server->stop < 0 ? -errno : 0;
    if (rc == 0)
        rc = fv_sim_hub_watch(hub, server->listener, &server->listener);
    if (rc == 0)
        rc = fv_sim_hub_watch(hub, server->timer, &server->timer);
    if (rc == 0)
        rc = fv_sim_hub_watch(hub, server->stop, &server->stop);
    return rc < 0 ? fv_error_set(err, rc, "cannot make an event queue: %s", strerror(-rc)) : 0;
}

/* At the address where the server listens, so that packets come from where the client expects. */
static int open_udp(struct fv_sim_server *server, struct fv_error *err)
{
    struct fv_sim_hub *hub = &server->hub;
    int rc = fv_sim_udp_open(&server->bound, &hub->udp, err);
    if (rc < 0)
        return rc;
    for (int i = 0; i < 2 && rc == 0; i++) {
        hub->site->udp_ports[i] = fv_sim_udp_port(hub->udp, i);
        rc = fv_sim_hub_watch(hub, fv_sim_udp_fd(hub->udp, i), &udp_tags[i]);
    }
    return rc < 0 ? fv_error_set(err, rc, "cannot watch the UDP ports: %s", strerror(-rc)) : 0;
}

int fv_sim_server_create(const struct fv_sim_server_params *params,
                         struct fv_sim_server **ret_server, struct fv_error *err)
{
    struct fv_sim_server *server = FV_NEW(struct fv_sim_server);
    if (!server)
        return fv_error_set(err, -ENOMEM, "out of memory");
    fv_sim_hub_init(&server->hub, params->site);
    server->hub.tls = params->tls;
    server->timer = server->stop = server->listener = -1;
    server->accepting = true;
    int rc = fv_sim_listen(params->listen, &server->listener, &server->bound, err);
    if (rc == 0)
        rc = open_descriptors(server, err);
    if (rc == 0 && params->site->via & FV_SIM_VIA_UDP)
        rc = open_udp(server, err);
    if (rc < 0) {
        fv_sim_server_destroy(server);
        return rc;
    }
    *ret_server = server;
    return 0;
}

void fv_sim_server_destroy(struct fv_sim_server *server)
{
    if (!server)
        return;
    fv_sim_hub_finish(&server->hub);
    const int fds[] = {server->timer, server->stop, server->listener};
    for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    fv_free(server);
}

/* Out of descriptors, an always ready listener would keep the thread busy: it rests until the next
 * sweep. */
static void set_accepting(struct fv_sim_server *server, bool accepting)
{
    struct epoll_event event = {.events = accepting ? (unsigned)EPOLLIN : 0,
                                .data.ptr = &server->listener};
    server->accepting = accepting;
    (void)epoll_ctl(server->hub.epoll, EPOLL_CTL_MOD, server->listener, &event);
}

static void accept_clients(struct fv_sim_server *server, int64_t now)
{
    for (;;) {
        int fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            fv_sim_client_add(&server->hub, fd, now);
        } else if (errno != EINTR && errno != ECONNABORTED) {
            if (errno != EAGAIN)
                set_accepting(server, false);
            return;
        }
    }
}

static void serve_slot(struct fv_sim_server *server, struct fv_list *slot, int64_t now)
{
    FV_LIST_FOR (it, slot) {
        struct fv_sim_client *client = FV_CONTAINER(it, struct fv_sim_client, slot);
        if (client->blocked)
            fv_sim_session_stalled(&client->session, now);
        else
            fv_sim_client_serve(&server->hub, client, now);
    }
}

/* Serves the slots whose time has come since the last call; after a long sleep each one once. */
static void serve_slots(struct fv_sim_server *server)
{
    int64_t now = fv_now();
    const int64_t current = now / FV_SIM_SLOT;
    int64_t slot = fv_max64(server->last_slot, current - FV_SIM_SLOTS);
    while (slot < current) {
        serve_slot(server, &server->hub.slots[++slot % FV_SIM_SLOTS], now);
        now = fv_now();
    }
    server->last_slot = current;
}

static void sweep(struct fv_sim_server *server, int64_t now)
{
    if (now < server->next_sweep)
        return;
    server->next_sweep = now + SWEEP_EVERY;
    FV_LIST_FOR (it, &server->hub.clients) {
        struct fv_sim_client *client = FV_CONTAINER(it, struct fv_sim_client, link);
        if (fv_sim_session_expired(&client->session, now))
            fv_sim_client_close(&server->hub, client);
    }
    if (!server->accepting)
        set_accepting(server, true);
}

/* The moment of the next slot that has a client. */
static int64_t next_wake(const struct fv_sim_server *server)
{
    for (int64_t slot = server->last_slot + 1; server->hub.busy; slot++)
        if (!fv_list_empty(&server->hub.slots[slot % FV_SIM_SLOTS]))
            return slot * FV_SIM_SLOT;
    return fv_list_empty(&server->hub.clients) && server->accepting ? FV_TIME_NEVER
                                                                    : server->next_sweep;
}

static int arm_timer(struct fv_sim_server *server)
{
    struct itimerspec at = {0};
    int64_t wake = next_wake(server);
    if (wake != FV_TIME_NEVER) {
        at.it_value.tv_sec = wake / FV_S;
        at.it_value.tv_nsec = wake % FV_S + (wake == 0); /* all zero would switch it off */
    }
    return timerfd_settime(server->timer, TFD_TIMER_ABSTIME, &at, NULL) < 0 ? -errno : 0;
}

static void handle_event(struct fv_sim_server *server, const struct epoll_event *event, int64_t now)
{
    void *tag = event->data.ptr;
    if (tag == &server->timer)
        return; /* arming it again clears it */
    if (tag == &server->stop) {
        server->stopping = true;
        return;
    }
    if (tag == &server->listener) {
        accept_clients(server, now);
        return;
    }
    if (tag == &udp_tags[FV_SIM_RTP] || tag == &udp_tags[FV_SIM_RTCP]) {
        fv_sim_hub_receive(&server->hub, tag == &udp_tags[FV_SIM_RTP] ? FV_SIM_RTP : FV_SIM_RTCP,
                           now);
        return;
    }
    struct fv_sim_client *client = tag;
    if (fv_sim_client_is_open(client) && event->events & EPOLLOUT)
        fv_sim_client_serve(&server->hub, client, now);
    if (fv_sim_client_is_open(client) && event->events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        fv_sim_client_read(&server->hub, client, now);
}

int fv_sim_server_run(struct fv_sim_server *server)
{
    struct epoll_event events[EVENTS_MAX];
    server->last_slot = fv_now() / FV_SIM_SLOT;
    while (!server->stopping) {
        int rc = arm_timer(server);
        if (rc < 0)
            return rc;
        int count = epoll_wait(server->hub.epoll, events, EVENTS_MAX, -1);
        if (count < 0 && errno != EINTR)
            return -errno;
        int64_t now = fv_now();
        for (int i = 0; i < count; i++)
            handle_event(server, &events[i], now);
        serve_slots(server);
        sweep(server, now);
        fv_sim_hub_flush(&server->hub);
        fv_sim_hub_free_closed(&server->hub);
    }
    return 0;
}

void fv_sim_server_stop(struct fv_sim_server *server)
{
    const uint64_t one = 1;
    /* Can only fail when it was called 2^64 times. */
    ssize_t written = write(server->stop, &one, sizeof(one));
    (void)written;
}

uint16_t fv_sim_server_port(const struct fv_sim_server *server)
{
    return ntohs(server->bound.sa.sa_family == AF_INET6 ? server->bound.in6.sin6_port
                                                        : server->bound.in.sin_port);
}

uint64_t fv_sim_server_clients(const struct fv_sim_server *server)
{
    return atomic_load(&server->hub.client_count);
}

// SPDX-License-Identifier: Apache-2.0
#include "sim/server.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "sim/listen.h"

#define EVENTS_MAX 256
#define SWEEP_EVERY (1 * FV_S)
#define SEND_BUFFER                                                                                \
    (256 << 10) /* of the kernel, per client: with the backlog's limit, the most that waits */

struct client {
    struct fv_list link; /* in server.clients, or server.closed */
    struct fv_list slot; /* in one of server.slots while PLAYING, else self-linked */
    int fd;
    bool blocked; /* the socket took less than offered: EPOLLOUT is awaited */
    struct fv_sim_session session;
};

struct fv_sim_server {
    struct fv_sim_site *site;
    int epoll, timer, stop, listener;
    uint16_t port;
    bool stopping, accepting;
    struct fv_list clients;
    struct fv_list closed; /* freed after the pass: its events may still name them */
    struct fv_list slots[FV_SIM_SLOTS];
    unsigned next_slot; /* for the next client that plays */
    unsigned playing;
    int64_t last_slot; /* number of the slot served last, counted from the clock's zero */
    int64_t next_sweep;
    _Atomic uint64_t client_count;
    struct fv_sim_batch batch;
};

static int watch(struct fv_sim_server *server, int fd, void *tag)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = tag};
    return epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int open_descriptors(struct fv_sim_server *server, struct fv_error *err)
{
    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    server->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    server->stop = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    int rc = server->epoll < 0 || server->timer < 0 || server->stop < 0 ? -errno : 0;
    if (rc == 0)
        rc = watch(server, server->listener, &server->listener);
    if (rc == 0)
        rc = watch(server, server->timer, &server->timer);
    if (rc == 0)
        rc = watch(server, server->stop, &server->stop);
    return rc < 0 ? fv_error_set(err, rc, "cannot make an event queue: %s", strerror(-rc)) : 0;
}

int fv_sim_server_create(const char *listen, struct fv_sim_site *site,
                         struct fv_sim_server **ret_server, struct fv_error *err)
{
    struct fv_sim_server *server = FV_NEW(struct fv_sim_server);
    if (!server)
        return fv_error_set(err, -ENOMEM, "out of memory");
    server->site = site;
    server->epoll = server->timer = server->stop = server->listener = -1;
    server->accepting = true;
    fv_list_init(&server->clients);
    fv_list_init(&server->closed);
    for (size_t i = 0; i < FV_SIM_SLOTS; i++)
        fv_list_init(&server->slots[i]);
    int rc = fv_sim_listen(listen, &server->listener, &server->port, err);
    if (rc == 0)
        rc = open_descriptors(server, err);
    if (rc < 0) {
        fv_sim_server_destroy(server);
        return rc;
    }
    *ret_server = server;
    return 0;
}

static void client_close(struct fv_sim_server *server, struct client *client)
{
    if (client->fd < 0)
        return;
    close(client->fd);
    client->fd = -1;
    if (!fv_list_empty(&client->slot))
        server->playing--;
    fv_list_remove(&client->slot);
    fv_list_remove(&client->link);
    fv_list_append(&server->closed, &client->link);
    atomic_fetch_sub(&server->client_count, 1);
}

static void free_closed(struct fv_sim_server *server)
{
    FV_LIST_FOR (it, &server->closed) {
        struct client *client = FV_CONTAINER(it, struct client, link);
        fv_list_remove(&client->link);
        fv_sim_session_finish(&client->session);
        fv_free(client);
    }
}

void fv_sim_server_destroy(struct fv_sim_server *server)
{
    if (!server)
        return;
    FV_LIST_FOR (it, &server->clients)
        client_close(server, FV_CONTAINER(it, struct client, link));
    free_closed(server);
    const int fds[] = {server->epoll, server->timer, server->stop, server->listener};
    for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    fv_free(server);
}

static void set_blocked(struct fv_sim_server *server, struct client *client, bool blocked)
{
    if (client->blocked == blocked)
        return;
    struct epoll_event event = {.events = EPOLLIN | (blocked ? (unsigned)EPOLLOUT : 0),
                                .data.ptr = client};
    client->blocked = blocked;
    if (epoll_ctl(server->epoll, EPOLL_CTL_MOD, client->fd, &event) < 0)
        client_close(server, client);
}

/* Offers the gathered batch to the socket. Bytes taken, 0 when it is full, negative errno when it
 * is gone. */
static int64_t write_batch(struct fv_sim_server *server, const struct client *client)
{
    const struct msghdr message = {.msg_iov = server->batch.iov,
                                   .msg_iovlen = server->batch.iov_count};
    ssize_t size;
    do
        size = sendmsg(client->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (size < 0 && errno == EINTR);
    if (size >= 0)
        return size;
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS ? 0 : -errno;
}

/* Sends what is due until nothing is left or the socket is full. */
static void serve(struct fv_sim_server *server, struct client *client, int64_t now)
{
    const int64_t wall = fv_wall();
    int64_t size;
    do {
        fv_sim_session_gather(&client->session, now, wall, &server->batch);
        size = server->batch.size ? write_batch(server, client) : 0;
        if (size < 0 || (size > 0 && fv_sim_session_sent(&client->session, &server->batch,
                                                         (size_t)size, now) < 0)) {
            client_close(server, client);
            return;
        }
    } while (size > 0 && (size_t)size == server->batch.size);
    const bool blocked = server->batch.size > 0;
    if (client->session.state == FV_SIM_ENDED)
        client_close(server, client);
    else
        set_blocked(server, client, blocked);
}

/* A client is in a slot exactly while it plays. */
static void update_slot(struct fv_sim_server *server, struct client *client)
{
    const bool plays = client->session.state == FV_SIM_PLAYING;
    if (plays == !fv_list_empty(&client->slot))
        return;
    if (plays) {
        fv_list_append(&server->slots[server->next_slot++ % FV_SIM_SLOTS], &client->slot);
        server->playing++;
    } else {
        fv_list_remove(&client->slot);
        server->playing--;
    }
}

static void read_client(struct fv_sim_server *server, struct client *client, int64_t now)
{
    uint8_t *data;
    int64_t room = fv_sim_session_room(&client->session, &data);
    ssize_t size = room < 0 ? 0 : recv(client->fd, data, (size_t)room, 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (size <= 0 || fv_sim_session_feed(&client->session, (size_t)size, now) < 0) {
        client_close(server, client);
        return;
    }
    update_slot(server, client);
    if (!client->blocked)
        serve(server, client, now);
}

static void prepare_socket(int fd)
{
    const int on = 1, buffer = SEND_BUFFER;
    /* Without these it works too, only less smoothly. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
}

static int add_client(struct fv_sim_server *server, int fd, int64_t now)
{
    struct client *client = FV_NEW(struct client);
    if (!client)
        return -ENOMEM;
    client->fd = fd;
    fv_list_init(&client->slot);
    int rc = fv_sim_session_init(&client->session, server->site, now);
    if (rc == 0)
        rc = watch(server, fd, client);
    if (rc < 0) {
        fv_sim_session_finish(&client->session);
        fv_free(client);
        return rc;
    }
    prepare_socket(fd);
    fv_list_append(&server->clients, &client->link);
    atomic_fetch_add(&server->client_count, 1);
    return 0;
}

/* Out of descriptors, an always ready listener would keep the thread busy: it rests until the next
 * sweep. */
static void set_accepting(struct fv_sim_server *server, bool accepting)
{
    struct epoll_event event = {.events = accepting ? (unsigned)EPOLLIN : 0,
                                .data.ptr = &server->listener};
    server->accepting = accepting;
    (void)epoll_ctl(server->epoll, EPOLL_CTL_MOD, server->listener, &event);
}

static void accept_clients(struct fv_sim_server *server, int64_t now)
{
    for (;;) {
        int fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EINTR || errno == ECONNABORTED)
                continue;
            if (errno != EAGAIN)
                set_accepting(server, false);
            return;
        }
        if (add_client(server, fd, now) < 0)
            close(fd);
    }
}

static void serve_slot(struct fv_sim_server *server, struct fv_list *slot, int64_t now)
{
    FV_LIST_FOR (it, slot) {
        struct client *client = FV_CONTAINER(it, struct client, slot);
        if (client->blocked)
            fv_sim_session_stalled(&client->session, now);
        else
            serve(server, client, now);
    }
}

/* Serves the slots whose time has come since the last call; after a long sleep each one once. */
static void serve_slots(struct fv_sim_server *server)
{
    int64_t now = fv_now();
    const int64_t current = now / FV_SIM_SLOT;
    int64_t slot = fv_max64(server->last_slot, current - FV_SIM_SLOTS);
    while (slot < current) {
        serve_slot(server, &server->slots[++slot % FV_SIM_SLOTS], now);
        now = fv_now();
    }
    server->last_slot = current;
}

static void sweep(struct fv_sim_server *server, int64_t now)
{
    if (now < server->next_sweep)
        return;
    server->next_sweep = now + SWEEP_EVERY;
    FV_LIST_FOR (it, &server->clients) {
        struct client *client = FV_CONTAINER(it, struct client, link);
        if (fv_sim_session_expired(&client->session, now))
            client_close(server, client);
    }
    if (!server->accepting)
        set_accepting(server, true);
}

/* The moment of the next slot that has a client. */
static int64_t next_wake(const struct fv_sim_server *server)
{
    for (int64_t slot = server->last_slot + 1; server->playing; slot++)
        if (!fv_list_empty(&server->slots[slot % FV_SIM_SLOTS]))
            return slot * FV_SIM_SLOT;
    return fv_list_empty(&server->clients) && server->accepting ? FV_TIME_NEVER
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
    struct client *client = tag;
    if (client->fd >= 0 && event->events & EPOLLOUT)
        serve(server, client, now);
    if (client->fd >= 0 && event->events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        read_client(server, client, now);
}

int fv_sim_server_run(struct fv_sim_server *server)
{
    struct epoll_event events[EVENTS_MAX];
    server->last_slot = fv_now() / FV_SIM_SLOT;
    while (!server->stopping) {
        int rc = arm_timer(server);
        if (rc < 0)
            return rc;
        int count = epoll_wait(server->epoll, events, EVENTS_MAX, -1);
        if (count < 0 && errno != EINTR)
            return -errno;
        int64_t now = fv_now();
        for (int i = 0; i < count; i++)
            handle_event(server, &events[i], now);
        serve_slots(server);
        sweep(server, now);
        free_closed(server);
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
    return server->port;
}

uint64_t fv_sim_server_clients(const struct fv_sim_server *server)
{
    return atomic_load(&server->client_count);
}

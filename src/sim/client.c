// SPDX-License-Identifier: Apache-2.0
#include "sim/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

#define RECEIVE_MAX 64 /* datagrams of one wake-up and socket */

void fv_sim_hub_init(struct fv_sim_hub *hub, struct fv_sim_site *site)
{
    hub->site = site;
    hub->epoll = -1;
    fv_list_init(&hub->clients);
    fv_list_init(&hub->closed);
    for (size_t i = 0; i < FV_SIM_SLOTS; i++)
        fv_list_init(&hub->slots[i]);
}

int fv_sim_hub_watch(struct fv_sim_hub *hub, int fd, void *tag)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = tag};
    return epoll_ctl(hub->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

void fv_sim_hub_free_closed(struct fv_sim_hub *hub)
{
    FV_LIST_FOR (it, &hub->closed) {
        struct fv_sim_client *client = FV_CONTAINER(it, struct fv_sim_client, link);
        fv_list_remove(&client->link);
        fv_sim_session_finish(&client->session);
        fv_free(client);
    }
}

void fv_sim_hub_finish(struct fv_sim_hub *hub)
{
    FV_LIST_FOR (it, &hub->clients)
        fv_sim_client_close(hub, FV_CONTAINER(it, struct fv_sim_client, link));
    fv_sim_hub_free_closed(hub);
    fv_sim_udp_close(hub->udp);
    if (hub->epoll >= 0)
        close(hub->epoll);
}

void fv_sim_hub_flush(struct fv_sim_hub *hub)
{
    unsigned lost = hub->udp ? fv_sim_udp_flush(hub->udp) : 0;
    if (lost)
        atomic_fetch_add_explicit(&hub->site->counters.stalled, lost, memory_order_relaxed);
}

bool fv_sim_client_is_open(const struct fv_sim_client *client)
{
    return client->wire.fd >= 0;
}

static void leave(struct fv_sim_hub *hub, struct fv_sim_client *client)
{
    if (!fv_list_empty(&client->slot))
        hub->busy--;
    fv_list_remove(&client->slot);
    fv_list_remove(&client->link);
    fv_list_append(&hub->closed, &client->link);
    atomic_fetch_sub(&hub->client_count, 1);
}

void fv_sim_client_close(struct fv_sim_hub *hub, struct fv_sim_client *client)
{
    if (!fv_sim_client_is_open(client))
        return;
    if (fv_sim_session_end(&client->session) == FV_SIM_END_RESET)
        fv_sim_link_reset(&client->wire);
    else
        fv_sim_link_close(&client->wire);
    leave(hub, client);
}

static void set_blocked(struct fv_sim_hub *hub, struct fv_sim_client *client, bool blocked)
{
    if (client->blocked == blocked)
        return;
    struct epoll_event event = {.events = EPOLLIN | (blocked ? (unsigned)EPOLLOUT : 0),
                                .data.ptr = client};
    client->blocked = blocked;
    if (epoll_ctl(hub->epoll, EPOLL_CTL_MOD, client->wire.fd, &event) < 0)
        fv_sim_client_close(hub, client);
}

/* Writes the connection's part of the batch. Bytes taken, 0 when the socket is full, negative errno
 * when it is gone. */
static int64_t write_batch(struct fv_sim_hub *hub, struct fv_sim_client *client, int64_t now)
{
    struct fv_sim_batch *batch = &hub->batch;
    if (!batch->size)
        return 0;
    int64_t size = fv_sim_link_write(&client->wire, batch->iov, batch->iov_count);
    if (size <= 0)
        return size;
    int rc = fv_sim_session_sent(&client->session, batch, (size_t)size, now);
    return rc < 0 ? rc : size;
}

static void post_batch(struct fv_sim_hub *hub, struct fv_sim_client *client, int64_t now)
{
    struct fv_sim_batch *batch = &hub->batch;
    struct fv_sim_session *session = &client->session;
    if (batch->report_size)
        fv_sim_udp_report(hub->udp, batch->report, batch->report_size, &session->to[FV_SIM_RTCP]);
    if (!batch->datagrams)
        return;
    fv_sim_udp_post(hub->udp, batch->datagrams, batch->packets, &session->to[FV_SIM_RTP]);
    fv_sim_session_posted(session, batch, now);
}

void fv_sim_client_serve(struct fv_sim_hub *hub, struct fv_sim_client *client, int64_t now)
{
    const int64_t wall = fv_wall();
    struct fv_sim_session *session = &client->session;
    struct fv_sim_batch *batch = &hub->batch;
    int64_t size;
    bool more;
    if (fv_sim_link_flush(&client->wire) < 0) {
        fv_sim_client_close(hub, client);
        return;
    }
    do {
        fv_sim_session_gather(session, now, wall, batch);
        if (fv_sim_session_end(session)) {
            fv_sim_client_close(hub, client);
            return;
        }
        more = batch->datagrams;
        size = write_batch(hub, client, now);
        if (size < 0) {
            fv_sim_client_close(hub, client);
            return;
        }
        post_batch(hub, client, now);
    } while ((size > 0 || more) && (size_t)size == batch->size);
    if (session->state == FV_SIM_ENDED)
        fv_sim_client_close(hub, client);
    else
        set_blocked(hub, client, batch->size > 0 || fv_sim_link_waits(&client->wire));
}

/* A client is in a slot exactly while it sends on its own. */
static void update_slot(struct fv_sim_hub *hub, struct fv_sim_client *client)
{
    const bool busy = fv_sim_session_busy(&client->session);
    if (busy == !fv_list_empty(&client->slot))
        return;
    if (busy) {
        fv_list_append(&hub->slots[hub->next_slot++ % FV_SIM_SLOTS], &client->slot);
        hub->busy++;
    } else {
        fv_list_remove(&client->slot);
        hub->busy--;
    }
}

/* As fv_sim_link_read(). */
static int64_t read_once(struct fv_sim_client *client, int64_t now)
{
    uint8_t *data;
    if (fv_sim_session_deaf(&client->session))
        return fv_sim_link_discard(&client->wire);
    int64_t room = fv_sim_session_room(&client->session, &data);
    if (room < 0)
        return room;
    int64_t size = fv_sim_link_read(&client->wire, data, (size_t)room);
    if (size <= 0)
        return size;
    int rc = fv_sim_session_feed(&client->session, (size_t)size, now);
    return rc < 0 ? rc : size;
}

void fv_sim_client_read(struct fv_sim_hub *hub, struct fv_sim_client *client, int64_t now)
{
    int64_t size;
    do /* TLS may hold more than was asked for, and no event would tell */
        size = read_once(client, now);
    while (size > 0 && client->wire.tls && client->session.state != FV_SIM_ENDED);
    if (size <= 0 && size != -EAGAIN) {
        fv_sim_client_close(hub, client);
        return;
    }
    update_slot(hub, client);
    if (!client->blocked || fv_sim_session_end(&client->session))
        fv_sim_client_serve(hub, client, now);
}

/* Addresses of both ends, for UDP. */
static void learn_ends(int fd, struct fv_sim_ends *ret_ends)
{
    struct fv_sim_ends ends = {.peer.size = sizeof(ends.peer.in6)};
    struct fv_addr local = {.size = sizeof(local.in6)};
    if (getpeername(fd, &ends.peer.sa, &ends.peer.size) < 0 ||
        getsockname(fd, &local.sa, &local.size) < 0)
        return;
    const bool six = local.sa.sa_family == AF_INET6;
    const void *address = six ? (const void *)&local.in6.sin6_addr : &local.in.sin_addr;
    if (six && IN6_IS_ADDR_V4MAPPED(&local.in6.sin6_addr))
        inet_ntop(AF_INET, local.in6.sin6_addr.s6_addr + 12, ends.local, sizeof(ends.local));
    else
        inet_ntop(local.sa.sa_family, address, ends.local, sizeof(ends.local));
    *ret_ends = ends;
}

static int set_up(struct fv_sim_hub *hub, struct fv_sim_client *client, int fd, int64_t now)
{
    int rc = fv_sim_link_open(&client->wire, fd, hub->tls);
    if (rc == 0)
        rc = fv_sim_session_init(&client->session, hub->site, now);
    if (rc == 0)
        rc = fv_sim_hub_watch(hub, fd, client);
    if (rc == 0 && hub->udp)
        learn_ends(fd, &client->session.ends);
    return rc;
}

void fv_sim_client_add(struct fv_sim_hub *hub, int fd, int64_t now)
{
    struct fv_sim_client *client = FV_NEW(struct fv_sim_client);
    if (!client) {
        close(fd);
        return;
    }
    fv_list_init(&client->slot);
    if (set_up(hub, client, fd, now) < 0) {
        fv_sim_link_close(&client->wire);
        fv_sim_session_finish(&client->session);
        fv_free(client);
        return;
    }
    fv_list_append(&hub->clients, &client->link);
    atomic_fetch_add(&hub->client_count, 1);
    update_slot(hub, client);
    if (fv_sim_session_end(&client->session))
        fv_sim_client_close(hub, client);
}

static bool same_address(const struct fv_addr *a, const struct fv_addr *b)
{
    if (a->sa.sa_family != b->sa.sa_family)
        return false;
    if (a->sa.sa_family == AF_INET6)
        return a->in6.sin6_port == b->in6.sin6_port &&
               !memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof(a->in6.sin6_addr));
    return a->in.sin_port == b->in.sin_port && a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
}

/* Each client sends a report every few seconds: looking through all of them is cheap enough. */
static void heard_from(struct fv_sim_hub *hub, const struct fv_addr *from, int64_t now)
{
    FV_LIST_FOR (it, &hub->clients) {
        struct fv_sim_client *client = FV_CONTAINER(it, struct fv_sim_client, link);
        struct fv_sim_session *session = &client->session;
        if (session->state != FV_SIM_INIT && session->route.transport &&
            session->route.transport->datagrams && same_address(&session->to[FV_SIM_RTCP], from))
            fv_sim_session_heard(session, now);
    }
}

void fv_sim_hub_receive(struct fv_sim_hub *hub, int which, int64_t now)
{
    struct fv_addr from;
    for (int i = 0; i < RECEIVE_MAX && fv_sim_udp_receive(hub->udp, which, &from); i++)
        if (which == FV_SIM_RTCP)
            heard_from(hub, &from, now);
}

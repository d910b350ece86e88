// SPDX-License-Identifier: Apache-2.0
/* One client of the server and what all clients share. Only for server.c. */
#ifndef FV_SIM_CLIENT_H
#define FV_SIM_CLIENT_H

#include "base/list.h"
#include "sim/link.h"
#include "sim/server.h"
#include "sim/udp.h"

struct fv_sim_hub {
    struct fv_sim_site *site;
    int epoll;
    struct fv_sim_udp *udp; /* NULL: TCP only */
    struct fv_sim_tls *tls; /* NULL: plain; borrowed */
    struct fv_list clients;
    struct fv_list closed; /* freed after the pass: its events may still name them */
    struct fv_list slots[FV_SIM_SLOTS];
    unsigned next_slot; /* for the next client that gets busy */
    unsigned busy;      /* clients in slots */
    _Atomic uint64_t client_count;
    struct fv_sim_batch batch;
};

struct fv_sim_client {
    struct fv_list link; /* in hub.clients, or hub.closed */
    struct fv_list slot; /* in one of hub.slots while it is busy, else self-linked */
    struct fv_sim_link wire;
    bool blocked; /* the socket took less than offered: EPOLLOUT is awaited */
    struct fv_sim_session session;
};

void fv_sim_hub_init(struct fv_sim_hub *hub, struct fv_sim_site *site);
void fv_sim_hub_finish(struct fv_sim_hub *hub); /* closes and frees all clients */
void fv_sim_hub_free_closed(struct fv_sim_hub *hub);
int fv_sim_hub_watch(struct fv_sim_hub *hub, int fd, void *tag);
/* Sends what was posted. Before fv_sim_hub_free_closed(). */
void fv_sim_hub_flush(struct fv_sim_hub *hub);
/* RTCP and hole punching that clients sent over UDP. */
void fv_sim_hub_receive(struct fv_sim_hub *hub, int which, int64_t now);

/* Takes fd. */
void fv_sim_client_add(struct fv_sim_hub *hub, int fd, int64_t now);
void fv_sim_client_close(struct fv_sim_hub *hub, struct fv_sim_client *client);
bool fv_sim_client_is_open(const struct fv_sim_client *client);
/* Reads requests and answers them. */
void fv_sim_client_read(struct fv_sim_hub *hub, struct fv_sim_client *client, int64_t now);
/* Sends what is due until nothing is left or the socket is full. */
void fv_sim_client_serve(struct fv_sim_hub *hub, struct fv_sim_client *client, int64_t now);

#endif

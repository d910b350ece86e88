// SPDX-License-Identifier: Apache-2.0
/*
 * The simulator's sockets: one listening socket, one pair of UDP sockets, one epoll, one timer, one
 * thread.
 *
 * Sending is quantised. Time is cut into slots of 1 ms; a playing client (and one with a fault)
 * belongs to one of
 * FV_SIM_SLOTS slots and is served in every FV_SIM_SLOTS-th: all its packets that are due then
 * leave in one write, at most FV_SIM_SLOTS ms late; over UDP, those of all clients of a wake-up in one
 * system call. Clients of different slots do not send in
 * step, as independent cameras would not.
 */
#ifndef FV_SIM_SERVER_H
#define FV_SIM_SERVER_H

#include "base/error.h"
#include "sim/session.h"

#define FV_SIM_SLOTS 4
#define FV_SIM_SLOT (1 * FV_MS)

struct fv_sim_server;
struct fv_sim_tls;

/* All borrowed. */
struct fv_sim_server_params {
    const char *listen; /* "ADDR:PORT", "[v6]:PORT" or "NAME:PORT" */
    struct fv_sim_site *site;
    struct fv_sim_tls *tls; /* NULL: plain rtsp:// */
};

/* Binds the address, and a pair of UDP ports when the site serves UDP. 0; -EINVAL (not an address),
 * -EADDRINUSE, -EACCES and what else the system says; -ENOMEM. */
int fv_sim_server_create(const struct fv_sim_server_params *params,
                         struct fv_sim_server **ret_server, struct fv_error *err);
void fv_sim_server_destroy(struct fv_sim_server *server); /* NULL is fine; closes all clients */
uint16_t fv_sim_server_port(const struct fv_sim_server *server);
int fv_sim_server_run(struct fv_sim_server *server);   /* until stop(): 0 or negative errno */
void fv_sim_server_stop(struct fv_sim_server *server); /* any thread, async-signal-safe */
uint64_t fv_sim_server_clients(const struct fv_sim_server *server); /* any thread */

#endif

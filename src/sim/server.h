// SPDX-License-Identifier: Apache-2.0
/*
 * The simulator's sockets: one listening socket, one epoll, one timer, one thread.
 *
 * Sending is quantised. Time is cut into slots of 1 ms; a playing client belongs to one of
 * FV_SIM_SLOTS slots and is served in every FV_SIM_SLOTS-th: all its packets that are due then
 * leave in one write, at most FV_SIM_SLOTS ms late. Clients of different slots do not send in
 * step, as independent cameras would not.
 */
#ifndef FV_SIM_SERVER_H
#define FV_SIM_SERVER_H

#include "base/error.h"
#include "sim/session.h"

#define FV_SIM_SLOTS 4
#define FV_SIM_SLOT (1 * FV_MS)

struct fv_sim_server;

/* Binds "ADDR:PORT", "[v6]:PORT" or "NAME:PORT". Borrows site. 0; -EINVAL (not an address),
 * -EADDRINUSE, -EACCES and what else the system says; -ENOMEM. */
int fv_sim_server_create(const char *listen, struct fv_sim_site *site,
                         struct fv_sim_server **ret_server, struct fv_error *err);
void fv_sim_server_destroy(struct fv_sim_server *server); /* NULL is fine; closes all clients */
uint16_t fv_sim_server_port(const struct fv_sim_server *server);
int fv_sim_server_run(struct fv_sim_server *server);   /* until stop(): 0 or negative errno */
void fv_sim_server_stop(struct fv_sim_server *server); /* any thread, async-signal-safe */
uint64_t fv_sim_server_clients(const struct fv_sim_server *server); /* any thread */

#endif

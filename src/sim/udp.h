// SPDX-License-Identifier: Apache-2.0
/* One pair of UDP sockets for all clients of a server, RTP and RTCP. Packets are collected and
 * leave with one system call for many. One thread. */
#ifndef FV_SIM_UDP_H
#define FV_SIM_UDP_H

#include <sys/uio.h>

#include "base/error.h"
#include "loop/socket.h"

enum { FV_SIM_RTP, FV_SIM_RTCP };

struct fv_sim_udp;

/* Two neighbouring free ports, the first one even, at `local`'s address. 0, -EADDRINUSE (none found)
 * and what else the system says, -ENOMEM. */
int fv_sim_udp_open(const struct fv_addr *local, struct fv_sim_udp **ret_udp, struct fv_error *err);
void fv_sim_udp_close(struct fv_sim_udp *udp); /* NULL is fine */
int fv_sim_udp_fd(const struct fv_sim_udp *udp, int which);
uint16_t fv_sim_udp_port(const struct fv_sim_udp *udp, int which);

/* `count` RTP packets: pairs of parts, the first of at most FV_SIM_HEADER_MAX bytes and copied, the
 * second borrowed until flush(), as `to` is. */
void fv_sim_udp_post(struct fv_sim_udp *udp, const struct iovec *parts, unsigned count,
                     struct fv_addr *to);
/* An RTCP packet, at once. */
void fv_sim_udp_report(struct fv_sim_udp *udp, const void *data, size_t size,
                       const struct fv_addr *to);
/* Returns how many packets the socket did not take since the last call. */
unsigned fv_sim_udp_flush(struct fv_sim_udp *udp);
/* Takes one datagram off the socket; its content does not matter. False: there is none. */
bool fv_sim_udp_receive(struct fv_sim_udp *udp, int which, struct fv_addr *ret_from);

#endif

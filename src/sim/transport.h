// SPDX-License-Identifier: Apache-2.0
/* Ways to carry the packets (RFC 2326 12.39), one table entry each. */
#ifndef FV_SIM_TRANSPORT_H
#define FV_SIM_TRANSPORT_H

#include "base/str.h"

#define FV_SIM_FRAMING_MAX 4 /* bytes that a transport puts before an RTP or RTCP packet */

struct fv_sim_transport;

/* What SETUP agreed on. */
struct fv_sim_route {
    const struct fv_sim_transport *transport;
    uint8_t rtp_channel, rtcp_channel; /* interleaved */
};

struct fv_sim_transport {
    const char *profile; /* the first parameter of a Transport header */
    /* The other parameters of the client's offer. 0, or -EINVAL: not acceptable. */
    int (*accept)(struct fv_slice parameters, struct fv_sim_route *route);
    /* The server's answer, after the profile. */
    void (*answer)(const struct fv_sim_route *route, struct fv_str *out);
    /* Writes what goes before a packet of `size` bytes; returns the number of bytes, at most
     * FV_SIM_FRAMING_MAX. */
    size_t (*frame)(const struct fv_sim_route *route, bool rtcp, size_t size, uint8_t *out);
};

/* The first acceptable offer of a Transport header. 0, or -ENOTSUP: none. */
int fv_sim_transport_choose(struct fv_slice header, struct fv_sim_route *ret_route);

#endif

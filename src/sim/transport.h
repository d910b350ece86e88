// SPDX-License-Identifier: Apache-2.0
/* Ways to carry the packets (RFC 2326 12.39), one table entry each. */
#ifndef FV_SIM_TRANSPORT_H
#define FV_SIM_TRANSPORT_H

#include "base/str.h"

#define FV_SIM_FRAMING_MAX 4 /* bytes that a transport puts before an RTP or RTCP packet */

#define FV_SIM_VIA_TCP 1u /* interleaved with the answers */
#define FV_SIM_VIA_UDP 2u

struct fv_sim_transport;

/* What SETUP agreed on. */
struct fv_sim_route {
    const struct fv_sim_transport *transport;
    uint8_t rtp_channel, rtcp_channel; /* TCP */
    uint16_t client_ports[2];          /* UDP: RTP, RTCP */
    /* For the answer: */
    uint16_t server_ports[2]; /* UDP: RTP, RTCP */
    const char *source;       /* UDP: the address that packets come from; borrowed */
    uint32_t ssrc;
};

struct fv_sim_transport {
    const char *profile; /* the first parameter of a Transport header */
    unsigned via;        /* FV_SIM_VIA_* */
    bool datagrams;      /* each packet is a datagram of its own, beside the connection */
    /* The other parameters of the client's offer. 0, or -EINVAL: not acceptable. */
    int (*accept)(struct fv_slice parameters, struct fv_sim_route *route);
    /* The server's answer, after the profile. */
    void (*answer)(const struct fv_sim_route *route, struct fv_str *out);
    /* Writes what goes before a packet of `size` bytes; returns the number of bytes, at most
     * FV_SIM_FRAMING_MAX. */
    size_t (*frame)(const struct fv_sim_route *route, bool rtcp, size_t size, uint8_t *out);
};

/* The first acceptable offer of a Transport header; `via`: those that may be taken. 0, or -ENOTSUP:
 * none. */
int fv_sim_transport_choose(struct fv_slice header, unsigned via, struct fv_sim_route *ret_route);

#endif

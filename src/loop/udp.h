// SPDX-License-Identifier: Apache-2.0
/*
 * UDP for RTP: a pair of ports of our own (RTP on an even one, RTCP on the next), and datagrams in batches. Non-blocking; the loop's
 * thread. A packet counts only when it comes from where the camera is: fv_udp_expects().
 */
#ifndef FV_LOOP_UDP_H
#define FV_LOOP_UDP_H

#include "loop/loop.h"
#include "loop/socket.h"

#define FV_UDP_BATCH 32
#define FV_UDP_DATAGRAM 9280 /* bytes: a jumbo frame; a longer one is cut and marked */

struct fv_udp {
    /* set by the owner before open; called with the member below */
    void (*on_rtp)(struct fv_io *rtp, unsigned events);
    void (*on_rtcp)(struct fv_io *rtcp, unsigned events);
    /* owner: udp.c */
    struct fv_io rtp;            /* fd -1: closed */
    uint16_t port;               /* ours, of RTP */
    uint16_t rtcp_port;          /* the peer's, 0: not known */
    bool connected;              /* RTP: the kernel lets in what comes from one address and port only ... */
    bool sole;                   /* ... and what came before that is gone */
    struct fv_addr peer, source; /* where packets may come from; size 0: not known. The port is that of RTP, 0: any */
    struct fv_io rtcp;
    int receive_buffer; /* bytes that the kernel granted for RTP */
};

void fv_udp_init(struct fv_udp *udp);
/* The pair is bound to the address in `local` (its port does not count).
 * receive_buffer: bytes wished for. 0 or negative errno (-EADDRINUSE: no pair was free); then everything is closed. */
int fv_udp_open(struct fv_udp *udp, struct fv_loop *loop, const struct fv_addr *local,
                int receive_buffer);
void fv_udp_close(struct fv_udp *udp, struct fv_loop *loop); /* harmless when closed */
/* The camera's address (with the connection's port: ignored), the other address that it named ("": none), and its ports (0: unknown). */
void fv_udp_expect(struct fv_udp *udp, const struct fv_addr *peer, const char *source,
                   uint16_t rtp_port, uint16_t rtcp_port);
bool fv_udp_expects(const struct fv_udp *udp, bool rtcp, const struct fv_addr *from);
/* RTP: an expected packet came from there, and all that had come was taken. When the camera named its port, the kernel sorts out everything
 * else from now on; when `sole` is set, packets no longer need to be asked where they come from. */
void fv_udp_narrow(struct fv_udp *udp, const struct fv_addr *from);
/* To the peer's port. Bytes sent, -EDESTADDRREQ while that is not known, or another negative errno. */
int64_t fv_udp_send(const struct fv_udp *udp, bool rtcp, const void *data, size_t size);

/* Room for a batch; one serves many sockets. */
struct fv_datagrams;
struct fv_datagram {
    const uint8_t *data;
    size_t size;
    bool cut; /* it was longer */
    const struct fv_addr *from; /* NULL when it was not asked for */
};
int fv_datagrams_create(struct fv_datagrams **ret_datagrams); /* 0 or -ENOMEM */
void fv_datagrams_destroy(struct fv_datagrams *datagrams);    /* NULL is fine */
/* What has come, at most FV_UDP_BATCH: their number (> 0), -EAGAIN, or another negative errno. `from`: also where each comes from. */
int fv_datagrams_receive(struct fv_datagrams *datagrams, int fd, bool from);
/* The i-th of the last batch; valid until the next. */
struct fv_datagram fv_datagrams_get(struct fv_datagrams *datagrams, int i);

#endif

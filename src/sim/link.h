// SPDX-License-Identifier: Apache-2.0
/* A client's byte connection: a non-blocking socket, with or without TLS. */
#ifndef FV_SIM_LINK_H
#define FV_SIM_LINK_H

#include "sim/tls.h"

struct fv_sim_link {
    int fd;                      /* -1: closed */
    struct fv_sim_tls_link *tls; /* NULL: plain */
};

/* Takes fd, also on failure. `tls`: NULL for plain. 0 or -ENOMEM. */
int fv_sim_link_open(struct fv_sim_link *link, int fd, struct fv_sim_tls *tls);
/* Bytes read (> 0); 0: the peer closed; -EAGAIN; other negative errno. */
int64_t fv_sim_link_read(struct fv_sim_link *link, void *data, size_t size);
/* Bytes taken; 0: the socket is full; negative errno: it is gone. */
int64_t fv_sim_link_write(struct fv_sim_link *link, const struct iovec *parts, unsigned count);
/* Tries to send what write() took, but the socket did not. 0 or negative errno. */
int fv_sim_link_flush(struct fv_sim_link *link);
bool fv_sim_link_waits(const struct fv_sim_link *link); /* flush() has something left */
/* Reads and throws away without understanding. As read(). */
int64_t fv_sim_link_discard(struct fv_sim_link *link);
void fv_sim_link_close(struct fv_sim_link *link); /* in order */
void fv_sim_link_reset(struct fv_sim_link *link); /* with RST */

#endif

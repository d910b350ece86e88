// SPDX-License-Identifier: Apache-2.0
/* TLS for the simulator (rtsps://), without sockets: ciphertext goes in and comes out as bytes.
 * TLS 1.2 and later. One thread. */
#ifndef FV_SIM_TLS_H
#define FV_SIM_TLS_H

#include <stdbool.h>
#include <sys/uio.h>

#include "base/error.h"
#include "sim/bytes.h"

struct fv_sim_tls;

struct fv_sim_tls_params {
    const char *cert, *key; /* PEM files: a chain, its first certificate's key */
    bool self_signed;       /* instead: a certificate of its own for localhost, 127.0.0.1 and ::1 */
    const char *cert_out;   /* PEM file that is written with the certificate; NULL: none */
};

/* 0; -EINVAL (neither or both kinds of certificate), -ENOENT, -EACCES, -EBADMSG (no certificate, no
 * key, or they do not belong together), -EIO, -ENOMEM. */
int fv_sim_tls_create(const struct fv_sim_tls_params *params, struct fv_sim_tls **ret_tls,
                      struct fv_error *err);
void fv_sim_tls_destroy(struct fv_sim_tls *tls); /* NULL is fine */

/* One connection, from the handshake on. */
struct fv_sim_tls_link;

/* Borrows tls. 0 or -ENOMEM. */
int fv_sim_tls_link_create(struct fv_sim_tls *tls, struct fv_sim_tls_link **ret_link);
void fv_sim_tls_link_destroy(struct fv_sim_tls_link *link); /* NULL is fine */
/* Ciphertext from the peer. 0 or -ENOMEM. */
int fv_sim_tls_feed(struct fv_sim_tls_link *link, const void *data, size_t size);
/* Plain text (> 0), 0: the peer said goodbye, -EAGAIN: feed more, -EPROTO: the peer does not speak
 * TLS or does not like us. */
int64_t fv_sim_tls_read(struct fv_sim_tls_link *link, void *data, size_t size);
/* Takes plain text to send: bytes taken, 0 while the handshake goes on or ciphertext waits. */
int64_t fv_sim_tls_write(struct fv_sim_tls_link *link, const struct iovec *parts, unsigned count);
/* Says goodbye. */
void fv_sim_tls_end(struct fv_sim_tls_link *link);
/* Ciphertext for the peer: send it and drop what went out (fv_sim_bytes_drop). */
struct fv_sim_bytes *fv_sim_tls_output(struct fv_sim_tls_link *link);

#endif

// SPDX-License-Identifier: Apache-2.0
/*
 * TLS on a connected, non-blocking socket (OpenSSL, TLS 1.2 and later). Used by conn.c alone, but for the contexts.
 *
 * A context holds the trusted certificates and is shared by all connections that trust the same. Contexts may be used by any thread;
 * a connection by one.
 */
#ifndef FV_LOOP_TLS_H
#define FV_LOOP_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct fv_tls_context;
struct fv_tls;

/* ca_file: PEM certificates to trust, "": those of the system. verify false: any certificate will do.
 * 0, -ENOENT or -EBADMSG (ca_file cannot be read, or has no certificate), -ENOMEM. */
int fv_tls_context_create(bool verify, const char *ca_file, struct fv_tls_context **ret_context,
                          struct fv_error *err);
void fv_tls_context_destroy(struct fv_tls_context *context); /* after its connections; NULL is fine */

/* Borrows the descriptor. `host`: the name or address that the certificate must be for. 0, -EINVAL (no name that could be checked) or
 * -ENOMEM. */
int fv_tls_create(const struct fv_tls_context *context, int fd, const char *host,
                  struct fv_tls **ret_tls);
void fv_tls_destroy(struct fv_tls *tls); /* says goodbye if that is possible at once; NULL is fine */

/* 0: done. -EAGAIN: call again when the socket is readable, or writable if fv_tls_wants_write(). -EACCES: the certificate is not
 * accepted; else another negative errno. fv_tls_trouble() says it in words. */
int fv_tls_handshake(struct fv_tls *tls);
bool fv_tls_wants_write(const struct fv_tls *tls);
const char *fv_tls_trouble(const struct fv_tls *tls); /* "" when none */
/* As fv_socket_read() and fv_socket_write(). A read goes on until `size` bytes are there or the socket is empty. */
int64_t fv_tls_read(struct fv_tls *tls, void *buffer, size_t size);
int64_t fv_tls_write(struct fv_tls *tls, const void *data, size_t size);
/* Bytes that a read would find without the socket. */
bool fv_tls_pending(const struct fv_tls *tls);

#endif

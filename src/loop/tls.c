// SPDX-License-Identifier: Apache-2.0
#include "loop/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "loop/socket.h"

#define READ_AHEAD                                                                                 \
    (32 << 10) /* two records: fewer reads than one for each record's head and body */

struct fv_tls_context {
    SSL_CTX *ctx;
    BIO_METHOD *method;
};

struct fv_tls {
    SSL *ssl;
    int fd;
    bool wants_write, up;
    int code; /* of the socket's last failure */
    char trouble[200];
};

/* --- OpenSSL's way to the socket: without SIGPIPE, and with the system's own error --- */

static int bio_result(BIO *bio, int64_t n, int retry)
{
    struct fv_tls *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (n == -EAGAIN)
        BIO_set_flags(bio, retry | BIO_FLAGS_SHOULD_RETRY);
    else if (n < 0)
        tls->code = (int)n;
    return n < 0 ? -1 : (int)n;
}

static int bio_read(BIO *bio, char *buffer, int size)
{
    struct fv_tls *tls = BIO_get_data(bio);
    if (size <= 0)
        return 0;
    return bio_result(bio, fv_socket_read(tls->fd, buffer, (size_t)size), BIO_FLAGS_READ);
}

static int bio_write(BIO *bio, const char *data, int size)
{
    struct fv_tls *tls = BIO_get_data(bio);
    if (size <= 0)
        return 0;
    return bio_result(bio, fv_socket_write(tls->fd, data, (size_t)size), BIO_FLAGS_WRITE);
}

static long bio_ctrl(BIO *bio, int command, long number, void *data)
{
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *make_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "fovea");
    if (!method)
        return NULL;
    BIO_meth_set_read(method, bio_read);
    BIO_meth_set_write(method, bio_write);
    BIO_meth_set_ctrl(method, bio_ctrl);
    return method;
}

/* --- Contexts --- */

static int trust(struct fv_tls_context *context, const char *ca_file, struct fv_error *err)
{
    if (!ca_file[0]) {
        SSL_CTX_set_default_verify_paths(context->ctx); /* none there: then nobody is trusted */
        return 0;
    }
    FILE *file = fopen(ca_file, "re");
    if (!file)
        return fv_error_set(err, -errno, "the certificates in %s cannot be read: %s", ca_file,
                            strerror(errno));
    fclose(file);
    if (SSL_CTX_load_verify_file(context->ctx, ca_file) == 1)
        return 0;
    return fv_error_set(err, -EBADMSG, "%s holds no certificates in PEM form", ca_file);
}

int fv_tls_context_create(bool verify, const char *ca_file, struct fv_tls_context **ret_context,
                          struct fv_error *err)
{
    struct fv_tls_context *context = FV_NEW(struct fv_tls_context);
    if (!context)
        return fv_error_set(err, -ENOMEM, "out of memory");
    context->method = make_method();
    context->ctx = SSL_CTX_new(TLS_client_method());
    if (!context->ctx || !context->method) {
        fv_tls_context_destroy(context);
        return fv_error_set(err, -ENOMEM, "out of memory");
    }
    SSL_CTX_set_min_proto_version(context->ctx, TLS1_2_VERSION);
    SSL_CTX_set_mode(context->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                       SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                       SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context->ctx, 1);
    SSL_CTX_set_default_read_buffer_len(context->ctx, READ_AHEAD);
    /* Cameras end without a goodbye; RTSP knows by itself where a message ends. */
    SSL_CTX_set_options(context->ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_verify(context->ctx, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    int ret = verify ? trust(context, ca_file, err) : 0;
    ERR_clear_error();
    if (ret < 0) {
        fv_tls_context_destroy(context);
        return ret;
    }
    *ret_context = context;
    return 0;
}

void fv_tls_context_destroy(struct fv_tls_context *context)
{
    if (!context)
        return;
    SSL_CTX_free(context->ctx);
    BIO_meth_free(context->method);
    fv_free(context);
}

/* --- Connections --- */

/* RFC 6125 for a name; an address must be in the certificate as such. */
static bool expect_host(SSL *ssl, const char *host)
{
    struct in6_addr address;
    char plain[INET6_ADDRSTRLEN] = ""; /* without the zone of this machine */
    snprintf(plain, sizeof(plain), "%.*s", (int)strcspn(host, "%"), host);
    if (inet_pton(AF_INET, plain, &address) == 1 || inet_pton(AF_INET6, plain, &address) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), plain) == 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

static int attach(struct fv_tls *tls, const struct fv_tls_context *context, int fd)
{
    tls->ssl = SSL_new(context->ctx);
    BIO *bio = tls->ssl ? BIO_new(context->method) : NULL;
    if (!bio)
        return -ENOMEM;
    BIO_set_data(bio, tls);
    tls->fd = fd;
    BIO_set_init(bio, 1);
    SSL_set_bio(tls->ssl, bio, bio);
    SSL_set_connect_state(tls->ssl);
    return 0;
}

int fv_tls_create(const struct fv_tls_context *context, int fd, const char *host,
                  struct fv_tls **ret_tls)
{
    struct fv_tls *tls = FV_NEW(struct fv_tls);
    if (!tls)
        return -ENOMEM;
    int ret = attach(tls, context, fd);
    if (ret == 0 && !expect_host(tls->ssl, host))
        ret = -EINVAL;
    ERR_clear_error();
    if (ret < 0) {
        fv_tls_destroy(tls);
        return ret;
    }
    *ret_tls = tls;
    return 0;
}

void fv_tls_destroy(struct fv_tls *tls)
{
    if (!tls)
        return;
    if (tls->up && !tls->trouble[0])
        SSL_shutdown(tls->ssl);
    ERR_clear_error();
    SSL_free(tls->ssl);
    fv_free(tls);
}

/* OpenSSL's word for it, or the system's. */
static int fail(struct fv_tls *tls)
{
    long verified = SSL_get_verify_result(tls->ssl);
    unsigned long error = ERR_peek_last_error();
    const char *text = error ? ERR_reason_error_string(error) : NULL;
    int code = tls->code ? tls->code : -EPROTO;
    if (verified != X509_V_OK && SSL_get_verify_mode(tls->ssl) != SSL_VERIFY_NONE) {
        code = -EACCES;
        snprintf(tls->trouble, sizeof(tls->trouble), "the certificate is not accepted: %s",
                 X509_verify_cert_error_string(verified));
    } else if (tls->code) {
        snprintf(tls->trouble, sizeof(tls->trouble), "%s", fv_strerror(tls->code));
    } else {
        snprintf(tls->trouble, sizeof(tls->trouble), "%s", text ? text : "the peer ended it");
        code = text ? -EPROTO : -ECONNRESET;
    }
    ERR_clear_error();
    return code;
}

/* What a call of OpenSSL that did not succeed means. */
static int judge(struct fv_tls *tls, int result)
{
    int error = SSL_get_error(tls->ssl, result);
    tls->wants_write = error == SSL_ERROR_WANT_WRITE;
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return -EAGAIN;
    if (error == SSL_ERROR_ZERO_RETURN)
        return -ECONNRESET;
    return fail(tls);
}

int fv_tls_handshake(struct fv_tls *tls)
{
    ERR_clear_error();
    int result = SSL_do_handshake(tls->ssl);
    tls->up = result == 1;
    return result == 1 ? 0 : judge(tls, result);
}

bool fv_tls_wants_write(const struct fv_tls *tls)
{
    return tls->wants_write;
}

const char *fv_tls_trouble(const struct fv_tls *tls)
{
    return tls->trouble;
}

int64_t fv_tls_read(struct fv_tls *tls, void *buffer, size_t size)
{
    size_t total = 0, n = 0;
    int result = 1;
    ERR_clear_error();
    while (total < size) {
        result = SSL_read_ex(tls->ssl, (char *)buffer + total, size - total, &n);
        if (result != 1)
            break;
        total += n;
    }
    if (total > 0)
        return (int64_t)total; /* a failure shows itself again */
    return judge(tls, result);
}

int64_t fv_tls_write(struct fv_tls *tls, const void *data, size_t size)
{
    size_t n = 0;
    ERR_clear_error();
    int result = SSL_write_ex(tls->ssl, data, size, &n);
    return result == 1 ? (int64_t)n : judge(tls, result);
}

bool fv_tls_pending(const struct fv_tls *tls)
{
    return SSL_has_pending(tls->ssl);
}

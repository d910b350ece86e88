// SPDX-License-Identifier: Apache-2.0
#include "sim/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "sim/certificate.h"

#define RECORD (16u << 10)
#define CIPHER_START 4096
#define CIPHER_MAX (128u << 10) /* a handshake's flight or a record fit many times */

struct fv_sim_tls {
    SSL_CTX *context;
    uint8_t plain[RECORD]; /* for joining the parts of a write */
};

struct fv_sim_tls_link {
    struct fv_sim_tls *tls;
    SSL *ssl;
    BIO *in, *out; /* memory; owned by ssl */
    struct fv_sim_bytes cipher;
};

/* What OpenSSL says, else `otherwise`. */
static const char *reason(const char *otherwise)
{
    const char *text = ERR_reason_error_string(ERR_peek_last_error());
    return text ? text : otherwise;
}

static int check_file(const char *path, struct fv_error *err)
{
    FILE *file = fopen(path, "rbe");
    if (file) {
        fclose(file);
        return 0;
    }
    int rc = errno == ENOENT ? -ENOENT : errno == EACCES ? -EACCES : -EIO;
    return fv_error_set(err, rc, "%s: cannot open: %s", path, strerror(errno));
}

static int load_files(SSL_CTX *context, const struct fv_sim_tls_params *params,
                      struct fv_error *err)
{
    int rc = check_file(params->cert, err);
    if (rc == 0)
        rc = check_file(params->key, err);
    if (rc < 0)
        return rc;
    if (SSL_CTX_use_certificate_chain_file(context, params->cert) != 1)
        return fv_error_set(err, -EBADMSG, "%s: no PEM certificate: %s", params->cert,
                            reason("unreadable"));
    if (SSL_CTX_use_PrivateKey_file(context, params->key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1)
        return fv_error_set(err, -EBADMSG, "%s: no PEM key, or not the one of %s: %s", params->key,
                            params->cert, reason("unreadable"));
    return 0;
}

static int make_own(SSL_CTX *context, struct fv_error *err)
{
    EVP_PKEY *key;
    X509 *certificate;
    if (fv_sim_certificate_make(&key, &certificate) < 0)
        return fv_error_set(err, -ENOMEM, "cannot make a certificate: %s", reason("out of memory"));
    const bool good = SSL_CTX_use_certificate(context, certificate) == 1 &&
                      SSL_CTX_use_PrivateKey(context, key) == 1;
    X509_free(certificate);
    EVP_PKEY_free(key);
    return good ? 0 : fv_error_set(err, -ENOMEM, "cannot use the certificate");
}

static int write_certificate(const SSL_CTX *context, const char *path, struct fv_error *err)
{
    FILE *file = fopen(path, "wbe");
    if (!file)
        return fv_error_set(err, -EIO, "%s: cannot write: %s", path, strerror(errno));
    bool good = PEM_write_X509(file, SSL_CTX_get0_certificate(context)) == 1;
    good = fclose(file) == 0 && good;
    return good ? 0 : fv_error_set(err, -EIO, "%s: cannot write", path);
}

static int set_up(struct fv_sim_tls *tls, const struct fv_sim_tls_params *params,
                  struct fv_error *err)
{
    tls->context = SSL_CTX_new(TLS_server_method());
    if (!tls->context || SSL_CTX_set_min_proto_version(tls->context, TLS1_2_VERSION) != 1)
        return fv_error_set(err, -ENOMEM, "out of memory");
    /* Sessions are short and their number is small: tickets would only add bytes. */
    SSL_CTX_set_num_tickets(tls->context, 0);
    SSL_CTX_set_mode(tls->context, SSL_MODE_RELEASE_BUFFERS);
    ERR_clear_error();
    int rc =
        params->self_signed ? make_own(tls->context, err) : load_files(tls->context, params, err);
    if (rc == 0 && params->cert_out)
        rc = write_certificate(tls->context, params->cert_out, err);
    ERR_clear_error();
    return rc;
}

int fv_sim_tls_create(const struct fv_sim_tls_params *params, struct fv_sim_tls **ret_tls,
                      struct fv_error *err)
{
    if (params->self_signed ? params->cert || params->key : !params->cert || !params->key)
        return fv_error_set(err, -EINVAL,
                            "TLS takes a certificate and its key, or a self-signed one instead");
    struct fv_sim_tls *tls = FV_NEW(struct fv_sim_tls);
    if (!tls)
        return fv_error_set(err, -ENOMEM, "out of memory");
    int rc = set_up(tls, params, err);
    if (rc < 0) {
        fv_sim_tls_destroy(tls);
        return rc;
    }
    *ret_tls = tls;
    return 0;
}

void fv_sim_tls_destroy(struct fv_sim_tls *tls)
{
    if (!tls)
        return;
    SSL_CTX_free(tls->context);
    fv_free(tls);
}

int fv_sim_tls_link_create(struct fv_sim_tls *tls, struct fv_sim_tls_link **ret_link)
{
    struct fv_sim_tls_link *link = FV_NEW(struct fv_sim_tls_link);
    if (!link)
        return -ENOMEM;
    link->tls = tls;
    link->ssl = SSL_new(tls->context);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    if (!link->ssl || !in || !out || fv_sim_bytes_start(&link->cipher, CIPHER_START) < 0) {
        BIO_free(in);
        BIO_free(out);
        fv_sim_tls_link_destroy(link);
        return -ENOMEM;
    }
    link->in = in;
    link->out = out;
    SSL_set_bio(link->ssl, in, out);
    SSL_set_accept_state(link->ssl);
    *ret_link = link;
    return 0;
}

void fv_sim_tls_link_destroy(struct fv_sim_tls_link *link)
{
    if (!link)
        return;
    SSL_free(link->ssl);
    fv_free(link->cipher.data);
    fv_free(link);
}

int fv_sim_tls_feed(struct fv_sim_tls_link *link, const void *data, size_t size)
{
    return BIO_write(link->in, data, (int)size) == (int)size ? 0 : -ENOMEM;
}

/* Moves what OpenSSL wrote to where the owner finds it. */
static int collect(struct fv_sim_tls_link *link)
{
    const size_t size = BIO_ctrl_pending(link->out);
    if (!size)
        return 0;
    int rc = fv_sim_bytes_reserve(&link->cipher, size, CIPHER_MAX);
    if (rc < 0)
        return rc;
    BIO_read(link->out, link->cipher.data + link->cipher.size, (int)size);
    link->cipher.size += size;
    return 0;
}

static int64_t outcome(struct fv_sim_tls_link *link, int result)
{
    const int error = SSL_get_error(link->ssl, result);
    ERR_clear_error();
    if (error == SSL_ERROR_ZERO_RETURN)
        return 0;
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? -EAGAIN : -EPROTO;
}

int64_t fv_sim_tls_read(struct fv_sim_tls_link *link, void *data, size_t size)
{
    const int room = size < RECORD ? (int)size : (int)RECORD;
    int got = SSL_read(link->ssl, data, room);
    const int64_t result = got > 0 ? got : outcome(link, got);
    int rc = collect(link); /* also an alert */
    return rc < 0 ? rc : result;
}

static size_t join(const struct iovec *parts, unsigned count, uint8_t *out)
{
    size_t size = 0;
    for (unsigned i = 0; i < count && size < RECORD; i++) {
        size_t part = parts[i].iov_len < RECORD - size ? parts[i].iov_len : RECORD - size;
        memcpy(out + size, parts[i].iov_base, part);
        size += part;
    }
    return size;
}

int64_t fv_sim_tls_write(struct fv_sim_tls_link *link, const struct iovec *parts, unsigned count)
{
    if (link->cipher.size || !SSL_is_init_finished(link->ssl))
        return 0;
    const size_t size = join(parts, count, link->tls->plain);
    if (!size)
        return 0;
    int put = SSL_write(link->ssl, link->tls->plain, (int)size);
    if (put <= 0)
        return outcome(link, put) == -EAGAIN ? 0 : -EPROTO;
    int rc = collect(link);
    return rc < 0 ? rc : put;
}

void fv_sim_tls_end(struct fv_sim_tls_link *link)
{
    SSL_shutdown(link->ssl);
    ERR_clear_error();
    (void)collect(link); /* the connection is closed anyway */
}

struct fv_sim_bytes *fv_sim_tls_output(struct fv_sim_tls_link *link)
{
    return &link->cipher;
}

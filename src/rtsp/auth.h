// SPDX-License-Identifier: Apache-2.0
/*
 * Answers to WWW-Authenticate: Basic (RFC 7617) and Digest (RFC 7616, and RFC 2617 without qop).
 * MD5, SHA-256 and SHA-512-256, each
 * also as -sess; qop=auth. The password never leaves this file but hashed, or as Basic wants it.
 */
#ifndef FV_RTSP_AUTH_H
#define FV_RTSP_AUTH_H

#include "base/error.h"
#include "base/rand.h"
#include "base/str.h"
#include "rtsp/message.h"

enum fv_auth_hash { FV_AUTH_MD5, FV_AUTH_SHA256, FV_AUTH_SHA512_256 };
#define FV_AUTH_HEX_MAX 65 /* a hash in hexadecimal with terminator */

enum fv_auth_scheme { FV_AUTH_NONE, FV_AUTH_BASIC, FV_AUTH_DIGEST };

/* One challenge; slices of the header. */
struct fv_auth_challenge {
    enum fv_auth_scheme scheme; /* NONE: of a kind that is not supported */
    enum fv_auth_hash hash;
    bool session;   /* algorithm ends in -sess */
    bool qop;       /* qop=auth is offered */
    bool stale;     /* only the nonce was too old */
    bool userhash;  /* the user name is wanted hashed */
    bool supported; /* false: unknown algorithm, qop=auth-int only, nonce missing */
    struct fv_slice algorithm, realm, nonce, opaque; /* data NULL when absent */
};

/* The next challenge of a WWW-Authenticate value (there may be several, separated by commas). False
 * at the end. */
bool fv_auth_next_challenge(struct fv_slice *rest, struct fv_auth_challenge *ret_challenge);

/* Digest: everything that goes into the response. */
struct fv_auth_digest {
    enum fv_auth_hash hash;
    bool session, qop;
    struct fv_slice user, password, realm, nonce, cnonce, method, uri;
    uint32_t count; /* nc */
};

/* RFC 7616 3.4.1. `out` holds FV_AUTH_HEX_MAX bytes. 0, or -ENOTSUP: OpenSSL refuses the hash (FIPS
 * mode). */
int fv_auth_digest_response(const struct fv_auth_digest *digest, char *out);
/* Hash of "user:realm" (RFC 7616 3.4.4). */
int fv_auth_user_hash(enum fv_auth_hash hash, struct fv_slice user, struct fv_slice realm,
                      char *out);

/* What one connection knows about authentication. */
struct fv_auth {
    char user[128], password[128];
    bool has_user;
    enum fv_auth_scheme scheme; /* NONE until a challenge came */
    enum fv_auth_hash hash;
    bool session, qop, userhash;
    char algorithm[24]; /* as the camera wrote it, "" when it did not */
    char realm[256], nonce[256], opaque[256];
    bool has_opaque;
    char cnonce[33];
    uint32_t count; /* requests sent with this nonce */
    uint64_t seed;
    struct fv_rand rand;
};

/* `user` NULL: no credentials. seed 0: cnonces from OpenSSL's generator. -EINVAL: a control
 * character in user or password. */
int fv_auth_init(struct fv_auth *auth, const char *user, const char *password, uint64_t seed);
/* Wipes the secrets. */
void fv_auth_finish(struct fv_auth *auth);

/* Takes the strongest supported challenge of a 401 response. 0; -ENOTSUP: none is supported;
 * -EBADMSG: none is there; -EIO: no
 * random numbers. *ret_stale: the challenge says that only the nonce was too old. *ret_new_nonce:
 * it differs from the one in use. */
int fv_auth_take(struct fv_auth *auth, const struct fv_rtsp_message *response, bool *ret_stale,
                 bool *ret_new_nonce, struct fv_error *err);

/* Adds an Authorization header with its line end; nothing before the first challenge. 0 or
 * -ENOTSUP. */
int fv_auth_add_header(struct fv_auth *auth, struct fv_slice method, struct fv_slice uri,
                       struct fv_str *out);

#endif

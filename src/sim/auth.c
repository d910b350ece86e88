// SPDX-License-Identifier: Apache-2.0
#include "sim/auth.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#define REALM "Fovea simulator"
#define HEX_MAX (2 * EVP_MAX_MD_SIZE + 1)

/* What an Authorization line says; absent parameters are empty. */
struct credentials {
    struct fv_slice user, realm, nonce, uri, response, algorithm, qop, nc, cnonce;
};

void fv_sim_auth_challenge(const char *nonce, struct fv_str *headers)
{
    fv_str_addf(headers,
                "WWW-Authenticate: Digest realm=\"" REALM "\", nonce=\"%s\", algorithm=SHA-256, "
                "qop=\"auth\"\r\n"
                "WWW-Authenticate: Digest realm=\"" REALM "\", nonce=\"%s\"\r\n",
                nonce, nonce);
}

static int parse(struct fv_slice line, struct credentials *ret_credentials)
{
    struct credentials c = {0};
    const struct {
        const char *name;
        struct fv_slice *value;
    } fields[] = {
        {"username", &c.user},     {"realm", &c.realm},
        {"nonce", &c.nonce},       {"uri", &c.uri},
        {"response", &c.response}, {"algorithm", &c.algorithm},
        {"qop", &c.qop},           {"nc", &c.nc},
        {"cnonce", &c.cnonce},
    };
    const struct fv_slice scheme = FV_SLICE("Digest ");
    struct fv_slice key, value;
    if (!fv_slice_starts_nocase(line, scheme))
        return -EACCES;
    line.data += scheme.size;
    line.size -= scheme.size;
    while (fv_rtsp_next_param(&line, ',', &key, &value))
        for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
            if (fv_slice_eq_nocase(key, fv_slice_of(fields[i].name)))
                *fields[i].value = value;
    *ret_credentials = c;
    return 0;
}

/* Hash of the parts joined by colons, as lower-case hexadecimal text. */
static int hash(const EVP_MD *md, const struct fv_slice *parts, unsigned count, char *ret_hex)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context && EVP_DigestInit_ex(context, md, NULL);
    for (unsigned i = 0; good && i < count; i++)
        good = (i == 0 || EVP_DigestUpdate(context, ":", 1)) &&
               EVP_DigestUpdate(context, parts[i].data ? parts[i].data : "", parts[i].size);
    good = good && EVP_DigestFinal_ex(context, digest, &size);
    EVP_MD_CTX_free(context);
    if (!good)
        return -ENOMEM;
    for (unsigned i = 0; i < size; i++) {
        ret_hex[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        ret_hex[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    ret_hex[2 * size] = '\0';
    return 0;
}

static const EVP_MD *algorithm_of(struct fv_slice name)
{
    if (!name.size || fv_slice_eq_nocase(name, FV_SLICE("MD5")))
        return EVP_md5();
    return fv_slice_eq_nocase(name, FV_SLICE("SHA-256")) ? EVP_sha256() : NULL;
}

/* RFC 7616 3.4.1; without qop as in RFC 2069. */
static int expected_response(const struct fv_sim_auth *auth, const struct credentials *c,
                             struct fv_slice method, char *ret_hex)
{
    char ha1[HEX_MAX], ha2[HEX_MAX];
    const EVP_MD *md = algorithm_of(c->algorithm);
    if (!md || (c->qop.size && !fv_slice_eq_nocase(c->qop, FV_SLICE("auth"))))
        return -EACCES;
    const struct fv_slice a1[] = {fv_slice_of(auth->user), FV_SLICE(REALM),
                                  fv_slice_of(auth->password)};
    const struct fv_slice a2[] = {method, c->uri};
    int rc = hash(md, a1, 3, ha1);
    if (rc == 0)
        rc = hash(md, a2, 2, ha2);
    if (rc < 0)
        return rc;
    const struct fv_slice with_qop[] = {fv_slice_of(ha1), c->nonce, c->nc,
                                        c->cnonce,        c->qop,   fv_slice_of(ha2)};
    const struct fv_slice plain[] = {fv_slice_of(ha1), c->nonce, fv_slice_of(ha2)};
    rc = c->qop.size ? hash(md, with_qop, 6, ret_hex) : hash(md, plain, 3, ret_hex);
    OPENSSL_cleanse(ha1, sizeof(ha1));
    return rc;
}

int fv_sim_auth_check(const struct fv_sim_auth *auth, const char *nonce,
                      const struct fv_rtsp_message *request)
{
    struct credentials c;
    char hex[HEX_MAX];
    if (!auth->user)
        return 0;
    if (parse(fv_rtsp_find(request, "Authorization"), &c) < 0 ||
        !fv_slice_eq(c.nonce, fv_slice_of(nonce)) || !fv_slice_eq(c.realm, FV_SLICE(REALM)) ||
        !fv_slice_eq(c.user, fv_slice_of(auth->user)) || !fv_slice_eq(c.uri, request->uri) ||
        expected_response(auth, &c, request->method, hex) < 0)
        return -EACCES;
    return fv_slice_eq_nocase(c.response, fv_slice_of(hex)) ? 0 : -EACCES;
}

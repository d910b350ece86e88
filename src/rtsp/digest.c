// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "rtsp/auth.h"

#define PARTS_MAX 6

/* Hexadecimal hash of the parts joined by colons. */
static int hash_parts(enum fv_auth_hash hash, const struct fv_slice *parts, unsigned count,
                      char *out)
{
    static const char *const names[] = {
        [FV_AUTH_MD5] = "MD5",
        [FV_AUTH_SHA256] = "SHA2-256",
        [FV_AUTH_SHA512_256] = "SHA2-512/256",
    };
    unsigned char value[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_MD *md = EVP_MD_fetch(NULL, names[hash], NULL);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = md && context && EVP_DigestInit_ex2(context, md, NULL);
    for (unsigned i = 0; ok && i < count; i++) {
        ok = (i == 0 || EVP_DigestUpdate(context, ":", 1)) &&
             EVP_DigestUpdate(context, parts[i].data, parts[i].size);
    }
    ok = ok && EVP_DigestFinal_ex(context, value, &size) && size * 2 < FV_AUTH_HEX_MAX;
    EVP_MD_CTX_free(context);
    EVP_MD_free(md);
    if (!ok)
        return -ENOTSUP;
    for (unsigned i = 0; i < size; i++)
        snprintf(out + 2 * i, 3, "%02x", value[i]);
    return 0;
}

/* H(A1), RFC 7616 3.4.2. */
static int hash_a1(const struct fv_auth_digest *digest, char *out)
{
    const struct fv_slice secret[] = {digest->user, digest->realm, digest->password};
    int rc = hash_parts(digest->hash, secret, 3, out);
    if (rc < 0 || !digest->session)
        return rc;
    char inner[FV_AUTH_HEX_MAX];
    memcpy(inner, out, sizeof(inner));
    const struct fv_slice parts[] = {fv_slice_of(inner), digest->nonce, digest->cnonce};
    rc = hash_parts(digest->hash, parts, 3, out);
    OPENSSL_cleanse(inner, sizeof(inner));
    return rc;
}

int fv_auth_digest_response(const struct fv_auth_digest *digest, char *out)
{
    char a1[FV_AUTH_HEX_MAX], a2[FV_AUTH_HEX_MAX], count[12];
    const struct fv_slice request[] = {digest->method, digest->uri};
    int rc = hash_a1(digest, a1);
    if (rc == 0)
        rc = hash_parts(digest->hash, request, 2, a2);
    if (rc == 0) {
        struct fv_slice parts[PARTS_MAX];
        unsigned n = 0;
        parts[n++] = fv_slice_of(a1);
        parts[n++] = digest->nonce;
        if (digest->qop) {
            snprintf(count, sizeof(count), "%08x", digest->count);
            parts[n++] = fv_slice_of(count);
            parts[n++] = digest->cnonce;
            parts[n++] = FV_SLICE("auth");
        }
        parts[n++] = fv_slice_of(a2);
        rc = hash_parts(digest->hash, parts, n, out);
    }
    OPENSSL_cleanse(a1, sizeof(a1));
    return rc;
}

int fv_auth_user_hash(enum fv_auth_hash hash, struct fv_slice user, struct fv_slice realm,
                      char *out)
{
    const struct fv_slice parts[] = {user, realm};
    return hash_parts(hash, parts, 2, out);
}

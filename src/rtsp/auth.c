// SPDX-License-Identifier: Apache-2.0
#include "rtsp/auth.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>

static const struct {
    const char *name;
    enum fv_auth_hash hash;
    bool session;
} algorithms[] = {
    {"MD5", FV_AUTH_MD5, false},
    {"MD5-sess", FV_AUTH_MD5, true},
    {"SHA-256", FV_AUTH_SHA256, false},
    {"SHA-256-sess", FV_AUTH_SHA256, true},
    {"SHA-512-256", FV_AUTH_SHA512_256, false},
    {"SHA-512-256-sess", FV_AUTH_SHA512_256, true},
};

static bool is_clean(struct fv_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c < ' ' || c == 127)
            return false;
    }
    return true;
}

static void set_algorithm(struct fv_auth_challenge *challenge, struct fv_slice value)
{
    challenge->algorithm = value;
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
        if (fv_slice_eq_nocase(value, fv_slice_of(algorithms[i].name))) {
            challenge->hash = algorithms[i].hash;
            challenge->session = algorithms[i].session;
            return;
        }
    }
    challenge->supported = false;
}

/* An empty list counts as none: RFC 2617 without qop. */
static void set_qop(struct fv_auth_challenge *challenge, struct fv_slice value)
{
    bool other = false;
    while (value.size) {
        struct fv_slice item = fv_slice_trim(fv_slice_cut(&value, ','));
        if (fv_slice_eq_nocase(item, FV_SLICE("auth")))
            challenge->qop = true;
        else if (item.size)
            other = true;
    }
    if (other && !challenge->qop)
        challenge->supported = false;
}

static void set_param(struct fv_auth_challenge *challenge, struct fv_slice key,
                      struct fv_slice value)
{
    if (fv_slice_eq_nocase(key, FV_SLICE("realm")))
        challenge->realm = value;
    else if (fv_slice_eq_nocase(key, FV_SLICE("nonce")))
        challenge->nonce = value;
    else if (fv_slice_eq_nocase(key, FV_SLICE("opaque")))
        challenge->opaque = value;
    else if (fv_slice_eq_nocase(key, FV_SLICE("stale")))
        challenge->stale = fv_slice_eq_nocase(value, FV_SLICE("true"));
    else if (fv_slice_eq_nocase(key, FV_SLICE("userhash")))
        challenge->userhash = fv_slice_eq_nocase(value, FV_SLICE("true"));
    else if (fv_slice_eq_nocase(key, FV_SLICE("algorithm")))
        set_algorithm(challenge, value);
    else if (fv_slice_eq_nocase(key, FV_SLICE("qop")))
        set_qop(challenge, value);
}

/* "Digest realm" -> scheme "Digest", key "realm". A word alone is a scheme without parameters. */
static bool cut_scheme(struct fv_slice *key, bool has_value, struct fv_slice *ret_scheme)
{
    size_t n = 0;
    while (n < key->size && !strchr(" \t\r\n", key->data[n]))
        n++;
    if (n == key->size && has_value)
        return false;
    *ret_scheme = (struct fv_slice){key->data, n};
    *key = fv_slice_trim((struct fv_slice){key->data + n, key->size - n});
    return true;
}

static void begin_challenge(struct fv_auth_challenge *challenge, struct fv_slice scheme)
{
    *challenge = (struct fv_auth_challenge){0};
    if (fv_slice_eq_nocase(scheme, FV_SLICE("Basic")))
        challenge->scheme = FV_AUTH_BASIC;
    else if (fv_slice_eq_nocase(scheme, FV_SLICE("Digest")))
        challenge->scheme = FV_AUTH_DIGEST;
    challenge->supported = challenge->scheme != FV_AUTH_NONE;
}

/* RFC 7235 2.1. Both challenges and parameters are separated by commas: a key with a blank in it
 * begins the next challenge. */
bool fv_auth_next_challenge(struct fv_slice *rest, struct fv_auth_challenge *ret_challenge)
{
    struct fv_slice key, value, scheme;
    bool begun = false;
    for (;;) {
        struct fv_slice ahead = *rest;
        if (!fv_rtsp_next_param(&ahead, ',', &key, &value))
            break;
        if (cut_scheme(&key, value.data != NULL, &scheme)) {
            if (begun)
                break;
            begun = true;
            begin_challenge(ret_challenge, scheme);
        }
        *rest = ahead;
        if (begun)
            set_param(ret_challenge, key, value);
    }
    if (!begun)
        return false;
    if (ret_challenge->scheme == FV_AUTH_DIGEST && !ret_challenge->nonce.data)
        ret_challenge->supported = false;
    if (!is_clean(ret_challenge->realm) || !is_clean(ret_challenge->nonce) ||
        !is_clean(ret_challenge->opaque) || !is_clean(ret_challenge->algorithm))
        ret_challenge->supported = false;
    return true;
}

int fv_auth_init(struct fv_auth *auth, const char *user, const char *password, uint64_t seed)
{
    *auth = (struct fv_auth){.has_user = user != NULL, .seed = seed};
    fv_rand_seed(&auth->rand, seed);
    struct fv_slice name = fv_slice_of(user ? user : ""), word = fv_slice_of(user ? password : "");
    if (!is_clean(name) || !is_clean(word) ||
        fv_slice_copy(name, auth->user, sizeof(auth->user)) < 0 ||
        fv_slice_copy(word, auth->password, sizeof(auth->password)) < 0) {
        fv_auth_finish(auth);
        return -EINVAL;
    }
    return 0;
}

void fv_auth_finish(struct fv_auth *auth)
{
    OPENSSL_cleanse(auth, sizeof(*auth));
}

/* Basic is weakest, then MD5, SHA-256, SHA-512-256. */
static unsigned strength(const struct fv_auth_challenge *challenge)
{
    if (!challenge->supported)
        return 0;
    return challenge->scheme == FV_AUTH_BASIC ? 1 : 2 + (unsigned)challenge->hash;
}

static int make_cnonce(struct fv_auth *auth)
{
    uint64_t numbers[2];
    if (auth->seed) {
        numbers[0] = fv_rand_u64(&auth->rand);
        numbers[1] = fv_rand_u64(&auth->rand);
    } else if (RAND_bytes((unsigned char *)numbers, sizeof(numbers)) != 1) {
        return -EIO;
    }
    snprintf(auth->cnonce, sizeof(auth->cnonce), "%016llx%016llx", (unsigned long long)numbers[0],
             (unsigned long long)numbers[1]);
    return 0;
}

/* Copies what later requests need. -ENOBUFS when a part is longer than any camera's. */
static int adopt(struct fv_auth *auth, const struct fv_auth_challenge *challenge)
{
    if (fv_slice_copy(challenge->algorithm, auth->algorithm, sizeof(auth->algorithm)) < 0 ||
        fv_slice_copy(challenge->realm, auth->realm, sizeof(auth->realm)) < 0 ||
        fv_slice_copy(challenge->nonce, auth->nonce, sizeof(auth->nonce)) < 0 ||
        fv_slice_copy(challenge->opaque, auth->opaque, sizeof(auth->opaque)) < 0)
        return -ENOBUFS;
    auth->has_opaque = challenge->opaque.data != NULL;
    auth->scheme = challenge->scheme;
    auth->hash = challenge->hash;
    auth->session = challenge->session;
    auth->qop = challenge->qop;
    auth->userhash = challenge->userhash;
    return 0;
}

int fv_auth_take(struct fv_auth *auth, const struct fv_rtsp_message *response, bool *ret_stale,
                 bool *ret_new_nonce, struct fv_error *err)
{
    struct fv_auth_challenge best = {0}, challenge;
    bool any = false;
    for (unsigned n = 0;; n++) {
        struct fv_slice rest = fv_rtsp_find_nth(response, "WWW-Authenticate", n);
        if (!rest.data)
            break;
        while (fv_auth_next_challenge(&rest, &challenge)) {
            any = true;
            if (strength(&challenge) > strength(&best))
                best = challenge;
        }
    }
    if (!any)
        return fv_error_set(err, -EBADMSG, "the camera wants a login but does not say which kind");
    if (!best.supported)
        return fv_error_set(err, -ENOTSUP,
                            "the camera wants a kind of login that is not supported (Basic and "
                            "Digest are)");
    if (best.scheme == FV_AUTH_BASIC && strchr(auth->user, ':'))
        return fv_error_set(err, -ENOTSUP,
                            "the camera wants a Basic login, which allows no colon in "
                            "the user name");
    bool new_nonce =
        auth->scheme != best.scheme || !fv_slice_eq(best.nonce, fv_slice_of(auth->nonce));
    if (adopt(auth, &best) < 0) {
        auth->scheme = FV_AUTH_NONE;
        return fv_error_set(err, -ENOTSUP, "the camera's login challenge is too long");
    }
    /* The count goes on while the nonce stays: a camera may refuse one that it has seen. */
    if (new_nonce && make_cnonce(auth) < 0)
        return fv_error_set(err, -EIO, "no random numbers for the login");
    if (new_nonce)
        auth->count = 0;
    *ret_stale = best.stale;
    *ret_new_nonce = new_nonce;
    return 0;
}

/* quoted-string content: what came quoted from the camera goes back as it is; a user name is
 * escaped here. */
static void add_escaped(struct fv_str *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fv_str_add(out, "\\");
        fv_str_add_slice(out, (struct fv_slice){text, 1});
    }
}

/* RFC 7617 2. */
static int add_basic(const struct fv_auth *auth, struct fv_str *out)
{
    char pair[sizeof(auth->user) + sizeof(auth->password)], text[4 * sizeof(pair) / 3 + 8];
    int size = snprintf(pair, sizeof(pair), "%s:%s", auth->user, auth->password);
    int64_t coded = fv_base64_encode((const uint8_t *)pair, (size_t)size, text, sizeof(text));
    if (coded >= 0)
        fv_str_addf(out, "Authorization: Basic %s\r\n", text);
    OPENSSL_cleanse(pair, sizeof(pair));
    OPENSSL_cleanse(text, sizeof(text));
    return coded < 0 ? -ENOTSUP : 0;
}

/* RFC 7616 3.4. */
static int add_digest(struct fv_auth *auth, struct fv_slice method, struct fv_slice uri,
                      struct fv_str *out)
{
    const struct fv_auth_digest digest = {
        .hash = auth->hash,
        .session = auth->session,
        .qop = auth->qop,
        .user = fv_slice_of(auth->user),
        .password = fv_slice_of(auth->password),
        .realm = fv_slice_of(auth->realm),
        .nonce = fv_slice_of(auth->nonce),
        .cnonce = fv_slice_of(auth->cnonce),
        .method = method,
        .uri = uri,
        .count = auth->count + 1,
    };
    char response[FV_AUTH_HEX_MAX], user[FV_AUTH_HEX_MAX] = "";
    int rc = fv_auth_digest_response(&digest, response);
    if (rc == 0 && auth->userhash)
        rc = fv_auth_user_hash(auth->hash, digest.user, digest.realm, user);
    if (rc < 0)
        return rc;
    auth->count++;
    fv_str_add(out, "Authorization: Digest username=\"");
    add_escaped(out, auth->userhash ? user : auth->user);
    fv_str_addf(out, "\", realm=\"%s\", nonce=\"%s\", uri=\"", auth->realm, auth->nonce);
    fv_str_add_slice(out, uri);
    fv_str_addf(out, "\", response=\"%s\"", response);
    if (auth->algorithm[0])
        fv_str_addf(out, ", algorithm=%s", auth->algorithm);
    if (auth->qop)
        fv_str_addf(out, ", qop=auth, nc=%08x", auth->count);
    if (auth->qop || auth->session)
        fv_str_addf(out, ", cnonce=\"%s\"", auth->cnonce);
    if (auth->has_opaque)
        fv_str_addf(out, ", opaque=\"%s\"", auth->opaque);
    fv_str_add(out, auth->userhash ? ", userhash=true\r\n" : "\r\n");
    return 0;
}

int fv_auth_add_header(struct fv_auth *auth, struct fv_slice method, struct fv_slice uri,
                       struct fv_str *out)
{
    if (!auth->has_user || auth->scheme == FV_AUTH_NONE)
        return 0;
    return auth->scheme == FV_AUTH_BASIC ? add_basic(auth, out)
                                         : add_digest(auth, method, uri, out);
}

// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "sim/auth.h"

#define URI "rtsp://h/cam0"
#define NONCE "0123456789abcdef"

static const struct fv_sim_auth auth = {"admin", "s3cret"};

/* What a client computes: hex of the digest of a text. */
static void digest(const char *algorithm, const char *text, char *ret_hex)
{
    uint8_t out[EVP_MAX_MD_SIZE];
    size_t size = 0;
    assert_int_equal(EVP_Q_digest(NULL, algorithm, NULL, text, strlen(text), out, &size), 1);
    for (size_t i = 0; i < size; i++)
        sprintf(ret_hex + 2 * i, "%02x", out[i]);
}

struct client {
    const char *algorithm; /* as OpenSSL calls it */
    const char *named;     /* as the header calls it, NULL: left out */
    const char *user, *password, *method, *nonce, *uri;
    bool qop;
};

static int check(const struct client *c, const char *scheme)
{
    char text[512], ha1[129], ha2[129], response[129], line[1024], request[2048];
    snprintf(text, sizeof(text), "%s:Fovea simulator:%s", c->user, c->password);
    digest(c->algorithm, text, ha1);
    snprintf(text, sizeof(text), "%s:%s", c->method, c->uri);
    digest(c->algorithm, text, ha2);
    if (c->qop)
        snprintf(text, sizeof(text), "%s:%s:00000001:cafe:auth:%s", ha1, c->nonce, ha2);
    else
        snprintf(text, sizeof(text), "%s:%s:%s", ha1, c->nonce, ha2);
    digest(c->algorithm, text, response);
    snprintf(line, sizeof(line),
             "%s username=\"%s\", realm=\"Fovea simulator\", nonce=\"%s\", uri=\"%s\", "
             "response=\"%s\"%s%s%s",
             scheme, c->user, c->nonce, c->uri, response, c->named ? ", algorithm=" : "",
             c->named ? c->named : "", c->qop ? ", qop=auth, nc=00000001, cnonce=\"cafe\"" : "");
    snprintf(request, sizeof(request),
             "DESCRIBE " URI " RTSP/1.0\r\nCSeq: 1\r\nAuthorization: %s\r\n\r\n", line);
    struct fv_rtsp_message message;
    assert_true(fv_rtsp_parse(request, strlen(request), &message) > 0);
    return fv_sim_auth_check(&auth, NONCE, &message);
}

static void right_and_wrong_credentials(void **state)
{
    const struct {
        struct client client;
        int rc;
    } cases[] = {
        {{"MD5", NULL, "admin", "s3cret", "DESCRIBE", NONCE, URI, false}, 0},
        {{"MD5", "MD5", "admin", "s3cret", "DESCRIBE", NONCE, URI, true}, 0},
        {{"SHA256", "SHA-256", "admin", "s3cret", "DESCRIBE", NONCE, URI, true}, 0},
        {{"SHA256", "SHA-256", "admin", "s3cret", "DESCRIBE", NONCE, URI, false}, 0},
        {{"MD5", NULL, "admin", "secret", "DESCRIBE", NONCE, URI, false}, -EACCES},
        {{"MD5", NULL, "root", "s3cret", "DESCRIBE", NONCE, URI, false}, -EACCES},
        {{"MD5", NULL, "admin", "s3cret", "PLAY", NONCE, URI, false}, -EACCES},
        {{"MD5", NULL, "admin", "s3cret", "DESCRIBE", "another", URI, false}, -EACCES},
        {{"MD5", NULL, "admin", "s3cret", "DESCRIBE", NONCE, "rtsp://h/cam1", false}, -EACCES},
        {{"SHA256", "MD5", "admin", "s3cret", "DESCRIBE", NONCE, URI, true}, -EACCES},
        {{"MD5", "MD4", "admin", "s3cret", "DESCRIBE", NONCE, URI, true}, -EACCES},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        if (check(&cases[i].client, "Digest") != cases[i].rc)
            fail_msg("case %zu", i);
    assert_int_equal(check(&cases[0].client, "Basic"), -EACCES);
}

static void none_at_all(void **state)
{
    static const char request[] = "DESCRIBE " URI " RTSP/1.0\r\nCSeq: 1\r\n\r\n";
    const struct fv_sim_auth open = {NULL, NULL};
    struct fv_rtsp_message message;
    assert_true(fv_rtsp_parse(request, sizeof(request) - 1, &message) > 0);
    assert_int_equal(fv_sim_auth_check(&auth, NONCE, &message), -EACCES);
    assert_int_equal(fv_sim_auth_check(&open, NONCE, &message), 0);
}

static void the_challenge(void **state)
{
    char text[512];
    struct fv_str str;
    fv_str_init(&str, text, sizeof(text));
    fv_sim_auth_challenge(NONCE, &str);
    assert_string_equal(text, "WWW-Authenticate: Digest realm=\"Fovea simulator\", "
                              "nonce=\"" NONCE "\", algorithm=SHA-256, qop=\"auth\"\r\n"
                              "WWW-Authenticate: Digest realm=\"Fovea simulator\", "
                              "nonce=\"" NONCE "\"\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_and_wrong_credentials),
        cmocka_unit_test(none_at_all),
        cmocka_unit_test(the_challenge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

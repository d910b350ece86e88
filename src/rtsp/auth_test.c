// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rtsp/auth.h"

#define RFC7616_NONCE "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
#define RFC7616_CNONCE "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
#define RFC2617_NONCE "dcd98b7102dd2f0e8b11d0f600bfb0c093"

/* The three without a remark stand in the RFCs; the others were computed with Python's hashlib. */
static void test_responses(void **state)
{
    static const struct {
        const char *name;
        enum fv_auth_hash hash;
        bool session, qop, rfc2617;
        const char *response;
    } cases[] = {
        {"RFC 7616 3.9.1 MD5", FV_AUTH_MD5, false, true, false, "8ca523f5e9506fed4657c9700eebdbec"},
        {"RFC 7616 3.9.1 SHA-256", FV_AUTH_SHA256, false, true, false,
         "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"},
        {"RFC 2617 3.5", FV_AUTH_MD5, false, true, true, "6629fae49393a05397450978507c4ef1"},
        {"without qop", FV_AUTH_MD5, false, false, true, "670fd8c2df070c60b045671b8b24ff02"},
        {"MD5-sess", FV_AUTH_MD5, true, true, false, "e783283f46242139c486a698fec7211d"},
        {"SHA-256-sess", FV_AUTH_SHA256, true, true, false,
         "2fd51b3a77ad75bad6afad6003e818d767133c46d9e2749e7f5232ae1ea3efd7"},
        {"SHA-512-256", FV_AUTH_SHA512_256, false, true, false,
         "430d05014cecc49cab6fbe03176d41a1da86cbfe24a16580e22aaad928d960d0"},
        {"SHA-512-256-sess", FV_AUTH_SHA512_256, true, true, false,
         "3f2a34f923c38b0fb26dce2fdfc2ce326c23cecf86fbb1444f3e51fbbc2cb92e"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool old = cases[i].rfc2617;
        const struct fv_auth_digest digest = {
            .hash = cases[i].hash,
            .session = cases[i].session,
            .qop = cases[i].qop,
            .user = FV_SLICE("Mufasa"),
            .password = old ? FV_SLICE("Circle Of Life") : FV_SLICE("Circle of Life"),
            .realm = old ? FV_SLICE("testrealm@host.com") : FV_SLICE("http-auth@example.org"),
            .nonce = old ? FV_SLICE(RFC2617_NONCE) : FV_SLICE(RFC7616_NONCE),
            .cnonce = old ? FV_SLICE("0a4f113b") : FV_SLICE(RFC7616_CNONCE),
            .method = FV_SLICE("GET"),
            .uri = FV_SLICE("/dir/index.html"),
            .count = 1,
        };
        char out[FV_AUTH_HEX_MAX];
        assert_int_equal(fv_auth_digest_response(&digest, out), 0);
        if (strcmp(out, cases[i].response) != 0)
            fail_msg("%s: %s", cases[i].name, out);
    }
}

/* RFC 7616 3.9.2 with SHA-512/256 as FIPS 180-4 has it (the RFC prints a truncated SHA-512:
 * erratum). */
static void test_user_hash(void **state)
{
    char out[FV_AUTH_HEX_MAX];
    assert_int_equal(fv_auth_user_hash(FV_AUTH_SHA512_256, FV_SLICE("J\303\244s\303\270n Doe"),
                                       FV_SLICE("api@example.org"), out),
                     0);
    assert_string_equal(out, "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b");
}

static void assert_slice(struct fv_slice slice, const char *text)
{
    if (!text)
        assert_null(slice.data);
    else if (!fv_slice_eq(slice, fv_slice_of(text)))
        fail_msg("\"%.*s\" instead of \"%s\"", (int)slice.size, slice.data, text);
}

static void test_challenges(void **state)
{
    static const struct {
        const char *text;
        struct {
            enum fv_auth_scheme scheme;
            bool supported;
            const char *realm, *nonce;
        } wanted[4];
        unsigned count;
    } cases[] = {
        {"Digest realm=\"a, b\", nonce=\"n\", Basic realm=\"c\"",
         {{FV_AUTH_DIGEST, true, "a, b", "n"}, {FV_AUTH_BASIC, true, "c", NULL}},
         2},
        {"basic realm=c,DIGEST nonce=n,realm=a",
         {{FV_AUTH_BASIC, true, "c", NULL}, {FV_AUTH_DIGEST, true, "a", "n"}},
         2},
        {"Negotiate, NTLM TlRMTVNTUAAB==, Basic",
         {{FV_AUTH_NONE, false, NULL, NULL},
          {FV_AUTH_NONE, false, NULL, NULL},
          {FV_AUTH_BASIC, true, NULL, NULL}},
         3},
        {"Digest\trealm = \"x\" , nonce= \"y\"", {{FV_AUTH_DIGEST, true, "x", "y"}}, 1},
        {"Digest realm=\"x\"", {{FV_AUTH_DIGEST, false, "x", NULL}}, 1},
        {"Digest realm=\"x\", nonce=\"n\", algorithm=SHA-1",
         {{FV_AUTH_DIGEST, false, "x", "n"}},
         1},
        {"Digest realm=\"x\", nonce=\"n\", qop=\"auth-int\"",
         {{FV_AUTH_DIGEST, false, "x", "n"}},
         1},
        {"Digest realm=\"x\", nonce=\"n\", qop=\"auth-int, auth\"",
         {{FV_AUTH_DIGEST, true, "x", "n"}},
         1},
        {"Digest realm=\"x\", nonce=\"n\", qop=\"\"", {{FV_AUTH_DIGEST, true, "x", "n"}}, 1},
        {"Digest realm=\"x\", nonce=\"a\r\n b\"", {{FV_AUTH_DIGEST, false, "x", "a\r\n b"}}, 1},
        {"realm=\"x\"", {{FV_AUTH_NONE}}, 0},
        {"", {{FV_AUTH_NONE}}, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fv_slice rest = fv_slice_of(cases[i].text);
        struct fv_auth_challenge challenge;
        for (unsigned n = 0; n < cases[i].count; n++) {
            assert_true(fv_auth_next_challenge(&rest, &challenge));
            assert_int_equal(challenge.scheme, cases[i].wanted[n].scheme);
            assert_int_equal(challenge.supported, cases[i].wanted[n].supported);
            assert_slice(challenge.realm, cases[i].wanted[n].realm);
            assert_slice(challenge.nonce, cases[i].wanted[n].nonce);
        }
        assert_false(fv_auth_next_challenge(&rest, &challenge));
    }
}

/* A 401 with these header lines. */
static int take(struct fv_auth *auth, const char *headers, bool *ret_stale, bool *ret_new_nonce)
{
    char text[4000];
    struct fv_str str;
    struct fv_rtsp_message message;
    struct fv_error err = {0};
    fv_str_init(&str, text, sizeof(text));
    fv_str_addf(&str, "RTSP/1.0 401 Unauthorized\r\n%s\r\n", headers);
    assert_true(fv_rtsp_parse(text, str.size, &message) > 0);
    int rc = fv_auth_take(auth, &message, ret_stale, ret_new_nonce, &err);
    assert_true(rc == 0 || err.text[0] != '\0');
    return rc;
}

static const char *header(struct fv_auth *auth, int code)
{
    static char text[3000];
    struct fv_str str;
    fv_str_init(&str, text, sizeof(text));
    assert_int_equal(fv_auth_add_header(auth, FV_SLICE("OPTIONS"), FV_SLICE("rtsp://a/"), &str),
                     code);
    return text;
}

#define WWW "WWW-Authenticate: "
#define DIGEST WWW "Digest realm=\"r\",nonce=\"n\""

static void test_strongest_wins(void **state)
{
    static const struct {
        const char *headers, *part;
    } cases[] = {
        {WWW "Basic realm=\"r\"\r\n" DIGEST "\r\n", "response=\""},
        {DIGEST "\r\n" DIGEST ",algorithm=SHA-256\r\n" WWW "Basic realm=\"r\"\r\n",
         "algorithm=SHA-256\r\n"},
        {DIGEST ",algorithm=SHA-512-256\r\n" DIGEST ",algorithm=SHA-256\r\n",
         "algorithm=SHA-512-256\r\n"},
        {DIGEST ",algorithm=SHA-1024\r\n" DIGEST ",algorithm=\"MD5\"\r\n", "algorithm=MD5\r\n"},
        {WWW "Basic realm=\"r\", Digest realm=\"r\", nonce=\"n\", algorithm=MD5-sess\r\n",
         "algorithm=MD5-sess, cnonce=\""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fv_auth auth;
        bool stale, new_nonce;
        assert_int_equal(fv_auth_init(&auth, "u", "p", 1), 0);
        assert_string_equal(header(&auth, 0), "");
        assert_int_equal(take(&auth, cases[i].headers, &stale, &new_nonce), 0);
        assert_true(!stale && new_nonce);
        if (!strstr(header(&auth, 0), cases[i].part))
            fail_msg("%zu: %s", i, header(&auth, 0));
        fv_auth_finish(&auth);
    }
}

static void test_nothing_supported(void **state)
{
    struct fv_auth auth;
    bool stale, new_nonce;
    char longer[600];
    assert_int_equal(fv_auth_init(&auth, "u:v", "p", 1), 0);
    assert_int_equal(take(&auth, "", &stale, &new_nonce), -EBADMSG);
    assert_int_equal(take(&auth, WWW "NTLM\r\n", &stale, &new_nonce), -ENOTSUP);
    assert_int_equal(take(&auth, WWW "Basic realm=\"r\"\r\n", &stale, &new_nonce), -ENOTSUP);
    memset(longer, 'n', sizeof(longer));
    memcpy(longer, WWW "Digest nonce=", strlen(WWW "Digest nonce="));
    memcpy(longer + sizeof(longer) - 3, "\r\n", 3);
    assert_int_equal(take(&auth, longer, &stale, &new_nonce), -ENOTSUP);
    assert_string_equal(header(&auth, 0), "");
    fv_auth_finish(&auth);
    assert_int_equal(fv_auth_init(&auth, "u\r\nX: y", "p", 1), -EINVAL);
    assert_int_equal(fv_auth_init(&auth, "u", "p\n", 1), -EINVAL);
}

/* RFC 7617 2 and 2.1. */
static void test_basic(void **state)
{
    struct fv_auth auth;
    bool stale, new_nonce;
    assert_int_equal(fv_auth_init(&auth, "Aladdin", "open sesame", 0), 0);
    assert_int_equal(take(&auth, WWW "Basic realm=\"WallyWorld\"\r\n", &stale, &new_nonce), 0);
    assert_string_equal(header(&auth, 0), "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n");
    assert_int_equal(take(&auth, WWW "Basic realm=\"WallyWorld\"\r\n", &stale, &new_nonce), 0);
    assert_false(new_nonce);
    fv_auth_finish(&auth);
    assert_int_equal(fv_auth_init(&auth, "test", "123\302\243", 0), 0);
    assert_int_equal(
        take(&auth, WWW "Basic realm=\"foo\", charset=\"UTF-8\"\r\n", &stale, &new_nonce), 0);
    assert_string_equal(header(&auth, 0), "Authorization: Basic dGVzdDoxMjPCow==\r\n");
    fv_auth_finish(&auth);
}

/* nc counts the requests with one nonce; opaque goes back; the cnonce stays while the nonce does.
 * */
static void test_count(void **state)
{
    struct fv_auth auth;
    bool stale, new_nonce;
    char cnonce[33];
    assert_int_equal(fv_auth_init(&auth, "a\"b\\c", "p", 7), 0);
    assert_int_equal(take(&auth, DIGEST ",qop=\"auth\",opaque=\"\"\r\n", &stale, &new_nonce), 0);
    const char *text = header(&auth, 0);
    assert_non_null(strstr(text, "username=\"a\\\"b\\\\c\""));
    assert_non_null(strstr(text, ", qop=auth, nc=00000001, cnonce=\""));
    assert_non_null(strstr(text, ", opaque=\"\"\r\n"));
    memcpy(cnonce, auth.cnonce, sizeof(cnonce));
    assert_int_equal(strlen(cnonce), 32);
    assert_non_null(strstr(header(&auth, 0), "nc=00000002"));
    assert_int_equal(take(&auth, DIGEST ",qop=auth,stale=true\r\n", &stale, &new_nonce), 0);
    assert_true(stale && !new_nonce);
    assert_non_null(strstr(header(&auth, 0), "nc=00000003"));
    assert_string_equal(auth.cnonce, cnonce);
    assert_int_equal(take(&auth, WWW "Digest realm=r,nonce=m,qop=auth\r\n", &stale, &new_nonce), 0);
    assert_true(!stale && new_nonce);
    assert_non_null(strstr(header(&auth, 0), "nc=00000001"));
    assert_string_not_equal(auth.cnonce, cnonce);
    fv_auth_finish(&auth);
}

/* What a FIPS build does: MD5 cannot be had. */
static void test_hash_forbidden(void **state)
{
    struct fv_auth auth;
    bool stale, new_nonce;
    assert_int_equal(fv_auth_init(&auth, "u", "p", 1), 0);
    assert_int_equal(take(&auth, DIGEST "\r\n", &stale, &new_nonce), 0);
    assert_int_equal(EVP_set_default_properties(NULL, "fips=yes"), 1);
    header(&auth, -ENOTSUP);
    assert_int_equal(EVP_set_default_properties(NULL, ""), 1);
    assert_non_null(strstr(header(&auth, 0), "response=\""));
    fv_auth_finish(&auth);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_responses),
        cmocka_unit_test(test_user_hash),
        cmocka_unit_test(test_challenges),
        cmocka_unit_test(test_strongest_wins),
        cmocka_unit_test(test_nothing_supported),
        cmocka_unit_test(test_basic),
        cmocka_unit_test(test_count),
        cmocka_unit_test(test_hash_forbidden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

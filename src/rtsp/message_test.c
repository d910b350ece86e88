// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rtsp/message.h"

/* Parses a copy of exactly `size` bytes, so that sanitizers and valgrind see a read behind it. The
 * slices of the result point into *ret_copy, which the caller frees. */
static int64_t parse_copy(const char *text, size_t size, char **ret_copy,
                          struct fv_rtsp_message *ret_message)
{
    *ret_copy = malloc(size ? size : 1);
    assert_non_null(*ret_copy);
    memcpy(*ret_copy, text, size);
    return fv_rtsp_parse(*ret_copy, size, ret_message);
}

static int64_t parse_code(const char *text, size_t size)
{
    struct fv_rtsp_message message;
    char *copy;
    int64_t n = parse_copy(text, size, &copy, &message);
    free(copy);
    return n;
}

static void assert_slice(struct fv_slice slice, const char *text)
{
    if (!fv_slice_eq(slice, fv_slice_of(text)))
        fail_msg("\"%.*s\" instead of \"%s\"", (int)slice.size, slice.data, text);
}

static const char request_text[] = "SETUP rtsp://cam.example/live/track1 RTSP/1.0\r\n"
                                   "CSeq: 3\r\n"
                                   "Transport: RTP/AVP;unicast;client_port=4588-4589\r\n"
                                   "\r\n";
static const char response_text[] = "RTSP/1.0 200 OK\r\n"
                                    "CSeq: 2\r\n"
                                    "Content-Type: application/sdp\r\n"
                                    "Content-Length: 5\r\n"
                                    "\r\n"
                                    "v=0\r\n";

static void test_request(void **state)
{
    struct fv_rtsp_message m;
    assert_int_equal(fv_rtsp_parse(request_text, sizeof(request_text) - 1, &m),
                     sizeof(request_text) - 1);
    assert_true(m.request);
    assert_slice(m.method, "SETUP");
    assert_slice(m.uri, "rtsp://cam.example/live/track1");
    assert_int_equal(m.header_count, 2);
    assert_slice(fv_rtsp_find(&m, "cseq"), "3");
    assert_slice(fv_rtsp_find(&m, "TRANSPORT"), "RTP/AVP;unicast;client_port=4588-4589");
    assert_null(fv_rtsp_find(&m, "Session").data);
    assert_int_equal(m.body.size, 0);
}

static void test_response(void **state)
{
    struct fv_rtsp_message m;
    assert_int_equal(fv_rtsp_parse(response_text, sizeof(response_text) - 1, &m),
                     sizeof(response_text) - 1);
    assert_false(m.request);
    assert_int_equal(m.status, 200);
    assert_slice(m.reason, "OK");
    assert_slice(m.body, "v=0\r\n");
}

/* What follows a message is left alone. */
static void test_consumes_one(void **state)
{
    struct fv_rtsp_message m;
    static const char two[] = "RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\nRTSP/1.0 404 Not Found\r\n\r\n";
    int64_t n = fv_rtsp_parse(two, sizeof(two) - 1, &m);
    assert_int_equal(n, 28);
    assert_int_equal(m.status, 200);
    assert_int_equal(fv_rtsp_parse(two + n, sizeof(two) - 1 - (size_t)n, &m), 26);
    assert_int_equal(m.status, 404);
    assert_slice(m.reason, "Not Found");
}

static void test_every_prefix_needs_more(void **state)
{
    static const char *const texts[] = {
        request_text, response_text, "\r\n\nOPTIONS * RTSP/2.0\nA: b\n c\nContent-Length: 1\n\nx",
        "RTSP/1.0 401\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\r\n"};
    for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]); t++) {
        size_t size = strlen(texts[t]);
        for (size_t cut = 0; cut < size; cut++)
            assert_int_equal(parse_code(texts[t], cut), -EAGAIN);
        assert_int_equal(parse_code(texts[t], size), size);
    }
}

static void test_tolerated(void **state)
{
    struct fv_rtsp_message m;
    static const char bare_lf[] = "\n\r\nRTSP/2.0 200\nCSeq : 7\nX:\t y \n\n";
    assert_int_equal(fv_rtsp_parse(bare_lf, sizeof(bare_lf) - 1, &m), sizeof(bare_lf) - 1);
    assert_int_equal(m.status, 200);
    assert_int_equal(m.reason.size, 0);
    assert_slice(fv_rtsp_find(&m, "CSeq"), "7");
    assert_slice(fv_rtsp_find(&m, "X"), "y");

    static const char folded[] = "RTSP/1.0 200 OK\r\nPublic: OPTIONS,\r\n  PLAY\r\nEmpty:\r\n\r\n";
    assert_int_equal(fv_rtsp_parse(folded, sizeof(folded) - 1, &m), sizeof(folded) - 1);
    assert_slice(fv_rtsp_find(&m, "Public"), "OPTIONS,\r\n  PLAY");
    assert_non_null(fv_rtsp_find(&m, "Empty").data);
    assert_int_equal(fv_rtsp_find(&m, "Empty").size, 0);
}

static void test_several_of_a_name(void **state)
{
    struct fv_rtsp_message m;
    static const char text[] = "RTSP/1.0 401 Unauthorized\r\n"
                               "WWW-Authenticate: Digest realm=\"a\"\r\n"
                               "CSeq: 1\r\n"
                               "www-authenticate: Basic realm=\"a\"\r\n\r\n";
    assert_true(fv_rtsp_parse(text, sizeof(text) - 1, &m) > 0);
    assert_slice(fv_rtsp_find_nth(&m, "WWW-Authenticate", 0), "Digest realm=\"a\"");
    assert_slice(fv_rtsp_find_nth(&m, "WWW-Authenticate", 1), "Basic realm=\"a\"");
    assert_null(fv_rtsp_find_nth(&m, "WWW-Authenticate", 2).data);
}

static void test_refused(void **state)
{
    static const struct {
        const char *name, *text;
        int code;
    } cases[] = {
        {"http", "HTTP/1.0 200 OK\r\n\r\n", -EBADMSG},
        {"version", "RTSP/3.0 200 OK\r\n\r\n", -EBADMSG},
        {"status of two digits", "RTSP/1.0 20 OK\r\n\r\n", -EBADMSG},
        {"status of four digits", "RTSP/1.0 2000 OK\r\n\r\n", -EBADMSG},
        {"status below 100", "RTSP/1.0 099 OK\r\n\r\n", -EBADMSG},
        {"status missing", "RTSP/1.0\r\n\r\n", -EBADMSG},
        {"method only", "OPTIONS\r\n\r\n", -EBADMSG},
        {"no version", "OPTIONS *\r\n\r\n", -EBADMSG},
        {"empty uri", "OPTIONS  RTSP/1.0\r\n\r\n", -EBADMSG},
        {"method with separator", "OPT/IONS * RTSP/1.0\r\n\r\n", -EBADMSG},
        {"frame", "$\001\002\003", -EBADMSG},
        {"first byte", "\377", -EBADMSG},
        {"digit first", "0", -EBADMSG},
        {"control character", "RTSP/1.0 200 O\001", -EBADMSG},
        {"bare CR", "RTSP/1.0 200 OK\rCSeq: 1\r\n\r\n", -EBADMSG},
        {"field without colon", "RTSP/1.0 200 OK\r\nCSeq 1\r\n", -EBADMSG},
        {"field without name", "RTSP/1.0 200 OK\r\n: 1\r\n", -EBADMSG},
        {"space in name", "RTSP/1.0 200 OK\r\nC Seq: 1\r\n", -EBADMSG},
        {"continuation of nothing", "RTSP/1.0 200 OK\r\n CSeq: 1\r\n", -EBADMSG},
        {"length text", "RTSP/1.0 200 OK\r\nContent-Length: x\r\n\r\n", -EBADMSG},
        {"length negative", "RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n", -EBADMSG},
        {"length empty", "RTSP/1.0 200 OK\r\nContent-Length:\r\n\r\n", -EBADMSG},
        {"length 256 KiB + 1", "RTSP/1.0 200 OK\r\nContent-Length: 262145\r\n\r\n", -ENOBUFS},
        {"length beyond 64 bits",
         "RTSP/1.0 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n", -ENOBUFS},
        {"lengths differ", "RTSP/1.0 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n12",
         -EBADMSG},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t size = strlen(cases[i].text);
        int64_t code = parse_code(cases[i].text, size);
        if (code != cases[i].code)
            fail_msg("%s: %lld", cases[i].name, (long long)code);
        /* A prefix needs more, or is refused already; it never succeeds. */
        for (size_t cut = 0; cut < size; cut++) {
            code = parse_code(cases[i].text, cut);
            if (code != -EAGAIN && code != cases[i].code)
                fail_msg("%s: %lld at %zu", cases[i].name, (long long)code, cut);
        }
    }
}

static void test_largest_body(void **state)
{
    static const char head[] = "RTSP/1.0 200 OK\r\nContent-Length: 262144\r\n\r\n";
    size_t size = sizeof(head) - 1 + 262144;
    char *text = malloc(size);
    assert_non_null(text);
    memset(text, 'x', size);
    memcpy(text, head, sizeof(head) - 1);
    assert_int_equal(parse_code(text, size - 1), -EAGAIN);
    assert_int_equal(parse_code(text, size), size);
    free(text);
}

/* 64 fields pass, 65 do not; a head of 16 KiB without an end is refused, one that ends there
 * passes. */
static void test_head_limits(void **state)
{
    static char text[20000];
    struct fv_str str;
    fv_str_init(&str, text, sizeof(text));
    fv_str_add(&str, "RTSP/1.0 200 OK\r\n");
    for (int i = 0; i < 64; i++)
        fv_str_addf(&str, "H%d: x\r\n", i);
    size_t fields = str.size;
    fv_str_add(&str, "\r\n");
    assert_int_equal(parse_code(text, str.size), fields + 2);
    text[fields] = 'a';
    text[fields + 1] = ':';
    fv_str_add(&str, "\n\n");
    assert_int_equal(parse_code(text, str.size), -ENOBUFS);

    memset(text, 'x', sizeof(text));
    memcpy(text, "RTSP/1.0 200 OK\r\nA: ", 20);
    assert_int_equal(parse_code(text, 16383), -EAGAIN);
    assert_int_equal(parse_code(text, 16384), -ENOBUFS);
    memcpy(text + 16380, "\r\n\r\n", 4);
    assert_int_equal(parse_code(text, 16384), 16384);
    assert_int_equal(parse_code(text, 20000), 16384);
    memcpy(text + 16380, "x\r\n\r\n", 5);
    assert_int_equal(parse_code(text, 20000), -ENOBUFS);
}

static void test_frame(void **state)
{
    static const uint8_t bytes[] = {'$', 3, 0, 2, 0xaa, 0xbb, '$'};
    struct fv_rtsp_frame frame;
    for (size_t cut = 0; cut < 6; cut++) {
        uint8_t *copy = malloc(cut ? cut : 1);
        assert_non_null(copy);
        memcpy(copy, bytes, cut);
        assert_int_equal(fv_rtsp_parse_frame(copy, cut, &frame), -EAGAIN);
        free(copy);
    }
    assert_int_equal(fv_rtsp_parse_frame(bytes, sizeof(bytes), &frame), 6);
    assert_int_equal(frame.channel, 3);
    assert_int_equal(frame.size, 2);
    assert_ptr_equal(frame.data, bytes + 4);
    assert_int_equal(fv_rtsp_parse_frame((const uint8_t *)"R", 1, &frame), -EBADMSG);
    static const uint8_t empty[] = {'$', 0, 0, 0};
    assert_int_equal(fv_rtsp_parse_frame(empty, 4, &frame), 4);
    assert_int_equal(frame.size, 0);
}

struct param {
    const char *key, *value;
};

static void check_params(const char *text, char separator, const struct param *wanted)
{
    size_t size = strlen(text);
    char *copy = malloc(size + 1);
    assert_non_null(copy);
    memcpy(copy, text, size);
    struct fv_slice rest = {copy, size}, key, value;
    for (; wanted->key; wanted++) {
        assert_true(fv_rtsp_next_param(&rest, separator, &key, &value));
        assert_slice(key, wanted->key);
        assert_slice(value, wanted->value);
    }
    assert_false(fv_rtsp_next_param(&rest, separator, &key, &value));
    free(copy);
}

static void test_params(void **state)
{
    check_params("RTP/AVP/TCP; unicast;interleaved=0-1 ;; ssrc= 1A2B", ';',
                 (struct param[]){{"RTP/AVP/TCP", ""},
                                  {"unicast", ""},
                                  {"interleaved", "0-1"},
                                  {"ssrc", "1A2B"},
                                  {NULL, NULL}});
    check_params("realm=\"a, \\\"b\\\"\", nonce = \"x=y\" ,qop=auth", ',',
                 (struct param[]){
                     {"realm", "a, \\\"b\\\""}, {"nonce", "x=y"}, {"qop", "auth"}, {NULL, NULL}});
    check_params("a=\"never closed, b=1", ',',
                 (struct param[]){{"a", "never closed, b=1"}, {NULL, NULL}});
    check_params("a=\"x\\", ',', (struct param[]){{"a", "x\\"}, {NULL, NULL}});
    check_params("a=\"\"junk,b=", ',', (struct param[]){{"a", ""}, {"b", ""}, {NULL, NULL}});
    check_params(" , ,", ',', (struct param[]){{NULL, NULL}});
    check_params("", ';', (struct param[]){{NULL, NULL}});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request),      cmocka_unit_test(test_response),
        cmocka_unit_test(test_consumes_one), cmocka_unit_test(test_every_prefix_needs_more),
        cmocka_unit_test(test_tolerated),    cmocka_unit_test(test_several_of_a_name),
        cmocka_unit_test(test_refused),      cmocka_unit_test(test_largest_body),
        cmocka_unit_test(test_head_limits),  cmocka_unit_test(test_frame),
        cmocka_unit_test(test_params),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

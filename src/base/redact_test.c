// SPDX-License-Identifier: Apache-2.0
#include "base/redact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"

/* Pairs of a text and what is shown of it. */
static void compare(const char *const cases[][2], size_t count)
{
    char buffer[200];
    for (size_t i = 0; i < count; i++) {
        const char *shown = fv_redact(cases[i][0], buffer, sizeof(buffer));
        assert_string_equal(shown, cases[i][1]);
        assert_int_equal(shown == cases[i][0], strcmp(cases[i][0], cases[i][1]) == 0);
    }
}

#define COMPARE(cases) compare(cases, sizeof(cases) / sizeof((cases)[0]))

static void test_addresses(void **state)
{
    static const char *const cases[][2] = {
        {"rtsp://cam/x", "rtsp://cam/x"},
        {"rtsp://cam:8554/x", "rtsp://cam:8554/x"},
        {"rtsp://[fe80::1]:554/x", "rtsp://[fe80::1]:554/x"},
        {"rtsp://u:secret@cam/x", "rtsp://***@cam/x"},
        {"rtsp://u:sec@ret@cam/x", "rtsp://***@cam/x"},
        {"rtsp://u:sec/ret@cam/x", "rtsp://***@cam/x"},
        {"rtsp://u:a@b/secret@cam/x", "rtsp://***@cam/x"},
        {"u:secret@cam", "***@cam"},
        {"rtsp://cam/x@y", "rtsp://***@y"}, /* hides too much rather than too little */
        {"rtsp://u:secret@cam/x?pwd=secret&y", "rtsp://***@cam/x?pwd=***&y"},
        {"rtsp://cam/x?pwd=sec@ret&y", "rtsp://***&y"},
        {"rtsp://u:sec/key=ret@cam/x", "rtsp://***"},
        {"user=u_password=secret_channel=1", "user=u_password=***_channel=1"},
    };
    COMPARE(cases);
}

static void test_mistyped_addresses(void **state)
{
    static const char *const cases[][2] = {
        {"u:secret@cam/x", "***@cam/x"},
        {"rstp://u:secret@cam", "rstp://***@cam"},
        {"rtsp:/u:secret@cam/x", "***@cam/x"},
        {"rtsp:u:secret@cam/x", "***@cam/x"},
        {"rtsp//u:secret@cam/x", "rtsp//***@cam/x"},
        {"//u:secret@cam/x", "//***@cam/x"},
        {"u%3asecret@cam/x", "***@cam/x"},
        {"/videos/u:secret@cam/x", "/videos/***@cam/x"},
        {"u:sec ret@cam/x", "***@cam/x"},
        {"u:se'c \"ret@cam/x", "***@cam/x"},
        {"rtsp://u:secret/x", "rtsp://***/x"},
        {"rtsp://u:12secret", "rtsp://***"},
        {"--u:secret@cam", "***@cam"},
    };
    COMPARE(cases);
}

static void test_what_is_no_address(void **state)
{
    static const char *const cases[] = {
        "",
        ":",
        "@",
        "fovea@1.json",
        "a b@c",
        "12:30:00.h264",
        "fovea@1.json:3:1: error",
        "loss:cam=odd,key=5",
        "misbehave: NAME[:key=value,...]",
        "--fault takes NAME: see fovea@host",
        "the address does not begin with rtsp:// or rtsps://",
        "rtsp://cam:8554: timed out",
        "'rtsp://cam/x': refused",
        "keys=3 passage=4",
    };
    char buffer[200];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_ptr_equal(fv_redact(cases[i], buffer, sizeof(buffer)), cases[i]);
}

static void test_sentences(void **state)
{
    static const char *const cases[][2] = {
        {"run: u:secret@cam/x cannot be read: No such file",
         "run: ***@cam/x cannot be read: No such file"},
        {"not 'u:secret@cam/x'", "not '***@cam/x'"},
        {"not 'u:sec ret@cam/x'", "not '***@cam/x'"},
        {"a.txt line 3: rstp://u:secret@cam/x is none", "a.txt line 3: rstp://***@cam/x is none"},
        {"'rtsp://u:secret/x' is none", "'rtsp://***/x' is none"},
        {"rtsp://cam/?pwd=secret: refused", "rtsp://cam/?pwd=*** refused"},
        {"'rtsp://cam/?pwd=secret': refused", "'rtsp://cam/?pwd=***': refused"},
    };
    COMPARE(cases);
}

static void test_errors_are_redacted(void **state)
{
    struct fv_error err = {0};
    char path[2000];
    fv_error_set(&err, -1, "%s cannot be read", "u:secret@cam/x");
    assert_string_equal(err.text, "***@cam/x cannot be read");
    fv_error_prefix(&err, -1, "%s", "v:secret@cam/y");
    assert_null(strstr(err.text, "secret"));
    /* The '@' would be cut away, the password not. */
    memset(path, 'x', sizeof(path));
    memcpy(path, "u:secret", 8);
    strcpy(path + 600, "@cam");
    fv_error_set(&err, -1, "%s", path);
    assert_string_equal(err.text, "***@cam");
}

/* Masks may be longer than what they hide: cut, never beyond the buffer. */
static void test_short_buffer(void **state)
{
    const char *const secrets = "rtsp://cam/?pwd=&pwd=1&pwd=2";
    char text[24];
    memset(text, 'x', sizeof(text));
    assert_string_equal(fv_redact(secrets, text, 18), "rtsp://cam/?pwd=*");
    assert_int_equal(text[18], 'x');
    assert_string_equal(fv_redact(secrets, text, 20), "rtsp://cam/?pwd=***");
    assert_int_equal(text[20], 'x');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),           cmocka_unit_test(test_mistyped_addresses),
        cmocka_unit_test(test_what_is_no_address),  cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_errors_are_redacted), cmocka_unit_test(test_short_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/url.h"

struct good {
    const char *text, *user, *password, *host, *path, *formatted;
    uint16_t port;
};

static const struct good goods[] = {
    {"rtsp://cam/", "", "", "cam", "/", "rtsp://cam/", 554},
    {"RTSP://10.0.0.1:8554/live?x=1", "", "", "10.0.0.1", "/live?x=1",
     "rtsp://10.0.0.1:8554/live?x=1", 8554},
    {"rtsps://cam/a", "", "", "cam", "/a", "rtsps://cam/a", 322},
    {"rtsp://u:p@cam", "u", "p", "cam", "", "rtsp://cam", 554},
    {"rtsp://u:p%40x%2Fy@cam/s", "u", "p@x/y", "cam", "/s", "rtsp://cam/s", 554},
    {"rtsp://u:p@w@cam/s", "u", "p@w", "cam", "/s", "rtsp://cam/s", 554},
    {"rtsp://u:50%@cam/s", "u", "50%", "cam", "/s", "rtsp://cam/s", 554},
    {"rtsp://u:a%4@cam/s", "u", "a%4", "cam", "/s", "rtsp://cam/s", 554},
    {"rtsp://u@cam/s", "u", "", "cam", "/s", "rtsp://cam/s", 554},
    {"rtsp://[::1]:8554/s", "", "", "::1", "/s", "rtsp://[::1]:8554/s", 8554},
    {"rtsp://u:p@[fe80::1]/s", "u", "p", "fe80::1", "/s", "rtsp://[fe80::1]/s", 554},
    {"rtsp://[fe80::1%25eth0]/s", "", "", "fe80::1%eth0", "/s", "rtsp://[fe80::1]/s", 554},
    {"rtsp://u:p@[fe80::1%25en%2D1.5]:8554", "u", "p", "fe80::1%en-1.5", "",
     "rtsp://[fe80::1]:8554", 8554},
    {"rtsp://[fe80::1%3]/s", "", "", "fe80::1%3", "/s", "rtsp://[fe80::1]/s", 554},
    {"rtsp://cam?q", "", "", "cam", "?q", "rtsp://cam?q", 554},
};

static void test_good(void **state)
{
    for (size_t i = 0; i < sizeof(goods) / sizeof(goods[0]); i++) {
        struct fv_url url;
        char text[FV_URL_MAX + 300];
        assert_int_equal(fv_url_parse(goods[i].text, &url, NULL), 0);
        assert_string_equal(url.user, goods[i].user);
        assert_string_equal(url.password, goods[i].password);
        assert_string_equal(url.host, goods[i].host);
        assert_string_equal(url.path, goods[i].path);
        assert_int_equal(url.port, goods[i].port);
        assert_string_equal(fv_url_format(&url, text, sizeof(text)), goods[i].formatted);
    }
}

/* RFC 6874: a zone is shown, and not sent. */
static void test_zone(void **state)
{
    static const char *const bads[] = {"rtsp://[fe80::1%]/", "rtsp://[fe80::1%25%2F]/",
                                       "rtsp://[fe80::1%25a-name-too-long1]/"};
    struct fv_url url;
    struct fv_error err = {0};
    char text[FV_URL_MAX + 300];
    assert_int_equal(fv_url_parse("rtsp://u:p@[fe80::1%25eth0]:99/x", &url, NULL), 0);
    assert_true(url.ipv6);
    assert_string_equal(fv_url_display(&url, text, sizeof(text)), "rtsp://[fe80::1%25eth0]:99/x");
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(fv_url_parse(bads[i], &url, &err), -EINVAL);
        assert_non_null(strstr(err.text, "no interface's name: write [fe80::1%25eth0]"));
    }
}

static void test_bad(void **state)
{
    static const char *const bads[] = {
        "",
        "rtsp",
        "rtsp:/cam",
        "http://cam/",
        "rtsp://",
        "rtsp:///x",
        "rtsp://:554/",
        "rtsp://cam:0/",
        "rtsp://cam:65536/",
        "rtsp://cam:/",
        "rtsp://cam:x/",
        "rtsp://cam /",
        "rtsp://cam/\n",
        "rtsp://[::1/",
        "rtsp://[zz]/",
        "rtsp://[::1]x/",
        "rtsp://u:secret@/",
        "rtsp://u:%00secret@cam/",
        "rtsp://a[b/",
    };
    for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
        struct fv_url url;
        struct fv_error err = {0};
        assert_int_equal(fv_url_parse(bads[i], &url, &err), -EINVAL);
        assert_true(err.text[0] != 0);
        assert_null(strstr(err.text, "secret"));
    }
    char longest[FV_URL_MAX + 10];
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = 0;
    memcpy(longest, "rtsp://", 7);
    struct fv_url url;
    assert_int_equal(fv_url_parse(longest, &url, NULL), -EINVAL);
    longest[1900] = 0; /* short enough as a whole, but not as a host */
    assert_int_equal(fv_url_parse(longest, &url, NULL), -EINVAL);
}

/* The parser takes the user for the host; the message says what is the matter. */
static void test_password_that_ends_early(void **state)
{
    static const char *const bads[] = {"rtsp://admin:pa/ss@cam/s", "rtsp://admin:pa#ss@cam",
                                       "rtsp://admin:pa?ss@cam/s"};
    for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
        struct fv_url url;
        struct fv_error err;
        assert_int_equal(fv_url_parse(bads[i], &url, &err), -EINVAL);
        assert_non_null(strstr(err.text, "%2F %3F %23"));
        assert_null(strstr(err.text, "pa/"));
    }
}

/* Secrets in the path or the query: what is sent keeps them, what is shown does not. */
static void test_secrets(void **state)
{
    static const char *const cases[][2] = {
        {"rtsp://cam/live?channel=1&subtype=0", "rtsp://cam/live?channel=1&subtype=0"},
        {"rtsp://cam/live?user=admin&password=x1&channel=1",
         "rtsp://cam/live?user=admin&password=***&channel=1"},
        {"rtsp://cam/user=admin_password=x1_channel=1_stream=0.sdp?real_stream",
         "rtsp://cam/user=admin_password=***_channel=1_stream=0.sdp?real_stream"},
        {"rtsp://cam/user=admin_password=x_1_channel=1",
         "rtsp://cam/user=admin_password=***_channel=1"},
        {"rtsp://cam/user=admin&password=&channel=1",
         "rtsp://cam/user=admin&password=***&channel=1"},
        {"rtsp://cam/user=admin_password=_channel=1",
         "rtsp://cam/user=admin_password=***_channel=1"},
        {"rtsp://cam/s?PassWd=a;x=1", "rtsp://cam/s?PassWd=***;x=1"},
        {"rtsp://cam/s?pwd=a#top", "rtsp://cam/s?pwd=***#top"},
        {"rtsp://cam/s?user=u&pass=a=b", "rtsp://cam/s?user=u&pass=***"},
        {"rtsp://cam/s?access_token=a&authToken=b&auth=c&secret=d&apikey=e",
         "rtsp://cam/s?access_token=***&authToken=***&auth=***&secret=***&apikey=***"},
        {"rtsp://cam/s?keyframe=1&tokens=2&passage=3",
         "rtsp://cam/s?keyframe=1&tokens=2&passage=3"},
        {"rtsp://u:p@cam:8554/s?pwd=p@ss", "rtsp://cam:8554/s?pwd=***"},
        {"rtsp://cam?token=a", "rtsp://cam?token=***"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fv_url url;
        char text[FV_URL_MAX + 300];
        print_message("%s\n", cases[i][0]);
        assert_int_equal(fv_url_parse(cases[i][0], &url, NULL), 0);
        assert_string_equal(fv_url_display(&url, text, sizeof(text)), cases[i][1]);
        fv_url_format(&url, text, sizeof(text));
        assert_non_null(strstr(text, url.path));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),    cmocka_unit_test(test_zone),
        cmocka_unit_test(test_bad),     cmocka_unit_test(test_password_that_ends_early),
        cmocka_unit_test(test_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

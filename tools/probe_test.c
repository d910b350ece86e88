// SPDX-License-Identifier: Apache-2.0
/* Figures out of pictures, and what they mean. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "probe.h"

#define MS INT64_C(1000000)
#define WALL INT64_C(1700000000000000000)

/* A picture of 1000 bytes. */
static void show(struct fv_probe_measure *measure, int64_t pts, uint32_t flags, uint32_t epoch)
{
    struct fv_access_unit unit = {
        .size = 1000, .flags = flags, .epoch = epoch, .pts = pts, .wall = FV_TIME_UNKNOWN};
    fv_probe_measure(measure, &unit, WALL);
}

static void test_nothing(void **state)
{
    struct fv_probe_measure measure = {0};
    struct fv_probe_figures figures;
    fv_probe_figures(&measure, &figures);
    assert_int_equal(figures.pictures, 0);
    assert_true(isnan(figures.fps) && isnan(figures.bit_rate) && isnan(figures.gop_s));
    assert_true(isnan(figures.gop_open_s) && isnan(figures.clock_offset_s));
    show(&measure, 0, FV_FRAME_KEY, 0);
    fv_probe_figures(&measure, &figures);
    assert_int_equal(figures.pictures, 1);
    assert_true(isnan(figures.fps) && isnan(figures.bit_rate) && isnan(figures.gop_s));
    assert_true(figures.gop_open_s == 0);
}

/* 25 pictures a second, keys every 5: pictures 0..12. */
static void test_steady(void **state)
{
    struct fv_probe_measure measure = {0};
    struct fv_probe_figures figures;
    for (int i = 0; i < 13; i++)
        show(&measure, i * 40 * MS, i % 5 ? 0 : FV_FRAME_KEY, 7);
    fv_probe_figures(&measure, &figures);
    assert_true(fabs(figures.fps - 25) < 1e-9);
    assert_true(fabs(figures.bit_rate - 25 * 8000) < 1e-6);
    assert_true(figures.gop_pictures == 5);
    assert_true(fabs(figures.gop_s - 0.2) < 1e-9);
    assert_true(fabs(figures.gop_open_s - 0.08) < 1e-9);
    assert_int_equal(figures.largest, 1000);
    assert_false(figures.b_pictures);
    assert_int_equal(figures.timeline_jumps, 0);
}

/* Decoding order I0 P3 B1 B2 P6 B4 B5: 7 pictures, shown 0..6. */
static void test_b_pictures(void **state)
{
    static const int order[] = {0, 3, 1, 2, 6, 4, 5};
    struct fv_probe_measure measure = {0};
    struct fv_probe_figures figures;
    for (int i = 0; i < 7; i++)
        show(&measure, order[i] * 100 * MS, i ? 0 : FV_FRAME_KEY, 0);
    fv_probe_figures(&measure, &figures);
    assert_true(figures.b_pictures);
    assert_true(fabs(figures.fps - 10) < 1e-9);
}

/* A stream without key pictures: recovery points, the first of them with pictures that are not whole. */
static void test_refresh(void **state)
{
    struct fv_probe_measure measure = {0};
    struct fv_probe_figures figures;
    for (int i = 0; i < 12; i++)
        show(&measure, i * 100 * MS,
             (i % 5 ? 0 : FV_FRAME_KEY | FV_FRAME_RECOVERY) | (i < 4 ? FV_FRAME_PARTIAL : 0), 0);
    fv_probe_figures(&measure, &figures);
    assert_true(figures.refreshed);
    assert_int_equal(figures.partial, 4);
    assert_true(figures.gop_pictures == 5);
    show(&measure, 1200 * MS, FV_FRAME_KEY, 0);
    fv_probe_figures(&measure, &figures);
    assert_false(figures.refreshed);
}

/* Neither the pause between two epochs nor the GOP that it cuts counts. */
static void test_epochs(void **state)
{
    struct fv_probe_measure measure = {0};
    struct fv_probe_figures figures;
    for (int i = 0; i < 6; i++)
        show(&measure, i * 100 * MS, i ? 0 : FV_FRAME_KEY, 0);
    for (int i = 0; i < 6; i++)
        show(&measure, 9000 * MS + i * 100 * MS, i ? 0 : FV_FRAME_KEY, 1);
    fv_probe_figures(&measure, &figures);
    assert_int_equal(figures.pictures, 12);
    assert_int_equal(figures.timeline_jumps, 1);
    assert_true(fabs(figures.fps - 10) < 1e-9);
    assert_true(isnan(figures.gop_s));
    assert_false(figures.b_pictures);
}

static void test_clock(void **state)
{
    struct fv_probe_measure measure = {0};
    struct fv_probe_figures figures;
    struct fv_access_unit unit = {.size = 1, .wall = WALL - 3500 * MS, .format = 1};
    fv_probe_measure(&measure, &unit, WALL);
    unit.format = 2;
    fv_probe_measure(&measure, &unit, WALL);
    fv_probe_figures(&measure, &figures);
    assert_true(fabs(figures.clock_offset_s + 3.5) < 1e-9);
    assert_int_equal(figures.format_changes, 1);
}

/* --- Advice --- */

/* A camera that plays and leaves nothing to be desired. */
static struct fv_probe_findings sound(void)
{
    struct fv_probe_findings f = {
        .url = {.plain = "rtsp://cam/x", .scheme = "rtsp", .host = "cam", .has_login = true},
        .played = true,
        .seconds = 10,
        .details = {.login = "Digest MD5",
                    .transport = "tcp",
                    .codec = "h264",
                    .width = 1920,
                    .height = 1080,
                    .bit_depth = 8,
                    .chroma = 1,
                    .declared_fps = 25,
                    .sender_reports = 2},
        .stats = {.packets = 1000, .drift_ppm = NAN},
        .figures = {.fps = 25, .gop_s = 2, .gop_longest_s = 2, .clock_offset_s = -0.1},
    };
    return f;
}

static bool advised(const struct fv_probe_findings *f, const char *text)
{
    struct fv_probe_advice advice;
    fv_probe_advise(f, &advice);
    for (unsigned i = 0; i < advice.count; i++) {
        if (strstr(advice.texts[i], text))
            return true;
    }
    return false;
}

static unsigned count(const struct fv_probe_findings *f)
{
    struct fv_probe_advice advice;
    fv_probe_advise(f, &advice);
    return advice.count;
}

static void test_sound_camera(void **state)
{
    struct fv_probe_findings f = sound();
    assert_int_equal(count(&f), 0);
    f.figures = (struct fv_probe_figures){.fps = NAN,
                                          .bit_rate = NAN,
                                          .gop_pictures = NAN,
                                          .gop_s = NAN,
                                          .gop_longest_s = NAN,
                                          .gop_open_s = NAN,
                                          .clock_offset_s = NAN};
    f.seconds = 1;
    assert_int_equal(count(&f), 0);
}

/* Each flaw alone brings exactly its own advice. */
static void test_one_flaw(void **state)
{
    struct fv_probe_findings f;
#define FLAW(change, text)                                                                         \
    f = sound();                                                                                   \
    change;                                                                                        \
    assert_true(advised(&f, text));                                                                \
    assert_int_equal(count(&f), 1)
    FLAW(f.figures.gop_longest_s = 30, "only every 30.0 s:");
    FLAW(f.figures.gop_open_s = 9, "only every 9.0 s or more");
    FLAW((f.figures.refreshed = true, f.figures.partial = 50), "took 2.0 s to be whole");
    FLAW(f.details.login = "Basic", "in the clear");
    FLAW(f.details.login = "none", "no login");
    FLAW(f.details.sender_reports = 0, "no sender reports");
    FLAW(f.figures.clock_offset_s = NAN, "make no sense");
    FLAW(f.figures.clock_offset_s = -60, "60.0 s behind");
    FLAW(f.stats.drift_ppm = -300, "300 ppm too slow");
    FLAW(f.figures.b_pictures = true, "has B-pictures");
    FLAW((f.details.reorder_known = true, f.details.reorder_frames = 2), "2 pictures of delay");
    FLAW(f.stats.lost = 5, "although TCP");
    FLAW((f.stats.lost = 1000, f.details.transport = "udp"), "50.00 %");
    f = sound();
    f.stats.lost = 5;
    f.stats.access_units = 12;
    f.spoilt = 88;
    assert_true(advised(&f, "cost 88 of 100 pictures"));
    assert_int_equal(count(&f), 2);
    f.stats.lost = 0; /* or made up for by duplicates */
    assert_true(advised(&f, "Damaged pictures cost 88 of 100"));
    assert_int_equal(count(&f), 1);
    FLAW(f.stats.jitter_us = 80000, "jitter 80 ms");
    FLAW((f.stats.failures = 1, strcpy(f.reason, "it ended")), "1 time meanwhile: it ended");
    FLAW(f.details.keepalives_unanswered = 1, "keepalives");
    FLAW(f.figures.fps = 12, "declares 25.0 pictures a second and sends 12.0");
    FLAW((f.details.width = 3840, f.details.height = 2160), "sub stream");
    FLAW(f.details.interlaced = true, "interlaced");
    FLAW(f.details.bit_depth = 10, "10 bit and chroma 4:2:0");
    FLAW(f.figures.format_changes = 2, "2 times in mid-stream");
    FLAW(f.figures.timeline_jumps = 1, "jumped 1 time.");
#undef FLAW
}

static void test_basic_over_tls_is_fine(void **state)
{
    struct fv_probe_findings f = sound();
    f.details.login = "Basic";
    strcpy(f.url.scheme, "rtsps");
    assert_int_equal(count(&f), 0);
}

static void test_failures(void **state)
{
    static const struct {
        enum fv_camera_state in;
        int code;
        unsigned status;
        bool login;
        const char *text;
        unsigned count;
    } cases[] = {
        {FV_CAMERA_RESOLVING, -ENOENT, 0, true, "host name does not exist", 1},
        {FV_CAMERA_CONNECTING, -ECONNREFUSED, 0, true, "nothing listens", 2},
        {FV_CAMERA_CONNECTING, -ETIMEDOUT, 0, true, "'ping'", 1},
        {FV_CAMERA_NEGOTIATING, -EACCES, 401, true, "User name or password", 2},
        {FV_CAMERA_NEGOTIATING, -EACCES, 401, false, "rtsp://USER:PASSWORD@cam/", 1},
        {FV_CAMERA_NEGOTIATING, -EACCES, 403, true, "may not watch", 1},
        {FV_CAMERA_NEGOTIATING, -ENOENT, 404, true, "no stream at this path", 1},
        {FV_CAMERA_NEGOTIATING, -EACCES, 453, true, "no bandwidth left", 1},
        {FV_CAMERA_BUFFERING, -ENOTSUP, 0, true, "cannot be received here", 1},
        {FV_CAMERA_NEGOTIATING, -ENOTSUP, 461, true, "does not offer this transport", 1},
        {FV_CAMERA_NEGOTIATING, -EBADMSG, 0, true, "does not speak RTSP", 1},
        {FV_CAMERA_NEGOTIATING, -ETIMEDOUT, 0, true, "not answered", 1},
        {FV_CAMERA_BUFFERING, -ETIMEDOUT, 0, true, "I-frame interval", 2},
        {FV_CAMERA_NEGOTIATING, -EPROTO, 999, true, "all that is known", 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fv_probe_findings f = sound();
        f.played = false;
        f.code = cases[i].code;
        f.failed_in = cases[i].in;
        f.details.status = cases[i].status;
        f.url.has_login = cases[i].login;
        assert_true(advised(&f, cases[i].text));
        assert_int_equal(count(&f), cases[i].count);
    }
}

/* TCP stands, TLS does not: nothing about addresses and firewalls. */
static void test_no_tls(void **state)
{
    struct fv_probe_findings f = sound();
    f.played = false;
    f.failed_in = FV_CAMERA_CONNECTING;
    f.details.reached = true;
    f.code = -EACCES;
    assert_true(advised(&f, "certificate was refused"));
    assert_int_equal(count(&f), 1);
    f.code = -ETIMEDOUT;
    assert_true(advised(&f, "TLS handshake failed"));
    assert_int_equal(count(&f), 1);
}

/* 401, and the password is not the reason. */
static void test_login_that_was_not_tried(void **state)
{
    struct fv_probe_findings f = sound();
    f.played = false;
    f.failed_in = FV_CAMERA_NEGOTIATING;
    f.code = -EACCES;
    f.details.status = 401;
    f.url.has_login = true;
    f.details.login = "none";
    assert_true(advised(&f, "kind that Fovea does not know"));
    assert_int_equal(count(&f), 1);
    f.details.login = "Basic";
    f.details.login_withheld = true;
    assert_true(advised(&f, "only to the host in the address"));
    assert_int_equal(count(&f), 1);
}

/* Loss, and not the camera, is what is to be said first. */
static void test_losses(void **state)
{
    struct fv_probe_findings f = sound();
    f.stats.packets = 70;
    f.stats.lost = 30;
    f.figures.fps = f.details.declared_fps / 2;
    assert_false(advised(&f, "declares"));
    f.played = false;
    f.code = -ETIMEDOUT;
    f.failed_in = FV_CAMERA_BUFFERING;
    struct fv_probe_advice advice;
    fv_probe_advise(&f, &advice);
    assert_non_null(strstr(advice.texts[0], "30 % of the packets were lost"));
}

/* There was a stream to play; why it did not is another matter. */
static void test_chosen_stream(void **state)
{
    struct fv_probe_findings f = sound();
    f.played = false;
    f.code = -ENOTSUP;
    f.failed_in = FV_CAMERA_NEGOTIATING;
    f.details.offer_count = 1;
    f.details.offers[0].chosen = true;
    assert_false(advised(&f, "no video that can be read"));
}

static void test_no_usable_stream(void **state)
{
    struct fv_probe_findings f = sound();
    f.played = false;
    f.code = -ENOTSUP;
    f.failed_in = FV_CAMERA_NEGOTIATING;
    f.details.offer_count = 1;
    assert_true(advised(&f, "no video that can be read"));
    assert_int_equal(count(&f), 1);
}

static void test_names(void **state)
{
    char text[40];
    assert_string_equal(fv_probe_profile("h264", 100, text, sizeof(text)), "High");
    assert_string_equal(fv_probe_profile("h265", 2, text, sizeof(text)), "Main 10");
    assert_string_equal(fv_probe_profile("h265", 100, text, sizeof(text)), "profile 100");
    assert_string_equal(fv_probe_level("h264", 41, text, sizeof(text)), "4.1");
    assert_string_equal(fv_probe_level("h264", 9, text, sizeof(text)), "1b");
    assert_string_equal(fv_probe_level("h265", 123, text, sizeof(text)), "4.1");
    assert_string_equal(fv_probe_level("av1", 8, text, sizeof(text)), "4.0");
    assert_string_equal(fv_probe_level("jpeg", 0, text, sizeof(text)), "");
    assert_string_equal(fv_probe_profile("jpeg", 0, text, sizeof(text)), "Baseline");
    assert_string_equal(fv_probe_codec("h265"), "H.265");
    assert_string_equal(fv_probe_codec("jpeg"), "JPEG");
    assert_string_equal(fv_probe_codec("none"), "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_steady),
        cmocka_unit_test(test_b_pictures),
        cmocka_unit_test(test_refresh),
        cmocka_unit_test(test_epochs),
        cmocka_unit_test(test_clock),
        cmocka_unit_test(test_sound_camera),
        cmocka_unit_test(test_one_flaw),
        cmocka_unit_test(test_basic_over_tls_is_fine),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_no_tls),
        cmocka_unit_test(test_login_that_was_not_tried),
        cmocka_unit_test(test_chosen_stream),
        cmocka_unit_test(test_losses),
        cmocka_unit_test(test_no_usable_stream),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "validate/mot.h"

#define NEAR 1e-12

static int read_text(const char *text, double least, struct fv_mot_rows *ret_rows,
                     struct fv_error *err)
{
    /* fmemopen() refuses 0 bytes: a blank line is the same here. */
    const char *some = *text ? text : "\n";
    FILE *file = fmemopen((void *)(uintptr_t)some, strlen(some), "r");
    assert_non_null(file);
    int r = fv_mot_read(file, "text", least, ret_rows, err);
    fclose(file);
    return r;
}

static int score(const char *truth, const char *tracks, struct fv_mot_scores *ret_scores)
{
    struct fv_mot_rows objects = {0}, found = {0};
    struct fv_error err = {0};
    int r = read_text(truth, 1, &objects, &err);
    if (r == 0)
        r = read_text(tracks, -1, &found, &err);
    if (r == 0)
        r = fv_mot_score(&objects, &found, ret_scores, &err);
    fv_mot_rows_finish(&objects);
    fv_mot_rows_finish(&found);
    assert_int_equal(err.code, r);
    return r;
}

/* Boxes are 10 x 10 where nothing else is said, so that a shift by s overlaps by (10 - s) / (10 + s). */
static const struct {
    const char *name;
    const char *truth, *tracks;
    struct fv_mot_scores scores;
} cases[] = {
    {"perfect",
     "1,1,5,5,10,10,1\n2,1,6,5,10,10,1\n",
     "1,7,5,5,10,10,-1\n2,7,6,5,10,10,-1\n",
     {.num_frames = 2, .num_matches = 2, .mostly_tracked = 1, .mota = 1, .motp = 0, .idf1 = 1}},
    /* Frame 3 is a switch, frame 4 goes on. Each id covers 2 of 4 boxes: 2 * 2 / (4 + 4). */
    {"switch",
     "1 1 5 5 10 10 1\n2 1 5 5 10 10 1\n3 1 5 5 10 10 1\n4 1 5 5 10 10 1\n",
     "1 5 5 5 10 10 1\n2 5 5 5 10 10 1\n3 6 5 5 10 10 1\n4 6 5 5 10 10 1\n",
     {.num_frames = 4,
      .num_matches = 3,
      .num_switches = 1,
      .mostly_tracked = 1,
      .mota = 0.75,
      .motp = 0,
      .idf1 = 0.5}},
    /* The gap in frame 3 breaks the object; after frame 4 it is never found again: no fragment. */
    {"fragment",
     "1,1,5,5,10,10,1\n2,1,5,5,10,10,1\n3,1,5,5,10,10,1\n4,1,5,5,10,10,1\n5,1,5,5,10,10,1\n",
     "1,1,5,5,10,10,1\n2,1,5,5,10,10,1\n4,1,5,5,10,10,1\n",
     {.num_frames = 5,
      .num_matches = 3,
      .num_misses = 2,
      .num_fragmentations = 1,
      .partially_tracked = 1,
      .mota = 0.6,
      .motp = 0,
      .idf1 = 0.75}},
    /* Track 1 was the partner: it stays, shifted by 2 (distance 1/3), though track 2 lies right on the object. */
    {"partner stays",
     "1,1,5,5,10,10,1\n2,1,5,5,10,10,1\n",
     "1,1,5,5,10,10,1\n2,2,5,5,10,10,1\n2,1,7,5,10,10,1\n",
     {.num_frames = 2,
      .num_matches = 2,
      .num_false_positives = 1,
      .mostly_tracked = 1,
      .mota = 0.5,
      .motp = 1.0 / 6,
      .idf1 = 0.8}},
    /* Objects at 0 and 3, tracks at 2 and 5: the nearest pair (3 and 2) would leave the others alone. Two pairs at 1/3. */
    {"as many as can be",
     "1,1,0,0,10,10,1\n1,2,3,0,10,10,1\n",
     "1,1,2,0,10,10,1\n1,2,5,0,10,10,1\n",
     {.num_frames = 1,
      .num_matches = 2,
      .mostly_tracked = 2,
      .mota = 1,
      .motp = 1.0 / 3,
      .idf1 = 1}},
    {"just enough",
     "1,1,0,0,10,10,1\n",
     "1,1,0,0,10,5,1\n",
     {.num_frames = 1, .num_matches = 1, .mostly_tracked = 1, .mota = 1, .motp = 0.5, .idf1 = 1}},
    {"not quite enough",
     "1,1,0,0,10,10,1\n",
     "1,1,0,0,10,4.99,1\n",
     {.num_frames = 1,
      .num_misses = 1,
      .num_false_positives = 1,
      .mostly_lost = 1,
      .mota = -1,
      .motp = NAN,
      .idf1 = 0}},
    /* What does not count in the truth is no miss; who finds it is wrong. Tracks below -1 are not there. */
    {"ignored rows",
     "1,1,0,0,10,10,1\n1,2,50,0,10,10,0\n1,3,90,0,10,10,0.99\n",
     "1,1,0,0,10,10,-1\n1,2,50,0,10,10,1\n1,9,70,0,10,10,-2\n",
     {.num_frames = 1,
      .num_matches = 1,
      .num_false_positives = 1,
      .mostly_tracked = 1,
      .mota = 0,
      .motp = 0,
      .idf1 = 2.0 / 3}},
    /* One track over two objects: no switch, for each object it is the first; but only one of them is it. */
    {"one id for two",
     "1,1,0,0,10,10,1\n2,1,0,0,10,10,1\n3,2,0,0,10,10,1\n4,2,0,0,10,10,1\n",
     "1,1,0,0,10,10,1\n2,1,0,0,10,10,1\n3,1,0,0,10,10,1\n4,1,0,0,10,10,1\n",
     {.num_frames = 4, .num_matches = 4, .mostly_tracked = 2, .mota = 1, .motp = 0, .idf1 = 0.5}},
    /* Found in 4 of 5 frames, 1 of 5, and 1 of 6. */
    {"how long",
     "1,1,0,0,10,10,1\n2,1,0,0,10,10,1\n3,1,0,0,10,10,1\n4,1,0,0,10,10,1\n5,1,0,0,10,10,1\n"
     "1,2,50,0,10,10,1\n2,2,50,0,10,10,1\n3,2,50,0,10,10,1\n4,2,50,0,10,10,1\n5,2,50,0,10,10,1\n"
     "1,3,90,0,10,10,1\n2,3,90,0,10,10,1\n3,3,90,0,10,10,1\n4,3,90,0,10,10,1\n5,3,90,0,10,10,1\n"
     "6,3,90,0,10,10,1\n",
     "1,1,0,0,10,10,1\n2,1,0,0,10,10,1\n3,1,0,0,10,10,1\n4,1,0,0,10,10,1\n"
     "3,2,50,0,10,10,1\n6,3,90,0,10,10,1\n",
     {.num_frames = 6,
      .num_matches = 6,
      .num_misses = 10,
      .mostly_tracked = 1,
      .partially_tracked = 1,
      .mostly_lost = 1,
      .mota = 0.375,
      .motp = 0,
      .idf1 = 12.0 / 22}},
    {"no truth",
     "",
     "1,1,0,0,10,10,1\n",
     {.num_frames = 1, .num_false_positives = 1, .mota = NAN, .motp = NAN, .idf1 = 0}},
    {"no tracks",
     "1,1,0,0,10,10,1\n",
     "\n\n",
     {.num_frames = 1, .num_misses = 1, .mostly_lost = 1, .mota = 0, .motp = NAN, .idf1 = 0}},
    {"nothing", "", "", {.mota = NAN, .motp = NAN, .idf1 = NAN}},
};

static void assert_same(double got, double expected)
{
    assert_int_equal(isnan(got), isnan(expected));
    if (!isnan(expected))
        assert_float_equal(got, expected, NEAR);
}

static void test_cases(void **state)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct fv_mot_scores *e = &cases[i].scores;
        struct fv_mot_scores s;
        print_message("case %s\n", cases[i].name);
        assert_int_equal(score(cases[i].truth, cases[i].tracks, &s), 0);
        assert_int_equal(s.num_frames, e->num_frames);
        assert_int_equal(s.num_matches, e->num_matches);
        assert_int_equal(s.num_switches, e->num_switches);
        assert_int_equal(s.num_false_positives, e->num_false_positives);
        assert_int_equal(s.num_misses, e->num_misses);
        assert_int_equal(s.num_fragmentations, e->num_fragmentations);
        assert_int_equal(s.mostly_tracked, e->mostly_tracked);
        assert_int_equal(s.partially_tracked, e->partially_tracked);
        assert_int_equal(s.mostly_lost, e->mostly_lost);
        assert_int_equal(s.num_objects, s.num_matches + s.num_switches + s.num_misses);
        assert_same(s.mota, e->mota);
        assert_same(s.motp, e->motp);
        assert_same(s.idf1, e->idf1);
    }
}

/* Of 4 boxes in the truth and 5 found, 3 agree: with object 1 as track 1. */
static void test_quotients(void **state)
{
    struct fv_mot_scores s;
    assert_int_equal(score("1,1,0,0,9,9,1\n2,1,0,0,9,9,1\n3,1,0,0,9,9,1\n4,1,0,0,9,9,1\n",
                           "1,1,0,0,9,9,1\n2,1,0,0,9,9,1\n3,1,0,0,9,9,1\n"
                           "1,2,80,0,9,9,1\n2,2,80,0,9,9,1\n",
                           &s),
                     0);
    assert_float_equal(s.idp, 0.6, NEAR);
    assert_float_equal(s.idr, 0.75, NEAR);
    assert_float_equal(s.idf1, 6.0 / 9, NEAR);
    assert_float_equal(s.precision, 0.6, NEAR);
    assert_float_equal(s.recall, 0.75, NEAR);
    assert_int_equal(s.num_predictions, 5);
    assert_int_equal(s.num_unique_objects, 1);
}

static void test_read(void **state)
{
    struct fv_mot_rows rows;
    struct fv_error err = {0};
    /* commas, blanks, tabs, more columns than needed, CR LF, out of order */
    assert_int_equal(
        read_text("3,2, 11.5 ,21,5,6,1,-1,x\r\n\r\n1\t9\t1 1 5 6 1\n3,1,2,2,5,6,1", 1, &rows, &err),
        0);
    assert_int_equal(rows.count, 3);
    assert_int_equal(rows.objects, 3);
    assert_int_equal(rows.list[0].frame, 1);
    assert_int_equal(rows.list[0].id, 9);
    assert_int_equal(rows.list[0].line, 3);
    assert_float_equal(rows.list[0].x, 0, 0);
    assert_int_equal(rows.list[1].id, 2); /* within a frame, as in the file */
    assert_float_equal(rows.list[1].x, 10.5, 0);
    assert_float_equal(rows.list[1].y, 20, 0);
    assert_float_equal(rows.list[1].height, 6, 0);
    assert_int_equal(rows.list[2].id, 1);
    fv_mot_rows_finish(&rows);
}

static void test_malformed(void **state)
{
    static const struct {
        const char *name, *text, *says;
    } bad[] = {
        {"six numbers", "1,1,0,0,9,9\n", "line 1"},
        {"a word", "1,1,0,0,9,9,1\n\n1,one,0,0,9,9,1\n", "line 3"},
        {"nothing between", "1,,0,0,9,9,1,1\n", "line 1"},
        {"half a frame", "1.5,1,0,0,9,9,1\n", "whole"},
        {"frame too large", "1e300,1,0,0,9,9,1\n", "whole"},
        {"infinite", "1,1,inf,0,9,9,1\n", "no number"},
        {"NaN", "1,1,0,nan,9,9,1\n", "no number"},
        {"too large", "1,1,0,0,9,1e10,1\n", "too large"},
        {"twice", "5,1,0,0,9,9,1\n1,1,0,0,9,9,1\n5,1,40,0,9,9,1\n", "line 3"},
        {"glued", "1,1,0,0,9,9x,1\n", "no number"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct fv_mot_rows rows;
        struct fv_error err = {0};
        print_message("case %s\n", bad[i].name);
        assert_int_equal(read_text(bad[i].text, 1, &rows, &err), -EBADMSG);
        assert_int_equal(err.code, -EBADMSG);
        assert_non_null(strstr(err.text, bad[i].says));
        assert_non_null(strstr(err.text, "text"));
    }
}

static void test_limits(void **state)
{
    char *text = calloc(FV_MOT_FRAME_ROWS_MAX + 1, 40), *end = text;
    char line[1200];
    struct fv_mot_rows rows;
    struct fv_error err = {0};
    assert_non_null(text);
    for (int i = 0; i < FV_MOT_FRAME_ROWS_MAX; i++)
        end += sprintf(end, "4,%d,0,0,9,9,1\n", i);
    assert_int_equal(read_text(text, 1, &rows, &err), 0);
    assert_int_equal(rows.objects, FV_MOT_FRAME_ROWS_MAX);
    fv_mot_rows_finish(&rows);
    sprintf(end, "4,-1,0,0,9,9,1\n");
    assert_int_equal(read_text(text, 1, &rows, &err), -ENOTSUP);
    free(text);

    memset(line, ' ', sizeof(line));
    memcpy(line, "1,1,0,0,9,9,1", 13);
    memcpy(line + sizeof(line) - 2, "\n", 2);
    assert_int_equal(read_text(line, 1, &rows, &err), -EBADMSG);
    assert_non_null(strstr(err.text, "too long"));
}

/* A NUL ends no line and hides nothing: neither what follows nor how long it is. */
static void test_not_text(void **state)
{
    static const char bytes[] = "1,1,0,0,9,9,1\n2,1,0,0,9,9,1\0,x\n";
    struct fv_mot_rows rows;
    struct fv_error err = {0};
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, sizeof(bytes) - 1, file), sizeof(bytes) - 1);
    rewind(file);
    assert_int_equal(fv_mot_read(file, "text", 1, &rows, &err), -EBADMSG);
    assert_string_equal(err.text, "text, line 2: this is no text.");
    fclose(file);
}

static void test_out_of_memory(void **state)
{
    unsigned n = 1;
    for (;; n++) {
        struct fv_mot_scores s = {0};
        fv_alloc_fail_at(n);
        int r = score("1,1,0,0,10,10,1\n", "1,1,0,0,10,10,1\n", &s);
        const bool pending = fv_alloc_fail_pending();
        fv_alloc_fail_at(0);
        if (pending) {
            assert_int_equal(r, 0);
            break;
        }
        assert_int_equal(r, -ENOMEM);
        assert_int_equal(s.num_matches, 0);
    }
    assert_true(n > 10);
}

static void test_files(void **state)
{
    char path[] = "/tmp/fovea-mot-test-XXXXXX";
    const char text[] = "1,1,0,0,10,10,1\n";
    struct fv_mot_scores s;
    struct fv_error err = {0};
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    assert_int_equal(fv_validate_mot(path, path, &s, &err), 0);
    assert_int_equal(s.num_matches, 1);
    assert_int_equal(fv_validate_mot(path, "/nonexistent/tracks", &s, &err), -ENOENT);
    assert_non_null(strstr(err.text, "/nonexistent/tracks"));
    assert_int_equal(fv_validate_mot("/nonexistent/gt", path, &s, NULL), -ENOENT);
    assert_int_equal(fv_validate_mot("/", path, &s, &err), -EIO);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),         cmocka_unit_test(test_quotients),
        cmocka_unit_test(test_read),          cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_limits),        cmocka_unit_test(test_not_text),
        cmocka_unit_test(test_out_of_memory), cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

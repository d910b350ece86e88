// SPDX-License-Identifier: Apache-2.0
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "sink/sink.h"

static const struct fv_sink_context context;

static void test_lines(void **state)
{
    (void)state;
    char path[] = "/tmp/fovea-mot-XXXXXX", text[400] = "";
    const int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, "old\n", 4), 4);
    close(file);
    const struct fv_sink_mot_config config = {path};
    static struct fv_result result;
    void *mot = NULL;
    struct fv_error err = {0};
    assert_int_equal(fv_sink_mot.open(&context, &config, &mot, &err), 0);
    result.info.number = 7;
    result.count = 3;
    result.detections[0] = (struct fv_detection){10, 20, 40.5f, 100.25f, 0.875f, 0, 3};
    result.detections[1] = (struct fv_detection){0, 0, 5, 5, 0.5f, 0, 0}; /* no track yet */
    result.detections[2] = (struct fv_detection){0, 0, 767.996f, 576, 1, 2, 12};
    assert_int_equal(fv_sink_mot.write(mot, &result, &err), 0);
    result.info.number = 8;
    result.count = 0;
    assert_int_equal(fv_sink_mot.write(mot, &result, &err), 0);
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    assert_true(fread(text, 1, sizeof(text) - 1, in) > 0);
    fclose(in);
    fv_sink_mot.close(mot);
    unlink(path);
    assert_string_equal(text, "7,3,11.00,21.00,30.50,80.25,0.8750,-1,-1,-1\n"
                              "7,12,1.00,1.00,768.00,576.00,1.0000,-1,-1,-1\n");
}

static void test_refused(void **state)
{
    (void)state;
    const struct fv_sink_mot_config nowhere = {"/nowhere/tracks.txt"}, folder = {"/tmp"};
    void *mot = NULL;
    struct fv_error err = {0};
    assert_int_equal(fv_sink_mot.open(&context, &nowhere, &mot, &err), -ENOENT);
    assert_non_null(strstr(err.text, "/nowhere/tracks.txt"));
    assert_int_equal(fv_sink_mot.open(&context, &folder, &mot, &err), -EACCES);
    for (unsigned n = 1; n <= 2; n++) {
        fv_alloc_fail_at(n);
        assert_int_equal(fv_sink_mot.open(&context, &nowhere, &mot, &err), -ENOMEM);
        fv_alloc_fail_at(0);
    }
    assert_null(mot);
    fv_sink_mot.close(NULL);
}

/* A full disk is said so by the write that it fails, also by the last one. */
static void test_full(void **state)
{
    (void)state;
    const struct fv_sink_mot_config config = {"/dev/full"};
    static struct fv_result result;
    void *mot = NULL;
    struct fv_error err = {0};
    assert_int_equal(fv_sink_mot.open(&context, &config, &mot, &err), 0);
    result.count = 1;
    result.detections[0] = (struct fv_detection){0, 0, 5, 5, 0.5f, 0, 1};
    assert_int_equal(fv_sink_mot.write(mot, &result, &err), -EIO);
    assert_non_null(strstr(err.text, "/dev/full cannot be written: No space left on device"));
    fv_sink_mot.close(mot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

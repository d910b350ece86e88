// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "movie/ivf.h"

/* Header of 34 bytes, 30000 / 1001 a second, then frames of 3 and 1 bytes. */
static const uint8_t file[] = {
    'D', 'K', 'I', 'F', 0,  0,  34, 0, 'A', 'V', '0', '1', 64, 1, 240, 0, 48, 117, 0, 0, 0xe9,
    3,   0,   0,   2,   0,  0,  0,  0, 0,   0,   0,   7,   7,  3, 0,   0, 0,  9,   0, 0, 0,
    1,   0,   0,   0,   11, 12, 13, 1, 0,   0,   0,   255, 0,  0, 0,   0, 0,  0,   0, 21};

static void test_whole(void **state)
{
    (void)state;
    struct fv_ivf ivf;
    struct fv_ivf_frame frame;
    assert_int_equal(fv_ivf_open(&ivf, file, sizeof(file)), 0);
    assert_int_equal(ivf.codec, FV_CODEC_AV1);
    assert_int_equal(ivf.rate, 30000);
    assert_int_equal(ivf.scale, 1001);
    assert_int_equal(fv_ivf_next(&ivf, file, sizeof(file), &frame), 1);
    assert_int_equal(frame.size, 3);
    assert_int_equal(frame.data[0], 11);
    assert_true(frame.time == ((uint64_t)1 << 32) + 9);
    assert_int_equal(fv_ivf_next(&ivf, file, sizeof(file), &frame), 1);
    assert_int_equal(frame.size, 1);
    assert_int_equal(frame.data[0], 21);
    assert_int_equal(frame.time, 255);
    assert_int_equal(fv_ivf_next(&ivf, file, sizeof(file), &frame), 0);
}

/* Cut off anywhere: an error within the header, then as many frames as are whole. */
static void test_every_prefix(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof(file); n++) {
        uint8_t *copy = malloc(n ? n : 1);
        struct fv_ivf ivf;
        struct fv_ivf_frame frame;
        assert_non_null(copy);
        memcpy(copy, file, n);
        int frames = 0, code = fv_ivf_open(&ivf, copy, n);
        assert_int_equal(code, n < 32 ? -EBADMSG : 0);
        while (code == 0 && fv_ivf_next(&ivf, copy, n, &frame) > 0)
            frames++;
        assert_int_equal(frames, n >= 34 + 12 + 3);
        free(copy);
    }
}

static void test_bad_headers(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint8_t value;
        int code;
    } cases[] = {
        {0, 'd', -EBADMSG},
        {4, 1, -EBADMSG},
        {6, 31, -EBADMSG},
        {9, 'v', -ENOTSUP},
        {19, 64, -EBADMSG} /* rate beyond the bound */,
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t copy[sizeof(file)];
        struct fv_ivf ivf;
        memcpy(copy, file, sizeof(file));
        copy[cases[i].at] = cases[i].value;
        assert_int_equal(fv_ivf_open(&ivf, copy, sizeof(copy)), cases[i].code);
    }
    uint8_t copy[sizeof(file)];
    struct fv_ivf ivf;
    struct fv_ivf_frame frame;
    memcpy(copy, file, sizeof(file));
    memset(copy + 16, 0, 4); /* no rate */
    assert_int_equal(fv_ivf_open(&ivf, copy, sizeof(copy)), -EBADMSG);
    assert_int_equal(fv_ivf_open(&ivf, file, sizeof(file)), 0);
    memcpy(copy, file, sizeof(file));
    copy[37] = 0xff; /* a frame of 4 GB */
    assert_int_equal(fv_ivf_next(&ivf, copy, sizeof(copy), &frame), -EBADMSG);
    memset(copy + 34, 0, 4); /* an empty one */
    assert_int_equal(fv_ivf_next(&ivf, copy, sizeof(copy), &frame), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_every_prefix),
        cmocka_unit_test(test_bad_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
/* Raw streams; containers are read by the tests of the program, which has ffmpeg make some. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "movie/movie.h"
#include "sim/testkit.h"

static char path[] = "/tmp/fovea-movie-XXXXXX";

static int write_stream(const struct kit_stream *stream)
{
    size_t size;
    uint8_t *data = kit_make(stream, &size);
    strcpy(path + strlen(path) - 6, "XXXXXX");
    kit_write(path, data, size);
    free(data);
    return 0;
}

static struct fv_movie *open_movie(const struct kit_stream *stream, double fps)
{
    const struct fv_movie_params params = {.path = path, .fps = fps};
    struct fv_movie *movie = NULL;
    struct fv_error err = {0};
    write_stream(stream);
    if (fv_movie_open(&params, &movie, &err) < 0)
        fail_msg("%s", err.text);
    return movie;
}

static void test_raw_stream(void **state)
{
    (void)state;
    const struct kit_stream stream = {.pictures = 7, .gop = 3, .slice = 3000};
    struct fv_movie *movie = open_movie(&stream, 7);
    struct fv_movie_unit unit;
    struct fv_error err = {0};
    double done = fv_movie_done(movie);
    assert_int_equal(fv_movie_codec(movie)->codec, FV_CODEC_H264);
    assert_int_equal(fv_movie_interval(movie), 12857); /* 90,000 / 7 */
    assert_float_equal(done, 0, 0);
    for (int i = 0; i < 7; i++) {
        assert_int_equal(fv_movie_next(movie, &unit, &err), 1);
        assert_int_equal(unit.send, (i * 90000 + 3) / 7); /* rounded, and no drift */
        assert_int_equal(unit.time, unit.send);
        assert_true(unit.size > 3000);
        assert_int_equal(unit.key, i % 3 == 0);
        assert_true(fv_movie_done(movie) > done);
        done = fv_movie_done(movie);
    }
    assert_float_equal(done, 1, 0);
    assert_int_equal(fv_movie_next(movie, &unit, &err), 0);
    assert_int_equal(fv_movie_next(movie, &unit, &err), 0);
    fv_movie_close(movie);
    unlink(path);
}

/* A stream that does not say its rate has 25 pictures a second. */
static void test_rate(void **state)
{
    (void)state;
    const struct kit_stream stream = {.pictures = 2, .gop = 2, .slice = 10};
    struct fv_movie *movie = open_movie(&stream, 0);
    assert_int_equal(fv_movie_interval(movie), 3600);
    fv_movie_close(movie);
    unlink(path);
}

static void test_bad_files(void **state)
{
    (void)state;
    struct fv_movie *movie = NULL;
    struct fv_error err = {0};
    assert_int_equal(fv_movie_open(&(struct fv_movie_params){.path = "/nowhere/x"}, &movie, &err),
                     -ENOENT);
    assert_non_null(strstr(err.text, "/nowhere/x"));
    assert_int_equal(fv_movie_open(&(struct fv_movie_params){.path = "/tmp"}, &movie, &err), -EISDIR);
    assert_int_equal(
        fv_movie_open(&(struct fv_movie_params){.path = "/tmp", .fps = -1}, &movie, &err), -EINVAL);
    const struct kit_stream stream = {.pictures = 2, .gop = 2, .slice = 10};
    write_stream(&stream);
    assert_int_equal(
        fv_movie_open(&(struct fv_movie_params){.path = path, .codec = "av1"}, &movie, &err),
        -EINVAL);
    unlink(path);
    assert_null(movie);
    fv_movie_close(NULL);
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    const struct kit_stream stream = {.pictures = 2, .gop = 2, .slice = 10};
    write_stream(&stream);
    unsigned n = 0;
    int rc;
    do {
        struct fv_movie *movie = NULL;
        struct fv_error err = {0};
        fv_alloc_fail_at(++n);
        rc = fv_movie_open(&(struct fv_movie_params){.path = path}, &movie, &err);
        assert_true(rc == 0 || rc == -ENOMEM);
        fv_movie_close(movie);
    } while (!fv_alloc_fail_pending());
    fv_alloc_fail_at(0);
    assert_int_equal(rc, 0);
    assert_int_equal(n, 3); /* the movie, its data */
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_raw_stream),
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

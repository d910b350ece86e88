// SPDX-License-Identifier: Apache-2.0
/* Raw streams and IVF; containers are read by the tests of the program, which has ffmpeg make some. */
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
    assert_int_equal(fv_movie_codec(movie), FV_CODEC_H264);
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

static struct fv_movie *open_bytes(const uint8_t *data, size_t size, double fps)
{
    const struct fv_movie_params params = {.path = path, .fps = fps};
    struct fv_movie *movie = NULL;
    struct fv_error err = {0};
    strcpy(path + strlen(path) - 6, "XXXXXX");
    kit_write(path, data, size);
    if (fv_movie_open(&params, &movie, &err) < 0)
        fail_msg("%s", err.text);
    return movie;
}

#define IVF(codec)                                                                                 \
    "DKIF\0\0\x20\0" codec "\x40\x01\xf0\0"                                                        \
    "\xe8\3\0\0\1\0\0\0\2\0\0\0\0\0\0\0" /* times in ms */
#define FRAME(size, time) size "\0\0\0" time "\0\0\0\0\0\0\0"

/* Two frames 40 ms apart, and one whose time goes back: it follows after the same interval. */
static void test_ivf_vp9(void **state)
{
    (void)state;
    static const char file[] =
        IVF("VP90") FRAME("\x0b", "\0") "\x82\x49\x83\x42\x00\x14\x10\x0f\x16\x04\x38" FRAME(
            "\2", "\x28") "\x86\x11" FRAME("\2", "\x28") "\x86\x22";
    static const int64_t times[] = {0, 3600, 7200};
    struct fv_movie_unit unit;
    struct fv_error err;
    struct fv_movie *movie = open_bytes((const uint8_t *)file, sizeof(file) - 1, 0);
    assert_int_equal(fv_movie_codec(movie), FV_CODEC_VP9);
    assert_int_equal(fv_movie_interval(movie), 3600);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(fv_movie_next(movie, &unit, &err), 1);
        assert_int_equal(unit.size, i ? 2 : 11);
        assert_int_equal(unit.data[0], i ? 0x86 : 0x82);
        assert_int_equal(unit.key, i == 0);
        assert_int_equal(unit.send, times[i]);
        assert_int_equal(unit.time, times[i]);
    }
    assert_int_equal(fv_movie_next(movie, &unit, &err), 0);
    assert_float_equal(fv_movie_done(movie), 1, 0);
    fv_movie_close(movie);
    /* Told otherwise: 10 a second. */
    movie = open_bytes((const uint8_t *)file, sizeof(file) - 1, 10);
    assert_int_equal(fv_movie_interval(movie), 9000);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(fv_movie_next(movie, &unit, &err), 1);
        assert_int_equal(unit.send, 9000 * i);
    }
    fv_movie_close(movie);
    unlink(path);
}

/* The temporal delimiter goes, the frame without size gets one; a unit of nothing else is none. */
static void test_ivf_av1(void **state)
{
    (void)state;
    static const char sequence[] = "\x0a\x0b\0\0\0\x04\x3d\x07\xc4\xfb\xf9\0\x40";
    static const char file[] =
        IVF("AV01") FRAME("\x13", "\0") "\x12\0"
                                        "\x0a\x0b\0\0\0\x04\x3d\x07\xc4\xfb\xf9\0\x40"
                                        "\x32\2\x10\x55" FRAME("\2", "\5") "\x12\0" FRAME(
                                            "\5", "\x0a") "\x12\0\x30\x30\x55";
    struct fv_movie_unit unit;
    struct fv_error err;
    struct fv_movie *movie = open_bytes((const uint8_t *)file, sizeof(file) - 1, 0);
    assert_int_equal(fv_movie_codec(movie), FV_CODEC_AV1);
    assert_int_equal(fv_movie_next(movie, &unit, &err), 1);
    assert_int_equal(unit.size, 17);
    assert_memory_equal(unit.data, sequence, 13);
    assert_memory_equal(unit.data + 13, "\x32\2\x10\x55", 4);
    assert_true(unit.key);
    assert_int_equal(fv_movie_next(movie, &unit, &err), 1);
    assert_int_equal(unit.size, 4);
    assert_memory_equal(unit.data, "\x32\2\x30\x55", 4);
    assert_int_equal(unit.time, 900);
    assert_false(unit.key);
    assert_int_equal(fv_movie_next(movie, &unit, &err), 0);
    fv_movie_close(movie);
    unlink(path);
}

#define TABLE "\xff\xc4\0\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1" /* any DHT */
#define IMAGE "\xff\xd8" TABLE BARE
#define BARE "\xff\xc0\0\x0b\x08\0\x10\0\x10\1\1\x11\0\xff\xda\0\x08\1\1\0\0\x3f\0\x12\xff\xd9"

/* Images with something between them, the last one cut off. */
static void test_images(void **state)
{
    (void)state;
    static const char file[] = IMAGE IMAGE "\r\n--x\r\n" IMAGE "\xff\xd8\xff\xc0\0\x0b\x08";
    struct fv_movie_unit unit;
    struct fv_error err = {0};
    struct fv_movie *movie = open_bytes((const uint8_t *)file, sizeof(file) - 1, 0);
    assert_int_equal(fv_movie_codec(movie), FV_CODEC_JPEG);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(fv_movie_next(movie, &unit, &err), 1);
        assert_int_equal(unit.size, sizeof(IMAGE) - 1);
        assert_memory_equal(unit.data, IMAGE, sizeof(IMAGE) - 1);
        assert_int_equal(unit.send, 3600 * i);
        assert_true(unit.key);
    }
    assert_int_equal(fv_movie_next(movie, &unit, &err), -EBADMSG);
    assert_non_null(strstr(err.text, "ends within the picture at byte 157"));
    assert_float_equal(fv_movie_done(movie), 1, 0);
    assert_int_equal(fv_movie_next(movie, &unit, &err), 0);
    fv_movie_close(movie);
    unlink(path);
}

/* An image whose end is not found goes up to the next one. */
static void test_bad_images(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
    } bad[] = {
        {"\xff\xd8\xff\xdb\0\1\0", 7},                /* a length below 2 */
        {"\xff\xd8\xff\xdb\xff\xff\0", 7},            /* one that leads out of the file */
        {IMAGE, sizeof(IMAGE) - 3},                   /* cut within its scan */
        {"\xff\xd8\xff\0", 4},                        /* no marker */
        {"\xff\xd8\xff\xdb\0\4\0\0\x12\xff\xd9", 11}, /* something else than a segment */
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        static const char good[] = IMAGE;
        uint8_t file[256];
        struct fv_movie_unit unit;
        struct fv_error err = {0};
        memcpy(file, good, sizeof(good) - 1);
        memcpy(file + sizeof(good) - 1, bad[i].bytes, bad[i].size);
        memcpy(file + sizeof(good) - 1 + bad[i].size, good, sizeof(good) - 1);
        struct fv_movie *movie = open_bytes(file, 2 * (sizeof(good) - 1) + bad[i].size, 0);
        assert_int_equal(fv_movie_next(movie, &unit, &err), 1);
        assert_int_equal(fv_movie_next(movie, &unit, &err), 1);
        assert_int_equal(unit.size, bad[i].size);
        assert_memory_equal(unit.data, bad[i].bytes, bad[i].size);
        assert_int_equal(unit.time, 3600);
        assert_int_equal(fv_movie_next(movie, &unit, &err), 1);
        assert_int_equal(unit.size, sizeof(good) - 1);
        assert_int_equal(fv_movie_next(movie, &unit, &err), 0);
        fv_movie_close(movie);
        unlink(path);
    }
}

/* As webcams' films in AVI: the tables of T.81 K.3.3 come in. */
static void test_image_without_tables(void **state)
{
    (void)state;
    static const char file[] = "\xff\xd8" BARE;
    static const char head[] = "\xff\xd8\xff\xc4\1\xa2\0\0\1\5\1\1\1\1\1\1"; /* K.3 begins so */
    struct fv_movie_unit unit;
    struct fv_error err = {0};
    struct fv_movie *movie = open_bytes((const uint8_t *)file, sizeof(file) - 1, 0);
    fv_alloc_fail_at(1);
    assert_int_equal(fv_movie_next(movie, &unit, &err), -ENOMEM);
    fv_movie_close(movie);
    movie = open_bytes((const uint8_t *)file, sizeof(file) - 1, 0);
    assert_int_equal(fv_movie_next(movie, &unit, &err), 1);
    assert_int_equal(unit.size, sizeof(file) - 1 + 420);
    assert_memory_equal(unit.data, head, sizeof(head) - 1);
    assert_memory_equal(unit.data + 422, BARE, sizeof(BARE) - 1);
    assert_int_equal(unit.data[421], 0xfa); /* and K.6 ends so */
    assert_int_equal(fv_movie_next(movie, &unit, &err), 0);
    fv_movie_close(movie);
    unlink(path);
}

static void test_bad_ivf(void **state)
{
    (void)state;
    static const struct {
        const char *data;
        size_t size;
        int code, next;
        const char *words;
    } cases[] = {
        {"DKIF", 4, -EBADMSG, 0, "damaged"},
        {IVF("VP80"), 32, -EBADMSG, 0, "'VP80', only VP9 and AV1"},
        {IVF("VP90"), 32, 0, 0, ""},
        {IVF("VP90") FRAME("\0", "\0"), 44, 0, -EBADMSG, "damaged"},
        {IVF("VP90") FRAME("\7", "\0") "\xb2\0", 46, 0, -EBADMSG, "within the picture at byte 32"},
        {IVF("VP90") "\7\0\0", 35, 0, -EBADMSG, "within the picture at byte 32"},
        {IVF("AV01") FRAME("\2", "\0") "\xb2\0", 46, 0, 1, ""}, /* the decoder refuses it */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fv_movie *movie = NULL;
        struct fv_movie_unit unit;
        struct fv_error err = {0};
        strcpy(path + strlen(path) - 6, "XXXXXX");
        kit_write(path, (const uint8_t *)cases[i].data, cases[i].size);
        assert_int_equal(fv_movie_open(&(struct fv_movie_params){.path = path}, &movie, &err),
                         cases[i].code);
        if (movie)
            assert_int_equal(fv_movie_next(movie, &unit, &err), cases[i].next);
        assert_non_null(strstr(err.text, cases[i].words));
        fv_movie_close(movie);
        unlink(path);
    }
}

static void test_bad_files(void **state)
{
    (void)state;
    struct fv_movie *movie = NULL;
    struct fv_error err = {0};
    assert_int_equal(fv_movie_open(&(struct fv_movie_params){.path = "/nowhere/x"}, &movie, &err),
                     -ENOENT);
    assert_non_null(strstr(err.text, "/nowhere/x"));
    assert_int_equal(fv_movie_open(&(struct fv_movie_params){.path = "/tmp"}, &movie, &err),
                     -EISDIR);
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
    assert_int_equal(n, 4); /* the movie, its stream, the data */
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_raw_stream),
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_ivf_vp9),
        cmocka_unit_test(test_ivf_av1),
        cmocka_unit_test(test_images),
        cmocka_unit_test(test_bad_images),
        cmocka_unit_test(test_image_without_tables),
        cmocka_unit_test(test_bad_ivf),
        cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

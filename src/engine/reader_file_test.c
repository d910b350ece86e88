// SPDX-License-Identifier: Apache-2.0
/* A file as a camera: every access unit in its time, what there is no room for, the end, a stop in the middle. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "engine/reader_file.h"
#include "sim/testkit.h"

static char path[] = "/tmp/fovea-reader-XXXXXX";

struct taker {
    int64_t pts[40];
    bool key[40];
    unsigned count, full_at; /* no room for this one, from 1 */
    atomic_int ended;        /* 1: yes */
    int code;
    char reason[100];
};

static bool on_au(void *data, const struct fv_au *au)
{
    struct taker *taker = data;
    assert_int_equal(au->codec, FV_CODEC_H264);
    assert_true(au->size > 3000 && au->wall == FV_TIME_UNKNOWN);
    taker->pts[taker->count] = au->pts;
    taker->key[taker->count] = au->flags & FV_FRAME_KEY;
    return ++taker->count != taker->full_at;
}

static void on_ended(void *data, int code, const char *reason)
{
    struct taker *taker = data;
    taker->code = code;
    strncpy(taker->reason, reason, sizeof(taker->reason) - 1);
    taker->ended = 1;
}

/* Pictures at 25 a second, each third one a key picture. */
static void write_file(int pictures)
{
    const struct kit_stream stream = {.pictures = (unsigned)pictures, .gop = 3, .slice = 3000};
    size_t size;
    uint8_t *data = kit_make(&stream, &size);
    strcpy(path + strlen(path) - 6, "XXXXXX");
    kit_write(path, data, size);
    free(data);
}

static struct fv_reader_file *start(struct taker *taker)
{
    const struct fv_reader_file_handler handler = {on_au, on_ended, taker};
    struct fv_reader_file *file = NULL;
    struct fv_error err = {0};
    if (fv_reader_file_open(path, &handler, &file, &err) < 0 ||
        fv_reader_file_start(file, &err) < 0)
        fail_msg("%s", err.text);
    return file;
}

static void wait_for_end(const struct taker *taker)
{
    const struct timespec little = {.tv_nsec = 2000000};
    while (!taker->ended)
        nanosleep(&little, NULL);
}

static void test_whole_file(void **state)
{
    struct taker taker = {0};
    write_file(8);
    const int64_t begin = fv_now();
    struct fv_reader_file *file = start(&taker);
    wait_for_end(&taker);
    assert_true(fv_now() - begin >= 7 * 40 * FV_MS); /* not before the last one's time */
    fv_reader_file_close(file);
    assert_int_equal(taker.count, 8);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(taker.pts[i], i * 40 * FV_MS);
        assert_int_equal(taker.key[i], i % 3 == 0);
    }
    assert_int_equal(taker.code, 0);
    assert_string_equal(taker.reason, "the file has ended");
    unlink(path);
}

/* The second one finds no room: the third, which needs it, is left out. */
static void test_no_room(void **state)
{
    struct taker taker = {.full_at = 2};
    write_file(5);
    struct fv_reader_file *file = start(&taker);
    wait_for_end(&taker);
    fv_reader_file_close(file);
    assert_int_equal(taker.count, 4);
    assert_int_equal(taker.pts[2], 3 * 40 * FV_MS);
    assert_true(taker.key[2]);
    unlink(path);
}

static void test_stop(void **state)
{
    struct taker taker = {0};
    write_file(300);
    const int64_t begin = fv_now();
    struct fv_reader_file *file = start(&taker);
    fv_reader_file_stop(file);
    fv_reader_file_stop(file);
    assert_true(fv_now() - begin < 299 * 40 * FV_MS);
    assert_int_equal(taker.ended, 0);
    fv_reader_file_close(file);
    fv_reader_file_close(NULL);
    unlink(path);
}

static void test_refusals(void **state)
{
    struct taker taker = {0};
    const struct fv_reader_file_handler handler = {on_au, on_ended, &taker};
    struct fv_reader_file *file = NULL;
    struct fv_error err = {0};
    assert_int_equal(fv_reader_file_open("/nonexistent", &handler, &file, &err), -ENOENT);
    write_file(3);
    for (unsigned n = 1;; n++) {
        fv_alloc_fail_at(n);
        const int code = fv_reader_file_open(path, &handler, &file, NULL);
        const bool complete = fv_alloc_fail_pending();
        fv_alloc_fail_at(0);
        if (complete) {
            assert_true(n > 3);
            break;
        }
        assert_int_equal(code, -ENOMEM);
        assert_null(file);
    }
    fv_reader_file_close(file); /* never started */
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_file),
        cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

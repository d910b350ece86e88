// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/hist.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/ring.h"
#include "base/slice.h"
#include "base/str.h"
#include "base/thread.h"

static void test_error(void **state)
{
    struct fv_error err = {0};
    assert_int_equal(fv_error_set(NULL, -EIO, "x"), -EIO);
    assert_int_equal(fv_error_set(&err, -EIO, "disk %d", 7), -EIO);
    assert_string_equal(err.text, "disk 7");
    assert_int_equal(fv_error_prefix(&err, -EIO, "file"), -EIO);
    assert_string_equal(err.text, "file: disk 7");
    assert_string_equal(fv_strerror(-ETIMEDOUT), "timed out");
    assert_string_equal(fv_strerror(-123456), "unknown error");
}

static void test_memory(void **state)
{
    fv_alloc_fail_at(2);
    void *first = fv_calloc(1, 10), *second = fv_calloc(1, 10), *third = fv_calloc(1, 10);
    assert_non_null(first);
    assert_null(second);
    assert_non_null(third);
    assert_false(fv_alloc_fail_pending());
    fv_free(first);
    fv_free(third);
    assert_null(fv_strdup(NULL));
    char *text = fv_asprintf("%s-%d", "a", 3);
    assert_string_equal(text, "a-3");
    fv_free(text);
    void *aligned = fv_alloc_aligned(64, 100);
    assert_int_equal((uintptr_t)aligned % 64, 0);
    fv_free(aligned);
    assert_null(fv_alloc_aligned(64, SIZE_MAX - 10));
}

static void test_rfc3339(void **state)
{
    char text[FV_RFC3339_SIZE];
    assert_string_equal(fv_rfc3339(0, text), "1970-01-01T00:00:00.000Z");
    assert_string_equal(fv_rfc3339(1769862896789 * FV_MS, text), "2026-01-31T12:34:56.789Z");
    assert_string_equal(fv_rfc3339(-1, text), "1969-12-31T23:59:59.999Z");
    assert_string_equal(fv_rfc3339(FV_TIME_UNKNOWN, text), "");
    assert_int_equal(fv_later(FV_TIME_NEVER, 5), FV_TIME_NEVER);
    assert_int_equal(fv_later(10, 5), 15);
}

static void test_slices(void **state)
{
    struct fv_slice rest = FV_SLICE("a=b;c"), head = fv_slice_cut(&rest, ';');
    assert_true(fv_slice_eq(head, FV_SLICE("a=b")));
    assert_true(fv_slice_eq(rest, FV_SLICE("c")));
    assert_true(fv_slice_eq(fv_slice_cut(&rest, ';'), FV_SLICE("c")));
    assert_int_equal(rest.size, 0);
    assert_true(fv_slice_eq(fv_slice_trim(FV_SLICE(" \t x y\r\n")), FV_SLICE("x y")));
    assert_true(fv_slice_eq_nocase(FV_SLICE("CSeq"), FV_SLICE("cseq")));
    assert_false(fv_slice_eq_nocase(FV_SLICE("CSeq"), FV_SLICE("cse")));
    assert_true(fv_slice_starts_nocase(FV_SLICE("Digest x"), FV_SLICE("digest ")));
    uint64_t value = 0;
    assert_int_equal(fv_slice_u64(FV_SLICE("65535"), 65535, &value), 0);
    assert_int_equal(value, 65535);
    assert_int_equal(fv_slice_u64(FV_SLICE("65536"), 65535, &value), -ERANGE);
    assert_int_equal(fv_slice_u64(FV_SLICE("18446744073709551616"), UINT64_MAX, &value), -ERANGE);
    assert_int_equal(fv_slice_u64(FV_SLICE(""), 9, &value), -EBADMSG);
    assert_int_equal(fv_slice_u64(FV_SLICE("1x"), 9, &value), -EBADMSG);
    assert_int_equal(fv_slice_u64(FV_SLICE("-1"), 9, &value), -EBADMSG);
    assert_int_equal(fv_slice_hex64(FV_SLICE("fF"), 255, &value), 0);
    assert_int_equal(value, 255);
    char small[4];
    assert_int_equal(fv_slice_copy(FV_SLICE("abc"), small, sizeof(small)), 0);
    assert_int_equal(fv_slice_copy(FV_SLICE("abcd"), small, sizeof(small)), -ENOBUFS);
    assert_string_equal(small, "");
}

/* RFC 4648 section 10. */
static void test_base64(void **state)
{
    static const char *const vectors[][2] = {{"", ""},
                                             {"f", "Zg=="},
                                             {"fo", "Zm8="},
                                             {"foo", "Zm9v"},
                                             {"foob", "Zm9vYg=="},
                                             {"fooba", "Zm9vYmE="},
                                             {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        const char *plain = vectors[i][0], *coded = vectors[i][1];
        char text[16];
        uint8_t data[16];
        assert_int_equal(
            fv_base64_encode((const uint8_t *)plain, strlen(plain), text, sizeof(text)),
            strlen(coded));
        assert_string_equal(text, coded);
        assert_int_equal(fv_base64_decode(fv_slice_of(coded), data, sizeof(data)), strlen(plain));
        assert_memory_equal(data, plain, strlen(plain));
    }
    uint8_t out[4];
    char text[4];
    assert_int_equal(fv_base64_decode(FV_SLICE("Zm9v\r\n"), out, 3), 3);
    assert_int_equal(fv_base64_decode(FV_SLICE("Zg"), out, 4), 1);
    assert_int_equal(fv_base64_decode(FV_SLICE("Z"), out, 4), -EBADMSG);
    assert_int_equal(fv_base64_decode(FV_SLICE("Zg=x"), out, 4), -EBADMSG);
    assert_int_equal(fv_base64_decode(FV_SLICE("Zm9vYg=="), out, 3), -ENOBUFS);
    assert_int_equal(fv_base64_encode(out, 1, text, 4), -ENOBUFS);
}

static void test_str(void **state)
{
    char buffer[8];
    struct fv_str str;
    fv_str_init(&str, buffer, sizeof(buffer));
    fv_str_add(&str, "abc");
    fv_str_addf(&str, "%d", 12);
    assert_string_equal(str.data, "abc12");
    assert_false(str.overflow);
    fv_str_addf(&str, "%d", 34567);
    assert_true(str.overflow);
    assert_string_equal(str.data, "abc1234");
    fv_str_add(&str, "x");
    assert_string_equal(str.data, "abc1234");
}

static void test_list(void **state)
{
    struct fv_list head, a, b;
    fv_list_init(&head);
    fv_list_append(&head, &a);
    fv_list_append(&head, &b);
    int n = 0;
    FV_LIST_FOR (it, &head) {
        assert_ptr_equal(it, n == 0 ? &a : &b);
        fv_list_remove(it);
        n++;
    }
    assert_int_equal(n, 2);
    assert_true(fv_list_empty(&head));
    fv_list_remove(&a);
}

static void test_hist(void **state)
{
    static struct fv_hist hist, sum;
    assert_int_equal(fv_hist_quantile(&hist, 0.5), 0);
    for (int i = 1; i <= 1000; i++)
        fv_hist_add(&hist, i * FV_MS);
    int64_t p50 = fv_hist_quantile(&hist, 0.5), p99 = fv_hist_quantile(&hist, 0.99);
    assert_in_range(p50, 500 * FV_MS, 500 * FV_MS * 104 / 100);
    assert_in_range(p99, 990 * FV_MS, 1000 * FV_MS);
    assert_int_equal(fv_hist_quantile(&hist, 1), 1000 * FV_MS);
    fv_hist_add(&hist, -5);
    fv_hist_add(&hist, INT64_MAX);
    assert_int_equal(fv_hist_quantile(&hist, 0), 1024);
    fv_hist_merge(&sum, &hist);
    assert_int_equal(sum.count, 1002);
}

static void test_rand(void **state)
{
    struct fv_rand a, b;
    fv_rand_seed(&a, 7);
    fv_rand_seed(&b, 7);
    double sum = 0;
    for (int i = 0; i < 10000; i++) {
        assert_int_equal(fv_rand_u64(&a), fv_rand_u64(&b));
        double unit = fv_rand_unit(&a);
        assert_true(unit >= 0 && unit < 1);
        sum += unit;
        fv_rand_u64(&b);
        assert_true(fv_rand_below(&a, 3) < 3);
        fv_rand_u64(&b);
    }
    assert_true(sum > 4800 && sum < 5200);
}

static void *produce(void *data)
{
    struct fv_ring *ring = data;
    for (uintptr_t i = 1; i <= 1000;) {
        if (fv_ring_push(ring, (void *)i) == 0)
            i++;
        else
            sched_yield();
    }
    fv_ring_close(ring);
    return NULL;
}

static void test_ring(void **state)
{
    struct fv_ring *ring;
    void *items[8];
    fv_alloc_fail_at(1);
    assert_int_equal(fv_ring_create(4, &ring), -ENOMEM);
    assert_int_equal(fv_ring_create(4, &ring), 0);
    assert_int_equal(fv_ring_pop(ring, items, 8, 0), 0);
    assert_int_equal(fv_ring_pop(ring, items, 8, fv_now() + FV_MS), 0);
    for (uintptr_t i = 1; i <= 4; i++)
        assert_int_equal(fv_ring_push(ring, (void *)i), 0);
    assert_int_equal(fv_ring_push(ring, items), -ENOBUFS);
    assert_int_equal(fv_ring_count(ring), 4);
    assert_int_equal(fv_ring_pop(ring, items, 3, FV_TIME_NEVER), 3);
    assert_int_equal((uintptr_t)items[2], 3);
    assert_int_equal(fv_ring_pop(ring, items, 3, FV_TIME_NEVER), 1);
    void *five[] = {&items[0], &items[1], &items[2], &items[3], &items[4]};
    assert_int_equal(fv_ring_push_all(ring, five, 5), -ENOBUFS);
    assert_int_equal(fv_ring_count(ring), 0); /* all or none */
    assert_int_equal(fv_ring_push_all(ring, five, 4), 0);
    assert_int_equal(fv_ring_pop(ring, items, 8, FV_TIME_NEVER), 4);
    assert_memory_equal(items, five, 4 * sizeof(five[0]));
    fv_ring_wake(ring);
    assert_int_equal(fv_ring_pop(ring, items, 3, FV_TIME_NEVER), 0);

    pthread_t thread;
    assert_int_equal(fv_thread_start(&thread, "producer", produce, ring), 0);
    uintptr_t next = 1;
    int n;
    while ((n = fv_ring_pop(ring, items, 8, FV_TIME_NEVER)) >= 0)
        for (int i = 0; i < n; i++)
            assert_int_equal((uintptr_t)items[i], next++);
    assert_int_equal(n, -ECANCELED);
    assert_int_equal(next, 1001);
    pthread_join(thread, NULL);
    assert_int_equal(fv_ring_push(ring, items), -ECANCELED);
    fv_ring_destroy(ring);
    fv_ring_destroy(NULL);
}

static void test_buffers(void **state)
{
    struct fv_buf_pool *pool;
    struct fv_buf *a, *b, *c;
    struct fv_buf_stats stats;
    assert_int_equal(fv_buf_pool_create(16384, 8192, &pool), 0);
    assert_int_equal(fv_buf_get(pool, 1, &a), 0);
    assert_int_equal(a->capacity, 4096);
    assert_int_equal(fv_buf_get(pool, 4097, &b), 0);
    assert_int_equal(b->capacity, 8192);
    assert_int_equal(fv_buf_get(pool, 5000, &c), -ENOBUFS);
    assert_int_equal(fv_buf_get(pool, FV_BUF_MAX + 1, &c), -ENOBUFS);
    assert_ptr_equal(fv_buf_ref(a), a);
    fv_buf_unref(a);
    fv_buf_pool_stats(pool, &stats);
    assert_int_equal(stats.bytes_used, 12288);
    fv_buf_unref(b);
    fv_buf_pool_stats(pool, &stats);
    assert_int_equal(stats.bytes_kept, 8192);
    assert_int_equal(fv_buf_get(pool, 8192, &b), 0); /* reused */
    fv_buf_pool_stats(pool, &stats);
    assert_int_equal(stats.fresh, 2);
    assert_int_equal(stats.gets, 3);
    for (unsigned n = 1; n <= 2; n++) {
        fv_alloc_fail_at(n);
        assert_int_equal(fv_buf_get(pool, 10, &c), -ENOMEM);
    }
    fv_buf_pool_destroy(pool); /* two buffers are still out: the last one ends the pool */
    fv_buf_unref(a);
    fv_buf_unref(b);
    fv_buf_unref(NULL);
}

static void test_buffer_limits_move(void **state)
{
    struct fv_buf_pool *pool;
    struct fv_buf *a, *b;
    struct fv_buf_stats stats;
    assert_int_equal(fv_buf_pool_create(4096, 0, &pool), 0);
    assert_int_equal(fv_buf_get(pool, 4096, &a), 0);
    assert_int_equal(fv_buf_get(pool, 4096, &b), -ENOBUFS);
    fv_buf_pool_resize(pool, 8192, 4096);
    assert_int_equal(fv_buf_get(pool, 4096, &b), 0);
    fv_buf_pool_resize(pool, 4096, 0);
    fv_buf_unref(b);
    fv_buf_pool_stats(pool, &stats);
    assert_int_equal(stats.bytes_kept, 0);
    assert_int_equal(fv_buf_get(pool, 4096, &b), -ENOBUFS);
    fv_buf_unref(a);
    fv_buf_pool_destroy(pool);
}

/* A kept small buffer must not stand in the way of a large one. */
static void test_buffer_trim(void **state)
{
    struct fv_buf_pool *pool;
    struct fv_buf *a, *b;
    assert_int_equal(fv_buf_pool_create(8192, 8192, &pool), 0);
    assert_int_equal(fv_buf_get(pool, 100, &a), 0);
    fv_buf_unref(a);
    assert_int_equal(fv_buf_get(pool, 8000, &b), 0);
    fv_buf_unref(b);
    fv_buf_pool_destroy(pool);
}

static char last_line[2000];
static unsigned line_count;

static void keep_line(void *data, enum fv_log_level level, const char *line)
{
    snprintf(last_line, sizeof(last_line), "%s", line);
    line_count++;
}

static void test_log(void **state)
{
    fv_log_set_sink(keep_line, NULL);
    fv_log(FV_LOG_INFO, "test", "hidden");
    assert_int_equal(line_count, 0);
    fv_log(FV_LOG_WARNING, "test", "bell %s", "a\x07\nb");
    assert_string_equal(strchr(last_line, ' '), " warning test: bell a??b");
    for (int i = 0; i < 5; i++)
        fv_log(FV_LOG_WARNING, "test", "bell %s", "a\x07\nb");
    assert_int_equal(line_count, 1);
    fv_log(FV_LOG_ERROR, "test", "other");
    assert_int_equal(line_count, 3);
    assert_non_null(strstr(last_line, "error test: other"));
    fv_log_set_sink(NULL, NULL);
}

/* A standard error that nobody reads loses lines; it holds nobody up. */
static void test_log_never_waits(void **state)
{
    int ends[2], kept = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    fcntl(ends[1], F_SETPIPE_SZ, 16384);
    dup2(ends[1], STDERR_FILENO);
    for (int i = 0; i < 2000; i++)
        fv_log(FV_LOG_WARNING, "test", "line %d of a log that nobody reads", i);
    static char text[32768];
    ssize_t size = read(ends[0], text, sizeof(text) - 1);
    fv_log(FV_LOG_WARNING, "test", "somebody reads again");
    ssize_t more = read(ends[0], text + (size > 0 ? size : 0),
                        sizeof(text) - 1 - (size_t)(size > 0 ? size : 0));
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(ends[0]);
    close(ends[1]);
    assert_true(size > 0 && more > 0);
    text[size + more] = 0;
    assert_non_null(strstr(text, "line 0 of"));
    assert_non_null(strstr(text, "lines of the log were not taken and are lost"));
    assert_non_null(strstr(text, "somebody reads again"));
}

/* To a file and back; what cannot be opened changes nothing. */
static void test_log_file(void **state)
{
    char path[] = "/tmp/fovea-log-XXXXXX", text[1000] = "";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(fv_log_set_file(path), 0);
    fv_log(FV_LOG_WARNING, "test", "into the file");
    assert_int_equal(fv_log_set_file("/nonexistent/log"), -ENOENT);
    fv_log_set_level(FV_LOG_ERROR);
    fv_log(FV_LOG_WARNING, "test", "below the level");
    fv_log_set_level(FV_LOG_DEBUG);
    fv_debug("test", "%s", "still into it");
    fv_log_set_level(FV_LOG_WARNING);
    assert_int_equal(fv_log_set_file(NULL), 0);
    assert_true(read(fd, text, sizeof(text) - 1) > 0);
    close(fd);
    unlink(path);
    assert_non_null(strstr(text, " warning test: into the file\n"));
    assert_non_null(strstr(text, " debug test: still into it\n"));
    assert_null(strstr(text, "below the level"));
}

static void *pinned(void *data)
{
    int *results = data;
    results[0] = fv_thread_pin(1000001); /* modulo the cores there are */
    results[1] = fv_thread_set_priority(FV_PRIORITY_NORMAL);
    results[2] = fv_thread_set_priority(FV_PRIORITY_HIGH);
    results[3] = fv_thread_set_priority(FV_PRIORITY_REALTIME);
    return NULL;
}

static void test_thread(void **state)
{
    int results[4] = {1, 1, 1, 1};
    pthread_t thread;
    assert_int_equal(fv_thread_start(&thread, "pinned", pinned, results), 0);
    pthread_join(thread, NULL);
    assert_int_equal(results[0], 0);
    assert_int_equal(results[1], 0);
    assert_true(results[2] == 0 || results[2] == -EACCES);
    assert_true(results[3] == 0 || results[3] == -EACCES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_error),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_rfc3339),
        cmocka_unit_test(test_slices),
        cmocka_unit_test(test_base64),
        cmocka_unit_test(test_str),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_hist),
        cmocka_unit_test(test_rand),
        cmocka_unit_test(test_ring),
        cmocka_unit_test(test_buffers),
        cmocka_unit_test(test_buffer_limits_move),
        cmocka_unit_test(test_buffer_trim),
        cmocka_unit_test(test_log),
        cmocka_unit_test(test_log_never_waits),
        cmocka_unit_test(test_log_file),
        cmocka_unit_test(test_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

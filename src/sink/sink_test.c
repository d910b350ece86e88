// SPDX-License-Identifier: Apache-2.0
/* Queue and thread, with a mock sink whose write waits for the test. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "sink/sink.h"

#define SEEN_MAX 64

static struct {
    int opens, closes, open_code;
    _Atomic int idles, alive;
    bool gated;
    sem_t gate, reached;
    uint64_t numbers[SEEN_MAX];
    uint32_t counts[SEEN_MAX];
    float last_score;
    int written;
    int fail_from, fail_to; /* numbers that write() refuses */
    int log_lines;
    char log[300];
} mock;

static int mock_open(const struct fv_sink_context *context, const void *config, void **ret_state,
                     struct fv_error *err)
{
    (void)context;
    (void)config;
    if (mock.open_code)
        return fv_error_set(err, mock.open_code, "not today");
    mock.opens++;
    *ret_state = &mock;
    return 0;
}

static int mock_write(void *state, const struct fv_result *result, struct fv_error *err)
{
    (void)state;
    if (mock.gated) {
        sem_post(&mock.reached);
        while (sem_wait(&mock.gate) < 0)
            ;
    }
    int number = (int)result->info.number;
    if (number >= mock.fail_from && number <= mock.fail_to)
        return fv_error_set(err, -EIO, "the disk is full");
    mock.numbers[mock.written] = result->info.number;
    mock.counts[mock.written++] = result->count;
    if (result->count)
        mock.last_score = result->detections[result->count - 1].score;
    return 0;
}

static void mock_idle(void *state)
{
    (void)state;
    mock.idles++;
}

static void mock_close(void *state)
{
    assert_ptr_equal(state, &mock);
    mock.closes++;
}

static const struct fv_sink_ops mock_ops = {
    .name = "mock",
    .open = mock_open,
    .write = mock_write,
    .idle = mock_idle,
    .close = mock_close,
};

static void on_log(void *data, enum fv_log_level level, const char *line)
{
    (void)data;
    (void)level;
    mock.log_lines++;
    strncat(mock.log, line, sizeof(mock.log) - strlen(mock.log) - 1);
}

static void release_picture(struct fv_picture *picture)
{
    mock.alive--;
    free(picture);
}

static int set_up(void **state)
{
    (void)state;
    memset(&mock, 0, sizeof(mock));
    mock.fail_from = 1 << 30;
    sem_init(&mock.gate, 0, 0);
    sem_init(&mock.reached, 0, 0);
    fv_log_set_sink(on_log, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fv_log_set_sink(NULL, NULL);
    sem_destroy(&mock.gate);
    sem_destroy(&mock.reached);
    return mock.opens != mock.closes || mock.alive;
}

static struct fv_sink *open_mock(unsigned queue)
{
    struct fv_sink *sink;
    assert_int_equal(fv_sink_open(&mock_ops, NULL, NULL, queue, &sink, NULL), 0);
    return sink;
}

/* With a picture of its own, to see the references come back. */
static void put(struct fv_sink *sink, uint64_t number, uint32_t count)
{
    struct fv_result *result = calloc(1, sizeof(*result));
    struct fv_picture *picture = calloc(1, sizeof(*picture));
    assert_true(result && picture);
    picture->refs = 1;
    picture->release = release_picture;
    mock.alive++;
    result->info.number = number;
    result->picture = picture;
    result->count = count;
    for (uint32_t i = 0; i < count; i++)
        result->detections[i].score = (float)(i + 1);
    fv_sink_put(sink, result);
    free(result);
    fv_picture_unref(picture);
}

static void test_all_is_written_before_close(void **state)
{
    (void)state;
    struct fv_sink *sink = open_mock(32);
    for (uint64_t n = 1; n <= 20; n++)
        put(sink, n, (uint32_t)n);
    fv_sink_close(sink);
    assert_int_equal(mock.written, 20);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(mock.numbers[i], i + 1);
        assert_int_equal(mock.counts[i], i + 1);
    }
    assert_float_equal(mock.last_score, 20, 0);
    assert_true(mock.idles >= 1);
    assert_int_equal(mock.closes, 1);
}

/* The sink is stuck with item 1; the queue holds 3; of 2..9 the newest three survive. */
static void test_oldest_is_dropped(void **state)
{
    (void)state;
    mock.gated = true;
    struct fv_sink *sink = open_mock(3);
    put(sink, 1, 0);
    sem_wait(&mock.reached);
    for (uint64_t n = 2; n <= 9; n++)
        put(sink, n, FV_DETECTIONS_MAX);
    struct fv_sink_stats stats;
    fv_sink_stats(sink, &stats);
    assert_int_equal(stats.dropped, 5);
    assert_int_equal(stats.written, 0);
    for (int i = 0; i < 4; i++)
        sem_post(&mock.gate);
    fv_sink_close(sink);
    assert_int_equal(mock.written, 4);
    static const uint64_t want[] = {1, 7, 8, 9};
    for (int i = 0; i < 4; i++)
        assert_int_equal(mock.numbers[i], want[i]);
    assert_int_equal(mock.counts[3], FV_DETECTIONS_MAX);
}

static void test_idle_comes_after_the_batch(void **state)
{
    (void)state;
    mock.gated = true;
    struct fv_sink *sink = open_mock(8);
    put(sink, 1, 0);
    sem_wait(&mock.reached);
    put(sink, 2, 0);
    put(sink, 3, 0);
    assert_int_equal(mock.idles, 0);
    for (int i = 0; i < 3; i++)
        sem_post(&mock.gate);
    fv_sink_close(sink);
    assert_int_equal(mock.idles, 1);
}

static struct fv_sink_stats wait_done(struct fv_sink *sink, uint64_t items)
{
    struct fv_sink_stats stats = {0};
    for (int i = 0; i < 5000 && stats.written + stats.failed < items; i++) {
        nanosleep(&(struct timespec){.tv_nsec = FV_MS}, NULL);
        fv_sink_stats(sink, &stats);
    }
    return stats;
}

/* Items 3..6 fail: counted each, logged once, and the end of it is logged too. */
static void test_failures_are_logged_once(void **state)
{
    (void)state;
    mock.fail_from = 3;
    mock.fail_to = 6;
    struct fv_sink *sink = open_mock(16);
    for (uint64_t n = 1; n <= 8; n++)
        put(sink, n, 1);
    struct fv_sink_stats stats = wait_done(sink, 8);
    assert_int_equal(stats.written, 4);
    assert_int_equal(stats.failed, 4);
    assert_int_equal(stats.dropped, 0);
    fv_sink_close(sink);
    assert_int_equal(mock.log_lines, 2);
    assert_non_null(strstr(mock.log, "mock: the disk is full"));
    assert_non_null(strstr(mock.log, "4 items were lost"));
}

/* stop() drains; the figures stay readable; close() closes nothing twice. */
static void test_stop(void **state)
{
    (void)state;
    struct fv_sink *sink = open_mock(8);
    for (uint64_t n = 1; n <= 5; n++)
        put(sink, n, 1);
    fv_sink_stop(sink);
    fv_sink_stop(sink);
    struct fv_sink_stats stats;
    fv_sink_stats(sink, &stats);
    assert_int_equal(stats.written, 5);
    assert_int_equal(mock.closes, 1);
    fv_sink_close(sink);
    assert_int_equal(mock.closes, 1);
}

static void test_open_failures(void **state)
{
    (void)state;
    struct fv_sink *sink = NULL;
    struct fv_error err = {0};
    assert_int_equal(fv_sink_open(&mock_ops, NULL, NULL, 0, &sink, &err), -EINVAL);
    mock.open_code = -EACCES;
    assert_int_equal(fv_sink_open(&mock_ops, NULL, NULL, 4, &sink, &err), -EACCES);
    assert_string_equal(err.text, "not today");
    mock.open_code = 0;
    unsigned n = 1;
    for (;; n++) {
        fv_alloc_fail_at(n);
        int code = fv_sink_open(&mock_ops, NULL, NULL, 4, &sink, &err);
        if (code == 0)
            break;
        assert_int_equal(code, -ENOMEM);
        assert_null(sink);
    }
    fv_alloc_fail_at(0);
    assert_int_equal(n, 4); /* sink, ring, slots */
    fv_sink_close(sink);
    fv_sink_close(NULL);
}

/* After open, putting and writing allocate nothing. */
static void test_steady_state(void **state)
{
    (void)state;
    struct fv_sink *sink = open_mock(4);
    fv_alloc_fail_at(1);
    for (uint64_t n = 1; n <= 12; n++) {
        put(sink, n, 5);
        wait_done(sink, n);
    }
    assert_true(fv_alloc_fail_pending());
    fv_alloc_fail_at(0);
    fv_sink_close(sink);
    assert_int_equal(mock.written, 12);
}

/* A sink that has no use for events of zones and lines does not get them. */
static void test_rules_are_not_for_all(void **state)
{
    (void)state;
    struct fv_sink *sink = NULL;
    struct fv_sink_stats stats;
    const struct fv_zone_event event = {.type = FV_ZONE_ENTER, .rule = "z"};
    assert_null(mock_ops.rule);
    assert_int_equal(fv_sink_open(&mock_ops, NULL, NULL, 4, &sink, NULL), 0);
    fv_sink_put_rule(sink, &event);
    fv_sink_stop(sink);
    fv_sink_stats(sink, &stats);
    assert_int_equal(stats.written + stats.dropped + stats.failed, 0);
    fv_sink_close(sink);
}

static int mock_rule(void *state, const struct fv_zone_event *event, int64_t at,
                     struct fv_error *err)
{
    (void)at;
    const struct fv_result result = {.info.number = 1000 + event->id};
    return mock_write(state, &result, err);
}

static void put_rule(struct fv_sink *sink, uint64_t id)
{
    const struct fv_zone_event event = {.type = FV_ZONE_ENTER, .rule = "z", .id = id};
    fv_sink_put_rule(sink, &event);
}

/* The sink is stuck with picture 1; the queue holds 4. */
static void test_rules_outlast_pictures(void **state)
{
    (void)state;
    struct fv_sink_ops ops = mock_ops;
    struct fv_sink *sink = NULL;
    struct fv_sink_stats stats;
    ops.rule = mock_rule;
    mock.gated = true;
    assert_int_equal(fv_sink_open(&ops, NULL, NULL, 4, &sink, NULL), 0);
    put(sink, 1, 0);
    sem_wait(&mock.reached);
    put_rule(sink, 1);
    put(sink, 2, 0);
    put_rule(sink, 2);
    put(sink, 3, 0);
    put_rule(sink, 3); /* picture 2 goes */
    put(sink, 4, 0);   /* picture 3 goes */
    put_rule(sink, 4); /* picture 4 goes */
    put(sink, 5, 0);   /* events only: goes itself */
    fv_sink_stats(sink, &stats);
    assert_int_equal(stats.dropped, 4);
    assert_int_equal(stats.dropped_rules, 0);
    put_rule(sink, 5); /* event 1 goes */
    fv_sink_stats(sink, &stats);
    assert_int_equal(stats.dropped, 5);
    assert_int_equal(stats.dropped_rules, 1);
    for (int i = 0; i < 5; i++)
        sem_post(&mock.gate);
    fv_sink_close(sink);
    static const uint64_t want[] = {1, 1002, 1003, 1004, 1005};
    assert_int_equal(mock.written, 5);
    for (int i = 0; i < 5; i++)
        assert_int_equal(mock.numbers[i], want[i]);
}

/* A hundred sequences of pictures and events at random: what stays keeps its order, and no event goes while a picture waits. */
static void test_order_at_random(void **state)
{
    (void)state;
    struct fv_sink_ops ops = mock_ops;
    struct fv_rand rand;
    fv_rand_seed(&rand, 8);
    ops.rule = mock_rule;
    for (int round = 0; round < 100; round++) {
        tear_down(NULL);
        set_up(NULL);
        mock.gated = true;
        struct fv_sink *sink = NULL;
        struct fv_sink_stats stats;
        uint64_t order[64], rules = 0;
        assert_int_equal(fv_sink_open(&ops, NULL, NULL, 1 + (unsigned)round % 7, &sink, NULL), 0);
        put(sink, 100, 0);
        sem_wait(&mock.reached);
        for (uint64_t n = 0; n < 30; n++) {
            const bool rule = fv_rand_below(&rand, 3) == 0;
            order[n] = rule ? 1000 + n : 101 + n;
            rules += rule;
            if (rule)
                put_rule(sink, n);
            else
                put(sink, 101 + n, 0);
        }
        fv_sink_stats(sink, &stats);
        for (int i = 0; i < 40; i++)
            sem_post(&mock.gate);
        fv_sink_close(sink);
        assert_int_equal(mock.written + (int)stats.dropped, 31);
        uint64_t kept_rules = 0;
        for (int i = 1, at = 0; i < mock.written; i++, at++) {
            while (at < 30 && order[at] != mock.numbers[i])
                at++;
            assert_true(at < 30);
            kept_rules += mock.numbers[i] >= 1000;
        }
        assert_int_equal(kept_rules + stats.dropped_rules, rules);
        /* no rule was dropped unless there are rules only */
        if (stats.dropped_rules)
            assert_int_equal(kept_rules, mock.written - 1);
    }
}

/* From a file: who puts waits, nothing is dropped. */
static void test_offline_waits(void **state)
{
    (void)state;
    const struct fv_sink_context context = {.offline = true};
    struct fv_sink *sink = NULL;
    struct fv_sink_stats stats;
    assert_int_equal(fv_sink_open(&mock_ops, &context, NULL, 1, &sink, NULL), 0);
    for (uint64_t n = 1; n <= 50; n++)
        put(sink, n, 0);
    fv_sink_stop(sink);
    fv_sink_stats(sink, &stats);
    fv_sink_close(sink);
    assert_int_equal(stats.dropped, 0);
    assert_int_equal(stats.written, 50);
    for (int i = 0; i < 50; i++)
        assert_int_equal(mock.numbers[i], i + 1);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_all_is_written_before_close),
        CASE(test_oldest_is_dropped),
        CASE(test_idle_comes_after_the_batch),
        CASE(test_failures_are_logged_once),
        CASE(test_stop),
        CASE(test_open_failures),
        CASE(test_steady_state),
        CASE(test_rules_are_not_for_all),
        CASE(test_rules_outlast_pictures),
        CASE(test_order_at_random),
        CASE(test_offline_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

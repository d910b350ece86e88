// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/rand.h"
#include "loop/timer.h"

/* --- The heap on its own clock. --- */

static void no_fire(struct fv_timer *timer, int64_t now)
{
    (void)timer;
    (void)now;
}

static void test_heap_order(void **state)
{
    static const int64_t dues[] = {50, 10, 40, 10, 30, 20, 60, 0, -5};
    static const int64_t sorted[] = {-5, 0, 10, 10, 20, 30, 40, 50, 60};
    struct fv_timers timers = {0};
    struct fv_timer list[9];
    assert_int_equal(fv_timers_next(&timers), FV_TIME_NEVER);
    for (size_t i = 0; i < 9; i++) {
        fv_timer_init(&list[i], no_fire);
        assert_int_equal(list[i].due, FV_TIME_NEVER);
        fv_timers_set(&timers, &list[i], dues[i]);
    }
    assert_int_equal(timers.count, 9);
    for (size_t i = 0; i < 9; i++) {
        assert_int_equal(fv_timers_next(&timers), sorted[i]);
        assert_null(fv_timers_take(&timers, sorted[i] - 1));
        struct fv_timer *timer = fv_timers_take(&timers, sorted[i]);
        assert_non_null(timer);
        assert_int_equal(timer->due, FV_TIME_NEVER);
    }
    assert_int_equal(timers.count, 0);
    assert_null(fv_timers_take(&timers, INT64_MAX - 1));
}

/* Thousands of sets, moves and clears against a plain array. */
static void test_heap_random(void **state)
{
    enum { COUNT = 64 };
    struct fv_timers timers = {0};
    struct fv_timer list[COUNT];
    int64_t want[COUNT];
    struct fv_rand rand;
    fv_rand_seed(&rand, 7);
    for (size_t i = 0; i < COUNT; i++) {
        fv_timer_init(&list[i], no_fire);
        want[i] = FV_TIME_NEVER;
    }
    for (int step = 0; step < 20000; step++) {
        size_t i = fv_rand_below(&rand, COUNT);
        if (fv_rand_below(&rand, 3) == 0) {
            fv_timers_clear(&timers, &list[i]);
            want[i] = FV_TIME_NEVER;
        } else {
            want[i] = (int64_t)fv_rand_below(&rand, 1000);
            fv_timers_set(&timers, &list[i], want[i]);
        }
        int64_t next = FV_TIME_NEVER;
        for (size_t k = 0; k < COUNT; k++)
            next = fv_min64(next, want[k]);
        assert_int_equal(fv_timers_next(&timers), next);
    }
    size_t left = 0;
    for (size_t i = 0; i < COUNT; i++)
        left += want[i] != FV_TIME_NEVER;
    assert_int_equal(timers.count, left);
    for (int64_t last = -1; left > 0; left--) {
        struct fv_timer *timer = fv_timers_take(&timers, 1000);
        assert_non_null(timer);
        size_t i = (size_t)(timer - list);
        assert_true(want[i] >= last);
        last = want[i];
    }
}

/* --- The loop. --- */

struct bed {
    struct fv_loop *loop;
    struct fv_timer end, a, b;
    struct fv_io io[8];
    int peer[8], own[8];
    unsigned reads[8], fired, posts, socket_passes;
    int64_t last_socket_pass, last_poke;
    unsigned step;
    uint64_t passes_before;
};

static struct bed bed;

static void end_fire(struct fv_timer *timer, int64_t now)
{
    (void)now;
    (void)timer;
    fv_loop_stop(bed.loop);
}

static void open_bed(int64_t gather)
{
    bed = (struct bed){0};
    assert_int_equal(fv_loop_create(gather, &bed.loop), 0);
    fv_timer_init(&bed.end, end_fire);
    for (size_t i = 0; i < 8; i++)
        bed.io[i].fd = bed.own[i] = bed.peer[i] = -1;
}

static void close_bed(void)
{
    for (size_t i = 0; i < 8; i++) {
        fv_loop_remove(bed.loop, &bed.io[i]);
        if (bed.own[i] >= 0)
            close(bed.own[i]);
        if (bed.peer[i] >= 0)
            close(bed.peer[i]);
    }
    fv_loop_destroy(bed.loop);
}

static void open_socket(size_t i, void (*ready)(struct fv_io *, unsigned))
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    bed.own[i] = pair[0];
    bed.peer[i] = pair[1];
    assert_int_equal(fv_loop_add(bed.loop, &bed.io[i], pair[0], FV_IO_READ, ready), 0);
}

static void poke(size_t i)
{
    assert_int_equal(write(bed.peer[i], "x", 1), 1);
}

static void run_for(int64_t time)
{
    fv_timer_set(bed.loop, &bed.end, fv_now() + time);
    assert_int_equal(fv_loop_run(bed.loop), 0);
}

/* Until a callback stops the loop. One that does not come fails what is asserted behind it. */
static void run_until_stopped(void)
{
    run_for(20 * FV_S);
}

static size_t take_byte(struct fv_io *io)
{
    char byte;
    size_t i = (size_t)(io - bed.io);
    assert_int_equal(read(io->fd, &byte, 1), 1);
    bed.reads[i]++;
    if (bed.last_socket_pass != fv_loop_now(bed.loop))
        bed.socket_passes++;
    bed.last_socket_pass = fv_loop_now(bed.loop);
    return i;
}

static void timer_sets_and_clears(struct fv_timer *timer, int64_t now)
{
    bed.fired++;
    if (bed.fired == 1) {
        fv_timer_set(bed.loop, timer, now - FV_S); /* the past: the next pass */
        fv_timer_clear(bed.loop, &bed.b);          /* due in this very pass */
        return;
    }
    fv_timer_set(bed.loop, &bed.end, now);
}

static void timer_never(struct fv_timer *timer, int64_t now)
{
    (void)timer;
    (void)now;
    fail_msg("a cleared timer fired");
}

static void test_timers_in_callbacks(void **state)
{
    open_bed(0);
    fv_timer_init(&bed.a, timer_sets_and_clears);
    fv_timer_init(&bed.b, timer_never);
    int64_t now = fv_now();
    fv_timer_set(bed.loop, &bed.b, now + 2);
    fv_timer_set(bed.loop, &bed.a, now + 1);
    assert_int_equal(fv_loop_run(bed.loop), 0);
    assert_int_equal(bed.fired, 2);
    assert_int_equal(bed.b.due, FV_TIME_NEVER);
    fv_timer_set(bed.loop, &bed.b, now + FV_S);
    fv_timer_set(bed.loop, &bed.b, FV_TIME_NEVER); /* the same as clear */
    assert_int_equal(bed.b.due, FV_TIME_NEVER);
    fv_timer_clear(bed.loop, &bed.b);
    close_bed();
}

static void timer_spins(struct fv_timer *timer, int64_t now)
{
    bed.fired++;
    fv_timer_set(bed.loop, timer, now);
}

static void read_and_stop(struct fv_io *io, unsigned events)
{
    assert_int_equal(events, FV_IO_READ);
    take_byte(io);
    fv_loop_stop(bed.loop);
}

/* A timer that is always due does not keep the sockets from their turn. */
static void test_timer_starves_nobody(void **state)
{
    open_bed(0);
    open_socket(0, read_and_stop);
    poke(0);
    fv_timer_init(&bed.a, timer_spins);
    fv_timer_set(bed.loop, &bed.a, 0);
    assert_int_equal(fv_loop_run(bed.loop), 0);
    assert_int_equal(bed.reads[0], 1);
    assert_true(bed.fired >= 1 && bed.fired <= 2);
    close_bed();
}

static void read_removes_others(struct fv_io *io, unsigned events)
{
    (void)events;
    size_t me = take_byte(io);
    for (size_t i = 0; i < 8; i++)
        if (i != me)
            fv_loop_remove(bed.loop, &bed.io[i]);
    fv_loop_stop(bed.loop);
}

static void test_remove_in_callback(void **state)
{
    open_bed(0);
    for (size_t i = 0; i < 8; i++) {
        open_socket(i, read_removes_others);
        poke(i);
    }
    assert_int_equal(fv_loop_run(bed.loop), 0);
    unsigned reads = 0;
    for (size_t i = 0; i < 8; i++)
        reads += bed.reads[i];
    assert_int_equal(reads, 1);
    close_bed();
}

static void read_removes_itself(struct fv_io *io, unsigned events)
{
    (void)events;
    take_byte(io);
    fv_loop_remove(bed.loop, io);
    fv_loop_remove(bed.loop, io); /* twice is harmless */
}

static void test_remove_itself(void **state)
{
    open_bed(0);
    open_socket(0, read_removes_itself);
    poke(0);
    poke(0);
    run_for(5 * FV_MS);
    assert_int_equal(bed.reads[0], 1);
    close_bed();
}

static void write_then_stop(struct fv_io *io, unsigned events)
{
    bed.step++;
    if (bed.step == 1) {
        assert_int_equal(events, FV_IO_WRITE);
        assert_int_equal(fv_loop_change(bed.loop, io, FV_IO_READ), 0);
        close(bed.peer[0]);
        bed.peer[0] = -1;
        return;
    }
    assert_int_equal(events, FV_IO_READ); /* the hang-up */
    fv_loop_stop(bed.loop);
}

static void test_events(void **state)
{
    open_bed(0);
    open_socket(0, write_then_stop);
    assert_int_equal(fv_loop_change(bed.loop, &bed.io[0], FV_IO_WRITE), 0);
    assert_int_equal(fv_loop_run(bed.loop), 0);
    assert_int_equal(bed.step, 2);
    close_bed();
}

static void test_bad_descriptor(void **state)
{
    open_bed(0);
    assert_int_equal(fv_loop_add(bed.loop, &bed.io[0], 99999, FV_IO_READ, read_and_stop), -EBADF);
    assert_int_equal(bed.io[0].fd, -1);
    close_bed();
}

/* --- Posts and stop. --- */

enum { POSTERS = 4, POSTS = 2000 };

static void count_post(void *data)
{
    unsigned *counter = data;
    (*counter)++;
    if (++bed.posts == POSTERS * POSTS)
        fv_loop_stop(bed.loop);
}

static unsigned counters[POSTERS];

static void *poster(void *data)
{
    for (int i = 0; i < POSTS; i++)
        assert_int_equal(fv_loop_post(bed.loop, count_post, data), 0);
    return NULL;
}

static void test_posts_from_threads(void **state)
{
    open_bed(10 * FV_S);
    pthread_t threads[POSTERS];
    for (size_t i = 0; i < POSTERS; i++) {
        counters[i] = 0;
        pthread_create(&threads[i], NULL, poster, &counters[i]);
    }
    assert_int_equal(fv_loop_run(bed.loop), 0);
    for (size_t i = 0; i < POSTERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(counters[i], POSTS);
    }
    close_bed();
}

static void post_again(void *data)
{
    unsigned *count = data;
    if (++*count < 3)
        assert_int_equal(fv_loop_post(bed.loop, post_again, data), 0);
}

static void test_posts_run_at_destroy(void **state)
{
    static unsigned count;
    count = 0;
    open_bed(0);
    assert_int_equal(fv_loop_post(bed.loop, post_again, &count), 0);
    close_bed();
    assert_int_equal(count, 3);
}

static void test_stop(void **state)
{
    open_bed(0);
    struct fv_loop_stats stats;
    fv_loop_stop(bed.loop); /* before it runs: it does not even wait */
    assert_int_equal(fv_loop_run(bed.loop), 0);
    fv_loop_stats(bed.loop, &stats);
    assert_int_equal(stats.passes, 0);
    run_for(0); /* and it can run again */
    close_bed();
}

/* --- Gathering. --- */

static void read_and_poke(struct fv_io *io, unsigned events)
{
    (void)events;
    poke(take_byte(io));
}

static void post_during_gathering(void *data)
{
    (void)data;
    bed.posts++;
}

static void post_and_end(struct fv_timer *timer, int64_t now)
{
    bed.fired++;
    assert_int_equal(fv_loop_post(bed.loop, post_during_gathering, NULL), 0);
    if (bed.fired < 5)
        fv_timer_set(bed.loop, timer, now + FV_MS);
    else
        fv_timer_set(bed.loop, &bed.end, now + FV_MS);
}

/* Sockets wait out a very long interval; timers, posts and stop do not. */
static void test_gathering_delays_only_sockets(void **state)
{
    open_bed(1000 * FV_S);
    open_socket(0, read_and_poke);
    poke(0);
    fv_timer_init(&bed.a, post_and_end);
    fv_timer_set(bed.loop, &bed.a, fv_now() + FV_MS);
    assert_int_equal(fv_loop_run(bed.loop), 0);
    assert_int_equal(bed.reads[0], 1);
    assert_int_equal(bed.fired, 5);
    assert_int_equal(bed.posts, 5);
    close_bed();
}

static void read_and_end_long_ago(struct fv_io *io, unsigned events)
{
    (void)events;
    take_byte(io);
    fv_timer_set(bed.loop, &bed.end, INT64_MIN);
}

/* A deadline of the remote past is due now, in the gathering wait as in the other. */
static void test_due_long_ago(void **state)
{
    for (int round = 0; round < 2; round++) {
        open_bed(round * 1000 * FV_S);
        open_socket(0, read_and_end_long_ago);
        poke(0);
        assert_int_equal(fv_loop_run(bed.loop), 0);
        assert_int_equal(bed.reads[0], 1);
        close_bed();
    }
}

static void read_only(struct fv_io *io, unsigned events)
{
    (void)events;
    take_byte(io);
}

static void poke_one_after_the_other(struct fv_timer *timer, int64_t now)
{
    poke(bed.step++);
    bed.last_poke = fv_now();
    fv_timer_set(bed.loop, bed.step < 8 ? timer : &bed.end, now + (bed.step < 8 ? 1 : 400) * FV_MS);
}

/* Eight sockets become readable at eight moments: one pass for the first, one for all others; where the machine takes longer than an
 * interval for the eight, one more in each interval. */
static void test_gathering_collects(void **state)
{
    open_bed(200 * FV_MS);
    for (size_t i = 0; i < 8; i++)
        open_socket(i, read_only);
    fv_timer_init(&bed.a, poke_one_after_the_other);
    int64_t begin = fv_now();
    fv_timer_set(bed.loop, &bed.a, begin);
    assert_int_equal(fv_loop_run(bed.loop), 0);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(bed.reads[i], 1);
    assert_in_range(bed.socket_passes, 2, 2 + (bed.last_poke - begin) / (200 * FV_MS));
    close_bed();
}

static void read_and_poke_11_times(struct fv_io *io, unsigned events)
{
    if (bed.reads[0] < 10)
        read_and_poke(io, events);
    else
        read_and_stop(io, events);
}

static void test_no_gathering(void **state)
{
    open_bed(0);
    open_socket(0, read_and_poke_11_times);
    poke(0);
    run_until_stopped();
    assert_int_equal(bed.reads[0], 11);
    assert_int_equal(bed.socket_passes, bed.reads[0]);
    close_bed();
}

/* More sockets than one batch of 512: all are served before the next interval begins, each once. */
enum { MANY = 700 };
static struct fv_io many[MANY];
static unsigned many_served[MANY], many_left;

static void serve_one_of_many(struct fv_io *io, unsigned events)
{
    assert_int_equal(events, FV_IO_WRITE);
    if (many_served[io - many]++ == 0 && --many_left == 0)
        fv_timer_set(bed.loop, &bed.end, fv_now() + 50 * FV_MS);
    /* stays writable: would be reported again */
}

static void test_more_than_a_batch(void **state)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < MANY + 50)
        skip();
    open_bed(1000 * FV_S);
    many_left = MANY;
    int peers[MANY / 2][2];
    for (size_t i = 0; i < MANY / 2; i++) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, peers[i]), 0);
        for (size_t k = 0; k < 2; k++)
            assert_int_equal(fv_loop_add(bed.loop, &many[2 * i + k], peers[i][k], FV_IO_WRITE,
                                         serve_one_of_many),
                             0);
    }
    run_until_stopped();
    for (size_t i = 0; i < MANY; i++) {
        /* The second batch fills up from the front again. */
        assert_in_range(many_served[i], 1, 2);
        fv_loop_remove(bed.loop, &many[i]);
        close(peers[i / 2][i % 2]);
    }
    close_bed();
}

/* --- Watching itself. --- */

static void slow_fire(struct fv_timer *timer, int64_t now)
{
    (void)timer;
    usleep(25000);
    fv_timer_set(bed.loop, &bed.end, now);
}

static void test_slow_callback(void **state)
{
    open_bed(0);
    struct fv_loop_stats stats;
    fv_timer_init(&bed.a, slow_fire);
    fv_timer_set(bed.loop, &bed.a, fv_now());
    assert_int_equal(fv_loop_run(bed.loop), 0);
    fv_loop_stats(bed.loop, &stats);
    assert_true(stats.slow_calls >= 1);
    assert_true(stats.slowest >= 25 * FV_MS);
    close_bed();
}

static void block_the_loop(struct fv_timer *timer, int64_t now)
{
    (void)timer;
    fv_timer_set(bed.loop, &bed.b, now + FV_MS);
    for (size_t i = 0; i < 3; i++)
        poke(i);
    usleep(600000);
}

static void count_reads_then_end(struct fv_timer *timer, int64_t now)
{
    (void)timer;
    bed.step = bed.reads[0] + bed.reads[1] + bed.reads[2];
    fv_timer_set(bed.loop, &bed.end, now);
}

/* While the process stood still, data came and a deadline passed: the data counts first. */
static void test_late_timers_wait_for_sockets(void **state)
{
    static const int64_t gathers[] = {0, 5 * FV_MS, 2 * FV_S};
    for (size_t i = 0; i < 3; i++) {
        open_bed(gathers[i]);
        for (size_t k = 0; k < 3; k++)
            open_socket(k, read_only);
        poke(0); /* so that the gathering begins */
        fv_timer_init(&bed.a, block_the_loop);
        fv_timer_init(&bed.b, count_reads_then_end);
        fv_timer_set(bed.loop, &bed.a, fv_now() + 20 * FV_MS);
        assert_int_equal(fv_loop_run(bed.loop), 0);
        assert_int_equal(bed.step, 4);
        close_bed();
    }
}

static void test_idle_sleeps(void **state)
{
    open_bed(FV_MS);
    open_socket(0, read_only);
    struct fv_loop_stats stats;
    run_for(100 * FV_MS);
    fv_loop_stats(bed.loop, &stats);
    assert_true(stats.passes <= 2); /* the end's timer; a second one only for its rounding */
    close_bed();
}

static void test_out_of_memory(void **state)
{
    struct fv_loop *loop = NULL;
    for (unsigned n = 1;; n++) {
        fv_alloc_fail_at(n);
        int ret = fv_loop_create(0, &loop);
        if (fv_alloc_fail_pending()) {
            fv_alloc_fail_at(0);
            assert_int_equal(ret, 0);
            assert_true(n > 1);
            break;
        }
        assert_int_equal(ret, -ENOMEM);
        assert_null(loop);
    }
    static unsigned count;
    unsigned posted = 0;
    count = 3; /* post_again() does not post further */
    for (int i = 0; i < 100; i++) {
        fv_alloc_fail_at(1);
        posted += fv_loop_post(loop, post_again, &count) == 0;
    }
    fv_alloc_fail_at(0);
    assert_true(posted >= 16);
    fv_loop_destroy(loop);
    assert_int_equal(count, 3 + posted);
    fv_loop_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heap_order),
        cmocka_unit_test(test_heap_random),
        cmocka_unit_test(test_timers_in_callbacks),
        cmocka_unit_test(test_timer_starves_nobody),
        cmocka_unit_test(test_remove_in_callback),
        cmocka_unit_test(test_remove_itself),
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_bad_descriptor),
        cmocka_unit_test(test_posts_from_threads),
        cmocka_unit_test(test_posts_run_at_destroy),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_gathering_delays_only_sockets),
        cmocka_unit_test(test_due_long_ago),
        cmocka_unit_test(test_gathering_collects),
        cmocka_unit_test(test_no_gathering),
        cmocka_unit_test(test_more_than_a_batch),
        cmocka_unit_test(test_slow_callback),
        cmocka_unit_test(test_late_timers_wait_for_sockets),
        cmocka_unit_test(test_idle_sleeps),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

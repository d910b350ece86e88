// SPDX-License-Identifier: Apache-2.0
/* Sockets that are served without asking: when they come to that, when it ends, and what happens to them meanwhile. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "loop/loop.h"

#define GATHER (2 * FV_MS)
#define SOCKETS 4

static struct bed {
    struct fv_loop *loop;
    struct fv_timer end, look;
    int64_t deadline;
    bool (*enough)(void); /* ends the run */
    struct fv_io io[SOCKETS];
    int own[SOCKETS], peer[SOCKETS];
    unsigned feed[SOCKETS]; /* bytes still to be put in, one after each that was read */
    unsigned reads[SOCKETS], empty[SOCKETS], writable;
    int removes;   /* number of the socket that socket 0 removes at its 30th byte; -1: none */
    bool to_write; /* socket 0 asks for FV_IO_WRITE at its 30th byte */
} bed;

static void on_end(struct fv_timer *timer, int64_t now)
{
    fv_loop_stop(bed.loop);
}

/* Ends the run when there was enough, or when it has lasted far too long. */
static void on_look(struct fv_timer *timer, int64_t now)
{
    if (bed.enough() || now > bed.deadline)
        fv_loop_stop(bed.loop);
    else
        fv_timer_set(bed.loop, timer, now + FV_MS);
}

static void put(size_t i)
{
    assert_int_equal(write(bed.peer[i], "x", 1), 1);
}

static void at_30(struct fv_io *io)
{
    if (bed.removes >= 0)
        fv_loop_remove(bed.loop, &bed.io[bed.removes]);
    if (bed.to_write)
        assert_int_equal(fv_loop_change(bed.loop, io, FV_IO_READ | FV_IO_WRITE), 0);
}

static void on_ready(struct fv_io *io, unsigned events)
{
    size_t i = (size_t)(io - bed.io);
    char byte;
    if (events & FV_IO_WRITE) {
        bed.writable++;
        assert_int_equal(fv_loop_change(bed.loop, io, FV_IO_READ), 0);
    }
    if (!(events & FV_IO_READ))
        return;
    if (read(bed.own[i], &byte, 1) < 0) {
        assert_int_equal(errno, EAGAIN);
        bed.empty[i]++;
        fv_loop_found_nothing(io);
        return;
    }
    bed.reads[i]++;
    if (bed.feed[i]) {
        bed.feed[i]--;
        put(i);
    }
    if (i == 0 && bed.reads[0] == 30)
        at_30(io);
}

static void open_bed(int64_t gather, unsigned feed)
{
    bed = (struct bed){.removes = -1};
    assert_int_equal(fv_loop_create(gather, &bed.loop), 0);
    fv_timer_init(&bed.end, on_end);
    fv_timer_init(&bed.look, on_look);
    for (size_t i = 0; i < SOCKETS; i++) {
        int pair[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
        bed.own[i] = pair[0];
        bed.peer[i] = pair[1];
        bed.feed[i] = feed;
        assert_int_equal(fv_loop_add(bed.loop, &bed.io[i], pair[0], FV_IO_READ, on_ready), 0);
        bed.io[i].steady = true;
        put(i);
    }
}

static void close_bed(void)
{
    for (size_t i = 0; i < SOCKETS; i++) {
        fv_loop_remove(bed.loop, &bed.io[i]);
        close(bed.own[i]);
        close(bed.peer[i]);
    }
    fv_loop_destroy(bed.loop);
}

static void run_for(int64_t time)
{
    fv_timer_set(bed.loop, &bed.end, fv_now() + time);
    assert_int_equal(fv_loop_run(bed.loop), 0);
}

static void run_until(bool (*enough)(void))
{
    bed.enough = enough;
    bed.deadline = fv_now() + 20 * FV_S;
    fv_timer_set(bed.loop, &bed.look, bed.deadline - 20 * FV_S);
    assert_int_equal(fv_loop_run(bed.loop), 0);
    assert_true(enough());
}

static struct fv_loop_stats stats(void)
{
    struct fv_loop_stats now;
    fv_loop_stats(bed.loop, &now);
    return now;
}

static bool all_quiet(void)
{
    bool quiet = true;
    for (size_t i = 0; i < SOCKETS; i++)
        quiet = quiet && bed.reads[i] == 51 && !bed.io[i].swept;
    return quiet;
}

static bool another_byte(void)
{
    return bed.reads[1] == 52;
}

/* Busy: swept. Quiet: back in epoll, and the loop sleeps. Then it is served as ever. */
static void test_comes_and_goes(void **state)
{
    open_bed(GATHER, 50);
    run_until(all_quiet);
    for (size_t i = 0; i < SOCKETS; i++)
        assert_in_range(bed.empty[i], 1, 12);
    assert_in_range(stats().swept, SOCKETS * 40, SOCKETS * 56);
    uint64_t passes = stats().passes;
    run_for(50 * FV_MS);
    assert_true(stats().passes - passes <= 2);
    put(1);
    run_until(another_byte);
    close_bed();
}

static bool all_read(void)
{
    return bed.reads[0] == 51 && bed.reads[1] == 51 && bed.reads[2] == 51 && bed.reads[3] == 51;
}

static void test_only_where_it_pays(void **state)
{
    open_bed(0, 50); /* passes come with each byte */
    run_until(all_read);
    assert_int_equal(stats().swept, 0);
    close_bed();
    open_bed(GATHER, 50);
    for (size_t i = 0; i < SOCKETS; i++)
        bed.io[i].steady = false; /* its owner does not allow it */
    run_until(all_read);
    assert_int_equal(stats().swept, 0);
    close_bed();
}

static bool went_on_without_it(void)
{
    return bed.reads[2] > 35 && stats().swept > 60;
}

/* Itself, the one that is next in the sweep, the last one. */
static void test_removed_meanwhile(void **state)
{
    for (int removed = 0; removed < SOCKETS; removed += removed ? 2 : 1) {
        open_bed(GATHER, 200);
        bed.removes = removed;
        run_until(went_on_without_it);
        assert_in_range(bed.reads[removed], 29, 31);
        close_bed();
    }
}

static bool wrote_and_read(void)
{
    return bed.writable > 0 && bed.reads[0] == 81 && bed.reads[1] == 81;
}

static void test_wants_to_write(void **state)
{
    open_bed(GATHER, 80);
    bed.to_write = true;
    run_until(wrote_and_read);
    assert_int_equal(bed.writable, 1);
    close_bed();
}

static bool others_read(void)
{
    return bed.reads[0] == 61 && bed.reads[3] >= 61;
}

/* A socket outside the sweep neither waits for the end of the gathering nor ends it for the others. */
static void test_others_beside(void **state)
{
    open_bed(GATHER, 60);
    bed.io[3].steady = false;
    bed.feed[3] = 400;
    int64_t begin = fv_now();
    run_for(300 * FV_MS);
    /* At most two passes in each interval. */
    assert_true((int64_t)stats().passes <= 2 * (fv_now() - begin) / GATHER + 10);
    run_until(others_read);
    close_bed();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_comes_and_goes),    cmocka_unit_test(test_only_where_it_pays),
        cmocka_unit_test(test_removed_meanwhile), cmocka_unit_test(test_wants_to_write),
        cmocka_unit_test(test_others_beside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

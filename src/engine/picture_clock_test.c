// SPDX-License-Identifier: Apache-2.0
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "base/rand.h"
#include "engine/picture_clock.h"

#define START (1000 * FV_S) /* our clock when the first picture comes */
#define PICTURE (40 * FV_MS)

static struct fv_picture_clock picture_clock;

static int set_up(void **state)
{
    (void)state;
    memset(&picture_clock, 0, sizeof(picture_clock));
    return 0;
}

static int64_t show(uint32_t epoch, int64_t pts, int64_t arrival)
{
    const struct fv_frame_info info = {
        .epoch = epoch, .pts = pts, .at = {.last_packet = arrival, .event = arrival + FV_MS}};
    return fv_picture_clock_time(&picture_clock, &info);
}

/* Five pictures are read at once, again and again: their times are those of the camera. */
static void test_read_in_one_go(void **state)
{
    (void)state;
    int64_t last = 0;
    for (int i = 0; i < 250; i++) {
        const int64_t pts = i * PICTURE;
        const int64_t arrival = START + (i / 5 * 5 + 4) * PICTURE; /* when the fifth one is there */
        const int64_t time = show(0, pts, arrival);
        if (i >= 5) /* the fifth one comes without delay and sets the offset */
            assert_in_range(time - last, PICTURE - 5 * PICTURE / 2000, PICTURE + PICTURE / 2000);
        last = time;
    }
}

/* Delays of up to 30 ms at random: the distance of two pictures is right to 3 ms once the quickest were seen. */
static void test_jitter(void **state)
{
    (void)state;
    struct fv_rand rand;
    int64_t last = 0, worst = 0;
    fv_rand_seed(&rand, 3);
    for (int i = 0; i < 2000; i++) {
        const int64_t delay = (int64_t)fv_rand_below(&rand, 30) * FV_MS;
        const int64_t time = show(0, i * PICTURE, START + i * PICTURE + delay);
        if (i >= 200)
            worst = fv_max64(worst, time - last > PICTURE ? time - last - PICTURE
                                                          : PICTURE - (time - last));
        last = time;
    }
    assert_true(worst > 0);
    assert_true(worst <= 3 * FV_MS);
}

/* The network holds everything back for 2 s and lets it go at once. */
static void test_stall(void **state)
{
    (void)state;
    int64_t first = show(0, 0, START);
    for (int i = 1; i < 100; i++) {
        int64_t arrival = START + i * PICTURE;
        if (i >= 20 && i < 70)
            arrival = START + 70 * PICTURE;
        const int64_t time = show(0, i * PICTURE, arrival);
        assert_in_range(time - first, i * PICTURE, i * PICTURE + i * PICTURE / 1000);
    }
}

/* Whatever the camera's clock says in a new epoch, ours goes on by the time that went by. */
static void test_epochs(void **state)
{
    (void)state;
    assert_int_equal(show(0, 0, START), START);
    assert_int_equal(show(0, PICTURE, START + PICTURE), START + PICTURE);
    assert_int_equal(show(1, 0, START + FV_S), START + FV_S);
    assert_int_equal(show(1, PICTURE, START + FV_S + PICTURE), START + FV_S + PICTURE);
    assert_int_equal(show(2, 7200 * FV_S, START + 2 * FV_S), START + 2 * FV_S);
    assert_int_equal(show(2, 7200 * FV_S + PICTURE, START + 2 * FV_S + PICTURE),
                     START + 2 * FV_S + PICTURE);
    /* the last one of the old connection was held back; the new one begins sooner: not into the past */
    assert_int_equal(show(3, 0, START + 2 * FV_S), START + 2 * FV_S + PICTURE);
}

/* Within an epoch the timestamps may jump by up to 10 s (rtp/timeline.h): ahead of the arrival, time stays with the arrival, and
 * goes on in the camera's steps. */
static void test_jump_ahead(void **state)
{
    (void)state;
    show(0, 0, START);
    show(0, PICTURE, START + PICTURE);
    assert_int_equal(show(0, PICTURE + 8 * FV_S, START + 2 * PICTURE), START + 2 * PICTURE);
    assert_int_equal(show(0, 2 * PICTURE + 8 * FV_S, START + 3 * PICTURE), START + 3 * PICTURE);
}

/* Back by up to 2 s: time goes on with the arrival, in the camera's steps. */
static void test_jump_back(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++)
        show(0, i * PICTURE, START + i * PICTURE);
    for (int i = 100; i < 200; i++)
        assert_int_equal(show(0, i * PICTURE - FV_S, START + i * PICTURE), START + i * PICTURE);
}

/* 300 ppm fast or slow for an hour: followed, and never ahead of the arrival. */
static void test_drift(void **state)
{
    (void)state;
    for (int sign = -1; sign <= 1; sign += 2) {
        set_up(NULL);
        for (int64_t i = 0; i < 90000; i++) {
            const int64_t pts = i * (PICTURE + sign * 3 * PICTURE / 10000);
            const int64_t arrival = START + i * PICTURE;
            assert_in_range(show(0, pts, arrival), arrival - FV_MS, arrival);
        }
    }
}

/* A camera that stamps every picture with the same time, and one whose clock runs at double speed. */
static void test_wrong_clocks(void **state)
{
    (void)state;
    for (int speed = 0; speed <= 2; speed += 2) {
        int64_t last = 0;
        set_up(NULL);
        for (int64_t i = 0; i < 1000; i++) {
            const int64_t arrival = START + i * PICTURE;
            const int64_t time = show(0, speed * i * PICTURE, arrival);
            assert_in_range(time, arrival - FV_PICTURE_CLOCK_LAG, arrival);
            assert_true(time >= last);
            if (i > 200) /* 8 s: beyond the lag */
                assert_int_equal(time - last, PICTURE);
            last = time;
        }
    }
}

static void test_unknown(void **state)
{
    (void)state;
    assert_int_equal(show(0, FV_TIME_UNKNOWN, START), START);
    assert_int_equal(show(0, 0, START + PICTURE), START + PICTURE);
    assert_int_equal(show(0, INT64_MAX, START + 2 * PICTURE), START + 2 * PICTURE);
    assert_int_equal(show(0, 2 * PICTURE, START + 3 * PICTURE), START + 3 * PICTURE);
    assert_int_equal(show(0, INT64_MIN + 1, START), START + 3 * PICTURE);
    const struct fv_frame_info no_network = {
        .pts = FV_TIME_UNKNOWN,
        .at = {.last_packet = FV_TIME_UNKNOWN, .event = START + 4 * PICTURE}};
    assert_int_equal(fv_picture_clock_time(&picture_clock, &no_network), START + 4 * PICTURE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_read_in_one_go, set_up),
        cmocka_unit_test_setup(test_jitter, set_up),
        cmocka_unit_test_setup(test_stall, set_up),
        cmocka_unit_test_setup(test_epochs, set_up),
        cmocka_unit_test_setup(test_jump_ahead, set_up),
        cmocka_unit_test_setup(test_jump_back, set_up),
        cmocka_unit_test_setup(test_drift, set_up),
        cmocka_unit_test_setup(test_wrong_clocks, set_up),
        cmocka_unit_test_setup(test_unknown, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

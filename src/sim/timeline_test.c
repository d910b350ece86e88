// SPDX-License-Identifier: Apache-2.0
/* The timeline on a virtual clock: 10 pictures a second, key pictures of 4 packets, others of 3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "sim/testkit.h"
#include "sim/timeline.h"

#define START (1000 * FV_S)

static const struct kit_stream stream = {.pictures = 6, .gop = 3, .slice = 3000};
static struct fv_clip *clip;

static int open_clip(void **state)
{
    clip = kit_clip(&stream, 10);
    return 0;
}

static int close_clip(void **state)
{
    fv_clip_destroy(clip);
    return 0;
}

static struct fv_sim_timeline start_at(uint32_t au)
{
    struct fv_rand rand;
    struct fv_sim_timeline timeline;
    fv_rand_seed(&rand, 1);
    fv_sim_timeline_start(&timeline, clip, au, START, &rand);
    return timeline;
}

static struct fv_sim_timeline_packet next(struct fv_sim_timeline *timeline)
{
    struct fv_sim_timeline_packet packet;
    fv_sim_timeline_peek(timeline, &packet);
    fv_sim_timeline_advance(timeline);
    return packet;
}

static void packets_are_spread_over_the_picture(void **state)
{
    struct fv_sim_timeline timeline = start_at(0);
    const int64_t due_ms[] = {0, 25, 50, 75};
    for (int i = 0; i < 4; i++) {
        struct fv_sim_timeline_packet packet = next(&timeline);
        assert_int_equal(packet.due - START, due_ms[i] * FV_MS);
        assert_int_equal(packet.marker, i == 3);
        assert_int_equal(packet.timestamp, timeline.rtp_base);
    }
    const int64_t due_us[] = {100000, 133333, 166666};
    for (int i = 0; i < 3; i++) {
        struct fv_sim_timeline_packet packet = next(&timeline);
        assert_int_equal((packet.due - START) / 1000, due_us[i]);
        assert_int_equal(packet.timestamp, timeline.rtp_base + 9000);
    }
}

/* 1,000 rounds: sequence numbers and timestamps without a gap, sending times without drift. */
static void the_loop_has_no_seam(void **state)
{
    struct fv_sim_timeline timeline = start_at(0);
    timeline.rtp_base = UINT32_MAX - 20000;
    timeline.seq = 65530;
    uint32_t timestamp = timeline.rtp_base;
    uint16_t seq = timeline.seq;
    int64_t last = 0;
    for (unsigned picture = 0; picture < 6000; picture++) {
        unsigned packets = picture % 3 ? 3 : 4;
        for (unsigned i = 0; i < packets; i++) {
            struct fv_sim_timeline_packet packet = next(&timeline);
            assert_int_equal(packet.seq, seq++);
            assert_int_equal(packet.timestamp, timestamp);
            assert_true(packet.due > last);
            if (i == 0)
                assert_int_equal(packet.due - START, picture * 100 * FV_MS);
            last = packet.due;
        }
        timestamp += 9000;
    }
}

static void it_can_start_at_any_key_picture(void **state)
{
    struct fv_sim_timeline timeline = start_at(3);
    struct fv_sim_timeline_packet packet;
    fv_sim_timeline_peek(&timeline, &packet);
    assert_int_equal(packet.due, START);
    assert_ptr_equal(packet.payload, clip->bytes + clip->packets[clip->aus[3].packet].offset);
}

static void late_pictures_are_given_up_whole(void **state)
{
    struct fv_sim_timeline timeline = start_at(0);
    uint16_t seq = timeline.seq;
    /* Picture 0 has begun: the rest of it stays, 1 to 3 are more than 1 s late at 1.35 s. */
    next(&timeline);
    assert_int_equal(fv_sim_timeline_shed(&timeline, START + 1350 * FV_MS, FV_S), 3 + 3 + 4);
    assert_int_equal(fv_sim_timeline_shed(&timeline, START + 1350 * FV_MS, FV_S), 0);
    for (int i = 1; i < 4; i++)
        assert_int_equal(next(&timeline).seq, (uint16_t)(seq + i));
    struct fv_sim_timeline_packet packet = next(&timeline);
    assert_int_equal(packet.due - START, 400 * FV_MS);
    assert_int_equal(packet.seq, (uint16_t)(seq + 4 + 10));
    assert_int_equal(packet.timestamp, timeline.rtp_base + 4 * 9000);
}

static void a_picture_not_begun_is_given_up_too(void **state)
{
    struct fv_sim_timeline timeline = start_at(0);
    uint16_t seq = timeline.seq;
    assert_int_equal(fv_sim_timeline_shed(&timeline, START + 1000 * FV_MS, FV_S), 0);
    assert_int_equal(fv_sim_timeline_shed(&timeline, START + 1001 * FV_MS, FV_S), 4);
    struct fv_sim_timeline_packet packet = next(&timeline);
    assert_int_equal(packet.due - START, 100 * FV_MS);
    assert_int_equal(packet.seq, (uint16_t)(seq + 4));
}

/* Paused at 0.15 s in picture 1, resumed at 10.02 s: the next key picture, now; the clock went on.
   */
static void resume_keeps_the_camera_clock(void **state)
{
    struct fv_sim_timeline timeline = start_at(0);
    uint32_t base = timeline.rtp_base;
    uint16_t seq = timeline.seq;
    for (int i = 0; i < 5; i++)
        next(&timeline);
    fv_sim_timeline_resume(&timeline, START + 10020 * FV_MS);
    struct fv_sim_timeline_packet packet;
    fv_sim_timeline_peek(&timeline, &packet);
    assert_int_equal(packet.due, START + 10020 * FV_MS);
    assert_int_equal(packet.seq, (uint16_t)(seq + 5));
    assert_true(clip->aus[timeline.au % 6].key);
    assert_int_equal(packet.timestamp - base, 10020 * 90);
    assert_int_equal(fv_sim_timeline_rtp_at(&timeline, START + 11020 * FV_MS) - base, 11020 * 90);
}

static void reports_map_time_to_timestamps(void **state)
{
    struct fv_sim_timeline timeline = start_at(3);
    struct fv_sim_timeline_packet packet;
    fv_sim_timeline_peek(&timeline, &packet);
    assert_int_equal(fv_sim_timeline_rtp_at(&timeline, START), packet.timestamp);
    assert_int_equal(fv_sim_timeline_rtp_at(&timeline, START + 500 * FV_MS),
                     packet.timestamp + 45000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_are_spread_over_the_picture),
        cmocka_unit_test(the_loop_has_no_seam),
        cmocka_unit_test(it_can_start_at_any_key_picture),
        cmocka_unit_test(late_pictures_are_given_up_whole),
        cmocka_unit_test(a_picture_not_begun_is_given_up_too),
        cmocka_unit_test(resume_keeps_the_camera_clock),
        cmocka_unit_test(reports_map_time_to_timestamps),
    };
    return cmocka_run_group_tests(tests, open_clip, close_clip);
}

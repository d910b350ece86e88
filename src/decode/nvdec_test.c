// SPDX-License-Identifier: Apache-2.0
/* The NVDEC back end, run by a real worker, on the look-alike of tests/fakegpu. */
#include "decode/nvdec_kit_test.h"

#include "base/mem.h"

static void test_order_and_identity(void **state)
{
    (void)state;
    start();
    push_run(0, H264_SMALL, 0, 29);
    wait_for(&seen.count, 30);
    for (unsigned i = 0; i < 30; i++)
        expect(i, 0, H264_SMALL, i == 0, i, i);
    assert_int_equal(seen.infos[0].width, 64);
    assert_int_equal(seen.infos[0].height, 48);
    struct fv_nvdec_stats stats = stats_now();
    assert_int_equal(stats.created, 1);
    assert_int_equal(stats.mapped, 30);
    assert_int_equal(seen.faults, 0);
    struct fv_gpu_traffic traffic;
    fv_gpu_traffic(gpu, &traffic);
    struct unit unit;
    make_unit(&unit, H264_SMALL, true, 0, 0);
    assert_int_equal(traffic.to_device[FV_GPU_BITSTREAM], 30 * unit.slice_size);
    stop();
}

/* Each way of mapping hands out everything, in order, although the hardware takes longer than a pass. */
static void test_ways_of_mapping(void **state)
{
    (void)state;
    static const enum fv_nvdec_map ways[] = {FV_NVDEC_MAP_AUTO, FV_NVDEC_MAP_SAME_PASS,
                                             FV_NVDEC_MAP_NEXT_PASS};
    for (unsigned way = 0; way < 6; way++) {
        const struct fv_nvdec_params params = {.map = ways[way % 3]};
        set_up_again(way < 3 ? "synthetic=1,decode-ms=6" : "synthetic=1,decode-ms=6,lowest=1");
        start_with(&params);
        push_run(0, H264_SMALL, 0, 11);
        push_run(1, H264_LARGE, 0, 11);
        wait_for(&seen.count, 24);
        unsigned next[2] = {0, 0};
        for (unsigned i = 0; i < 24; i++) {
            uint32_t camera = seen.infos[i].camera;
            unsigned n = next[camera]++;
            expect(i, camera, camera ? H264_LARGE : H264_SMALL, n == 0, n, n);
        }
        stop();
    }
}

/* An unfinished picture is asked after, not waited for: what is due of another camera comes first. On a machine that is late itself it is
 * waited for at once: then there is another one. */
static void test_slow_hardware(void **state)
{
    (void)state;
    script("synthetic=1,decode-ms=30");
    start();
    for (unsigned i = 0; i < 100 && stats_now().waited == 0; i++) {
        push_run(0, H264_SMALL, 2 * i, 1);
        wait_for(&seen.count, 2 * i + 2);
    }
    assert_true(stats_now().waited > 0);
    stop();
}

/* All output surfaces are held: older pictures go, the newest waits and comes when one is given back. */
static void test_surfaces_held(void **state)
{
    (void)state;
    seen.keep = true;
    start();
    push_run(0, H264_SMALL, 0, 0);
    wait_for(&seen.count, 1);
    push_run(0, H264_SMALL, 1, 11);
    wait_for(&seen.served, 13);
    wait_for(&seen.count, HELD);
    for (int i = 0; i < 2000 && stats_now().skipped_held < 13 - HELD - 1; i++)
        nanosleep(&(struct timespec){.tv_nsec = FV_MS}, NULL);
    assert_int_equal(stats_now().skipped_held, 13 - HELD - 1);
    assert_int_equal(seen.count, HELD);
    fv_gpu_enter(gpu, NULL);
    give_back(0);
    wait_for(&seen.count, HELD + 1);
    expect(HELD, 0, H264_SMALL, false, 11, 12);
    stop();
}

/* The same, and none may be missing: each waits until one is given back. */
static void test_surfaces_awaited(void **state)
{
    (void)state;
    seen.keep = complete = true;
    start();
    push_run(0, H264_SMALL, 0, 39);
    fv_gpu_enter(gpu, NULL);
    for (unsigned i = 0; i < 40; i++) {
        wait_for(&seen.count, i + 1);
        expect(i, 0, H264_SMALL, i == 0, i, i);
        give_back(i);
    }
    assert_int_equal(stats_now().skipped_held, 0);
    stop();
}

static void push_order(enum format format, const uint8_t *orders, unsigned count)
{
    struct unit unit;
    for (unsigned i = 0; i < count; i++) {
        make_unit(&unit, format, i == 0, orders[i], orders[i]);
        unit.pts = orders[i] + 1;
        push(0, &unit);
    }
}

static void test_b_pictures(void **state)
{
    (void)state;
    static const uint8_t orders[] = {0, 2, 1, 4, 3, 6, 5};
    start();
    push_order(H264_B, orders, 7);
    wait_for(&seen.count, 6); /* the last one is held back by the parser */
    fv_decode_worker_finish(worker);
    assert_int_equal(seen.count, 7);
    for (unsigned i = 0; i < 7; i++)
        expect(i, 0, H264_B, i == 0, i, i);
    stop();
}

/* The stream does not say whether it reorders: shown at once until an order count falls, then in the parser's order; only the
 * picture that gave it away is missing. */
static void test_order_unsaid(void **state)
{
    (void)state;
    static const uint8_t orders[] = {0, 1, 2, 4, 3, 6, 5, 8, 7};
    static const unsigned shown[] = {0, 1, 2, 4, 5, 6, 7, 8};
    script("synthetic=1,reorder=1");
    start();
    push_order(H264_UNSAID, orders, 9);
    wait_for(&seen.served, 9);
    fv_decode_worker_finish(worker);
    assert_int_equal(seen.count, 8);
    for (unsigned i = 0; i < 8; i++)
        expect(i, 0, H264_UNSAID, i == 0, shown[i], shown[i]);
    stop();
}

/* The same where none may be missing: the parser's order from the beginning. */
static void test_order_unsaid_complete(void **state)
{
    (void)state;
    static const uint8_t orders[] = {0, 1, 2, 4, 3, 6, 5, 8, 7};
    script("synthetic=1,reorder=1");
    complete = true;
    start();
    push_order(H264_UNSAID, orders, 9);
    wait_for(&seen.served, 9);
    fv_decode_worker_finish(worker);
    assert_int_equal(seen.count, 9);
    for (unsigned i = 0; i < 9; i++)
        expect(i, 0, H264_UNSAID, i == 0, i, i);
    stop();
}

static void test_size_change_every_unit(void **state)
{
    (void)state;
    start();
    for (unsigned i = 0; i < 40; i++)
        push_run(0, i % 2 ? H264_LARGE : H264_SMALL, i, 0);
    wait_for(&seen.count, 40);
    for (unsigned i = 0; i < 40; i++) {
        expect(i, 0, i % 2 ? H264_LARGE : H264_SMALL, true, 0, i);
        assert_int_equal(seen.infos[i].width, i % 2 ? 128 : 64);
    }
    struct fv_nvdec_stats stats = stats_now();
    assert_in_range(stats.created, 2, 3);
    assert_true(stats.reused + stats.reconfigured > 30);
    assert_int_equal(seen.faults, 0);
    stop();
}

/* The larger session serves the smaller size by being reconfigured, but not while its pictures are out. */
static void test_reconfigure(void **state)
{
    (void)state;
    start();
    push_run(0, H264_LARGE, 0, 0);
    wait_for(&seen.count, 1);
    push_run(0, H264_SMALL, 1, 0);
    wait_for(&seen.count, 2);
    assert_int_equal(stats_now().created, 1);
    assert_int_equal(stats_now().reconfigured, 1);
    seen.keep = true;
    push_run(0, H264_SMALL, 2, 0);
    wait_for(&seen.count, 3);
    push_run(0, H264_LARGE, 3, 0);
    wait_for(&seen.count, 4);
    assert_int_equal(stats_now().created, 2);
    look_at(seen.pictures[2]);
    look_at(seen.pictures[3]);
    stop();
}

/* A camera goes while its pictures are still used; its session serves the next one. */
static void test_close_with_mapped_pictures(void **state)
{
    (void)state;
    seen.keep = true;
    start();
    push_run(0, H264_SMALL, 0, 1);
    wait_for(&seen.count, 2);
    fv_decode_worker_forget(worker, 0);
    push_run(1, H264_SMALL, 0, 0);
    wait_for(&seen.count, 3);
    assert_int_equal(look_at(seen.pictures[0]), seen.seeds[0]);
    assert_int_equal(look_at(seen.pictures[1]), seen.seeds[1]);
    assert_int_equal(stats_now().idle, 0);
    fv_gpu_enter(gpu, NULL);
    give_back(0);
    give_back(1);
    assert_int_equal(stats_now().idle, 1);
    seen.keep = false;
    push_run(2, H264_SMALL, 0, 0);
    wait_for(&seen.count, 4);
    assert_int_equal(stats_now().created, 2);
    assert_int_equal(stats_now().reused, 1);
    stop();
}

static void test_no_room(void **state)
{
    (void)state;
    script("synthetic=1,max-decoders=1");
    start();
    push_run(0, H264_SMALL, 0, 0);
    wait_for(&seen.count, 1);
    push_run(1, H264_SMALL, 0, 3);
    expect_fault(-ENOMEM, "out of what a decoder needs beside memory (1 decoders are open");
    push_run(0, H264_SMALL, 1, 0);
    wait_for(&seen.count, 2);
    fv_decode_worker_forget(worker, 0);
    push_run(1, H264_SMALL, 4, 0);
    wait_for(&seen.count, 3); /* with the session that is idle now */
    assert_int_equal(stats_now().created, 1);
    fv_decode_worker_forget(worker, 1);
    push_run(2, H264_LARGE, 0, 0);
    wait_for(&seen.count, 4); /* instead of the session that is idle now, and of another size */
    assert_int_equal(stats_now().created, 2);
    assert_int_equal(stats_now().refused, 1);
    stop();
}

static void test_budget(void **state)
{
    (void)state;
    const struct fv_nvdec_params params = {.budget = 9u << 20};
    start_with(&params);
    push_run(0, H264_SMALL, 0, 0);
    wait_for(&seen.count, 1);
    push_run(1, H264_LARGE, 0, 0);
    expect_fault(-ENOMEM, "about 1 such cameras fit");
    assert_int_equal(stats_now().refused, 1);
    stop();
}

static void test_unsupported(void **state)
{
    (void)state;
    static const struct {
        enum format format;
        const char *words;
    } cases[] = {{H264_422, "4:2:2"},
                 {H264_WIDE, "up to 4096x4096, the stream has 8192x48"},
                 {H264_HUGE, "beyond sane limits"},
                 {H265_TEN, "does not decode H.265"}};
    for (unsigned i = 0; i < 4; i++) {
        set_up_again("synthetic=1,h265=0");
        start();
        push_run(0, cases[i].format, 0, 2);
        expect_fault(-ENOTSUP, cases[i].words);
        push_run(0, H264_SMALL, 3, 0);
        wait_for(&seen.count, 1);
        assert_int_equal(stats_now().created, 1);
        stop();
    }
}

static void test_formats(void **state)
{
    (void)state;
    start();
    push_run(0, H265_TEN, 0, 2);
    push_run(1, H264_CROPPED, 0, 2);
    push_run(2, H264_INTERLACED, 0, 2);
    wait_for(&seen.count, 9);
    for (unsigned i = 0; i < 9; i++) {
        static const unsigned widths[] = {64, 54, 64}, heights[] = {64, 38, 64};
        assert_int_equal(seen.infos[i].width, widths[seen.infos[i].camera]);
        assert_int_equal(seen.infos[i].height, heights[seen.infos[i].camera]);
    }
    assert_int_equal(seen.faults, 0);
    stop();
}

/* NAL units that the driver's parser must not see are left out, wherever they stand: before everything, and between it. */
static void test_nal_units_left_out(void **state)
{
    (void)state;
    static const uint8_t vps[] = {0x40, 0x01, 0x0c, 0x01, 0xff, 0xff},
                         layer[] = {0x02, 0x09, 0x80, 0x01, 0x01, 0x80},
                         delimiter[] = {0x46, 0x01, 0x50};
    struct unit made, unit = {.codec = FV_CODEC_H265, .key = true};
    make_unit(&made, H265_TEN, true, 0, 0);
    size_t set = made.size - made.slice_size - 4;
    append_nal(&unit, delimiter, sizeof(delimiter));
    append_nal(&unit, vps, sizeof(vps));
    memcpy(unit.data + unit.size, made.data, set);
    unit.size += set;
    append_nal(&unit, vps, sizeof(vps));
    append_nal(&unit, made.slice, made.slice_size);
    append_nal(&unit, layer, sizeof(layer));
    unit.pts = 1;
    start();
    push(0, &unit);
    push_run_on(0, H265_TEN, 1);
    wait_for(&seen.count, 2);
    for (unsigned i = 0; i < 2; i++)
        expect(i, 0, H265_TEN, i == 0, i, i);
    assert_int_equal(seen.faults, 0);
    stop();
}

/* A failing call of the hardware costs the camera what comes until its next key picture, and nobody else anything. */
static void test_failing_calls(void **state)
{
    (void)state;
    static const struct {
        const char *script;
        int code;
        const char *words;
    } cases[] = {
        {"synthetic=1,call-fail=cuvidDecodePicture:3", -EIO, "cuvidDecodePicture"},
        {"synthetic=1,call-fail=cuvidMapVideoFrame:3", -EIO, "cuvidMapVideoFrame"},
        {"synthetic=1,call-fail=cuvidDecodePicture:3:999", -EIO, "cuvidDecodePicture"},
        {"synthetic=1,call-fail=cuvidMapVideoFrame:3:999", -EIO, "cuvidMapVideoFrame"},
        {"synthetic=1,call-fail=cuvidCreateDecoder:1:999", -EIO, "cuvidCreateDecoder"},
        {"synthetic=1,call-fail=cuvidCreateDecoder:1", -EIO, "cuvidCreateDecoder"},
        {"synthetic=1,call-fail=cuvidCreateDecoder:1:2", -ENOMEM, "beside memory"},
        {"synthetic=1,call-fail=cuvidParseVideoData:3", -EBADMSG, "parser refuses"},
        {"synthetic=1,call-fail=cuvidCreateVideoParser:1", -EIO, "cuvidCreateVideoParser"},
        {"synthetic=1,call-fail=cuEventRecord:2", -EIO, "cuEventRecord"},
        {"synthetic=1,error-at=3", -EBADMSG, "the hardware found errors"},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        set_up_again(cases[i].script);
        start();
        push_run(0, H264_SMALL, 0, 5);
        expect_fault(cases[i].code, cases[i].words);
        wait_for(&seen.served, 6);
        unsigned before = seen_count();
        push_run(0, H264_SMALL, 10, 1);
        push_run(1, H264_LARGE, 0, 1);
        wait_for(&seen.count, before + 4);
        assert_int_equal(seen.faults, 1);
        stop();
    }
}

/* A session on which a call failed serves nobody else, also when the call was made because the stream changed. */
static void test_failed_before_change(void **state)
{
    (void)state;
    script("synthetic=1,decode-ms=30,call-fail=cuvidMapVideoFrame:1");
    start();
    push_run(0, H264_SMALL, 0, 0);
    push_run(0, H264_LARGE, 1, 0);
    expect_fault(-EIO, "cuvidMapVideoFrame");
    for (int i = 0; i < 2000 && stats_now().destroyed == 0; i++)
        nanosleep(&(struct timespec){.tv_nsec = FV_MS}, NULL);
    assert_int_equal(stats_now().destroyed, 1);
    stop();
}

static void test_damage_is_marked(void **state)
{
    (void)state;
    script("synthetic=1,concealed-at=2");
    start();
    push_run(0, H264_SMALL, 0, 0);
    wait_for(&seen.count, 1);
    push_run_on(0, H264_SMALL, 1);
    wait_for(&seen.count, 2);
    push_run_on(0, H264_SMALL, 2);
    wait_for(&seen.count, 3);
    push_run(0, H264_SMALL, 3, 0);
    wait_for(&seen.count, 4);
    static const uint32_t flags[] = {FV_FRAME_KEY, FV_FRAME_DAMAGED, FV_FRAME_DAMAGED,
                                     FV_FRAME_KEY};
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(seen.infos[i].flags, flags[i]);
    stop();
}

/* Making a session takes long: the other camera goes on, and what came meanwhile is decoded afterwards. */
static void test_slow_opening(void **state)
{
    (void)state;
    script("synthetic=1,create-ms=100");
    start();
    push_run(0, H264_SMALL, 0, 0);
    wait_for(&seen.count, 1);
    hold_making(true);
    push_run(1, H264_LARGE, 0, 19);
    push_run(0, H264_SMALL, 1, 4);
    wait_for(&seen.count, 6);
    hold_making(false);
    wait_for(&seen.count, 26);
    for (unsigned i = 0; i < 20; i++)
        expect(6 + i, 1, H264_LARGE, i == 0, i, i);
    /* The end of the stream waits for the session, too. */
    push_run(2, H264_B, 0, 29);
    fv_decode_worker_finish(worker);
    assert_int_equal(seen.count, 26 + 30);
    assert_int_equal(seen.served, 56);
    stop();
}

/* What came while the session was made is not decoded when it is late by then: the camera goes on with a key picture that is not. */
static void test_late_after_opening(void **state)
{
    (void)state;
    late = 60 * FV_S;
    start();
    hold_making(true);
    age = 61 * FV_S;
    push_run(0, H264_SMALL, 0, 9);
    age = 0;
    push_run(0, H264_SMALL, 10, 3);
    hold_making(false);
    wait_for(&seen.count, 4);
    for (unsigned i = 0; i < 4; i++)
        expect(i, 0, H264_SMALL, i == 0, i, 10 + i);
    struct fv_decode_stats stats;
    fv_decode_worker_stats(worker, 0, &stats);
    assert_int_equal(stats.dropped_late + stats.dropped_key, 10);
    assert_true(stats.dropped_late > 0);
    stop();
}

/* Waits up to 20 s for a picture with this time. */
static void wait_for_last(int64_t pts)
{
    for (unsigned n = 1;; n++) {
        wait_for(&seen.count, n);
        if (seen.infos[n - 1].pts == pts)
            return;
    }
}

/* No newer key picture waits: what is late is decoded, since what follows needs it, and not handed out. */
static void test_catching_up(void **state)
{
    (void)state;
    late = 60 * FV_S;
    start();
    hold_making(true);
    age = 61 * FV_S;
    push_run(0, H264_SMALL, 0, 19);
    age = 0;
    hold_making(false);
    wait_for(&seen.served, 20);
    push_run_on(0, H264_SMALL, 20);
    wait_for_last(21);
    struct fv_decode_stats stats;
    fv_decode_worker_stats(worker, 0, &stats);
    assert_int_equal(stats.submitted, 21);
    assert_int_equal(stats.decoded, 21);
    assert_true(stats.dropped_late >= 4);
    assert_int_equal(stats.dropped_late + seen_count(), 21);
    stop();
}

static void test_lost_device(void **state)
{
    (void)state;
    start();
    push_run(0, H264_SMALL, 0, 2);
    wait_for(&seen.count, 3);
    void (*lose)(int) = (void (*)(int))(uintptr_t)dlsym(
        dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD), "fakegpu_lose");
    lose(700);
    push_run(0, H264_SMALL, 3, 2);
    expect_fault(-ENODEV, "");
    assert_true(fv_gpu_lost(gpu));
    wait_for(&seen.served, 6);
    stop();
    assert_int_equal(fv_gpu_reset(0, NULL), -ENODEV);
    lose(0); /* as in a new process */
}

/* So that access units need no fresh memory. */
static void warm_up_pool(void)
{
    struct fv_buf *bufs[64];
    for (int i = 0; i < 64; i++)
        assert_int_equal(fv_buf_get(pool, 256, &bufs[i]), 0);
    for (int i = 0; i < 64; i++)
        fv_buf_unref(bufs[i]);
}

/* Whatever allocation fails: the camera says so and comes back with a later key picture; nothing leaks (stop, tear_down). */
static void test_allocations_fail(void **state)
{
    (void)state;
    for (unsigned n = 1; n < 12; n++) {
        set_up_again("synthetic=1");
        start();
        warm_up_pool();
        fv_alloc_fail_at(n);
        for (unsigned i = 0; i < 200 && !seen_count(); i++) {
            push_run(0, H264_SMALL, i, 0);
            wait_for(&seen.served, i < 32 ? 0 : i - 32); /* no more than the pool has */
            nanosleep(&(struct timespec){.tv_nsec = 5 * FV_MS}, NULL);
        }
        fv_alloc_fail_at(0);
        assert_true(seen_count() > 0);
        stop();
    }
    const struct fv_gpu_params device = {0};
    struct fv_error err;
    assert_int_equal(fv_gpu_open(&device, &gpu, &err), 0);
    struct fv_nvdec_params params = {.gpu = gpu, .held = HELD};
    unsigned n = 1;
    for (;; n++) {
        fv_alloc_fail_at(n);
        int code = fv_nvdec_create(&params, &nvdec, &err);
        if (code == 0)
            break;
        assert_int_equal(code, -ENOMEM);
    }
    fv_alloc_fail_at(0);
    assert_in_range(n, 3, 4); /* nvdec, stream, thread's start */
    fv_nvdec_destroy(nvdec);
    params.held = 0;
    assert_int_equal(fv_nvdec_create(&params, &nvdec, &err), -EINVAL);
    fv_gpu_close(gpu);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_order_and_identity),
        CASE(test_ways_of_mapping),
        CASE(test_slow_hardware),
        CASE(test_surfaces_held),
        CASE(test_surfaces_awaited),
        CASE(test_b_pictures),
        CASE(test_order_unsaid),
        CASE(test_order_unsaid_complete),
        CASE(test_size_change_every_unit),
        CASE(test_reconfigure),
        CASE(test_close_with_mapped_pictures),
        CASE(test_no_room),
        CASE(test_budget),
        CASE(test_unsupported),
        CASE(test_formats),
        CASE(test_nal_units_left_out),
        CASE(test_failing_calls),
        CASE(test_failed_before_change),
        CASE(test_damage_is_marked),
        CASE(test_slow_opening),
        CASE(test_late_after_opening),
        CASE(test_catching_up),
        CASE(test_lost_device),
        CASE(test_allocations_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

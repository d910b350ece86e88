// SPDX-License-Identifier: Apache-2.0
/* Sizes, steady state, empty pools and failing allocations. */
#include "base/mem.h"
#include "rtp/bench.h"

/* Sizes, memory */

/* One key picture of 3,001 bytes in fragments of every size. */
static void test_every_fragment_size(void **state)
{
    uint8_t slice[3001], payload[3100];
    for (size_t i = 0; i < sizeof(slice); i++)
        slice[i] = (uint8_t)(i % 251 + 1);
    slice[0] = 0x65;
    slice[1] = 0x88;
    for (size_t part = 1; part < sizeof(slice); part += part < 40 ? 1 : 37) {
        struct bench b;
        fv_bench_init(&b, 0);
        fv_bench_send(&b, 0, false, SPS);
        fv_bench_send(&b, 0, false, PPS);
        for (size_t at = 1; at < sizeof(slice); at += part) {
            size_t size = part < sizeof(slice) - at ? part : sizeof(slice) - at;
            bool end = at + size == sizeof(slice);
            payload[0] = 0x7c;
            payload[1] = (uint8_t)(0x05 | (at == 1 ? 0x80 : 0) | (end ? 0x40 : 0));
            memcpy(payload + 2, slice + at, size);
            fv_bench_input(&b, b.seq++, 0, end, payload, 2 + size);
        }
        assert_string_equal(b.log, "FK");
        size_t front = 4 + sizeof(SPS) / 2 + 4 + sizeof(PPS) / 2 + 4;
        assert_int_equal(b.aus[0].size, front + sizeof(slice));
        assert_memory_equal(b.aus[0].buf->data + front, slice, sizeof(slice));
        fv_bench_finish(&b);
    }
}

/* A steady stream allocates nothing once it runs: the pool's fresh buffers stand still. */
static void test_steady_state(void **state)
{
    static uint8_t payload[1400];
    struct bench b;
    struct fv_buf_stats before = {0}, after;
    fv_bench_init(&b, 0);
    b.count = COUNT(b.aus); /* keep none */
    memset(payload, 0x55, sizeof(payload));
    for (unsigned picture = 0; picture < 200; picture++) {
        bool key = picture % 25 == 0;
        unsigned packets = key ? 60 : 10;
        if (key) {
            fv_bench_send(&b, 3600 * picture, false, SPS);
            fv_bench_send(&b, 3600 * picture, false, PPS);
        }
        for (unsigned i = 0; i < packets; i++) {
            payload[0] = 0x7c;
            payload[1] =
                (uint8_t)((key ? 5 : 1) | (i == 0 ? 0x80 : 0) | (i == packets - 1 ? 0x40 : 0));
            payload[2] = 0x88;
            fv_bench_input(&b, b.seq++, 3600 * picture, i == packets - 1, payload, sizeof(payload));
        }
        if (picture == 60)
            fv_buf_pool_stats(b.pool, &before);
    }
    fv_buf_pool_stats(b.pool, &after);
    assert_int_equal(b.count, COUNT(b.aus) + 200);
    assert_int_equal(before.fresh, after.fresh);
    b.count = 0;
    fv_bench_finish(&b);
}

static void test_pool_exhausted(void **state)
{
    struct bench b = {.seq = 100, .ssrc = SSRC, .now = FV_S};
    assert_int_equal(fv_buf_pool_create(4096, 4096, &b.pool), 0);
    struct fv_rtp_params params = fv_bench_params(&b, FV_CODEC_H264, 0);
    fv_bench_open(&b, &params);
    uint8_t large[6000];
    memset(large, 0x55, sizeof(large));
    large[0] = 0x65;
    large[1] = 0x88;
    fv_bench_send_key(&b, 0);
    assert_string_equal(b.log, "FK");
    fv_bench_send(&b, 3600, true, "419a"); /* the first one is still held */
    assert_string_equal(b.log, "FK");
    assert_int_equal(fv_rtp_stats(b.rtp)->no_buffer, 1);
    fv_au_drop(&b.aus[0]);
    fv_bench_send(&b, 7200, true, "419a"); /* lacks its reference */
    assert_int_equal(fv_rtp_stats(b.rtp)->skipped, 1);
    fv_bench_input(&b, b.seq++, 10800, true, large, sizeof(large)); /* larger than the pool */
    assert_int_equal(fv_rtp_stats(b.rtp)->no_buffer, 2);
    fv_bench_send(&b, 14400, true, "658811");
    assert_string_equal(b.log, "FKK");
    fv_bench_finish(&b);
}

/* A picture that never ends is given up at FV_BUF_MAX, and the next key picture is fine. */
static void test_picture_too_large(void **state)
{
    static uint8_t payload[60000];
    struct bench b;
    fv_bench_init(&b, 0);
    fv_bench_send(&b, 0, false, SPS);
    fv_bench_send(&b, 0, false, PPS);
    for (unsigned i = 0; i < 150; i++) { /* 9 MB */
        payload[0] = 0x7c;
        payload[1] = i == 0 ? 0x85 : 0x05;
        payload[2] = 0x88;
        fv_bench_input(&b, b.seq++, 0, false, payload, sizeof(payload));
    }
    fv_bench_send(&b, 0, true,
                  "7c45"
                  "11");
    assert_string_equal(b.log, "");
    assert_int_equal(fv_rtp_stats(b.rtp)->no_buffer, 1);
    fv_bench_send_key(&b, 3600);
    assert_string_equal(b.log, "FK");
    fv_bench_finish(&b);
}

static void test_create(void **state)
{
    struct bench b;
    fv_bench_start(&b);
    struct fv_rtp_params good = fv_bench_params(&b, FV_CODEC_H264, FV_MS);
    struct fv_rtp *rtp = NULL;
    for (unsigned i = 0; i < 6; i++) {
        struct fv_rtp_params bad = good;
        i == 0   ? (void)(bad.codec = FV_CODEC_NONE)
        : i == 1 ? (void)(bad.clock_rate = 0)
        : i == 2 ? (void)(bad.pool = NULL)
        : i == 3 ? (void)(bad.handler.au = NULL)
        : i == 4 ? (void)(bad.reorder = -1)
                 : (void)(bad.payload_type = 128);
        assert_int_equal(fv_rtp_create(&bad, &rtp), -EINVAL);
    }
    unsigned n = 1;
    for (;; n++) {
        fv_alloc_fail_at(n);
        int rc = fv_rtp_create(&good, &rtp);
        bool pending = fv_alloc_fail_pending();
        fv_alloc_fail_at(0);
        if (pending) {
            assert_int_equal(rc, 0);
            break;
        }
        assert_int_equal(rc, -ENOMEM);
        assert_null(rtp);
    }
    assert_true(n > 2); /* the receiver and its window */
    b.rtp = rtp;
    fv_bench_finish(&b);
    fv_rtp_destroy(NULL);
}

/* Each allocation on the way fails once: the stream goes on, and no picture is wrong. */
static void test_allocation_fails(void **state)
{
    for (unsigned n = 1;; n++) {
        struct bench b;
        fv_bench_init(&b, 60 * FV_MS);
        fv_alloc_fail_at(n);
        fv_bench_send_key(&b, 0);
        fv_bench_send_at(&b, 104, 7200, true, "419a");
        fv_bench_send_at(&b, 103, 3600, true, "419a");
        b.ssrc++;
        fv_bench_send_at(&b, 200, 3600, false, SPS);
        fv_bench_send_at(&b, 201, 3600, false, PPS);
        fv_bench_send_at(&b, 202, 3600, true, "658811");
        bool pending = fv_alloc_fail_pending();
        fv_alloc_fail_at(0);
        fv_bench_send_at(&b, 203, 7200, true, "658822");
        assert_true(b.count > 0);
        assert_int_equal(b.aus[b.count - 1].flags, FV_FRAME_KEY);
        for (size_t i = 0; i < b.count; i++)
            if (b.aus[i].flags & FV_FRAME_KEY)
                assert_true(b.aus[i].size == sizeof(SPS) / 2 + sizeof(PPS) / 2 + 8 + 4 + 3);
        fv_bench_finish(&b);
        if (pending) {
            assert_true(n > 1);
            break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_fragment_size),
        cmocka_unit_test(test_steady_state),
        cmocka_unit_test(test_pool_exhausted),
        cmocka_unit_test(test_picture_too_large),
        cmocka_unit_test(test_create),
        cmocka_unit_test(test_allocation_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

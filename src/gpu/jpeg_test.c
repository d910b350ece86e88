// SPDX-License-Identifier: Apache-2.0
/* JPEG files of pictures in device memory, on the look-alikes of tests/fakegpu: nearness, the account of bytes, every fault. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "fakegpu/jpeg_cases.h"
#include "fakegpu_tools.h"
#include "gpu/jpeg.h"
#include "gpu/nvjpeg.h"

#define NEAR 45.0 /* dB, of waves at quality 95 */
#define POOL (8u << 20)

struct bed {
    struct fv_gpu *gpu;
    struct fv_gpu_stream *decoder;
    struct fv_gpu_event *ready;
    struct fv_gpu_jpeg *jpeg;
    struct fv_case_picture source;
    fv_gpu_address memory;
    struct fv_picture picture; /* the source, on the device */
};

/* The picture is still being made when the encoder sees it. */
static void make_picture(struct bed *bed, enum fv_pixel_format format, uint32_t width,
                         uint32_t height)
{
    struct fv_rand rand;
    fv_rand_seed(&rand, width * 31 + height);
    fv_case_picture_init(&bed->source, &rand, format, width, height);
    fv_case_smooth(&bed->source, width);
    fv_gpu_alloc(bed->gpu, bed->source.size, "picture", &bed->memory, NULL);
    fv_gpu_upload(bed->decoder, bed->memory, bed->source.memory, bed->source.size, FV_GPU_CONTROL,
                  NULL);
    fv_gpu_event_record(bed->ready, bed->decoder, NULL);
    bed->picture = bed->source.picture;
    bed->picture.memory = FV_MEMORY_DEVICE;
    bed->picture.ready = bed->ready;
    bed->picture.refs = 1;
    for (int i = 0; i < 3; i++)
        bed->picture.plane[i] = (const uint8_t *)(uintptr_t)(bed->memory + bed->source.offset[i]);
}

static void drop_picture(struct bed *bed)
{
    fv_gpu_stream_finish(bed->decoder, NULL);
    fv_gpu_free(bed->gpu, bed->memory);
    fv_case_picture_finish(&bed->source);
    bed->memory = 0;
    memset(&bed->source, 0, sizeof(bed->source));
}

static void set_up(struct bed *bed, const char *script)
{
    memset(bed, 0, sizeof(*bed));
    bed->gpu = fakegpu_open(script, POOL);
    assert_int_equal(fv_gpu_stream_create(bed->gpu, &bed->decoder, NULL), 0);
    assert_int_equal(fv_gpu_event_create(bed->gpu, &bed->ready, NULL), 0);
}

static void tear_down(struct bed *bed)
{
    fv_gpu_jpeg_destroy(bed->jpeg);
    if (bed->source.memory)
        drop_picture(bed);
    fv_gpu_event_destroy(bed->ready);
    fv_gpu_stream_destroy(bed->decoder);
    fv_gpu_close(bed->gpu);
    assert_nothing_left();
}

static size_t pool_used(struct bed *bed)
{
    struct fv_gpu_memory_stats stats;
    fv_gpu_memory_stats(bed->gpu, &stats);
    return stats.pool_used;
}

static void must_encode(struct bed *bed, unsigned quality, struct fv_gpu_jpeg_file *ret_file)
{
    struct fv_error err = {0};
    if (fv_gpu_jpeg_encode(bed->jpeg, &bed->picture, quality, ret_file, &err) < 0)
        fail_msg("%s", err.text);
}

static void must_create(struct bed *bed)
{
    struct fv_error err = {0};
    if (fv_gpu_jpeg_create(bed->gpu, &bed->jpeg, &err) < 0)
        fail_msg("%s", err.text);
}

/* Every format, odd and even sizes, matrices and ranges as they come. */
static void test_encode(void **state)
{
    static const uint32_t sides[][2] = {{1, 1},   {2, 2},    {7, 5},    {16, 16},
                                        {33, 17}, {200, 99}, {321, 241}};
    struct bed bed;
    set_up(&bed, "slow-ms=1");
    must_create(&bed);
    for (unsigned i = 0; i < 2 * sizeof(sides) / sizeof(sides[0]); i++) {
        struct fv_gpu_traffic before, after;
        struct fv_gpu_jpeg_file file;
        const uint32_t *side = sides[i / 2];
        make_picture(&bed, i % 2 ? FV_PIXEL_P016 : FV_PIXEL_NV12, side[0], side[1]);
        fv_gpu_traffic(bed.gpu, &before);
        must_encode(&bed, 95, &file);
        fv_gpu_traffic(bed.gpu, &after);
        const double db = fv_case_jpeg_psnr(file.data, file.size, &bed.source.picture);
        if (db < NEAR)
            fail_msg("%u x %u, format %d: %.1f dB", side[0], side[1], bed.picture.format, db);
        assert_int_equal(after.to_host[FV_GPU_SNAPSHOT] - before.to_host[FV_GPU_SNAPSHOT],
                         file.size);
        assert_int_equal(after.tripped, 0);
        assert_int_equal(bed.picture.refs, 1);
        fv_free(file.data);
        drop_picture(&bed);
    }
    tear_down(&bed);
}

/* Scratch comes from the pool and goes back; what nvJPEG keeps goes at the end. */
static void test_memory(void **state)
{
    struct bed bed;
    struct fv_gpu_jpeg_file small, large;
    set_up(&bed, "");
    make_picture(&bed, FV_PIXEL_NV12, 320, 240);
    const size_t without = pool_used(&bed);
    must_create(&bed);
    must_encode(&bed, 30, &small);
    const size_t kept = pool_used(&bed);
    must_encode(&bed, 95, &large);
    assert_int_equal(pool_used(&bed), kept);
    assert_true(small.size < large.size);
    struct fv_gpu_memory_stats stats;
    fv_gpu_memory_stats(bed.gpu, &stats);
    assert_true(stats.pool_peak >= kept + (size_t)512 * 240 + 2 * (size_t)256 * 120);
    fv_gpu_jpeg_destroy(bed.jpeg);
    bed.jpeg = NULL;
    assert_int_equal(pool_used(&bed), without);
    fv_free(small.data);
    fv_free(large.data);
    tear_down(&bed);
}

static void test_refusals(void **state)
{
    struct bed bed;
    struct fv_gpu_jpeg_file file = {0};
    struct fv_error err = {0};
    set_up(&bed, "");
    must_create(&bed);
    make_picture(&bed, FV_PIXEL_NV12, 16, 16);
    assert_int_equal(fv_gpu_jpeg_encode(bed.jpeg, &bed.picture, 0, &file, &err), -EINVAL);
    assert_int_equal(fv_gpu_jpeg_encode(bed.jpeg, &bed.picture, 101, &file, &err), -EINVAL);
    bed.picture.info.width = 16385;
    assert_int_equal(fv_gpu_jpeg_encode(bed.jpeg, &bed.picture, 90, &file, &err), -EINVAL);
    bed.picture.info.width = 16;
    bed.picture.memory = FV_MEMORY_HOST;
    assert_int_equal(fv_gpu_jpeg_encode(bed.jpeg, &bed.picture, 90, &file, &err), -ENOTSUP);
    assert_null(file.data);
    fv_gpu_jpeg_destroy(NULL);
    tear_down(&bed);
}

/* The library is missing, or is another one: a sentence with the cure. */
static void test_no_library(void **state)
{
    static const char *const nowhere[] = {"libfovea-no-nvjpeg.so.1", NULL};
    static const char *const other[] = {"libfovea-no-nvjpeg.so.1", "libcuda.so.1", NULL};
    struct fv_nvjpeg nvjpeg;
    struct fv_error err = {0};
    assert_int_equal(fv_nvjpeg_open(nowhere, &nvjpeg, &err), -ENOTSUP);
    assert_non_null(strstr(err.text, "libfovea-no-nvjpeg.so.1 was found nowhere"));
    assert_non_null(strstr(err.text, "pip install nvidia-nvjpeg"));
    assert_int_equal(fv_nvjpeg_open(other, &nvjpeg, &err), -ENOTSUP);
    assert_non_null(strstr(err.text, "libcuda.so.1 has no nvjpegCreateExV2"));
    assert_int_equal(fv_nvjpeg_open(fv_nvjpeg_names, &nvjpeg, &err), 0);
}

static void test_status(void **state)
{
    struct fv_error err = {0};
    assert_int_equal(fv_nvjpeg_check(0, "a", &err), 0);
    assert_int_equal(fv_nvjpeg_check(5, "nvjpegX", &err), -ENOMEM);
    assert_string_equal(err.text, "nvjpegX: NVJPEG_STATUS_ALLOCATOR_FAILURE (5)");
    assert_int_equal(fv_nvjpeg_check(7, "a", &err), -ENOTSUP);
    assert_int_equal(fv_nvjpeg_check(9, "a", &err), -ENOTSUP);
    assert_int_equal(fv_nvjpeg_check(6, "a", &err), -EIO);
    assert_int_equal(fv_nvjpeg_check(-3, "nvjpegX", &err), -EIO);
    assert_string_equal(err.text, "nvjpegX: NVJPEG_STATUS_unknown (-3)");
}

/* A call of nvJPEG or of the driver fails: that JPEG is not made, the next one is. */
static void test_calls_fail(void **state)
{
    static const struct {
        const char *script, *text;
        int code;
    } cases[] = {
        {"call-fail=nvjpegEncodeYUV:1:6", "nvjpegEncodeYUV: NVJPEG_STATUS_EXECUTION_FAILED", -EIO},
        {"call-fail=nvjpegEncodeYUV:1:9", "nvjpegEncodeYUV: ", -ENOTSUP},
        {"call-fail=nvjpegEncoderParamsSetQuality:1:2", "SetQuality: ", -EIO},
        {"call-fail=nvjpegEncodeRetrieveBitstream:1:8", "RetrieveBitstream: ", -EIO},
        {"call-fail=nvjpegEncodeRetrieveBitstream:2:8", "RetrieveBitstream: ", -EIO},
        {"call-fail=cuLaunchKernel:1:1", "cuLaunchKernel: ", -EIO},
        {"call-fail=cuStreamWaitEvent:1:1", "cuStreamWaitEvent: ", -EIO},
        {"call-fail=cuStreamSynchronize:2:1", "cuStreamSynchronize: ", -EIO},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bed bed;
        struct fv_gpu_jpeg_file file = {0};
        struct fv_error err = {0};
        set_up(&bed, cases[i].script);
        must_create(&bed);
        make_picture(&bed, FV_PIXEL_NV12, 32, 32);
        print_message("  %s\n", cases[i].script);
        assert_int_equal(fv_gpu_jpeg_encode(bed.jpeg, &bed.picture, 90, &file, &err),
                         cases[i].code);
        assert_non_null(strstr(err.text, cases[i].text));
        assert_null(file.data);
        must_encode(&bed, 90, &file);
        fv_free(file.data);
        tear_down(&bed);
    }
}

/* What cannot be created leaves nothing. */
static void test_create_fails(void **state)
{
    static const char *const calls[] = {
        "nvjpegCreateExV2", "nvjpegEncoderStateCreate", "nvjpegEncoderParamsCreate",
        "nvjpegEncoderParamsSetSamplingFactors", "cuModuleLoadDataEx"};
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        char script[80];
        struct bed bed;
        struct fv_error err = {0};
        snprintf(script, sizeof(script), "call-fail=%s:1:7", calls[i]);
        set_up(&bed, script);
        const int code = fv_gpu_jpeg_create(bed.gpu, &bed.jpeg, &err);
        assert_int_equal(code, calls[i][0] == 'n' ? -ENOTSUP : -EIO);
        assert_non_null(strstr(err.text, calls[i]));
        must_create(&bed);
        tear_down(&bed);
    }
}

/* Device and host memory that cannot be had. */
static void test_without_memory(void **state)
{
    unsigned n = 1;
    for (bool complete = false; !complete; n++) {
        struct bed bed;
        struct fv_gpu_jpeg_file file = {0};
        set_up(&bed, "");
        make_picture(&bed, FV_PIXEL_NV12, 64, 48);
        fv_alloc_fail_at(n);
        int code = fv_gpu_jpeg_create(bed.gpu, &bed.jpeg, NULL);
        if (code == 0)
            code = fv_gpu_jpeg_encode(bed.jpeg, &bed.picture, 90, &file, NULL);
        complete = fv_alloc_fail_pending();
        fv_alloc_fail_at(0);
        assert_int_equal(code, complete ? 0 : -ENOMEM);
        fv_free(file.data);
        tear_down(&bed);
    }
    assert_true(n > 5);
    struct bed bed;
    struct fv_gpu_jpeg_file file = {0};
    struct fv_error err = {0};
    set_up(&bed, "free-mb=9"); /* the pool, and one more */
    must_create(&bed);
    make_picture(&bed, FV_PIXEL_NV12, 2000, 1999);
    assert_int_equal(fv_gpu_jpeg_encode(bed.jpeg, &bed.picture, 90, &file, &err), -ENOMEM);
    assert_non_null(strstr(err.text, "the planes of a snapshot"));
    tear_down(&bed);
}

/* The device is lost at every possible call: it is said as such, and all can be destroyed although nvJPEG gives nothing back. */
static void test_loss(void **state)
{
    for (unsigned n = 1;; n++) {
        char script[60];
        struct bed bed = {0};
        struct fv_gpu_jpeg_file file = {0};
        set_up(&bed, "");
        make_picture(&bed, FV_PIXEL_NV12, 64, 48);
        fv_gpu_stream_finish(bed.decoder, NULL);
        snprintf(script, sizeof(script), "lost-after=%u,reset-helps", n);
        fakegpu_play(script);
        int code = fv_gpu_jpeg_create(bed.gpu, &bed.jpeg, NULL);
        if (code == 0)
            code = fv_gpu_jpeg_encode(bed.jpeg, &bed.picture, 90, &file, NULL);
        const bool lost = fv_gpu_lost(bed.gpu);
        if (code < 0)
            assert_true(lost || bed.jpeg == NULL);
        if (code < 0 && bed.jpeg)
            assert_int_equal(code, -ENODEV);
        fv_free(file.data);
        tear_down(&bed);
        assert_int_equal(fv_gpu_reset(0, NULL), 0);
        if (code == 0) {
            assert_true(n > 10);
            break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encode),       cmocka_unit_test(test_memory),
        cmocka_unit_test(test_refusals),     cmocka_unit_test(test_no_library),
        cmocka_unit_test(test_status),       cmocka_unit_test(test_calls_fail),
        cmocka_unit_test(test_create_fails), cmocka_unit_test(test_without_memory),
        cmocka_unit_test(test_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

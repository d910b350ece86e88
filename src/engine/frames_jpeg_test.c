// SPDX-License-Identifier: Apache-2.0
/* Frames as JPEG on both back ends: near to the picture, by any thread, after the owner closed; what cannot be made leaves the frame as
 * it was. On the look-alikes of tests/fakegpu. */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "engine/frames.h"
#include "fakegpu/jpeg_cases.h"
#include "fakegpu_tools.h"

#define NEAR 45.0 /* dB, of waves at quality 95 */

struct bed {
    bool on_gpu;
    struct fv_gpu *gpu; /* of the frames */
    struct fv_gpu_stream *stream;
    struct fv_frames *frames;
    struct fv_reader_frame *frame;
    struct fv_case_picture source;
    fv_gpu_address memory;
    struct fv_picture picture;
    bool released;
};

static void keep(void *data, struct fv_reader_frame *frame)
{
    ((struct bed *)data)->frame = frame;
}

static void release(struct fv_picture *picture)
{
    struct bed *bed = FV_CONTAINER(picture, struct bed, picture);
    if (bed->on_gpu) {
        fv_gpu_free(bed->gpu, bed->memory);
        fv_gpu_stream_destroy(bed->stream);
    }
    fv_case_picture_finish(&bed->source);
    bed->released = true;
}

static void make_picture(struct bed *bed, enum fv_pixel_format format, uint32_t width,
                         uint32_t height)
{
    struct fv_rand rand;
    fv_rand_seed(&rand, width + height);
    fv_case_picture_init(&bed->source, &rand, format, width, height);
    fv_case_smooth(&bed->source, 7);
    bed->picture = bed->source.picture;
    bed->picture.refs = 1;
    bed->picture.release = release;
    if (!bed->on_gpu)
        return;
    fv_gpu_alloc(bed->gpu, bed->source.size, "picture", &bed->memory, NULL);
    fv_gpu_stream_create(bed->gpu, &bed->stream, NULL);
    fv_gpu_upload(bed->stream, bed->memory, bed->source.memory, bed->source.size, FV_GPU_CONTROL,
                  NULL);
    fv_gpu_stream_finish(bed->stream, NULL);
    bed->picture.memory = FV_MEMORY_DEVICE;
    for (int i = 0; i < 3; i++)
        bed->picture.plane[i] = (const uint8_t *)(uintptr_t)(bed->memory + bed->source.offset[i]);
}

/* A consumer has the picture. */
static void set_up(struct bed *bed, const char *script, enum fv_pixel_format format, uint32_t width,
                   uint32_t height)
{
    *bed = (struct bed){.on_gpu = script != NULL};
    if (bed->on_gpu)
        bed->gpu = fakegpu_open(script, 0);
    const struct fv_reader_consumer consumer = {.name = "x", .held = 1, .frame = keep, .data = bed};
    const struct fv_frames_params params = {
        .consumers = &consumer, .consumer_count = 1, .gpu = bed->gpu};
    assert_int_equal(fv_frames_create(&params, &bed->frames, NULL), 0);
    make_picture(bed, format, width, height);
    fv_frames_offer(bed->frames, &bed->picture);
    fv_picture_unref(&bed->picture);
    assert_non_null(bed->frame);
}

static void tear_down(struct bed *bed)
{
    fv_frames_close(bed->frames);
    assert_false(bed->released);
    fv_reader_frame_release(bed->frame);
    assert_true(bed->released);
    if (bed->on_gpu)
        assert_nothing_left();
}

static void assert_jpeg(struct bed *bed)
{
    struct fv_error err = {0};
    uint8_t *data = NULL;
    size_t size = 0;
    if (fv_reader_frame_jpeg(bed->frame, 95, &data, &size, &err) < 0)
        fail_msg("%s", err.text);
    const double db = fv_case_jpeg_psnr(data, size, &bed->source.picture);
    if (db < NEAR)
        fail_msg("%u x %u, format %d: %.1f dB", bed->picture.info.width, bed->picture.info.height,
                 bed->picture.format, db);
    fv_reader_jpeg_free(data);
}

static void test_cpu(void **state)
{
    static const uint32_t sides[][2] = {{1, 1}, {5, 3}, {64, 48}, {111, 70}};
    for (unsigned i = 0; i < 16; i++) {
        struct bed bed;
        set_up(&bed, NULL, (enum fv_pixel_format)(i % 4), sides[i / 4][0], sides[i / 4][1]);
        assert_jpeg(&bed);
        tear_down(&bed);
    }
    fv_reader_jpeg_free(NULL);
}

static void test_gpu(void **state)
{
    for (unsigned i = 0; i < 4; i++) {
        struct bed bed;
        set_up(&bed, "", i % 2 ? FV_PIXEL_P016 : FV_PIXEL_NV12, i < 2 ? 99 : 320, 77);
        assert_jpeg(&bed);
        assert_jpeg(&bed);
        tear_down(&bed);
    }
}

static void *make_jpegs(void *data)
{
    for (int i = 0; i < 5; i++)
        assert_jpeg(data);
    return NULL;
}

/* Threads that never saw the GPU, several at a time, and after the reader was closed. */
static void test_any_thread(void **state)
{
    struct bed bed;
    pthread_t threads[3];
    set_up(&bed, "slow-ms=1", FV_PIXEL_NV12, 64, 64);
    fv_frames_close(bed.frames);
    bed.frames = NULL;
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, make_jpegs, &bed), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    tear_down(&bed);
}

static void test_refusals(void **state)
{
    struct bed bed;
    uint8_t *data = NULL;
    size_t size;
    struct fv_error err = {0};
    set_up(&bed, "call-fail=nvjpegCreateExV2:1:7,call-fail=nvjpegEncodeYUV:1:6", FV_PIXEL_NV12, 64,
           64);
    assert_int_equal(fv_reader_frame_jpeg(bed.frame, 0, &data, &size, &err), -EINVAL);
    assert_string_equal(err.text, "the quality of a JPEG is 1 to 100, not 0");
    assert_int_equal(fv_reader_frame_jpeg(bed.frame, 101, &data, &size, &err), -EINVAL);
    assert_int_equal(fv_reader_frame_jpeg(bed.frame, 90, &data, &size, &err), -ENOTSUP);
    assert_int_equal(fv_reader_frame_jpeg(bed.frame, 90, &data, &size, &err), -EIO);
    assert_null(data);
    assert_jpeg(&bed);
    tear_down(&bed);
}

static void test_without_memory(void **state)
{
    for (int gpu = 0; gpu < 2; gpu++) {
        unsigned n = 1;
        for (bool complete = false; !complete; n++) {
            struct bed bed;
            uint8_t *data = NULL;
            size_t size;
            set_up(&bed, gpu ? "" : NULL, FV_PIXEL_NV12, 64, 64);
            fv_alloc_fail_at(n);
            const int code = fv_reader_frame_jpeg(bed.frame, 90, &data, &size, NULL);
            complete = fv_alloc_fail_pending();
            fv_alloc_fail_at(0);
            assert_int_equal(code, complete ? 0 : -ENOMEM);
            fv_reader_jpeg_free(data);
            tear_down(&bed);
        }
        assert_true(n > 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cpu),
        cmocka_unit_test(test_gpu),
        cmocka_unit_test(test_any_thread),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
/* Pictures that come to the host, on the look-alike of tests/fakegpu. */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "fakegpu_tools.h"
#include "gpu/picture.h"

enum { WIDTH = 5, HEIGHT = 3, PITCH = 16, LUMA = 2 * PITCH + 5, CHROMA = PITCH + 6 };

struct bed {
    struct fv_gpu *gpu;
    struct fv_gpu_stream *stream, *decoder;
    struct fv_gpu_event *ready;
    fv_gpu_address luma, chroma;
    uint8_t samples[LUMA + CHROMA];
    struct fv_picture picture;
};

/* Each plane is an allocation of its own that ends with its last sample: the look-alike aborts on a read beyond. */
static void set_up(struct bed *bed, const char *script)
{
    memset(bed, 0, sizeof(*bed));
    bed->gpu = fakegpu_open(script, 0);
    assert_int_equal(fv_gpu_stream_create(bed->gpu, &bed->stream, NULL), 0);
    assert_int_equal(fv_gpu_stream_create(bed->gpu, &bed->decoder, NULL), 0);
    assert_int_equal(fv_gpu_event_create(bed->gpu, &bed->ready, NULL), 0);
    assert_int_equal(fv_gpu_alloc(bed->gpu, LUMA, "luma", &bed->luma, NULL), 0);
    assert_int_equal(fv_gpu_alloc(bed->gpu, CHROMA, "chroma", &bed->chroma, NULL), 0);
    for (size_t i = 0; i < sizeof(bed->samples); i++)
        bed->samples[i] = (uint8_t)(i + 1);
    fv_gpu_upload(bed->decoder, bed->luma, bed->samples, LUMA, FV_GPU_CONTROL, NULL);
    fv_gpu_upload(bed->decoder, bed->chroma, bed->samples + LUMA, CHROMA, FV_GPU_CONTROL, NULL);
    assert_int_equal(fv_gpu_event_record(bed->ready, bed->decoder, NULL), 0);
    bed->picture.info.width = WIDTH;
    bed->picture.info.height = HEIGHT;
    bed->picture.format = FV_PIXEL_NV12;
    bed->picture.memory = FV_MEMORY_DEVICE;
    bed->picture.matrix = FV_MATRIX_BT709;
    bed->picture.full_range = true;
    bed->picture.plane[0] = (const uint8_t *)(uintptr_t)bed->luma;
    bed->picture.plane[1] = (const uint8_t *)(uintptr_t)bed->chroma;
    bed->picture.pitch[0] = bed->picture.pitch[1] = PITCH;
    bed->picture.ready = bed->ready;
    bed->picture.refs = 1;
}

static void tear_down(struct bed *bed)
{
    fv_gpu_stream_destroy(bed->decoder);
    fv_gpu_stream_destroy(bed->stream);
    fv_gpu_event_destroy(bed->ready);
    fv_gpu_free(bed->gpu, bed->luma);
    fv_gpu_free(bed->gpu, bed->chroma);
    fv_gpu_close(bed->gpu);
    assert_nothing_left();
}

static void test_fetch(void **state)
{
    struct bed bed;
    struct fv_picture *copy = NULL;
    struct fv_gpu_traffic traffic;
    set_up(&bed, "slow-ms=5"); /* the decoder is not ready yet */
    assert_int_equal(fv_gpu_picture_fetch(bed.gpu, bed.stream, &bed.picture, &copy, NULL), 0);
    assert_int_equal(copy->memory, FV_MEMORY_HOST);
    assert_int_equal(copy->format, FV_PIXEL_NV12);
    assert_int_equal(copy->matrix, FV_MATRIX_BT709);
    assert_true(copy->full_range);
    assert_null(copy->ready);
    assert_int_equal(copy->info.width, WIDTH);
    for (int y = 0; y < HEIGHT; y++)
        assert_memory_equal(copy->plane[0] + y * PITCH, bed.samples + y * PITCH, WIDTH);
    for (int y = 0; y < (HEIGHT + 1) / 2; y++)
        assert_memory_equal(copy->plane[1] + y * PITCH, bed.samples + LUMA + y * PITCH, WIDTH + 1);
    fv_gpu_traffic(bed.gpu, &traffic);
    assert_int_equal(traffic.to_host[FV_GPU_SNAPSHOT], LUMA + CHROMA);
    assert_int_equal(traffic.tripped, 0);
    assert_int_equal(bed.picture.refs, 1);
    tear_down(&bed); /* the copy lives longer */
    assert_int_equal(copy->plane[0][0], 1);
    fv_picture_unref(copy);
}

static void test_refusals(void **state)
{
    struct bed bed;
    struct fv_picture *copy = NULL;
    set_up(&bed, "call-fail=cuMemcpyDtoHAsync:2");
    bed.picture.format = FV_PIXEL_I420;
    assert_int_equal(fv_gpu_picture_fetch(bed.gpu, bed.stream, &bed.picture, &copy, NULL),
                     -ENOTSUP);
    bed.picture.format = FV_PIXEL_NV12;
    assert_int_equal(fv_gpu_picture_fetch(bed.gpu, bed.stream, &bed.picture, &copy, NULL), -EIO);
    fv_alloc_fail_at(1);
    assert_int_equal(fv_gpu_picture_fetch(bed.gpu, bed.stream, &bed.picture, &copy, NULL), -ENOMEM);
    fv_alloc_fail_at(0);
    assert_null(copy);
    tear_down(&bed);
}

/* A failed wait: the copy is freed only when nothing writes to it any more. */
static void test_failed_wait(void **state)
{
    struct bed bed;
    struct fv_picture *copy = NULL;
    set_up(&bed, "slow-ms=50,call-fail=cuStreamSynchronize:1");
    assert_int_equal(fv_gpu_picture_fetch(bed.gpu, bed.stream, &bed.picture, &copy, NULL), -EIO);
    assert_true(fv_gpu_event_done(bed.ready)); /* the copies came after it */
    assert_null(copy);
    tear_down(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fetch),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_failed_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
/* The pipeline with a detector of two lanes: what is under way, what comes out, what is lost and counted. */
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "engine/pipeline.h"

#define CAMERAS 3
#define LANES 2
#define BATCH 4
#define PATIENCE (20 * FV_S)

static struct fv_model model = {.width = 64, .height = 64, .pad = FV_PAD_TOP_LEFT};

/* A detection in each picture, whose class is the picture's number. */
struct fake {
    struct fv_detector head;
    struct fv_picture *pictures[LANES][BATCH];
    unsigned count[LANES];
    unsigned flying, most_flying, submits, collects, biggest;
    unsigned fail_submit, fail_collect; /* the n-th fails; 0: none */
    bool entered;
    atomic_bool hold; /* nothing is done meanwhile */
    unsigned asked;   /* of done() */
};

static struct {
    struct fake detector;
    struct fv_pipeline *pipeline;
    atomic_int alive; /* pictures */
    atomic_uint results, wrong, faults, ended;
    atomic_int code;
    uint64_t last[CAMERAS]; /* number of the last result; owner: fv-result */
} bed;

static void rest(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* --- the detector --- */

static int fake_enter(struct fv_detector *head, struct fv_error *err)
{
    ((struct fake *)head)->entered = true;
    return 0;
}

static bool fake_usable(const struct fv_detector *head, const struct fv_picture *picture)
{
    return picture->format != FV_PIXEL_P016;
}

static int fake_submit(struct fv_detector *head, unsigned lane, const struct fv_batch *batch,
                       struct fv_error *err)
{
    struct fake *fake = (struct fake *)head;
    assert_true(fake->entered && lane < LANES && fake->count[lane] == 0);
    assert_true(batch->count >= 1 && batch->count <= BATCH);
    if (++fake->submits == fake->fail_submit)
        return fv_error_set(err, -EIO, "submit fails on purpose");
    fake->count[lane] = batch->count;
    memcpy(fake->pictures[lane], batch->pictures, batch->count * sizeof(batch->pictures[0]));
    fake->biggest = batch->count > fake->biggest ? batch->count : fake->biggest;
    if (++fake->flying > fake->most_flying)
        fake->most_flying = fake->flying;
    return 0;
}

static bool fake_done(struct fv_detector *head, unsigned lane)
{
    struct fake *fake = (struct fake *)head;
    assert_true(fake->count[lane] > 0);
    fake->asked++;
    return !atomic_load(&fake->hold);
}

static int fake_collect(struct fv_detector *head, unsigned lane, struct fv_error *err)
{
    struct fake *fake = (struct fake *)head;
    assert_true(fake->count[lane] > 0 && fake->asked > fake->collects);
    fake->count[lane] = 0;
    fake->flying--;
    if (++fake->collects == fake->fail_collect)
        return fv_error_set(err, -EIO, "collect fails on purpose");
    return 0;
}

static uint32_t fake_read(struct fv_detector *head, unsigned lane, unsigned index,
                          struct fv_detection *out)
{
    struct fake *fake = (struct fake *)head;
    const struct fv_picture *picture = fake->pictures[lane][index];
    assert_true(picture->refs > 0);
    *out = (struct fv_detection){8, 8, 16, 16, 0.5f, (uint16_t)picture->info.number, 0};
    return 1;
}

static const struct fv_detector_ops fake_ops = {
    .enter = fake_enter,
    .usable = fake_usable,
    .submit = fake_submit,
    .done = fake_done,
    .collect = fake_collect,
    .read = fake_read,
};

/* --- the bed --- */

static void on_result(void *data, struct fv_result *result)
{
    uint64_t *last = &bed.last[result->info.camera];
    const struct fv_detection *d = &result->detections[0];
    /* 128 pixels of the picture are 64 of the tensor. */
    bool right = result->count == 1 && d->class_id == result->info.number && d->x0 == 16 &&
                 d->y1 == 32 && result->info.number > *last && !result->picture;
    *last = result->info.number;
    bed.wrong += !right;
    bed.results++;
}

static void on_fault(void *data, int code, const char *reason)
{
    bed.code = code;
    bed.faults++;
}

static void on_ended(void *data)
{
    bed.ended++;
}

static void open_bed(int64_t timeout)
{
    struct fv_error err = {0};
    memset(&bed, 0, sizeof(bed));
    bed.detector.head = (struct fv_detector){&fake_ops, LANES};
    struct fv_pipeline_params params = {
        .cameras = CAMERAS,
        .batch = BATCH,
        .per_camera = 8,
        .timeout = timeout,
        .model = &model,
        .detector = &bed.detector.head,
        .result = on_result,
        .ended = on_ended,
        .fault = on_fault,
    };
    assert_int_equal(fv_pipeline_create(&params, &bed.pipeline, &err), 0);
}

static void start(void)
{
    struct fv_error err = {0};
    assert_int_equal(fv_pipeline_start(bed.pipeline, &err), 0);
}

static void close_bed(void)
{
    fv_pipeline_destroy(bed.pipeline);
    assert_int_equal(bed.alive, 0);
    assert_int_equal(bed.wrong, 0);
}

static void release(struct fv_picture *picture)
{
    fv_free(picture);
    atomic_fetch_sub(&bed.alive, 1);
}

static void put(uint32_t camera, uint64_t number, enum fv_pixel_format format)
{
    struct fv_picture *picture = FV_NEW(struct fv_picture);
    picture->info =
        (struct fv_frame_info){.camera = camera, .number = number, .width = 128, .height = 128};
    picture->format = format;
    picture->refs = 1;
    picture->release = release;
    atomic_fetch_add(&bed.alive, 1);
    fv_pipeline_put(bed.pipeline, picture);
}

static void put_many(uint64_t from, uint64_t to)
{
    for (uint64_t number = from; number <= to; number++)
        for (uint32_t camera = 0; camera < CAMERAS; camera++)
            put(camera, number, FV_PIXEL_NV12);
}

static void await(const atomic_uint *counter, unsigned n)
{
    int64_t end = fv_now() + PATIENCE;
    while (atomic_load(counter) < n) {
        assert_true(fv_now() < end);
        rest();
    }
}

static uint64_t dropped(void)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < CAMERAS; i++)
        sum += fv_pipeline_dropped(bed.pipeline, i);
    return sum;
}

/* --- tests --- */

/* The second batch is submitted while the first is under way, never a third; results keep each camera's order. */
static void test_two_in_flight(void **state)
{
    open_bed(0);
    atomic_store(&bed.detector.hold, true);
    put_many(1, 8);
    start();
    for (int i = 0; i < 20; i++)
        rest();
    assert_int_equal(bed.results, 0);
    atomic_store(&bed.detector.hold, false);
    await(&bed.results, 24);
    fv_pipeline_stop(bed.pipeline);
    assert_int_equal(bed.detector.most_flying, LANES);
    assert_int_equal(bed.detector.biggest, BATCH);
    assert_int_equal(bed.detector.submits, 6);
    struct fv_pipeline_stats stats;
    fv_pipeline_stats(bed.pipeline, &stats);
    assert_true(stats.batches == 6 && stats.batched == 24);
    assert_int_equal(dropped(), 0);
    assert_int_equal(bed.ended, 1);
    close_bed();
}

/* A lone picture does not wait for company longer than the timeout, nor for the next batch. */
static void test_lone_picture(void **state)
{
    open_bed(5 * FV_MS);
    start();
    put(1, 1, FV_PIXEL_NV12);
    await(&bed.results, 1);
    fv_pipeline_stop(bed.pipeline);
    close_bed();
}

static void test_submit_fails(void **state)
{
    open_bed(0);
    bed.detector.fail_submit = 2;
    put_many(1, 4); /* three batches */
    start();
    await(&bed.results, 8);
    fv_pipeline_stop(bed.pipeline);
    assert_int_equal(dropped(), 4);
    assert_int_equal(bed.code, -EIO);
    assert_int_equal(bed.faults, 1);
    close_bed();
}

static void test_collect_fails(void **state)
{
    open_bed(0);
    bed.detector.fail_collect = 1;
    put_many(1, 4);
    start();
    await(&bed.results, 8);
    fv_pipeline_stop(bed.pipeline);
    assert_int_equal(dropped(), 4);
    assert_int_equal(bed.faults, 1);
    close_bed();
}

/* A batch of nothing but such pictures is never submitted. */
static void test_unusable_pictures(void **state)
{
    open_bed(0);
    for (uint64_t i = 1; i <= 4; i++)
        put(0, i, FV_PIXEL_P016);
    put(1, 1, FV_PIXEL_NV12);
    start();
    await(&bed.results, 1);
    fv_pipeline_stop(bed.pipeline);
    assert_int_equal(fv_pipeline_dropped(bed.pipeline, 0), 4);
    assert_int_equal(bed.code, -ENOTSUP);
    close_bed();
}

/* What is under way is delivered; what still waits is given up. */
static void test_stop_in_flight(void **state)
{
    open_bed(FV_TIME_NEVER);
    put_many(1, 3); /* 9: two batches and a rest */
    start();
    await(&bed.results, 8);
    fv_pipeline_stop(bed.pipeline);
    assert_int_equal(bed.results, 8);
    assert_int_equal(bed.ended, 1);
    close_bed();
}

static void test_finish(void **state)
{
    open_bed(FV_TIME_NEVER);
    put_many(1, 3);
    start();
    fv_pipeline_finish(bed.pipeline);
    assert_int_equal(bed.results, 9);
    assert_int_equal(bed.ended, 1);
    close_bed();
}

static void test_out_of_memory(void **state)
{
    for (unsigned n = 1;; n++) {
        struct fv_pipeline_params params = {
            .cameras = 2, .batch = 2, .per_camera = 2, .model = &model};
        struct fv_pipeline *pipeline = NULL;
        struct fv_error err = {0};
        params.detector = &bed.detector.head;
        fv_alloc_fail_at(n);
        int r = fv_pipeline_create(&params, &pipeline, &err);
        bool failed = !fv_alloc_fail_pending();
        fv_alloc_fail_at(0);
        fv_pipeline_destroy(pipeline);
        if (!failed)
            break;
        assert_int_equal(r, -ENOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_in_flight),
        cmocka_unit_test(test_lone_picture),
        cmocka_unit_test(test_submit_fails),
        cmocka_unit_test(test_collect_fails),
        cmocka_unit_test(test_unusable_pictures),
        cmocka_unit_test(test_stop_in_flight),
        cmocka_unit_test(test_finish),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

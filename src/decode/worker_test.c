// SPDX-License-Identifier: Apache-2.0
/* The worker with a mock decoder that does what the access unit's rtp_time tells it. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "decode/worker.h"

enum order {
    GOOD,
    MALFORMED,
    DEVICE_FAILS,
    HOLDS_BACK,
    TWO_PICTURES,
    WAITS_FOR_GATE,
    SAYS_NOTHING
};

#define CAMERAS 3
#define SEEN_MAX 64

struct fv_decoder {
    struct fv_decoder_params params;
    struct fv_au held; /* of the last one that was held back; its data is not */
};

static struct {
    _Atomic int opens, closes, flushes, submits, pictures_alive;
    _Atomic int refuse_codec; /* open() answers -ENOTSUP for it */
    _Atomic int drain;        /* drain()'s answer */
    sem_t gate, reached;
} mock;

struct seen {
    pthread_mutex_t lock;
    struct fv_frame_info pictures[SEEN_MAX];
    int picture_count;
    struct {
        uint32_t camera;
        int code;
        char reason[200];
    } faults[SEEN_MAX];
    int fault_count;
};

static _Atomic unsigned served[CAMERAS];
static struct seen seen = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void release_picture(struct fv_picture *picture)
{
    mock.pictures_alive--;
    free(picture);
}

static void emit(struct fv_decoder *decoder, const struct fv_au *au)
{
    struct fv_picture *picture = calloc(1, sizeof(*picture));
    if (!picture)
        abort();
    picture->refs = 1;
    picture->release = release_picture;
    picture->info.camera = au->camera;
    picture->info.pts = au->pts;
    mock.pictures_alive++;
    decoder->params.picture(decoder->params.data, picture);
}

static int mock_open(const struct fv_decoder_params *params, struct fv_decoder **ret_decoder,
                     struct fv_error *err)
{
    if ((int)params->codec == mock.refuse_codec)
        return fv_error_set(err, -ENOTSUP, "no such decoder here");
    struct fv_decoder *decoder = calloc(1, sizeof(*decoder));
    if (!decoder)
        abort();
    decoder->params = *params;
    mock.opens++;
    *ret_decoder = decoder;
    return 0;
}

static int mock_submit(struct fv_decoder *decoder, const struct fv_au *au, struct fv_error *err)
{
    mock.submits++;
    switch ((enum order)au->rtp_time) {
    case MALFORMED:
        return fv_error_set(err, -EBADMSG, "malformed picture");
    case DEVICE_FAILS:
        return fv_error_set(err, -EIO, "the device failed");
    case SAYS_NOTHING:
        return -EIO;
    case HOLDS_BACK:
        decoder->held = *au;
        decoder->held.buf = NULL;
        return 0;
    case TWO_PICTURES:
        emit(decoder, au);
        break;
    case WAITS_FOR_GATE:
        sem_post(&mock.reached);
        while (sem_wait(&mock.gate) < 0)
            ;
        break;
    case GOOD:
        break;
    }
    emit(decoder, au);
    return 0;
}

static void mock_flush(struct fv_decoder *decoder)
{
    (void)decoder;
    mock.flushes++;
}

static int mock_drain(struct fv_decoder *decoder, struct fv_error *err)
{
    if (decoder->held.size)
        emit(decoder, &decoder->held);
    return mock.drain ? fv_error_set(err, mock.drain, "what was held back is broken") : 0;
}

static void mock_close(struct fv_decoder *decoder)
{
    if (!decoder)
        return;
    mock.closes++;
    free(decoder);
}

static const struct fv_decoder_ops mock_ops = {
    .name = "mock",
    .open = mock_open,
    .submit = mock_submit,
    .flush = mock_flush,
    .drain = mock_drain,
    .close = mock_close,
};

static void on_picture(void *data, struct fv_picture *picture)
{
    struct seen *s = data;
    pthread_mutex_lock(&s->lock);
    if (s->picture_count < SEEN_MAX)
        s->pictures[s->picture_count++] = picture->info;
    pthread_mutex_unlock(&s->lock);
    fv_picture_unref(picture);
}

static void on_fault(void *data, uint32_t camera, int code, const char *reason)
{
    struct seen *s = data;
    pthread_mutex_lock(&s->lock);
    if (s->fault_count < SEEN_MAX) {
        s->faults[s->fault_count].camera = camera;
        s->faults[s->fault_count].code = code;
        strncpy(s->faults[s->fault_count].reason, reason, sizeof(s->faults[0].reason) - 1);
        s->fault_count++;
    }
    pthread_mutex_unlock(&s->lock);
}

static const struct fv_decode_worker_params defaults = {
    .ops = &mock_ops,
    .cameras = CAMERAS,
    .queue_per_camera = 4,
    .interval = 1,
    .picture = on_picture,
    .fault = on_fault,
    .data = &seen,
};

static struct fv_buf_pool *pool;

static int set_up(void **state)
{
    (void)state;
    memset(&mock, 0, sizeof(mock));
    mock.refuse_codec = -1;
    sem_init(&mock.gate, 0, 0);
    sem_init(&mock.reached, 0, 0);
    seen.picture_count = seen.fault_count = 0;
    memset((void *)served, 0, sizeof(served));
    memset(seen.faults, 0, sizeof(seen.faults));
    return fv_buf_pool_create(1 << 20, 1 << 20, &pool);
}

/* Whatever a test did: decoders are closed, pictures and access units have come home. */
static int tear_down(void **state)
{
    (void)state;
    struct fv_buf_stats stats;
    fv_buf_pool_stats(pool, &stats);
    fv_buf_pool_destroy(pool);
    sem_destroy(&mock.gate);
    sem_destroy(&mock.reached);
    return stats.bytes_used || mock.opens != mock.closes || mock.pictures_alive;
}

static struct fv_decode_worker *create(const struct fv_decode_worker_params *params)
{
    struct fv_decode_worker *worker;
    assert_int_equal(fv_decode_worker_create(params, &worker, NULL), 0);
    return worker;
}

struct push {
    uint32_t camera;
    bool key;
    enum order order;
    enum fv_codec codec; /* NONE: H.264 */
    uint32_t epoch;
    int64_t age; /* ns since it was delivered */
};

static bool push(struct fv_decode_worker *worker, struct push what)
{
    static int64_t pts;
    struct fv_au au = {.camera = what.camera,
                       .codec = what.codec ? what.codec : FV_CODEC_H264,
                       .flags = what.key ? FV_FRAME_KEY : 0,
                       .rtp_time = what.order,
                       .epoch = what.epoch,
                       .pts = ++pts,
                       .delivered = fv_now() - what.age,
                       .size = 5};
    assert_int_equal(fv_buf_get(pool, au.size + FV_AU_PADDING, &au.buf), 0);
    bool taken = fv_decode_worker_push(worker, &au);
    fv_au_drop(&au);
    return taken;
}

#define PUSH(worker, ...) assert_true(push(worker, (struct push){__VA_ARGS__}))

static struct fv_decode_stats stats_of(struct fv_decode_worker *worker, uint32_t camera)
{
    struct fv_decode_stats stats;
    fv_decode_worker_stats(worker, camera, &stats);
    return stats;
}

/* Waits until the camera's access units have all been dealt with: submitted, failed to open or
 * dropped. */
static void settle(struct fv_decode_worker *worker, uint32_t camera, uint64_t dealt_with)
{
    for (int i = 0; i < 5000; i++) {
        struct fv_decode_stats stats = stats_of(worker, camera);
        if (stats.submitted + stats.dropped_key + stats.dropped_late >= dealt_with)
            break;
        nanosleep(&(struct timespec){.tv_nsec = FV_MS}, NULL);
    }
    struct fv_decode_stats stats = stats_of(worker, camera);
    assert_int_equal(stats.submitted + stats.dropped_key + stats.dropped_late, dealt_with);
}

static void wait_errors(struct fv_decode_worker *worker, uint32_t camera, uint64_t errors)
{
    for (int i = 0; i < 5000 && stats_of(worker, camera).errors < errors; i++)
        nanosleep(&(struct timespec){.tv_nsec = FV_MS}, NULL);
    assert_int_equal(stats_of(worker, camera).errors, errors);
}

static void test_numbers_and_stamps(void **state)
{
    (void)state;
    int64_t before = fv_now();
    struct fv_decode_worker *worker = create(&defaults);
    PUSH(worker, .camera = 1, .key = true);
    PUSH(worker, .camera = 2, .key = true);
    PUSH(worker, .camera = 1, .order = HOLDS_BACK);
    PUSH(worker, .camera = 1, .order = TWO_PICTURES);
    settle(worker, 1, 3);
    settle(worker, 2, 1);
    fv_decode_worker_destroy(worker);
    assert_int_equal(seen.picture_count, 4);
    static const uint32_t cameras[] = {1, 2, 1, 1};
    static const uint64_t numbers[] = {1, 1, 2, 3};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(seen.pictures[i].camera, cameras[i]);
        assert_int_equal(seen.pictures[i].number, numbers[i]);
        assert_true(seen.pictures[i].at.decoded >= before);
        assert_true(seen.pictures[i].at.decoded <= fv_now());
    }
    assert_int_equal(mock.opens, 2);
    assert_int_equal(seen.fault_count, 0);
}

static void test_interval(void **state)
{
    (void)state;
    struct fv_decode_worker_params params = defaults;
    params.interval = 3;
    params.queue_per_camera = 7;
    struct fv_decode_worker *worker = create(&params);
    for (int i = 0; i < 7; i++)
        PUSH(worker, .camera = 0, .key = i == 0);
    settle(worker, 0, 7);
    fv_decode_worker_destroy(worker);
    assert_int_equal(seen.picture_count, 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(seen.pictures[i].number, 1 + 3 * i);
}

/* What waited too long is not decoded when a newer key picture waits; without one it is. */
static void test_late(void **state)
{
    (void)state;
    struct fv_decode_worker_params params = defaults;
    params.late = 60 * FV_S;
    params.queue_per_camera = 8;
    struct fv_decode_worker *worker = create(&params);
    PUSH(worker, .camera = 0, .key = true, .order = WAITS_FOR_GATE);
    sem_wait(&mock.reached);
    PUSH(worker, .camera = 0, .age = 62 * FV_S);
    PUSH(worker, .camera = 0, .age = 62 * FV_S);
    PUSH(worker, .camera = 0, .key = true, .age = 61 * FV_S);
    PUSH(worker, .camera = 0, .age = 61 * FV_S);
    PUSH(worker, .camera = 0, .key = true, .age = 61 * FV_S);
    PUSH(worker, .camera = 0, .age = 61 * FV_S);
    PUSH(worker, .camera = 1, .key = true);
    PUSH(worker, .camera = 1, .age = 62 * FV_S);
    PUSH(worker, .camera = 1, .key = true);
    PUSH(worker, .camera = 1);
    sem_post(&mock.gate);
    settle(worker, 0, 7);
    settle(worker, 1, 4);
    /* The late ones in front of a key picture; both pictures from the last key on are decoded, late or not. */
    assert_int_equal(stats_of(worker, 0).dropped_late, 4);
    assert_int_equal(stats_of(worker, 0).submitted, 3);
    assert_int_equal(stats_of(worker, 1).dropped_late, 1);
    assert_int_equal(stats_of(worker, 1).submitted, 3);
    fv_decode_worker_destroy(worker);
    assert_int_equal(seen.fault_count, 0);
}

/* The decoder is stuck with one access unit; four wait; the next ones are refused, other cameras'
 * are not. */
static void test_overflow(void **state)
{
    (void)state;
    struct fv_decode_worker *worker = create(&defaults);
    PUSH(worker, .camera = 0, .key = true, .order = WAITS_FOR_GATE);
    sem_wait(&mock.reached);
    for (int i = 0; i < 4; i++)
        PUSH(worker, .camera = 0);
    assert_false(push(worker, (struct push){.camera = 0}));
    assert_false(push(worker, (struct push){.camera = 0}));
    PUSH(worker, .camera = 1, .key = true);
    assert_int_equal(stats_of(worker, 0).dropped_full, 2);
    assert_int_equal(stats_of(worker, 1).dropped_full, 0);
    sem_post(&mock.gate);
    settle(worker, 0, 5);
    settle(worker, 1, 1);
    /* Places are free again, the ring of slots goes round. */
    for (int i = 0; i < 4; i++)
        PUSH(worker, .camera = 0);
    settle(worker, 0, 9);
    fv_decode_worker_destroy(worker);
    assert_int_equal(seen.picture_count, 10);
}

static void test_error_waits_for_key(void **state)
{
    (void)state;
    struct fv_decode_worker_params params = defaults;
    params.queue_per_camera = 8;
    struct fv_decode_worker *worker = create(&params);
    PUSH(worker, .camera = 0);
    PUSH(worker, .camera = 0, .key = true);
    PUSH(worker, .camera = 0, .order = MALFORMED);
    PUSH(worker, .camera = 0);
    PUSH(worker, .camera = 0);
    PUSH(worker, .camera = 0, .key = true);
    PUSH(worker, .camera = 0);
    PUSH(worker, .camera = 0, .order = MALFORMED);
    settle(worker, 0, 8);
    wait_errors(worker, 0, 2);
    struct fv_decode_stats stats = stats_of(worker, 0);
    assert_int_equal(stats.submitted, 5);
    assert_int_equal(stats.dropped_key, 3);
    assert_int_equal(stats.decoded, 3);
    fv_decode_worker_destroy(worker);
    /* One decoder, flushed after each error; the cause is told once. */
    assert_int_equal(mock.opens, 1);
    assert_int_equal(mock.flushes, 2);
    assert_int_equal(seen.fault_count, 1);
    assert_int_equal(seen.faults[0].code, -EBADMSG);
    assert_string_equal(seen.faults[0].reason, "malformed picture");
}

static void test_device_error_reopens(void **state)
{
    (void)state;
    struct fv_decode_worker *worker = create(&defaults);
    PUSH(worker, .camera = 0, .key = true);
    PUSH(worker, .camera = 0, .order = SAYS_NOTHING);
    PUSH(worker, .camera = 0);
    PUSH(worker, .camera = 0, .key = true);
    settle(worker, 0, 4);
    fv_decode_worker_destroy(worker);
    assert_int_equal(mock.opens, 2);
    assert_int_equal(mock.flushes, 0);
    assert_int_equal(seen.picture_count, 2);
    /* Numbers go on. */
    assert_int_equal(seen.pictures[1].number, 2);
    assert_int_equal(seen.fault_count, 1);
    assert_int_equal(seen.faults[0].code, -EIO);
    assert_true(strlen(seen.faults[0].reason) > 0);
}

static void test_codec_changes(void **state)
{
    (void)state;
    struct fv_decode_worker *worker = create(&defaults);
    PUSH(worker, .camera = 0, .key = true);
    /* Not a key picture of the new codec: nothing to start from, and the old decoder cannot read
     * it. */
    PUSH(worker, .camera = 0, .codec = FV_CODEC_H265);
    PUSH(worker, .camera = 0, .key = true, .codec = FV_CODEC_H265);
    PUSH(worker, .camera = 0, .codec = FV_CODEC_H265);
    settle(worker, 0, 4);
    assert_int_equal(stats_of(worker, 0).dropped_key, 1);
    fv_decode_worker_destroy(worker);
    assert_int_equal(mock.opens, 2);
    assert_int_equal(seen.picture_count, 3);
}

static void test_epoch_flushes(void **state)
{
    (void)state;
    struct fv_decode_worker *worker = create(&defaults);
    PUSH(worker, .camera = 0, .key = true, .epoch = 1);
    PUSH(worker, .camera = 0, .key = true, .epoch = 1);
    /* A jump of the timeline in mid-stream is no reason to lose the pictures until the next key
     * one. */
    PUSH(worker, .camera = 0, .epoch = 2);
    PUSH(worker, .camera = 0, .key = true, .epoch = 2);
    settle(worker, 0, 4);
    fv_decode_worker_destroy(worker);
    assert_int_equal(mock.flushes, 1);
    assert_int_equal(seen.picture_count, 4);
}

/* Camera 0's codec is refused for ever; camera 1 does not notice. */
static void test_one_camera_always_fails(void **state)
{
    (void)state;
    mock.refuse_codec = FV_CODEC_H265;
    struct fv_decode_worker *worker = create(&defaults);
    for (uint64_t i = 1; i <= 20; i++) {
        PUSH(worker, .camera = 0, .key = true, .codec = FV_CODEC_H265);
        PUSH(worker, .camera = 1, .key = i == 1);
        wait_errors(worker, 0, i);
        settle(worker, 1, i);
    }
    struct fv_decode_stats stats = stats_of(worker, 0);
    assert_int_equal(stats.submitted, 0);
    assert_int_equal(stats.decoded, 0);
    fv_decode_worker_destroy(worker);
    assert_int_equal(seen.picture_count, 20);
    assert_int_equal(seen.fault_count, 1);
    assert_int_equal(seen.faults[0].camera, 0);
    assert_int_equal(seen.faults[0].code, -ENOTSUP);
    assert_string_equal(seen.faults[0].reason, "no such decoder here");
}

static void test_two_causes_are_two_faults(void **state)
{
    (void)state;
    struct fv_decode_worker *worker = create(&defaults);
    for (int i = 0; i < 3; i++) {
        PUSH(worker, .camera = 2, .key = true, .order = MALFORMED);
        PUSH(worker, .camera = 2, .key = true, .order = DEVICE_FAILS);
        wait_errors(worker, 2, 2 * (uint64_t)i + 2);
    }
    fv_decode_worker_destroy(worker);
    assert_int_equal(seen.fault_count, 2);
    assert_int_equal(seen.faults[0].code, -EBADMSG);
    assert_int_equal(seen.faults[1].code, -EIO);
}

/* What is queued is dropped, and (tear_down) nothing leaks. */
static void test_destroy_with_full_queues(void **state)
{
    (void)state;
    struct fv_decode_worker *worker = create(&defaults);
    PUSH(worker, .camera = 0, .key = true, .order = WAITS_FOR_GATE);
    sem_wait(&mock.reached);
    for (uint32_t camera = 0; camera < CAMERAS; camera++)
        for (int i = 0; i < 4; i++)
            PUSH(worker, .camera = camera, .key = true, .order = DEVICE_FAILS);
    /* The gate opens only after destroy has begun, or nearly so: what matters is that destroy
     * ends. */
    sem_post(&mock.gate);
    fv_decode_worker_destroy(worker);
    fv_decode_worker_destroy(NULL);
    assert_in_range(mock.submits, 1, 13);
}

/* After stop the figures can be read, and pushing is refused, not lost. */
static void test_stop(void **state)
{
    (void)state;
    struct fv_decode_worker *worker = create(&defaults);
    PUSH(worker, .camera = 1, .key = true);
    settle(worker, 1, 1);
    fv_decode_worker_stop(worker);
    fv_decode_worker_stop(worker);
    assert_int_equal(stats_of(worker, 1).decoded, 1);
    assert_int_equal(mock.closes, 1);
    assert_false(push(worker, (struct push){.camera = 1}));
    assert_int_equal(stats_of(worker, 1).dropped_full, 1);
    fv_decode_worker_destroy(worker);
}

/* A removed camera's decoder closes; what comes later begins with a key picture. */
static void test_forget(void **state)
{
    (void)state;
    struct fv_decode_worker *worker = create(&defaults);
    PUSH(worker, .camera = 0, .key = true);
    PUSH(worker, .camera = 1, .key = true);
    fv_decode_worker_forget(worker, 0);
    fv_decode_worker_forget(worker, CAMERAS);
    PUSH(worker, .camera = 0);
    PUSH(worker, .camera = 1);
    settle(worker, 0, 2);
    settle(worker, 1, 2);
    assert_int_equal(mock.closes, 1);
    assert_int_equal(stats_of(worker, 0).dropped_key, 1);
    assert_int_equal(stats_of(worker, 1).decoded, 2);
    PUSH(worker, .camera = 0, .key = true);
    settle(worker, 0, 3);
    assert_int_equal(mock.opens, 3);
    fv_decode_worker_forget(worker, 0);
    fv_decode_worker_destroy(worker);
    assert_int_equal(mock.closes, 3);
}

/* A back end that holds its pictures back until collect(). */
static struct {
    _Atomic int collects, enters;
    int refuse;        /* code of enter() */
    int64_t again;     /* what the first collect() answers */
    _Atomic int fault; /* of any decoder, once */
    struct fv_decode_wake wake;
} late;

static int late_enter(void *shared, const struct fv_decode_wake *wake, struct fv_error *err)
{
    assert_ptr_equal(shared, &late);
    late.wake = *wake;
    late.enters++;
    return late.refuse ? fv_error_set(err, late.refuse, "no such device") : 0;
}

static int64_t late_collect(void *shared, int64_t now)
{
    assert_ptr_equal(shared, &late);
    return late.collects++ == 0 && late.again ? now + late.again : FV_TIME_NEVER;
}

static int late_fault(struct fv_decoder *decoder, struct fv_error *err)
{
    int code = atomic_exchange(&late.fault, 0);
    return code ? fv_error_set(err, code, "it failed later") : 0;
}

static struct fv_decoder_ops late_ops;

static struct fv_decode_worker_params late_params(void)
{
    memset(&late, 0, sizeof(late));
    late_ops = mock_ops;
    late_ops.enter = late_enter;
    late_ops.collect = late_collect;
    late_ops.fault = late_fault;
    struct fv_decode_worker_params params = defaults;
    params.ops = &late_ops;
    params.shared = &late;
    return params;
}

static void wait_collects(int count)
{
    for (int i = 0; i < 5000 && late.collects < count; i++)
        nanosleep(&(struct timespec){.tv_nsec = FV_MS}, NULL);
    assert_int_equal(late.collects, count);
}

static void test_collect(void **state)
{
    (void)state;
    struct fv_decode_worker_params params = late_params();
    late.again = 2 * FV_MS;
    struct fv_decode_worker *worker = create(&params);
    assert_int_equal(late.enters, 1);
    PUSH(worker, .camera = 0, .key = true);
    wait_collects(2); /* after the pass, and when it had asked for it */
    late.wake.call(late.wake.data);
    wait_collects(3);
    assert_int_equal(seen.fault_count, 0);
    fv_decode_worker_destroy(worker);
}

static void test_fault_comes_later(void **state)
{
    (void)state;
    struct fv_decode_worker_params params = late_params();
    struct fv_decode_worker *worker = create(&params);
    PUSH(worker, .camera = 0, .key = true);
    wait_collects(1);
    late.fault = -EIO;
    late.wake.call(late.wake.data);
    wait_errors(worker, 0, 1);
    PUSH(worker, .camera = 0);
    settle(worker, 0, 2);
    assert_int_equal(stats_of(worker, 0).dropped_key, 1);
    fv_decode_worker_destroy(worker);
    assert_int_equal(mock.closes, 1);
    assert_int_equal(seen.fault_count, 1);
    assert_int_equal(seen.faults[0].code, -EIO);
    assert_string_equal(seen.faults[0].reason, "it failed later");
}

static void test_enter_refused(void **state)
{
    (void)state;
    struct fv_decode_worker_params params = late_params();
    late.refuse = -ENODEV;
    struct fv_decode_worker *worker = NULL;
    struct fv_error err = {0};
    assert_int_equal(fv_decode_worker_create(&params, &worker, &err), -ENODEV);
    assert_null(worker);
    assert_string_equal(err.text, "no such device");
    assert_int_equal(err.code, -ENODEV);
}

static void test_unknown_camera(void **state)
{
    (void)state;
    struct fv_decode_worker *worker = create(&defaults);
    assert_false(push(worker, (struct push){.camera = CAMERAS, .key = true}));
    assert_int_equal(stats_of(worker, CAMERAS).submitted, 0);
    fv_decode_worker_destroy(worker);
}

static void test_create_failures(void **state)
{
    (void)state;
    struct fv_decode_worker *worker = NULL;
    struct fv_error err = {0};
    struct fv_decode_worker_params bad[3] = {defaults, defaults, defaults};
    bad[0].cameras = 0;
    bad[1].queue_per_camera = 0;
    bad[2].interval = 0;
    for (int i = 0; i < 3; i++)
        assert_int_equal(fv_decode_worker_create(&bad[i], &worker, &err), -EINVAL);
    assert_true(strlen(err.text) > 0);
    unsigned n = 1;
    for (;; n++) {
        fv_alloc_fail_at(n);
        int code = fv_decode_worker_create(&defaults, &worker, &err);
        if (code == 0)
            break;
        assert_int_equal(code, -ENOMEM);
        assert_null(worker);
    }
    fv_alloc_fail_at(0);
    assert_int_equal(n, 5); /* worker, cameras, slots, ring */
    fv_decode_worker_destroy(worker);
}

/* Only key pictures; when all are wanted again, from the next key picture on. */
static void test_keys_only(void **state)
{
    (void)state;
    struct fv_decode_worker *worker = create(&defaults);
    fv_decode_worker_choose(worker, 0,
                            &(struct fv_decode_choice){.keys_only = true, .interval = 1});
    PUSH(worker, .camera = 0, .key = true);
    settle(worker, 0, 1);
    PUSH(worker, .camera = 0);
    PUSH(worker, .camera = 0, .key = true);
    settle(worker, 0, 2);
    fv_decode_worker_choose(worker, 0, &(struct fv_decode_choice){.interval = 1});
    PUSH(worker, .camera = 0);
    settle(worker, 0, 3);
    PUSH(worker, .camera = 0, .key = true);
    PUSH(worker, .camera = 0);
    settle(worker, 0, 5);
    struct fv_decode_stats stats = stats_of(worker, 0);
    fv_decode_worker_destroy(worker);
    assert_int_equal(stats.decoded, 5);
    assert_int_equal(stats.skipped_interval, 1);
    assert_int_equal(stats.dropped_key, 0);
}

static void test_choice_of_one_camera(void **state)
{
    (void)state;
    struct fv_decode_worker *worker = create(&defaults);
    fv_decode_worker_choose(worker, 1, &(struct fv_decode_choice){.interval = 2});
    for (uint32_t i = 0; i < 4; i++) {
        PUSH(worker, .camera = 0, .key = true);
        PUSH(worker, .camera = 1, .key = true);
        settle(worker, 0, i + 1);
        settle(worker, 1, i + 1);
    }
    assert_int_equal(stats_of(worker, 0).skipped_interval, 0);
    assert_int_equal(stats_of(worker, 1).skipped_interval, 2);
    fv_decode_worker_destroy(worker);
    assert_int_equal(seen.picture_count, 6);
}

static pthread_t began;

static void on_began(void *data)
{
    (void)data;
    began = pthread_self();
}

/* The hook runs on the worker's thread, before the first picture. */
static void test_began(void **state)
{
    (void)state;
    struct fv_decode_worker_params params = defaults;
    params.began = on_began;
    struct fv_decode_worker *worker = create(&params);
    PUSH(worker, .camera = 0, .key = true);
    settle(worker, 0, 1);
    fv_decode_worker_destroy(worker);
    assert_int_equal(seen.picture_count, 1);
    assert_false(pthread_equal(began, pthread_self()));
}

static void on_served(void *data, uint32_t camera)
{
    (void)data;
    served[camera]++;
}

/* What is queued is decoded, what is held back comes out; each access unit is answered. */
static void test_finish(void **state)
{
    (void)state;
    struct fv_decode_worker_params params = defaults;
    params.served = on_served;
    struct fv_decode_worker *worker = create(&params);
    PUSH(worker, .camera = 1, .key = true, .order = WAITS_FOR_GATE);
    while (sem_wait(&mock.reached) < 0)
        ;
    PUSH(worker, .camera = 1, .order = GOOD);
    PUSH(worker, .camera = 1, .order = HOLDS_BACK);
    PUSH(worker, .camera = 2, .order = GOOD); /* no key picture: dropped, and answered */
    sem_post(&mock.gate);
    fv_decode_worker_finish(worker);
    assert_int_equal(seen.picture_count, 3);
    assert_int_equal(seen.pictures[2].number, 3);
    assert_int_equal(stats_of(worker, 1).decoded, 3);
    assert_int_equal(served[1], 3);
    assert_int_equal(served[2], 1);
    fv_decode_worker_stop(worker);
    fv_decode_worker_destroy(worker);
    assert_int_equal(seen.picture_count, 3);
}

/* Of what was held back, too, it is told why it did not come. */
static void test_finish_that_fails(void **state)
{
    (void)state;
    struct fv_decode_worker *worker = create(&defaults);
    mock.drain = -ENOTSUP;
    PUSH(worker, .camera = 1, .key = true, .order = HOLDS_BACK);
    fv_decode_worker_finish(worker);
    assert_int_equal(seen.fault_count, 1);
    assert_int_equal(seen.faults[0].camera, 1);
    assert_int_equal(seen.faults[0].code, -ENOTSUP);
    assert_string_equal(seen.faults[0].reason, "what was held back is broken");
    assert_int_equal(stats_of(worker, 1).errors, 1);
    fv_decode_worker_destroy(worker);
}

/* A stop in mid-stream is no end of it. */
static void test_stop_drains_nothing(void **state)
{
    (void)state;
    struct fv_decode_worker *worker = create(&defaults);
    PUSH(worker, .camera = 0, .key = true, .order = HOLDS_BACK);
    settle(worker, 0, 1);
    fv_decode_worker_destroy(worker);
    assert_int_equal(seen.picture_count, 0);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_numbers_and_stamps),
        CASE(test_interval),
        CASE(test_late),
        CASE(test_overflow),
        CASE(test_error_waits_for_key),
        CASE(test_device_error_reopens),
        CASE(test_codec_changes),
        CASE(test_epoch_flushes),
        CASE(test_one_camera_always_fails),
        CASE(test_two_causes_are_two_faults),
        CASE(test_destroy_with_full_queues),
        CASE(test_stop),
        CASE(test_finish),
        CASE(test_finish_that_fails),
        CASE(test_stop_drains_nothing),
        CASE(test_forget),
        CASE(test_collect),
        CASE(test_fault_comes_later),
        CASE(test_enter_refused),
        CASE(test_unknown_camera),
        CASE(test_create_failures),
        CASE(test_began),
        CASE(test_keys_only),
        CASE(test_choice_of_one_camera),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
/* For tests of the NVDEC back end on the look-alike of tests/fakegpu: a worker with a few cameras, what came out of it, and access
 * units to put in. A picture's pixels tell which access unit it was made of. */
#ifndef FV_DECODE_NVDEC_KIT_TEST_H
#define FV_DECODE_NVDEC_KIT_TEST_H

// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cuvid.h"
#include "decode/nvdec.h"
#include "decode/nvdec_stream_test.h"
#include "decode/worker.h"

#define CAMERAS 3
#define SEEN_MAX 600
#define HELD 3

static struct {
    pthread_mutex_t lock;
    pthread_cond_t news;
    struct fv_picture *pictures[SEEN_MAX]; /* NULL: given back */
    struct fv_frame_info infos[SEEN_MAX];
    uint8_t seeds[SEEN_MAX];
    unsigned count, served;
    int fault_codes[16];
    char fault_text[300]; /* the last one */
    unsigned faults;
    bool keep; /* hold on to pictures */
} seen = {.lock = PTHREAD_MUTEX_INITIALIZER, .news = PTHREAD_COND_INITIALIZER};

static int64_t age; /* ns since what is pushed was delivered */
/* of the worker */
static int64_t late;
static bool complete;
static struct fv_gpu *gpu;
static struct fv_nvdec *nvdec;
static struct fv_decode_worker *worker;
static struct fv_buf_pool *pool;

/* Reads the first luma sample when it may be read, and checks a few others. */
static inline uint8_t look_at(struct fv_picture *picture)
{
    assert_int_equal(picture->memory, FV_MEMORY_DEVICE);
    assert_int_equal(fv_gpu_event_wait(picture->ready, NULL), 0);
    size_t step = picture->format == FV_PIXEL_P016 ? 2 : 1;
    const uint8_t *luma = picture->plane[0] + step - 1;
    uint8_t seed = luma[0];
    unsigned x = picture->info.width - 1, y = picture->info.height - 1;
    assert_int_equal(luma[y * picture->pitch[0] + x * step], fakegpu_luma(seed, x, y));
    assert_int_equal(picture->plane[1][(picture->info.height / 2 - 1) * picture->pitch[1]], 128);
    return seed;
}

static inline void on_picture(void *data, struct fv_picture *picture)
{
    uint8_t seed = look_at(picture);
    pthread_mutex_lock(&seen.lock);
    assert_true(seen.count < SEEN_MAX);
    seen.seeds[seen.count] = seed;
    seen.infos[seen.count] = picture->info;
    seen.pictures[seen.count++] = seen.keep ? picture : NULL;
    bool keep = seen.keep;
    pthread_cond_broadcast(&seen.news);
    pthread_mutex_unlock(&seen.lock);
    if (!keep)
        fv_picture_unref(picture);
}

static inline void on_fault(void *data, uint32_t camera, int code, const char *reason)
{
    pthread_mutex_lock(&seen.lock);
    seen.fault_codes[seen.faults++ % 16] = code;
    snprintf(seen.fault_text, sizeof(seen.fault_text), "%s", reason);
    pthread_cond_broadcast(&seen.news);
    pthread_mutex_unlock(&seen.lock);
}

static inline void on_served(void *data, uint32_t camera)
{
    pthread_mutex_lock(&seen.lock);
    seen.served++;
    pthread_cond_broadcast(&seen.news);
    pthread_mutex_unlock(&seen.lock);
}

/* Waits up to 20 s for `*count` to reach `wanted`. */
static inline void wait_for(const unsigned *count, unsigned wanted)
{
    struct timespec limit;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += 20;
    pthread_mutex_lock(&seen.lock);
    while (*count < wanted && pthread_cond_timedwait(&seen.news, &seen.lock, &limit) == 0)
        ;
    unsigned reached = *count;
    pthread_mutex_unlock(&seen.lock);
    if (reached < wanted)
        fail_msg("%u of %u; last fault: %s", reached, wanted, seen.fault_text);
}

static inline unsigned seen_count(void)
{
    pthread_mutex_lock(&seen.lock);
    unsigned count = seen.count;
    pthread_mutex_unlock(&seen.lock);
    return count;
}

/* From `true` to `false` the hardware makes no decoder. */
static inline void hold_making(bool hold)
{
    void (*set)(bool) = (void (*)(bool))(uintptr_t)dlsym(
        dlopen("libnvcuvid.so.1", RTLD_NOW | RTLD_NODELETE), "fakegpu_cuvid_hold");
    set(hold);
}

static inline void script(const char *text)
{
    setenv("FOVEA_FAKE_GPU", text, 1);
}

static inline void start_with(const struct fv_nvdec_params *wanted)
{
    struct fv_error err = {0};
    const struct fv_gpu_params device = {0};
    if (fv_gpu_open(&device, &gpu, &err) < 0)
        fail_msg("%s", err.text);
    struct fv_nvdec_params params = *wanted;
    params.gpu = gpu;
    params.held = HELD;
    assert_int_equal(fv_nvdec_create(&params, &nvdec, &err), 0);
    const struct fv_decode_worker_params worker_params = {
        .ops = &fv_decoder_nvdec,
        .shared = nvdec,
        .cameras = CAMERAS,
        .queue_per_camera = 200,
        .interval = 1,
        .late = late,
        .complete = complete,
        .picture = on_picture,
        .fault = on_fault,
        .served = on_served,
    };
    assert_int_equal(fv_decode_worker_create(&worker_params, &worker, &err), 0);
}

static inline void start(void)
{
    const struct fv_nvdec_params params = {0};
    start_with(&params);
}

static inline void give_back(unsigned index)
{
    fv_picture_unref(seen.pictures[index]);
    seen.pictures[index] = NULL;
}

static inline void set_up_again(const char *text)
{
    script(text);
    memset(seen.pictures, 0, sizeof(seen.pictures));
    seen.count = seen.served = seen.faults = 0;
    seen.keep = false;
    seen.fault_text[0] = 0;
    late = age = 0;
    complete = false;
}

static inline int set_up(void **state)
{
    (void)state;
    set_up_again("synthetic=1");
    return fv_buf_pool_create(8 << 20, 8 << 20, &pool);
}

/* The end of the run: pictures, sessions, parsers and access units are all home. */
static inline void stop(void)
{
    fv_decode_worker_destroy(worker);
    worker = NULL;
    fv_gpu_enter(gpu, NULL);
    for (unsigned i = 0; i < seen.count; i++)
        give_back(i);
    fv_nvdec_destroy(nvdec);
    nvdec = NULL;
    fv_gpu_close(gpu);
    gpu = NULL;
}

static inline int tear_down(void **state)
{
    (void)state;
    struct fv_buf_stats stats;
    fv_buf_pool_stats(pool, &stats);
    fv_buf_pool_destroy(pool);
    return stats.bytes_used != 0;
}

static inline struct fv_nvdec_stats stats_now(void)
{
    struct fv_nvdec_stats stats;
    fv_nvdec_stats(nvdec, &stats);
    return stats;
}

static inline void push(uint32_t camera, const struct unit *unit)
{
    static int64_t pts;
    struct fv_au au = {.camera = camera,
                       .delivered = fv_now() - age,
                       .codec = unit->codec,
                       .flags = unit->key ? FV_FRAME_KEY : 0,
                       .epoch = 1,
                       .pts = unit->pts ? unit->pts : ++pts,
                       .size = unit->size};
    assert_int_equal(fv_buf_get(pool, unit->size + FV_AU_PADDING, &au.buf), 0);
    memcpy(au.buf->data, unit->data, unit->size);
    memset(au.buf->data + unit->size, 0, FV_AU_PADDING);
    assert_true(fv_decode_worker_push(worker, &au));
    fv_au_drop(&au);
}

/* A key picture and `more` others of a stream of format `format`; numbers count from `first`. */
static inline void push_run(uint32_t camera, enum format format, unsigned first, unsigned more)
{
    struct unit unit;
    for (unsigned i = 0; i <= more; i++) {
        make_unit(&unit, format, i == 0, (uint8_t)i, (uint8_t)(first + i));
        unit.pts = (int64_t)camera * 1000 + first + i + 1;
        push(camera, &unit);
    }
}

/* The next access unit of such a run. */
static inline void push_run_on(uint32_t camera, enum format format, unsigned number)
{
    struct unit unit;
    make_unit(&unit, format, false, (uint8_t)number, (uint8_t)number);
    unit.pts = (int64_t)camera * 1000 + number + 1;
    push(camera, &unit);
}

/* The i-th picture that came was made of the access unit that push_run gave this number. */
static inline void expect(unsigned i, uint32_t camera, enum format format, bool key, unsigned order,
                          unsigned number)
{
    struct unit unit;
    make_unit(&unit, format, key, (uint8_t)order, (uint8_t)number);
    assert_int_equal(seen.infos[i].camera, camera);
    assert_int_equal(seen.infos[i].pts, (int64_t)camera * 1000 + number + 1);
    assert_int_equal(seen.seeds[i], fakegpu_seed(unit.slice, unit.slice_size));
}

static inline void expect_fault(int code, const char *words)
{
    wait_for(&seen.faults, 1);
    assert_int_equal(seen.fault_codes[0], code);
    if (!strstr(seen.fault_text, words))
        fail_msg("\"%s\" does not say \"%s\"", seen.fault_text, words);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

#endif

// SPDX-License-Identifier: Apache-2.0
/* The device, its context and its memory on the look-alike of tests/fakegpu. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "fakegpu_tools.h"
#include "gpu/gpu.h"

#define MIB ((size_t)1 << 20)

static void test_info(void **state)
{
    struct fv_gpu *gpu = fakegpu_open("memory-mb=600", 500 * MIB);
    struct fv_gpu_info info;
    assert_int_equal(fv_gpu_info(gpu, &info, NULL), 0);
    assert_string_equal(info.name, "fake GPU 0 for tests");
    assert_int_equal(info.major, 9);
    assert_int_equal(info.driver, 13000);
    assert_int_equal(info.memory_total, 600 * MIB);
    assert_int_equal(info.memory_free, 100 * MIB);
    assert_false(info.spins);
    assert_false(fv_gpu_lost(gpu));
    fv_gpu_close(gpu);
    fv_gpu_close(NULL);
    assert_nothing_left();
}

static void test_ordinal(void **state)
{
    struct fv_gpu *gpu = NULL;
    struct fv_error err = {0};
    struct fv_gpu_info info;
    fakegpu_play("devices=2");
    struct fv_gpu_params params = {.device = 2};
    assert_int_equal(fv_gpu_open(&params, &gpu, &err), -EINVAL);
    assert_non_null(strstr(err.text, "there is no GPU 2: the driver lists 2, counted from 0"));
    assert_null(gpu);
    params.device = 1;
    assert_int_equal(fv_gpu_open(&params, &gpu, &err), 0);
    assert_int_equal(fv_gpu_info(gpu, &info, NULL), 0);
    assert_string_equal(info.name, "fake GPU 1 for tests");
    assert_int_equal(info.device, 1);
    fv_gpu_close(gpu);
    assert_nothing_left();
}

/* Every call that opening makes, refused once: an error that names the call, and nothing is left. */
static void test_each_call_of_open_fails(void **state)
{
    static const char *const calls[] = {
        "cuInit",
        "cuDeviceGetCount",
        "cuDeviceGet",
        "cuDeviceGetName",
        "cuDevicePrimaryCtxGetState",
        "cuDevicePrimaryCtxSetFlags",
        "cuDevicePrimaryCtxRetain",
        "cuCtxSetCurrent",
        "cuMemAlloc",
    };
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        char script[100];
        struct fv_gpu *gpu = NULL;
        struct fv_error err = {0};
        snprintf(script, sizeof(script), "call-fail=%s:1", calls[i]);
        fakegpu_play(script);
        int r = fv_gpu_open(&(struct fv_gpu_params){.pool_bytes = MIB}, &gpu, &err);
        assert_int_equal(r, i < 2 ? -ENODEV : -EIO); /* the survey calls the first two */
        assert_non_null(strstr(err.text, i < 2 ? "gives no GPU: invalid argument" : calls[i]));
        assert_null(gpu);
        assert_nothing_left();
    }
}

static void test_pool_does_not_fit(void **state)
{
    struct fv_gpu *gpu = NULL;
    struct fv_error err = {0};
    fakegpu_play("memory-mb=2000,free-mb=120");
    assert_int_equal(fv_gpu_open(&(struct fv_gpu_params){.pool_bytes = 500 * MIB}, &gpu, &err),
                     -ENOMEM);
    assert_string_equal(err.text,
                        "GPU 0 (fake GPU 0 for tests) cannot give 500.0 MiB for the memory pool: "
                        "120.0 of 2000.0 MiB are free: lower GPU_MEMORY_POOL_SIZE_MB or stop what "
                        "uses the GPU ('nvidia-smi' lists it)");
    assert_int_equal(fv_gpu_open(&(struct fv_gpu_params){.pool_bytes = 100}, &gpu, &err), -EINVAL);
    assert_null(gpu);
    assert_nothing_left();
}

/* What opens and makes one of each; every allocation on the way may fail. */
static int make_all(struct fv_error *err)
{
    struct fv_gpu *gpu = NULL;
    struct fv_gpu_stream *stream = NULL;
    struct fv_gpu_event *event = NULL;
    fv_gpu_address inside = 0, outside = 0, mapped = 0;
    void *host = NULL;
    int r = fv_gpu_open(&(struct fv_gpu_params){.pool_bytes = MIB}, &gpu, err);
    if (r < 0)
        return r;
    r = fv_gpu_stream_create(gpu, &stream, err);
    r = r < 0 ? r : fv_gpu_event_create(gpu, &event, err);
    r = r < 0 ? r : fv_gpu_alloc(gpu, 1000, "inside", &inside, err);
    r = r < 0 ? r : fv_gpu_alloc(gpu, 2 * MIB, "outside", &outside, err);
    r = r < 0 ? r : fv_gpu_host_alloc(gpu, 1000, &host, &mapped, err);
    fv_gpu_host_free(gpu, host);
    fv_gpu_free(gpu, outside);
    fv_gpu_free(gpu, inside);
    fv_gpu_event_destroy(event);
    fv_gpu_stream_destroy(stream);
    fv_gpu_close(gpu);
    return r;
}

static void test_each_host_allocation_fails(void **state)
{
    unsigned n = 1;
    fakegpu_play("");
    for (;; n++) {
        struct fv_error err = {0};
        fv_alloc_fail_at(n);
        int r = make_all(&err);
        bool came = !fv_alloc_fail_pending();
        fv_alloc_fail_at(0);
        assert_nothing_left();
        if (!came)
            break;
        assert_int_equal(r, -ENOMEM);
        assert_true(strlen(err.text) > 0);
    }
    assert_true(n > 5);
    assert_int_equal(make_all(NULL), 0);
}

static void test_each_device_allocation_fails(void **state)
{
    static const char *const owners[] = {"the memory pool", "outside", "cuMemHostAlloc"};
    for (unsigned n = 1; n <= 3; n++) {
        char script[50];
        struct fv_error err = {0};
        snprintf(script, sizeof(script), "alloc-fail=%u", n);
        fakegpu_play(script);
        assert_int_equal(make_all(&err), -ENOMEM);
        assert_non_null(strstr(err.text, owners[n - 1]));
        assert_nothing_left();
    }
}

/* Waits have to sleep: the flag is set before anybody activates the context. */
static void test_blocking_waits(void **state)
{
    struct fv_driver driver;
    unsigned flags = 0;
    int active = 1;
    struct fv_gpu *gpu = fakegpu_open("", 0);
    assert_int_equal(fv_driver_open(&driver, NULL), 0);
    assert_int_equal(driver.cuDevicePrimaryCtxGetState(0, &flags, &active), CUDA_SUCCESS);
    assert_int_equal(flags, CU_CTX_SCHED_BLOCKING_SYNC);
    assert_int_equal(active, 1);
    fv_gpu_close(gpu);
    driver.cuDevicePrimaryCtxGetState(0, &flags, &active);
    assert_int_equal(active, 0);
    fv_driver_close(&driver);
}

/* Another library was quicker; `script` says whether the driver still lets the flags be changed. */
static bool spins_after_another(const char *script)
{
    struct fv_driver driver;
    struct fv_gpu_info info;
    CUcontext context;
    fakegpu_play(script);
    assert_int_equal(fv_driver_open(&driver, NULL), 0);
    assert_int_equal(driver.cuDevicePrimaryCtxSetFlags(0, 1), CUDA_SUCCESS); /* spin */
    assert_int_equal(driver.cuDevicePrimaryCtxRetain(&context, 0), CUDA_SUCCESS);
    struct fv_gpu *gpu = fakegpu_open(script, 0);
    assert_int_equal(fv_gpu_info(gpu, &info, NULL), 0);
    fv_gpu_close(gpu);
    driver.cuDevicePrimaryCtxRelease(0);
    driver.cuDevicePrimaryCtxSetFlags(0, 0);
    fv_driver_close(&driver);
    return info.spins;
}

static void test_context_of_another(void **state)
{
    assert_false(spins_after_another(""));
    assert_true(spins_after_another("fixed-flags"));
    assert_nothing_left();
}

static void test_memory(void **state)
{
    struct fv_gpu *gpu = fakegpu_open("", MIB);
    struct fv_gpu_memory_stats stats;
    fv_gpu_address a, b, c, mapped;
    void *host;
    assert_int_equal(fv_gpu_alloc(gpu, 1, "a", &a, NULL), 0);
    assert_int_equal(fv_gpu_alloc(gpu, MIB - 256, "b", &b, NULL), 0);
    assert_int_equal(a % 256, 0);
    assert_int_equal(b, a + 256);
    fv_gpu_memory_stats(gpu, &stats);
    assert_int_equal(stats.pool_bytes, MIB);
    assert_int_equal(stats.pool_used, MIB);
    assert_int_equal(stats.pool_blocks, 2);
    assert_int_equal(stats.pool_largest_free, 0);
    assert_int_equal(stats.outside, 0);
    assert_int_equal(fv_gpu_alloc(gpu, 3000, "c", &c, NULL), 0); /* from the driver */
    assert_int_equal(fv_gpu_host_alloc(gpu, 500, &host, &mapped, NULL), 0);
    fv_gpu_memory_stats(gpu, &stats);
    assert_int_equal(stats.outside, 1);
    assert_int_equal(stats.outside_used, 3000);
    assert_int_equal(stats.host_used, 500);
    fv_gpu_free(gpu, b);
    fv_gpu_free(gpu, c);
    fv_gpu_free(gpu, 0);
    fv_gpu_free(gpu, a);
    fv_gpu_host_free(gpu, host);
    fv_gpu_host_free(gpu, NULL);
    fv_gpu_memory_stats(gpu, &stats);
    assert_int_equal(stats.pool_used, 0);
    assert_int_equal(stats.pool_peak, MIB);
    assert_int_equal(stats.pool_largest_free, MIB);
    assert_int_equal(stats.outside, 1);
    assert_int_equal(stats.outside_used, 0);
    assert_int_equal(stats.host_used, 0);
    fv_gpu_close(gpu);
    assert_nothing_left();
}

static void test_no_memory(void **state)
{
    struct fv_gpu *gpu = fakegpu_open("memory-mb=64", MIB);
    struct fv_error err = {0};
    fv_gpu_address memory = 5;
    assert_int_equal(fv_gpu_alloc(gpu, 64 * MIB, "surfaces of 'door'", &memory, &err), -ENOMEM);
    assert_non_null(strstr(err.text, "64.0 MiB for surfaces of 'door': 63.0 of 64.0 MiB are free"));
    assert_int_equal(memory, 5);
    assert_int_equal(fv_gpu_alloc(gpu, 0, "nothing", &memory, &err), -EINVAL);
    assert_false(fv_gpu_lost(gpu));
    fv_gpu_close(gpu);
}

struct user {
    struct fv_gpu *gpu;
    unsigned seed, failures;
};

/* Allocates and frees in a pattern of its own. */
static void *use_memory(void *data)
{
    struct user *user = data;
    fv_gpu_address held[8] = {0};
    if (fv_gpu_enter(user->gpu, NULL) < 0)
        user->failures++;
    for (unsigned i = 0; i < 2000; i++) {
        fv_gpu_address *slot = &held[(i * 7 + user->seed) % 8];
        fv_gpu_free(user->gpu, *slot);
        *slot = 0;
        size_t bytes = 100 + (i * 7919 + user->seed * 104729) % 40000;
        if (fv_gpu_alloc(user->gpu, bytes, "threads", slot, NULL) < 0)
            user->failures++;
    }
    for (unsigned i = 0; i < 8; i++)
        fv_gpu_free(user->gpu, held[i]);
    return NULL;
}

static void test_threads(void **state)
{
    struct fv_gpu *gpu = fakegpu_open("", MIB / 8); /* too small: some come from the driver */
    struct user users[4];
    pthread_t threads[4];
    struct fv_gpu_memory_stats stats;
    for (unsigned i = 0; i < 4; i++) {
        users[i] = (struct user){gpu, i, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, use_memory, &users[i]), 0);
    }
    for (unsigned i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(users[i].failures, 0);
    }
    fv_gpu_memory_stats(gpu, &stats);
    assert_int_equal(stats.pool_used, 0);
    assert_int_equal(stats.pool_largest_free, MIB / 8);
    assert_int_equal(stats.outside_used, 0);
    assert_true(stats.outside > 0);
    fv_gpu_close(gpu);
    assert_nothing_left();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_info),
        cmocka_unit_test(test_ordinal),
        cmocka_unit_test(test_each_call_of_open_fails),
        cmocka_unit_test(test_pool_does_not_fit),
        cmocka_unit_test(test_each_host_allocation_fails),
        cmocka_unit_test(test_each_device_allocation_fails),
        cmocka_unit_test(test_blocking_waits),
        cmocka_unit_test(test_context_of_another),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
/* The device is lost at every possible call: everything can still be destroyed, and after a reset all begins anew. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "fakegpu_tools.h"
#include "gpu/gpu.h"

static const char ptx[] = ".version 6.0\n.target sm_60\n.address_size 64\n"
                          ".visible .entry fv_test_add(.param .u64 to) { ret; }\n"
                          ".visible .entry fv_test_crash() { ret; }\n";

struct all {
    struct fv_gpu *gpu;
    struct fv_gpu_stream *stream;
    struct fv_gpu_event *event;
    fv_gpu_address inside, outside, mapped;
    void *host;
    CUmodule module;
    char in[100], out[100];
};

static _Atomic unsigned told;

static void on_lost(void *data, const char *reason)
{
    assert_true(strlen(reason) > 10);
    told++;
}

static int make(struct all *all)
{
    const struct fv_gpu_params params = {.pool_bytes = 1 << 20, .alarm = {.lost = on_lost}};
    int r = fv_gpu_open(&params, &all->gpu, NULL);
    r = r < 0 ? r : fv_gpu_stream_create(all->gpu, &all->stream, NULL);
    r = r < 0 ? r : fv_gpu_event_create(all->gpu, &all->event, NULL);
    r = r < 0 ? r : fv_gpu_alloc(all->gpu, 1000, "inside", &all->inside, NULL);
    r = r < 0 ? r : fv_gpu_alloc(all->gpu, 2 << 20, "outside", &all->outside, NULL);
    r = r < 0 ? r : fv_gpu_host_alloc(all->gpu, 1000, &all->host, &all->mapped, NULL);
    if (r == 0)
        r = FV_GPU_CALL(all->gpu, NULL, cuModuleLoadDataEx, &all->module, ptx, 0, NULL, NULL);
    return r;
}

/* to[i] += 3 */
static int launch(struct all *all, const char *name)
{
    CUfunction function;
    CUdeviceptr to = all->inside;
    uint32_t count = sizeof(all->in);
    uint8_t value = 3;
    void *parameters[] = {&to, &count, &value};
    int r = FV_GPU_CALL(all->gpu, NULL, cuModuleGetFunction, &function, all->module, name);
    if (r == 0)
        r = FV_GPU_CALL(all->gpu, NULL, cuLaunchKernel, function, 1, 1, 1, 128, 1, 1, 0,
                        fv_gpu_stream_cuda(all->stream), parameters, NULL);
    return r;
}

static int use(struct all *all)
{
    memset(all->in, 5, sizeof(all->in));
    int r = fv_gpu_upload(all->stream, all->inside, all->in, sizeof(all->in), FV_GPU_CONTROL, NULL);
    r = r < 0 ? r : launch(all, "fv_test_add");
    r = r < 0 ? r
              : fv_gpu_download(all->stream, all->out, all->inside, sizeof(all->out), FV_GPU_BOXES,
                                NULL);
    r = r < 0 ? r : fv_gpu_event_record(all->event, all->stream, NULL);
    r = r < 0 ? r : fv_gpu_event_wait(all->event, NULL);
    while (r == 0 && !fv_gpu_event_done(all->event))
        ;
    r = r < 0 ? r : fv_gpu_stream_finish(all->stream, NULL);
    return r;
}

static void destroy(struct all *all)
{
    if (!all->gpu)
        return;
    if (all->module)
        FV_GPU_CALL(all->gpu, NULL, cuModuleUnload, all->module);
    fv_gpu_host_free(all->gpu, all->host);
    fv_gpu_free(all->gpu, all->outside);
    fv_gpu_free(all->gpu, all->inside);
    fv_gpu_event_destroy(all->event);
    fv_gpu_stream_destroy(all->stream);
    fv_gpu_close(all->gpu);
}

/* The whole life with the loss at call `n`. True when the life was over before. */
static bool live_and_lose(unsigned n)
{
    char script[50];
    struct all all = {0};
    snprintf(script, sizeof(script), "lost-after=%u:%d,reset-helps", n, n % 2 ? 700 : 719);
    fakegpu_play(script);
    told = 0;
    int r = make(&all);
    r = r < 0 ? r : use(&all);
    bool lost = all.gpu && fv_gpu_lost(all.gpu);
    if (r < 0)
        assert_int_equal(r, -ENODEV);
    if (r < 0 && all.gpu)
        assert_true(lost);
    if (all.gpu)
        assert_true(!all.event || !lost || fv_gpu_event_done(all.event));
    destroy(&all);
    assert_true(told == lost || (told == 1 && !lost)); /* open failed of it, or the end did */
    assert_nothing_left();
    assert_int_equal(fv_gpu_reset(0, NULL), 0);
    return r == 0;
}

static void test_lost_at_every_call(void **state)
{
    unsigned n = 1;
    struct all all = {0};
    while (!live_and_lose(n))
        n++;
    assert_true(n > 15); /* there are so many calls */
    fakegpu_play("");
    assert_int_equal(make(&all), 0);
    assert_int_equal(use(&all), 0);
    for (size_t i = 0; i < sizeof(all.out); i++)
        assert_int_equal(all.out[i], 8);
    destroy(&all);
    assert_nothing_left();
}

/* A kernel that does what it must not: the launch succeeds, what waits for it tells. */
static void test_kernel_crashes(void **state)
{
    struct all all = {0};
    struct fv_error err = {0};
    struct fv_gpu *again = NULL;
    fakegpu_play("reset-helps");
    assert_int_equal(make(&all), 0);
    assert_int_equal(launch(&all, "fv_test_crash"), 0);
    assert_int_equal(fv_gpu_stream_finish(all.stream, &err), -ENODEV);
    assert_string_equal(err.text, "cuStreamSynchronize: CUDA_ERROR_ILLEGAL_ADDRESS (700): an "
                                  "illegal memory access was encountered");
    assert_true(fv_gpu_lost(all.gpu));
    assert_int_equal(use(&all), -ENODEV);
    assert_int_equal(fv_gpu_alloc(all.gpu, 3 << 20, "more", &all.mapped, NULL), -ENODEV);
    destroy(&all);
    /* Without a reset the context stays broken. */
    assert_int_equal(fv_gpu_open(&(struct fv_gpu_params){.pool_bytes = 4096}, &again, NULL),
                     -ENODEV);
    assert_null(again);
    assert_int_equal(fv_gpu_reset(0, NULL), 0);
    assert_int_equal(fv_gpu_open(&(struct fv_gpu_params){.pool_bytes = 4096}, &again, NULL), 0);
    assert_false(fv_gpu_lost(again));
    fv_gpu_close(again);
    assert_nothing_left();
}

/* Others see a loss that one thread met, and waits of others come back. */
static void *wait_for_event(void *data)
{
    struct all *all = data;
    fv_gpu_enter(all->gpu, NULL);
    return (void *)(intptr_t)fv_gpu_event_wait(all->event, NULL);
}

static void test_waits_come_back(void **state)
{
    struct all all = {0};
    pthread_t waiter;
    void *result = NULL;
    void (*lose)(int) = (void (*)(int))fakegpu_find("fakegpu_lose");
    fakegpu_play("slow-ms=20000,reset-helps"); /* the loss ends it */
    assert_int_equal(make(&all), 0);
    assert_int_equal(fv_gpu_upload(all.stream, all.inside, all.in, 10, FV_GPU_CONTROL, NULL), 0);
    assert_int_equal(fv_gpu_event_record(all.event, all.stream, NULL), 0);
    assert_int_equal(pthread_create(&waiter, NULL, wait_for_event, &all), 0);
    lose(999);
    pthread_join(waiter, &result);
    assert_int_equal((int)(intptr_t)result, -ENODEV);
    assert_true(fv_gpu_lost(all.gpu));
    destroy(&all);
    assert_int_equal(fv_gpu_reset(0, NULL), 0);
}

/* What the real driver does: the reset succeeds, and no context can be made all the same. */
static void test_only_a_new_process_helps(void **state)
{
    struct all all = {0};
    struct fv_error err = {0};
    fakegpu_play("");
    assert_int_equal(make(&all), 0);
    assert_int_equal(launch(&all, "fv_test_crash"), 0);
    assert_int_equal(fv_gpu_stream_finish(all.stream, NULL), -ENODEV);
    destroy(&all);
    assert_int_equal(fv_gpu_reset(0, &err), -ENODEV);
    assert_int_equal(err.code, -ENODEV);
    assert_string_equal(err.text, "GPU 0 cannot be used again by this process, start a new one: "
                                  "cuDevicePrimaryCtxRetain: CUDA_ERROR_ILLEGAL_ADDRESS (700): an "
                                  "illegal memory access was encountered");
    assert_nothing_left();
    fakegpu_play(""); /* the new process */
    assert_int_equal(fv_gpu_reset(0, &err), 0);
}

static void test_reset_refused(void **state)
{
    struct fv_error err = {0};
    fakegpu_play("call-fail=cuDevicePrimaryCtxReset:1");
    assert_int_equal(fv_gpu_reset(0, &err), -ENODEV);
    assert_non_null(strstr(err.text, "start a new one: cuDevicePrimaryCtxReset: "));
    assert_int_equal(fv_gpu_reset(7, &err), -ENODEV);
    fakegpu_play("no-device");
    assert_int_equal(fv_gpu_reset(0, &err), -ENODEV);
}

/* A hundred times lost and opened again leave nothing behind. */
static void test_again_and_again(void **state)
{
    for (int i = 0; i < 100; i++)
        live_and_lose(25 + (unsigned)i % 10);
    assert_nothing_left();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lost_at_every_call),
        cmocka_unit_test(test_kernel_crashes),
        cmocka_unit_test(test_only_a_new_process_helps),
        cmocka_unit_test(test_waits_come_back),
        cmocka_unit_test(test_reset_refused),
        cmocka_unit_test(test_again_and_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

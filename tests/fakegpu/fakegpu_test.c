// SPDX-License-Identifier: Apache-2.0
/* The look-alike itself: misuse ends the process with a sentence, work is done in order and late, scripts do what they say. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fakegpu_tools.h"

static const char ptx[] = "// made by hand\n.version 6.0\n.target sm_60\n.address_size 64\n"
                          ".visible .entry fv_test_add(.param .u64 to) { ret; }\n"
                          ".visible .entry fv_without_twin() { ret; }\n";

struct bed {
    struct fv_driver cuda;
    CUcontext context;
    CUstream stream;
    CUdeviceptr memory;
    CUmodule module;
};

static void set_up(struct bed *bed, const char *script)
{
    fakegpu_play(script);
    assert_int_equal(fv_driver_open(&bed->cuda, NULL), 0);
    assert_int_equal(bed->cuda.cuDevicePrimaryCtxRetain(&bed->context, 0), CUDA_SUCCESS);
    assert_int_equal(bed->cuda.cuCtxSetCurrent(bed->context), CUDA_SUCCESS);
    assert_int_equal(bed->cuda.cuStreamCreate(&bed->stream, CU_STREAM_NON_BLOCKING), CUDA_SUCCESS);
    assert_int_equal(bed->cuda.cuMemAlloc(&bed->memory, 1000), CUDA_SUCCESS);
    assert_int_equal(bed->cuda.cuModuleLoadDataEx(&bed->module, ptx, 0, NULL, NULL), CUDA_SUCCESS);
}

static void tear_down(struct bed *bed)
{
    bed->cuda.cuModuleUnload(bed->module);
    bed->cuda.cuMemFree(bed->memory);
    bed->cuda.cuStreamDestroy(bed->stream);
    bed->cuda.cuCtxSetCurrent(NULL);
    bed->cuda.cuDevicePrimaryCtxRelease(0);
    fv_driver_close(&bed->cuda);
    assert_nothing_left();
}

/* --- Misuse, each in a process of its own. --- */

static void free_twice(struct bed *bed)
{
    bed->cuda.cuMemFree(bed->memory);
    bed->cuda.cuMemFree(bed->memory);
}

static void free_the_middle(struct bed *bed)
{
    bed->cuda.cuMemFree(bed->memory + 256);
}

static void use_a_dead_stream(struct bed *bed)
{
    CUstream stream = bed->stream;
    bed->cuda.cuStreamDestroy(stream);
    bed->cuda.cuStreamSynchronize(stream);
}

static void use_a_dead_event(struct bed *bed)
{
    CUevent event;
    bed->cuda.cuEventCreate(&event, 0);
    bed->cuda.cuEventDestroy(event);
    bed->cuda.cuEventQuery(event);
}

static void call_without_a_context(struct bed *bed)
{
    bed->cuda.cuCtxSetCurrent(NULL);
    bed->cuda.cuStreamQuery(bed->stream);
}

static void copy_past_the_end(struct bed *bed)
{
    char bytes[1001] = {0};
    bed->cuda.cuMemcpyHtoDAsync(bed->memory, bytes, sizeof(bytes), bed->stream);
}

static void use_the_default_stream(struct bed *bed)
{
    bed->cuda.cuMemsetD8Async(bed->memory, 0, 10, NULL);
}

static void unload_twice(struct bed *bed)
{
    bed->cuda.cuModuleUnload(bed->module);
    bed->cuda.cuModuleUnload(bed->module);
}

static void miss_a_twin(struct bed *bed)
{
    CUfunction function;
    bed->cuda.cuModuleGetFunction(&function, bed->module, "fv_without_twin");
}

static void end_the_context_early(struct bed *bed)
{
    bed->cuda.cuDevicePrimaryCtxRelease(0);
}

static void leave_all(struct bed *bed)
{
    exit(0);
}

/* How a process that does `misuse` ends, and what it says. */
static int end_of(void (*misuse)(struct bed *), char *said, size_t size)
{
    int ends[2], status = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        struct bed bed = {0};
        signal(SIGABRT, SIG_DFL); /* cmocka's handler would go on with the next test */
        dup2(ends[1], STDERR_FILENO);
        set_up(&bed, "");
        misuse(&bed);
        _exit(0);
    }
    close(ends[1]);
    FILE *in = fdopen(ends[0], "r");
    said[fread(said, 1, size - 1, in)] = 0;
    fclose(in);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void test_misuse(void **state)
{
    static const struct {
        void (*misuse)(struct bed *);
        int end;
        const char *says;
    } rows[] = {
        {free_twice, -SIGABRT, "cuMemFree: 0x"},
        {free_the_middle, -SIGABRT, "is not an allocation, or was freed already"},
        {use_a_dead_stream, -SIGABRT, "is not a stream, or was destroyed"},
        {use_a_dead_event, -SIGABRT, "is not an event, or was destroyed"},
        {call_without_a_context, -SIGABRT, "cuStreamQuery: no context is current"},
        {copy_past_the_end, -SIGABRT, "cuMemcpyHtoDAsync: 1001 bytes at"},
        {use_the_default_stream, -SIGABRT, "the default stream"},
        {unload_twice, -SIGABRT, "is not a module, or was unloaded"},
        {miss_a_twin, -SIGABRT, "the kernel fv_without_twin has no twin"},
        {end_the_context_early, -SIGABRT,
         "left are 1 streams, 0 events, 1 modules, 1 device allocations (1000 bytes)"},
        {leave_all, 99, "the process ends: left are 1 streams"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char said[4000];
        assert_int_equal(end_of(rows[i].misuse, said, sizeof(said)), rows[i].end);
        if (!strstr(said, rows[i].says))
            fail_msg("'%s' is not in: %s", rows[i].says, said);
    }
}

/* --- Work --- */

static void test_work_is_late_and_in_order(void **state)
{
    struct bed bed;
    char out[4] = {0};
    set_up(&bed, "");
    fakegpu_hold_work(true);
    assert_int_equal(bed.cuda.cuMemsetD8Async(bed.memory, 1, 4, bed.stream), CUDA_SUCCESS);
    assert_int_equal(bed.cuda.cuMemsetD8Async(bed.memory + 1, 2, 2, bed.stream), CUDA_SUCCESS);
    assert_int_equal(bed.cuda.cuMemcpyDtoHAsync(out, bed.memory, 4, bed.stream), CUDA_SUCCESS);
    assert_int_equal(bed.cuda.cuStreamQuery(bed.stream), CUDA_ERROR_NOT_READY);
    fakegpu_hold_work(false);
    assert_int_equal(bed.cuda.cuCtxSynchronize(), CUDA_SUCCESS);
    assert_int_equal(bed.cuda.cuStreamQuery(bed.stream), CUDA_SUCCESS);
    assert_memory_equal(out, "\1\2\2\1", 4);
    tear_down(&bed);
}

/* A rectangle of 3 x 2 bytes out of rows of 10 into rows of 5. */
static void test_rectangle(void **state)
{
    struct bed bed;
    char in[20], out[10] = {0};
    set_up(&bed, "");
    for (int i = 0; i < 20; i++)
        in[i] = (char)i;
    bed.cuda.cuMemcpyHtoDAsync(bed.memory, in, 20, bed.stream);
    CUDA_MEMCPY2D copy = {.srcMemoryType = CU_MEMORYTYPE_DEVICE,
                          .srcDevice = bed.memory,
                          .srcPitch = 10,
                          .srcXInBytes = 4,
                          .dstMemoryType = CU_MEMORYTYPE_HOST,
                          .dstHost = out,
                          .dstPitch = 5,
                          .WidthInBytes = 3,
                          .Height = 2};
    assert_int_equal(bed.cuda.cuMemcpy2DAsync(&copy, bed.stream), CUDA_SUCCESS);
    assert_int_equal(bed.cuda.cuStreamSynchronize(bed.stream), CUDA_SUCCESS);
    assert_memory_equal(out, "\4\5\6\0\0\16\17\20\0\0", 10);
    copy.dstPitch = 2;
    assert_int_equal(bed.cuda.cuMemcpy2DAsync(&copy, bed.stream), FV_CUDA_INVALID_VALUE);
    tear_down(&bed);
}

/* Parameters are copied when the launch is made. */
static void test_launch(void **state)
{
    struct bed bed;
    CUfunction function;
    uint32_t count = 100;
    uint8_t value = 3, out[100];
    set_up(&bed, "slow-ms=2");
    CUdeviceptr to = bed.memory;
    void *parameters[] = {&to, &count, &value};
    assert_int_equal(bed.cuda.cuModuleGetFunction(&function, bed.module, "fv_test_add"),
                     CUDA_SUCCESS);
    bed.cuda.cuMemsetD8Async(bed.memory, 5, 100, bed.stream);
    assert_int_equal(
        bed.cuda.cuLaunchKernel(function, 2, 1, 1, 32, 1, 1, 0, bed.stream, parameters, NULL),
        CUDA_SUCCESS);
    to = 0;
    value = 0;
    bed.cuda.cuMemcpyDtoHAsync(out, bed.memory, 100, bed.stream);
    assert_int_equal(bed.cuda.cuStreamSynchronize(bed.stream), CUDA_SUCCESS);
    assert_int_equal(out[63], 8);
    assert_int_equal(out[64], 5); /* beyond the grid */
    assert_int_equal(
        bed.cuda.cuLaunchKernel(function, 1, 1, 1, 1025, 1, 1, 0, bed.stream, parameters, NULL),
        FV_CUDA_INVALID_VALUE);
    assert_int_equal(
        bed.cuda.cuLaunchKernel(function, 0, 1, 1, 32, 1, 1, 0, bed.stream, parameters, NULL),
        FV_CUDA_INVALID_VALUE);
    assert_int_equal(bed.cuda.cuModuleGetFunction(&function, bed.module, "fv_test"),
                     FV_CUDA_NOT_FOUND);
    tear_down(&bed);
}

static void test_bad_ptx(void **state)
{
    struct bed bed;
    CUmodule module;
    char log[200] = "";
    CUjit_option names[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
    void *values[] = {log, (void *)sizeof(log)};
    set_up(&bed, "");
    assert_int_equal(bed.cuda.cuModuleLoadDataEx(&module, "not PTX", 2, names, values),
                     FV_CUDA_INVALID_PTX);
    assert_non_null(strstr(log, "has no .version"));
    tear_down(&bed);
}

static void test_faults(void **state)
{
    struct bed bed;
    CUdeviceptr memory;
    set_up(&bed, "call-fail=cuStreamSynchronize:2:400,call-fail=cuMemGetInfo:1,alloc-fail=2");
    size_t free, total;
    assert_int_equal(bed.cuda.cuMemAlloc(&memory, 10), FV_CUDA_OUT_OF_MEMORY);
    assert_int_equal(bed.cuda.cuMemGetInfo(&free, &total), FV_CUDA_INVALID_VALUE);
    assert_int_equal(bed.cuda.cuMemGetInfo(&free, &total), CUDA_SUCCESS);
    assert_int_equal(bed.cuda.cuStreamSynchronize(bed.stream), CUDA_SUCCESS);
    assert_int_equal(bed.cuda.cuStreamSynchronize(bed.stream), FV_CUDA_INVALID_HANDLE);
    assert_int_equal(bed.cuda.cuStreamSynchronize(bed.stream), CUDA_SUCCESS);
    tear_down(&bed);
}

static void test_elapsed_time(void **state)
{
    struct bed bed;
    CUevent from, to;
    float ms = 0;
    set_up(&bed, "slow-ms=10");
    bed.cuda.cuEventCreate(&from, 0);
    bed.cuda.cuEventCreate(&to, 0);
    bed.cuda.cuEventRecord(from, bed.stream);
    bed.cuda.cuMemsetD8Async(bed.memory, 0, 1, bed.stream);
    bed.cuda.cuEventRecord(to, bed.stream);
    assert_int_equal(bed.cuda.cuEventSynchronize(to), CUDA_SUCCESS);
    assert_int_equal(bed.cuda.cuEventElapsedTime(&ms, from, to), CUDA_SUCCESS);
    assert_true(ms > 19); /* the fill and the second record */
    bed.cuda.cuEventDestroy(from);
    bed.cuda.cuEventDestroy(to);
    tear_down(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_misuse), /* first: it forks, so there are no threads yet */
        cmocka_unit_test(test_work_is_late_and_in_order),
        cmocka_unit_test(test_rectangle),
        cmocka_unit_test(test_launch),
        cmocka_unit_test(test_bad_ptx),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_elapsed_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

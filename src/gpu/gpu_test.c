// SPDX-License-Identifier: Apache-2.0
/* The driver's layer on the look-alike of tests/fakegpu. */
#include <dlfcn.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fakegpu.h"
#include "gpu/gpu.h"

static struct fv_gpu *open_gpu(const char *script, size_t pool_bytes)
{
    struct fv_gpu *gpu = NULL;
    struct fv_error err = {0};
    setenv("FOVEA_FAKE_GPU", script, 1);
    int r = fv_gpu_open(&(struct fv_gpu_params){.pool_bytes = pool_bytes}, &gpu, &err);
    if (r < 0)
        fail_msg("%s", err.text);
    return gpu;
}

static void test_info(void **state)
{
    struct fv_gpu *gpu = open_gpu("memory-mb=600", 500 << 20);
    struct fv_gpu_info info;
    assert_int_equal(fv_gpu_info(gpu, &info, NULL), 0);
    assert_string_equal(info.name, "fake GPU 0 for tests");
    assert_int_equal(info.major, 9);
    assert_int_equal(info.driver, 13000);
    assert_int_equal(info.memory_total, (size_t)600 << 20);
    assert_int_equal(info.memory_free, (size_t)100 << 20);
    assert_false(info.spins);
    assert_false(fv_gpu_lost(gpu));
    fv_gpu_close(gpu);
    fv_gpu_close(NULL);
}

static void test_copies(void **state)
{
    struct fv_gpu *gpu = open_gpu("", 1 << 20);
    struct fv_gpu_stream *stream = NULL;
    fv_gpu_address memory = 0;
    char in[1000], out[1000] = {0};
    for (size_t i = 0; i < sizeof(in); i++)
        in[i] = (char)(i * 7);
    assert_int_equal(fv_gpu_stream_create(gpu, &stream, NULL), 0);
    assert_int_equal(fv_gpu_alloc(gpu, sizeof(in), "test", &memory, NULL), 0);
    assert_int_equal(fv_gpu_upload(stream, memory, in, sizeof(in), FV_GPU_CONTROL, NULL), 0);
    assert_int_equal(fv_gpu_download(stream, out, memory, sizeof(out), FV_GPU_BOXES, NULL), 0);
    assert_int_equal(fv_gpu_stream_finish(stream, NULL), 0);
    assert_memory_equal(in, out, sizeof(in));
    struct fv_gpu_traffic traffic;
    fv_gpu_traffic(gpu, &traffic);
    assert_int_equal(traffic.to_device[FV_GPU_CONTROL], 1000);
    assert_int_equal(traffic.to_host[FV_GPU_BOXES], 1000);
    assert_int_equal(traffic.tripped, 0);
    fv_gpu_free(gpu, memory);
    fv_gpu_stream_destroy(stream);
    fv_gpu_close(gpu);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_info),
        cmocka_unit_test(test_copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

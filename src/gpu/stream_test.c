// SPDX-License-Identifier: Apache-2.0
/* Order of work, the account of copies and its guard, on the look-alike of tests/fakegpu. */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "fakegpu_tools.h"
#include "gpu/gpu.h"
#include "gpu/impl.h"

enum { BYTES = 1000 };

struct bed {
    struct fv_gpu *gpu;
    struct fv_gpu_stream *first, *second;
    struct fv_gpu_event *event;
    fv_gpu_address memory;
    char in[BYTES], out[BYTES];
};

static void set_up(struct bed *bed, const char *script)
{
    memset(bed, 0, sizeof(*bed));
    for (size_t i = 0; i < BYTES; i++)
        bed->in[i] = (char)(i * 7 + 1);
    bed->gpu = fakegpu_open(script, 1 << 20);
    assert_int_equal(fv_gpu_stream_create(bed->gpu, &bed->first, NULL), 0);
    assert_int_equal(fv_gpu_stream_create(bed->gpu, &bed->second, NULL), 0);
    assert_int_equal(fv_gpu_event_create(bed->gpu, &bed->event, NULL), 0);
    assert_int_equal(fv_gpu_alloc(bed->gpu, BYTES, "test", &bed->memory, NULL), 0);
}

static void tear_down(struct bed *bed)
{
    fv_gpu_free(bed->gpu, bed->memory);
    fv_gpu_event_destroy(bed->event);
    fv_gpu_event_destroy(NULL);
    fv_gpu_stream_destroy(bed->second);
    fv_gpu_stream_destroy(bed->first);
    fv_gpu_stream_destroy(NULL);
    fv_gpu_close(bed->gpu);
    assert_nothing_left();
}

static int upload(struct bed *bed)
{
    return fv_gpu_upload(bed->first, bed->memory, bed->in, BYTES, FV_GPU_CONTROL, NULL);
}

static int download(struct bed *bed, struct fv_gpu_stream *stream)
{
    return fv_gpu_download(stream, bed->out, bed->memory, BYTES, FV_GPU_BOXES, NULL);
}

static void test_one_stream(void **state)
{
    struct bed bed;
    set_up(&bed, "");
    assert_int_equal(upload(&bed), 0);
    assert_int_equal(download(&bed, bed.first), 0);
    assert_int_equal(fv_gpu_stream_finish(bed.first, NULL), 0);
    assert_memory_equal(bed.in, bed.out, BYTES);
    assert_ptr_equal(fv_gpu_stream_handle(bed.first), fv_gpu_stream_cuda(bed.first));
    tear_down(&bed);
}

/* The second stream waits for the first, the host waits for neither until the end. */
static void test_gate(void **state)
{
    struct bed bed;
    set_up(&bed, "");
    fakegpu_hold_work(true); /* whoever waits now waits for ever */
    assert_int_equal(upload(&bed), 0);
    assert_int_equal(fv_gpu_event_record(bed.event, bed.first, NULL), 0);
    assert_int_equal(fv_gpu_event_gate(bed.event, bed.second, NULL), 0);
    assert_int_equal(download(&bed, bed.second), 0);
    assert_false(fv_gpu_event_done(bed.event));
    fakegpu_hold_work(false);
    assert_int_equal(fv_gpu_stream_finish(bed.second, NULL), 0);
    assert_true(fv_gpu_event_done(bed.event));
    assert_memory_equal(bed.in, bed.out, BYTES);
    tear_down(&bed);
}

static void test_event_wait(void **state)
{
    struct bed bed;
    set_up(&bed, "slow-ms=5");
    assert_true(fv_gpu_event_done(bed.event)); /* never recorded */
    assert_int_equal(fv_gpu_event_wait(bed.event, NULL), 0);
    assert_int_equal(upload(&bed), 0);
    assert_int_equal(download(&bed, bed.first), 0);
    assert_int_equal(fv_gpu_event_record(bed.event, bed.first, NULL), 0);
    assert_int_equal(fv_gpu_event_wait(bed.event, NULL), 0);
    assert_memory_equal(bed.in, bed.out, BYTES);
    tear_down(&bed);
}

/* Destroying a stream waits for its work: what it reads may go right after. */
static void test_destroy_waits(void **state)
{
    struct bed bed;
    set_up(&bed, "slow-ms=5");
    char *source = fv_strdup("source");
    assert_int_equal(fv_gpu_upload(bed.first, bed.memory, source, 7, FV_GPU_CONTROL, NULL), 0);
    fv_gpu_stream_destroy(bed.first);
    fv_free(source);
    bed.first = NULL;
    assert_int_equal(download(&bed, bed.second), 0);
    assert_int_equal(fv_gpu_stream_finish(bed.second, NULL), 0);
    assert_string_equal(bed.out, "source");
    tear_down(&bed);
}

static void test_account(void **state)
{
    struct bed bed;
    struct fv_gpu_traffic traffic;
    set_up(&bed, "");
    upload(&bed);
    download(&bed, bed.first);
    fv_gpu_account(bed.gpu, FV_GPU_BITSTREAM, true, 5000000);
    fv_gpu_account(bed.gpu, FV_GPU_BOXES, false, 65535);
    assert_int_equal(fv_gpu_stream_finish(bed.first, NULL), 0);
    fv_gpu_traffic(bed.gpu, &traffic);
    assert_int_equal(traffic.to_device[FV_GPU_CONTROL], BYTES);
    assert_int_equal(traffic.to_device[FV_GPU_BITSTREAM], 5000000);
    assert_int_equal(traffic.to_host[FV_GPU_BOXES], BYTES + 65535);
    assert_int_equal(traffic.to_host[FV_GPU_BITSTREAM], 0);
    assert_int_equal(traffic.tripped, 0);
    for (int i = 0; i < FV_GPU_PURPOSES; i++)
        assert_string_not_equal(fv_gpu_purpose_name((enum fv_gpu_purpose)i), "unknown");
    assert_string_equal(fv_gpu_purpose_name(FV_GPU_SNAPSHOT), "snapshot");
    assert_string_equal(fv_gpu_purpose_name(FV_GPU_PURPOSES), "unknown");
    tear_down(&bed);
}

/* A call that fails is not accounted. */
static void test_account_of_failure(void **state)
{
    struct bed bed;
    struct fv_error err = {0};
    struct fv_gpu_traffic traffic;
    set_up(&bed, "call-fail=cuMemcpyHtoDAsync:1,call-fail=cuMemcpyDtoHAsync:1");
    assert_int_equal(fv_gpu_upload(bed.first, bed.memory, bed.in, BYTES, FV_GPU_WEIGHTS, &err),
                     -EIO);
    assert_string_equal(err.text,
                        "cuMemcpyHtoDAsync: CUDA_ERROR_INVALID_VALUE (1): invalid argument");
    assert_int_equal(download(&bed, bed.first), -EIO);
    fv_gpu_traffic(bed.gpu, &traffic);
    assert_int_equal(traffic.to_device[FV_GPU_WEIGHTS], 0);
    assert_int_equal(traffic.to_host[FV_GPU_BOXES], 0);
    assert_false(fv_gpu_lost(bed.gpu));
    tear_down(&bed);
}

static void on_tripped(void *data, const char *reason)
{
    unsigned *told = data;
    assert_non_null(strstr(reason, "only snapshots may be as large as a picture"));
    ++*told;
}

static void test_guard(void **state)
{
    static char picture[FV_GPU_PIXEL_SIZED];
    struct bed bed;
    struct fv_error err = {0};
    struct fv_gpu_traffic traffic;
    fv_gpu_address memory;
    unsigned told = 0;
    set_up(&bed, "");
    bed.gpu->alarm = (struct fv_gpu_alarm){.tripped = on_tripped, .data = &told};
    assert_int_equal(fv_gpu_alloc(bed.gpu, sizeof(picture), "picture", &memory, NULL), 0);
    for (int purpose = 0; purpose < FV_GPU_PURPOSES; purpose++) {
        int want = purpose == FV_GPU_SNAPSHOT ? 0 : -EPROTO;
        assert_int_equal(fv_gpu_download(bed.first, picture, memory, sizeof(picture),
                                         (enum fv_gpu_purpose)purpose, &err),
                         want);
        assert_int_equal(fv_gpu_download(bed.first, picture, memory, sizeof(picture) - 1,
                                         (enum fv_gpu_purpose)purpose, NULL),
                         0);
    }
    assert_non_null(strstr(err.text, "65536 bytes from the GPU to the host for the purpose "
                                     "'control' was refused"));
    fv_gpu_account(bed.gpu, FV_GPU_BOXES, false, sizeof(picture));
    fv_gpu_account(bed.gpu, FV_GPU_SNAPSHOT, false, sizeof(picture));
    fv_gpu_traffic(bed.gpu, &traffic);
    assert_int_equal(traffic.tripped, FV_GPU_PURPOSES - 1 + 1);
    assert_int_equal(told, traffic.tripped);
    assert_int_equal(traffic.to_host[FV_GPU_SNAPSHOT], sizeof(picture) * 3 - 1);
    assert_int_equal(traffic.to_host[FV_GPU_CONTROL], sizeof(picture) - 1);
    assert_int_equal(fv_gpu_stream_finish(bed.first, NULL), 0);
    fv_gpu_free(bed.gpu, memory);
    tear_down(&bed);
}

/* What fails to wait has waited all the same: its memory is about to be freed. */
static void test_failed_waits_have_waited(void **state)
{
    struct bed bed;
    set_up(&bed, "slow-ms=50,call-fail=cuStreamSynchronize:1,call-fail=cuEventSynchronize:1");
    assert_int_equal(upload(&bed), 0);
    assert_int_equal(download(&bed, bed.first), 0);
    assert_int_equal(fv_gpu_event_record(bed.event, bed.first, NULL), 0);
    assert_int_equal(fv_gpu_stream_finish(bed.first, NULL), -EIO);
    assert_true(fv_gpu_event_done(bed.event));
    assert_memory_equal(bed.out, bed.in, BYTES);
    memset(bed.out, 0, BYTES);
    assert_int_equal(download(&bed, bed.first), 0);
    assert_int_equal(fv_gpu_event_record(bed.event, bed.first, NULL), 0);
    assert_int_equal(fv_gpu_event_wait(bed.event, NULL), -EIO);
    assert_true(fv_gpu_event_done(bed.event));
    assert_memory_equal(bed.out, bed.in, BYTES);
    tear_down(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_stream), cmocka_unit_test(test_gate),
        cmocka_unit_test(test_event_wait), cmocka_unit_test(test_destroy_waits),
        cmocka_unit_test(test_account),    cmocka_unit_test(test_account_of_failure),
        cmocka_unit_test(test_guard),      cmocka_unit_test(test_failed_waits_have_waited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

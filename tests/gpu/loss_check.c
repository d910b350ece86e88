// SPDX-License-Identifier: Apache-2.0
/*
 * The loss of a device on a real GPU: loss_check [DEVICE [LOSSES [AT_ONCE]]], by default 20 losses, 4 at once. One JSON object a line:
 * {"check": ..., "ok": true, figures}. Exit code 0: all well, 1: a check failed, 77: there is no GPU.
 *
 * Each loss has a process of its own, in which a kernel writes to an illegal address on purpose. Its driver must say so to whoever asks
 * (decode/nvdec_impl.h relies on it), all is destroyed, and fv_gpu_reset() must be right about whether the process can go on. This process
 * works on the same device all the while: it must notice nothing, and find as much memory free as before.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "gpu/driver.h"
#include "gpu/gpu.h"

#define MIB ((size_t)1 << 20)

static unsigned device;

struct bed {
    struct fv_gpu *gpu;
    struct fv_gpu_stream *stream;
    fv_gpu_address inside, outside;
    uint8_t bytes[256];
};

static int set_up(struct bed *bed, struct fv_error *err)
{
    const struct fv_gpu_params params = {.device = device, .pool_bytes = 16 * MIB};
    memset(bed, 0, sizeof(*bed));
    int r = fv_gpu_open(&params, &bed->gpu, err);
    r = r < 0 ? r : fv_gpu_stream_create(bed->gpu, &bed->stream, err);
    r = r < 0 ? r : fv_gpu_alloc(bed->gpu, MIB, "check", &bed->inside, err);
    return r < 0 ? r : fv_gpu_alloc(bed->gpu, 32 * MIB, "check", &bed->outside, err);
}

static void tear_down(struct bed *bed)
{
    if (!bed->gpu)
        return;
    fv_gpu_free(bed->gpu, bed->outside);
    fv_gpu_free(bed->gpu, bed->inside);
    fv_gpu_stream_destroy(bed->stream);
    fv_gpu_close(bed->gpu);
}

/* Bytes of this round to the device and back. */
static int work(struct bed *bed, unsigned round, struct fv_error *err)
{
    uint8_t back[sizeof(bed->bytes)] = {0};
    memset(bed->bytes, (int)round, sizeof(bed->bytes));
    int r = fv_gpu_upload(bed->stream, bed->outside, bed->bytes, sizeof(back), FV_GPU_WEIGHTS, err);
    r = r < 0 ? r
              : fv_gpu_download(bed->stream, back, bed->outside, sizeof(back), FV_GPU_BOXES, err);
    r = r < 0 ? r : fv_gpu_stream_finish(bed->stream, err);
    return r < 0 ? r : memcmp(back, bed->bytes, sizeof(back)) ? -EBADMSG : 0;
}

/* --- one loss: the process that has it ------------------------------------------------------------ */

/* st.global to address 16: "an illegal memory access". */
static const char crash_ptx[] =
    ".version 6.0\n.target sm_60\n.address_size 64\n"
    ".visible .entry fv_test_crash()\n{\n"
    ".reg .b64 %a;\n.reg .b32 %v;\n"
    "mov.u64 %a, 16;\nmov.u32 %v, 1;\nst.global.u32 [%a], %v;\nret;\n}\n";

/* 0: the driver told of the loss, and tells it again to who asks for the free memory. */
static int lose(struct bed *bed, struct fv_error *err)
{
    CUmodule module = NULL;
    CUfunction function;
    size_t free_bytes, total;
    int r = FV_GPU_CALL(bed->gpu, err, cuModuleLoadDataEx, &module, crash_ptx, 0, NULL, NULL);
    r = r < 0 ? r
              : FV_GPU_CALL(bed->gpu, err, cuModuleGetFunction, &function, module, "fv_test_crash");
    r = r < 0 ? r
              : FV_GPU_CALL(bed->gpu, err, cuLaunchKernel, function, 1, 1, 1, 1, 1, 1, 0,
                            fv_gpu_stream_cuda(bed->stream), NULL, NULL);
    if (r < 0)
        return r;
    r = fv_gpu_stream_finish(bed->stream, err);
    if (r != -ENODEV || !fv_gpu_lost(bed->gpu))
        return fv_error_set(err, -EPROTO, "the driver did not tell of the loss (%d)", r);
    const struct fv_driver *driver = fv_gpu_driver(bed->gpu);
    if (driver->cuMemGetInfo(&free_bytes, &total) == CUDA_SUCCESS)
        return fv_error_set(err, -EPROTO, "cuMemGetInfo succeeds on a lost device");
    driver->cuModuleUnload(module);
    return 0;
}

static int lose_one(bool aloud)
{
    struct bed bed;
    struct fv_error err = {0}, told = {0}, reset = {0};
    int r = set_up(&bed, &err);
    r = r < 0 ? r : work(&bed, 1, &err);
    r = r < 0 ? r : lose(&bed, &told);
    tear_down(&bed);
    bool back = r == 0 && fv_gpu_reset(device, &reset) == 0;
    if (back) {
        r = set_up(&bed, &err);
        r = r < 0 ? r : work(&bed, 2, &err);
        tear_down(&bed);
    }
    if (r < 0 || aloud)
        fprintf(stderr, "loss_check: %s%s; a new context in the same process: %s\n", err.text,
                told.text, back ? "works" : reset.text);
    return r < 0;
}

/* --- many: the process beside them ---------------------------------------------------------------- */

static pid_t start_loss(bool aloud)
{
    char number[16];
    snprintf(number, sizeof(number), "%u", device);
    pid_t child = fork();
    if (child == 0) {
        execl("/proc/self/exe", "loss_check", aloud ? "--lose-aloud" : "--lose", number, NULL);
        _exit(127);
    }
    return child;
}

/* Returns how many went as they should; *ret_worked: this process worked after each. */
static unsigned lose_many(struct bed *bed, unsigned losses, unsigned at_once, bool *ret_worked)
{
    struct fv_error err = {0};
    unsigned started = 0, ended = 0, good = 0;
    *ret_worked = true;
    while (ended < losses) {
        int status;
        if (started < losses && started - ended < at_once && start_loss(started == 0) > 0) {
            started++;
            continue;
        }
        if (wait(&status) < 0)
            break;
        ended++;
        good += WIFEXITED(status) && WEXITSTATUS(status) == 0;
        if (work(bed, ended, &err) < 0) {
            fprintf(stderr, "loss_check: beside the losses: %s\n", err.text);
            *ret_worked = false;
            break;
        }
    }
    return good;
}

static bool check_losses(unsigned losses, unsigned at_once)
{
    struct bed bed;
    struct fv_gpu_info before = {0}, after = {0};
    struct fv_error err = {0};
    bool worked = false;
    unsigned good = 0;
    int64_t start = fv_now();
    int r = set_up(&bed, &err);
    r = r < 0 ? r : work(&bed, 0, &err);
    r = r < 0 ? r : fv_gpu_info(bed.gpu, &before, &err);
    if (r == 0)
        good = lose_many(&bed, losses, at_once, &worked);
    r = r < 0 ? r : fv_gpu_info(bed.gpu, &after, &err);
    tear_down(&bed);
    if (r < 0)
        fprintf(stderr, "loss_check: %s\n", err.text);
    bool ok = r == 0 && worked && good == losses && after.memory_free + MIB >= before.memory_free;
    printf("{\"check\": \"losses\", \"ok\": %s, \"losses\": %u, \"good\": %u, \"at_once\": %u, "
           "\"neighbour_worked\": %s, \"device_growth_kib\": %ld, \"ms_per_loss\": %.1f}\n",
           ok ? "true" : "false", losses, good, at_once, worked ? "true" : "false",
           ((long)before.memory_free - (long)after.memory_free) / 1024,
           (double)(fv_now() - start) / 1e6 / losses);
    return ok;
}

int main(int argc, char **argv)
{
    struct fv_driver driver;
    struct fv_error err = {0};
    if (argc > 2 && !strncmp(argv[1], "--lose", 6)) {
        device = (unsigned)atoi(argv[2]);
        return lose_one(!strcmp(argv[1], "--lose-aloud"));
    }
    if (fv_driver_open(&driver, &err) < 0) {
        fprintf(stderr, "loss_check: %s\n", err.text);
        return 77;
    }
    fv_driver_close(&driver);
    device = argc > 1 ? (unsigned)atoi(argv[1]) : 0;
    unsigned losses = argc > 2 ? (unsigned)atoi(argv[2]) : 20;
    unsigned at_once = argc > 3 ? (unsigned)atoi(argv[3]) : 4;
    return check_losses(losses ? losses : 1, at_once ? at_once : 1) ? 0 : 1;
}

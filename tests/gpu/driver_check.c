// SPDX-License-Identifier: Apache-2.0
/*
 * The driver's layer on a real GPU: driver_check [DEVICE [ROUNDS]]. One JSON object a line: {"check": ..., "ok": true, figures}; the last
 * has the check "summary". Exit code 0: all well, 1: a check failed, 77: there is no GPU (said in the summary).
 *
 * With 1,000 rounds (the default) the wait that must sleep is about 0.1 s long; fewer rounds make it short and do not judge resident
 * memory, for the look-alike in CI.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "gpu/driver.h"
#include "gpu/gpu.h"
#include "gpu/probe.h"

#define MIB ((size_t)1 << 20)

static unsigned device, checks, failures;

/* `figures`: printf of JSON members, beginning with ", ", or "". */
__attribute__((format(printf, 3, 4))) static void tell(const char *check, bool ok,
                                                       const char *figures, ...)
{
    va_list args;
    checks++;
    failures += !ok;
    printf("{\"check\": \"%s\", \"ok\": %s", check, ok ? "true" : "false");
    va_start(args, figures);
    vprintf(figures, args);
    va_end(args);
    printf("}\n");
    fflush(stdout);
}

/* An error's text without what JSON would have to escape. */
static const char *plain(struct fv_error *err)
{
    for (char *c = err->text; *c; c++)
        if (*c == '"' || *c == '\\' || (unsigned char)*c < ' ')
            *c = '\'';
    return err->text;
}

static struct fv_gpu *open_gpu(size_t pool_bytes)
{
    struct fv_gpu *gpu = NULL;
    struct fv_error err = {0};
    struct fv_gpu_params params = {.device = device, .pool_bytes = pool_bytes};
    if (fv_gpu_open(&params, &gpu, &err) < 0)
        tell("open", false, ", \"error\": \"%s\"", plain(&err));
    return gpu;
}

static void count_problem(void *data, const struct fv_problem *problem)
{
    ++*(unsigned *)data;
    fprintf(stderr, "driver_check: %s: %s\n", problem->message, problem->fix);
}

static void check_info(void)
{
    struct fv_gpu_info info;
    struct fv_error err = {0};
    struct fv_gpu *gpu = open_gpu(0);
    unsigned flags = 0;
    int active = 0;
    if (!gpu)
        return;
    int r = fv_gpu_info(gpu, &info, &err);
    fv_gpu_driver(gpu)->cuDevicePrimaryCtxGetState((CUdevice)device, &flags, &active);
    bool blocking = (flags & 7) == CU_CTX_SCHED_BLOCKING_SYNC;
    tell("info", r == 0 && blocking && !info.spins,
         ", \"name\": \"%s\", \"compute\": \"%d.%d\", \"cuda\": %d, \"memory_mib\": %zu, "
         "\"free_mib\": %zu, \"blocking_waits\": %s",
         info.name, info.major, info.minor, info.driver, info.memory_total / MIB,
         info.memory_free / MIB, blocking ? "true" : "false");
    fv_gpu_close(gpu);
}

static void check_probe(void)
{
    unsigned problems = 0;
    struct fv_gpu_params params = {.device = device, .pool_bytes = 500 * MIB};
    int64_t start = fv_now();
    int r = fv_gpu_probe(&params, count_problem, &problems, NULL);
    tell("probe", r == 0 && problems == 0, ", \"missing\": %u, \"ms\": %.1f", problems,
         (double)(fv_now() - start) / 1e6);
}

/* Messages of what cannot be had; the device is usable afterwards. */
static void check_refusals(void)
{
    struct fv_gpu *gpu = NULL;
    struct fv_error err = {0};
    struct fv_gpu_params params = {.device = device, .pool_bytes = (size_t)1 << 42};
    int r = fv_gpu_open(&params, &gpu, &err);
    tell("pool of 4 TiB is refused", r == -ENOMEM && strstr(err.text, "MiB are free"),
         ", \"error\": \"%s\"", plain(&err));
    params = (struct fv_gpu_params){.device = 999};
    r = fv_gpu_open(&params, &gpu, &err);
    tell("device 999 is refused", r == -EINVAL, ", \"error\": \"%s\"", plain(&err));
}

static bool is_pattern(const uint8_t *bytes, size_t count, unsigned seed)
{
    for (size_t i = 0; i < count; i++)
        if (bytes[i] != (uint8_t)(i * 31 + seed))
            return false;
    return true;
}

struct bed {
    struct fv_gpu *gpu;
    struct fv_gpu_stream *first, *second;
    struct fv_gpu_event *event;
    void *host;
    fv_gpu_address mapped, inside, outside;
};

static int set_up(struct bed *bed, size_t pool_bytes)
{
    memset(bed, 0, sizeof(*bed));
    if (!(bed->gpu = open_gpu(pool_bytes)))
        return -ENODEV;
    int r = fv_gpu_stream_create(bed->gpu, &bed->first, NULL);
    r = r < 0 ? r : fv_gpu_stream_create(bed->gpu, &bed->second, NULL);
    r = r < 0 ? r : fv_gpu_event_create(bed->gpu, &bed->event, NULL);
    r = r < 0 ? r : fv_gpu_host_alloc(bed->gpu, 2 * MIB, &bed->host, &bed->mapped, NULL);
    r = r < 0 ? r : fv_gpu_alloc(bed->gpu, MIB, "check", &bed->inside, NULL);
    r = r < 0 ? r : fv_gpu_alloc(bed->gpu, 3 * MIB, "check", &bed->outside, NULL);
    return r;
}

static void tear_down(struct bed *bed)
{
    if (!bed->gpu)
        return;
    fv_gpu_event_destroy(bed->event);
    fv_gpu_stream_destroy(bed->second);
    fv_gpu_stream_destroy(bed->first);
    fv_gpu_free(bed->gpu, bed->inside);
    fv_gpu_free(bed->gpu, bed->outside);
    fv_gpu_host_free(bed->gpu, bed->host);
    fv_gpu_close(bed->gpu);
}

/* host -> first stream -> (event) -> second stream -> host, 1 MiB of a pattern each time. */
static int round_trip(struct bed *bed, fv_gpu_address memory, unsigned seed)
{
    uint8_t *in = bed->host, *out = in + MIB;
    for (size_t i = 0; i < MIB; i++)
        in[i] = (uint8_t)(i * 31 + seed);
    memset(out, 0, MIB);
    int r = fv_gpu_upload(bed->first, memory, in, MIB, FV_GPU_WEIGHTS, NULL);
    r = r < 0 ? r : fv_gpu_event_record(bed->event, bed->first, NULL);
    r = r < 0 ? r : fv_gpu_event_gate(bed->event, bed->second, NULL);
    r = r < 0 ? r : fv_gpu_download(bed->second, out, memory, MIB, FV_GPU_SNAPSHOT, NULL);
    r = r < 0 ? r : fv_gpu_stream_finish(bed->second, NULL);
    return r < 0 ? r : is_pattern(out, MIB, seed) && fv_gpu_event_done(bed->event) ? 0 : -EBADMSG;
}

static void check_copies(unsigned trips)
{
    struct bed bed;
    unsigned good = 0;
    int r = set_up(&bed, 2 * MIB);
    for (unsigned i = 0; r == 0 && i < trips; i++)
        good += round_trip(&bed, i % 2 ? bed.inside : bed.outside, i) == 0;
    struct fv_gpu_traffic traffic = {0};
    struct fv_gpu_memory_stats stats = {0};
    int refused = 0;
    if (r == 0) {
        refused = fv_gpu_download(bed.first, bed.host, bed.inside, FV_GPU_PIXEL_SIZED, FV_GPU_BOXES,
                                  NULL);
        fv_gpu_traffic(bed.gpu, &traffic);
        fv_gpu_memory_stats(bed.gpu, &stats);
    }
    tell("copies", r == 0 && good == trips, ", \"round_trips\": %u", good);
    tell("account",
         traffic.to_device[FV_GPU_WEIGHTS] == trips * MIB &&
             traffic.to_host[FV_GPU_SNAPSHOT] == trips * MIB && traffic.to_host[FV_GPU_BOXES] == 0,
         ", \"to_device\": %" PRIu64 ", \"to_host\": %" PRIu64, traffic.to_device[FV_GPU_WEIGHTS],
         traffic.to_host[FV_GPU_SNAPSHOT]);
    tell("guard", refused == -EPROTO && traffic.tripped == 1, ", \"tripped\": %" PRIu64,
         traffic.tripped);
    tell("pool", stats.pool_used == MIB && stats.outside == 1 && stats.outside_used == 3 * MIB,
         ", \"pool_used\": %zu, \"outside_used\": %zu, \"largest_free\": %zu", stats.pool_used,
         stats.outside_used, stats.pool_largest_free);
    tear_down(&bed);
}

/* Milliseconds of CPU time of this thread. */
static double cpu_ms(void)
{
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
}

/* A wait of the host for `copies` copies of 64 MiB within the device must sleep. */
static void check_sleeping_waits(unsigned copies)
{
    struct bed bed;
    fv_gpu_address memory = 0;
    double wall = 0, cpu = 0;
    int r = set_up(&bed, 2 * MIB);
    r = r < 0 ? r : fv_gpu_alloc(bed.gpu, 128 * MIB, "check", &memory, NULL);
    for (unsigned i = 0; i < copies && r == 0; i++)
        r = FV_GPU_CALL(bed.gpu, NULL, cuMemcpyDtoDAsync, memory, memory + 64 * MIB, 64 * MIB,
                        fv_gpu_stream_cuda(bed.first));
    r = r < 0 ? r : fv_gpu_event_record(bed.event, bed.first, NULL);
    if (r == 0) {
        double cpu_start = cpu_ms();
        int64_t start = fv_now();
        r = fv_gpu_event_wait(bed.event, NULL);
        wall = (double)(fv_now() - start) / 1e6;
        cpu = cpu_ms() - cpu_start;
    }
    tell("waits sleep", r == 0 && cpu < 1 + wall / 4, ", \"wall_ms\": %.2f, \"cpu_ms\": %.2f", wall,
         cpu);
    if (bed.gpu)
        fv_gpu_free(bed.gpu, memory);
    tear_down(&bed);
}

static size_t resident_kib(void)
{
    size_t pages = 0, ignored = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file && fscanf(file, "%zu %zu", &ignored, &pages) != 2)
        pages = 0;
    if (file)
        fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE) / 1024;
}

static unsigned open_files(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (folder && readdir(folder))
        count++;
    if (folder)
        closedir(folder);
    return count;
}

/* Opened, used and closed `rounds` times: device memory and host memory stay as after half of them. */
static void check_rounds(const char *name, unsigned rounds, bool judge_resident)
{
    size_t free_before = 0, free_after = 0, resident_before = 0, resident_after = 0;
    unsigned good = 0, files_before = 0, files_after = 0;
    int64_t start = fv_now();
    for (unsigned i = 0; i < rounds; i++) {
        struct bed bed;
        struct fv_gpu_info info = {0};
        int r = set_up(&bed, 64 * MIB);
        r = r < 0 ? r : round_trip(&bed, bed.inside, i);
        r = r < 0 ? r : fv_gpu_info(bed.gpu, &info, NULL);
        good += r == 0;
        tear_down(&bed);
        if (i == rounds / 2) {
            free_before = info.memory_free;
            resident_before = resident_kib();
            files_before = open_files();
        }
        free_after = info.memory_free;
        resident_after = resident_kib();
        files_after = open_files();
    }
    tell(name,
         good == rounds && free_after + MIB >= free_before &&
             (!judge_resident || resident_after < resident_before + 4096) &&
             files_after <= files_before,
         ", \"rounds\": %u, \"good\": %u, \"ms_per_round\": %.1f, \"device_growth_kib\": %ld, "
         "\"resident_growth_kib\": %ld, \"resident_kib\": %zu, \"file_growth\": %d",
         rounds, good, (double)(fv_now() - start) / 1e6 / rounds,
         ((long)free_before - (long)free_after) / 1024,
         (long)resident_after - (long)resident_before, resident_after,
         (int)files_after - (int)files_before);
}

/* A context takes about 0.2 s to make: a twentieth of the rounds makes one each time, the rest keeps one. */
static void check_both_rounds(unsigned rounds)
{
    bool judge_resident = rounds >= 1000;
    check_rounds("rounds with a context of their own", rounds / 20, judge_resident);
    struct fv_gpu *keeper = open_gpu(0);
    check_rounds("rounds", rounds, judge_resident);
    fv_gpu_close(keeper);
}

static int end(void)
{
    printf("{\"check\": \"summary\", \"ok\": %s, \"checks\": %u, \"failed\": %u}\n",
           failures == 0 ? "true" : "false", checks, failures);
    return failures == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct fv_driver driver;
    struct fv_error err = {0};
    device = argc > 1 ? (unsigned)atoi(argv[1]) : 0;
    unsigned rounds = argc > 2 ? (unsigned)atoi(argv[2]) : 1000;
    if (fv_driver_open(&driver, &err) < 0) {
        printf("{\"check\": \"summary\", \"ok\": false, \"skipped\": \"%s\"}\n", plain(&err));
        return 77;
    }
    fv_driver_close(&driver);
    check_info();
    check_probe();
    check_refusals();
    check_copies(rounds >= 1000 ? 200 : 20);
    check_sleeping_waits(rounds >= 1000 ? 1000 : 2);
    check_both_rounds(rounds);
    return end();
}

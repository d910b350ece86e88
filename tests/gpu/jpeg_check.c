// SPDX-License-Identifier: Apache-2.0
/*
 * JPEG files by nvJPEG on a real GPU: how near they come to the picture, which bytes cross, what is left, and how long it takes beside
 * libturbojpeg on a CPU.
 *
 *   jpeg_check [--quick] [CLIP]      CLIP: raw H.264 or H.265, of which one picture is timed
 *
 * JSON lines on standard output; status 1 when something is wrong, 3 without a GPU.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/mem.h"
#include "decode_run.h"
#include "fakegpu/jpeg_cases.h"
#include "gpu/jpeg.h"
#include "gpu/picture.h"
#include "sink/jpeg.h"

#define NEAR_WAVES 45.0 /* dB at quality 95 */
#define NEAR_FILM 30.0  /* at 85 and 90 */
#define PICTURE 30      /* of the clip */

struct bed {
    struct run run; /* the GPU, and a decoder when there is a clip */
    struct fv_gpu_jpeg *jpeg;
    struct fv_picture *picture; /* of the clip */
    bool quick, failed;
};

static void must(int code, const char *what, const struct fv_error *err)
{
    if (code >= 0)
        return;
    printf("{\"check\": \"%s\", \"ok\": false, \"error\": \"%s\"}\n", what, err->text);
    exit(1);
}

static void judge(struct bed *bed, bool good)
{
    bed->failed |= !good;
}

static uint64_t snapshot_bytes(struct bed *bed, uint64_t *ret_others)
{
    struct fv_gpu_traffic traffic;
    fv_gpu_traffic(bed->run.gpu, &traffic);
    *ret_others = traffic.tripped;
    for (int i = 0; i < FV_GPU_PURPOSES; i++)
        *ret_others += i == FV_GPU_SNAPSHOT ? 0 : traffic.to_host[i];
    return traffic.to_host[FV_GPU_SNAPSHOT];
}

/* --- Any size --- */

/* The PSNR; below 0: it is no such JPEG, more or less than the file came to the host, or there is none. */
static double check_size(struct bed *bed, enum fv_pixel_format format, uint32_t width,
                         uint32_t height)
{
    struct fv_case_picture source;
    struct fv_gpu_jpeg_file file;
    struct fv_rand rand;
    struct fv_error err = {0};
    fv_gpu_address memory = 0;
    uint64_t others, others_after;
    fv_rand_seed(&rand, width);
    fv_case_picture_init(&source, &rand, format, width, height);
    fv_case_smooth(&source, height);
    must(fv_gpu_alloc(bed->run.gpu, source.size, "picture", &memory, &err), "memory", &err);
    must(fv_gpu_upload(bed->run.stream, memory, source.memory, source.size, FV_GPU_CONTROL, &err),
         "upload", &err);
    must(fv_gpu_stream_finish(bed->run.stream, &err), "upload", &err);
    struct fv_picture picture = source.picture;
    picture.memory = FV_MEMORY_DEVICE;
    for (int i = 0; i < 3; i++)
        picture.plane[i] = (const uint8_t *)(uintptr_t)(memory + source.offset[i]);
    const uint64_t before = snapshot_bytes(bed, &others);
    double db = -3;
    if (fv_gpu_jpeg_encode(bed->jpeg, &picture, 95, &file, &err) < 0) {
        printf("%s\n", err.text);
    } else {
        const uint64_t came = snapshot_bytes(bed, &others_after) - before;
        db = fv_case_jpeg_psnr(file.data, file.size, &source.picture);
        if (came != file.size || others_after != others)
            db = -2;
        fv_free(file.data);
    }
    fv_gpu_free(bed->run.gpu, memory);
    fv_case_picture_finish(&source);
    return db;
}

static void check_sizes(struct bed *bed)
{
    static const uint32_t sides[][2] = {{1, 1},       {2, 2},       {7, 5},
                                        {15, 17},     {33, 16},     {641, 481},
                                        {1919, 1079}, {1920, 1080}, {3840, 2160}};
    const size_t count = bed->quick ? 5 : sizeof(sides) / sizeof(sides[0]);
    for (size_t i = 0; i < 2 * count; i++) {
        const bool wide = i % 2;
        const uint32_t *side = sides[i / 2];
        const double db = check_size(bed, wide ? FV_PIXEL_P016 : FV_PIXEL_NV12, side[0], side[1]);
        printf("{\"check\": \"JPEG of waves\", \"size\": \"%ux%u\", \"format\": \"%s\", "
               "\"psnr_db\": %.1f, \"ok\": %s}\n",
               side[0], side[1], wide ? "p016" : "nv12", db, db >= NEAR_WAVES ? "true" : "false");
        judge(bed, db >= NEAR_WAVES);
    }
}

/* --- A film's picture --- */

static void on_picture(struct run *run, struct fv_picture *picture)
{
    struct bed *bed = run->data;
    if (run->pictures[0] == PICTURE)
        bed->picture = picture;
    else
        fv_picture_unref(picture);
}

static void decode(struct bed *bed, const char *path)
{
    struct fv_bench_clip clip = {0};
    struct fv_error err = {0};
    must(fv_bench_clip_load(path, &clip, &err), "clip", &err);
    for (size_t i = 0; i < PICTURE + 10 && i < clip.count; i++)
        run_push(&bed->run, 0, &clip.units[i], (int64_t)i);
    run_finish(&bed->run);
    if (!run_wait(&bed->run, 0, PICTURE + 1) || !bed->picture) {
        printf("{\"check\": \"clip\", \"ok\": false, \"error\": \"no picture: %s\"}\n",
               bed->run.fault);
        exit(1);
    }
    fv_bench_clip_free(&clip);
}

static double cpu_ms(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_utime.tv_sec * 1e3 + (double)usage.ru_utime.tv_usec / 1e3 +
           (double)usage.ru_stime.tv_sec * 1e3 + (double)usage.ru_stime.tv_usec / 1e3;
}

struct timing {
    double ms, cpu_ms; /* of one JPEG */
    size_t bytes;
    double db;
};

/* `host`: on the CPU, else on the GPU. */
static struct timing measure(struct bed *bed, const struct fv_picture *host, unsigned quality,
                             bool on_gpu)
{
    const int rounds = bed->quick ? 2 : on_gpu ? 200 : 50;
    struct timing timing = {0};
    struct fv_gpu_jpeg_file file = {0};
    struct fv_error err = {0};
    int64_t begin = 0;
    double used = 0;
    for (int i = -2; i < rounds; i++) {
        if (i == 0) {
            begin = fv_now();
            used = cpu_ms();
        }
        fv_free(file.data);
        must(on_gpu ? fv_gpu_jpeg_encode(bed->jpeg, bed->picture, quality, &file, &err)
                    : fv_jpeg_of_picture(host, quality, &file.data, &file.size, &err),
             "encode", &err);
    }
    timing.ms = (double)(fv_now() - begin) / 1e6 / rounds;
    timing.cpu_ms = (cpu_ms() - used) / rounds;
    timing.bytes = file.size;
    timing.db = fv_case_jpeg_psnr(file.data, file.size, host);
    fv_free(file.data);
    return timing;
}

/* What a JPEG on the host would need first. */
static double fetch(struct bed *bed, struct fv_picture **ret_host)
{
    const int rounds = bed->quick ? 1 : 20;
    struct fv_error err = {0};
    int64_t begin = 0;
    *ret_host = NULL;
    for (int i = -1; i < rounds; i++) {
        fv_picture_unref(*ret_host);
        if (i == 0)
            begin = fv_now();
        must(fv_gpu_picture_fetch(bed->run.gpu, bed->run.stream, bed->picture, ret_host, &err),
             "fetch", &err);
    }
    return (double)(fv_now() - begin) / 1e6 / rounds;
}

static void bench(struct bed *bed)
{
    static const unsigned qualities[] = {85, 90};
    struct fv_picture *host;
    const double fetch_ms = fetch(bed, &host);
    for (size_t i = 0; i < 2; i++) {
        const struct timing gpu = measure(bed, host, qualities[i], true);
        const struct timing cpu = measure(bed, host, qualities[i], false);
        printf(
            "{\"bench\": \"jpeg\", \"picture\": \"%ux%u\", \"quality\": %u, \"nvjpeg_ms\": %.3f, "
            "\"nvjpeg_cpu_ms\": %.3f, \"nvjpeg_bytes\": %zu, \"nvjpeg_db\": %.1f, "
            "\"fetch_ms\": %.3f, \"turbojpeg_ms\": %.3f, \"turbojpeg_cpu_ms\": %.3f, "
            "\"turbojpeg_bytes\": %zu, "
            "\"turbojpeg_db\": %.1f}\n",
            host->info.width, host->info.height, qualities[i], gpu.ms, gpu.cpu_ms, gpu.bytes,
            gpu.db, fetch_ms, cpu.ms, cpu.cpu_ms, cpu.bytes, cpu.db);
        judge(bed, gpu.db >= NEAR_FILM && cpu.db >= NEAR_FILM);
    }
    fv_picture_unref(host);
}

/* --- */

static void open_jpeg(struct bed *bed, const char *when)
{
    struct fv_error err = {0};
    const int64_t begin = fv_now();
    must(fv_gpu_jpeg_create(bed->run.gpu, &bed->jpeg, &err), "create", &err);
    printf("{\"bench\": \"jpeg create\", \"when\": \"%s\", \"ms\": %.1f}\n", when,
           (double)(fv_now() - begin) / 1e6);
}

/* Memory that was taken is given back. */
static void check_memory(struct bed *bed)
{
    struct fv_gpu_memory_stats before, after;
    fv_gpu_memory_stats(bed->run.gpu, &before);
    fv_gpu_jpeg_destroy(bed->jpeg);
    fv_gpu_memory_stats(bed->run.gpu, &after);
    const bool good = after.outside_used + after.pool_used == 0 && after.host_used == 0;
    printf("{\"check\": \"memory\", \"nvjpeg_device_bytes\": %zu, \"nvjpeg_pinned_bytes\": %zu, "
           "\"left\": %zu, \"ok\": %s}\n",
           before.outside_used + before.pool_used, before.host_used,
           after.outside_used + after.pool_used + after.host_used, good ? "true" : "false");
    judge(bed, good);
}

int main(int argc, char **argv)
{
    static struct bed bed;
    const char *clip = NULL;
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--quick") == 0)
            bed.quick = true;
        else
            clip = argv[i];
    bed.run.picture = on_picture;
    bed.run.data = &bed;
    run_open(&bed.run);
    open_jpeg(&bed, "first");
    fv_gpu_jpeg_destroy(bed.jpeg);
    open_jpeg(&bed, "again");
    check_sizes(&bed);
    if (clip) {
        decode(&bed, clip);
        bench(&bed);
        fv_picture_unref(bed.picture);
    }
    run_close_decoders(&bed.run);
    check_memory(&bed);
    run_close(&bed.run);
    return bed.failed ? 1 : 0;
}

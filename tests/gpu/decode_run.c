// SPDX-License-Identifier: Apache-2.0
#include "decode_run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "gpu/picture.h"

#define INSIDE_MAX 16 /* access units of a camera */
#define WAIT (20 * FV_S)

static void die(const char *what, const struct fv_error *err)
{
    printf("{\"check\":\"open\",\"ok\":false,\"what\":\"%s\",\"error\":\"%s\"}\n", what, err->text);
    exit(err->code == -ENODEV ? 3 : 1);
}

static void on_picture(void *data, struct fv_picture *picture)
{
    struct run *run = data;
    uint32_t camera = picture->info.camera;
    run->picture(run, picture);
    pthread_mutex_lock(&run->lock);
    run->pictures[camera]++;
    pthread_cond_broadcast(&run->news);
    pthread_mutex_unlock(&run->lock);
}

static void on_fault(void *data, uint32_t camera, int code, const char *reason)
{
    struct run *run = data;
    pthread_mutex_lock(&run->lock);
    run->faults++;
    run->faults_of[camera]++;
    run->fault_code = code;
    snprintf(run->fault, sizeof(run->fault), "%s", reason);
    pthread_cond_broadcast(&run->news);
    pthread_mutex_unlock(&run->lock);
}

static void on_served(void *data, uint32_t camera)
{
    struct run *run = data;
    pthread_mutex_lock(&run->lock);
    run->served[camera]++;
    pthread_cond_broadcast(&run->news);
    pthread_mutex_unlock(&run->lock);
}

void run_open_decoders(struct run *run)
{
    struct fv_error err = {0};
    const struct fv_nvdec_params nvdec = {
        .gpu = run->gpu, .held = run->held ? run->held : 5, .map = run->map};
    if (!run->cpu && fv_nvdec_create(&nvdec, &run->nvdec, &err) < 0)
        die("nvdec", &err);
    const struct fv_decode_worker_params worker = {
        .ops = run->cpu ? &fv_decoder_cpu : &fv_decoder_nvdec,
        .shared = run->nvdec,
        .cameras = RUN_CAMERAS,
        .queue_per_camera = 2 * INSIDE_MAX,
        .interval = 1,
        .picture = on_picture,
        .fault = on_fault,
        .served = on_served,
        .data = run,
    };
    if (fv_decode_worker_create(&worker, &run->worker, &err) < 0)
        die("worker", &err);
}

void run_open(struct run *run)
{
    struct fv_error err = {0};
    const struct fv_gpu_params device = {0};
    pthread_mutex_init(&run->lock, NULL);
    pthread_cond_init(&run->news, NULL);
    if (!run->cpu &&
        (fv_gpu_open(&device, &run->gpu, &err) < 0 || fv_gpu_enter(run->gpu, &err) < 0 ||
         fv_gpu_stream_create(run->gpu, &run->stream, &err) < 0))
        die("gpu", &err);
    run_open_decoders(run);
}

void run_finish(struct run *run)
{
    fv_decode_worker_finish(run->worker);
}

void run_close_decoders(struct run *run)
{
    fv_decode_worker_destroy(run->worker);
    fv_nvdec_destroy(run->nvdec);
    run->worker = NULL;
    run->nvdec = NULL;
}

void run_close(struct run *run)
{
    run_close_decoders(run);
    if (run->stream)
        fv_gpu_stream_destroy(run->stream);
    fv_gpu_close(run->gpu);
    pthread_cond_destroy(&run->news);
    pthread_mutex_destroy(&run->lock);
}

static struct timespec limit(void)
{
    int64_t end = fv_now() + WAIT;
    return (struct timespec){end / FV_S, end % FV_S};
}

void run_push(struct run *run, uint32_t camera, const struct fv_au *unit, int64_t pts)
{
    struct timespec end = limit();
    pthread_mutex_lock(&run->lock);
    while (run->sent[camera] - run->served[camera] >= INSIDE_MAX &&
           pthread_cond_clockwait(&run->news, &run->lock, CLOCK_MONOTONIC, &end) == 0)
        ;
    run->sent[camera]++;
    pthread_mutex_unlock(&run->lock);
    struct fv_au au = *unit;
    au.camera = camera;
    au.pts = pts;
    au.first_packet = au.last_packet = au.delivered = fv_now();
    fv_decode_worker_push(run->worker, &au);
}

bool run_wait(struct run *run, uint32_t camera, uint64_t pictures)
{
    struct timespec end = limit();
    pthread_mutex_lock(&run->lock);
    uint64_t faults = run->faults_of[camera];
    while (run->pictures[camera] < pictures && run->faults_of[camera] == faults &&
           pthread_cond_clockwait(&run->news, &run->lock, CLOCK_MONOTONIC, &end) == 0)
        ;
    bool reached = run->pictures[camera] >= pictures;
    pthread_mutex_unlock(&run->lock);
    return reached;
}

void run_settle(struct run *run)
{
    struct timespec end = limit();
    pthread_mutex_lock(&run->lock);
    for (int i = 0; i < RUN_CAMERAS; i++)
        while (run->served[i] < run->sent[i] &&
               pthread_cond_clockwait(&run->news, &run->lock, CLOCK_MONOTONIC, &end) == 0)
            ;
    pthread_mutex_unlock(&run->lock);
}

void run_no_fault(struct run *run)
{
    pthread_mutex_lock(&run->lock);
    run->faults = 0;
    run->fault[0] = 0;
    run->fault_code = 0;
    pthread_mutex_unlock(&run->lock);
}

/* One row of luma as the reference has it. */
static void add_row(EVP_MD_CTX *md5, const struct fv_picture *picture, unsigned y)
{
    const uint8_t *row = picture->plane[0] + y * picture->pitch[0];
    unsigned width = picture->info.width;
    if (picture->format == FV_PIXEL_NV12 || picture->format == FV_PIXEL_I420) {
        EVP_DigestUpdate(md5, row, width);
        return;
    }
    uint8_t low[2 * 16384];
    const unsigned shift = picture->format == FV_PIXEL_P016 ? 6 : 0;
    for (unsigned x = 0; x < width; x++) {
        unsigned value = (row[2 * x] | (unsigned)row[2 * x + 1] << 8) >> shift;
        low[2 * x] = (uint8_t)value;
        low[2 * x + 1] = (uint8_t)(value >> 8);
    }
    EVP_DigestUpdate(md5, low, 2 * width);
}

static void digest(const struct fv_picture *picture, char *ret_hex)
{
    uint8_t sum[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_MD_CTX *md5 = EVP_MD_CTX_new();
    EVP_DigestInit_ex(md5, EVP_md5(), NULL);
    for (unsigned y = 0; y < picture->info.height; y++)
        add_row(md5, picture, y);
    EVP_DigestFinal_ex(md5, sum, &size);
    EVP_MD_CTX_free(md5);
    for (unsigned i = 0; i < size; i++)
        sprintf(ret_hex + 2 * i, "%02x", sum[i]);
}

/* A picture in host memory, to be unreferenced; NULL: it could not be read. */
static struct fv_picture *fetch(struct run *run, const struct fv_picture *picture)
{
    struct fv_error err;
    struct fv_picture *copy = NULL;
    if (fv_gpu_picture_fetch(run->gpu, run->stream, picture, &copy, &err) == 0)
        return copy;
    fprintf(stderr, "decode_check: %s\n", err.text);
    return NULL;
}

bool run_luma_md5(struct run *run, const struct fv_picture *picture, char *ret_hex)
{
    if (picture->memory == FV_MEMORY_HOST) {
        digest(picture, ret_hex);
        return true;
    }
    struct fv_picture *copy = fetch(run, picture);
    if (copy)
        digest(copy, ret_hex);
    fv_picture_unref(copy);
    return copy != NULL;
}

static void compare_luma(const struct fv_picture *picture, const uint8_t *reference,
                         struct run_difference *difference)
{
    for (unsigned y = 0; y < picture->info.height; y++) {
        const uint8_t *row = picture->plane[0] + y * picture->pitch[0];
        for (unsigned x = 0; x < picture->info.width; x++) {
            unsigned apart = (unsigned)abs(row[x] - *reference++);
            difference->total += apart;
            difference->largest = apart > difference->largest ? apart : difference->largest;
        }
    }
    difference->samples += (uint64_t)picture->info.width * picture->info.height;
}

bool run_luma_difference(struct run *run, const struct fv_picture *picture,
                         const uint8_t *reference, struct run_difference *difference)
{
    if (picture->format != FV_PIXEL_NV12 && picture->format != FV_PIXEL_I420)
        return false;
    if (picture->memory == FV_MEMORY_HOST) {
        compare_luma(picture, reference, difference);
        return true;
    }
    struct fv_picture *copy = fetch(run, picture);
    if (copy)
        compare_luma(copy, reference, difference);
    fv_picture_unref(copy);
    return copy != NULL;
}

struct run_memory run_memory(struct run *run)
{
    struct run_memory memory = {0};
    struct fv_gpu_info info;
    if (run->gpu && fv_gpu_info(run->gpu, &info, NULL) == 0)
        memory.gpu_free_mb = (double)info.memory_free / (1 << 20);
    if (run->nvdec) {
        struct fv_nvdec_stats stats;
        fv_nvdec_stats(run->nvdec, &stats);
        memory.sessions = stats.sessions;
        memory.idle = stats.idle;
        memory.created = stats.created;
        memory.destroyed = stats.destroyed;
        memory.reused = stats.reused;
        memory.reconfigured = stats.reconfigured;
    }
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file && fscanf(file, "%*s %ld", &pages) == 1)
        memory.rss_mb = (double)pages * (double)sysconf(_SC_PAGESIZE) / (1 << 20);
    if (file)
        fclose(file);
    return memory;
}

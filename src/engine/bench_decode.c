// SPDX-License-Identifier: Apache-2.0
/* `fovea bench decode`: the calling thread feeds one worker; what comes out is given back on the worker's thread. */
#include "fovea/bench_decode.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/hist.h"
#include "base/mem.h"
#include "decode/nvdec.h"
#include "decode/worker.h"
#include "engine/bench_clip.h"

#define SESSIONS_MAX 1024
#define WINDOW 8 /* flat out: access units of a session that wait or are decoded */
#define START_LIMIT (60 * FV_S)
#define HELD_DEFAULT 5
#define COLD_QUEUE 20 /* as in the engine */
#define COLD_LATE (500 * FV_MS)
#define SAMPLE 16 /* the worker's clock is read at every so many pictures */
#define ALIGN_SLEEP (50 * FV_MS)

struct session {
    size_t next; /* access unit */
    uint64_t sent;
    int64_t due;   /* paced */
    bool wait_key; /* cold: one was refused */
    _Atomic uint64_t served, pictures;
};

struct bench {
    const struct fv_bench_decode_params *params;
    struct fv_bench_clip clip;
    struct session *sessions;
    struct fv_gpu *gpu;
    struct fv_nvdec *nvdec;
    struct fv_decode_worker *worker;
    size_t free_before;
    uint64_t skipped; /* cold: of cameras that wait for a key picture */
    pthread_mutex_t lock;
    pthread_cond_t room;
    /* under lock */
    bool sleeping;    /* the feeder, flat out */
    unsigned started; /* sessions that had a picture */
    uint64_t faults;
    char fault[200];
    /* the worker's thread writes while `measuring` */
    _Atomic bool measuring;
    struct fv_hist ages;
    _Atomic uint64_t pictures;
    _Atomic int64_t worker_first, worker_last; /* its CPU time, ns */
    _Atomic uint64_t worker_pictures;          /* between the two */
    _Atomic unsigned width, height;
};

/* What is read at both ends of the time of the figures. */
struct reading {
    int64_t at, user, system, feeder;
    struct fv_nvdec_stats nvdec;
    struct fv_gpu_traffic traffic;
    uint64_t dropped;
};

static int64_t thread_cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * FV_S + t.tv_nsec;
}

static void sample_worker(struct bench *bench, uint64_t count)
{
    if (count % SAMPLE != 0)
        return;
    int64_t now = thread_cpu();
    if (!bench->worker_first) {
        bench->worker_first = now;
        bench->worker_pictures = 0;
        return;
    }
    bench->worker_last = now;
    bench->worker_pictures += SAMPLE;
}

static void on_picture(void *data, struct fv_picture *picture)
{
    struct bench *bench = data;
    struct session *session = &bench->sessions[picture->info.camera];
    if (atomic_fetch_add(&session->pictures, 1) == 0) {
        bench->width = picture->info.width;
        bench->height = picture->info.height;
        pthread_mutex_lock(&bench->lock);
        bench->started++;
        pthread_cond_signal(&bench->room);
        pthread_mutex_unlock(&bench->lock);
    }
    if (bench->measuring) {
        fv_hist_add(&bench->ages, picture->info.at.decoded - picture->info.at.last_packet);
        sample_worker(bench, ++bench->pictures);
    }
    fv_picture_unref(picture);
}

static void on_fault(void *data, uint32_t camera, int code, const char *reason)
{
    struct bench *bench = data;
    pthread_mutex_lock(&bench->lock);
    if (bench->faults++ == 0)
        snprintf(bench->fault, sizeof(bench->fault), "session %u: %s", camera, reason);
    pthread_cond_signal(&bench->room);
    pthread_mutex_unlock(&bench->lock);
}

static void on_served(void *data, uint32_t camera)
{
    struct bench *bench = data;
    bench->sessions[camera].served++;
    if (bench->params->fps > 0)
        return;
    pthread_mutex_lock(&bench->lock);
    bool wake = bench->sleeping;
    bench->sleeping = false;
    pthread_mutex_unlock(&bench->lock);
    if (wake)
        pthread_cond_signal(&bench->room);
}

static bool stopped(const struct bench *bench)
{
    return bench->params->stop && *bench->params->stop;
}

static void push(struct bench *bench, uint32_t id, int64_t now)
{
    struct session *session = &bench->sessions[id];
    struct fv_au au = bench->clip.units[session->next];
    session->next = (session->next + 1) % bench->clip.count;
    session->wait_key = session->wait_key && !(au.flags & FV_FRAME_KEY);
    if (session->wait_key) {
        bench->skipped++;
        return;
    }
    au.camera = id;
    au.pts = (int64_t)session->sent++ * (FV_S / 30);
    au.first_packet = au.last_packet = au.delivered = now;
    if (!fv_decode_worker_push(bench->worker, &au)) {
        session->served++; /* counted as dropped by the worker */
        session->wait_key = bench->params->cold;
    }
}

/* Sleeps until `deadline`, or until the worker has made room. */
static void wait_room(struct bench *bench, int64_t deadline)
{
    struct timespec limit = {deadline / FV_S, deadline % FV_S};
    pthread_mutex_lock(&bench->lock);
    bench->sleeping = true;
    while (bench->sleeping &&
           pthread_cond_clockwait(&bench->room, &bench->lock, CLOCK_MONOTONIC, &limit) == 0)
        ;
    bench->sleeping = false;
    pthread_mutex_unlock(&bench->lock);
}

static uint64_t inside(const struct session *session)
{
    return session->sent - session->served;
}

/* One access unit for each session that has room: were a session's given one behind the other, the worker would wait for the
 * hardware to finish the first while the other sessions' are still to come. False: nobody had room. */
static bool push_round(struct bench *bench, int64_t now)
{
    bool pushed = false;
    for (uint32_t i = 0; i < bench->params->sessions; i++) {
        if (inside(&bench->sessions[i]) >= WINDOW)
            continue;
        push(bench, i, now);
        pushed = true;
    }
    return pushed;
}

/* Refilled when half empty, so that the feeder wakes seldom. */
static bool wants_more(const struct bench *bench)
{
    for (uint32_t i = 0; i < bench->params->sessions; i++)
        if (inside(&bench->sessions[i]) <= WINDOW / 2)
            return true;
    return false;
}

static void feed_flat_out(struct bench *bench, int64_t end)
{
    for (int64_t now = fv_now(); now < end && !stopped(bench); now = fv_now()) {
        if (!wants_more(bench))
            wait_room(bench, fv_min64(end, now + ALIGN_SLEEP));
        else
            for (int i = 0; i < WINDOW && push_round(bench, now); i++)
                ;
    }
}

static void sleep_until(int64_t time)
{
    struct timespec t = {time / FV_S, time % FV_S};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
        ;
}

static void feed_paced(struct bench *bench, int64_t end)
{
    int64_t interval = (int64_t)((double)FV_S / bench->params->fps);
    int64_t gather = (int64_t)(bench->params->gather_ms * (double)FV_MS);
    for (int64_t now = fv_now(); now < end && !stopped(bench); now = fv_now()) {
        int64_t next = end;
        for (uint32_t i = 0; i < bench->params->sessions; i++) {
            struct session *session = &bench->sessions[i];
            for (; session->due <= now; session->due += interval)
                push(bench, i, now);
            next = fv_min64(next, session->due);
        }
        sleep_until(fv_min64(end, fv_max64(next, now + gather)));
    }
}

static void feed(struct bench *bench, double seconds)
{
    int64_t end = fv_now() + (int64_t)(seconds * (double)FV_S);
    if (bench->params->fps > 0)
        feed_paced(bench, end);
    else
        feed_flat_out(bench, end);
}

static void set_dues(struct bench *bench)
{
    unsigned sessions = bench->params->sessions;
    int64_t interval = bench->params->fps > 0 ? (int64_t)((double)FV_S / bench->params->fps) : 0;
    for (uint32_t i = 0; i < sessions; i++)
        bench->sessions[i].due = fv_now() + interval * i / sessions;
}

/* One key picture for each session, until all sessions are made. */
static int start(struct bench *bench, double *ret_ms, struct fv_error *err)
{
    unsigned sessions = bench->params->sessions;
    int64_t begin = fv_now(), limit = begin + START_LIMIT;
    struct timespec deadline = {limit / FV_S, limit % FV_S};
    for (uint32_t i = 0; i < sessions; i++)
        push(bench, i, begin);
    int code = 0;
    pthread_mutex_lock(&bench->lock);
    while (code == 0 && bench->started < sessions && !bench->faults && !stopped(bench))
        code = pthread_cond_clockwait(&bench->room, &bench->lock, CLOCK_MONOTONIC, &deadline);
    unsigned started = bench->started;
    if (bench->faults)
        code = fv_error_set(err, -EIO, "%u of %u sessions: %s", started, sessions, bench->fault);
    else if (stopped(bench))
        code = fv_error_set(err, -ECANCELED, "stopped");
    else if (started < sessions)
        code = fv_error_set(err, -ETIMEDOUT, "only %u of %u sessions had a picture within 60 s",
                            started, sessions);
    pthread_mutex_unlock(&bench->lock);
    *ret_ms = (double)(fv_now() - begin) / (double)FV_MS;
    set_dues(bench);
    return code;
}

static int open_gpu(struct bench *bench, struct fv_error *err)
{
    const struct fv_bench_decode_params *params = bench->params;
    const struct fv_gpu_params device = {.device = params->device};
    int code = fv_gpu_open(&device, &bench->gpu, err);
    if (code == 0)
        code = fv_gpu_enter(bench->gpu, err);
    struct fv_gpu_info info;
    if (code == 0)
        code = fv_gpu_info(bench->gpu, &info, err);
    if (code < 0)
        return code;
    bench->free_before = info.memory_free;
    static const enum fv_nvdec_map ways[] = {[FV_BENCH_MAP_AUTO] = FV_NVDEC_MAP_AUTO,
                                             [FV_BENCH_MAP_SAME_PASS] = FV_NVDEC_MAP_SAME_PASS,
                                             [FV_BENCH_MAP_NEXT_PASS] = FV_NVDEC_MAP_NEXT_PASS};
    const struct fv_nvdec_params nvdec = {.gpu = bench->gpu,
                                          .held = params->held ? params->held : HELD_DEFAULT,
                                          .map = ways[params->map]};
    return fv_nvdec_create(&nvdec, &bench->nvdec, err);
}

static int open_bench(struct bench *bench, struct fv_error *err)
{
    const struct fv_bench_decode_params *params = bench->params;
    int code = fv_bench_clip_load(params->input, &bench->clip, err);
    bench->sessions = fv_calloc(params->sessions, sizeof(*bench->sessions));
    if (code == 0 && !bench->sessions)
        code = fv_error_set(err, -ENOMEM, "out of memory");
    if (code == 0 && !params->cpu)
        code = open_gpu(bench, err);
    if (code < 0)
        return code;
    const struct fv_decode_worker_params worker = {
        .ops = params->cpu ? &fv_decoder_cpu : &fv_decoder_nvdec,
        .shared = bench->nvdec,
        .cameras = params->sessions,
        .queue_per_camera = params->cold ? COLD_QUEUE : 4 * WINDOW,
        .interval = 1,
        .late = params->cold ? COLD_LATE : 0,
        .picture = on_picture,
        .fault = on_fault,
        .served = on_served,
        .data = bench,
    };
    return fv_decode_worker_create(&worker, &bench->worker, err);
}

static void close_bench(struct bench *bench)
{
    fv_decode_worker_destroy(bench->worker);
    fv_nvdec_destroy(bench->nvdec);
    fv_gpu_close(bench->gpu);
    fv_bench_clip_free(&bench->clip);
    fv_free(bench->sessions);
    pthread_cond_destroy(&bench->room);
    pthread_mutex_destroy(&bench->lock);
}

static int64_t time_of(const struct timeval *t)
{
    return t->tv_sec * FV_S + t->tv_usec * FV_US;
}

static struct reading take_reading(struct bench *bench)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    struct reading reading = {.at = fv_now(),
                              .user = time_of(&usage.ru_utime),
                              .system = time_of(&usage.ru_stime),
                              .feeder = thread_cpu()};
    if (bench->nvdec) {
        fv_nvdec_stats(bench->nvdec, &reading.nvdec);
        fv_gpu_traffic(bench->gpu, &reading.traffic);
    }
    for (uint32_t i = 0; i < bench->params->sessions; i++) {
        struct fv_decode_stats stats;
        fv_decode_worker_stats(bench->worker, i, &stats);
        reading.dropped +=
            stats.dropped_full + stats.dropped_key + stats.dropped_late + stats.errors;
    }
    reading.dropped += reading.nvdec.skipped_held + bench->skipped;
    return reading;
}

static void fill_gpu(struct bench *bench, const struct reading *begin, const struct reading *end,
                     struct fv_bench_decode_figures *figures)
{
    struct fv_gpu_info info;
    if (!bench->nvdec || fv_gpu_info(bench->gpu, &info, NULL) < 0)
        return;
    double mb = 1 << 20;
    snprintf(figures->device, sizeof(figures->device), "%s", info.name);
    if (bench->free_before > info.memory_free)
        figures->session_mb =
            (double)(bench->free_before - info.memory_free) / mb / bench->params->sessions;
    if (end->nvdec.sessions)
        figures->reckoned_mb = (double)end->nvdec.bytes / mb / end->nvdec.sessions;
    figures->session_open_ms = (double)end->nvdec.open_longest / (double)FV_MS;
    figures->created = end->nvdec.created;
    figures->waited = end->nvdec.waited - begin->nvdec.waited;
    figures->skipped_held = end->nvdec.skipped_held - begin->nvdec.skipped_held;
    figures->damaged = end->nvdec.damaged - begin->nvdec.damaged;
    figures->bitstream_bytes =
        end->traffic.to_device[FV_GPU_BITSTREAM] - begin->traffic.to_device[FV_GPU_BITSTREAM];
}

static void fill(struct bench *bench, const struct reading *begin, const struct reading *end,
                 struct fv_bench_decode_figures *figures)
{
    strcpy(figures->backend, bench->params->cpu ? "cpu" : "nvdec");
    snprintf(figures->codec, sizeof(figures->codec), "%s", fv_codec_name(bench->clip.codec));
    figures->width = bench->width;
    figures->height = bench->height;
    figures->wall_s = (double)(end->at - begin->at) / (double)FV_S;
    figures->pictures = bench->pictures;
    figures->dropped = end->dropped - begin->dropped;
    double pictures = figures->pictures ? (double)figures->pictures : 1;
    double us = (double)FV_US * pictures;
    figures->cpu_us = (double)(end->user + end->system - begin->user - begin->system) / us;
    figures->system_us = (double)(end->system - begin->system) / us;
    figures->feeder_us = (double)(end->feeder - begin->feeder) / us;
    if (bench->worker_pictures)
        figures->worker_us = (double)(bench->worker_last - bench->worker_first) / (double)FV_US /
                             (double)bench->worker_pictures;
    double ms = (double)FV_MS;
    figures->age_p50_ms = (double)fv_hist_quantile(&bench->ages, 0.5) / ms;
    figures->age_p99_ms = (double)fv_hist_quantile(&bench->ages, 0.99) / ms;
    figures->age_max_ms = (double)bench->ages.max / ms;
    pthread_mutex_lock(&bench->lock);
    figures->faults = bench->faults;
    memcpy(figures->fault, bench->fault, sizeof(figures->fault));
    pthread_mutex_unlock(&bench->lock);
    fill_gpu(bench, begin, end, figures);
}

static int run(struct bench *bench, struct fv_bench_decode_figures *figures, struct fv_error *err)
{
    int code = open_bench(bench, err);
    if (code == 0 && !bench->params->cold)
        code = start(bench, &figures->open_ms, err);
    if (code < 0)
        return code;
    if (bench->params->cold)
        set_dues(bench);
    feed(bench, bench->params->warm_s);
    struct reading begin = take_reading(bench);
    bench->measuring = true;
    feed(bench, bench->params->duration_s);
    bench->measuring = false;
    struct reading end = take_reading(bench);
    if (stopped(bench))
        return fv_error_set(err, -ECANCELED, "stopped");
    fill(bench, &begin, &end, figures);
    return 0;
}

int fv_bench_decode(const struct fv_bench_decode_params *params,
                    struct fv_bench_decode_figures *ret_figures, struct fv_error *err)
{
    if (!params->input || !params->sessions || params->sessions > SESSIONS_MAX ||
        params->duration_s <= 0 || params->fps < 0)
        return fv_error_set(err, -EINVAL, "a bench needs a file, 1 to %d sessions and a duration",
                            SESSIONS_MAX);
    struct bench *bench = FV_NEW(struct bench);
    if (!bench)
        return fv_error_set(err, -ENOMEM, "out of memory");
    bench->params = params;
    pthread_mutex_init(&bench->lock, NULL);
    pthread_cond_init(&bench->room, NULL);
    struct fv_bench_decode_figures figures = {0};
    int code = run(bench, &figures, err);
    close_bench(bench);
    fv_free(bench);
    if (code == 0)
        *ret_figures = figures;
    return code;
}

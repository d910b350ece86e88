// SPDX-License-Identifier: Apache-2.0
/*
 *   clip in memory --shares of its access units--> [ decoder, detector, tracker, rules ] --result--> credit of its session
 *
 * Each session may have WINDOW access units under way, so that nothing is dropped and no queue hides the pace; with a rate they
 * go out when they are due, each session in its own phase, as cameras do.
 */
#include "fovea/bench.h"

#include <dirent.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/hist.h"
#include "base/mem.h"
#include "engine/impl.h"
#include "movie/movie.h"

#define WINDOW                                                                                     \
    5 /* access units and pictures of a session under way: as many as NVDEC_BUFFER_SIZE */
#define PASS (2 * FV_MS) /* between two looks at what is due */
#define STALL (10 * FV_S)
#define OPENING                                                                                    \
    120 /* seconds for all sessions to give a first picture; a driver makes one in 40 to 90 ms */
#define CLIP_MAX (256u << 20)

struct session {
    _Atomic uint64_t done; /* results */
    uint64_t pushed, skipped;
    bool wait_key; /* one was refused: as a camera's receiver, it goes on with a key picture */
    size_t at;     /* next access unit of the clip */
    int64_t due;
};

struct bench {
    struct fv_bench_pipeline_params params;
    struct fv_engine_job job;
    struct fv_engine *engine;
    struct fv_buf_pool *buffers;
    struct fv_au *clip;
    size_t clip_count;
    struct session *sessions;
    struct fv_hist age; /* owner: fv-result, while `measuring` */
    _Atomic bool measuring;
    _Atomic uint64_t analysed, detections;
    _Atomic uint32_t opened; /* sessions with a result */
    pthread_mutex_t lock;    /* of what follows */
    pthread_cond_t credit;
    uint64_t results;
    bool waiting;
};

/* --- what comes back ------------------------------------------------------------------------------ */

static void on_result(void *data, const struct fv_result *result)
{
    struct bench *bench = data;
    struct session *session = &bench->sessions[result->info.camera];
    if (atomic_fetch_add_explicit(&session->done, 1, memory_order_release) == 0)
        atomic_fetch_add_explicit(&bench->opened, 1, memory_order_relaxed);
    if (atomic_load_explicit(&bench->measuring, memory_order_relaxed)) {
        fv_hist_add(&bench->age, result->info.at.event - result->info.at.last_packet);
        atomic_fetch_add_explicit(&bench->analysed, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&bench->detections, result->count, memory_order_relaxed);
    }
    pthread_mutex_lock(&bench->lock);
    bool wake = bench->waiting;
    bench->results++;
    bench->waiting = false;
    pthread_mutex_unlock(&bench->lock);
    if (wake)
        pthread_cond_signal(&bench->credit);
}

static void on_fault(void *data, int code, const char *reason)
{
    struct bench *bench = data;
    if (bench->params.progress)
        bench->params.progress(bench->params.data, reason);
}

/* --- the clip ------------------------------------------------------------------------------------- */

static int keep_unit(struct bench *bench, const struct fv_movie *movie,
                     const struct fv_movie_unit *unit, size_t *capacity)
{
    if (bench->clip_count == *capacity) {
        size_t more = *capacity ? *capacity * 2 : 256;
        struct fv_au *clip = fv_realloc(bench->clip, more * sizeof(*clip));
        if (!clip)
            return -ENOMEM;
        bench->clip = clip;
        *capacity = more;
    }
    struct fv_au *au = &bench->clip[bench->clip_count];
    *au = (struct fv_au){
        .size = unit->size,
        .codec = fv_movie_codec(movie),
        .flags = unit->key ? FV_FRAME_KEY : 0,
        .wall = FV_TIME_UNKNOWN,
    };
    int r = fv_buf_get(bench->buffers, unit->size + FV_AU_PADDING, &au->buf);
    if (r < 0)
        return r;
    memcpy(au->buf->data, unit->data, unit->size);
    memset(au->buf->data + unit->size, 0, FV_AU_PADDING);
    bench->clip_count++;
    return 0;
}

static int load_clip(struct bench *bench, struct fv_error *err)
{
    const struct fv_movie_params params = {.path = bench->params.input};
    struct fv_movie *movie = NULL;
    struct fv_movie_unit unit;
    size_t capacity = 0;
    int r = fv_movie_open(&params, &movie, err);
    if (r < 0)
        return r;
    while ((r = fv_movie_next(movie, &unit, err)) > 0) {
        r = keep_unit(bench, movie, &unit, &capacity);
        if (r < 0) {
            fv_error_set(err, r, "%s: %s (a clip of at most %u MiB is held in memory)",
                         bench->params.input, fv_strerror(r), CLIP_MAX >> 20);
            break;
        }
    }
    fv_movie_close(movie);
    if (r == 0 && (bench->clip_count == 0 || !(bench->clip[0].flags & FV_FRAME_KEY)))
        r = fv_error_set(err, -EBADMSG, "%s does not begin with a key picture",
                         bench->params.input);
    return r;
}

/* --- the sessions --------------------------------------------------------------------------------- */

static void push(struct bench *bench, uint32_t index, int64_t now)
{
    struct session *session = &bench->sessions[index];
    double rate = bench->params.fps > 0 ? bench->params.fps : 30;
    struct fv_au au = bench->clip[session->at];
    au.camera = index;
    au.pts = (int64_t)((double)session->pushed * (double)FV_S / rate);
    au.first_packet = au.last_packet = au.delivered = now;
    session->pushed++;
    session->at = (session->at + 1) % bench->clip_count;
    session->wait_key = session->wait_key && !(au.flags & FV_FRAME_KEY);
    if (session->wait_key)
        session->skipped++;
    else if (!fv_decode_worker_push(bench->engine->decode, &au)) /* counted there */
        session->wait_key = bench->params.fps > 0;
}

/* Everything that has credit and is due. Returns how many were pushed; *ret_next: when the next one is due. */
static unsigned pass(struct bench *bench, int64_t *ret_next)
{
    int64_t now = fv_now();
    int64_t interval = bench->params.fps > 0 ? (int64_t)((double)FV_S / bench->params.fps) : 0;
    unsigned pushed = 0;
    *ret_next = FV_TIME_NEVER;
    for (uint32_t i = 0; i < bench->params.sessions; i++) {
        struct session *session = &bench->sessions[i];
        if (interval) {
            for (; session->due <= now; session->due += interval, pushed++)
                push(bench, i, now);
            *ret_next = fv_min64(*ret_next, session->due);
            continue;
        }
        uint64_t done = atomic_load_explicit(&session->done, memory_order_acquire);
        for (; session->pushed - done < WINDOW; pushed++)
            push(bench, i, now);
    }
    return pushed;
}

static uint64_t results_so_far(struct bench *bench)
{
    pthread_mutex_lock(&bench->lock);
    uint64_t results = bench->results;
    pthread_mutex_unlock(&bench->lock);
    return results;
}

/* Until there are more results than `seen`, or the time; false: none came for too long. */
static bool wait_for_credit(struct bench *bench, uint64_t seen, int64_t until)
{
    struct timespec t = {.tv_sec = (time_t)(until / FV_S), .tv_nsec = (long)(until % FV_S)};
    int r = 0;
    pthread_mutex_lock(&bench->lock);
    bench->waiting = bench->results == seen;
    while (bench->waiting && r == 0)
        r = pthread_cond_timedwait(&bench->credit, &bench->lock, &t);
    bench->waiting = false;
    pthread_mutex_unlock(&bench->lock);
    return r == 0;
}

static bool told_to_stop(const struct bench *bench)
{
    return bench->params.stop && *bench->params.stop;
}

/* Feeds for so long. */
static int feed(struct bench *bench, double seconds, struct fv_error *err)
{
    int64_t end = fv_now() + (int64_t)(seconds * (double)FV_S);
    int64_t next, now;
    while ((now = fv_now()) < end) {
        if (told_to_stop(bench))
            return fv_error_set(err, -ECANCELED, "stopped");
        uint64_t seen = results_so_far(bench);
        unsigned pushed = pass(bench, &next);
        if (bench->params.fps > 0) {
            int64_t until = fv_min64(fv_max64(next, now + PASS), end);
            struct timespec t = {.tv_sec = (time_t)(until / FV_S), .tv_nsec = (long)(until % FV_S)};
            clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
        } else if (pushed == 0 && !wait_for_credit(bench, seen, now + STALL)) {
            return fv_error_set(err, -ETIMEDOUT,
                                "no result came for %d s: look at the messages above",
                                (int)(STALL / FV_S));
        }
    }
    return 0;
}

/* Feeds until every session has given a picture. */
static int open_sessions(struct bench *bench, struct fv_error *err)
{
    const int64_t end = fv_now() + OPENING * FV_S;
    const uint32_t sessions = bench->params.sessions;
    uint32_t opened;
    while ((opened = atomic_load_explicit(&bench->opened, memory_order_relaxed)) < sessions) {
        if (fv_now() >= end)
            return fv_error_set(err, -ETIMEDOUT,
                                "%u of %u sessions gave a picture in %d s: take fewer --sessions",
                                opened, sessions, OPENING);
        int r = feed(bench, 0.1, err);
        if (r < 0)
            return r;
    }
    return 0;
}

/* --- figures -------------------------------------------------------------------------------------- */

static double seconds_of(const struct timeval *t)
{
    return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

static void add_thread(struct fv_bench_pipeline_figures *figures, const char *name, double cpu,
                       bool before)
{
    size_t i = 0;
    while (i < figures->thread_count && strcmp(figures->threads[i].name, name) != 0)
        i++;
    if (i == FV_BENCH_THREADS_MAX)
        return;
    if (i == figures->thread_count) {
        snprintf(figures->threads[i].name, sizeof(figures->threads[i].name), "%s", name);
        figures->thread_count++;
    }
    figures->threads[i].cpu_s += before ? -cpu : cpu;
}

/* proc(5), /proc/self/task/N/schedstat: time on a processor in ns. */
static void count_threads(struct fv_bench_pipeline_figures *figures, bool before)
{
    DIR *tasks = opendir("/proc/self/task");
    for (const struct dirent *entry; tasks && (entry = readdir(tasks));) {
        char path[300], name[16] = "";
        unsigned long long ns = 0;
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "/proc/self/task/%s/comm", entry->d_name);
        FILE *file = fopen(path, "r");
        bool ok = file && fscanf(file, "%15[^\n]", name) == 1;
        if (file)
            fclose(file);
        snprintf(path, sizeof(path), "/proc/self/task/%s/schedstat", entry->d_name);
        file = ok ? fopen(path, "r") : NULL;
        ok = file && fscanf(file, "%llu", &ns) == 1;
        if (file)
            fclose(file);
        if (ok)
            add_thread(figures, name, (double)ns / 1e9, before);
    }
    if (tasks)
        closedir(tasks);
}

static void snapshot(struct bench *bench, struct fv_bench_pipeline_figures *figures, bool before)
{
    const double sign = before ? -1 : 1;
    struct rusage usage;
    struct fv_engine_stats stats;
    struct fv_engine_gpu *gpu = before ? &figures->gpu_before : &figures->gpu_after;
    getrusage(RUSAGE_SELF, &usage);
    figures->wall_s += sign * (double)fv_now() / 1e9;
    figures->user_s += sign * seconds_of(&usage.ru_utime);
    figures->system_s += sign * seconds_of(&usage.ru_stime);
    count_threads(figures, before);
    fv_engine_stats(bench->engine, &stats);
    figures->gpu = fv_engine_gpu(bench->engine, gpu) == 0;
    figures->per_batch = stats.batches ? (double)stats.batched / (double)stats.batches : 0;
    snprintf(figures->runtime, sizeof(figures->runtime), "%s", stats.runtime);
    uint64_t dropped = 0, undecoded = 0, pushed = 0;
    for (uint32_t i = 0; i < bench->params.sessions; i++) {
        struct fv_engine_camera camera;
        struct fv_decode_stats decode;
        if (fv_engine_camera(bench->engine, i, &camera) == 0)
            undecoded += camera.dropped_decode;
        fv_decode_worker_stats(bench->engine->decode, i, &decode);
        dropped += camera.dropped_queue + decode.dropped_full + bench->sessions[i].skipped;
        pushed += bench->sessions[i].pushed;
    }
    figures->pushed += before ? -pushed : pushed;
    figures->dropped += before ? -dropped : dropped;
    figures->undecoded += before ? -undecoded : undecoded;
}

static void finish_figures(struct bench *bench, struct fv_bench_pipeline_figures *figures)
{
    figures->analysed = bench->analysed;
    figures->detections = bench->detections;
    figures->age_p50_ms = (double)fv_hist_quantile(&bench->age, 0.5) / 1e6;
    figures->age_p99_ms = (double)fv_hist_quantile(&bench->age, 0.99) / 1e6;
    figures->age_max_ms = (double)bench->age.max / 1e6;
    if (figures->gpu)
        figures->memory_used =
            figures->gpu_after.memory_free_at_start - figures->gpu_after.memory_free;
}

/* --- life ----------------------------------------------------------------------------------------- */

static int open_engine(struct bench *bench, struct fv_error *err)
{
    bench->job = (struct fv_engine_job){
        .paced = bench->params.fps > 0,
        .room = 2 * WINDOW,
        .result = on_result,
        .fault = on_fault,
        .data = bench,
    };
    const struct fv_engine_params params = {
        .config_text = bench->params.config_text,
        .problem = bench->params.problem,
        .progress = bench->params.progress,
        .data = bench->params.data,
    };
    int r = fv_engine_open_job(&params, &bench->job, &bench->engine, err);
    if (r == 0 && bench->engine->cameras.count != bench->params.sessions)
        r = fv_error_set(err, -EINVAL, "the configuration has %u cameras for %u sessions",
                         bench->engine->cameras.count, bench->params.sessions);
    return r;
}

static void start_sessions(struct bench *bench)
{
    int64_t now = fv_now();
    double interval = bench->params.fps > 0 ? (double)FV_S / bench->params.fps : 0;
    for (uint32_t i = 0; i < bench->params.sessions; i++)
        bench->sessions[i].due = now + (int64_t)(interval * i / bench->params.sessions);
}

static int run(struct bench *bench, struct fv_bench_pipeline_figures *figures, struct fv_error *err)
{
    int r = fv_engine_start(bench->engine, err);
    if (r < 0)
        return r;
    start_sessions(bench);
    r = open_sessions(bench, err);
    if (r == 0)
        r = feed(bench, bench->params.warm_s, err);
    if (r < 0)
        return r;
    snapshot(bench, figures, true);
    atomic_store(&bench->measuring, true);
    r = feed(bench, bench->params.duration_s, err);
    atomic_store(&bench->measuring, false);
    snapshot(bench, figures, false);
    return r;
}

static int set_up(struct bench *bench, struct fv_error *err)
{
    bench->sessions = fv_calloc(bench->params.sessions, sizeof(bench->sessions[0]));
    int r = bench->sessions ? fv_buf_pool_create(CLIP_MAX, 0, &bench->buffers) : -ENOMEM;
    if (r < 0)
        return fv_error_set(err, r, "out of memory");
    r = load_clip(bench, err);
    return r < 0 ? r : open_engine(bench, err);
}

static void tear_down(struct bench *bench)
{
    fv_engine_close(bench->engine);
    for (size_t i = 0; i < bench->clip_count; i++)
        fv_au_drop(&bench->clip[i]);
    fv_free(bench->clip);
    fv_buf_pool_destroy(bench->buffers);
    fv_free(bench->sessions);
    pthread_cond_destroy(&bench->credit);
    pthread_mutex_destroy(&bench->lock);
    fv_free(bench);
}

static void init_wait(struct bench *bench)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&bench->credit, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&bench->lock, NULL);
}

int fv_bench_pipeline(const struct fv_bench_pipeline_params *params,
                      struct fv_bench_pipeline_figures *ret_figures, struct fv_error *err)
{
    if (!params->input || !params->config_text || !params->sessions || params->fps < 0)
        return fv_error_set(err, -EINVAL, "a bench needs an input, a configuration and sessions");
    struct bench *bench = FV_NEW(struct bench);
    if (!bench)
        return fv_error_set(err, -ENOMEM, "out of memory");
    bench->params = *params;
    init_wait(bench);
    struct fv_bench_pipeline_figures figures = {0};
    int r = set_up(bench, err);
    if (r == 0)
        r = run(bench, &figures, err);
    if (r == 0) {
        fv_engine_stop(bench->engine); /* the histogram's writer has ended */
        finish_figures(bench, &figures);
        *ret_figures = figures;
    }
    tear_down(bench);
    return r;
}

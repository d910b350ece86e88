// SPDX-License-Identifier: Apache-2.0
/*
 *   file -> fv-source --access units--> [ the engine's stages ] --> files, callbacks
 *               ^                            |        |
 *               '------- credits ------------'--------'
 *
 * The source may have ROOM access units and pictures under way, and no more than there may be results; each queue has room for
 * more. So nothing is ever dropped, and whoever is slowest sets the pace.
 */
#include "fovea/analyze.h"

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "engine/impl.h"
#include "movie/movie.h"

#define ROOM 64             /* and two batches */
#define HELD_BACK 32        /* pictures that a decoder may hold back and hand out at once */
#define BASE (1000 * FV_S)  /* the clock of the file's pictures: pts and this */
#define BUFFERS (64u << 20) /* bytes of access units under way; a single one may take FV_BUF_MAX */

struct fv_analyze {
    struct fv_analyze_params params;
    struct fv_engine_job job;
    struct fv_engine *engine;
    struct fv_movie *movie; /* NULL: live */
    struct fv_buf_pool *buffers;
    pthread_t source;
    bool started, source_runs, stopped;
    int64_t began;

    pthread_mutex_t lock; /* of all below */
    pthread_cond_t less;  /* under_way sank, or `stop` or `failure` was set */
    unsigned limit, under_way;
    bool stop, complete;
    struct fv_error failure; /* code 0: none */
    int64_t ended, media;
    double done;
    uint64_t access_units;
};

/* --- callbacks of the engine's threads ------------------------------------------------------------ */

static void add_under_way(struct fv_analyze *analyze, int change)
{
    pthread_mutex_lock(&analyze->lock);
    analyze->under_way = (unsigned)((int)analyze->under_way + change);
    pthread_mutex_unlock(&analyze->lock);
    if (change < 0)
        pthread_cond_signal(&analyze->less);
}

static void on_served(void *data)
{
    add_under_way(data, -1);
}

static void on_picture(void *data)
{
    add_under_way(data, 1);
}

static void on_result(void *data, const struct fv_result *result)
{
    struct fv_analyze *analyze = data;
    pthread_mutex_lock(&analyze->lock);
    analyze->media = result->info.pts;
    pthread_mutex_unlock(&analyze->lock);
    add_under_way(analyze, -1);
}

/* Also the source's own. */
static void fail(struct fv_analyze *analyze, int code, const char *reason)
{
    pthread_mutex_lock(&analyze->lock);
    if (analyze->failure.code == 0)
        fv_error_set(&analyze->failure, code, "%s", reason);
    pthread_mutex_unlock(&analyze->lock);
    pthread_cond_signal(&analyze->less);
}

/* What failed fails for every picture, and with a file nothing may be missing. */
static void on_fault(void *data, int code, const char *reason)
{
    struct fv_analyze *analyze = data;
    if (analyze->movie)
        fail(analyze, code, reason);
}

/* --- the source ----------------------------------------------------------------------------------- */

static int64_t to_ns(int64_t ticks)
{
    return ticks * (FV_S / FV_MOVIE_CLOCK) + ticks * (FV_S % FV_MOVIE_CLOCK) / FV_MOVIE_CLOCK;
}

/* True when there is room for one more, which then counts; false: it is over. */
static bool wait_for_room(struct fv_analyze *analyze)
{
    pthread_mutex_lock(&analyze->lock);
    while (analyze->under_way >= analyze->limit && !analyze->stop && analyze->failure.code == 0)
        pthread_cond_wait(&analyze->less, &analyze->lock);
    const bool go = !analyze->stop && analyze->failure.code == 0;
    if (go) {
        analyze->under_way++;
        analyze->access_units++;
        analyze->done = fv_movie_done(analyze->movie);
    }
    pthread_mutex_unlock(&analyze->lock);
    return go;
}

static int push(struct fv_analyze *analyze, const struct fv_movie_unit *unit, int64_t first)
{
    const int64_t pts = to_ns(unit->time - first);
    struct fv_au au = {
        .size = unit->size,
        .codec = fv_movie_codec(analyze->movie),
        .flags = unit->key ? FV_FRAME_KEY : 0,
        .pts = pts,
        .wall = analyze->params.start ? analyze->params.start + pts : FV_TIME_UNKNOWN,
        .first_packet = BASE + pts,
        .last_packet = BASE + pts,
        .delivered = BASE + pts,
    };
    int r = fv_buf_get(analyze->buffers, unit->size + FV_AU_PADDING, &au.buf);
    if (r < 0)
        return r;
    memcpy(au.buf->data, unit->data, unit->size);
    memset(au.buf->data + unit->size, 0, FV_AU_PADDING);
    const bool taken = fv_decode_worker_push(analyze->engine->decode, &au);
    fv_au_drop(&au);
    return taken ? 0 : -ENOBUFS;
}

/* 0: the end of the file; 1: told to stop, or something failed elsewhere; negative errno (err). */
static int feed(struct fv_analyze *analyze, struct fv_error *err)
{
    struct fv_movie_unit unit;
    int64_t first = FV_TIME_UNKNOWN;
    int r;
    while ((r = fv_movie_next(analyze->movie, &unit, err)) > 0) {
        if (first == FV_TIME_UNKNOWN)
            first = unit.time;
        if (!wait_for_room(analyze))
            return 1;
        r = push(analyze, &unit, first);
        if (r < 0)
            return fv_error_set(err, r, "an access unit of %zu bytes could not be handed over: %s",
                                unit.size, fv_strerror(r));
    }
    if (r == 0 && first == FV_TIME_UNKNOWN)
        return fv_error_set(err, -EBADMSG, "there is no picture in the file");
    return r;
}

static void *source_main(void *data)
{
    struct fv_analyze *analyze = data;
    struct fv_error err = {0};
    const int r = feed(analyze, &err);
    if (r < 0)
        fail(analyze, r, err.text);
    if (r <= 0)
        fv_engine_finish(analyze->engine);
    pthread_mutex_lock(&analyze->lock);
    analyze->ended = fv_now();
    analyze->complete =
        r == 0 && analyze->failure.code == 0 && !(analyze->stop && analyze->engine->classify);
    if (analyze->complete)
        analyze->done = 1;
    pthread_mutex_unlock(&analyze->lock);
    if (analyze->params.ended)
        analyze->params.ended(analyze->params.data);
    return NULL;
}

/* --- the one camera ------------------------------------------------------------------------------- */

static bool is_address(const char *input)
{
    return strncmp(input, "rtsp://", 7) == 0 || strncmp(input, "rtsps://", 8) == 0;
}

static struct fv_conf_camera *find_camera(const struct fv_config *config, const char *name)
{
    for (unsigned i = 0; i < config->cameras.count; i++) {
        struct fv_conf_camera *camera = &config->cameras.items[i];
        if (name ? strcmp(camera->name, name) == 0 : camera->enabled)
            return camera;
    }
    return NULL;
}

/* What stands for "file" in events: the name of the file, without its folder. */
static int rename_camera(struct fv_conf_camera *camera, const char *input)
{
    const char *slash = strrchr(input, '/');
    const char *name = is_address(input) ? "camera" : slash && slash[1] ? slash + 1 : input;
    char *copy = fv_strdup(name);
    if (!copy)
        return -ENOMEM;
    fv_free(camera->name);
    camera->name = copy;
    return 0;
}

static int adapt(void *data, struct fv_config *config, struct fv_error *err)
{
    const struct fv_analyze *analyze = data;
    const struct fv_analyze_params *params = &analyze->params;
    struct fv_conf_camera *camera = find_camera(config, params->camera);
    if (!camera)
        return fv_error_set(err, -EINVAL, "the configuration has no camera '%s'",
                            params->camera ? params->camera : "that is enabled");
    for (unsigned i = 0; i < config->cameras.count; i++)
        config->cameras.items[i].enabled = &config->cameras.items[i] == camera;
    if (config->cameras.stand_in && rename_camera(camera, params->input) < 0)
        return fv_error_set(err, -ENOMEM, "out of memory");
    return is_address(params->input) ? fv_url_parse(params->input, &camera->address, err) : 0;
}

/* --- life ----------------------------------------------------------------------------------------- */

static void set_job(struct fv_analyze *analyze)
{
    const struct fv_analyze_params *params = &analyze->params;
    analyze->job = (struct fv_engine_job){
        .adapt = adapt,
        .stand_in = true,
        .live = is_address(params->input),
        .repeatable = true,
        .room = ROOM + HELD_BACK,
        .start = params->start,
        .events = params->events,
        .tracks = params->tracks,
        .pictures = params->pictures,
        .interval = params->interval ? params->interval : 1,
        .served = on_served,
        .picture = on_picture,
        .result = on_result,
        .fault = on_fault,
        .data = analyze,
    };
}

static int open_engine(struct fv_analyze *analyze, struct fv_error *err)
{
    const struct fv_analyze_params *params = &analyze->params;
    const struct fv_engine_params engine = {
        .config_path = params->config_path,
        .config_text = params->config_path ? NULL : "{}",
        .backend = params->backend,
        .problem = params->problem,
        .frame = params->frame,
        .rule = params->rule,
        .camera = params->camera_state,
        .data = params->data,
    };
    return fv_engine_open_job(&engine, &analyze->job, &analyze->engine, err);
}

static int open_input(struct fv_analyze *analyze, struct fv_error *err)
{
    if (analyze->job.live)
        return 0;
    const struct fv_movie_params movie = {.path = analyze->params.input,
                                          .fps = analyze->params.fps};
    int r = fv_movie_open(&movie, &analyze->movie, err);
    if (r == 0) {
        r = fv_buf_pool_create(BUFFERS + (size_t)ROOM * FV_BUF_MAX, BUFFERS, &analyze->buffers);
        if (r < 0)
            fv_error_set(err, r, "out of memory");
    }
    return r;
}

int fv_analyze_open(const struct fv_analyze_params *params, struct fv_analyze **ret_analyze,
                    struct fv_error *err)
{
    struct fv_analyze *analyze = FV_NEW(struct fv_analyze);
    if (!analyze)
        return fv_error_set(err, -ENOMEM, "out of memory");
    analyze->params = *params;
    analyze->media = FV_TIME_UNKNOWN;
    pthread_mutex_init(&analyze->lock, NULL);
    pthread_cond_init(&analyze->less, NULL);
    set_job(analyze);
    int r = open_input(analyze, err);
    if (r == 0)
        r = open_engine(analyze, err);
    if (r < 0) {
        fv_analyze_close(analyze);
        return r;
    }
    const unsigned room = fv_engine_job_room(analyze->engine); /* of queues, but for one: */
    analyze->limit = (room < FV_PIPELINE_RESULTS ? room : FV_PIPELINE_RESULTS) - HELD_BACK;
    *ret_analyze = analyze;
    return 0;
}

int fv_analyze_start(struct fv_analyze *analyze, struct fv_error *err)
{
    if (analyze->started)
        return fv_error_set(err, -EPROTO, "the analysis was started before");
    analyze->began = fv_now();
    int r = fv_engine_start(analyze->engine, err);
    if (r < 0)
        return r;
    analyze->started = true;
    if (analyze->job.live)
        return 0;
    r = fv_thread_start(&analyze->source, "fv-source", source_main, analyze);
    analyze->source_runs = r == 0;
    return r < 0 ? fv_error_set(err, r, "no thread for the file: %s", fv_strerror(r)) : 0;
}

int fv_analyze_stop(struct fv_analyze *analyze, struct fv_error *err)
{
    pthread_mutex_lock(&analyze->lock);
    analyze->stop = true;
    pthread_mutex_unlock(&analyze->lock);
    pthread_cond_signal(&analyze->less);
    if (analyze->engine && analyze->engine->classify) /* also the rest of a file that was read */
        fv_classify_cancel(analyze->engine->classify);
    if (analyze->source_runs)
        pthread_join(analyze->source, NULL);
    analyze->source_runs = false;
    if (analyze->started)
        fv_engine_stop(analyze->engine);
    if (!analyze->ended)
        analyze->ended = fv_now();
    if (analyze->failure.code)
        return fv_error_set(err, analyze->failure.code, "%s", analyze->failure.text);
    return 0;
}

void fv_analyze_close(struct fv_analyze *analyze)
{
    struct fv_error err;
    if (!analyze)
        return;
    (void)fv_analyze_stop(analyze, &err);
    fv_engine_close(analyze->engine);
    fv_movie_close(analyze->movie);
    fv_buf_pool_destroy(analyze->buffers);
    pthread_cond_destroy(&analyze->less);
    pthread_mutex_destroy(&analyze->lock);
    fv_free(analyze);
}

/* --- figures -------------------------------------------------------------------------------------- */

static void add_source(struct fv_analyze *analyze, struct fv_analyze_figures *figures)
{
    pthread_mutex_lock(&analyze->lock);
    figures->done = analyze->done;
    figures->complete = analyze->complete;
    figures->media = analyze->media == FV_TIME_UNKNOWN ? 0 : analyze->media;
    figures->access_units = analyze->access_units;
    if (analyze->began)
        figures->elapsed = (analyze->ended ? analyze->ended : fv_now()) - analyze->began;
    pthread_mutex_unlock(&analyze->lock);
}

/* Pictures of an address may be dropped, as those of a running engine are; what could not be written is missed. */
static uint64_t count_unwritten(struct fv_engine *engine)
{
    uint64_t unwritten = 0;
    for (unsigned i = 0; i < engine->sink_count; i++) {
        struct fv_sink_stats stats;
        fv_sink_stats(engine->sinks[i], &stats);
        unwritten += stats.failed + (engine->sinks[i] == engine->events ? stats.dropped : 0);
    }
    return unwritten;
}

void fv_analyze_figures(struct fv_analyze *analyze, struct fv_analyze_figures *ret_figures)
{
    struct fv_engine_stats stats;
    struct fv_engine_camera camera;
    fv_engine_stats(analyze->engine, &stats);
    (void)fv_engine_camera(analyze->engine, 0, &camera); /* there is one */
    struct fv_analyze_figures figures = {
        .runtime = stats.runtime,
        .live = analyze->job.live,
        .frames = camera.frames,
        .analysed = camera.analysed,
        .detections = camera.detections,
        .persons = camera.persons,
        .tracks = camera.tracks,
        .rule_events = camera.rule_events,
        .crossings = camera.crossings,
        .dwells = camera.dwells,
        .undecodable = camera.dropped_decode,
        .dropped = camera.dropped_queue + camera.lost_packets,
        .unwritten = count_unwritten(analyze->engine),
    };
    add_source(analyze, &figures);
    if (analyze->job.live)
        figures.access_units = camera.access_units;
    *ret_figures = figures;
}

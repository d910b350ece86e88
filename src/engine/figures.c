// SPDX-License-Identifier: Apache-2.0
/* The engine's figures, put together from those of its stages. */
#include <errno.h>
#include <stdio.h>

#include "engine/impl.h"

static void add_ages(struct fv_engine *engine, struct fv_engine_stats *stats)
{
    struct fv_hist all = {0};
    for (uint32_t i = 0; i < engine->cameras.count; i++)
        fv_hist_merge(&all, &engine->cameras.figures[i].age);
    stats->age_p50 = fv_hist_quantile(&all, 0.5);
    stats->age_p99 = fv_hist_quantile(&all, 0.99);
    stats->age_max = all.max;
}

void fv_engine_stats(struct fv_engine *engine, struct fv_engine_stats *ret_stats)
{
    pthread_mutex_lock(&engine->lock);
    struct fv_engine_stats stats = {
        .name = engine->config->app.name,
        .backend = engine->setup.device ? "gpu" : "cpu",
        .runtime = engine->setup.runtime_ops->describe(engine->setup.runtime),
        .uptime = engine->started ? fv_now() - engine->started_at : 0,
        .camera_count = engine->cameras.count,
    };
    pthread_mutex_unlock(&engine->lock);
    struct fv_pipeline_stats pipeline;
    fv_pipeline_stats(engine->pipeline, &pipeline);
    stats.batches = pipeline.batches;
    stats.batched = pipeline.batched;
    if (engine->classify) {
        struct fv_classify_stats classify;
        fv_classify_stats(engine->classify, &classify);
        stats.classifier = engine->second.model->name;
        stats.classified = classify.classified;
        stats.classify_skipped = classify.skipped;
        stats.classify_lost = classify.lost;
    }
    struct fv_sink_stats events = {0};
    if (engine->events)
        fv_sink_stats(engine->events, &events);
    fv_profile_figures(&engine->profile, stats.stages);
    stats.events_written = events.written;
    stats.events_dropped = events.dropped + events.failed;
    add_ages(engine, &stats);
    *ret_stats = stats;
}

int fv_engine_gpu(struct fv_engine *engine, struct fv_engine_gpu *ret_gpu)
{
    if (!engine->setup.device)
        return -ENODEV;
    fv_device_figures(engine->setup.device, ret_gpu);
    return 0;
}

static void add_received(struct fv_camera_carry *sum, const struct fv_camera_stats *stats)
{
    sum->access_units += stats->access_units;
    sum->bytes += stats->bytes;
    sum->lost += stats->lost;
    sum->reconnects += stats->reconnects;
    sum->failures += stats->failures;
    sum->dropped_decode += stats->skipped + stats->damaged;
    sum->dropped_queue += stats->no_buffer + stats->refused;
}

static void set_received(struct fv_engine_camera *camera, const struct fv_camera_carry *sum)
{
    camera->access_units = sum->access_units;
    camera->bytes = sum->bytes;
    camera->lost_packets = sum->lost;
    camera->reconnects = sum->reconnects;
    camera->failures = sum->failures;
    camera->dropped_decode = sum->dropped_decode;
    camera->dropped_queue = sum->dropped_queue;
}

static void add_ingest_figures(struct fv_engine *engine, uint32_t index,
                               struct fv_engine_camera *camera)
{
    struct fv_camera_stats stats;
    struct fv_camera_carry sum = engine->cameras.carry[index];
    set_received(camera, &sum);
    if (!engine->cameras.places[index].used) {
        camera->state = FV_CAMERA_DISABLED;
        snprintf(camera->reason, sizeof(camera->reason), "removed");
        return;
    }
    if (!engine->ingest ||
        fv_ingest_stats(engine->ingest, engine->cameras.places[index].id, &stats) < 0)
        return;
    camera->codec = fv_codec_name(stats.codec);
    camera->state = stats.state;
    camera->in_state = fv_now() - stats.since;
    snprintf(camera->reason, sizeof(camera->reason), "%s", stats.reason);
    camera->width = stats.width;
    camera->height = stats.height;
    add_received(&sum, &stats);
    set_received(camera, &sum);
}

void fv_engine_carry_ingest(struct fv_engine *engine, uint32_t index)
{
    struct fv_camera_stats stats;
    if (fv_ingest_stats(engine->ingest, engine->cameras.places[index].id, &stats) == 0)
        add_received(&engine->cameras.carry[index], &stats);
}

void fv_engine_carry_decode(struct fv_engine *engine, uint32_t index)
{
    struct fv_decode_stats stats;
    struct fv_camera_carry *carry = &engine->cameras.carry[index];
    fv_decode_worker_stats(engine->decode, index, &stats);
    carry->decoded = stats.decoded;
    carry->skipped = stats.skipped_interval;
    carry->decode_dropped = stats.errors + stats.dropped_key;
    carry->late = stats.dropped_late;
}

void fv_engine_carry_analysis(struct fv_engine *engine, const struct fv_analysis *analysis,
                              uint32_t index)
{
    struct fv_analysis_figures figures;
    struct fv_camera_carry *carry = &engine->cameras.carry[index];
    fv_analysis_figures(analysis, index, &figures);
    carry->tracks = figures.tracks;
    carry->rule_events = figures.rule_events;
    carry->crossings = figures.crossings;
    carry->dwells = figures.dwells;
}

static void add_decode_figures(struct fv_engine *engine, uint32_t index,
                               struct fv_engine_camera *camera)
{
    struct fv_decode_stats stats;
    const struct fv_camera_carry *carry = &engine->cameras.carry[index];
    fv_decode_worker_stats(engine->decode, index, &stats);
    camera->frames = stats.decoded - carry->decoded;
    camera->skipped = stats.skipped_interval - carry->skipped;
    camera->dropped_decode += stats.errors + stats.dropped_key - carry->decode_dropped;
    /* What the decoder's queue did not take is in ingest's `refused`. */
    camera->dropped_queue += fv_pipeline_dropped(engine->pipeline, index);
    camera->dropped_queue += stats.dropped_late - carry->late;
}

static void add_analysis_figures(struct fv_engine *engine, uint32_t index,
                                 struct fv_engine_camera *camera)
{
    struct fv_analysis_figures figures;
    const struct fv_camera_carry *carry = &engine->cameras.carry[index];
    fv_analysis_figures(engine->analysis, index, &figures);
    camera->tracks = figures.tracks + carry->tracks;
    camera->rule_events = figures.rule_events + carry->rule_events;
    camera->crossings = figures.crossings + carry->crossings;
    camera->dwells = figures.dwells + carry->dwells;
}

/* The lock is held. */
static void fill_camera(struct fv_engine *engine, uint32_t index,
                        struct fv_engine_camera *ret_camera)
{
    const struct fv_camera_figures *figures = &engine->cameras.figures[index];
    struct fv_engine_camera camera = {
        .name = fv_cameras_name(&engine->cameras, index),
        .codec = "none",
        .analysed = figures->analysed,
        .detections = figures->detections,
        .persons = figures->persons,
        .persons_now = figures->persons_now,
        .age_p50 = fv_hist_quantile(&figures->age, 0.5),
        .age_p99 = fv_hist_quantile(&figures->age, 0.99),
        .age_max = figures->age.max,
    };
    add_analysis_figures(engine, index, &camera);
    add_ingest_figures(engine, index, &camera);
    add_decode_figures(engine, index, &camera);
    *ret_camera = camera;
}

int fv_engine_camera(struct fv_engine *engine, uint32_t index, struct fv_engine_camera *ret_camera)
{
    pthread_mutex_lock(&engine->lock);
    bool known = index < engine->cameras.count;
    if (known)
        fill_camera(engine, index, ret_camera);
    pthread_mutex_unlock(&engine->lock);
    return known ? 0 : -EINVAL;
}

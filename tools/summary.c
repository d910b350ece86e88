// SPDX-License-Identifier: Apache-2.0
#include "summary.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static double tenths(double value)
{
    return round(value * 10) / 10;
}

static double ms(int64_t ns)
{
    return tenths((double)ns / 1e6);
}

static json_int_t integer(uint64_t value)
{
    return (json_int_t)value;
}

static json_t *camera_object(const struct fv_engine_camera *camera, enum fv_camera_state state)
{
    return json_pack(
        "{s:s, s:s, s:s, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, "
        "s:{s:f, s:f, s:f}}",
        "name", camera->name, "codec", camera->codec, "state", fv_camera_state_name(state), "width",
        (int)camera->width, "height", (int)camera->height, "frames", integer(camera->frames),
        "analysed", integer(camera->analysed), "detections", integer(camera->detections), "persons",
        integer(camera->persons), "tracks", integer(camera->tracks), "rule_events",
        integer(camera->rule_events), "crossings", integer(camera->crossings), "dwells",
        integer(camera->dwells), "lost_packets", integer(camera->lost_packets), "reconnects",
        integer(camera->reconnects), "dropped_queue", integer(camera->dropped_queue),
        "dropped_decode", integer(camera->dropped_decode), "age_ms", "p50", ms(camera->age_p50),
        "p99", ms(camera->age_p99), "max", ms(camera->age_max));
}

static json_t *gpu_object(const struct fv_engine_gpu *gpu)
{
    json_t *bytes = json_object();
    for (uint32_t i = 0; bytes && i < gpu->traffic_count; i++)
        json_object_set_new(bytes, gpu->traffic[i].purpose,
                            json_pack("{s:I, s:I}", "to_device", integer(gpu->traffic[i].to_device),
                                      "to_host", integer(gpu->traffic[i].to_host)));
    return json_pack(
        "{s:s, s:i, s:I, s:I, s:I, s:I, s:I, s:o}", "name", gpu->name, "device", (int)gpu->device,
        "memory_used", integer(gpu->memory_free_at_start - gpu->memory_free), "pool_bytes",
        integer(gpu->pool_bytes), "pool_used", integer(gpu->pool_used), "pool_peak",
        integer(gpu->pool_peak), "refused_copies", integer(gpu->tripped), "bytes", bytes);
}

/* Without profiling: NULL, no key. */
static json_t *stages_object(const struct fv_engine_stats *stats)
{
    uint64_t measured = 0;
    json_t *stages = json_object();
    for (int i = 0; i < FV_ENGINE_STAGES; i++) {
        const struct fv_engine_stage *stage = &stats->stages[i];
        measured += stage->pictures;
        json_object_set_new(stages, stage->name,
                            json_pack("{s:I, s:f, s:f, s:f}", "pictures", integer(stage->pictures),
                                      "p50", ms(stage->p50), "p99", ms(stage->p99), "max",
                                      ms(stage->max)));
    }
    if (measured > 0)
        return stages;
    json_decref(stages);
    return NULL;
}

static json_t *classifier_object(const struct fv_engine_stats *stats)
{
    return json_pack("{s:s, s:I, s:I, s:I}", "name", stats->classifier, "classified",
                     integer(stats->classified), "skipped", integer(stats->classify_skipped),
                     "lost", integer(stats->classify_lost));
}

json_t *fv_summary_make(struct fv_engine *engine, const struct fv_summary_live *live)
{
    struct fv_engine_stats stats;
    fv_engine_stats(engine, &stats);
    json_t *cameras = json_array();
    for (uint32_t i = 0; cameras && i < stats.camera_count; i++) {
        struct fv_engine_camera camera;
        if (fv_engine_camera(engine, i, &camera) < 0)
            continue;
        json_array_append_new(cameras, camera_object(&camera, live->states[i]));
    }
    json_t *summary =
        json_pack("{s:s, s:f, s:f, s:s, s:s, s:I, s:I, s:{s:f, s:f, s:f}, s:f, s:o}", "name",
                  stats.name, "duration_s", tenths(live->duration_s), "cpu_percent_of_one_core",
                  tenths(live->cpu_percent), "backend", stats.backend, "runtime", stats.runtime,
                  "events_written", integer(stats.events_written), "events_dropped",
                  integer(stats.events_dropped), "age_ms", "p50", ms(stats.age_p50), "p99",
                  ms(stats.age_p99), "max", ms(stats.age_max), "pictures_per_batch",
                  stats.batches ? tenths((double)stats.batched / (double)stats.batches) : 0.0,
                  "cameras", cameras);
    json_t *stages = stages_object(&stats);
    if (stages)
        json_object_set_new(summary, "stages_ms", stages);
    if (summary && stats.classifier)
        json_object_set_new(summary, "classifier", classifier_object(&stats));
    struct fv_engine_gpu gpu;
    if (summary && fv_engine_gpu(engine, &gpu) == 0)
        json_object_set_new(summary, "gpu", gpu_object(&gpu));
    return summary;
}

int fv_summary_write(const char *path, const json_t *summary)
{
    char *temporary = NULL;
    if (asprintf(&temporary, "%s.tmp", path) < 0)
        return -ENOMEM;
    int r = 0;
    FILE *file = fopen(temporary, "w");
    if (!file)
        r = -errno;
    if (file) {
        int bad = json_dumpf(summary, file, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
        bad |= fputc('\n', file) == EOF;
        bad |= fclose(file) != 0;
        if (bad || rename(temporary, path) < 0)
            r = errno ? -errno : -EIO;
        if (r < 0)
            unlink(temporary);
    }
    free(temporary);
    return r;
}

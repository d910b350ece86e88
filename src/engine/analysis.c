// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/mem.h"
#include "track/tracker.h"

struct camera {
    struct fv_tracker *tracker;    /* NULL: tracking is off */
    const struct fv_track *tracks; /* of the last picture; the tracker's */
    uint32_t track_count;
    _Atomic uint64_t confirmed;
};

struct fv_analysis {
    float published; /* lowest score */
    uint32_t camera_count;
    struct camera *cameras;
};

/* A setting above 0 stays so as a float. */
static float above_zero(double value)
{
    return fmaxf((float)value, FLT_MIN);
}

float fv_analysis_threshold(const struct fv_config *config)
{
    double confidence = config->models.confidence;
    return (float)(config->tracking.enable ? fmin(confidence, config->tracking.low) : confidence);
}

static int open_tracker(struct camera *camera, const struct fv_config *config)
{
    struct fv_tracker_params params = fv_tracker_defaults;
    params.high_score = above_zero(config->tracking.high);
    params.low_score = (float)config->tracking.low;
    params.start_score = (float)config->models.confidence;
    params.match_cost = above_zero(config->tracking.match);
    params.buffer = above_zero(config->tracking.buffer);
    params.max_detections = FV_DETECTIONS_MAX;
    return fv_tracker_create(&params, &camera->tracker);
}

static int open_cameras(struct fv_analysis *analysis, const struct fv_config *config)
{
    analysis->cameras = fv_calloc(config->cameras.count + 1, sizeof(analysis->cameras[0]));
    if (!analysis->cameras)
        return -ENOMEM;
    for (unsigned i = 0; i < config->cameras.count; i++) {
        if (!config->cameras.items[i].enabled)
            continue;
        struct camera *camera = &analysis->cameras[analysis->camera_count++];
        int r = config->tracking.enable ? open_tracker(camera, config) : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

int fv_analysis_create(const struct fv_analysis_params *params, struct fv_analysis **ret_analysis,
                       struct fv_error *err)
{
    struct fv_analysis *analysis = FV_NEW(struct fv_analysis);
    if (!analysis)
        return fv_error_set(err, -ENOMEM, "out of memory");
    analysis->published = (float)params->config->models.confidence;
    int r = open_cameras(analysis, params->config);
    if (r < 0) {
        fv_analysis_destroy(analysis);
        return fv_error_set(err, r, "tracking could not be set up: %s", fv_strerror(r));
    }
    *ret_analysis = analysis;
    return 0;
}

void fv_analysis_destroy(struct fv_analysis *analysis)
{
    if (!analysis)
        return;
    for (uint32_t i = 0; i < analysis->camera_count; i++)
        fv_tracker_destroy(analysis->cameras[i].tracker);
    fv_free(analysis->cameras);
    fv_free(analysis);
}

/* Pictures that no network brought have no packets. */
static int64_t time_of(const struct fv_result *result)
{
    const struct fv_stamps *at = &result->info.at;
    return at->last_packet != FV_TIME_UNKNOWN ? at->last_packet : at->event;
}

static void number_detections(const struct camera *camera, struct fv_result *result)
{
    for (uint32_t i = 0; i < result->count; i++)
        result->detections[i].track = 0;
    for (uint32_t i = 0; i < camera->track_count; i++) {
        const struct fv_track *track = &camera->tracks[i];
        if (track->detection >= 0)
            result->detections[track->detection].track = track->id;
    }
}

/* They keep their order. */
static void leave_published(struct fv_result *result, float least)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < result->count; i++)
        if (result->detections[i].score >= least)
            result->detections[kept++] = result->detections[i];
    result->count = kept;
}

void fv_analysis_track(struct fv_analysis *analysis, struct fv_result *result)
{
    struct camera *camera = &analysis->cameras[result->info.camera];
    if (!camera->tracker)
        return;
    int count = fv_tracker_update(camera->tracker, result->detections, result->count,
                                  time_of(result), &camera->tracks);
    camera->track_count = count > 0 ? (uint32_t)count : 0;
    number_detections(camera, result);
    leave_published(result, analysis->published);
    struct fv_tracker_stats stats;
    fv_tracker_stats(camera->tracker, &stats);
    camera->confirmed = stats.confirmed;
}

void fv_analysis_figures(const struct fv_analysis *analysis, uint32_t camera,
                         struct fv_analysis_figures *ret_figures)
{
    *ret_figures = (struct fv_analysis_figures){.tracks = analysis->cameras[camera].confirmed};
}

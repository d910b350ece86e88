// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "engine/picture_clock.h"
#include "engine/rules.h"
#include "track/tracker.h"
#include "zone/zone.h"

/* A camera that sent nothing for so long is away: its rules' clock goes on, but stays behind by a time in which pictures may still
 * be on their way. A picture older than that clock would be left out. */
#define AWAY (3 * FV_S)
#define ON_THE_WAY (2 * FV_S)

/* Tracker and rules are there even when tracking is off or nothing is to be watched: a reload may change that, and numbers of
 * tracks and events must go on. Their memory is not touched before it is needed. */
struct camera {
    char *name;    /* NULL: a place without a camera */
    bool tracking; /* as configured */
    bool watched;  /* there are rules */
    struct fv_tracker *tracker;
    struct fv_analytics *analytics;
    struct fv_picture_clock clock;
    const struct fv_track *tracks; /* of the last picture; the tracker's */
    uint32_t track_count;
    struct fv_zone_frame last; /* picture that was judged, without its tracks */
    int64_t heard;             /* when it came; FV_TIME_UNKNOWN before the first */
    _Atomic uint64_t confirmed, rule_events, crossings, dwells;
};

struct fv_analysis {
    float published; /* lowest score */
    uint32_t camera_count;
    struct camera *cameras;
    struct fv_tracked *seen; /* room for one picture */
    uint32_t seen_max;
    void (*event)(void *data, const struct fv_zone_event *event);
    void *data;
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

static struct fv_tracker_params tracker_params(const struct fv_config *config)
{
    struct fv_tracker_params params = fv_tracker_defaults;
    params.high_score = above_zero(config->tracking.high);
    params.low_score = (float)config->tracking.low;
    params.start_score = (float)config->models.confidence;
    params.match_cost = above_zero(config->tracking.match);
    params.buffer = above_zero(config->tracking.buffer);
    params.max_detections = FV_DETECTIONS_MAX;
    return params;
}

static void on_event(void *data, const struct fv_zone_event *event)
{
    struct fv_analysis *analysis = data;
    struct camera *camera = &analysis->cameras[event->camera];
    camera->rule_events++;
    camera->crossings += event->type == FV_ZONE_CROSSING;
    camera->dwells += event->type == FV_ZONE_DWELL && event->phase == FV_PHASE_START;
    analysis->event(analysis->data, event);
}

/* A track that comes back keeps its number for the tracker's buffer: its rules must not forget it sooner. */
static int64_t memory_of(const struct fv_config *config)
{
    double buffer = config->tracking.buffer / 30 * (double)FV_S;
    return (int64_t)fmin(fmax(buffer, (double)FV_ZONE_LOST), (double)FV_ZONE_TIME_MAX);
}

/* A camera on its way in. */
struct opening {
    struct fv_analysis *analysis;
    const struct fv_analysis_params *params;
    const struct fv_conf_camera *conf;
    uint32_t index;
    struct fv_rules *rules; /* scratch */
};

static int open_rules(const struct opening *in, struct fv_error *err)
{
    const struct fv_analysis_params *params = in->params;
    struct fv_analysis *analysis = in->analysis;
    struct fv_rules *rules = in->rules;
    int r = fv_rules_make(rules, params->config, in->conf, params->model, err);
    if (r < 0)
        return r;
    struct camera *camera = &analysis->cameras[in->index];
    camera->watched = camera->tracking && rules->count > 0;
    struct fv_analytics_params analytics = {
        .camera = in->index,
        .rules = rules->items,
        .rule_count = camera->watched ? rules->count : 0,
        .tracks_max = camera->watched ? analysis->seen_max : 1,
        .lost = memory_of(params->config),
        .event = on_event,
        .data = analysis,
    };
    r = fv_analytics_create(&analytics, &camera->analytics, err);
    return r < 0 ? fv_error_prefix(err, r, "camera '%s'", in->conf->name) : 0;
}

static int open_camera(const struct opening *in, struct fv_error *err)
{
    struct camera *camera = &in->analysis->cameras[in->index];
    const struct fv_tracker_params tracker = tracker_params(in->params->config);
    camera->heard = FV_TIME_UNKNOWN;
    camera->tracking = in->params->config->tracking.enable;
    camera->name = fv_strdup(in->conf->name);
    int r = camera->name ? fv_tracker_create(&tracker, &camera->tracker) : -ENOMEM;
    if (r < 0)
        return fv_error_set(err, r, "tracking could not be set up: %s", fv_strerror(r));
    return open_rules(in, err);
}

static int open_cameras(struct fv_analysis *analysis, const struct fv_analysis_params *params,
                        struct fv_error *err)
{
    const struct fv_config *config = params->config;
    struct fv_rules *rules = FV_NEW(struct fv_rules); /* for create only; large for a stack */
    analysis->camera_count = params->room ? params->room : config->cameras.count;
    analysis->seen_max = fv_tracker_defaults.max_tracks;
    analysis->seen = fv_calloc(analysis->seen_max, sizeof(analysis->seen[0]));
    analysis->cameras = fv_calloc(analysis->camera_count + 1, sizeof(analysis->cameras[0]));
    int r = 0;
    if (!rules || !analysis->seen || !analysis->cameras)
        r = fv_error_set(err, -ENOMEM, "out of memory");
    struct opening in = {.analysis = analysis, .params = params, .rules = rules};
    for (unsigned i = 0, n = 0; r == 0 && i < config->cameras.count; i++) {
        in.conf = &config->cameras.items[i];
        if (!in.conf->enabled)
            continue;
        in.index = params->places ? params->places[n] : n;
        n++;
        r = open_camera(&in, err);
    }
    fv_free(rules);
    return r;
}

int fv_analysis_create(const struct fv_analysis_params *params, struct fv_analysis **ret_analysis,
                       struct fv_error *err)
{
    struct fv_analysis *analysis = FV_NEW(struct fv_analysis);
    if (!analysis)
        return fv_error_set(err, -ENOMEM, "out of memory");
    analysis->published = (float)params->config->models.confidence;
    analysis->event = params->event;
    analysis->data = params->data;
    int r = open_cameras(analysis, params, err);
    if (r < 0) {
        fv_analysis_destroy(analysis);
        return r;
    }
    *ret_analysis = analysis;
    return 0;
}

void fv_analysis_destroy(struct fv_analysis *analysis)
{
    if (!analysis)
        return;
    for (uint32_t i = 0; analysis->cameras && i < analysis->camera_count; i++) {
        fv_analytics_destroy(analysis->cameras[i].analytics);
        fv_tracker_destroy(analysis->cameras[i].tracker);
        fv_free(analysis->cameras[i].name);
    }
    fv_free(analysis->cameras);
    fv_free(analysis->seen);
    fv_free(analysis);
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
    if (!camera->tracking)
        return;
    int count =
        fv_tracker_update(camera->tracker, result->detections, result->count,
                          fv_picture_clock_time(&camera->clock, &result->info), &camera->tracks);
    camera->track_count = count > 0 ? (uint32_t)count : 0;
    number_detections(camera, result);
    leave_published(result, analysis->published);
    struct fv_tracker_stats stats;
    fv_tracker_stats(camera->tracker, &stats);
    camera->confirmed = stats.confirmed;
}

static uint32_t list_seen(struct fv_analysis *analysis, const struct camera *camera,
                          const struct fv_frame_info *info)
{
    float width = (float)info->width, height = (float)info->height;
    uint32_t count = 0;
    for (uint32_t i = 0; i < camera->track_count && count < analysis->seen_max; i++) {
        const struct fv_track *track = &camera->tracks[i];
        if (track->state != FV_TRACK_TRACKED)
            continue;
        analysis->seen[count++] = (struct fv_tracked){
            .id = track->id,
            .class_id = track->class_id,
            .state = FV_TRACKED_SEEN,
            .score = track->score,
            .x0 = track->x0 / width,
            .y0 = track->y0 / height,
            .x1 = track->x1 / width,
            .y1 = track->y1 / height,
        };
    }
    return count;
}

void fv_analysis_judge(struct fv_analysis *analysis, const struct fv_result *result)
{
    const struct fv_frame_info *info = &result->info;
    struct camera *camera = &analysis->cameras[info->camera];
    if (!camera->watched || info->width == 0 || info->height == 0)
        return;
    camera->heard = info->at.event;
    camera->last = (struct fv_zone_frame){
        .time = camera->clock.last,
        .pts = info->pts,
        .wall = info->wall,
        .epoch = info->epoch,
        .number = info->number,
        .width = info->width,
        .height = info->height,
    };
    struct fv_zone_frame frame = camera->last;
    frame.tracks = analysis->seen;
    frame.track_count = list_seen(analysis, camera, info);
    /* A picture that comes too late is not used: the analytics count it. */
    (void)fv_analytics_frame(camera->analytics, &frame);
}

void fv_analysis_idle(struct fv_analysis *analysis, int64_t now)
{
    for (uint32_t i = 0; i < analysis->camera_count; i++) {
        const struct camera *camera = &analysis->cameras[i];
        if (!camera->watched || camera->heard == FV_TIME_UNKNOWN || now - camera->heard < AWAY)
            continue;
        struct fv_zone_frame frame = camera->last;
        frame.time += now - camera->heard - ON_THE_WAY;
        (void)fv_analytics_frame(camera->analytics, &frame);
    }
}

void fv_analysis_stop(struct fv_analysis *analysis)
{
    for (uint32_t i = 0; i < analysis->camera_count; i++)
        if (analysis->cameras[i].analytics)
            fv_analytics_stop(analysis->cameras[i].analytics);
}

/* --- reload --------------------------------------------------------------------------------------- */

static struct camera *find_camera(struct fv_analysis *analysis, const char *name)
{
    for (uint32_t i = 0; i < analysis->camera_count; i++)
        if (analysis->cameras[i].name && strcmp(analysis->cameras[i].name, name) == 0)
            return &analysis->cameras[i];
    return NULL;
}

/* The old tracker goes on with the new settings. */
static void move_tracker(struct camera *to, struct camera *from)
{
    struct fv_tracker *fresh = to->tracker;
    /* In its range: the fresh one was made with it. */
    (void)fv_tracker_adjust(from->tracker, fv_tracker_params(fresh));
    to->tracker = from->tracker;
    from->tracker = fresh;
    from->tracks = NULL;
    from->track_count = 0;
}

static void move_camera(struct camera *to, struct camera *from)
{
    fv_analytics_take_over(to->analytics, from->analytics);
    move_tracker(to, from);
    to->clock = from->clock;
    to->last = from->last;
    to->heard = from->heard;
    to->confirmed = from->confirmed;
    to->rule_events = from->rule_events;
    to->crossings = from->crossings;
    to->dwells = from->dwells;
}

void fv_analysis_take_over(struct fv_analysis *fresh, struct fv_analysis *old)
{
    for (uint32_t i = 0; i < old->camera_count; i++) {
        struct camera *from = &old->cameras[i];
        struct camera *to = from->name ? find_camera(fresh, from->name) : NULL;
        if (!from->name)
            continue; /* a place without a camera */
        if (to)
            move_camera(to, from);
        else
            fv_analytics_stop(from->analytics);
    }
}

/* --- figures -------------------------------------------------------------------------------------- */

void fv_analysis_figures(const struct fv_analysis *analysis, uint32_t index,
                         struct fv_analysis_figures *ret_figures)
{
    const struct camera *camera = &analysis->cameras[index];
    *ret_figures = (struct fv_analysis_figures){
        .tracks = camera->confirmed,
        .rule_events = camera->rule_events,
        .crossings = camera->crossings,
        .dwells = camera->dwells,
    };
}

// SPDX-License-Identifier: Apache-2.0
#include "sink/trails.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/mem.h"

/* Points of pictures that were noted while an earlier one waited to be drawn. */
#define AHEAD 32

struct point {
    uint64_t number; /* of the picture */
    int64_t time;
    struct fv_trail_point at;
};

struct track {
    uint64_t id; /* 0: none */
    int64_t last;
    unsigned next, count; /* a ring in points[] */
    struct point *points;
};

struct fv_trails {
    struct fv_trails_params params;
    unsigned room;        /* points of a track */
    pthread_mutex_t lock; /* of all below */
    struct track *tracks;
    struct point *points;
    struct fv_trail_point *shown; /* of one trail */
};

int fv_trails_create(const struct fv_trails_params *params, struct fv_trails **ret_trails)
{
    struct fv_trails *trails = FV_NEW(struct fv_trails);
    if (!trails)
        return -ENOMEM;
    const size_t tracks = (size_t)params->cameras * params->tracks;
    trails->params = *params;
    trails->room = params->points + AHEAD;
    pthread_mutex_init(&trails->lock, NULL);
    trails->tracks = fv_calloc(tracks + 1, sizeof(*trails->tracks));
    trails->points = fv_calloc(tracks * trails->room + 1, sizeof(*trails->points));
    trails->shown = fv_calloc(trails->room, sizeof(*trails->shown));
    if (!trails->tracks || !trails->points || !trails->shown) {
        fv_trails_destroy(trails);
        return -ENOMEM;
    }
    for (size_t i = 0; i < tracks; i++)
        trails->tracks[i].points = trails->points + i * trails->room;
    *ret_trails = trails;
    return 0;
}

void fv_trails_destroy(struct fv_trails *trails)
{
    if (!trails)
        return;
    fv_free(trails->tracks);
    fv_free(trails->points);
    fv_free(trails->shown);
    pthread_mutex_destroy(&trails->lock);
    fv_free(trails);
}

static int64_t time_of(const struct fv_frame_info *info)
{
    return info->at.last_packet != FV_TIME_UNKNOWN ? info->at.last_packet : info->at.event;
}

/* The track's own place, a free one, or that of the track not seen for longest. */
static struct track *place_of(struct fv_trails *trails, uint32_t camera, uint64_t id)
{
    struct track *tracks = trails->tracks + (size_t)camera * trails->params.tracks;
    struct track *best = tracks;
    for (unsigned i = 0; i < trails->params.tracks; i++) {
        if (tracks[i].id == id)
            return &tracks[i];
        if (best->id && (!tracks[i].id || tracks[i].last < best->last))
            best = &tracks[i];
    }
    best->id = id;
    best->next = best->count = 0;
    return best;
}

static void note_one(struct fv_trails *trails, const struct fv_frame_info *info,
                     const struct fv_detection *d)
{
    struct track *track = place_of(trails, info->camera, d->track);
    track->last = time_of(info);
    track->points[track->next] = (struct point){
        .number = info->number,
        .time = track->last,
        .at = {(d->x0 + d->x1) / 2 / (float)info->width, d->y1 / (float)info->height}};
    track->next = (track->next + 1) % trails->room;
    track->count += track->count < trails->room;
}

void fv_trails_note(struct fv_trails *trails, const struct fv_result *result)
{
    const struct fv_frame_info *info = &result->info;
    if (info->camera >= trails->params.cameras || !trails->params.tracks || !info->width ||
        !info->height)
        return;
    pthread_mutex_lock(&trails->lock);
    for (uint32_t i = 0; i < result->count; i++)
        if (result->detections[i].track)
            note_one(trails, info, &result->detections[i]);
    pthread_mutex_unlock(&trails->lock);
}

/* The i-th point from the newest. */
static const struct point *point_at(const struct fv_trails *trails, const struct track *track,
                                    unsigned i)
{
    return &track->points[(track->next + trails->room - 1 - i) % trails->room];
}

/* False: it has no point up to this picture. */
static bool make_trail(struct fv_trails *trails, const struct track *track,
                       const struct fv_frame_info *info, struct fv_trail *trail)
{
    unsigned skip = 0;
    while (skip < track->count && point_at(trails, track, skip)->number > info->number)
        skip++;
    if (!track->id || skip == track->count)
        return false;
    unsigned count = track->count - skip;
    if (count > trails->params.points)
        count = trails->params.points;
    for (unsigned i = 0; i < count; i++)
        trails->shown[count - 1 - i] = point_at(trails, track, skip + i)->at;
    *trail = (struct fv_trail){.track = track->id,
                               .unseen = time_of(info) - point_at(trails, track, skip)->time,
                               .points = trails->shown,
                               .count = count};
    return true;
}

void fv_trails_visit(struct fv_trails *trails, const struct fv_frame_info *info,
                     void (*visit)(void *data, const struct fv_trail *trail), void *data)
{
    if (info->camera >= trails->params.cameras)
        return;
    const struct track *tracks = trails->tracks + (size_t)info->camera * trails->params.tracks;
    pthread_mutex_lock(&trails->lock);
    for (unsigned i = 0; i < trails->params.tracks; i++) {
        struct fv_trail trail;
        if (make_trail(trails, &tracks[i], info, &trail))
            visit(data, &trail);
    }
    pthread_mutex_unlock(&trails->lock);
}

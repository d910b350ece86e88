// SPDX-License-Identifier: Apache-2.0
/* A camera's statistics: sums over its connections, shown to other threads as a snapshot. */
#include <math.h>

#include "ingest/impl.h"

#define SHOW_EVERY (100 * FV_MS)

static void add_receiver(struct fv_camera_stats *stats, const struct fv_rtp_stats *rtp)
{
    stats->access_units += rtp->access_units;
    stats->keyframes += rtp->keyframes;
    stats->bytes += rtp->bytes;
    stats->packets += rtp->packets;
    stats->lost += rtp->lost;
    stats->reordered += rtp->reordered;
    stats->duplicates += rtp->duplicates;
    stats->invalid += rtp->invalid;
    stats->skipped += rtp->skipped;
    stats->damaged += rtp->damaged;
    stats->no_buffer += rtp->no_buffer;
    if (rtp->video.codec == FV_CODEC_NONE)
        return;
    stats->codec = rtp->video.codec;
    stats->width = rtp->video.width;
    stats->height = rtp->video.height;
}

void fv_camera_harvest(struct fv_camera *camera)
{
    const struct fv_rtp_stats *rtp = fv_rtp_stats(camera->rtp);
    add_receiver(&camera->sums, rtp);
    /* The next connection's timeline and parameter sets are other ones. */
    camera->epoch = rtp->epoch + 1;
    camera->format = rtp->format + 1;
}

/* The lock is held. */
static void fill(struct fv_camera *camera)
{
    struct fv_camera_stats *shown = &camera->shown;
    *shown = camera->sums;
    shown->drift_ppm = NAN;
    if (!camera->rtp)
        return;
    const struct fv_rtp_stats *rtp = fv_rtp_stats(camera->rtp);
    const struct fv_rtsp_stream *stream = camera->rtsp ? fv_rtsp_stream(camera->rtsp) : NULL;
    add_receiver(shown, rtp);
    shown->drift_ppm = rtp->drift_ppm;
    if (stream && stream->clock_rate)
        shown->jitter_us = (uint32_t)((uint64_t)rtp->jitter * 1000000 / stream->clock_rate);
}

void fv_camera_show(struct fv_camera *camera)
{
    pthread_mutex_lock(&camera->lock);
    fill(camera);
    pthread_mutex_unlock(&camera->lock);
    camera->shown_at = fv_camera_now(camera);
}

void fv_camera_show_sometimes(struct fv_camera *camera)
{
    int64_t now = fv_camera_now(camera);
    if (now - camera->shown_at < SHOW_EVERY || pthread_mutex_trylock(&camera->lock) != 0)
        return;
    fill(camera);
    pthread_mutex_unlock(&camera->lock);
    camera->shown_at = now;
}

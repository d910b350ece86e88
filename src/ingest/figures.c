// SPDX-License-Identifier: Apache-2.0
/* A camera's statistics: sums over its connections, shown to other threads as a snapshot. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ingest/impl.h"

#define SHOW_EVERY (200 * FV_MS)

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

void fv_camera_note_change(struct fv_camera *camera, enum fv_camera_state from, int code)
{
    pthread_mutex_lock(&camera->lock);
    struct fv_camera_change *change = &camera->history[camera->changes++ % FV_CAMERA_HISTORY];
    *change = (struct fv_camera_change){
        .from = from,
        .to = camera->sums.state,
        .code = code,
        .at = camera->sums.since,
        .wall = fv_wall(),
    };
    memcpy(change->reason, camera->sums.reason, sizeof(change->reason));
    pthread_mutex_unlock(&camera->lock);
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

/* What changes while a camera plays. The lock is held. */
static void describe_media(struct fv_camera *camera)
{
    struct fv_camera_description *description = &camera->description;
    if (!camera->rtsp || !camera->rtp)
        return;
    description->counters = *fv_rtsp_counters(camera->rtsp);
    description->quirks = *fv_rtp_quirks(camera->rtp);
    description->video = fv_rtp_stats(camera->rtp)->video;
    description->sender_reports = fv_rtp_stats(camera->rtp)->sender_reports;
}

/* The lock is held. */
static void describe_session(struct fv_camera *camera)
{
    struct fv_camera_description *description = &camera->description;
    const struct fv_rtsp *rtsp = camera->rtsp;
    const struct fv_rtsp_stream *stream = fv_rtsp_stream(rtsp);
    const struct fv_rtsp_offer *offers;
    *description = (struct fv_camera_description){
        .transport = fv_camera_transport(camera),
        .login_withheld = camera->params.url.has_user && !camera->target.has_user,
        .receive_buffer = camera->udp.rtp.fd >= 0 ? camera->udp.receive_buffer : 0,
        .login = fv_rtsp_login(rtsp),
        .status = fv_rtsp_failure(rtsp)->status,
        .offer_count = fv_rtsp_offers(rtsp, &offers),
        .counters = *fv_rtsp_counters(rtsp),
        .first_packet = camera->first_packet,
    };
    snprintf(description->server, sizeof(description->server), "%s", fv_rtsp_server(rtsp));
    snprintf(description->methods, sizeof(description->methods), "%s", fv_rtsp_methods(rtsp));
    memcpy(description->offers, offers, sizeof(description->offers));
    if (stream) {
        description->payload_type = stream->payload_type;
        description->clock_rate = stream->clock_rate;
        description->fps = stream->fps;
        description->sdp_quirks = stream->quirks;
    }
    describe_media(camera);
}

/* The lock is held. */
static void describe(struct fv_camera *camera)
{
    char peer[FV_ADDR_TEXT];
    if (camera->rtsp)
        describe_session(camera);
    if (fv_conn_peer(&camera->conn, peer)[0])
        memcpy(camera->description.peer, peer, sizeof(peer));
    camera->description.reached = fv_conn_reached(&camera->conn);
}

void fv_camera_describe(struct fv_camera *camera)
{
    pthread_mutex_lock(&camera->lock);
    describe(camera);
    pthread_mutex_unlock(&camera->lock);
}

void fv_camera_show(struct fv_camera *camera)
{
    pthread_mutex_lock(&camera->lock);
    fill(camera);
    describe(camera);
    pthread_mutex_unlock(&camera->lock);
    camera->shown_at = fv_camera_now(camera);
}

void fv_camera_show_sometimes(struct fv_camera *camera)
{
    int64_t now = fv_camera_now(camera);
    if (now - camera->shown_at < SHOW_EVERY || pthread_mutex_trylock(&camera->lock) != 0)
        return;
    fill(camera);
    describe_media(camera);
    pthread_mutex_unlock(&camera->lock);
    camera->shown_at = now;
}

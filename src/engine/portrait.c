// SPDX-License-Identifier: Apache-2.0
#include "engine/portrait.h"

#include <stdio.h>
#include <string.h>

#include "rtp/quirks.h"
#include "rtsp/sdp.h"

_Static_assert(FV_RECEIVER_OFFERS_MAX == FV_RTSP_OFFERS_MAX, "every offer has its place");
_Static_assert(FV_RECEIVER_QUIRKS_MAX >= 17 + FV_QUIRK_COUNT, "every quirk has its place");

void fv_portrait_stats(const struct fv_camera_stats *stats, struct fv_receiver_stats *ret_stats)
{
    *ret_stats = (struct fv_receiver_stats){
        .state = stats->state,
        .since = stats->since,
        .codec = fv_codec_name(stats->codec),
        .width = stats->width,
        .height = stats->height,
        .access_units = stats->access_units,
        .keyframes = stats->keyframes,
        .packets = stats->packets,
        .bytes = stats->bytes,
        .lost = stats->lost,
        .reordered = stats->reordered,
        .duplicates = stats->duplicates,
        .invalid = stats->invalid,
        .skipped = stats->skipped,
        .damaged = stats->damaged,
        .no_room = stats->no_buffer + stats->refused,
        .attempts = stats->attempts,
        .connects = stats->connects,
        .reconnects = stats->reconnects,
        .failures = stats->failures,
        .retry_at = stats->retry_at,
        .first_unit = stats->first_au,
        .drift_ppm = stats->drift_ppm,
        .jitter_us = stats->jitter_us,
    };
    snprintf(ret_stats->reason, sizeof(ret_stats->reason), "%s", stats->reason);
}

static const char *transport_name(enum fv_transport transport)
{
    static const char *const names[] = {
        [FV_TRANSPORT_AUTO] = "auto",
        [FV_TRANSPORT_TCP] = "tcp",
        [FV_TRANSPORT_UDP] = "udp",
        [FV_TRANSPORT_TLS] = "tls",
    };
    return names[transport];
}

static void set_offers(const struct fv_camera_description *from, struct fv_receiver_details *to)
{
    for (unsigned i = 0; i < from->offer_count; i++) {
        const struct fv_rtsp_offer *offer = &from->offers[i];
        struct fv_receiver_offer *out = &to->offers[to->offer_count++];
        snprintf(out->type, sizeof(out->type), "%s", offer->type);
        snprintf(out->encoding, sizeof(out->encoding), "%s", offer->encoding);
        out->clock_rate = offer->clock_rate;
        out->chosen = offer->chosen;
    }
}

static void add_quirk(struct fv_receiver_details *to, const char *name, const char *policy,
                      uint32_t count)
{
    if (to->quirk_count < FV_RECEIVER_QUIRKS_MAX)
        to->quirks[to->quirk_count++] = (struct fv_receiver_quirk){name, policy, count};
}

static void set_quirks(const struct fv_camera_description *from, struct fv_receiver_details *to)
{
    for (unsigned bit = 0; bit < 32; bit++) {
        if (!(from->sdp_quirks & 1u << bit))
            continue;
        enum fv_sdp_quirk quirk = (enum fv_sdp_quirk)(1u << bit);
        add_quirk(to, fv_sdp_quirk_name(quirk), fv_sdp_quirk_policy(quirk), 1);
    }
    for (enum fv_quirk quirk = 0; quirk < FV_QUIRK_COUNT; quirk++) {
        const struct fv_quirk_info *info = fv_quirk_info(quirk);
        if (fv_quirk_learned(&from->quirks, quirk))
            add_quirk(to, info->name, info->policy, from->quirks.met[quirk]);
    }
}

static void set_video(const struct fv_camera_description *from, struct fv_receiver_details *to)
{
    const struct fv_video_format *video = &from->video;
    to->codec = fv_codec_name(video->codec);
    to->width = video->width;
    to->height = video->height;
    to->profile = video->profile;
    to->level = video->level;
    to->bit_depth = video->bit_depth;
    to->chroma = video->chroma;
    to->interlaced = video->interlaced;
    to->full_range = video->full_range;
    to->reorder_known = video->reorder_known;
    to->reorder_frames = video->reorder_frames;
    to->declared_fps = from->fps;
    if (!(to->declared_fps > 0) && video->fps_den)
        to->declared_fps = (double)video->fps_num / video->fps_den;
}

void fv_portrait_details(const struct fv_camera_description *description,
                         struct fv_receiver_details *ret_details)
{
    *ret_details = (struct fv_receiver_details){
        .reached = description->reached,
        .login_withheld = description->login_withheld,
        .transport = transport_name(description->transport),
        .login = description->login,
        .status = description->status,
        .sender_reports = description->sender_reports,
        .first_packet = description->first_packet,
        .foreign_packets = description->counters.foreign_frames,
        .garbage_bytes = description->counters.garbage,
        .keepalives = description->counters.keepalives,
        .keepalives_unanswered = description->counters.keepalives_unanswered,
    };
    snprintf(ret_details->peer, sizeof(ret_details->peer), "%s", description->peer);
    snprintf(ret_details->server, sizeof(ret_details->server), "%s", description->server);
    snprintf(ret_details->methods, sizeof(ret_details->methods), "%s", description->methods);
    set_video(description, ret_details);
    set_offers(description, ret_details);
    set_quirks(description, ret_details);
}

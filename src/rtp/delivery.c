// SPDX-License-Identifier: Apache-2.0
/* Which pictures leave the receiver, with which times and flags. */
#include <math.h>

#include "rtp/state.h"

static void set_waiting(struct fv_rtp *rtp, bool waiting)
{
    rtp->stats.waiting_key = waiting;
    rtp->assembly.key_only = waiting;
}

void fv_rtp_await_key(struct fv_rtp *receiver)
{
    set_waiting(receiver, true);
}

void fv_delivery_lost(struct fv_rtp *rtp)
{
    if (rtp->params.on_loss == FV_ON_LOSS_SKIP)
        set_waiting(rtp, true);
    else
        rtp->degraded = true;
}

static void new_epoch(struct fv_rtp *rtp)
{
    rtp->stats.epoch = rtp->timeline.epoch;
    rtp->stats.drift_ppm = NAN;
    fv_sender_clock_reset(&rtp->clock);
}

void fv_delivery_restart(struct fv_rtp *rtp)
{
    fv_timeline_restart(&rtp->timeline);
    new_epoch(rtp);
    set_waiting(rtp, true);
}

/* Tells of new parameter sets before the first key picture that carries them. */
static void announce_format(struct fv_rtp *rtp)
{
    if (rtp->announced && rtp->announced_changes == rtp->sets.changes)
        return;
    rtp->stats.format += rtp->announced;
    rtp->announced = true;
    rtp->announced_changes = rtp->sets.changes;
    rtp->stats.video = rtp->sets.format;
    if (rtp->params.handler.format)
        rtp->params.handler.format(rtp->params.handler.data, &rtp->stats.video, rtp->stats.format);
}

/* May this picture leave? Counts why not. */
static bool admit(struct fv_rtp *rtp, const struct fv_unit *unit)
{
    struct fv_rtp_stats *stats = &rtp->stats;
    switch (unit->state) {
    case FV_UNIT_DAMAGED:
        stats->damaged++;
        fv_delivery_lost(rtp);
        return !stats->waiting_key && unit->size > 0;
    case FV_UNIT_NO_BUFFER:
        stats->no_buffer++;
        fv_delivery_lost(rtp);
        return false;
    case FV_UNIT_UNWANTED:
        stats->skipped++;
        return false;
    case FV_UNIT_WHOLE:
        break;
    }
    if (stats->waiting_key && !unit->key) {
        stats->skipped++;
        return false;
    }
    return true;
}

static uint32_t flags_of(struct fv_rtp *rtp, const struct fv_unit *unit)
{
    if (unit->state == FV_UNIT_DAMAGED)
        return FV_FRAME_DAMAGED; /* not a place to start from, even if it was to be a key picture */
    if (unit->key) {
        set_waiting(rtp, false);
        rtp->degraded = false;
        announce_format(rtp);
        rtp->stats.keyframes++;
        return FV_FRAME_KEY;
    }
    rtp->stats.damaged += rtp->degraded;
    return rtp->degraded ? FV_FRAME_DAMAGED : 0;
}

void fv_delivery_picture_ended(void *data, const struct fv_unit *unit)
{
    struct fv_rtp *rtp = data;
    if (fv_timeline_advance(&rtp->timeline, unit->timestamp, unit->last_packet))
        new_epoch(rtp);
    if (!admit(rtp, unit))
        return;
    uint32_t flags = flags_of(rtp, unit);
    struct fv_au au = {
        .buf = fv_buf_ref(unit->buf),
        .size = unit->size,
        .codec = rtp->params.codec->codec,
        .camera = rtp->params.camera,
        .epoch = rtp->timeline.epoch,
        .format = rtp->stats.format,
        .flags = flags,
        .rtp_time = unit->timestamp,
        .pts = fv_timeline_pts(&rtp->timeline),
        .wall = fv_sender_clock_wall(&rtp->clock, unit->timestamp),
        .first_packet = unit->first_packet,
        .last_packet = unit->last_packet,
        .delivered = rtp->now,
    };
    rtp->stats.access_units++;
    rtp->stats.last_au = rtp->now;
    rtp->params.handler.au(rtp->params.handler.data, &au);
    fv_au_drop(&au);
}

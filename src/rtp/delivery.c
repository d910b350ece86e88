// SPDX-License-Identifier: Apache-2.0
/* Which pictures leave the receiver, with which times and flags. */
#include <math.h>

#include "rtp/state.h"

static void set_waiting(struct fv_rtp *rtp, bool waiting)
{
    rtp->stats.waiting_key = waiting;
    rtp->assembly.key_only = waiting;
    rtp->mending = 0;
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
    rtp->mending = 0;
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
    bool useless = stats->waiting_key && !unit->key && !unit->point;
    if (useless || (unit->role.leading && rtp->leading == FV_LEADING_DROPPED)) {
        stats->skipped++;
        return false;
    }
    return true;
}

/* Decoding can start at a key picture. Its RASL pictures refer to what came before it. */
static void start_at_key(struct fv_rtp *rtp, const struct fv_unit *unit)
{
    if (rtp->stats.waiting_key || unit->role.broken)
        rtp->leading = FV_LEADING_DROPPED;
    else
        rtp->leading = rtp->degraded ? FV_LEADING_MARKED : FV_LEADING_KEPT;
    set_waiting(rtp, false);
    rtp->degraded = false;
}

/* ... or at a recovery point: then the pictures up to the end of its refresh are not whole. */
static void start_at_point(struct fv_rtp *rtp, const struct fv_unit *unit)
{
    if (!rtp->stats.waiting_key && !rtp->degraded)
        return;
    set_waiting(rtp, false);
    rtp->degraded = false;
    rtp->mending = unit->until_whole;
}

static uint32_t partial(struct fv_rtp *rtp, const struct fv_unit *unit)
{
    if (rtp->mending == 0)
        return 0;
    rtp->mending -= unit->role.counts;
    return FV_FRAME_PARTIAL;
}

static uint32_t start(struct fv_rtp *rtp, const struct fv_unit *unit)
{
    announce_format(rtp);
    rtp->stats.keyframes++;
    if (unit->key) {
        start_at_key(rtp, unit);
        return FV_FRAME_KEY;
    }
    start_at_point(rtp, unit);
    rtp->stats.recovery_points++;
    return FV_FRAME_KEY | FV_FRAME_RECOVERY | partial(rtp, unit);
}

static uint32_t flags_of(struct fv_rtp *rtp, const struct fv_unit *unit)
{
    if (unit->state == FV_UNIT_DAMAGED)
        return FV_FRAME_DAMAGED; /* not a place to start from, even if it was to be a key picture */
    if (unit->key || unit->point)
        return start(rtp, unit);
    bool damaged = rtp->degraded || (unit->role.leading && rtp->leading == FV_LEADING_MARKED);
    rtp->stats.damaged += damaged;
    return partial(rtp, unit) | (damaged ? FV_FRAME_DAMAGED : 0);
}

void fv_delivery_picture_ended(void *data, struct fv_unit *unit)
{
    struct fv_rtp *rtp = data;
    if (fv_timeline_advance(&rtp->timeline, unit->timestamp, unit->last_packet))
        new_epoch(rtp);
    if (!admit(rtp, unit))
        return;
    uint32_t flags = flags_of(rtp, unit);
    struct fv_au au = {
        .buf = unit->buf,
        .size = unit->size,
        .codec = rtp->params.codec,
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
    unit->buf = NULL; /* the reference is the access unit's now */
    rtp->stats.access_units++;
    rtp->stats.last_au = rtp->now;
    rtp->params.handler.au(rtp->params.handler.data, &au);
    fv_au_drop(&au);
}

// SPDX-License-Identifier: Apache-2.0
#include <math.h>

#include "probe.h"

static void start_epoch(struct fv_probe_measure *m, const struct fv_access_unit *unit)
{
    if (m->pictures) {
        m->epochs++;
        m->span += m->highest - m->lowest;
    }
    m->epoch = unit->epoch;
    m->lowest = m->highest = unit->pts;
    m->in_epoch = 0;
    m->key_seen = false;
}

static void end_gop(struct fv_probe_measure *m, int64_t pts)
{
    int64_t span = pts - m->key_pts;
    if (span <= 0)
        return;
    m->gops++;
    m->gop_pictures += m->since_key;
    m->gop_span += span;
    if (m->since_key > m->gop_longest)
        m->gop_longest = m->since_key;
    if (span > m->gop_longest_span)
        m->gop_longest_span = span;
}

void fv_probe_measure(struct fv_probe_measure *m, const struct fv_access_unit *unit,
                      int64_t wall_now)
{
    if (!m->pictures || unit->epoch != m->epoch)
        start_epoch(m, unit);
    m->formats += m->pictures && unit->format != m->format;
    m->format = unit->format;
    m->b_pictures |= unit->pts < m->highest;
    m->lowest = unit->pts < m->lowest ? unit->pts : m->lowest;
    m->highest = unit->pts > m->highest ? unit->pts : m->highest;
    m->intervals += m->in_epoch > 0;
    m->in_epoch++;
    m->pictures++;
    m->bytes += unit->size;
    m->largest = unit->size > m->largest ? unit->size : m->largest;
    m->partial += (unit->flags & FV_FRAME_PARTIAL) != 0;
    if (unit->flags & FV_FRAME_KEY) {
        m->keys++;
        m->points += (unit->flags & FV_FRAME_RECOVERY) != 0;
        if (m->key_seen)
            end_gop(m, unit->pts);
        m->key_seen = true;
        m->key_pts = unit->pts;
        m->since_key = 0;
    }
    m->since_key++;
    m->wall_known = unit->wall != FV_TIME_UNKNOWN;
    if (m->wall_known)
        m->wall_offset = unit->wall - wall_now;
}

void fv_probe_figures(const struct fv_probe_measure *m, struct fv_probe_figures *ret_figures)
{
    double span = (double)(m->span + m->highest - m->lowest) / 1e9;
    bool timed = m->intervals > 0 && span > 0;
    *ret_figures = (struct fv_probe_figures){
        .pictures = m->pictures,
        .fps = timed ? (double)m->intervals / span : NAN,
        .bit_rate = NAN,
        .gop_pictures = m->gops ? (double)m->gop_pictures / m->gops : NAN,
        .gop_s = m->gops ? (double)m->gop_span / m->gops / 1e9 : NAN,
        .gop_open_s = m->key_seen ? (double)(m->highest - m->key_pts) / 1e9 : NAN,
        .gop_longest_s = m->gops ? (double)m->gop_longest_span / 1e9 : NAN,
        .largest = m->largest,
        .b_pictures = m->b_pictures,
        .refreshed = m->points > 0 && m->points == m->keys,
        .partial = m->partial,
        .timeline_jumps = m->epochs,
        .format_changes = m->formats,
        .clock_offset_s = m->wall_known ? (double)m->wall_offset / 1e9 : NAN,
    };
    /* As many intervals as pictures: the last one has no end yet. */
    if (timed)
        ret_figures->bit_rate =
            (double)m->bytes * 8 / span * (double)m->intervals / (double)m->pictures;
}

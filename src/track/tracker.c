// SPDX-License-Identifier: Apache-2.0
#include "track/tracker.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "track/associate.h"
#include "track/lifetime.h"

/* The paper's limits for the later rounds; MATCH_THRESH holds where it is stricter. */
#define LOW_SCORE_COST 0.5
#define UNCONFIRMED_COST 0.7
/* A tracked and a lost track this close are one object. */
#define DUPLICATE_COST 0.15
/* A detector that draws two boxes around one person for a few pictures makes a second track beside the first. When one box is left,
 * it shall go to the older one, unless the newcomer fits better by this much. */
#define NEWCOMER_COST 0.1
#define NEWCOMER_TIME (FV_S / 2)
#define BUFFER_MOST 1e6f

const struct fv_tracker_params fv_tracker_defaults = {.high_score = 0.25f,
                                                      .low_score = 0.1f,
                                                      .start_score = 0.25f,
                                                      .match_cost = 0.75f,
                                                      .buffer = 30,
                                                      .max_tracks = 600,
                                                      .max_detections = 300};

enum stage { UNCONFIRMED, TRACKED, LOST, GONE };

struct entry {
    struct fv_kalman filter;
    enum stage stage;
    bool matched; /* in this picture */
    uint64_t id;  /* 0 until confirmed */
    uint16_t class_id;
    float score;
    int64_t first_seen, last_seen;
    uint32_t hits;
    int32_t detection;
};

struct fv_tracker {
    struct fv_tracker_params params;
    struct fv_tracker_stats stats;
    struct fv_lifetime lifetime;
    int64_t now; /* time of the last picture; FV_TIME_UNKNOWN before the first */
    uint64_t last_id;
    struct fv_associate associate;
    struct entry *entries; /* in the order of their creation */
    uint32_t count;
    /* of one update */
    const struct fv_detection *detections;
    struct fv_candidates high, low; /* detections not matched yet; index: into detections */
    struct fv_candidates rows;      /* tracks in this round; index: into entries */
    uint32_t *column;               /* what they were matched with */
    struct fv_track *out;
};

static bool in_range(float value, float low, float high)
{
    return value >= low && value <= high; /* false for NaN */
}

static bool params_are_good(const struct fv_tracker_params *p)
{
    return in_range(p->high_score, 0, 1) && p->high_score > 0 &&
           in_range(p->low_score, 0, p->high_score) && in_range(p->start_score, 0, 1) &&
           in_range(p->match_cost, 0, 1) && p->match_cost > 0 &&
           in_range(p->buffer, 0, BUFFER_MOST) && p->buffer > 0 && p->max_tracks >= 1 &&
           p->max_tracks <= FV_TRACKER_TRACKS_MAX && p->max_detections >= 1 &&
           p->max_detections <= FV_TRACKER_DETECTIONS_MAX;
}

static int64_t buffer_time(const struct fv_tracker_params *params)
{
    return (int64_t)((double)params->buffer * FV_KALMAN_UNIT * 1e9);
}

int fv_tracker_create(const struct fv_tracker_params *params, struct fv_tracker **ret_tracker)
{
    if (!params_are_good(params))
        return -EINVAL;
    struct fv_tracker *tracker = FV_NEW(struct fv_tracker);
    if (!tracker)
        return -ENOMEM;
    tracker->params = *params;
    tracker->now = FV_TIME_UNKNOWN;
    fv_lifetime_init(&tracker->lifetime, buffer_time(params));
    /* Looking for duplicates puts tracks into a set of detections. */
    const uint32_t larger =
        params->max_tracks > params->max_detections ? params->max_tracks : params->max_detections;
    int r = fv_associate_init(&tracker->associate, params->max_tracks, params->max_detections);
    tracker->entries = fv_calloc(params->max_tracks, sizeof(*tracker->entries));
    tracker->high.list = fv_calloc(params->max_detections, sizeof(struct fv_candidate));
    tracker->low.list = fv_calloc(larger, sizeof(struct fv_candidate));
    tracker->rows.list = fv_calloc(params->max_tracks, sizeof(struct fv_candidate));
    tracker->column = fv_calloc(params->max_tracks, sizeof(uint32_t));
    tracker->out = fv_calloc(params->max_tracks, sizeof(*tracker->out));
    if (r < 0 || !tracker->entries || !tracker->high.list || !tracker->low.list ||
        !tracker->rows.list || !tracker->column || !tracker->out) {
        fv_tracker_destroy(tracker);
        return -ENOMEM;
    }
    *ret_tracker = tracker;
    return 0;
}

void fv_tracker_destroy(struct fv_tracker *tracker)
{
    if (!tracker)
        return;
    fv_associate_finish(&tracker->associate);
    fv_free(tracker->entries);
    fv_free(tracker->high.list);
    fv_free(tracker->low.list);
    fv_free(tracker->rows.list);
    fv_free(tracker->column);
    fv_free(tracker->out);
    fv_free(tracker);
}

int fv_tracker_adjust(struct fv_tracker *tracker, const struct fv_tracker_params *params)
{
    if (!params_are_good(params) || params->max_tracks != tracker->params.max_tracks ||
        params->max_detections != tracker->params.max_detections)
        return -EINVAL;
    tracker->params = *params;
    tracker->lifetime.buffer = buffer_time(params);
    return 0;
}

const struct fv_tracker_params *fv_tracker_params(const struct fv_tracker *tracker)
{
    return &tracker->params;
}

/* --- what comes in --------------------------------------------------------------------------- */

static bool is_possible(const struct fv_detection *d)
{
    const float most = FV_TRACKER_COORDINATE_MAX;
    return in_range(d->score, 0, 1) && in_range(d->x0, -most, most) &&
           in_range(d->y0, -most, most) && in_range(d->x1, -most, most) &&
           in_range(d->y1, -most, most) && d->x0 < d->x1 && d->y0 < d->y1;
}

static void add_candidate(struct fv_candidates *set, const struct fv_detection *d, uint32_t index)
{
    set->list[set->count++] = (struct fv_candidate){
        .box = {d->x0, d->y0, d->x1, d->y1}, .class_id = d->class_id, .index = index};
}

static void sort_detections(struct fv_tracker *tracker, uint32_t count)
{
    tracker->high.count = tracker->low.count = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct fv_detection *d = &tracker->detections[i];
        if (!is_possible(d))
            tracker->stats.refused++;
        else if (d->score < tracker->params.low_score)
            continue;
        else if (tracker->high.count + tracker->low.count == tracker->params.max_detections)
            tracker->stats.dropped++;
        else
            add_candidate(d->score >= tracker->params.high_score ? &tracker->high : &tracker->low,
                          d, i);
    }
}

/* --- time ------------------------------------------------------------------------------------ */

/* Nanoseconds since the last picture. */
static int64_t advance(struct fv_tracker *tracker, int64_t time)
{
    const bool first = tracker->now == FV_TIME_UNKNOWN;
    int64_t step = 0;
    if (!first && time > tracker->now && __builtin_sub_overflow(time, tracker->now, &step))
        step = FV_TIME_NEVER;
    if (first || time > tracker->now)
        tracker->now = time;
    return step;
}

static int64_t since(int64_t now, int64_t then)
{
    int64_t span;
    return __builtin_sub_overflow(now, then, &span) ? FV_TIME_NEVER : span;
}

static void expire(struct fv_tracker *tracker)
{
    const int64_t life = fv_lifetime(&tracker->lifetime);
    for (uint32_t i = 0; i < tracker->count; i++) {
        struct entry *entry = &tracker->entries[i];
        if (since(tracker->now, entry->last_seen) > life) {
            tracker->stats.expired += entry->id != 0;
            entry->stage = GONE;
        }
    }
}

static void predict(struct fv_tracker *tracker, int64_t step)
{
    const double units = (double)step / 1e9 / FV_KALMAN_UNIT;
    for (uint32_t i = 0; i < tracker->count; i++) {
        struct entry *entry = &tracker->entries[i];
        entry->matched = false;
        entry->detection = -1;
        if (entry->stage == LOST)
            fv_kalman_hold_size(&entry->filter);
        if (entry->stage != GONE)
            fv_kalman_predict(&entry->filter, units);
    }
}

/* --- rounds of association ------------------------------------------------------------------- */

static bool is_newcomer(const struct entry *entry)
{
    return entry->stage != UNCONFIRMED &&
           since(entry->last_seen, entry->first_seen) < NEWCOMER_TIME;
}

static void add_row(struct fv_tracker *tracker, uint32_t index)
{
    const struct entry *entry = &tracker->entries[index];
    tracker->rows.list[tracker->rows.count++] =
        (struct fv_candidate){.box = fv_kalman_box(&entry->filter),
                              .handicap = is_newcomer(entry) ? NEWCOMER_COST : 0,
                              .class_id = entry->class_id,
                              .index = index};
}

static void take_detection(struct fv_tracker *tracker, struct entry *entry,
                           const struct fv_candidate *candidate)
{
    const float score = tracker->detections[candidate->index].score;
    fv_kalman_correct(&entry->filter, &candidate->box, fv_kalman_doubt((double)score));
    if (entry->stage == UNCONFIRMED) {
        entry->id = ++tracker->last_id;
        tracker->stats.confirmed++;
    }
    entry->stage = TRACKED;
    entry->matched = true;
    entry->score = score;
    entry->last_seen = tracker->now;
    entry->hits++;
    entry->detection = (int32_t)candidate->index;
}

/* Leaves in the set what no track took. */
static void remove_taken(struct fv_tracker *tracker, struct fv_candidates *set)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < tracker->rows.count; i++)
        if (tracker->column[i] != FV_ASSIGN_NONE)
            set->list[tracker->column[i]].index = FV_ASSIGN_NONE;
    for (uint32_t i = 0; i < set->count; i++)
        if (set->list[i].index != FV_ASSIGN_NONE)
            set->list[left++] = set->list[i];
    set->count = left;
}

/* The tracks of the stages `from` to `to` that have no box yet take theirs out of the set. */
static void associate(struct fv_tracker *tracker, enum stage from, enum stage to,
                      struct fv_candidates *set, double limit)
{
    tracker->rows.count = 0;
    for (uint32_t i = 0; i < tracker->count; i++) {
        const struct entry *entry = &tracker->entries[i];
        if (!entry->matched && entry->stage >= from && entry->stage <= to)
            add_row(tracker, i);
    }
    fv_associate_match(&tracker->associate, &tracker->rows, set, limit, tracker->column);
    for (uint32_t i = 0; i < tracker->rows.count; i++)
        if (tracker->column[i] != FV_ASSIGN_NONE)
            take_detection(tracker, &tracker->entries[tracker->rows.list[i].index],
                           &set->list[tracker->column[i]]);
    remove_taken(tracker, set);
}

static void associate_all(struct fv_tracker *tracker)
{
    const double limit = tracker->params.match_cost;
    associate(tracker, TRACKED, LOST, &tracker->high, limit);
    associate(tracker, TRACKED, TRACKED, &tracker->low, fmin(limit, LOW_SCORE_COST));
    associate(tracker, UNCONFIRMED, UNCONFIRMED, &tracker->high, fmin(limit, UNCONFIRMED_COST));
}

/* --- tracks begin and end -------------------------------------------------------------------- */

static void lose_unmatched(struct fv_tracker *tracker)
{
    for (uint32_t i = 0; i < tracker->count; i++) {
        struct entry *entry = &tracker->entries[i];
        if (!entry->matched && entry->stage == TRACKED)
            entry->stage = LOST;
        else if (!entry->matched && entry->stage == UNCONFIRMED)
            entry->stage = GONE;
    }
}

struct closeness {
    struct fv_tracker *tracker;
    const struct fv_candidates *tracked, *lost;
};

/* Of two tracks on one object the one with the longer life behind it stays. */
static void drop_shorter(void *data, uint32_t row, uint32_t column)
{
    struct closeness *closeness = data;
    struct entry *entries = closeness->tracker->entries;
    struct entry *tracked = &entries[closeness->tracked->list[row].index];
    struct entry *lost = &entries[closeness->lost->list[column].index];
    if (tracked->stage == GONE || lost->stage == GONE)
        return;
    const bool lost_is_shorter =
        since(lost->last_seen, lost->first_seen) <= since(tracked->last_seen, tracked->first_seen);
    (lost_is_shorter ? lost : tracked)->stage = GONE;
    closeness->tracker->stats.duplicates++;
}

/* The sets of detections are free by now: the lost tracks take the place of one. */
static void remove_duplicates(struct fv_tracker *tracker)
{
    struct fv_candidates *lost = &tracker->low;
    tracker->rows.count = lost->count = 0;
    for (uint32_t i = 0; i < tracker->count; i++) {
        const struct entry *entry = &tracker->entries[i];
        if (entry->stage == TRACKED)
            add_row(tracker, i);
        else if (entry->stage == LOST)
            lost->list[lost->count++] = (struct fv_candidate){
                .box = fv_kalman_box(&entry->filter), .class_id = entry->class_id, .index = i};
    }
    struct closeness closeness = {tracker, &tracker->rows, lost};
    fv_associate_pairs(&tracker->associate, &tracker->rows, lost, DUPLICATE_COST, drop_shorter,
                       &closeness);
}

static void remove_gone(struct fv_tracker *tracker)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < tracker->count; i++)
        if (tracker->entries[i].stage != GONE) {
            if (left != i)
                tracker->entries[left] = tracker->entries[i];
            left++;
        }
    tracker->count = left;
}

/* In the tracker's first picture a track is believed at once, as ByteTrack does: there is nothing it could be compared with. */
static void start_track(struct fv_tracker *tracker, const struct fv_candidate *candidate)
{
    struct entry *entry = &tracker->entries[tracker->count++];
    *entry = (struct entry){.stage = UNCONFIRMED,
                            .matched = true,
                            .class_id = candidate->class_id,
                            .score = tracker->detections[candidate->index].score,
                            .first_seen = tracker->now,
                            .last_seen = tracker->now,
                            .hits = 1,
                            .detection = (int32_t)candidate->index};
    fv_kalman_start(&entry->filter, &candidate->box);
    if (tracker->stats.pictures == 1) {
        entry->stage = TRACKED;
        entry->id = ++tracker->last_id;
        tracker->stats.confirmed++;
    }
}

static void start_tracks(struct fv_tracker *tracker)
{
    for (uint32_t i = 0; i < tracker->high.count; i++) {
        const struct fv_candidate *candidate = &tracker->high.list[i];
        if (tracker->detections[candidate->index].score < tracker->params.start_score)
            continue;
        if (tracker->count == tracker->params.max_tracks)
            tracker->stats.dropped++;
        else
            start_track(tracker, candidate);
    }
}

/* --- what goes out --------------------------------------------------------------------------- */

/* The detection's box when there is one: docs/tracking.md has the comparison with the filter's. */
static void set_box(const struct fv_tracker *tracker, const struct entry *entry,
                    struct fv_track *track)
{
    if (entry->stage == TRACKED) {
        const struct fv_detection *d = &tracker->detections[entry->detection];
        track->x0 = d->x0, track->y0 = d->y0, track->x1 = d->x1, track->y1 = d->y1;
        return;
    }
    const struct fv_box box = fv_kalman_box(&entry->filter);
    track->x0 = (float)box.x0, track->y0 = (float)box.y0;
    track->x1 = (float)box.x1, track->y1 = (float)box.y1;
}

static void describe(const struct fv_tracker *tracker, const struct entry *entry,
                     struct fv_track *ret_track)
{
    const struct fv_kalman_axis *part = entry->filter.part;
    *ret_track =
        (struct fv_track){.id = entry->id,
                          .state = entry->stage == TRACKED ? FV_TRACK_TRACKED : FV_TRACK_LOST,
                          .class_id = entry->class_id,
                          .score = entry->score,
                          .vx = (float)(part[FV_KALMAN_X].rate / FV_KALMAN_UNIT),
                          .vy = (float)(part[FV_KALMAN_Y].rate / FV_KALMAN_UNIT),
                          .first_seen = entry->first_seen,
                          .last_seen = entry->last_seen,
                          .age = since(tracker->now, entry->first_seen),
                          .hits = entry->hits,
                          .detection = entry->detection};
    set_box(tracker, entry, ret_track);
}

int fv_tracker_update(struct fv_tracker *tracker, const struct fv_detection *detections,
                      uint32_t count, int64_t time, const struct fv_track **ret_tracks)
{
    if (!detections && count)
        return -EINVAL;
    const int64_t step = advance(tracker, time);
    tracker->detections = detections;
    sort_detections(tracker, count);
    expire(tracker);
    if (tracker->stats.pictures++)
        fv_lifetime_note(&tracker->lifetime, step);
    remove_gone(tracker);
    predict(tracker, step);
    associate_all(tracker);
    lose_unmatched(tracker);
    remove_gone(tracker);
    start_tracks(tracker);
    remove_duplicates(tracker);
    remove_gone(tracker);

    int shown = 0;
    for (uint32_t i = 0; i < tracker->count; i++)
        if (tracker->entries[i].stage != UNCONFIRMED)
            describe(tracker, &tracker->entries[i], &tracker->out[shown++]);
    *ret_tracks = tracker->out;
    return shown;
}

void fv_tracker_stats(const struct fv_tracker *tracker, struct fv_tracker_stats *ret_stats)
{
    *ret_stats = tracker->stats;
}

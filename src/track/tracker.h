// SPDX-License-Identifier: Apache-2.0
/*
 * Detections become tracks: who is who from picture to picture. One tracker per camera.
 *
 * ByteTrack (Zhang et al., ECCV 2022): a Kalman filter foretells where each track's box is; boxes of high score are matched
 * with all tracks first, boxes of low score then with the tracks that are left - an object half hidden keeps its track
 * instead of losing it. Tracks of one class match boxes of that class only.
 *
 *             first seen               matched in the next picture            not matched
 *   detection ----------> UNCONFIRMED ----------------------------> TRACKED <-------------> LOST ----> gone
 *                             | not matched                                   matched again      TRACK_BUFFER passed
 *                             v
 *                            gone
 *
 * All durations are times, not counts of pictures, so that gaps, variable rates and analysis intervals change nothing.
 * The same input gives the same output. One thread at a time; no locks, no clock, no allocation after create.
 */
#ifndef FV_TRACK_TRACKER_H
#define FV_TRACK_TRACKER_H

#include <stdint.h>

#include "fovea/event.h"

#define FV_TRACKER_TRACKS_MAX 4096     /* highest max_tracks */
#define FV_TRACKER_DETECTIONS_MAX 4096 /* highest max_detections */
#define FV_TRACKER_COORDINATE_MAX 1e6f /* pixels; boxes beyond are refused */

struct fv_tracker;

struct fv_tracker_params {
    float
        high_score;  /* TRACK_THRESH: boxes from here up enter the first association; 0 < .. <= 1 */
    float low_score; /* TRACK_LOW_THRESH: boxes from here up enter the second; 0 .. high_score */
    float
        start_score; /* MODEL_CONFIDENCE_THRESHOLD: a new track needs this much (and high_score); 0 .. 1 */
    float match_cost; /* MATCH_THRESH: highest 1 - IoU of a match; 0 < .. <= 1 */
    float
        buffer; /* TRACK_BUFFER: life of a lost track in thirtieths of a second; > 0, at most 1e6 */
    uint32_t max_tracks;     /* at one time, with the lost ones; 1 .. FV_TRACKER_TRACKS_MAX */
    uint32_t max_detections; /* in one picture; 1 .. FV_TRACKER_DETECTIONS_MAX */
};

/* The defaults of the settings; 600 tracks, 300 detections. */
extern const struct fv_tracker_params fv_tracker_defaults;

enum fv_track_state {
    FV_TRACK_TRACKED, /* matched in this picture */
    FV_TRACK_LOST,    /* not matched; the box is foretold */
};

struct fv_track {
    uint64_t id; /* from 1, ascending, never used again by this tracker */
    enum fv_track_state state;
    uint16_t class_id;
    float x0, y0, x1,
        y1; /* pixels: the detection's own box when tracked; foretold, maybe outside the picture, when lost */
    float score;                   /* of the last match */
    float vx, vy;                  /* of the box's centre by the filter, pixels per second */
    int64_t first_seen, last_seen; /* times of the first and the last match */
    int64_t age;                   /* ns from first_seen to this picture */
    uint32_t hits;                 /* pictures in which it was matched */
    int32_t detection;             /* index of the matched detection in this update, -1 when lost */
};

/* Counted since create. */
struct fv_tracker_stats {
    uint64_t pictures;
    uint64_t
        refused; /* detections with a box or score that cannot be: not finite, empty, too large, score outside 0..1 */
    uint64_t dropped;    /* detections beyond max_detections and new tracks beyond max_tracks */
    uint64_t confirmed;  /* ids given */
    uint64_t expired;    /* tracks whose buffer ran out */
    uint64_t duplicates; /* tracks that lay on another one's box and were removed */
};

/* 0; -EINVAL when a parameter is out of its range; -ENOMEM. Borrows params. */
int fv_tracker_create(const struct fv_tracker_params *params, struct fv_tracker **ret_tracker);
void fv_tracker_destroy(struct fv_tracker *tracker); /* NULL is fine */

/* Goes on with other scores, costs or buffer (a reload); the room stays as it was made. Tracks live on; from the next picture the
 * new values hold. 0; -EINVAL: a value is out of its range, or the room differs. */
int fv_tracker_adjust(struct fv_tracker *tracker, const struct fv_tracker_params *params);
/* Those in force; borrowed from the tracker. */
const struct fv_tracker_params *fv_tracker_params(const struct fv_tracker *tracker);

/* One analysed picture, also one without detections.
 *
 * `time`: when the picture was taken, ns on one clock for the tracker's whole life: when a camera reconnects or its timeline
 * jumps, the caller goes on with monotonic time, and tracks live on if the gap was short. A time before the last one counts
 * as the last one.
 * ret_tracks: confirmed tracks, ascending by id, borrowed until the next call. A track that is in it no more is gone for good.
 * Returns their number; -EINVAL when `detections` is NULL and count is not 0. Detections that cannot be are left out. */
int fv_tracker_update(struct fv_tracker *tracker, const struct fv_detection *detections,
                      uint32_t count, int64_t time, const struct fv_track **ret_tracks);

void fv_tracker_stats(const struct fv_tracker *tracker, struct fv_tracker_stats *ret_stats);

#endif

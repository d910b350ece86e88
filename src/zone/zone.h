// SPDX-License-Identifier: Apache-2.0
/*
 * Analytics of one camera: tracks in, events out. Pure logic: no I/O, no clock, no thread of its own.
 *
 *     struct fv_analytics *analytics;
 *     fv_analytics_create(&params, &analytics, &err);
 *     for each analysed picture:  fv_analytics_frame(analytics, &frame);   -> params.event(...)
 *     fv_analytics_stop(analytics);                                        -> what lasts is ended
 *     fv_analytics_destroy(analytics);
 *
 * A configured zone or line becomes one rule for each thing that is asked of it (docs/analytics.md); a rule of one kind is one
 * file (rule_*.c) with one table of functions. All calls for one object from one thread at a time; the callback comes from
 * within the call and must not call back in.
 *
 * Memory is taken at create, by rules and tracks_max; a frame allocates nothing.
 */
#ifndef FV_ZONE_ZONE_H
#define FV_ZONE_ZONE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "zone/event.h"

#define FV_RULES_MAX 64     /* per camera */
#define FV_RULE_NAME_MAX 64 /* bytes with terminator */
#define FV_RULE_CLASSES_MAX 64
#define FV_ZONE_TRACKS_MAX 4096
#define FV_ZONE_TRACKS 512                  /* default */
#define FV_ZONE_LOST (2 * FV_S)             /* default */
#define FV_ZONE_INERTIA (300 * FV_MS)       /* default */
#define FV_ZONE_MARGIN 0.01                 /* default */
#define FV_ZONE_TIME_MAX (24 * 3600 * FV_S) /* of every duration that can be set */

/* --- what comes in ------------------------------------------------------------------------------------------------- */

enum fv_tracked_state {
    FV_TRACKED_SEEN,      /* a detection belongs to it in this picture */
    FV_TRACKED_PREDICTED, /* not seen; the box is a guess */
    FV_TRACKED_LOST,      /* not seen for a while */
};

/* One object in one picture. Positions that are not SEEN are not used: a guess crosses no line. */
struct fv_tracked {
    uint64_t id; /* unique for the camera and the run */
    uint16_t class_id;
    enum fv_tracked_state state;
    float score;          /* 0..1 */
    float x0, y0, x1, y1; /* fractions of the picture */
};

/* One analysed picture. */
struct fv_zone_frame {
    /* The picture's time, ns, from a clock that does not jump; durations are measured by it. Live: when its last packet was
     * read. Offline: its place in the file. Several pictures may have the same time. */
    int64_t time;
    int64_t pts, wall; /* as in struct fv_frame_info; only handed on to events */
    uint32_t epoch;
    uint64_t number;
    uint32_t width, height; /* pixels: for distances and angles */
    const struct fv_tracked *tracks;
    uint32_t track_count;
};

/* --- rules --------------------------------------------------------------------------------------------------------- */

enum fv_rule_kind {
    FV_RULE_ENTER,      /* zone.enter, zone.exit */
    FV_RULE_DWELL,      /* zone.dwell */
    FV_RULE_CROWD,      /* zone.crowd */
    FV_RULE_LINE,       /* line.crossing */
    FV_RULE_DIRECTION,  /* zone.direction */
    FV_RULE_COUNT,      /* count, and fv_analytics_counts() */
    FV_RULE_STATIONARY, /* stationary */
    FV_RULE_MASK,       /* no events: tracks inside are ignored */
    FV_RULE_KINDS
};

/* The point of a box that counts. */
enum fv_anchor { FV_ANCHOR_BOTTOM, FV_ANCHOR_CENTRE, FV_ANCHOR_TOP, FV_ANCHORS };

/* Which tracks a rule heeds. A track is taken in by the first picture in which it passes, and then stays as long as it is
 * known, so that a wavering score does not break what lasts. */
struct fv_rule_filter {
    const uint16_t *classes; /* class_count of them; none: all. Borrowed during create */
    unsigned class_count;
    float min_score;          /* 0..1 */
    float min_size, max_size; /* area of the box as a fraction of the picture; max 0: no limit */
};

/* A track stays in the zone for at least `threshold`: START then, END with the duration. */
struct fv_rule_dwell {
    int64_t threshold;
};

/* More than `limit` tracks for at least `hold`: START; UPDATE when the number changed, at most once per `update` (0: never);
 * END when the number was at most limit - slack for `hold`. */
struct fv_rule_crowd {
    uint32_t limit, slack; /* slack <= limit */
    int64_t hold, update;
};

/* A track in the zone moved by `distance` (fraction of the picture's height) into an angle of at most `tolerance` from
 * `angle`. Once until it moves otherwise or leaves. */
struct fv_rule_direction {
    double angle;     /* degrees clockwise from up */
    double tolerance; /* degrees to either side, above 0 up to 180 */
    double distance;  /* above 0 up to 2 */
};

/* Per class: now in the zone, entered, left; over a line by direction. An event when something changed, at most once per
 * `interval` (0: no events). */
struct fv_rule_count {
    int64_t interval;
};

/* A track stays within `radius` (fraction of the picture's height) of one place for at least `after`: START. The place is
 * remembered: a new track that begins there within `forget` is the same object. END when nothing was there for `forget`. */
struct fv_rule_stationary {
    int64_t after, forget;
    double radius;
    bool suppress; /* other rules ignore the track while it stands */
};

struct fv_rule_params {
    enum fv_rule_kind kind;
    const char
        *name; /* 1..63 bytes without control characters; unique among the rules of its kind */
    /* Fractions of the picture, -1..2. A zone: 3..64 corners of a polygon that does not cross itself and has a part inside the
     * picture; for STATIONARY none: the whole picture. LINE: 2 different points. COUNT: either. Borrowed during create. */
    const double (*points)[2];
    unsigned point_count;
    enum fv_anchor anchor;
    struct fv_rule_filter filter;
    int64_t inertia; /* ns for which a new state must hold until it counts */
    double
        margin; /* fraction of the picture's height, 0..0.5: how far outside a track must be to have left, how far behind a
                        line to have crossed it */
    union {     /* by kind */
        struct fv_rule_dwell dwell;
        struct fv_rule_crowd crowd;
        struct fv_rule_direction direction;
        struct fv_rule_count count;
        struct fv_rule_stationary stationary;
    };
};

/* A rule of this kind with the defaults of docs/analytics.md; name and points are to be filled in. */
struct fv_rule_params fv_rule_defaults(enum fv_rule_kind kind);

/* --- the object ---------------------------------------------------------------------------------------------------- */

struct fv_analytics;

struct fv_analytics_params {
    uint32_t camera;
    const struct fv_rule_params *rules; /* borrowed during create; events come in their order */
    unsigned rule_count;                /* 0..FV_RULES_MAX */
    uint32_t
        tracks_max; /* followed at the same time; 0: FV_ZONE_TRACKS; more are left out and counted */
    int64_t lost; /* ns for which the state of a track that is not seen is kept; 0: FV_ZONE_LOST */
    void (*event)(void *data, const struct fv_zone_event *event);
    void *data;
};

struct fv_analytics_stats {
    uint64_t frames, events;
    uint64_t late;     /* pictures older than the one before: not used */
    uint64_t rebased;  /* times the clock was found to have gone back */
    uint64_t refused;  /* tracks with an impossible box or a second time in one picture */
    uint64_t overflow; /* tracks for which there was no room, in pictures */
    uint32_t tracks;   /* followed now */
};

/* 0, -EINVAL (err names the rule), -ENOMEM. */
int fv_analytics_create(const struct fv_analytics_params *params,
                        struct fv_analytics **ret_analytics, struct fv_error *err);
void fv_analytics_destroy(struct fv_analytics *analytics); /* no events; NULL is fine */

/* One picture. While a camera is away, a frame without tracks every second or so lets what lasts come to its end.
 * A picture older than the one before is not used (-EAGAIN, counted); one that is more than 2 s older shows that the clock
 * went back: the analysis goes on from where it was. -EINVAL: the time is negative. */
int fv_analytics_frame(struct fv_analytics *analytics, const struct fv_zone_frame *frame);

/* After a reload: `fresh`, which has seen no picture yet, takes over the tracks, the numbers of events and the state of each
 * rule of the same kind, name, points and anchor; other settings may differ. What lasts in other rules of `old` is ended
 * with cause RELOADED by old's callback, before. `old` is empty afterwards. Cannot fail. */
void fv_analytics_take_over(struct fv_analytics *fresh, struct fv_analytics *old);
/* Ends what lasts (cause STOPPED) and forgets all tracks. */
void fv_analytics_stop(struct fv_analytics *analytics);

/* The table of a COUNT rule, borrowed until the next call; by index in params.rules. NULL for other rules. */
const struct fv_class_count *fv_analytics_counts(const struct fv_analytics *analytics,
                                                 unsigned rule, uint32_t *ret_size);
void fv_analytics_stats(const struct fv_analytics *analytics, struct fv_analytics_stats *ret_stats);

#endif

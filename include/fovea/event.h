// SPDX-License-Identifier: Apache-2.0
/*
 * What Fovea reports. All times are nanoseconds; monotonic times share one clock (CLOCK_MONOTONIC), wall times count
 * from the Unix epoch. FV_TIME_UNKNOWN is a possible value of each.
 */
#ifndef FOVEA_EVENT_H
#define FOVEA_EVENT_H

#include <stdint.h>

#include "fovea/error.h"

#ifndef FV_TIME_UNKNOWN
#define FV_TIME_UNKNOWN INT64_MIN
#endif

/* One object in one picture. The box is in pixels of the source picture, origin at the top left, already clipped to it. */
struct fv_detection {
    float x0, y0, x1, y1; /* x0 < x1 <= width, y0 < y1 <= height */
    float score;          /* 0..1 */
    uint16_t class_id;    /* index into the model's labels */
    uint64_t track;       /* number of the track, unique for the camera and the run; 0: none (yet) */
};

/* When a picture passed each stage, on the monotonic clock. */
struct fv_stamps {
    int64_t first_packet; /* its first byte was read from the network */
    int64_t last_packet;  /* its last byte was read: age counts from here */
    int64_t delivered;    /* complete access unit handed to the decoder's queue */
    int64_t decoded;
    int64_t inferred; /* boxes are known */
    int64_t event;    /* given to sinks and callbacks */
};

/* Identity and time of one picture; travels with it through all stages. */
struct fv_frame_info {
    uint32_t camera; /* index of the camera in the engine, from 0 */
    uint32_t
        epoch; /* grows when the camera's timeline jumps or restarts: pts compare only within one */
    uint64_t number; /* decoded pictures of this camera since the engine started, from 1 */
    int64_t pts;     /* ns since the epoch's first picture, by the camera's own clock */
    int64_t
        wall; /* capture time by the camera's sender reports, ns since 1970; FV_TIME_UNKNOWN without them */
    uint32_t flags;         /* FV_FRAME_* */
    uint32_t width, height; /* visible size in pixels */
    struct fv_stamps at;
};

#define FV_FRAME_KEY 1u     /* decoding can start here: an intra picture, or see RECOVERY */
#define FV_FRAME_DAMAGED 2u /* packets were lost in it or in a picture it depends on */
#define FV_FRAME_RECOVERY 4u /* with KEY: no intra picture but a recovery point; decoding can start here, too, and is whole later */
#define FV_FRAME_PARTIAL 8u /* decoding started at a recovery point whose refresh is not through: parts may be wrong */

/* What a second model says of a detection's track. */
struct fv_attribute {
    const char *label; /* NULL: not known (yet) */
    float score;       /* 0..1 */
};

/* The result of analysing one picture. Borrowed: valid during the callback only. */
struct fv_frame_event {
    const char *camera_name;
    struct fv_frame_info frame;
    const struct fv_detection *detections;
    uint32_t detection_count;
    const char *const *labels; /* of the model; labels[class_id] */
    uint32_t label_count;
    const char *classifier; /* name of the second model; NULL: there is none */
    const struct fv_attribute *attributes; /* of each detection; NULL without a classifier */
};

/* Of one class, by a rule that counts. */
struct fv_rule_class {
    uint16_t class_id;
    const char *label; /* "" when the model has none */
    uint32_t now;      /* in the zone; 0 for a line */
    uint64_t in, out;  /* entered and left; over a line A to B and B to A */
};

/* A zone or line of the configuration says that something happened. Which fields an event has, and what they mean:
 * docs/analytics.md; the others are 0, NULL or "". Borrowed: valid during the callback only. */
struct fv_rule_event {
    uint32_t camera;
    const char *camera_name;
    const char *rule;        /* NAME of the zone or line */
    const char *type;        /* "zone.enter", "zone.exit", "zone.dwell", "line.crossing", ... */
    const char *phase;       /* "once", "start", "update", "end" */
    const char *cause;       /* why it ended: "moved", "lost", ...; or NULL */
    const char *direction;   /* "a_to_b", "b_to_a"; or NULL */
    uint64_t id, ref;        /* its number, from 1 for each camera; the event that it goes on or ends, or 0 */
    uint64_t frame;          /* the picture that decided */
    uint32_t epoch;
    int64_t pts, wall;       /* its times; FV_TIME_UNKNOWN when not known */
    int64_t at;              /* when it was decided, monotonic: when the picture's last packet was read */
    int64_t start, duration; /* when it happened or began, on the same clock; of what lasts: so far, or in all */
    uint64_t track;          /* 0: not about one track */
    uint16_t class_id;
    const char *label;
    float score;
    float box[4]; /* left, top, right, bottom, 0..1 of the picture */
    double x, y;  /* of the track's anchor, 0..1 */
    double angle; /* degrees clockwise from up */
    uint32_t count, peak, limit;
    const struct fv_rule_class *counts;
    uint32_t counts_size;
};

enum fv_camera_state {
    FV_CAMERA_DISABLED,
    FV_CAMERA_WAITING,     /* for its turn or for the end of a backoff */
    FV_CAMERA_RESOLVING,   /* host name */
    FV_CAMERA_CONNECTING,  /* TCP, then TLS */
    FV_CAMERA_NEGOTIATING, /* RTSP requests under way */
    FV_CAMERA_BUFFERING, /* PLAY accepted: waiting for the first packet and the first key picture */
    FV_CAMERA_PLAYING,
};

/* "waiting", "playing", ...: as in JSON. Never NULL. */
FV_API const char *fv_camera_state_name(enum fv_camera_state state);

/* A camera changed its state. Borrowed: valid during the callback only. */
struct fv_camera_event {
    uint32_t camera;
    const char *camera_name;
    enum fv_camera_state from, to;
    int code;           /* 0, or the negative errno that caused it */
    const char *reason; /* a sentence, no secrets */
    int64_t at;         /* monotonic */
};

#endif

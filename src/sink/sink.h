// SPDX-License-Identifier: Apache-2.0
/*
 * Sinks: where events go. A sink is one file with one table of functions; sink.c gives each its
 * own bounded queue and thread, so that none can stop the pipeline or another sink.
 *
 * When the queue is full something is dropped and counted: pictures before events of zones and
 * lines, the oldest first. A picture comes again ten times a second; a crossing does not. So:
 *
 *   queued                        a picture comes            an event comes
 *   at least one picture          the oldest picture goes    the oldest picture goes
 *   events only                   it is not taken            the oldest event goes
 *
 * What stays keeps its order.
 */
#ifndef FV_SINK_SINK_H
#define FV_SINK_SINK_H

#include "base/error.h"
#include "flow.h"
#include "sink/areas.h"
#include "sink/rotate.h"
#include "zone/event.h"

struct fv_sink;

/* What the sinks need to know about the engine; outlives them. */
struct fv_sink_context {
    /* by camera id; "" where there is no camera. A reload may change one while the sinks run: they ask fv_sink_camera_name(). */
    const char *const *camera_names;
    uint32_t camera_count;
    const char *const *labels;
    uint32_t label_count;
    /* Of the second model: its name, and the labels that marks number. NULL: there is none. */
    const char *classifier;
    const char *const *marks;
    uint32_t mark_count;
    /* Pictures come from a file: nothing is dropped, put waits instead, and what is written bears
     * the pictures' own times, so that two runs write the same. */
    bool offline;
    int64_t start; /* offline: wall time of the first picture, ns since 1970 */
    /* A copy in host memory of a picture in device memory, for sinks that need its samples. On the result thread. NULL on the CPU
     * back end. 0 or negative errno. */
    int (*fetch)(void *data, const struct fv_picture *picture, struct fv_picture **ret_copy,
                 struct fv_error *err);
    void *fetch_data;
};

/* Valid as long as the engine; "?" for an id that cannot be. */
static inline const char *fv_sink_camera_name(const struct fv_sink_context *context,
                                              uint64_t camera)
{
    return camera < context->camera_count
               ? __atomic_load_n(&context->camera_names[camera], __ATOMIC_ACQUIRE)
               : "?";
}

struct fv_sink_ops {
    const char *name;
    bool pictures; /* write() needs result->picture, in host memory; else it gets none */
    /* 0 or negative errno with a sentence. `config` is the sink's own params struct. */
    int (*open)(const struct fv_sink_context *context, const void *config, void **ret_state,
                struct fv_error *err);
    /* On the result thread, must not block: is this result of use? What is not never enters the
     * queue. NULL: all are. */
    bool (*wants)(void *state, const struct fv_result *result);
    /* One result, on the sink's thread; may block. Borrowed. Negative errno: this item is lost
     * (counted, logged once per cause). */
    int (*write)(void *state, const struct fv_result *result, struct fv_error *err);
    /* One event of a zone or line, likewise; `at`: when it came to be, monotonic; offline its
     * picture's pts. NULL: this sink has no use for them. */
    int (*rule)(void *state, const struct fv_zone_event *event, int64_t at, struct fv_error *err);
    /* Nothing more is queued for now: a good moment to flush. May be NULL. */
    void (*idle)(void *state);
    void (*close)(void *state);
};

struct fv_sink_stats {
    uint64_t written, dropped, failed;
    uint64_t dropped_rules; /* of those dropped: events of zones and lines */
};

int fv_sink_open(const struct fv_sink_ops *ops, const struct fv_sink_context *context,
                 const void *config, unsigned queue, struct fv_sink **ret_sink,
                 struct fv_error *err);
/* Result thread. Copies the result (and takes a reference to its picture). Never blocks, unless
 * offline. */
void fv_sink_put(struct fv_sink *sink, const struct fv_result *result);
/* The same for an event of a zone or line. */
void fv_sink_put_rule(struct fv_sink *sink, const struct fv_zone_event *event);
void fv_sink_stats(struct fv_sink *sink, struct fv_sink_stats *ret_stats); /* any thread */
/* Writes what is queued and ends the thread. The figures stay readable. Nothing may be put any
 * more. Idempotent. */
void fv_sink_stop(struct fv_sink *sink);
void fv_sink_close(struct fv_sink *sink); /* stops first; NULL is fine */

/* JSON Lines of events of pictures, zones and lines, docs/events.md. */
struct fv_sink_jsonl_config {
    const char *path; /* created or appended to */
    bool replace;     /* what is in it goes */
    struct fv_rotation rotation;
};
extern const struct fv_sink_ops fv_sink_jsonl;

/* Tracks as MOTChallenge text of 2015, which `fovea validate accuracy` reads: a line for each box that has a track. The file is
 * replaced. One camera. */
struct fv_sink_mot_config {
    const char *path;
};
extern const struct fv_sink_ops fv_sink_mot;

/* The settings of `visualization`, and two of `tracking`. */
struct fv_overlay_style {
    bool detections, tracking, trails, fps, labels, confidence, track_ids; /* SHOW_* */
    int box_thickness, text_thickness;
    double text_scale;
    unsigned trail_length, trace_length; /* points */
    int64_t inactive, persistence;       /* ns */
};

/* Annotated JPEG files. */
struct fv_sink_snapshot_config {
    const char *folder;
    unsigned interval; /* every n-th result of each camera */
    unsigned quality;  /* 1..100 */
    unsigned keep;     /* newest files kept per camera; 0: all */
    float min_score;   /* boxes drawn from here */
    struct fv_overlay_style style;
    struct fv_areas *areas; /* zones and lines to draw; outlives the sink; NULL: none */
};
extern const struct fv_sink_ops fv_sink_snapshot;

#endif

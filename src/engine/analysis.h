// SPDX-License-Identifier: Apache-2.0
/*
 * What follows detection, camera by camera: tracks, then the rules of zones and lines. No I/O, no clock, no thread of its own;
 * no allocation after create.
 *
 *   result --track()--> the same with track numbers, cut to what is published --judge()--> events of rules
 *
 * Time is that of picture_clock.h: one monotonic clock, so that a new epoch or a camera that was away changes nothing.
 * All calls from the result thread, but for create, destroy and figures.
 */
#ifndef FV_ENGINE_ANALYSIS_H
#define FV_ENGINE_ANALYSIS_H

#include "base/error.h"
#include "conf/conf.h"
#include "flow.h"
#include "infer/model.h"
#include "zone/event.h"

struct fv_analysis;

struct fv_analysis_params {
    const struct fv_config *config; /* borrowed during create, as is the model */
    const struct fv_model *model;   /* knows the classes' names */
    /* An event of a rule; borrowed. From within judge, idle and stop. event->camera is the camera's index. */
    void (*event)(void *data, const struct fv_zone_event *event);
    void *data;
    /* Index of each enabled camera, in the order of the configuration; NULL: 0, 1, 2 and so on. Borrowed. */
    const uint32_t *places;
    uint32_t room; /* all indexes are below; 0: as many as there are cameras */
};

/* 0; -EINVAL: a zone or line cannot be used, for example it names a class that the model does not have (err); -ENOMEM. */
int fv_analysis_create(const struct fv_analysis_params *params, struct fv_analysis **ret_analysis,
                       struct fv_error *err);
void fv_analysis_destroy(struct fv_analysis *analysis); /* no events; NULL is fine */

/* The lowest score that the detector must hand over. */
float fv_analysis_threshold(const struct fv_config *config);

/* Gives the detections their tracks and leaves those that are published: MODEL_CONFIDENCE_THRESHOLD and better. */
void fv_analysis_track(struct fv_analysis *analysis, struct fv_result *result);
/* Then, for the same picture: its rules. */
void fv_analysis_judge(struct fv_analysis *analysis, const struct fv_result *result);
/* About once a second: what lasts comes to its end although a camera sends nothing. `now`: as at.event of results. */
void fv_analysis_idle(struct fv_analysis *analysis, int64_t now);
/* Ends what lasts. Nothing may follow. */
void fv_analysis_stop(struct fv_analysis *analysis);

/* After a reload: `fresh`, made of the new configuration and without a picture yet, goes on where `old` was, camera by camera (of
 * the same name). Tracks keep their numbers, with the new thresholds; rules of the same kind, name, points and anchor keep their
 * state (fv_analytics_take_over()); figures go on. What lasts in rules that changed is ended with cause RELOADED, in cameras that
 * are gone with STOPPED: by old's callback, with old's index of the camera, during this call. `old` is only to be destroyed
 * afterwards. On the result thread, between two pictures; cannot fail, allocates nothing. */
void fv_analysis_take_over(struct fv_analysis *fresh, struct fv_analysis *old);

struct fv_analysis_figures {
    uint64_t tracks;      /* confirmed since the start */
    uint64_t rule_events; /* of all types */
    uint64_t crossings, dwells;
};
void fv_analysis_figures(const struct fv_analysis *analysis, uint32_t camera,
                         struct fv_analysis_figures *ret_figures); /* any thread */

#endif

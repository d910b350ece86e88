// SPDX-License-Identifier: Apache-2.0
/*
 * Analysis of a file: the stages of the engine, fed as fast as they take it, with nothing dropped. The same file, configuration,
 * model and machine give the same events, tracks and pictures, byte for byte. For tuning zones, and for regression tests.
 *
 * A camera's address is accepted, too. Then pictures come when they come, and are dropped when there are too many, as in the engine.
 *
 * Threads: open, start, stop and close from one thread of the caller's. Callbacks come from Fovea's threads and must not call those.
 */
#ifndef FOVEA_ANALYZE_H
#define FOVEA_ANALYZE_H

#include <stdbool.h>

#include "fovea/config.h"
#include "fovea/event.h"

struct fv_analyze;

/* Texts are borrowed until close. */
struct fv_analyze_params {
    const char *input; /* a raw stream (H.264, H.265, JPEG; IVF), a container (mp4, mkv...), or rtsp://, rtsps:// */
    const char *config_path; /* NULL: the defaults */
    const char *camera;      /* whose zones, lines and settings; NULL: the first one that is enabled, else the engine-wide ones */
    const char *backend;     /* as in struct fv_engine_params */
    double fps;              /* of a raw stream; 0: what it says, 25 when it does not say */
    int64_t start;           /* files: when its first picture was taken, ns since 1970 */
    const char *events;      /* JSON Lines as in docs/events.md; NULL: none, as below. Files are replaced */
    const char *tracks;      /* MOTChallenge text, for fv_validate_mot() */
    const char *pictures;    /* folder of annotated JPEG files */
    unsigned interval;       /* every n-th analysed picture is drawn; 0: 1 */

    fv_problem_fn problem; /* findings about the configuration, during open; may be NULL, as all below */
    void (*frame)(void *data, const struct fv_frame_event *event);   /* each analysed picture */
    void (*rule)(void *data, const struct fv_rule_event *event);     /* each event of a zone or line */
    void (*camera_state)(void *data, const struct fv_camera_event *event); /* of an address */
    void (*ended)(void *data); /* files: everything was analysed and written, or it failed: time to stop */
    void *data;
};

/* As fv_engine_open(), and of the input: -ENOENT, -EACCES, -EISDIR, -EIO, -EBADMSG (no video, or of another codec: err says how to
 * convert it), -EINVAL (no such camera). */
FV_API int fv_analyze_open(const struct fv_analyze_params *params, struct fv_analyze **ret_analyze,
                           struct fv_error *err);
FV_API int fv_analyze_start(struct fv_analyze *analyze, struct fv_error *err); /* once */
/* Ends at once, wherever it is; what was analysed is written. 0, or why the analysis failed (err). No callback comes after the
 * return. Idempotent. */
FV_API int fv_analyze_stop(struct fv_analyze *analyze, struct fv_error *err);
FV_API void fv_analyze_close(struct fv_analyze *analyze); /* stops first; NULL is fine */

struct fv_analyze_figures {
    const char *runtime; /* what infers: library, version, provider */
    bool live;           /* an address, not a file */
    double done;         /* of the file, 0..1 */
    bool complete;       /* to its end, without failure */
    int64_t elapsed;     /* ns since start, until the end */
    int64_t media;       /* ns: pts of the last analysed picture */
    uint64_t access_units; /* read */
    uint64_t frames;       /* decoded */
    uint64_t analysed, detections, persons, tracks, rule_events, crossings, dwells; /* as in struct fv_engine_camera */
    uint64_t undecodable; /* access units that the decoder refused, or that had to wait for a key picture */
    uint64_t dropped;     /* access units and pictures given up, or lost by the network: 0 with files */
    uint64_t unwritten;   /* events, pictures with tracks and annotated pictures that could not be written */
};
FV_API void fv_analyze_figures(struct fv_analyze *analyze,
                               struct fv_analyze_figures *ret_figures); /* any thread */

#endif

// SPDX-License-Identifier: Apache-2.0
/*
 * The configuration: one JSON file, one table of settings (table.c) that yields parser, bounds, defaults, help and documentation.
 * Names, defaults and rules: docs/config.md (generated from the table).
 */
#ifndef FV_CONF_CONF_H
#define FV_CONF_CONF_H

#include <stdbool.h>

#include "base/log.h"
#include "base/thread.h"
#include "base/url.h"
#include "fovea/config.h"

enum fv_backend { FV_BACKEND_GPU, FV_BACKEND_CPU };
enum fv_conf_transport { FV_CONF_TRANSPORT_AUTO, FV_CONF_TRANSPORT_TCP, FV_CONF_TRANSPORT_UDP, FV_CONF_TRANSPORT_TLS };
enum fv_conf_backoff { FV_CONF_BACKOFF_EXPONENTIAL, FV_CONF_BACKOFF_ADAPTIVE, FV_CONF_BACKOFF_BREAKER };

/* A list of strings. */
struct fv_conf_strings {
    char **items;
    unsigned count;
};

/* A zone or line: docs/analytics.md. What is not asked for is 0, or -1 where 0 has a meaning. */
struct fv_conf_area {
    char *name;
    double (*points)[2];
    unsigned point_count;
    int anchor; /* enum fv_anchor */
    struct fv_conf_strings classes;
    double min_score, min_size, max_size, inertia_ms, margin;
    double count_s;
    /* zones */
    bool mask, enter_exit;
    double dwell_s;
    int crowd_limit, crowd_slack; /* limit: -1 */
    double crowd_s, crowd_update_s;
    double direction_deg, direction_tolerance_deg, direction_distance; /* deg: -1 */
    double stationary_s, stationary_radius, stationary_forget_s;
    bool stationary_suppress;
};

struct fv_conf_areas {
    struct fv_conf_area *items;
    unsigned count;
    bool given; /* the key stands there, be it with an empty list */
};

struct fv_conf_camera {
    char *name;
    char *url; /* as written: may hold credentials */
    bool enabled;
    struct fv_url address; /* parsed, with the credentials that are in force (url, USERNAME, PASSWORD_ENV, PASSWORD_FILE) */
    int transport; /* enum fv_conf_transport */
    bool tls_verify;
    char *tls_ca_file; /* NULL: the system's */
    double resolve_timeout_s, connect_timeout_s, request_timeout_s, first_packet_timeout_s, first_keyframe_timeout_s, stall_timeout_s;
    double reorder_ms;
    bool flag_loss; /* ON_LOSS is "flag" */
    int decode_mode; /* 0: key pictures only, else every Nth */
    int backoff;    /* enum fv_conf_backoff */
    double backoff_initial_s, backoff_max_s, backoff_factor, backoff_jitter, breaker_open_s;
    int backoff_stable_after, breaker_failures, breaker_probes;
    struct fv_conf_areas zones, lines; /* not given: those of struct fv_config */
};

struct fv_config {
    struct {
        int backend; /* enum fv_backend */
        bool enable;        /* ENABLE_PROCESSING */
        int gpu_batch_size; /* 0: "auto" */
        int max_queue_size;
        double pipeline_queue_timeout_ms;
        int unified_pipeline_threads; /* 0: auto */
        int analysis_frame_interval;
        int frame_skip;    /* pictures left out after each one that is analysed; multiplies the interval */
        double target_fps; /* of a camera, at most */
        int nvdec_buffer_size; /* surfaces per camera beyond what its stream needs */
        bool use_thread_affinity;
        int thread_priority, decoder_thread_priority; /* enum fv_priority */
        bool profiling;
        int profiling_sampling; /* every Nth picture */
        /* GPU back end only */
        int gpu_memory_pool_mb;         /* GPU_MEMORY_POOL_SIZE_MB */
        bool memory_pooling;            /* ENABLE_MEMORY_POOLING */
        bool pixel_copy_ends;           /* ON_PIXEL_COPY is "exit" */
        bool gpu_loss_ends;             /* ON_GPU_LOSS is "exit" */
        bool memory_monitoring;         /* MEMORY_MONITORING_ENABLED */
    } processing;
    struct {
        char *model_path; /* NULL: the bundled detector */
        double confidence, iou;
        struct fv_conf_strings class_names;    /* none: the manifest's */
        struct fv_conf_strings target_classes; /* numbers as text, or names */
        char *inference_provider; /* "auto", "tensorrt", "tensorrt-rtx", "cuda", "cpu"; "cpu" or "auto" on the CPU back end */
        int warm_up_iterations;
        bool optimize; /* OPTIMIZE_FOR_INFERENCE */
        int max_batch; /* TENSORRT_MAX_BATCH_SIZE; at least gpu_batch_size, and 32 when that is "auto" and this was not given */
        /* GPU back end only */
        char *device;     /* "cuda:0" */
        int device_index; /* 0 */
        bool tensorrt_fp16;
        double tensorrt_workspace_gb;
        char *engine_path; /* DETECTION_ENGINE_PATH: file or folder of built engines; NULL: a cache folder */
    } models;
    struct {
        char *model_path; /* NULL: there is none */
        struct fv_conf_strings classes; /* of the detector, numbers as text or names; none: all */
        double interval_s;
        int min_size; /* pixels */
        double confidence; /* 0: the manifest's threshold alone */
        int batch;
    } classifier;
    struct {
        struct fv_conf_camera *items; /* enabled and disabled, in file order */
        unsigned count;
        bool stand_in; /* the last one is that of fv_config_params */
        struct fv_conf_areas zones, lines; /* of all cameras that have none of their own */
        double gather_ms;
        int connect_rate_per_s, connects_per_host;
    } cameras;
    struct {
        bool enable;
        double high, low; /* TRACK_THRESH, TRACK_LOW_THRESH */
        double buffer;    /* TRACK_BUFFER: thirtieths of a second */
        double match;     /* MATCH_THRESH */
        double inactive_s, persistence_s; /* of drawn trails */
    } tracking;
    struct {
        bool show_detections, show_tracking, show_trails, show_fps, show_labels, show_confidence, show_track_ids;
        int box_thickness, text_thickness, trace_length, trail_length;
        double text_scale;
    } visualization;
    struct {
        char *dir; /* OUTPUT_DIR */
        bool save_frames, save_detections;
        double events_max_mb, events_max_hours; /* 0: no limit */
        int events_keep;                        /* 0: all */
        int frame_save_interval, jpeg_quality;
    } output;
    struct {
        char *name;
        int log_level; /* enum fv_log_level */
        char *log_file; /* NULL: standard error */
    } app;
};

struct fv_check; /* a configuration while it is judged */

struct fv_config_params {
    const char *path;    /* the file, or NULL when `text` is given */
    const char *text;    /* JSON text instead of a file, terminated */
    const char *name;    /* how `text` is called in problems; NULL: "<text>" */
    const char *backend; /* overrides processing.BACKEND; NULL: none */
    bool stand_in; /* it is no error that no camera is enabled: then one more has the engine-wide settings, and a made-up address */
    fv_problem_fn problem; /* every finding, in file order; may be NULL */
    void *data;
    /* More rules, of a stage that knows the machine: called when everything else was judged, before the findings are handed out.
     * May be NULL. */
    void (*look)(void *data, struct fv_check *check);
    void *look_data;
};

/* For more rules. What was read so far; with errors it is incomplete. Never NULL. */
const struct fv_config *fv_conf_config(const struct fv_check *check);
/* Errors so far. */
unsigned fv_conf_errors(const struct fv_check *check);
/* A setting that has no place in struct fv_config, by "section.NAME", as given. NULL or `fallback` when it is not given, or
 * of another type; bools are 0 and 1. */
const char *fv_conf_text(const struct fv_check *check, const char *key);
double fv_conf_number(const struct fv_check *check, const char *key, double fallback);
/* As fv_conf_text(), of a camera's entry: key "NAME", index into config->cameras.items. */
const char *fv_conf_camera_text(const struct fv_check *check, unsigned camera, const char *key);
/* One more finding. Texts are complete sentences, free of secrets. */
struct fv_conf_finding {
    enum fv_severity severity;
    const char *code;
    const char *key; /* "section.NAME"; of_camera: "NAME". The place is where the file says it, else the file as a whole */
    const char *message, *fix;
    bool of_camera;
    unsigned camera; /* index into config->cameras.items */
};
void fv_conf_find(struct fv_check *check, const struct fv_conf_finding *finding);

/* Reads, applies the environment (FOVEA_SECTION__NAME), checks and fills in the defaults. All problems are reported, not only
 * the first. Borrows params. 0; -EINVAL: there are
 * errors (reported); -ENOENT, -EACCES, -EIO: the file cannot be read (err); -ENOMEM. On failure *ret_config is untouched. */
int fv_config_load(const struct fv_config_params *params, struct fv_config **ret_config, struct fv_error *err);

/* A setting outside of the cameras that has another value. Borrowed; never shows a secret. */
struct fv_conf_difference {
    const char *key;            /* "models.MODEL_IOU_THRESHOLD" */
    const char *before, *after; /* JSON text */
    bool live;                  /* an engine that runs can take it over */
};
struct fv_conf_differ {
    void (*tell)(void *data, const struct fv_conf_difference *difference); /* may be NULL */
    void *data;
};
/* For an engine that runs with `in_force` and shall go on with `fresh`: tells each setting that differs, in the order of the table,
 * and sets those of `fresh` back that cannot change without a restart. 0 or -ENOMEM. */
int fv_conf_settle(struct fv_config *fresh, const struct fv_config *in_force,
                   const struct fv_conf_differ *differ);
/* Whether the same packets come in the same way: address, credentials, transport, TLS, order, loss. */
bool fv_conf_same_stream(const struct fv_conf_camera *a, const struct fv_conf_camera *b);
/* And with the same deadlines and backoff. */
bool fv_conf_same_connection(const struct fv_conf_camera *a, const struct fv_conf_camera *b);
/* 1: the same zones or lines in the same order; 0; or -ENOMEM. */
int fv_conf_same_areas(const struct fv_conf_areas *a, const struct fv_conf_areas *b);
void fv_config_free(struct fv_config *config); /* wipes passwords; NULL is fine */

#endif

// SPDX-License-Identifier: Apache-2.0
/*
 * The engine: cameras in, detections out, as one configuration says.
 *
 *     struct fv_engine *engine;
 *     struct fv_error err;
 *     if (fv_engine_open(&params, &engine, &err) < 0 || fv_engine_start(engine, &err) < 0) { puts(err.text); ... }
 *     ... callbacks arrive ...
 *     fv_engine_close(engine);
 *
 * Threads: open, start, stop and close from one thread of the caller's. Callbacks come from Fovea's threads, as each one says; they
 * must not call open, start, stop or close. Several engines and readers of one process share the log (fovea/log.h: who opened last
 * says where it goes) and nothing else. On the GPU back end open, reload and stop make its primary context, the one that the CUDA
 * runtime and PyTorch use, current for the calling thread; after close, or an open that failed, no context is.
 */
#ifndef FOVEA_ENGINE_H
#define FOVEA_ENGINE_H

#include <stdbool.h>
#include <stddef.h>

#include "fovea/config.h"
#include "fovea/event.h"
#include "fovea/log.h"

struct fv_engine;

struct fv_engine_params {
    const char *config_path; /* the configuration file, or NULL with config_text */
    const char *config_text; /* JSON text instead of a file */
    const char *backend;     /* "gpu", "cpu": overrides processing.BACKEND; NULL: none */
    const char *output_dir;  /* overrides output.OUTPUT_DIR; NULL: none */

    fv_problem_fn problem; /* findings about the configuration, during open; may be NULL */
    /* Each analysed picture; on the result thread; should return within a millisecond. May be NULL. */
    void (*frame)(void *data, const struct fv_frame_event *event);
    /* Each event of a zone or line, after the frame that decided it; on the result thread; as frame. May be NULL. */
    void (*rule)(void *data, const struct fv_rule_event *event);
    /* Each change of a camera's state; on the ingest thread; must not block. May be NULL. */
    void (*camera)(void *data, const struct fv_camera_event *event);
    /* What takes long during open ("batch 4 of 16: ..."), a sentence without a full stop. May be NULL. */
    void (*progress)(void *data, const char *text);
    /* The engine cannot go on, said once: -ENODEV: the GPU was lost, and no process gets back a GPU that it lost; -EPROTO: a copy as large
     * as a picture left the GPU, and processing.ON_PIXEL_COPY is "exit". Cameras stay connected; the caller stops, and ends the process
     * after -ENODEV. During open and start, too, which then fail: so a GPU that was lost (start a new process) is told from one that is
     * not there. On any thread; must not block. May be NULL. */
    void (*failed)(void *data, int code, const char *reason);
    void *data;
};

/* Reads the configuration, loads the model and checks everything that is needed; touches no network. Borrows params.
 * 0; -EINVAL: the configuration has errors (each was reported to `problem`); -ENODEV: no usable GPU in GPU-only mode
 * (err lists everything that is missing); -ENOENT, -EACCES, -EBADMSG, -ENOTSUP, -ENOMEM, -EIO. */
FV_API int fv_engine_open(const struct fv_engine_params *params, struct fv_engine **ret_engine,
                          struct fv_error *err);
/* Starts the threads and connects. Once per engine. */
FV_API int fv_engine_start(struct fv_engine *engine, struct fv_error *err);
/* One consequence of a reload. Borrowed: valid during the callback only. Never shows a secret. */
struct fv_reload_change {
    bool needs_restart; /* what is in force stays so until the next start */
    const char *key;    /* "models.MODEL_CONFIDENCE_THRESHOLD", "cameras.RTSP_STREAMS" */
    const char *what;   /* "0.25 -> 0.4", "camera 'gate' is new" */
};

struct fv_reload_params {
    const char *config_path; /* NULL, and no text: the file that the engine was opened with */
    const char *config_text; /* JSON text instead of a file */
    fv_problem_fn problem;   /* findings about the configuration; may be NULL */
    void (*change)(void *data, const struct fv_reload_change *change); /* after it was applied; may be NULL */
    void *data;              /* of both */
};

/*
 * Goes on with a changed configuration, with the smallest disturbance: cameras come and go, a camera whose address or connection
 * settings changed reconnects, all others play on; thresholds, classes, tracking, zones, lines and the log change between two
 * pictures, and tracks and zones that stayed the same keep their state. Settings that need a restart are named and stay as they
 * are. The log file is opened anew. `backend` and `output_dir` of open hold further on.
 *
 * All or nothing: on failure everything goes on as it was. 0; -EINVAL: the configuration has errors (each was reported), or a class
 * that the model does not have; -ENOBUFS: more new cameras than there is room for (64 beyond those of the start); -ENOENT, -EACCES,
 * -EIO: it cannot be read; -EPROTO: the engine was stopped; -ENOMEM. From the thread of open, before or after start; takes as long as
 * the batches under way.
 */
FV_API int fv_engine_reload(struct fv_engine *engine, const struct fv_reload_params *params,
                            struct fv_error *err);
/* Says goodbye to the cameras, finishes what is under way, flushes the sinks. No callback comes after the return. Idempotent. */
FV_API void fv_engine_stop(struct fv_engine *engine);
FV_API void fv_engine_close(struct fv_engine *engine); /* stops first; NULL is fine */

/* One camera's figures since the start. */
struct fv_engine_camera {
    const char *name;  /* valid until close */
    const char *codec; /* "h264", "h265", "none" */
    enum fv_camera_state state;
    int64_t in_state; /* ns since the last change */
    char reason[300]; /* of the last change */
    uint32_t width, height;
    uint64_t frames;              /* decoded pictures */
    uint64_t analysed;            /* pictures that went through the detector */
    uint64_t detections, persons; /* sums over analysed pictures; persons: label "person" */
    uint64_t access_units, bytes, lost_packets, reconnects, failures;
    uint64_t dropped_queue; /* access units or pictures given up because a queue was full, or waited in it too long */
    uint64_t
        dropped_decode; /* access units that could not be decoded or waited for a key picture */
    uint64_t skipped;   /* pictures left out by setting */
    int64_t age_p50, age_p99,
        age_max;                /* ns from the last packet to the event; 0 before the first */
    uint32_t persons_now;       /* in the last analysed picture */
    uint64_t tracks;            /* objects that were followed: numbers given to tracks */
    uint64_t rule_events;       /* of zones and lines: all of them, */
    uint64_t crossings, dwells; /* those of type line.crossing, and starts of zone.dwell */
};

/* How long pictures were in one stage: ENABLE_PROFILING, every PROFILING_SAMPLING_RATE-th analysed picture. */
struct fv_engine_stage {
    const char *name; /* "receive": from the first packet to the last; "decode": to the decoded picture; "infer": to its boxes, with
                         the wait for its batch; "result": to its event */
    uint64_t pictures;
    int64_t p50, p99, max; /* ns */
};
#define FV_ENGINE_STAGES 4

struct fv_engine_stats {
    const char *name;    /* app.APP_NAME; valid until close or reload */
    const char *backend; /* "cpu", "gpu" */
    const char *runtime; /* what really infers: library, version, provider */
    int64_t uptime;      /* ns since start */
    uint32_t camera_count;
    uint64_t batches, batched;               /* batches run; pictures in them */
    uint64_t events_written, events_dropped; /* events.jsonl */
    int64_t age_p50, age_p99, age_max;       /* as in struct fv_engine_camera, of all cameras */
    struct fv_engine_stage stages[FV_ENGINE_STAGES]; /* no pictures without profiling */
    const char *classifier; /* name of the second model; NULL: there is none. Valid until close */
    uint64_t classified, classify_skipped, classify_lost; /* crops: answered; no room for them; faults */
};

/* Bytes that crossed between host and GPU for one purpose. */
struct fv_engine_traffic {
    const char *purpose; /* "bitstream", "boxes", "snapshot", "weights", "control" */
    uint64_t to_device, to_host;
};
#define FV_ENGINE_PURPOSES_MAX 8

/* The GPU in use. */
struct fv_engine_gpu {
    const char *name;                                         /* valid until close */
    unsigned device;                                          /* of "cuda:N" */
    uint64_t memory_total, memory_free_at_start, memory_free; /* bytes, of the whole device */
    uint64_t pool_bytes, pool_used, pool_peak;                /* GPU_MEMORY_POOL_SIZE_MB */
    struct fv_engine_traffic traffic[FV_ENGINE_PURPOSES_MAX];
    uint32_t traffic_count;
    uint64_t tripped; /* pixel-sized copies to the host that no purpose allowed; each was refused */
    bool lost;        /* the device failed for good */
};

/* 0, or -ENODEV: the engine runs on the CPU back end. Any thread. */
FV_API int fv_engine_gpu(struct fv_engine *engine, struct fv_engine_gpu *ret_gpu);

FV_API void fv_engine_stats(struct fv_engine *engine, struct fv_engine_stats *ret_stats);
/* index < camera_count. A camera keeps its index while it is there; a reload gives new ones the next index or, when there is no room
 * behind, that of a camera that is gone; until then that is shown as disabled. 0 or -EINVAL. Any thread. */
FV_API int fv_engine_camera(struct fv_engine *engine, uint32_t index,
                            struct fv_engine_camera *ret_camera);

/* --- A picture on demand --- */

struct fv_engine_jpeg {
    uint8_t *data; /* a JPEG file */
    size_t size;
    struct fv_frame_info frame; /* which picture it is */
};

/*
 * The next whole picture that a camera's decoder hands on, as JPEG, made where it lies, as fv_reader_frame_jpeg() (fovea/reader.h) says: on
 * the GPU by nvJPEG, and only these bytes come to the host, accounted as "snapshot". Boxes are not drawn in.
 *
 * `index` as of fv_engine_camera(); `quality`: 1 to 100. Waits for a picture, at most ten seconds, and for the work, milliseconds. Any
 * thread but Fovea's, between start and close; several callers take turns. *ret_jpeg is the caller's: fv_engine_jpeg_free().
 * 0; -EINVAL (no such camera, quality); -ETIMEDOUT (no picture came); -ECANCELED (the engine was stopped); -ENOTSUP (this build or this
 * machine cannot: err has the cure); -ENOMEM, -EIO, -ENODEV. A failure changes nothing for the engine.
 */
FV_API int fv_engine_jpeg(struct fv_engine *engine, uint32_t index, unsigned quality,
                          struct fv_engine_jpeg *ret_jpeg, struct fv_error *err);
FV_API void fv_engine_jpeg_free(struct fv_engine_jpeg *jpeg); /* a zeroed one is fine */

#endif

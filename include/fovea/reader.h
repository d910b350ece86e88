// SPDX-License-Identifier: Apache-2.0
/*
 * The reader: one camera's decoded pictures in a callback, reconnects handled. For those who want frames and nothing else.
 * Several readers of one process share nothing; for many cameras use the engine.
 */
#ifndef FOVEA_READER_H
#define FOVEA_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "fovea/event.h"

struct fv_reader;

/* A picture in host memory (CPU back end). Borrowed: valid during the callback only. */
struct fv_reader_picture {
    struct fv_frame_info frame; /* camera is 0 */
    int format;                 /* enum fv_reader_format */
    const uint8_t *plane[3];    /* NULL when the format has fewer */
    size_t pitch[3];            /* bytes from one row to the next */
    bool bt709, full_range;
};
enum fv_reader_format { FV_READER_I420, FV_READER_NV12, FV_READER_P016, FV_READER_I010 };

struct fv_reader_params {
    const char *url;     /* rtsp://[user:password@]host[:port]/path */
    const char *backend; /* "cpu"; "gpu" follows with the GPU path */
    /* On the decode thread: a slow callback makes the reader drop pictures, never fall behind. */
    void (*picture)(void *data, const struct fv_reader_picture *picture);
    /* State changes, on the ingest thread; code < 0 says what went wrong. Reconnects go on by themselves. May be NULL. */
    void (*state)(void *data, const struct fv_camera_event *event);
    void *data;
};

/* 0, -EINVAL (url, backend), -ENOTSUP (not built in), -ENOMEM. Borrows params; touches no network. */
FV_API int fv_reader_open(const struct fv_reader_params *params, struct fv_reader **ret_reader,
                          struct fv_error *err);
FV_API int fv_reader_start(struct fv_reader *reader, struct fv_error *err);
FV_API void
fv_reader_stop(struct fv_reader *reader); /* no callback comes after the return; idempotent */
FV_API void fv_reader_close(struct fv_reader *reader); /* stops first; NULL is fine */

#endif

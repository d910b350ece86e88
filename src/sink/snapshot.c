// SPDX-License-Identifier: Apache-2.0
/*
 * Every n-th result of each camera as a JPEG file with its boxes drawn in. The picture goes from
 * planar YUV to JPEG without RGB in between. A file gets its name only when it is complete.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "sink/canvas.h"
#include "sink/jpeg.h"
#include "sink/overlay.h"
#include "sink/sink.h"
#include "sink/snapshot_files.h"

struct snapshot {
    const struct fv_sink_context *context;
    struct fv_sink_snapshot_config config;
    struct fv_snapshot_files *files;
    struct fv_overlay *overlay;
    uint64_t *seen; /* results of each camera; owner: the result thread */
    struct fv_canvas_memory canvas;
    struct fv_jpeg *jpeg;
};

static void snapshot_close(void *state)
{
    struct snapshot *snapshot = state;
    if (!snapshot)
        return;
    fv_jpeg_destroy(snapshot->jpeg);
    fv_canvas_finish(&snapshot->canvas);
    fv_snapshot_files_close(snapshot->files);
    fv_overlay_destroy(snapshot->overlay);
    fv_free(snapshot->seen);
    fv_free(snapshot);
}

static int snapshot_open(const struct fv_sink_context *context, const void *config,
                         void **ret_state, struct fv_error *err)
{
    const struct fv_sink_snapshot_config *settings = config;
    if (!settings->interval || settings->quality < 1 || settings->quality > 100)
        return fv_error_set(err, -EINVAL,
                            "snapshots: the interval must be at least 1 and the quality 1 to 100");
    struct snapshot *snapshot = FV_NEW(struct snapshot);
    if (!snapshot)
        return fv_error_set(err, -ENOMEM, "out of memory");
    snapshot->context = context;
    snapshot->config = *settings;
    snapshot->config.folder = NULL; /* the caller's: snapshot_files has its own copy */
    snapshot->seen = fv_calloc(context->camera_count + 1, sizeof(*snapshot->seen));
    int code = fv_jpeg_create(settings->quality, &snapshot->jpeg);
    if (code == 0)
        code = fv_overlay_create(context, &settings->style, settings->areas, &snapshot->overlay);
    if (code < 0 || !snapshot->seen)
        code = fv_error_set(err, -ENOMEM, "out of memory");
    if (code == 0)
        code = fv_snapshot_files_open(settings->folder, context, settings->keep, &snapshot->files,
                                      err);
    if (code < 0) {
        snapshot_close(snapshot);
        return code;
    }
    *ret_state = snapshot;
    return 0;
}

/* Before the queue: a result that waits there keeps its picture from being reused. */
static bool snapshot_wants(void *state, const struct fv_result *result)
{
    struct snapshot *snapshot = state;
    if (result->info.camera >= snapshot->context->camera_count)
        return false;
    fv_overlay_note(snapshot->overlay, result);
    return snapshot->seen[result->info.camera]++ % snapshot->config.interval == 0;
}

static int snapshot_write(void *state, const struct fv_result *result, struct fv_error *err)
{
    struct snapshot *snapshot = state;
    if (result->info.camera >= snapshot->context->camera_count)
        return fv_error_set(err, -EINVAL, "unknown camera");
    if (!result->picture)
        return fv_error_set(err, -EINVAL, "the result came without its picture");
    int code = fv_canvas_load(&snapshot->canvas, result->picture);
    if (code < 0)
        return fv_error_set(err, code, "the picture cannot be copied: %s", fv_strerror(code));
    fv_overlay_draw(snapshot->overlay, &snapshot->canvas.canvas, result,
                    snapshot->config.min_score);
    const uint8_t *data;
    size_t size;
    code = fv_jpeg_compress(snapshot->jpeg, &snapshot->canvas.canvas, &data, &size, err);
    if (code < 0)
        return code;
    return fv_snapshot_files_write(snapshot->files, &result->info, data, size, err);
}

const struct fv_sink_ops fv_sink_snapshot = {
    .name = "snapshot",
    .pictures = true,
    .open = snapshot_open,
    .wants = snapshot_wants,
    .write = snapshot_write,
    .close = snapshot_close,
};

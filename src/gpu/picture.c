// SPDX-License-Identifier: Apache-2.0
#include "gpu/picture.h"

#include <errno.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"

struct copy {
    struct fv_picture picture;
    uint8_t samples[];
};

static void release(struct fv_picture *picture)
{
    fv_free(FV_CONTAINER(picture, struct copy, picture));
}

static size_t chroma_rows(const struct fv_picture *picture)
{
    return (picture->info.height + 1) / 2;
}

/* Bytes of a plane from its first sample to its last: behind the last row there may be nothing. */
static size_t plane_bytes(const struct fv_picture *picture, int plane)
{
    size_t rows = plane == 0 ? picture->info.height : chroma_rows(picture);
    size_t samples = plane == 0 ? picture->info.width : (picture->info.width + 1) / 2 * 2;
    size_t row = samples * (picture->format == FV_PIXEL_P016 ? 2 : 1);
    return (rows - 1) * picture->pitch[plane] + row;
}

static int download(struct fv_gpu_stream *stream, const struct fv_picture *from, struct copy *to,
                    struct fv_error *err)
{
    uint8_t *at = to->samples;
    int r = from->ready ? fv_gpu_event_gate(from->ready, stream, err) : 0;
    for (int i = 0; r == 0 && i < 2; i++) {
        r = fv_gpu_download(stream, at, (fv_gpu_address)(uintptr_t)from->plane[i],
                            plane_bytes(from, i), FV_GPU_SNAPSHOT, err);
        to->picture.plane[i] = at;
        at += plane_bytes(from, i);
    }
    /* Also after a failure: what was enqueued writes to memory that is about to be freed. */
    int finished = fv_gpu_stream_finish(stream, r == 0 ? err : NULL);
    return r < 0 ? r : finished;
}

/* All but the references, which others count meanwhile. */
static struct copy *new_copy(const struct fv_picture *picture)
{
    struct copy *copy =
        fv_calloc(1, sizeof(*copy) + plane_bytes(picture, 0) + plane_bytes(picture, 1));
    if (!copy)
        return NULL;
    copy->picture.info = picture->info;
    copy->picture.format = picture->format;
    copy->picture.memory = FV_MEMORY_HOST;
    copy->picture.matrix = picture->matrix;
    copy->picture.full_range = picture->full_range;
    memcpy(copy->picture.pitch, picture->pitch, sizeof(copy->picture.pitch));
    copy->picture.refs = 1;
    copy->picture.release = release;
    return copy;
}

int fv_gpu_picture_fetch(struct fv_gpu *gpu, struct fv_gpu_stream *stream,
                         const struct fv_picture *picture, struct fv_picture **ret_copy,
                         struct fv_error *err)
{
    if (picture->format != FV_PIXEL_NV12 && picture->format != FV_PIXEL_P016)
        return fv_error_set(err, -ENOTSUP, "a picture of this format cannot be fetched");
    struct copy *copy = new_copy(picture);
    if (!copy)
        return fv_error_set(err, -ENOMEM, "out of memory for a snapshot of %u x %u",
                            picture->info.width, picture->info.height);
    int r = fv_gpu_enter(gpu, err);
    if (r == 0)
        r = download(stream, picture, copy, err);
    if (r < 0) {
        fv_free(copy);
        return r;
    }
    *ret_copy = &copy->picture;
    return 0;
}

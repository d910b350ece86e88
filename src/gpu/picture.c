// SPDX-License-Identifier: Apache-2.0
#include "gpu/picture.h"

#include <errno.h>

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

static int download(struct fv_gpu_stream *stream, const struct fv_picture *from, struct copy *to,
                    struct fv_error *err)
{
    const size_t sizes[2] = {from->pitch[0] * from->info.height,
                             from->pitch[1] * chroma_rows(from)};
    uint8_t *at = to->samples;
    int r = from->ready ? fv_gpu_event_gate(from->ready, stream, err) : 0;
    for (int i = 0; r == 0 && i < 2; i++) {
        r = fv_gpu_download(stream, at, (fv_gpu_address)(uintptr_t)from->plane[i], sizes[i],
                            FV_GPU_SNAPSHOT, err);
        to->picture.plane[i] = at;
        at += sizes[i];
    }
    /* Also after a failure: what was enqueued writes to memory that is about to be freed. */
    int finished = fv_gpu_stream_finish(stream, r == 0 ? err : NULL);
    return r < 0 ? r : finished;
}

int fv_gpu_picture_fetch(struct fv_gpu *gpu, struct fv_gpu_stream *stream,
                         const struct fv_picture *picture, struct fv_picture **ret_copy,
                         struct fv_error *err)
{
    if (picture->format != FV_PIXEL_NV12 && picture->format != FV_PIXEL_P016)
        return fv_error_set(err, -ENOTSUP, "a picture of this format cannot be fetched");
    size_t bytes =
        picture->pitch[0] * picture->info.height + picture->pitch[1] * chroma_rows(picture);
    struct copy *copy = fv_calloc(1, sizeof(*copy) + bytes);
    if (!copy)
        return fv_error_set(err, -ENOMEM, "out of memory for a snapshot of %u x %u",
                            picture->info.width, picture->info.height);
    copy->picture = *picture;
    copy->picture.memory = FV_MEMORY_HOST;
    copy->picture.ready = NULL;
    copy->picture.refs = 1;
    copy->picture.release = release;
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

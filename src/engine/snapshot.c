// SPDX-License-Identifier: Apache-2.0
/* A picture of a running engine as JPEG, for who asks. */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "engine/impl.h"
#include "fovea/engine.h"

#define PATIENCE (10 * FV_S)

static bool has_camera(struct fv_engine *engine, uint32_t index)
{
    pthread_mutex_lock(&engine->lock);
    const bool there = index < engine->cameras.count && engine->cameras.places[index].used;
    pthread_mutex_unlock(&engine->lock);
    return there;
}

static int take(struct fv_engine *engine, uint32_t index, struct fv_picture **ret_picture,
                struct fv_error *err)
{
    int r = fv_stills_take(&engine->stills, index, PATIENCE, ret_picture);
    if (r == -ETIMEDOUT)
        return fv_error_set(err, r, "camera '%s' had no picture within %d s",
                            fv_cameras_name(&engine->cameras, index), (int)(PATIENCE / FV_S));
    return r < 0 ? fv_error_set(err, r, "the engine was stopped") : 0;
}

/* Device pictures are released where the GPU was entered. */
static void drop(struct fv_jpeg_maker *jpegs, struct fv_picture *picture)
{
    void *before = NULL;
    const bool visiting = jpegs->gpu && fv_gpu_visit(jpegs->gpu, &before, NULL) == 0;
    fv_picture_unref(picture);
    if (visiting)
        fv_gpu_leave(jpegs->gpu, before);
}

int fv_engine_jpeg(struct fv_engine *engine, uint32_t index, unsigned quality,
                   struct fv_engine_jpeg *ret_jpeg, struct fv_error *err)
{
    struct fv_picture *picture = NULL;
    struct fv_gpu_jpeg_file file;
    if (quality < 1 || quality > 100)
        return fv_error_set(err, -EINVAL, "the quality of a JPEG is 1 to 100, not %u", quality);
    if (!has_camera(engine, index))
        return fv_error_set(err, -EINVAL, "there is no camera %u", index);
    int r = take(engine, index, &picture, err);
    if (r < 0)
        return r;
    r = fv_jpeg_maker_make(&engine->jpegs, picture, quality, &file, err);
    if (r == 0)
        *ret_jpeg = (struct fv_engine_jpeg){file.data, file.size, picture->info};
    drop(&engine->jpegs, picture);
    return r;
}

void fv_engine_jpeg_free(struct fv_engine_jpeg *jpeg)
{
    fv_free(jpeg->data);
    memset(jpeg, 0, sizeof(*jpeg));
}

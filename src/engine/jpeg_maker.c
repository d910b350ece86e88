// SPDX-License-Identifier: Apache-2.0
#include "engine/jpeg_maker.h"

#include <errno.h>

#include "sink/jpeg.h"

void fv_jpeg_maker_init(struct fv_jpeg_maker *maker, struct fv_gpu *gpu)
{
    maker->gpu = gpu;
    maker->jpeg = NULL;
    pthread_mutex_init(&maker->lock, NULL);
}

void fv_jpeg_maker_finish(struct fv_jpeg_maker *maker)
{
    fv_gpu_jpeg_destroy(maker->jpeg);
    pthread_mutex_destroy(&maker->lock);
}

static int encode(struct fv_jpeg_maker *maker, const struct fv_picture *picture, unsigned quality,
                  struct fv_gpu_jpeg_file *ret_file, struct fv_error *err)
{
    pthread_mutex_lock(&maker->lock);
    int r = maker->jpeg ? 0 : fv_gpu_jpeg_create(maker->gpu, &maker->jpeg, err);
    if (r == 0)
        r = fv_gpu_jpeg_encode(maker->jpeg, picture, quality, ret_file, err);
    pthread_mutex_unlock(&maker->lock);
    return r;
}

int fv_jpeg_maker_make(struct fv_jpeg_maker *maker, const struct fv_picture *picture,
                       unsigned quality, struct fv_gpu_jpeg_file *ret_file, struct fv_error *err)
{
    void *before = NULL;
    if (quality < 1 || quality > 100)
        return fv_error_set(err, -EINVAL, "the quality of a JPEG is 1 to 100, not %u", quality);
    if (picture->memory == FV_MEMORY_HOST)
        return fv_jpeg_of_picture(picture, quality, &ret_file->data, &ret_file->size, err);
    int r = fv_gpu_visit(maker->gpu, &before, err);
    if (r < 0)
        return r;
    r = encode(maker, picture, quality, ret_file, err);
    fv_gpu_leave(maker->gpu, before);
    return r;
}

// SPDX-License-Identifier: Apache-2.0
/* A frame as JPEG, made where its picture lies. */
#include <errno.h>

#include "base/mem.h"
#include "engine/frames_impl.h"
#include "gpu/gpu.h"
#include "gpu/jpeg.h"
#include "sink/jpeg.h"

static int encode(struct fv_frames *frames, const struct fv_picture *picture, unsigned quality,
                  struct fv_gpu_jpeg_file *ret_file, struct fv_error *err)
{
    pthread_mutex_lock(&frames->jpeg_lock);
    int r = frames->jpeg ? 0 : fv_gpu_jpeg_create(frames->params.gpu, &frames->jpeg, err);
    if (r == 0)
        r = fv_gpu_jpeg_encode(frames->jpeg, picture, quality, ret_file, err);
    pthread_mutex_unlock(&frames->jpeg_lock);
    return r;
}

static int on_device(struct fv_frames *frames, const struct fv_picture *picture, unsigned quality,
                     struct fv_gpu_jpeg_file *ret_file, struct fv_error *err)
{
    void *before = NULL;
    int r = fv_gpu_visit(frames->params.gpu, &before, err);
    if (r < 0)
        return r;
    r = encode(frames, picture, quality, ret_file, err);
    fv_gpu_leave(frames->params.gpu, before);
    return r;
}

int fv_reader_frame_jpeg(struct fv_reader_frame *frame, unsigned quality, uint8_t **ret_data,
                         size_t *ret_size, struct fv_error *err)
{
    struct fv_gpu_jpeg_file file = {0};
    if (quality < 1 || quality > 100)
        return fv_error_set(err, -EINVAL, "the quality of a JPEG is 1 to 100, not %u", quality);
    int r;
    if (frame->picture->memory == FV_MEMORY_DEVICE)
        r = on_device(frame->frames, frame->picture, quality, &file, err);
    else
        r = fv_jpeg_of_picture(frame->picture, quality, &file.data, &file.size, err);
    if (r < 0)
        return r;
    *ret_data = file.data;
    *ret_size = file.size;
    return 0;
}

void fv_reader_jpeg_free(uint8_t *data)
{
    fv_free(data);
}

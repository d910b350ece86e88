// SPDX-License-Identifier: Apache-2.0
#include "sink/jpeg.h"

#include <errno.h>
#include <string.h>

#include <turbojpeg.h>

#include "base/mem.h"
#include "sink/canvas.h"

struct fv_jpeg {
    tjhandle handle;
    int quality;
    unsigned char *bytes; /* libturbojpeg's */
    unsigned long capacity;
};

int fv_jpeg_create(unsigned quality, struct fv_jpeg **ret_jpeg)
{
    struct fv_jpeg *jpeg = FV_NEW(struct fv_jpeg);
    if (!jpeg)
        return -ENOMEM;
    jpeg->quality = (int)quality;
    jpeg->handle = tjInitCompress();
    if (!jpeg->handle) {
        fv_free(jpeg);
        return -ENOMEM;
    }
    *ret_jpeg = jpeg;
    return 0;
}

void fv_jpeg_destroy(struct fv_jpeg *jpeg)
{
    if (!jpeg)
        return;
    tjFree(jpeg->bytes);
    tjDestroy(jpeg->handle);
    fv_free(jpeg);
}

static int reserve(struct fv_jpeg *jpeg, const struct fv_canvas *canvas)
{
    const unsigned long need = tjBufSize(canvas->width, canvas->height, TJSAMP_420);
    if (need <= jpeg->capacity)
        return 0;
    tjFree(jpeg->bytes);
    jpeg->bytes = tjAlloc((int)need);
    jpeg->capacity = jpeg->bytes ? need : 0;
    return jpeg->bytes ? 0 : -ENOMEM;
}

int fv_jpeg_compress(struct fv_jpeg *jpeg, const struct fv_canvas *canvas, const uint8_t **ret_data,
                     size_t *ret_size, struct fv_error *err)
{
    if (reserve(jpeg, canvas) < 0)
        return fv_error_set(err, -ENOMEM, "out of memory");
    const unsigned char *planes[3] = {canvas->plane[0], canvas->plane[1], canvas->plane[2]};
    const int strides[3] = {(int)canvas->pitch[0], (int)canvas->pitch[1], (int)canvas->pitch[2]};
    unsigned long size = jpeg->capacity;
    if (tjCompressFromYUVPlanes(jpeg->handle, planes, canvas->width, strides, canvas->height,
                                TJSAMP_420, &jpeg->bytes, &size, jpeg->quality,
                                TJFLAG_NOREALLOC) < 0)
        return fv_error_set(err, -EIO, "the picture cannot be written as JPEG: %s",
                            tjGetErrorStr2(jpeg->handle));
    *ret_data = jpeg->bytes;
    *ret_size = size;
    return 0;
}

/* Its own copy for the caller: libturbojpeg's buffer is several times as large as what is in it. */
static int copy_out(const uint8_t *data, size_t size, uint8_t **ret_data, struct fv_error *err)
{
    uint8_t *copy = fv_calloc(1, size);
    if (!copy)
        return fv_error_set(err, -ENOMEM, "out of memory");
    memcpy(copy, data, size);
    *ret_data = copy;
    return 0;
}

int fv_jpeg_of_picture(const struct fv_picture *picture, unsigned quality, uint8_t **ret_data,
                       size_t *ret_size, struct fv_error *err)
{
    struct fv_canvas_memory memory = {0};
    struct fv_jpeg *jpeg = NULL;
    const uint8_t *data;
    size_t size;
    int r = fv_canvas_load(&memory, picture);
    if (r == 0)
        r = fv_jpeg_create(quality, &jpeg);
    if (r < 0)
        fv_error_set(err, r, "the picture cannot become a JPEG: %s", fv_strerror(r));
    else
        r = fv_jpeg_compress(jpeg, &memory.canvas, &data, &size, err);
    if (r == 0)
        r = copy_out(data, size, ret_data, err);
    if (r == 0)
        *ret_size = size;
    fv_jpeg_destroy(jpeg);
    fv_canvas_finish(&memory);
    return r;
}

// SPDX-License-Identifier: Apache-2.0
/* JPEG on the CPU, by libturbojpeg: planes go in as they are, without RGB in between. */
#ifndef FV_SINK_JPEG_H
#define FV_SINK_JPEG_H

#include "base/error.h"
#include "flow.h"
#include "sink/draw.h"

/* A compressor of one thread; its buffer is kept for the next picture. */
struct fv_jpeg;

/* `quality`: 1 to 100. 0, -ENOMEM. */
int fv_jpeg_create(unsigned quality, struct fv_jpeg **ret_jpeg);
void fv_jpeg_destroy(struct fv_jpeg *jpeg); /* NULL is fine */
/* The planes have whole 2x2 blocks, as fv_canvas_load() makes them: also the column or row that an odd side lacks is read. *ret_data is
 * borrowed until the next call. 0, -ENOMEM, -EIO. */
int fv_jpeg_compress(struct fv_jpeg *jpeg, const struct fv_canvas *canvas, const uint8_t **ret_data,
                     size_t *ret_size, struct fv_error *err);

/* One picture in host memory, for who asks now and then. *ret_data: the caller's, fv_free(). 0; as fv_canvas_load() and
 * fv_jpeg_compress(); -ENOTSUP: a build without libturbojpeg, which has this function alone. */
int fv_jpeg_of_picture(const struct fv_picture *picture, unsigned quality, uint8_t **ret_data,
                       size_t *ret_size, struct fv_error *err);

#endif

// SPDX-License-Identifier: Apache-2.0
/* A copy of a picture to draw on: 8-bit I420 in full-range BT.601, which is what JPEG files hold.
 */
#ifndef FV_SINK_CANVAS_H
#define FV_SINK_CANVAS_H

#include "sink/draw.h"

struct fv_canvas_memory {
    struct fv_canvas canvas;
    uint8_t *memory;
    size_t size;
};

/* Copies `picture` into `memory` (zeroed at first), which grows to the largest picture; odd sides are rounded up in the planes, as
 * fv_jpeg_compress() wants them. Any format in host memory. 0, -ENOTSUP (device memory, unknown format), -EINVAL (a side of 0 or
 * above 16384), -ENOMEM. */
int fv_canvas_load(struct fv_canvas_memory *memory, const struct fv_picture *picture);
void fv_canvas_finish(struct fv_canvas_memory *memory);

#endif

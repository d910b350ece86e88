// SPDX-License-Identifier: Apache-2.0
#include "prep/plan.h"

#include <errno.h>
#include <math.h>

#define SIDE_MAX 16384u

static bool side_ok(uint32_t side)
{
    return side >= 1 && side <= SIDE_MAX;
}

static uint16_t at_least_one(uint32_t side)
{
    return (uint16_t)(side ? side : 1);
}

int fv_plan_letterbox(uint32_t width, uint32_t height, uint32_t tensor_width,
                      uint32_t tensor_height, enum fv_pad pad, struct fv_letterbox *ret_box)
{
    if (!side_ok(width) || !side_ok(height) || !side_ok(tensor_width) || !side_ok(tensor_height))
        return -EINVAL;

    struct fv_letterbox box = {0};
    /* Whole numbers up to 2^28: a floating scale could make 1919 of 1920 when the side fits
     * exactly. */
    if (tensor_width * height <= tensor_height * width) {
        box.scale = (float)tensor_width / (float)width;
        box.width = (uint16_t)tensor_width;
        box.height = at_least_one(height * tensor_width / width);
    } else {
        box.scale = (float)tensor_height / (float)height;
        box.width = at_least_one(width * tensor_height / height);
        box.height = (uint16_t)tensor_height;
    }
    if (pad == FV_PAD_CENTRE) {
        box.x = (uint16_t)((tensor_width - box.width) / 2);
        box.y = (uint16_t)((tensor_height - box.height) / 2);
    }
    *ret_box = box;
    return 0;
}

/* One tensor coordinate to the picture: the resizer maps `size` pixels onto exactly `scaled` of
 * them, so the ratio of both is the way back (it differs from 1 / scale by the rounding of the
 * scaled side). */
static float to_picture(float tensor, uint16_t origin, uint16_t scaled, uint32_t size)
{
    double value = ((double)tensor - origin) * size / scaled;
    return (float)fmin(fmax(value, 0), size);
}

bool fv_plan_box_to_picture(const struct fv_letterbox *box, uint32_t width, uint32_t height,
                            struct fv_detection *detection)
{
    struct fv_detection *d = detection;
    if (!box->width || !box->height)
        return false;
    if (!isfinite(d->x0) || !isfinite(d->y0) || !isfinite(d->x1) || !isfinite(d->y1))
        return false;
    d->x0 = to_picture(d->x0, box->x, box->width, width);
    d->y0 = to_picture(d->y0, box->y, box->height, height);
    d->x1 = to_picture(d->x1, box->x, box->width, width);
    d->y1 = to_picture(d->y1, box->y, box->height, height);
    return d->x0 < d->x1 && d->y0 < d->y1;
}

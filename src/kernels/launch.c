// SPDX-License-Identifier: Apache-2.0
#include "kernels/launch.h"

#include <errno.h>

#include "kernels/colour.h"
#include "kernels/recode.h"

#define SIDE_MAX 16384u

static bool is_wide(enum fv_pixel_format format)
{
    return format == FV_PIXEL_P016 || format == FV_PIXEL_I010;
}

static bool is_interleaved(enum fv_pixel_format format)
{
    return format == FV_PIXEL_NV12 || format == FV_PIXEL_P016;
}

static bool is_side(uint32_t side)
{
    return side > 0 && side <= SIDE_MAX;
}

static bool is_inside(const struct fv_letterbox *place, const struct fv_tensor_spec *spec)
{
    return is_side(place->width) && is_side(place->height) &&
           (uint32_t)place->x + place->width <= spec->width &&
           (uint32_t)place->y + place->height <= spec->height;
}

static bool is_aligned(const struct fv_picture *picture)
{
    const size_t sample = is_wide(picture->format) ? 2 : 1;
    for (int i = 0; i < (is_interleaved(picture->format) ? 2 : 3); i++) {
        size_t unit = i > 0 && is_interleaved(picture->format) ? 2 * sample : sample;
        if ((uintptr_t)picture->plane[i] % unit || picture->pitch[i] % unit ||
            picture->pitch[i] > UINT32_MAX)
            return false;
    }
    return true;
}

int fv_launch_picture_init(struct fv_launch_picture *launch, const struct fv_picture *picture,
                           const struct fv_letterbox *place, const struct fv_tensor_spec *spec)
{
    if ((unsigned)picture->format > FV_PIXEL_I010)
        return -ENOTSUP;
    if (!is_side(picture->info.width) || !is_side(picture->info.height) ||
        !is_inside(place, spec) || !is_aligned(picture))
        return -EINVAL;
    *launch = (struct fv_launch_picture){
        .wide = is_wide(picture->format),
        .interleaved = is_interleaved(picture->format),
        .width = picture->info.width,
        .height = picture->info.height,
        .x = place->x,
        .y = place->y,
        .out_width = place->width,
        .out_height = place->height,
    };
    for (int i = 0; i < 3; i++) {
        launch->plane[i] = (uintptr_t)picture->plane[i];
        launch->pitch[i] = (uint32_t)picture->pitch[i];
    }
    fv_colour_init(&launch->colour, picture, spec);
    return 0;
}

void fv_launch_letterbox_init(struct fv_launch_letterbox *launch, const struct fv_tensor_spec *spec,
                              enum fv_element element)
{
    *launch = (struct fv_launch_letterbox){
        .width = spec->width, .height = spec->height, .half = element == FV_ELEMENT_F16};
    for (int i = 0; i < 3; i++)
        launch->padding[i] = (spec->pad_value - spec->mean[i]) / spec->std[i];
}

struct fv_launch_shape fv_launch_letterbox_shape(const struct fv_tensor_spec *spec, unsigned count)
{
    struct fv_launch_shape shape = {.block = {32, 8, 1}};
    shape.grid[0] = (spec->width + shape.block[0] - 1) / shape.block[0];
    shape.grid[1] = (spec->height + shape.block[1] - 1) / shape.block[1];
    shape.grid[2] = count;
    return shape;
}

int fv_launch_boxes_init(struct fv_launch_boxes *launch, const struct fv_box_spec *spec,
                         const struct fv_nms_params *nms, enum fv_element element)
{
    struct fv_launch_reading reading;
    if (fv_box_reading_init(&reading, spec) < 0 || nms->max_candidates > FV_LAUNCH_CANDIDATES_MAX ||
        nms->max_boxes > FV_LAUNCH_BOXES_MAX)
        return -EINVAL;
    *launch = (struct fv_launch_boxes){
        .reading = reading,
        .half = element == FV_ELEMENT_F16,
        .max_candidates = nms->max_candidates,
        .max_boxes = nms->max_boxes,
        .iou_threshold = nms->iou_threshold,
    };
    return 0;
}

struct fv_launch_shape fv_launch_boxes_shape(unsigned count)
{
    return (struct fv_launch_shape){.grid = {count, 1, 1}, .block = {512, 1, 1}};
}

int fv_launch_recode_init(struct fv_launch_recode *launch, const struct fv_picture *picture)
{
    if ((unsigned)picture->format > FV_PIXEL_I010)
        return -ENOTSUP;
    if (!is_side(picture->info.width) || !is_side(picture->info.height) || !is_aligned(picture))
        return -EINVAL;
    *launch = (struct fv_launch_recode){
        .wide = is_wide(picture->format),
        .interleaved = is_interleaved(picture->format),
        .shift = fv_recode_shift(picture->format),
        .width = picture->info.width,
        .height = picture->info.height,
    };
    for (int i = 0; i < 3; i++) {
        launch->plane[i] = (uintptr_t)picture->plane[i];
        launch->pitch[i] = (uint32_t)picture->pitch[i];
    }
    fv_recode_init(&launch->recode, picture);
    return 0;
}

struct fv_launch_shape fv_launch_recode_shape(uint32_t width, uint32_t height)
{
    struct fv_launch_shape shape = {.block = {32, 8, 1}};
    shape.grid[0] = ((width + 1) / 2 + shape.block[0] - 1) / shape.block[0];
    shape.grid[1] = ((height + 1) / 2 + shape.block[1] - 1) / shape.block[1];
    shape.grid[2] = 1;
    return shape;
}

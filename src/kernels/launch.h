// SPDX-License-Identifier: Apache-2.0
/* Fills in what a launch of a kernel takes (layout.h) from what the plain-C twins take. Addresses of the caller's buffers are left
 * at 0, for the caller. Pure. */
#ifndef FV_KERNELS_LAUNCH_H
#define FV_KERNELS_LAUNCH_H

#include "kernels/candidates.h"
#include "kernels/letterbox.h"

/* Threads of a block and blocks of the grid. */
struct fv_launch_shape {
    unsigned grid[3], block[3];
};

/* One of a batch. The planes' addresses are taken as they are. 0; -ENOTSUP: pixel format; -EINVAL: a side of 0 or above 16384,
 * a place that is not inside the tensor, or planes or pitches not aligned as layout.h says. */
int fv_launch_picture_init(struct fv_launch_picture *launch, const struct fv_picture *picture,
                           const struct fv_letterbox *place, const struct fv_tensor_spec *spec);
void fv_launch_letterbox_init(struct fv_launch_letterbox *launch, const struct fv_tensor_spec *spec,
                              enum fv_element element);
struct fv_launch_shape fv_launch_letterbox_shape(const struct fv_tensor_spec *spec, unsigned count);

/* spec->wanted and spec->priors are for the caller. 0; -EINVAL: as fv_box_reading_init(), or a limit of layout.h. */
int fv_launch_boxes_init(struct fv_launch_boxes *launch, const struct fv_box_spec *spec,
                         const struct fv_nms_params *nms, enum fv_element element);
struct fv_launch_shape fv_launch_boxes_shape(unsigned count);

/* `out` and `out_pitch` are for the caller. 0; -ENOTSUP: pixel format; -EINVAL: a side of 0 or above 16384, or planes or pitches not
 * aligned as layout.h says. */
int fv_launch_recode_init(struct fv_launch_recode *launch, const struct fv_picture *picture);
struct fv_launch_shape fv_launch_recode_shape(uint32_t width, uint32_t height);

#endif

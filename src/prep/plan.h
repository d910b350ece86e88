// SPDX-License-Identifier: Apache-2.0
/* Where a picture lies in the network's input, and the way back for boxes. Pure. */
#ifndef FV_PREP_PLAN_H
#define FV_PREP_PLAN_H

#include "flow.h"

enum fv_pad { FV_PAD_TOP_LEFT, FV_PAD_CENTRE }; /* where the picture goes; the rest is padding */

/* Aspect kept, as large as fits. 0, or -EINVAL for sizes of 0 or above 16384. width =
 * floor(picture width * scale), at least 1. */
int fv_plan_letterbox(uint32_t width, uint32_t height, uint32_t tensor_width,
                      uint32_t tensor_height, enum fv_pad pad, struct fv_letterbox *ret_box);
/* Tensor coordinates -> picture coordinates, clipped to width x height, in place. False when
 * nothing is left of the box. */
bool fv_plan_box_to_picture(const struct fv_letterbox *box, uint32_t width, uint32_t height,
                            struct fv_detection *detection);

#endif

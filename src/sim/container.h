// SPDX-License-Identifier: Apache-2.0
/* H.264 and H.265 out of containers (mp4, mkv, avi, ts...). Needs libavformat; without it every
 * call is -ENOTSUP with advice. */
#ifndef FV_SIM_CONTAINER_H
#define FV_SIM_CONTAINER_H

#include "sim/clip.h"

/* As fv_clip_open(). */
int fv_clip_open_container(const struct fv_clip_params *params, struct fv_clip **ret_clip,
                           struct fv_error *err);

#endif

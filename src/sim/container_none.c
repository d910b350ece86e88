// SPDX-License-Identifier: Apache-2.0
/* In place of container.c in a build without libavformat. */
#include <errno.h>

#include "sim/container.h"

int fv_clip_open_container(const struct fv_clip_params *params, struct fv_clip **ret_clip,
                           struct fv_error *err)
{
    return fv_error_set(
        err, -ENOTSUP,
        "not a raw H.264 or H.265 stream, and this build reads no containers; convert it: "
        "ffmpeg -i '%s' -an -c:v libx264 -bf 0 -g 20 -f h264 clip.h264",
        params->path);
}

// SPDX-License-Identifier: Apache-2.0
/* In place of container.c in a build without libavformat. */
#include <errno.h>

#include "movie/container.h"

int fv_container_open(const char *path, struct fv_container **ret_container, struct fv_error *err)
{
    return fv_error_set(err, -EBADMSG,
                        "neither a raw H.264, H.265 or JPEG stream nor IVF, and this build reads "
                        "no containers; convert it: "
                        "ffmpeg -i '%s' -an -c:v libx264 -bf 0 -g 20 -f h264 clip.h264",
                        path);
}

/* The rest is never called: there is no container. */
void fv_container_close(struct fv_container *container)
{
    (void)container;
}

int fv_container_next(struct fv_container *container, struct fv_movie_unit *ret_unit,
                      struct fv_error *err)
{
    return fv_error_set(err, -ENOTSUP, "this build reads no containers");
}

enum fv_codec fv_container_codec(const struct fv_container *container)
{
    return FV_CODEC_NONE;
}

int64_t fv_container_interval(const struct fv_container *container)
{
    return 0;
}

double fv_container_done(const struct fv_container *container)
{
    return 1;
}

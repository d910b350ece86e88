// SPDX-License-Identifier: Apache-2.0
/* Files -> clips, by way of movie/. */
#include <errno.h>
#include <math.h>

#include "movie/movie.h"
#include "sim/clip.h"
#include "sim/packetize_whole.h"

_Static_assert(FV_SIM_CLOCK == FV_MOVIE_CLOCK, "times are taken as they are");

static int refuse(enum fv_codec codec, const struct fv_movie_unit *unit, int rc,
                  struct fv_error *err)
{
    const char *why =
        codec == FV_CODEC_JPEG ? fv_packetize_jpeg_refusal(unit->data, unit->size) : NULL;
    if (why)
        return fv_error_set(err, rc,
                            "RTP does not carry this JPEG: %s; convert it: ffmpeg -i FILE -c:v "
                            "mjpeg -huffman default -pix_fmt yuvj420p out.mjpeg",
                            why);
    return fv_error_set(err, rc, "cannot packetize the %s stream: %s", fv_codec_name(codec),
                        fv_strerror(rc));
}

static int build(struct fv_movie *movie, struct fv_clip_builder *builder, double fps,
                 struct fv_clip **ret_clip, struct fv_error *err)
{
    struct fv_movie_unit unit = {0};
    int64_t end = 0;
    int rc;
    while ((rc = fv_movie_next(movie, &unit, err)) > 0) {
        end = unit.send + fv_movie_interval(movie);
        rc = fv_clip_builder_add(builder, unit.data, unit.size, unit.send, unit.time);
        if (rc < 0)
            return refuse(fv_movie_codec(movie), &unit, rc, err);
    }
    return rc < 0 ? rc : fv_clip_builder_finish(builder, end, fps, ret_clip, err);
}

int fv_clip_open(const struct fv_clip_params *params, struct fv_clip **ret_clip,
                 struct fv_error *err)
{
    const struct fv_movie_params movie_params = {params->path, params->codec, params->fps};
    struct fv_movie *movie = NULL;
    struct fv_clip_builder *builder = NULL;
    int rc = fv_movie_open(&movie_params, &movie, err);
    if (rc < 0)
        return rc;
    rc = fv_clip_builder_create(fv_movie_codec(movie), &builder);
    if (rc < 0)
        fv_error_set(err, rc, "out of memory");
    else
        rc = build(movie, builder, params->fps, ret_clip, err);
    fv_clip_builder_destroy(builder);
    fv_movie_close(movie);
    return rc < 0 ? fv_error_prefix(err, rc, "%s", params->path) : 0;
}

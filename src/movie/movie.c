// SPDX-License-Identifier: Apache-2.0
#include "movie/movie.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "movie/container.h"

#define DEFAULT_FPS 25.0

struct fv_movie {
    struct fv_container *container; /* NULL: a raw stream, which all below is of */
    const struct fv_codec_ops *codec;
    uint8_t *data;
    size_t size, offset;
    int64_t count; /* access units handed out */
    double fps;
};

/* The whole stream, from its beginning. */
static int read_all(struct fv_movie *movie, FILE *stream)
{
    struct stat info;
    if (fstat(fileno(stream), &info) < 0)
        return -EIO;
    if (info.st_size > FV_MOVIE_RAW_MAX)
        return -ENOTSUP;
    movie->size = (size_t)info.st_size;
    movie->data = fv_alloc_aligned(64, movie->size);
    if (!movie->data)
        return -ENOMEM;
    rewind(stream);
    return fread(movie->data, 1, movie->size, stream) == movie->size ? 0 : -EIO;
}

static int load(struct fv_movie *movie, FILE *stream, struct fv_error *err)
{
    int rc = read_all(movie, stream);
    if (rc == -ENOTSUP)
        return fv_error_set(err, rc,
                            "the raw stream is larger than %u MiB; cut it, or put it into a "
                            "container, which is read bit by bit: ffmpeg -i FILE -c copy file.mkv",
                            FV_MOVIE_RAW_MAX >> 20);
    return rc < 0 ? fv_error_set(err, rc, "cannot read the file: %s", fv_strerror(rc)) : 0;
}

/* 1: an Annex B start code stands first; 0: something else; negative errno: empty or unreadable. */
static int begins_with_start_code(FILE *stream)
{
    uint8_t head[64];
    size_t zeros = 0;
    errno = 0;
    size_t size = fread(head, 1, sizeof(head), stream);
    if (!size)
        return errno ? -errno : -EBADMSG;
    while (zeros < size && !head[zeros])
        zeros++;
    return zeros >= 2 && zeros < size && head[zeros] == 1;
}

/* By the first sequence parameter set. */
static double rate_of(const struct fv_movie *movie)
{
    struct fv_video_format format;
    struct fv_annexb it;
    struct fv_nal nal;
    fv_annexb_init(&it, movie->data, movie->size);
    while (fv_annexb_next(&it, &nal)) {
        if (movie->codec->kind(nal.data, nal.size) != FV_NAL_SPS ||
            movie->codec->parse_sps(nal.data, nal.size, &format) < 0)
            continue;
        const double fps = format.fps_num && format.fps_den
                               ? (double)format.fps_num / format.fps_den
                               : DEFAULT_FPS;
        return fps >= 0.1 && fps <= 240 ? fps : DEFAULT_FPS;
    }
    return DEFAULT_FPS;
}

/* FV_CODEC_NONE: not a raw stream of ours. */
static int choose_codec(const struct fv_movie_params *params, struct fv_movie *movie,
                        struct fv_error *err)
{
    if (!params->codec) {
        movie->codec = fv_codec_ops(fv_codec_guess(movie->data, movie->size));
        return 0;
    }
    movie->codec = fv_codec_by_rtp_name(params->codec, strlen(params->codec));
    if (!movie->codec)
        return fv_error_set(err, -EINVAL, "unknown codec '%s': h264 or h265", params->codec);
    return 0;
}

static int open_container(const struct fv_movie_params *params, struct fv_movie *movie,
                          struct fv_error *err)
{
    fv_free(movie->data);
    movie->data = NULL;
    return fv_container_open(params->path, &movie->container, err);
}

static int open_start_code(const struct fv_movie_params *params, FILE *stream,
                           struct fv_movie *movie, struct fv_error *err)
{
    int rc = load(movie, stream, err);
    if (rc == 0)
        rc = choose_codec(params, movie, err);
    if (rc < 0)
        return rc;
    if (!movie->codec)
        return open_container(params, movie, err);
    movie->fps = params->fps > 0 ? params->fps : rate_of(movie);
    return 0;
}

static int open_stream(const struct fv_movie_params *params, FILE *stream, struct fv_movie *movie,
                       struct fv_error *err)
{
    int rc = begins_with_start_code(stream);
    if (rc == -EBADMSG)
        return fv_error_set(err, rc, "the file is empty");
    if (rc < 0)
        return fv_error_set(err, rc, "cannot read the file: %s", fv_strerror(rc));
    return rc ? open_start_code(params, stream, movie, err) : open_container(params, movie, err);
}

int fv_movie_open(const struct fv_movie_params *params, struct fv_movie **ret_movie,
                  struct fv_error *err)
{
    if (!(params->fps >= 0 && params->fps <= 1000))
        return fv_error_set(err, -EINVAL, "fps must lie between 0 and 1000");
    FILE *stream = fopen(params->path, "rbe");
    if (!stream) {
        int code = errno == ENOENT || errno == ENOTDIR ? -ENOENT
                   : errno == EACCES || errno == EPERM ? -EACCES
                                                       : -EIO;
        return fv_error_set(err, code, "%s: cannot open: %s", params->path, strerror(errno));
    }
    struct fv_movie *movie = FV_NEW(struct fv_movie);
    int rc = movie ? open_stream(params, stream, movie, err)
                   : fv_error_set(err, -ENOMEM, "out of memory");
    fclose(stream);
    if (rc < 0) {
        fv_movie_close(movie);
        return fv_error_prefix(err, rc, "%s", params->path);
    }
    *ret_movie = movie;
    return 0;
}

void fv_movie_close(struct fv_movie *movie)
{
    if (!movie)
        return;
    fv_container_close(movie->container);
    fv_free(movie->data);
    fv_free(movie);
}

/* A raw stream carries no times: its pictures are taken to be in order and evenly spaced. */
static int64_t raw_time(const struct fv_movie *movie, int64_t count)
{
    return llround((double)count * FV_MOVIE_CLOCK / movie->fps);
}

static bool is_key(const struct fv_codec_ops *codec, const struct fv_movie_unit *unit)
{
    struct fv_annexb it;
    struct fv_nal nal;
    fv_annexb_init(&it, unit->data, unit->size);
    while (fv_annexb_next(&it, &nal))
        if (codec->kind(nal.data, nal.size) == FV_NAL_SLICE_KEY)
            return true;
    return false;
}

static int next_of_container(struct fv_movie *movie, struct fv_movie_unit *ret_unit,
                             struct fv_error *err)
{
    const int rc = fv_container_next(movie->container, ret_unit, err);
    if (rc > 0)
        ret_unit->key = is_key(fv_container_codec(movie->container), ret_unit);
    return rc;
}

int fv_movie_next(struct fv_movie *movie, struct fv_movie_unit *ret_unit, struct fv_error *err)
{
    if (movie->container)
        return next_of_container(movie, ret_unit, err);
    struct fv_movie_unit unit = {0};
    if (!fv_codec_next_au(movie->codec, movie->data, movie->size, &movie->offset, &unit.data,
                          &unit.size, &unit.key))
        return 0;
    unit.send = unit.time = raw_time(movie, movie->count++);
    *ret_unit = unit;
    return 1;
}

const struct fv_codec_ops *fv_movie_codec(const struct fv_movie *movie)
{
    return movie->container ? fv_container_codec(movie->container) : movie->codec;
}

int64_t fv_movie_interval(const struct fv_movie *movie)
{
    return movie->container ? fv_container_interval(movie->container) : raw_time(movie, 1);
}

double fv_movie_done(const struct fv_movie *movie)
{
    if (movie->container)
        return fv_container_done(movie->container);
    return (double)movie->offset / (double)movie->size;
}

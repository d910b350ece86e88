// SPDX-License-Identifier: Apache-2.0
#include "movie/movie.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "movie/container.h"
#include "movie/raw.h"

/* One of the two. */
struct fv_movie {
    struct fv_container *container;
    struct fv_raw *raw;
};

static int open_stream(const struct fv_movie_params *params, FILE *stream, struct fv_movie *movie,
                       struct fv_error *err)
{
    int rc = fv_raw_probe(stream);
    if (rc == -EBADMSG)
        return fv_error_set(err, rc, "the file is empty");
    if (rc < 0)
        return fv_error_set(err, rc, "cannot read the file: %s", fv_strerror(rc));
    rc = rc ? fv_raw_open(stream, params, &movie->raw, err) : -ENOENT;
    return rc == -ENOENT ? fv_container_open(params->path, &movie->container, err) : rc;
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
    fv_raw_close(movie->raw);
    fv_free(movie);
}

int fv_movie_next(struct fv_movie *movie, struct fv_movie_unit *ret_unit, struct fv_error *err)
{
    return movie->container ? fv_container_next(movie->container, ret_unit, err)
                            : fv_raw_next(movie->raw, ret_unit, err);
}

enum fv_codec fv_movie_codec(const struct fv_movie *movie)
{
    return movie->container ? fv_container_codec(movie->container) : fv_raw_codec(movie->raw);
}

int64_t fv_movie_interval(const struct fv_movie *movie)
{
    return movie->container ? fv_container_interval(movie->container) : fv_raw_interval(movie->raw);
}

double fv_movie_done(const struct fv_movie *movie)
{
    return movie->container ? fv_container_done(movie->container) : fv_raw_done(movie->raw);
}

// SPDX-License-Identifier: Apache-2.0
/*
 * A file -> access units with their times: raw H.264, H.265 and JPEG streams and IVF (VP9, AV1) here, everything else (mp4, mkv,
 * webm, avi, ts...) through libavformat in container.c.
 *
 * All times are ticks of 90 kHz from the file's own zero. One thread at a time.
 */
#ifndef FV_MOVIE_MOVIE_H
#define FV_MOVIE_MOVIE_H

#include "base/error.h"
#include "codec/codec.h"

#define FV_MOVIE_CLOCK 90000
#define FV_MOVIE_RAW_MAX (1u << 30) /* bytes of a raw stream */

struct fv_movie;

struct fv_movie_params {
    const char *path;
    const char *codec; /* "h264", "h265" for raw streams whose content does not tell, or NULL */
    double
        fps; /* of a raw stream, which carries no times; 0: what it says, 25 when it does not say */
};

/* An access unit (flow.h), with its parameter sets as far as the file has them there. Borrowed until the next call. */
struct fv_movie_unit {
    const uint8_t *data;
    size_t size;
    int64_t send; /* when it must be decoded: increases from one to the next */
    int64_t time; /* when it is shown */
    bool key;     /* decoding can start here */
};

/* 0; -ENOENT, -EACCES, -EISDIR, -EIO: cannot be read; -EBADMSG: no video in it, or of a codec or in a container that is not
 * read (`err` says how to convert it); -EINVAL, -ENOMEM. */
int fv_movie_open(const struct fv_movie_params *params, struct fv_movie **ret_movie,
                  struct fv_error *err);
void fv_movie_close(struct fv_movie *movie); /* NULL is fine */

/* 1: an access unit; 0: the end; negative errno (err), -EBADMSG also where the file ends within a picture of IVF or an image. Of a
 * damaged picture in the middle what is there is given. */
int fv_movie_next(struct fv_movie *movie, struct fv_movie_unit *ret_unit, struct fv_error *err);
enum fv_codec fv_movie_codec(const struct fv_movie *movie);
/* Ticks from one picture to the next, as far as the file says. */
int64_t fv_movie_interval(const struct fv_movie *movie);
/* How much of the file was read, 0..1. */
double fv_movie_done(const struct fv_movie *movie);

#endif

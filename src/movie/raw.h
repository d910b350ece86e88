// SPDX-License-Identifier: Apache-2.0
/*
 * Inside movie/: streams without a container, or with one that needs no library, held in memory:
 *
 *   H.264, H.265   Annex B; no times
 *   JPEG           images one behind the other (.mjpeg), or one alone (.jpg); no times
 *   IVF            VP9 and AV1 with times
 */
#ifndef FV_MOVIE_RAW_H
#define FV_MOVIE_RAW_H

#include <stdio.h>

#include "movie/movie.h"

struct fv_raw;

/* 1: the file begins as one of these may; 0: it does not; -EBADMSG: it is empty; negative errno. */
int fv_raw_probe(FILE *stream);
/* 0; -ENOENT: it is none of them after all; else as fv_movie_open(). */
int fv_raw_open(FILE *stream, const struct fv_movie_params *params, struct fv_raw **ret_raw,
                struct fv_error *err);
void fv_raw_close(struct fv_raw *raw); /* NULL is fine */
/* All as in movie.h. */
int fv_raw_next(struct fv_raw *raw, struct fv_movie_unit *ret_unit, struct fv_error *err);
enum fv_codec fv_raw_codec(const struct fv_raw *raw);
int64_t fv_raw_interval(const struct fv_raw *raw);
double fv_raw_done(const struct fv_raw *raw);

#endif

// SPDX-License-Identifier: Apache-2.0
/* Inside movie/: video out of containers. Without libavformat open is -EBADMSG with advice. */
#ifndef FV_MOVIE_CONTAINER_H
#define FV_MOVIE_CONTAINER_H

#include "movie/movie.h"

struct fv_container;

/* All as in movie.h. */
int fv_container_open(const char *path, struct fv_container **ret_container, struct fv_error *err);
void fv_container_close(struct fv_container *container);
int fv_container_next(struct fv_container *container, struct fv_movie_unit *ret_unit,
                      struct fv_error *err);
enum fv_codec fv_container_codec(const struct fv_container *container);
int64_t fv_container_interval(const struct fv_container *container);
double fv_container_done(const struct fv_container *container);

#endif

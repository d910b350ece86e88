// SPDX-License-Identifier: Apache-2.0
/* Where the tracks of each camera were: the last points of each, for drawing. Memory is taken at create. Any thread. */
#ifndef FV_SINK_TRAILS_H
#define FV_SINK_TRAILS_H

#include "flow.h"

struct fv_trails;

struct fv_trails_params {
    uint32_t cameras;
    unsigned
        tracks; /* remembered of each camera; the one that was not seen for the longest time goes */
    unsigned points; /* remembered of each track, >= 1 */
};

struct fv_trail_point {
    float x, y; /* fractions of the picture: the middle of the box's lower edge */
};

/* Of one track, up to a picture. */
struct fv_trail {
    uint64_t track;
    int64_t unseen;                      /* ns from its last point to the picture */
    const struct fv_trail_point *points; /* oldest first; borrowed during the call */
    unsigned count;
};

int fv_trails_create(const struct fv_trails_params *params,
                     struct fv_trails **ret_trails); /* 0, -ENOMEM */
void fv_trails_destroy(struct fv_trails *trails);    /* NULL is fine */
/* A point for each detection that has a track. */
void fv_trails_note(struct fv_trails *trails, const struct fv_result *result);
/* Each trail that the camera has, with the points up to the picture `info`: later ones may have been noted already. */
void fv_trails_visit(struct fv_trails *trails, const struct fv_frame_info *info,
                     void (*visit)(void *data, const struct fv_trail *trail), void *data);

#endif

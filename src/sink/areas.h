// SPDX-License-Identifier: Apache-2.0
/*
 * Zones and lines that are drawn over pictures, of all cameras. They may be replaced while pictures are drawn: a sheet is made
 * beforehand, which can fail, and turned to, which cannot.
 */
#ifndef FV_SINK_AREAS_H
#define FV_SINK_AREAS_H

#include <stdbool.h>
#include <stdint.h>

/* A zone or line. */
struct fv_overlay_area {
    const char *name;
    const double (*points)[2]; /* fractions of the picture; 2 of them: a line */
    unsigned point_count;
    bool mask;
};
struct fv_overlay_areas {
    const char *camera; /* its name: after a reload another one may have its index */
    const struct fv_overlay_area *items;
    unsigned count;
};

struct fv_areas; /* thread-safe */
struct fv_areas_sheet;

/* Copies everything; `cameras` by index. 0, -ENOMEM. */
int fv_areas_sheet_create(const struct fv_overlay_areas *cameras, uint32_t camera_count,
                          struct fv_areas_sheet **ret_sheet);
void fv_areas_sheet_destroy(struct fv_areas_sheet *sheet); /* NULL is fine */
/* Without a sheet: nothing is drawn. 0, -ENOMEM. */
int fv_areas_create(struct fv_areas **ret_areas);
void fv_areas_destroy(struct fv_areas *areas); /* NULL is fine */
/* Takes the sheet; returns the one before (the caller's now), or NULL. Waits while one is drawn from. */
struct fv_areas_sheet *fv_areas_turn(struct fv_areas *areas, struct fv_areas_sheet *sheet);
/* Calls for each area of the camera with this index, if it has this name. */
void fv_areas_visit(struct fv_areas *areas, uint32_t camera, const char *name,
                    void (*each)(void *data, const struct fv_overlay_area *area), void *data);

#endif

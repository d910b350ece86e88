// SPDX-License-Identifier: Apache-2.0
/*
 * What is drawn over a picture: zones and lines of its camera, trails, boxes with labels, the rate of pictures. As the settings of
 * `visualization` say.
 *
 * Trails: of a track that is seen, its last TRAIL_LENGTH points; of one that has not been seen for INACTIVE_THRESHOLD_SECONDS, its
 * last TRACE_LENGTH points, thin, until it was not seen for TRACE_PERSISTENCE_SECONDS.
 */
#ifndef FV_SINK_OVERLAY_H
#define FV_SINK_OVERLAY_H

#include "sink/draw.h"
#include "sink/sink.h"

struct fv_overlay;

/* Copies the style; borrows the context and the areas, which may be NULL. 0, -ENOMEM. */
int fv_overlay_create(const struct fv_sink_context *context, const struct fv_overlay_style *style,
                      struct fv_areas *areas, struct fv_overlay **ret_overlay);
void fv_overlay_destroy(struct fv_overlay *overlay); /* NULL is fine */
/* Every result, in order, whether its picture is drawn or not. One thread, which may be another than that which draws. */
void fv_overlay_note(struct fv_overlay *overlay, const struct fv_result *result);
/* Boxes from `min_score` up. */
void fv_overlay_draw(struct fv_overlay *overlay, const struct fv_canvas *canvas,
                     const struct fv_result *result, float min_score);

#endif

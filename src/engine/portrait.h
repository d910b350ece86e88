// SPDX-License-Identifier: Apache-2.0
/* What ingest knows about a camera, in the words of the public receiver. Pure. */
#ifndef FV_ENGINE_PORTRAIT_H
#define FV_ENGINE_PORTRAIT_H

#include "fovea/receiver.h"
#include "ingest/ingest.h"

void fv_portrait_stats(const struct fv_camera_stats *stats, struct fv_receiver_stats *ret_stats);
void fv_portrait_details(const struct fv_camera_description *description,
                         struct fv_receiver_details *ret_details);

#endif

// SPDX-License-Identifier: Apache-2.0
/* The engine's cameras: from the configuration to ingest parameters, and the figures that are kept for each. */
#ifndef FV_ENGINE_CAMERAS_H
#define FV_ENGINE_CAMERAS_H

#include "base/hist.h"
#include "conf/conf.h"
#include "flow.h"
#include "fovea/engine.h"
#include "ingest/ingest.h"

/* Written by the result thread; read by anyone. */
struct fv_camera_figures {
    struct fv_hist age; /* event - last packet */
    _Atomic uint64_t analysed, detections, persons;
    _Atomic uint32_t persons_now;
};

struct fv_cameras {
    uint32_t count;
    struct fv_camera_params *params;   /* by camera index */
    const char **names;                /* by camera index; point into params */
    struct fv_camera_figures *figures; /* by camera index */
};

/* The enabled cameras of the configuration, in its order. 0 or -ENOMEM. */
int fv_cameras_init(struct fv_cameras *cameras, const struct fv_config *config);
void fv_cameras_finish(struct fv_cameras *cameras); /* wipes credentials */

/* Counts one result. `person` is the class number of persons, or -1. Result thread. */
void fv_cameras_count(struct fv_cameras *cameras, const struct fv_result *result, int person);

#endif

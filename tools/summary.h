// SPDX-License-Identifier: Apache-2.0
/* summary.json: what a run did, for people and scripts (docs/quickstart.md). */
#ifndef FV_TOOLS_SUMMARY_H
#define FV_TOOLS_SUMMARY_H

#include <jansson.h>

#include "fovea/engine.h"

/* Figures that only exist while the engine runs. */
struct fv_summary_live {
    double cpu_percent; /* of one core, user + system, since the start */
    double duration_s;
    enum fv_camera_state *states; /* by camera, just before the end */
};

/* NULL when out of memory. The caller owns the value. */
json_t *fv_summary_make(struct fv_engine *engine, const struct fv_summary_live *live);
/* Written to a temporary name beside `path`, then renamed. 0 or negative errno. */
int fv_summary_write(const char *path, const json_t *summary);

#endif

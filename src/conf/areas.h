// SPDX-License-Identifier: Apache-2.0
/* ZONES and LINES: docs/analytics.md. Private to conf/. */
#ifndef FV_CONF_AREAS_H
#define FV_CONF_AREAS_H

#include "conf/check.h"

/* The settings of a zone (line: of a line) by index, with offsets into struct fv_conf_area; NULL behind the last. */
const struct fv_setting *fv_area_setting(bool line, size_t index);

/* ZONES and LINES of a section or camera. What has errors is left out; `given` is set where the key stands. */
void fv_check_areas(struct fv_check *check, uint32_t parent, const json_t *object,
                    struct fv_conf_areas *zones, struct fv_conf_areas *lines);
/* The zones and lines that one camera has: their names and their number. Findings stand at keys of `parent`. */
void fv_check_areas_joined(struct fv_check *check, uint32_t parent,
                           const struct fv_conf_areas *zones, const struct fv_conf_areas *lines);
void fv_areas_finish(struct fv_conf_areas *areas);

#endif

// SPDX-License-Identifier: Apache-2.0
/* Zones and lines of the configuration as rules of the analytics, and their events as callers see them. Pure. */
#ifndef FV_ENGINE_RULES_H
#define FV_ENGINE_RULES_H

#include "base/error.h"
#include "conf/conf.h"
#include "infer/model.h"
#include "sink/sink.h"
#include "zone/zone.h"

/* The rules of one camera; they point into the configuration. */
struct fv_rules {
    struct fv_rule_params items[FV_RULES_MAX];
    unsigned count;
    uint16_t classes[FV_RULES_MAX][FV_RULE_CLASSES_MAX];
};

/* The zones and lines of a camera, else those of all. 0, or -EINVAL: the model does not know a class, or there are too many rules
 * (err). */
int fv_rules_make(struct fv_rules *rules, const struct fv_config *config,
                  const struct fv_conf_camera *camera, const struct fv_model *model,
                  struct fv_error *err);

#define FV_RULE_COUNTS_MAX 64 /* classes of a counting rule */

/* `counts` holds FV_RULE_COUNTS_MAX; the event points into it, into `event` and into the context. */
struct fv_rule_event fv_rule_event_of(const struct fv_sink_context *context,
                                      const struct fv_zone_event *event,
                                      struct fv_rule_class *counts);

#endif

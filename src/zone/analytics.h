// SPDX-License-Identifier: Apache-2.0
/* Inside zone/: the object of zone.h. */
#ifndef FV_ZONE_ANALYTICS_H
#define FV_ZONE_ANALYTICS_H

#include "zone/walkers.h"

struct fv_analytics {
    uint32_t camera;
    int64_t lost;
    void (*event)(void *data, const struct fv_zone_event *event);
    void *data;

    struct fv_rule *rules;
    unsigned rule_count;
    struct fv_walkers walkers;
    uint32_t *present; /* slots seen in this picture, in its order */
    uint32_t present_count;

    struct fv_zone_frame frame; /* the current one; its tracks are gone when the call returned */
    bool started;               /* there was one */
    int64_t now;                /* never goes back */
    int64_t offset;             /* now - frame.time */
    uint64_t next_id;
    struct fv_analytics_stats stats;
};

/* Ends a track for the rules of stage `from` and later. */
void fv_analytics_gone(struct fv_analytics *analytics, struct fv_walker *walker, enum fv_stage from,
                       enum fv_zone_cause cause);

#endif

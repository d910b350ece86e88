// SPDX-License-Identifier: Apache-2.0
/*
 * A track and a line. Crossings through the line add up (1 for left to right, -1 back); what is left after the inertia, and
 * once the track is further from the line than the margin, counts. So jitter on the line counts once or not at all, and a
 * way round its end never.
 */
#ifndef FV_ZONE_CROSSING_H
#define FV_ZONE_CROSSING_H

#include "zone/rule.h"

struct fv_crossing {
    struct fv_geo_point last; /* the last place beside the line; `side` says where: 0 none yet */
    int side;
    bool touched;  /* was on the straight line since */
    bool outside;  /* ... and not always between the line's ends */
    int net;       /* crossings that do not count yet: -1, 0 or 1 after each call */
    int64_t since; /* the last one */
};

/* The track was seen. Returns 1 or -1 for a crossing that counts now, else 0; *ret_when: when it happened. */
int fv_crossing_update(struct fv_crossing *crossing, const struct fv_rule *rule,
                       const struct fv_walker *walker, int64_t *ret_when);
/* The track is gone: what was left counts. */
int fv_crossing_end(struct fv_crossing *crossing, int64_t *ret_when);

#endif

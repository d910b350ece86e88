// SPDX-License-Identifier: Apache-2.0
/* Inertia: what was seen becomes what counts after it held for a time without a break. */
#ifndef FV_ZONE_LATCH_H
#define FV_ZONE_LATCH_H

#include "zone/rule.h"

struct fv_latch {
    bool on;
    bool pending;    /* what is seen differs, since `changed` */
    int64_t changed; /* begin of the last change, also when it was taken over */
    int64_t begun;   /* of the last "on": when it was first seen */
};

enum fv_latch_step { FV_LATCH_STAYS, FV_LATCH_ON, FV_LATCH_OFF };

/* `now` never goes back. `hold` >= 0: 0 takes each change over at once. */
enum fv_latch_step fv_latch_update(struct fv_latch *latch, bool seen, int64_t now, int64_t hold);
/* It ends, last seen at `last`: returns when it went off, never before it began. */
int64_t fv_latch_end(struct fv_latch *latch, int64_t last);

/* A track in the rule's zone: by inertia, and one that is in must get out by the margin. */
enum fv_latch_step fv_presence_update(struct fv_latch *latch, const struct fv_rule *rule,
                                      const struct fv_walker *walker);

#endif

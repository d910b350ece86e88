// SPDX-License-Identifier: Apache-2.0
/* The tracks that are followed: a fixed number of slots, found by id. */
#ifndef FV_ZONE_WALKERS_H
#define FV_ZONE_WALKERS_H

#include "zone/rule.h"

#define FV_WALKER_NONE UINT32_MAX

struct fv_walkers {
    struct fv_walker *slots;
    uint32_t *heads;  /* of the index's chains */
    uint32_t *active; /* slots in use, in no order that means anything */
    uint32_t max, count, chains, free;
};

int fv_walkers_init(struct fv_walkers *walkers, uint32_t max); /* max 1..65536; 0, -ENOMEM */
void fv_walkers_finish(struct fv_walkers *walkers);            /* zeroed is fine */
struct fv_walker *fv_walkers_find(const struct fv_walkers *walkers, uint64_t id); /* or NULL */
/* A zeroed walker of an id that is not there; NULL when all slots are in use. */
struct fv_walker *fv_walkers_add(struct fv_walkers *walkers, uint64_t id);
/* active[position]; the last one takes its place. */
void fv_walkers_remove(struct fv_walkers *walkers, uint32_t position);

#endif

// SPDX-License-Identifier: Apache-2.0
/* Where pictures spend their time: stage by stage, of every n-th one that was analysed. */
#ifndef FV_ENGINE_PROFILE_H
#define FV_ENGINE_PROFILE_H

#include "base/hist.h"
#include "fovea/engine.h"

struct fv_profile {
    unsigned every; /* 0: off */
    uint64_t seen;
    struct fv_hist stages[FV_ENGINE_STAGES];
};

/* fv-result. Stamps that are unknown leave their stages out. */
void fv_profile_add(struct fv_profile *profile, const struct fv_stamps *at);
/* Any thread. */
void fv_profile_figures(const struct fv_profile *profile,
                        struct fv_engine_stage ret_stages[FV_ENGINE_STAGES]);

#endif

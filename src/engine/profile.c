// SPDX-License-Identifier: Apache-2.0
#include "engine/profile.h"

#include "flow.h"

void fv_profile_add(struct fv_profile *profile, const struct fv_stamps *at)
{
    if (profile->every == 0 || profile->seen++ % profile->every != 0)
        return;
    const int64_t passed[FV_ENGINE_STAGES + 1] = {at->first_packet, at->last_packet, at->decoded,
                                                  at->inferred, at->event};
    for (int i = 0; i < FV_ENGINE_STAGES; i++)
        if (passed[i] != FV_TIME_UNKNOWN && passed[i + 1] != FV_TIME_UNKNOWN)
            fv_hist_add(&profile->stages[i], passed[i + 1] - passed[i]);
}

void fv_profile_figures(const struct fv_profile *profile,
                        struct fv_engine_stage ret_stages[FV_ENGINE_STAGES])
{
    static const char *const names[FV_ENGINE_STAGES] = {"receive", "decode", "infer", "result"};
    for (int i = 0; i < FV_ENGINE_STAGES; i++) {
        const struct fv_hist *stage = &profile->stages[i];
        ret_stages[i] = (struct fv_engine_stage){.name = names[i],
                                                 .pictures = stage->count,
                                                 .p50 = fv_hist_quantile(stage, 0.5),
                                                 .p99 = fv_hist_quantile(stage, 0.99),
                                                 .max = stage->max};
    }
}

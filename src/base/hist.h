// SPDX-License-Identifier: Apache-2.0
/*
 * A histogram of durations: log-linear buckets, 32 per power of two (error below 3.2 %), 1 us .. 2^41 ns (36 min); what lies outside
 * counts in the first or last bucket. One writer thread; readers may look at any time and see a slightly old state.
 */
#ifndef FV_BASE_HIST_H
#define FV_BASE_HIST_H

#include <stdint.h>

#define FV_HIST_BUCKETS 1024

struct fv_hist {
    _Atomic uint64_t count;
    _Atomic int64_t max; /* ns */
    _Atomic uint32_t buckets[FV_HIST_BUCKETS];
};

void fv_hist_add(struct fv_hist *hist, int64_t ns); /* negative counts as 0 */
/* The value below which `fraction` (0..1) of all samples lie, in ns; 0 when empty. */
int64_t fv_hist_quantile(const struct fv_hist *hist, double fraction);
void fv_hist_merge(struct fv_hist *into, const struct fv_hist *from);

#endif

// SPDX-License-Identifier: Apache-2.0
#include "base/hist.h"

#include <stdatomic.h>

#define SUB_BITS 5    /* 32 buckets per power of two */
#define UNIT_SHIFT 10 /* the first bucket is 1,024 ns wide */

static unsigned bucket_of(int64_t ns)
{
    uint64_t v = ns < 0 ? 0 : (uint64_t)ns >> UNIT_SHIFT;
    if (v < 1u << SUB_BITS)
        return (unsigned)v;
    unsigned top = 63u - (unsigned)__builtin_clzll(v); /* >= SUB_BITS */
    unsigned shift = top - SUB_BITS;
    unsigned bucket = (shift + 1) * (1u << SUB_BITS) + (unsigned)(v >> shift) - (1u << SUB_BITS);
    return bucket < FV_HIST_BUCKETS ? bucket : FV_HIST_BUCKETS - 1;
}

/* Upper edge of a bucket, ns. */
static int64_t bucket_edge(unsigned bucket)
{
    unsigned shift = bucket < 1u << SUB_BITS ? 0 : (bucket >> SUB_BITS) - 1;
    uint64_t mantissa = bucket < 1u << SUB_BITS ? bucket : (bucket & 31u) + 32u;
    return (int64_t)(((mantissa + 1) << shift) << UNIT_SHIFT);
}

/* One writer: plain loads and stores, atomic only so that readers may look. */
void fv_hist_add(struct fv_hist *hist, int64_t ns)
{
    _Atomic uint32_t *bucket = &hist->buckets[bucket_of(ns)];
    atomic_store_explicit(bucket, atomic_load_explicit(bucket, memory_order_relaxed) + 1,
                          memory_order_relaxed);
    if (ns > atomic_load_explicit(&hist->max, memory_order_relaxed))
        atomic_store_explicit(&hist->max, ns, memory_order_relaxed);
    uint64_t count = atomic_load_explicit(&hist->count, memory_order_relaxed);
    atomic_store_explicit(&hist->count, count + 1, memory_order_release);
}

int64_t fv_hist_quantile(const struct fv_hist *hist, double fraction)
{
    uint64_t count = atomic_load_explicit(&hist->count, memory_order_acquire), seen = 0;
    int64_t max = atomic_load_explicit(&hist->max, memory_order_relaxed);
    if (count == 0)
        return 0;
    double wanted = fraction * (double)count;
    for (unsigned i = 0; i < FV_HIST_BUCKETS; i++) {
        seen += atomic_load_explicit(&hist->buckets[i], memory_order_relaxed);
        if (seen > 0 && (double)seen >= wanted)
            return bucket_edge(i) < max ? bucket_edge(i) : max;
    }
    return max;
}

void fv_hist_merge(struct fv_hist *into, const struct fv_hist *from)
{
    for (unsigned i = 0; i < FV_HIST_BUCKETS; i++)
        into->buckets[i] += from->buckets[i];
    if (from->max > into->max)
        into->max = from->max;
    into->count += from->count;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Divides a range of addresses: the memory pool's arithmetic, without the memory. Best fit, neighbours that become free join.
 * The blocks are one sorted array: a find is a binary search; an allocation looks at each free block, a free moves the
 * tail of the array. The pool's users are tensors, scratch and surfaces: some hundreds that live long, so n is small.
 *
 * Not thread-safe: the owner locks.
 */
#ifndef FV_GPU_POOL_H
#define FV_GPU_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FV_GPU_POOL_ALIGN 256u /* as the driver aligns its own */

struct fv_gpu_pool_block; /* pool.c */

struct fv_gpu_pool {
    uint64_t base;
    size_t bytes;      /* multiple of FV_GPU_POOL_ALIGN */
    size_t used, peak; /* after rounding up */
    unsigned blocks;   /* allocations */
    /* the whole range in order, no gaps, no two free neighbours */
    struct fv_gpu_pool_block *list;
    size_t count, capacity;
};

/* `base` is a multiple of FV_GPU_POOL_ALIGN, `bytes` is rounded down to one and not 0 then. 0, -EINVAL, -ENOMEM. */
int fv_gpu_pool_init(struct fv_gpu_pool *pool, uint64_t base, size_t bytes);
void fv_gpu_pool_finish(struct fv_gpu_pool *pool); /* a zeroed one is fine */
/* `bytes` is rounded up. 0; -ENOBUFS: nothing free is large enough; -EINVAL: 0 bytes; -ENOMEM: host memory. */
int fv_gpu_pool_alloc(struct fv_gpu_pool *pool, size_t bytes, uint64_t *ret_address);
/* 0; -EINVAL: `address` is not an allocation of this pool (wrong, or freed already); nothing changed. Never needs memory. */
int fv_gpu_pool_free(struct fv_gpu_pool *pool, uint64_t address);
bool fv_gpu_pool_holds(const struct fv_gpu_pool *pool, uint64_t address); /* within the range */
size_t fv_gpu_pool_largest_free(const struct fv_gpu_pool *pool);

#endif

// SPDX-License-Identifier: Apache-2.0
#include "gpu/pool.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"

struct fv_gpu_pool_block {
    uint64_t address;
    size_t bytes;
    bool used;
};

static size_t round_up(size_t bytes)
{
    return (bytes + FV_GPU_POOL_ALIGN - 1) & ~(size_t)(FV_GPU_POOL_ALIGN - 1);
}

/* Room for one more block. */
static int reserve(struct fv_gpu_pool *pool)
{
    if (pool->count < pool->capacity)
        return 0;
    size_t capacity = pool->capacity ? pool->capacity * 2 : 64;
    struct fv_gpu_pool_block *list = fv_realloc(pool->list, capacity * sizeof(*list));
    if (!list)
        return -ENOMEM;
    pool->list = list;
    pool->capacity = capacity;
    return 0;
}

int fv_gpu_pool_init(struct fv_gpu_pool *pool, uint64_t base, size_t bytes)
{
    memset(pool, 0, sizeof(*pool));
    bytes &= ~(size_t)(FV_GPU_POOL_ALIGN - 1);
    if (base % FV_GPU_POOL_ALIGN || bytes == 0 || base > UINT64_MAX - bytes)
        return -EINVAL;
    if (reserve(pool) < 0)
        return -ENOMEM;
    pool->base = base;
    pool->bytes = bytes;
    pool->list[pool->count++] = (struct fv_gpu_pool_block){base, bytes, false};
    return 0;
}

void fv_gpu_pool_finish(struct fv_gpu_pool *pool)
{
    fv_free(pool->list);
    memset(pool, 0, sizeof(*pool));
}

/* The smallest free block that holds `bytes`, or `count`. */
static size_t best_fit(const struct fv_gpu_pool *pool, size_t bytes)
{
    size_t best = pool->count;
    for (size_t i = 0; i < pool->count; i++) {
        const struct fv_gpu_pool_block *block = &pool->list[i];
        if (!block->used && block->bytes >= bytes &&
            (best == pool->count || block->bytes < pool->list[best].bytes))
            best = i;
    }
    return best;
}

/* Block `i` keeps `bytes`, the rest becomes a free block behind it. There is room for it. */
static void split(struct fv_gpu_pool *pool, size_t i, size_t bytes)
{
    struct fv_gpu_pool_block *block = &pool->list[i];
    memmove(block + 2, block + 1, (pool->count - i - 1) * sizeof(*block));
    block[1] = (struct fv_gpu_pool_block){block->address + bytes, block->bytes - bytes, false};
    block->bytes = bytes;
    pool->count++;
}

int fv_gpu_pool_alloc(struct fv_gpu_pool *pool, size_t bytes, uint64_t *ret_address)
{
    if (bytes == 0)
        return -EINVAL;
    if (bytes > pool->bytes)
        return -ENOBUFS;
    bytes = round_up(bytes);
    size_t i = best_fit(pool, bytes);
    if (i == pool->count)
        return -ENOBUFS;
    if (pool->list[i].bytes > bytes) {
        if (reserve(pool) < 0)
            return -ENOMEM;
        split(pool, i, bytes);
    }
    pool->list[i].used = true;
    pool->used += bytes;
    if (pool->used > pool->peak)
        pool->peak = pool->used;
    pool->blocks++;
    *ret_address = pool->list[i].address;
    return 0;
}

/* Index of the block that begins at `address`, or `count`. */
static size_t find(const struct fv_gpu_pool *pool, uint64_t address)
{
    size_t low = 0, high = pool->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (pool->list[middle].address < address)
            low = middle + 1;
        else
            high = middle;
    }
    return low < pool->count && pool->list[low].address == address ? low : pool->count;
}

/* Block i + 1 joins block i. */
static void join_next(struct fv_gpu_pool *pool, size_t i)
{
    struct fv_gpu_pool_block *block = &pool->list[i];
    block->bytes += block[1].bytes;
    memmove(block + 1, block + 2, (pool->count - i - 2) * sizeof(*block));
    pool->count--;
}

int fv_gpu_pool_free(struct fv_gpu_pool *pool, uint64_t address)
{
    size_t i = find(pool, address);
    if (i == pool->count || !pool->list[i].used)
        return -EINVAL;
    pool->list[i].used = false;
    pool->used -= pool->list[i].bytes;
    pool->blocks--;
    if (i + 1 < pool->count && !pool->list[i + 1].used)
        join_next(pool, i);
    if (i > 0 && !pool->list[i - 1].used)
        join_next(pool, i - 1);
    return 0;
}

bool fv_gpu_pool_holds(const struct fv_gpu_pool *pool, uint64_t address)
{
    return address >= pool->base && address - pool->base < pool->bytes;
}

size_t fv_gpu_pool_largest_free(const struct fv_gpu_pool *pool)
{
    size_t largest = 0;
    for (size_t i = 0; i < pool->count; i++)
        if (!pool->list[i].used && pool->list[i].bytes > largest)
            largest = pool->list[i].bytes;
    return largest;
}

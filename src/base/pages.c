// SPDX-License-Identifier: Apache-2.0
#include "base/pages.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "base/list.h"
#include "base/mem.h"

#define PAGE ((size_t)4 << 10)
#define BLOCK ((size_t)2 << 20) /* a huge page of x86-64, and of arm64 with pages of 4 KiB */
#define COUNT (BLOCK / PAGE)

struct block {
    struct fv_list link;
    uint8_t *memory;
    size_t free; /* pages */
    bool used[COUNT];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* under `lock`; the oldest block first, so that the younger ones empty */
static struct fv_list blocks = {&blocks, &blocks};

static size_t pages_of(size_t size)
{
    return size / PAGE + (size % PAGE > 0);
}

static void *plain_alloc(size_t size)
{
    void *memory = fv_alloc_aligned(size > BLOCK ? BLOCK : 64, size);
    if (!memory)
        return NULL;
    if (size > BLOCK)
        madvise(memory, size, MADV_HUGEPAGE); /* a wish */
    return memset(memory, 0, size);
}

/* A fresh block, at the end of the list. */
static struct block *block_new(void)
{
    struct block *block = FV_NEW(struct block);
    uint8_t *memory = block ? fv_alloc_aligned(BLOCK, BLOCK) : NULL;
    if (!memory) {
        fv_free(block);
        return NULL;
    }
    madvise(memory, BLOCK, MADV_HUGEPAGE);
    block->memory = memory;
    block->free = COUNT;
    fv_list_append(&blocks, &block->link);
    return block;
}

/* The first run of `count` free pages, or COUNT. */
static size_t find_run(const struct block *block, size_t count)
{
    size_t run = 0;
    for (size_t i = 0; i < COUNT && block->free >= count; i++) {
        run = block->used[i] ? 0 : run + 1;
        if (run == count)
            return i + 1 - count;
    }
    return COUNT;
}

static uint8_t *take_run(struct block *block, size_t first, size_t count)
{
    memset(block->used + first, true, count * sizeof(bool));
    block->free -= count;
    return block->memory + first * PAGE;
}

/* The lock is held. */
static uint8_t *take_pages(size_t count)
{
    FV_LIST_FOR (it, &blocks) {
        struct block *block = FV_CONTAINER(it, struct block, link);
        size_t first = find_run(block, count);
        if (first < COUNT)
            return take_run(block, first, count);
    }
    struct block *block = block_new();
    return block ? take_run(block, 0, count) : NULL;
}

void *fv_pages_alloc(size_t size)
{
    if (FV_PAGES_WATCHED || size > BLOCK)
        return plain_alloc(size);
    if (fv_alloc_fails())
        return NULL;
    pthread_mutex_lock(&lock);
    uint8_t *memory = take_pages(pages_of(size));
    pthread_mutex_unlock(&lock);
    return memory ? memset(memory, 0, size) : NULL;
}

/* The lock is held. */
static void put_pages(const uint8_t *memory, size_t count)
{
    FV_LIST_FOR (it, &blocks) {
        struct block *block = FV_CONTAINER(it, struct block, link);
        if (memory < block->memory || memory >= block->memory + BLOCK)
            continue;
        memset(block->used + (size_t)(memory - block->memory) / PAGE, false, count * sizeof(bool));
        block->free += count;
        if (block->free < COUNT)
            return;
        fv_list_remove(&block->link);
        fv_free(block->memory);
        fv_free(block);
        return;
    }
}

void fv_pages_free(void *memory, size_t size)
{
    if (!memory)
        return;
    if (FV_PAGES_WATCHED || size > BLOCK) {
        fv_free(memory);
        return;
    }
    pthread_mutex_lock(&lock);
    put_pages(memory, pages_of(size));
    pthread_mutex_unlock(&lock);
}

void fv_pages_stats(struct fv_pages_stats *ret_stats)
{
    struct fv_pages_stats stats = {0};
    pthread_mutex_lock(&lock);
    FV_LIST_FOR (it, &blocks) {
        stats.blocks++;
        stats.bytes += (COUNT - FV_CONTAINER(it, struct block, link)->free) * PAGE;
    }
    pthread_mutex_unlock(&lock);
    *ret_stats = stats;
}

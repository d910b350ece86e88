// SPDX-License-Identifier: Apache-2.0
/* Device memory and pinned memory, both from malloc; a list knows what is allocated. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "impl.h"

#define POISON_MAX                                                                                 \
    (1u << 20) /* fresh memory is not zero; filling all of a large pool would take long */

struct block {
    struct block *next;
    uintptr_t address;
    size_t bytes;
};

static struct block *device_list, *host_list;
static size_t device_used;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *fresh(struct block **list, size_t bytes)
{
    struct block *block = malloc(sizeof(*block));
    void *memory = aligned_alloc(256, (bytes + 255) & ~(size_t)255);
    if (!block || !memory)
        fakegpu_abort("cuMemAlloc", "the host has no %zu bytes", bytes);
    memset(memory, 0xA5, bytes < POISON_MAX ? bytes : POISON_MAX);
    pthread_mutex_lock(&lock);
    *block = (struct block){*list, (uintptr_t)memory, bytes};
    *list = block;
    pthread_mutex_unlock(&lock);
    return memory;
}

static void drop(const char *call, struct block **list, uintptr_t address)
{
    pthread_mutex_lock(&lock);
    while (*list && (*list)->address != address)
        list = &(*list)->next;
    struct block *block = *list;
    if (!block)
        fakegpu_abort(call, "%#zx is not an allocation, or was freed already", (size_t)address);
    *list = block->next;
    if (!strcmp(call, "cuMemFree"))
        device_used -= block->bytes;
    pthread_mutex_unlock(&lock);
    if (fakegpu_is_lost())
        fakegpu_rest();
    free((void *)address);
    free(block);
}

static size_t available(void)
{
    size_t limit = (size_t)fakegpu_plan.memory_mb << 20,
           free_limit = (size_t)fakegpu_plan.free_mb << 20;
    limit = free_limit < limit ? free_limit : limit;
    return device_used < limit ? limit - device_used : 0;
}

CUresult cuMemGetInfo(size_t *free, size_t *total)
{
    ENTER();
    pthread_mutex_lock(&lock);
    *free = available();
    pthread_mutex_unlock(&lock);
    *total = (size_t)fakegpu_plan.memory_mb << 20;
    return CUDA_SUCCESS;
}

CUresult cuMemAlloc(CUdeviceptr *address, size_t bytes)
{
    ENTER();
    if (bytes == 0)
        return (CUresult)FV_CUDA_INVALID_VALUE;
    if (fakegpu_allocation_fails())
        return (CUresult)FV_CUDA_OUT_OF_MEMORY;
    pthread_mutex_lock(&lock);
    bool fits = bytes <= available();
    if (fits)
        device_used += bytes;
    pthread_mutex_unlock(&lock);
    if (!fits)
        return (CUresult)FV_CUDA_OUT_OF_MEMORY;
    *address = (uintptr_t)fresh(&device_list, bytes);
    return CUDA_SUCCESS;
}

CUresult cuMemFree(CUdeviceptr address)
{
    CUresult result = fakegpu_enter(__func__);
    if (address)
        drop(__func__, &device_list, (uintptr_t)address);
    return result;
}

CUresult cuMemHostAlloc(void **address, size_t bytes, unsigned flags)
{
    ENTER();
    if (bytes == 0)
        return (CUresult)FV_CUDA_INVALID_VALUE;
    if (fakegpu_allocation_fails())
        return (CUresult)FV_CUDA_OUT_OF_MEMORY;
    *address = fresh(&host_list, bytes);
    return CUDA_SUCCESS;
}

CUresult cuMemHostGetDevicePointer(CUdeviceptr *address, void *host, unsigned flags)
{
    ENTER();
    fakegpu_memory_check(__func__, (uintptr_t)host, 1);
    *address = (uintptr_t)host;
    return CUDA_SUCCESS;
}

CUresult cuMemFreeHost(void *address)
{
    CUresult result = fakegpu_enter(__func__);
    drop(__func__, &host_list, (uintptr_t)address);
    return result;
}

static bool holds(const struct block *block, uintptr_t address, size_t bytes)
{
    return address >= block->address && address - block->address <= block->bytes &&
           bytes <= block->bytes - (address - block->address);
}

void fakegpu_memory_check(const char *call, CUdeviceptr address, size_t bytes)
{
    bool found = false;
    pthread_mutex_lock(&lock);
    for (struct block *block = device_list; block && !found; block = block->next)
        found = holds(block, (uintptr_t)address, bytes);
    for (struct block *block = host_list; block && !found; block = block->next)
        found = holds(block, (uintptr_t)address, bytes);
    pthread_mutex_unlock(&lock);
    if (!found)
        fakegpu_abort(call, "%zu bytes at %#llx are not in one allocation", bytes, address);
}

static unsigned count(const struct block *block, size_t *ret_bytes)
{
    unsigned n = 0;
    *ret_bytes = 0;
    pthread_mutex_lock(&lock);
    for (; block; block = block->next, n++)
        *ret_bytes += block->bytes;
    pthread_mutex_unlock(&lock);
    return n;
}

unsigned fakegpu_device_blocks(size_t *ret_bytes)
{
    return count(device_list, ret_bytes);
}

unsigned fakegpu_host_blocks(void)
{
    size_t bytes;
    return count(host_list, &bytes);
}

void fakegpu_memory_reset(void)
{
    while (device_list)
        drop("cuMemFree", &device_list, device_list->address);
    while (host_list)
        drop("cuMemFreeHost", &host_list, host_list->address);
}

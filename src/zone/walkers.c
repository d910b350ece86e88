// SPDX-License-Identifier: Apache-2.0
#include "zone/walkers.h"

#include <errno.h>

#include "base/mem.h"

int fv_walkers_init(struct fv_walkers *walkers, uint32_t max)
{
    walkers->max = max;
    for (walkers->chains = 16; walkers->chains < max; walkers->chains *= 2)
        ;
    walkers->slots = fv_calloc(max, sizeof(*walkers->slots));
    walkers->active = fv_calloc(max, sizeof(*walkers->active));
    walkers->heads = fv_calloc(walkers->chains, sizeof(*walkers->heads));
    if (!walkers->slots || !walkers->active || !walkers->heads)
        return -ENOMEM;
    for (uint32_t i = 0; i < walkers->chains; i++)
        walkers->heads[i] = FV_WALKER_NONE;
    for (uint32_t i = 0; i < max; i++)
        walkers->slots[i] = (struct fv_walker){.slot = i, .next = i + 1};
    walkers->slots[max - 1].next = FV_WALKER_NONE;
    return 0;
}

void fv_walkers_finish(struct fv_walkers *walkers)
{
    fv_free(walkers->slots);
    fv_free(walkers->active);
    fv_free(walkers->heads);
    *walkers = (struct fv_walkers){0};
}

/* Ids mostly count up; the multiplication spreads others. */
static uint32_t *chain_of(const struct fv_walkers *walkers, uint64_t id)
{
    return &walkers->heads[(id * UINT64_C(0x9E3779B97F4A7C15) >> 32) & (walkers->chains - 1)];
}

struct fv_walker *fv_walkers_find(const struct fv_walkers *walkers, uint64_t id)
{
    uint32_t slot = *chain_of(walkers, id);
    while (slot != FV_WALKER_NONE && walkers->slots[slot].id != id)
        slot = walkers->slots[slot].next;
    return slot == FV_WALKER_NONE ? NULL : &walkers->slots[slot];
}

struct fv_walker *fv_walkers_add(struct fv_walkers *walkers, uint64_t id)
{
    if (walkers->free == FV_WALKER_NONE)
        return NULL;
    struct fv_walker *walker = &walkers->slots[walkers->free];
    uint32_t *head = chain_of(walkers, id);
    walkers->free = walker->next;
    *walker = (struct fv_walker){.id = id, .slot = walker->slot, .next = *head};
    *head = walker->slot;
    walkers->active[walkers->count++] = walker->slot;
    return walker;
}

void fv_walkers_remove(struct fv_walkers *walkers, uint32_t position)
{
    struct fv_walker *walker = &walkers->slots[walkers->active[position]];
    uint32_t *link = chain_of(walkers, walker->id);
    while (*link != walker->slot)
        link = &walkers->slots[*link].next;
    *link = walker->next;
    walker->next = walkers->free;
    walkers->free = walker->slot;
    walkers->active[position] = walkers->active[--walkers->count];
}

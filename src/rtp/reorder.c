// SPDX-License-Identifier: Apache-2.0
#include "rtp/reorder.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"

int fv_reorder_init(struct fv_reorder *reorder, int64_t window, struct fv_buf_pool *pool)
{
    *reorder = (struct fv_reorder){.window = window, .pool = pool};
    if (window > 0)
        reorder->slots = fv_calloc(FV_REORDER_SLOTS, sizeof(*reorder->slots));
    return window > 0 && !reorder->slots ? -ENOMEM : 0;
}

void fv_reorder_finish(struct fv_reorder *reorder)
{
    for (unsigned i = 0; reorder->slots && i < FV_REORDER_SLOTS; i++)
        fv_buf_unref(reorder->slots[i].buf);
    fv_free(reorder->slots);
    *reorder = (struct fv_reorder){0};
}

static struct fv_reorder_slot *slot_of(const struct fv_reorder *reorder, int64_t number)
{
    return &reorder->slots[(uint64_t)number % FV_REORDER_SLOTS];
}

int fv_reorder_hold(struct fv_reorder *reorder, int64_t number, const uint8_t *packet, size_t size,
                    int64_t arrival)
{
    struct fv_reorder_slot *slot = slot_of(reorder, number);
    if (slot->buf)
        return 0;
    int rc = fv_buf_get(reorder->pool, size, &slot->buf);
    if (rc < 0)
        return rc;
    memcpy(slot->buf->data, packet, size);
    slot->size = size;
    slot->arrival = arrival;
    reorder->since = reorder->held ? fv_min64(reorder->since, arrival) : arrival;
    reorder->held++;
    return 0;
}

/* Only after disorder, so a scan is cheap enough. */
static void find_earliest(struct fv_reorder *reorder)
{
    reorder->since = FV_TIME_NEVER;
    for (unsigned i = 0; reorder->held && i < FV_REORDER_SLOTS; i++)
        if (reorder->slots[i].buf)
            reorder->since = fv_min64(reorder->since, reorder->slots[i].arrival);
}

bool fv_reorder_take(struct fv_reorder *reorder, struct fv_reorder_slot *ret_slot)
{
    if (!reorder->held)
        return false;
    struct fv_reorder_slot *slot = slot_of(reorder, reorder->next);
    if (!slot->buf)
        return false;
    *ret_slot = *slot;
    slot->buf = NULL;
    reorder->held--;
    reorder->next++;
    if (ret_slot->arrival == reorder->since)
        find_earliest(reorder);
    return true;
}

void fv_reorder_skip(struct fv_reorder *reorder)
{
    if (!reorder->held)
        return;
    while (!slot_of(reorder, reorder->next)->buf)
        reorder->next++;
}

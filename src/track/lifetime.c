// SPDX-License-Identifier: Apache-2.0
#include "track/lifetime.h"

#include "base/clock.h"

#define INTERVAL_MOST (3600 * FV_S)

void fv_lifetime_init(struct fv_lifetime *lifetime, int64_t buffer)
{
    *lifetime = (struct fv_lifetime){.buffer = buffer};
}

void fv_lifetime_note(struct fv_lifetime *lifetime, int64_t interval)
{
    lifetime->interval[lifetime->count++ % FV_LIFETIME_INTERVALS] =
        fv_min64(interval, INTERVAL_MOST);
    if (lifetime->count == 2 * FV_LIFETIME_INTERVALS) /* never overflows */
        lifetime->count = FV_LIFETIME_INTERVALS;
}

/* Of an even number the lower one. */
static int64_t median(const struct fv_lifetime *lifetime)
{
    int64_t sorted[FV_LIFETIME_INTERVALS];
    uint32_t count = 0;
    for (; count < FV_LIFETIME_INTERVALS && count < lifetime->count; count++) {
        uint32_t at = count;
        for (; at > 0 && sorted[at - 1] > lifetime->interval[count]; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = lifetime->interval[count];
    }
    return count ? sorted[(count - 1) / 2] : 0;
}

int64_t fv_lifetime(const struct fv_lifetime *lifetime)
{
    return fv_max64(lifetime->buffer, median(lifetime) / 2 * 3);
}

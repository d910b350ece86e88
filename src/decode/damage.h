// SPDX-License-Identifier: Apache-2.0
/* Whether a camera's pictures can be trusted, as access units come and losses are noticed; the same for every decoder. One thread. */
#ifndef FV_DECODE_DAMAGE_H
#define FV_DECODE_DAMAGE_H

#include "flow.h"

struct fv_damage {
    bool damaged; /* something was lost since the last good key picture */
    bool hurt;    /* ... since the last recovery point */
};

/* Something was lost, or could not be decoded. */
static inline void fv_damage_hurt(struct fv_damage *damage)
{
    damage->damaged = damage->hurt = true;
}

/* The next access unit goes into the decoder: what identifies its picture. Number and size are 0, the stamps from `decoded` on unknown. */
struct fv_frame_info fv_damage_next(struct fv_damage *damage, const struct fv_au *au);

#endif

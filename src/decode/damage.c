// SPDX-License-Identifier: Apache-2.0
#include "decode/damage.h"

struct fv_frame_info fv_damage_next(struct fv_damage *damage, const struct fv_au *au)
{
    if (au->flags & FV_FRAME_KEY) {
        /* The refresh from one recovery point is through at the next one. */
        bool point = au->flags & FV_FRAME_RECOVERY;
        damage->damaged = damage->damaged && point && damage->hurt;
        damage->hurt = false;
    }
    if (au->flags & FV_FRAME_DAMAGED)
        fv_damage_hurt(damage);
    return (struct fv_frame_info){
        .camera = au->camera,
        .epoch = au->epoch,
        .pts = au->pts,
        .wall = au->wall,
        .flags = au->flags | (damage->damaged ? FV_FRAME_DAMAGED : 0),
        .at = {.first_packet = au->first_packet,
               .last_packet = au->last_packet,
               .delivered = au->delivered,
               .decoded = FV_TIME_UNKNOWN,
               .inferred = FV_TIME_UNKNOWN,
               .event = FV_TIME_UNKNOWN},
    };
}

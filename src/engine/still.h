// SPDX-License-Identifier: Apache-2.0
/*
 * The next picture of a camera for who asks, while the engine runs. Without somebody who waits, a picture costs one look at a number.
 *
 *   any thread: take() waits -> decode thread: offer() hands it a reference -> take() returns
 */
#ifndef FV_ENGINE_STILL_H
#define FV_ENGINE_STILL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/list.h"
#include "flow.h"

struct fv_stills {
    atomic_uint waiting;
    pthread_mutex_t lock;
    /* under the lock */
    pthread_cond_t news;
    struct fv_list waiters;
    bool ended;
};

void fv_stills_init(struct fv_stills *stills);
void fv_stills_finish(struct fv_stills *stills); /* nobody waits */
/* From now on nobody waits: take() returns -ECANCELED. Idempotent. */
void fv_stills_end(struct fv_stills *stills);
/* Borrows the picture. One that is damaged is not taken. */
void fv_stills_offer(struct fv_stills *stills, struct fv_picture *picture);
/* Returns a reference. 0, -ETIMEDOUT (after `timeout` ns), -ECANCELED. Several may wait. */
int fv_stills_take(struct fv_stills *stills, uint32_t camera, int64_t timeout,
                   struct fv_picture **ret_picture);

#endif

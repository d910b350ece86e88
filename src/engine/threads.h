// SPDX-License-Identifier: Apache-2.0
/*
 * Cores and priorities of the pipeline's threads: USE_THREAD_AFFINITY, THREAD_PRIORITY, DECODER_THREAD_PRIORITY. What the system
 * forbids is logged once for each setting, with the cure, and the thread goes on as it is.
 */
#ifndef FV_ENGINE_THREADS_H
#define FV_ENGINE_THREADS_H

#include <stdatomic.h>
#include <stdbool.h>

#include "conf/conf.h"

enum fv_thread_role { FV_THREAD_PIPELINE, FV_THREAD_DECODER };

struct fv_threads {
    bool pin;
    enum fv_priority pipeline, decoder;
    atomic_uint entered; /* threads so far: each takes the next core */
    atomic_bool told_pin, told_pipeline, told_decoder;
};

void fv_threads_init(struct fv_threads *threads, const struct fv_config *config);
/* On the thread itself, first of all. */
void fv_threads_enter(struct fv_threads *threads, enum fv_thread_role role);

#endif

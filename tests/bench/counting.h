// SPDX-License-Identifier: Apache-2.0
/*
 * What the benchmark's client programs share: their arguments, one counter for each camera, and the talk with the script:
 *
 *   client -> script   "playing" on standard output once every camera has delivered a picture
 *   script -> client   SIGUSR1: write one line "PICTURES BYTES LOST P0 P1 ..." (in all, then the pictures of each camera)
 *   script -> client   SIGTERM: end
 *
 * A thread that sleeps in sigwait() does the talking: nothing is written and nobody wakes while a window is measured.
 */
#ifndef FV_BENCH_COUNTING_H
#define FV_BENCH_COUNTING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct counted_camera {
    const char *url;
    _Atomic uint64_t pictures, bytes, lost;
};

struct counting {
    bool udp;
    int interval_ms;   /* of a gathered loop */
    bool keep;         /* by a gathered loop: bytes get a place of their own */
    const char *codec; /* "h264", "h265": for those that do not find out */
    unsigned camera_count;
    struct counted_camera *cameras;
    _Atomic unsigned waiting; /* cameras without a picture so far */
};

/* Reads "[--transport tcp|udp] [--codec h264|h265] [--keep] [--interval MS] URL...", blocks the signals and starts the talking
 * thread, which ends the process on SIGTERM, SIGINT or its parent's death. Before any other thread. Ends the process on wrong usage. */
void counting_start(struct counting *counting, int argc, char **argv);

/* Each counter has one writer, so no locked instruction is needed. */
static inline void counting_add(_Atomic uint64_t *counter, uint64_t more)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + more,
                          memory_order_relaxed);
}

void counting_first_picture(struct counting *counting);

static inline void counting_picture(struct counting *counting, struct counted_camera *camera)
{
    if (atomic_load_explicit(&camera->pictures, memory_order_relaxed) == 0)
        counting_first_picture(counting);
    counting_add(&camera->pictures, 1);
}

#endif

// SPDX-License-Identifier: Apache-2.0
/* For ingest's tests: an ingest whose consumer writes down what happens, and waits for it. */
#ifndef FV_INGEST_TEST_BED_H
#define FV_INGEST_TEST_BED_H

#include <pthread.h>

#include "ingest/fake_camera.h"
#include "ingest/ingest.h"

#define BED_CAMERAS 128
#define BED_EVENTS 40

struct bed_camera {
    struct fv_camera_event events[BED_EVENTS]; /* the first ones; reason points into `reasons` */
    char reasons[BED_EVENTS][300];
    unsigned event_count;
    unsigned pictures, keys, first_is_key;
    unsigned refuse;    /* pictures still to be refused */
    bool after_refusal; /* the next picture handed over must be a key picture */
    unsigned wrong;     /* pictures that came although they must not */
    uint32_t epoch;     /* of the last picture */
    enum fv_camera_state state;
};

struct bed {
    struct fv_ingest *ingest;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    atomic_uint block_us;                   /* the next picture's handler sleeps so long */
    struct bed_camera cameras[BED_CAMERAS]; /* by id; under `lock` */
};

extern struct bed bed;

/* A handler for tests that run an ingest of their own and don't look at its pictures. */
bool bed_ignore_picture(void *data, const struct fv_au *au);
void bed_open(int64_t gather); /* creates and starts */
void bed_close(void);
/* Defaults with short delays, backoff from 20 ms, no jitter; and with time limits that a slow machine does not meet. */
struct fv_camera_params bed_params(const char *url);
uint32_t bed_add(const struct fv_camera_params *params);
/* Waits (at most 60 s, then the test fails) until the condition holds for the camera. */
void bed_await(uint32_t id, bool (*holds)(const struct bed_camera *, unsigned), unsigned n);
bool bed_in_state(const struct bed_camera *camera, unsigned state);
bool bed_has_pictures(const struct bed_camera *camera, unsigned n); /* at least n */
bool bed_has_events(const struct bed_camera *camera, unsigned n);
bool bed_failed(const struct bed_camera *camera,
                unsigned n);                   /* at least n events with an error code */
struct fv_camera_stats bed_stats(uint32_t id); /* while a camera plays they are somewhat old */
/* As soon as (at most 60 s) they count so many access units. */
struct fv_camera_stats bed_stats_from(uint32_t id, uint64_t access_units);
struct bed_camera bed_look(uint32_t id); /* what was written down so far; without `reason` */
/* The n-th (from 0) event with an error code; valid until bed_close(). */
struct fv_camera_event bed_failure(uint32_t id, unsigned n);
void bed_assert_well(uint32_t id); /* no event had an error code */
/* Waits (at most 60 s) until an atomic counter reaches n. */
void bed_await_count(atomic_uint *counter, unsigned n);
unsigned bed_descriptors(void); /* open ones of this process */

#endif

// SPDX-License-Identifier: Apache-2.0
/*
 *   ingest thread --push--> camera's slots, one ring for all --> worker --> decoder --> picture()
 *
 * The ring has a place for every slot, so that only the bound per camera ever refuses a push. A
 * camera's slots are used in turn and leave the ring in the same order: a slot is free again when
 * `waiting` has been counted down.
 */
#include "decode/worker.h"

#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <time.h>

#include "base/mem.h"
#include "base/ring.h"
#include "base/thread.h"
#include "decode/feed.h"

#define POP_MAX 16
/* Access units of one pass: beyond them pictures are collected first, so that a flood does not hold them up. */
#define PASS_MAX 256
#define CATCH_UP 4

struct camera {
    struct fv_feed feed;
    _Atomic unsigned waiting;   /* slots in use */
    _Atomic unsigned keys;      /* key access units that were pushed and are not through with */
    struct fv_au farewell;      /* without a buffer: goes through the ring and means "forget" */
    _Atomic bool farewell_sent; /* it is in the ring */
    struct fv_au *slots;
    unsigned next; /* slot to push into; owner: the pushing thread */
    /* owner: the worker */
    unsigned first; /* oldest slot in use */
    struct fv_au
        parked; /* with a buffer: the decoder wants it again later, and `held` slots wait behind it */
    unsigned held;
};

struct fv_decode_worker {
    struct fv_decode_worker_params params;
    struct fv_ring *ring;
    struct camera *cameras;
    struct fv_au *slots;
    pthread_t thread;
    bool started;
    _Atomic bool stopping;
    /* What the thread tells its creator before it begins. */
    sem_t entered;
    int enter_code;
    struct fv_error enter_error;
};

/* The access unit is through with. */
static void finish(struct camera *camera, struct fv_au *au)
{
    const struct fv_decode_worker_params *params = camera->feed.params;
    if (au->flags & FV_FRAME_KEY)
        atomic_fetch_sub_explicit(&camera->keys, 1, memory_order_relaxed);
    fv_au_drop(au);
    if (params->served)
        params->served(params->data, camera->feed.camera);
}

/* Did it wait so long that the camera had better go on with a key picture that waits behind it? */
static bool is_late(const struct camera *camera, const struct fv_au *au)
{
    int64_t late = camera->feed.params->late;
    unsigned itself = au->flags & FV_FRAME_KEY ? 1 : 0;
    return late && atomic_load_explicit(&camera->keys, memory_order_relaxed) > itself &&
           fv_now() - au->delivered > late;
}

/* Feeds the oldest slot. */
static void take(struct camera *camera)
{
    struct fv_au au = camera->slots[camera->first];
    camera->first = (camera->first + 1) % camera->feed.params->queue_per_camera;
    atomic_fetch_sub_explicit(&camera->waiting, 1, memory_order_release);
    if (is_late(camera, &au))
        fv_feed_miss(&camera->feed);
    else if (fv_feed_push(&camera->feed, &au) == -EAGAIN) {
        camera->parked = au;
        return;
    }
    finish(camera, &au);
}

static void drop_parked(struct camera *camera)
{
    if (camera->parked.buf)
        finish(camera, &camera->parked);
}

/* Feeds what had to wait, a few access units at a time: the other cameras go on meanwhile. True: something was fed, so that
 * there is something to collect. */
static bool catch_up(struct camera *camera)
{
    if (camera->parked.buf) {
        if (is_late(camera, &camera->parked))
            fv_feed_miss(&camera->feed);
        else if (fv_feed_push(&camera->feed, &camera->parked) == -EAGAIN)
            return false;
        camera->feed.catching_up = camera->feed.params->late > 0;
        drop_parked(camera);
    }
    for (int i = 0; i < CATCH_UP && camera->held && !camera->parked.buf; i++) {
        camera->held--;
        take(camera);
    }
    if (!camera->held && !camera->parked.buf)
        camera->feed.catching_up = false;
    return true;
}

/* Gives up everything that waits. */
static void drop_all(struct camera *camera)
{
    drop_parked(camera);
    for (; camera->held; camera->held--) {
        struct fv_au au = camera->slots[camera->first];
        camera->first = (camera->first + 1) % camera->feed.params->queue_per_camera;
        atomic_fetch_sub_explicit(&camera->waiting, 1, memory_order_release);
        finish(camera, &au);
    }
}

static void serve(struct fv_decode_worker *worker, const struct fv_au *item)
{
    struct camera *camera = &worker->cameras[item->camera];
    if (item == &camera->farewell) {
        atomic_store(&camera->farewell_sent, false);
        drop_all(camera);
        fv_feed_close(&camera->feed);
        return;
    }
    camera->held++;
    if (atomic_load_explicit(&worker->stopping, memory_order_relaxed))
        drop_all(camera);
    else if (!camera->parked.buf && camera->held == 1) {
        camera->held = 0;
        take(camera);
    }
}

static void wake(void *data)
{
    struct fv_decode_worker *worker = data;
    fv_ring_wake(worker->ring);
}

static int enter(struct fv_decode_worker *worker)
{
    const struct fv_decode_worker_params *params = &worker->params;
    if (params->began)
        params->began(params->data);
    const struct fv_decode_wake waker = {.call = wake, .data = worker};
    int code =
        params->ops->enter ? params->ops->enter(params->shared, &waker, &worker->enter_error) : 0;
    worker->enter_code = code;
    sem_post(&worker->entered);
    return code;
}

/* While pictures are in flight nothing wakes the thread before the first one's time: what comes meanwhile is submitted together, in
 * one pass. Unless more waits already than one pass takes. */
static void rest(struct fv_decode_worker *worker, int64_t deadline)
{
    if (deadline == FV_TIME_NEVER || deadline <= fv_now() || fv_ring_count(worker->ring) > 0)
        return;
    struct timespec t = {.tv_sec = (time_t)(deadline / FV_S), .tv_nsec = (long)(deadline % FV_S)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

/* Sleeps until `deadline` at most, then submits everything that waits. False at the end. */
static bool submit_pass(struct fv_decode_worker *worker, int64_t deadline)
{
    void *items[POP_MAX];
    int popped, total = 0;
    do {
        popped = fv_ring_pop(worker->ring, items, POP_MAX, deadline);
        for (int i = 0; i < popped; i++)
            serve(worker, items[i]);
        total += popped;
        deadline = 0;
    } while (popped == POP_MAX && total < PASS_MAX);
    return popped >= 0;
}

/* Hands out what is finished and feeds what waited. Returns when it wants to be called again. */
static int64_t collect(struct fv_decode_worker *worker)
{
    const struct fv_decoder_ops *ops = worker->params.ops;
    if (!ops->collect)
        return FV_TIME_NEVER;
    int64_t deadline = ops->collect(worker->params.shared, fv_now());
    for (uint32_t i = 0; i < worker->params.cameras; i++) {
        struct camera *camera = &worker->cameras[i];
        if (fv_feed_check(&camera->feed))
            drop_parked(camera);
        if ((camera->parked.buf || camera->held) && catch_up(camera))
            deadline = 0;
    }
    return deadline;
}

/* The stream ended: everything that waits is decoded, and what the decoder holds back comes out. */
static void drain(struct fv_decode_worker *worker, struct camera *camera)
{
    const struct fv_decoder_ops *ops = worker->params.ops;
    while (camera->parked.buf || camera->held) {
        if (camera->parked.buf && camera->feed.decoder)
            ops->await(camera->feed.decoder);
        if (fv_feed_check(&camera->feed))
            drop_parked(camera);
        catch_up(camera);
    }
    fv_feed_drain(&camera->feed);
}

/* Decoders end on the thread that used them. */
static void end_decoders(struct fv_decode_worker *worker)
{
    bool stopping = atomic_load_explicit(&worker->stopping, memory_order_relaxed);
    for (uint32_t i = 0; i < worker->params.cameras; i++)
        if (!stopping)
            drain(worker, &worker->cameras[i]);
    for (uint32_t i = 0; i < worker->params.cameras; i++) {
        drop_all(&worker->cameras[i]);
        fv_feed_close(&worker->cameras[i].feed);
    }
}

static void *run(void *data)
{
    struct fv_decode_worker *worker = data;
    if (enter(worker) < 0)
        return NULL;
    int64_t deadline = FV_TIME_NEVER;
    while (submit_pass(worker, deadline)) {
        deadline = collect(worker);
        rest(worker, deadline);
    }
    end_decoders(worker);
    return NULL;
}

static int allocate(struct fv_decode_worker *worker)
{
    const struct fv_decode_worker_params *params = &worker->params;
    size_t slots = (size_t)params->cameras * params->queue_per_camera;
    worker->cameras = fv_calloc(params->cameras, sizeof(*worker->cameras));
    worker->slots = fv_calloc(slots, sizeof(*worker->slots));
    if (!worker->cameras || !worker->slots ||
        fv_ring_create(slots + params->cameras, &worker->ring) < 0)
        return -ENOMEM;
    for (uint32_t i = 0; i < params->cameras; i++) {
        struct camera *camera = &worker->cameras[i];
        fv_feed_init(&camera->feed, params, i);
        camera->farewell.camera = i;
        camera->slots = worker->slots + (size_t)i * params->queue_per_camera;
    }
    return 0;
}

/* Starts the thread and waits until it is ready to serve. */
static int start(struct fv_decode_worker *worker, struct fv_error *err)
{
    int code = fv_thread_start(&worker->thread, "fv-decode", run, worker);
    if (code < 0)
        return fv_error_set(err, code, "the decode thread does not start: %s", fv_strerror(code));
    worker->started = true;
    while (sem_wait(&worker->entered) < 0)
        ; /* a signal */
    if (worker->enter_code < 0 && err)
        *err = worker->enter_error;
    return worker->enter_code;
}

int fv_decode_worker_create(const struct fv_decode_worker_params *params,
                            struct fv_decode_worker **ret_worker, struct fv_error *err)
{
    if (!params->cameras || !params->queue_per_camera || !params->interval)
        return fv_error_set(err, -EINVAL,
                            "decode worker: cameras, queue and interval must be at least 1");
    struct fv_decode_worker *worker = FV_NEW(struct fv_decode_worker);
    if (!worker)
        return fv_error_set(err, -ENOMEM, "out of memory");
    worker->params = *params;
    sem_init(&worker->entered, 0, 0);
    int code = allocate(worker);
    if (code < 0)
        fv_error_set(err, code, "out of memory");
    else
        code = start(worker, err);
    if (code < 0) {
        fv_decode_worker_destroy(worker);
        return code;
    }
    *ret_worker = worker;
    return 0;
}

bool fv_decode_worker_push(struct fv_decode_worker *worker, const struct fv_au *au)
{
    if (au->camera >= worker->params.cameras)
        return false;
    struct camera *camera = &worker->cameras[au->camera];
    const unsigned limit = worker->params.queue_per_camera;
    if (atomic_load_explicit(&camera->waiting, memory_order_acquire) >= limit) {
        fv_feed_count(&camera->feed.dropped_full);
        return false;
    }
    struct fv_au *slot = &camera->slots[camera->next];
    *slot = fv_au_share(au);
    const unsigned key = au->flags & FV_FRAME_KEY ? 1 : 0;
    atomic_fetch_add_explicit(&camera->waiting, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&camera->keys, key, memory_order_relaxed);
    if (fv_ring_push(worker->ring, slot) < 0) {
        atomic_fetch_sub_explicit(&camera->waiting, 1, memory_order_relaxed);
        atomic_fetch_sub_explicit(&camera->keys, key, memory_order_relaxed);
        fv_au_drop(slot);
        fv_feed_count(&camera->feed.dropped_full);
        return false;
    }
    camera->next = (camera->next + 1) % limit;
    return true;
}

void fv_decode_worker_forget(struct fv_decode_worker *worker, uint32_t camera)
{
    if (camera >= worker->params.cameras)
        return;
    struct camera *known = &worker->cameras[camera];
    if (atomic_exchange(&known->farewell_sent, true))
        return;
    /* The ring has a place for it; only a closed one refuses, and then the decoder is closed anyway. */
    if (fv_ring_push(worker->ring, &known->farewell) < 0)
        atomic_store(&known->farewell_sent, false);
}

void fv_decode_worker_choose(struct fv_decode_worker *worker, uint32_t camera,
                             const struct fv_decode_choice *choice)
{
    if (camera >= worker->params.cameras)
        return;
    struct fv_feed *feed = &worker->cameras[camera].feed;
    feed->keys_only = choice->keys_only;
    feed->interval = choice->interval ? choice->interval : 1;
    feed->gap = choice->gap;
}

static uint64_t read_counter(_Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void fv_decode_worker_stats(struct fv_decode_worker *worker, uint32_t camera,
                            struct fv_decode_stats *ret_stats)
{
    *ret_stats = (struct fv_decode_stats){0};
    if (camera >= worker->params.cameras)
        return;
    struct fv_feed *feed = &worker->cameras[camera].feed;
    ret_stats->submitted = read_counter(&feed->submitted);
    ret_stats->decoded = read_counter(&feed->decoded);
    ret_stats->errors = read_counter(&feed->errors);
    ret_stats->skipped_interval = read_counter(&feed->skipped_interval);
    ret_stats->dropped_full = read_counter(&feed->dropped_full);
    ret_stats->dropped_key = read_counter(&feed->dropped_key);
    ret_stats->dropped_late = read_counter(&feed->dropped_late);
}

void fv_decode_worker_finish(struct fv_decode_worker *worker)
{
    if (!worker->started)
        return;
    worker->started = false;
    fv_ring_close(worker->ring);
    pthread_join(worker->thread, NULL);
}

void fv_decode_worker_stop(struct fv_decode_worker *worker)
{
    atomic_store(&worker->stopping, true);
    fv_decode_worker_finish(worker);
}

void fv_decode_worker_destroy(struct fv_decode_worker *worker)
{
    if (!worker)
        return;
    fv_decode_worker_stop(worker);
    fv_ring_destroy(worker->ring);
    sem_destroy(&worker->entered);
    fv_free(worker->slots);
    fv_free(worker->cameras);
    fv_free(worker);
}

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
#include <stdatomic.h>

#include "base/mem.h"
#include "base/ring.h"
#include "base/thread.h"
#include "decode/thin.h"

#define POP_MAX 16
#define CAUSES_MAX 8

struct counters {
    _Atomic uint64_t submitted, decoded, errors, skipped_interval, dropped_full, dropped_key;
};

struct camera {
    struct fv_decode_worker *worker;
    uint32_t id;
    struct counters counters;
    _Atomic unsigned waiting; /* slots in use */
    /* what is wanted: any thread */
    _Atomic bool keys_only;
    _Atomic unsigned interval;
    _Atomic int64_t gap;
    /* owner: the pushing thread */
    struct fv_au *slots;
    unsigned next;
    /* owner: the worker thread */
    struct fv_decoder *decoder;
    enum fv_codec codec; /* of the decoder, or of the last attempt to open one */
    uint32_t epoch;
    bool wait_key;
    struct fv_thin thin;
    int causes[CAUSES_MAX]; /* faults that were reported for this codec */
    unsigned cause_count;
};

struct fv_decode_worker {
    struct fv_decode_worker_params params;
    struct fv_ring *ring;
    struct camera *cameras;
    struct fv_au *slots;
    pthread_t thread;
    bool started;
    _Atomic bool stopping;
};

static void count(_Atomic uint64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* From the decoder, on the worker's thread. */
static void on_picture(void *data, struct fv_picture *picture)
{
    struct camera *camera = data;
    const struct fv_decode_worker_params *params = &camera->worker->params;
    count(&camera->counters.decoded);
    uint64_t number = atomic_load_explicit(&camera->counters.decoded, memory_order_relaxed);
    picture->info.number = number;
    picture->info.at.decoded = fv_now();
    if (!fv_thin_keep(&camera->thin, camera->interval, camera->gap, &picture->info)) {
        count(&camera->counters.skipped_interval);
        fv_picture_unref(picture);
        return;
    }
    params->picture(params->data, picture);
}

/* Tells the owner, unless this cause was told for this codec already. */
static void report(struct camera *camera, const struct fv_error *err)
{
    for (unsigned i = 0; i < camera->cause_count; i++)
        if (camera->causes[i] == err->code)
            return;
    if (camera->cause_count < CAUSES_MAX)
        camera->causes[camera->cause_count++] = err->code;
    const struct fv_decode_worker_params *params = &camera->worker->params;
    params->fault(params->data, camera->id, err->code, err->text);
}

static void close_decoder(struct camera *camera)
{
    camera->worker->params.ops->close(camera->decoder);
    camera->decoder = NULL;
}

static void fail(struct camera *camera, int code, struct fv_error *err)
{
    count(&camera->counters.errors);
    camera->wait_key = true;
    /* A back end that gave no sentence is still told apart by its code. */
    if (err->code != code)
        fv_error_set(err, code, "the decoder failed: %s", fv_strerror(code));
    report(camera, err);
    if (!camera->decoder)
        return;
    /* Malformed input leaves a sound decoder; after anything else a fresh one is safer. */
    if (code == -EBADMSG)
        camera->worker->params.ops->flush(camera->decoder);
    else
        close_decoder(camera);
}

/* Makes sure that the camera's decoder fits the access unit, which is a key one when there is none
 * yet. */
static int prepare(struct camera *camera, const struct fv_au *au, struct fv_error *err)
{
    const struct fv_decoder_ops *ops = camera->worker->params.ops;
    if (au->codec != camera->codec) {
        close_decoder(camera);
        camera->codec = au->codec;
        camera->cause_count = 0;
    }
    if (!camera->decoder) {
        const struct fv_decoder_params params = {
            .codec = au->codec, .picture = on_picture, .data = camera};
        camera->epoch = au->epoch;
        return ops->open(&params, &camera->decoder, err);
    }
    /* A new connection: what the decoder still holds belongs to the old one. */
    if (au->epoch != camera->epoch && (au->flags & FV_FRAME_KEY)) {
        ops->flush(camera->decoder);
        camera->epoch = au->epoch;
    }
    return 0;
}

static void decode(struct camera *camera, const struct fv_au *au)
{
    if (camera->keys_only && !(au->flags & FV_FRAME_KEY)) {
        camera->wait_key = true; /* the pictures between are missing when all are wanted again */
        count(&camera->counters.skipped_interval);
        return;
    }
    bool starts_afresh = camera->wait_key || !camera->decoder || au->codec != camera->codec;
    if (starts_afresh && !(au->flags & FV_FRAME_KEY)) {
        camera->wait_key = true;
        count(&camera->counters.dropped_key);
        return;
    }
    camera->wait_key = false;
    struct fv_error err = {0};
    int code = prepare(camera, au, &err);
    if (code == 0) {
        count(&camera->counters.submitted);
        code = camera->worker->params.ops->submit(camera->decoder, au, &err);
    }
    if (code < 0)
        fail(camera, code, &err);
}

static void serve(struct fv_decode_worker *worker, struct fv_au *slot)
{
    struct fv_au au = *slot;
    struct camera *camera = &worker->cameras[au.camera];
    atomic_fetch_sub_explicit(&camera->waiting, 1, memory_order_release);
    if (!atomic_load_explicit(&worker->stopping, memory_order_relaxed))
        decode(camera, &au);
    fv_au_drop(&au);
    if (worker->params.served)
        worker->params.served(worker->params.data, au.camera);
}

/* Decoders end on the thread that used them. */
static void end_decoder(struct camera *camera)
{
    const struct fv_decoder_ops *ops = camera->worker->params.ops;
    const bool stopping = atomic_load_explicit(&camera->worker->stopping, memory_order_relaxed);
    if (camera->decoder && ops->drain && !stopping)
        ops->drain(camera->decoder);
    close_decoder(camera);
}

static void *run(void *data)
{
    struct fv_decode_worker *worker = data;
    if (worker->params.began)
        worker->params.began(worker->params.data);
    void *items[POP_MAX];
    for (;;) {
        int popped = fv_ring_pop(worker->ring, items, POP_MAX, FV_TIME_NEVER);
        if (popped < 0)
            break;
        for (int i = 0; i < popped; i++)
            serve(worker, items[i]);
    }
    for (uint32_t i = 0; i < worker->params.cameras; i++)
        end_decoder(&worker->cameras[i]);
    return NULL;
}

static int allocate(struct fv_decode_worker *worker)
{
    const struct fv_decode_worker_params *params = &worker->params;
    size_t slots = (size_t)params->cameras * params->queue_per_camera;
    worker->cameras = fv_calloc(params->cameras, sizeof(*worker->cameras));
    worker->slots = fv_calloc(slots, sizeof(*worker->slots));
    if (!worker->cameras || !worker->slots || fv_ring_create(slots, &worker->ring) < 0)
        return -ENOMEM;
    for (uint32_t i = 0; i < params->cameras; i++) {
        struct camera *camera = &worker->cameras[i];
        camera->worker = worker;
        camera->id = i;
        camera->interval = params->interval;
        camera->slots = worker->slots + (size_t)i * params->queue_per_camera;
    }
    return 0;
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
    int code = allocate(worker);
    if (code < 0) {
        fv_decode_worker_destroy(worker);
        return fv_error_set(err, code, "out of memory");
    }
    code = fv_thread_start(&worker->thread, "fv-decode", run, worker);
    if (code < 0) {
        fv_decode_worker_destroy(worker);
        return fv_error_set(err, code, "the decode thread does not start: %s", fv_strerror(code));
    }
    worker->started = true;
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
        count(&camera->counters.dropped_full);
        return false;
    }
    struct fv_au *slot = &camera->slots[camera->next];
    *slot = fv_au_share(au);
    atomic_fetch_add_explicit(&camera->waiting, 1, memory_order_relaxed);
    if (fv_ring_push(worker->ring, slot) < 0) {
        atomic_fetch_sub_explicit(&camera->waiting, 1, memory_order_relaxed);
        fv_au_drop(slot);
        count(&camera->counters.dropped_full);
        return false;
    }
    camera->next = (camera->next + 1) % limit;
    return true;
}

static uint64_t read_counter(_Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void fv_decode_worker_choose(struct fv_decode_worker *worker, uint32_t id,
                             const struct fv_decode_choice *choice)
{
    if (id >= worker->params.cameras)
        return;
    struct camera *camera = &worker->cameras[id];
    camera->keys_only = choice->keys_only;
    camera->interval = choice->interval ? choice->interval : 1;
    camera->gap = choice->gap;
}

void fv_decode_worker_stats(struct fv_decode_worker *worker, uint32_t camera,
                            struct fv_decode_stats *ret_stats)
{
    *ret_stats = (struct fv_decode_stats){0};
    if (camera >= worker->params.cameras)
        return;
    struct counters *counters = &worker->cameras[camera].counters;
    ret_stats->submitted = read_counter(&counters->submitted);
    ret_stats->decoded = read_counter(&counters->decoded);
    ret_stats->errors = read_counter(&counters->errors);
    ret_stats->skipped_interval = read_counter(&counters->skipped_interval);
    ret_stats->dropped_full = read_counter(&counters->dropped_full);
    ret_stats->dropped_key = read_counter(&counters->dropped_key);
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
    fv_free(worker->slots);
    fv_free(worker->cameras);
    fv_free(worker);
}

// SPDX-License-Identifier: Apache-2.0
#include "engine/pipeline.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/ring.h"
#include "base/thread.h"
#include "prep/batch.h"
#include "prep/plan.h"

#define IDLE_EVERY FV_S
/* A batch under way is asked after so long after it was submitted, and then so often; more often while all lanes are taken. */
#define LOOK_AFTER (2 * FV_MS)
#define LOOK_EVERY (1 * FV_MS)
#define LOOK_BUSY (200 * FV_US)

/* A batch from submit to collect. */
struct flight {
    struct fv_picture **pictures; /* params.batch, as the next two */
    struct fv_letterbox *places;
    void **results; /* of those that were delivered */
    unsigned count;
};

struct fv_pipeline {
    struct fv_pipeline_params params;
    bool started;
    pthread_t infer_thread, result_thread;
    struct fv_detector *keeper; /* the one of the start, for the result thread's beginning */

    pthread_mutex_t lock; /* of the next seven */
    pthread_cond_t wake, changed;
    struct fv_batcher *batcher;
    bool stop, finish;
    int64_t wakes_at; /* fv-infer sleeps so long if nobody signals; 0: it is awake */
    struct fv_pipeline_change *change; /* wanted, until the result thread has done its part */
    bool change_taken;                 /* fv-infer has done its own */

    /* fv-infer: a flight for each lane of the detector; `flying` of them are under way, the oldest is `oldest` */
    struct flight *flights;
    unsigned oldest, flying;
    int64_t look_at; /* when the oldest is asked after */
    int last_fault;

    struct fv_result *slots;
    struct fv_ring *free, *ready; /* results, empty and full */

    _Atomic uint64_t batches, batched;
    _Atomic uint64_t *dropped; /* by camera */
};

static void count_dropped(struct fv_pipeline *p, uint32_t camera)
{
    if (camera < p->params.cameras)
        atomic_fetch_add_explicit(&p->dropped[camera], 1, memory_order_relaxed);
}

static void drop_picture(struct fv_pipeline *p, struct fv_picture *picture)
{
    count_dropped(p, picture->info.camera);
    fv_picture_unref(picture);
}

void fv_pipeline_put(struct fv_pipeline *p, struct fv_picture *picture)
{
    struct fv_picture *dropped = NULL;
    pthread_mutex_lock(&p->lock);
    fv_batcher_put(p->batcher, picture, fv_now(), &dropped);
    bool signal = fv_batcher_due(p->batcher) < p->wakes_at;
    if (signal)
        p->wakes_at = 0;
    pthread_mutex_unlock(&p->lock);
    if (signal)
        pthread_cond_signal(&p->wake);
    if (dropped)
        drop_picture(p, dropped);
}

void fv_pipeline_forget(struct fv_pipeline *p, uint32_t camera)
{
    if (camera >= p->params.cameras)
        return;
    pthread_mutex_lock(&p->lock);
    fv_batcher_forget(p->batcher, camera);
    pthread_mutex_unlock(&p->lock);
    atomic_store_explicit(&p->dropped[camera], 0, memory_order_relaxed);
}

/* The lock is held. */
static bool change_waits(const struct fv_pipeline *p)
{
    return p->change && !p->change_taken;
}

/* The lock is held. Until `time`, or somebody signals. */
static void sleep_until(struct fv_pipeline *p, int64_t time)
{
    p->wakes_at = time;
    if (time == FV_TIME_NEVER) {
        pthread_cond_wait(&p->wake, &p->lock);
    } else {
        struct timespec t = {.tv_sec = (time_t)(time / FV_S), .tv_nsec = (long)(time % FV_S)};
        pthread_cond_timedwait(&p->wake, &p->lock, &t);
    }
    p->wakes_at = 0;
}

/* Sleeps until a batch is due, at most until `until`, and takes it out. Returns the number of pictures, 0 when none is due or a
 * change is wanted, -ECANCELED when the pipeline stops. */
static int next_batch(struct fv_pipeline *p, int64_t until, struct fv_picture **pictures)
{
    int n = 0;
    pthread_mutex_lock(&p->lock);
    for (;;) {
        int64_t due = p->stop ? FV_TIME_NEVER : fv_batcher_due(p->batcher);
        int64_t now = fv_now();
        if (p->stop)
            n = -ECANCELED;
        else if (change_waits(p))
            break;
        else if (due <= now || p->finish)
            n = (int)fv_batcher_take(p->batcher, pictures);
        if (n == 0 && p->finish)
            n = -ECANCELED; /* the last one was taken */
        if (n != 0 || until <= now)
            break;
        sleep_until(p, fv_min64(due, until));
    }
    pthread_mutex_unlock(&p->lock);
    return n;
}

static void report_fault(struct fv_pipeline *p, int code, const char *reason)
{
    if (code == p->last_fault)
        return;
    p->last_fault = code;
    p->params.fault(p->params.data, code, reason);
}

/* Says where each picture lies in the tensor. Pictures that cannot be prepared leave the batch. */
static void place(struct fv_pipeline *p, struct flight *flight)
{
    const struct fv_model *model = p->params.model;
    struct fv_detector *detector = p->params.detector;
    unsigned used = 0;
    for (unsigned i = 0; i < flight->count; i++) {
        struct fv_picture *picture = flight->pictures[i];
        int r = detector->ops->usable(detector, picture) ? 0 : -ENOTSUP;
        if (r == 0)
            r = fv_plan_letterbox(picture->info.width, picture->info.height, model->width,
                                  model->height, model->pad, &flight->places[used]);
        if (r == 0) {
            flight->pictures[used++] = picture;
            continue;
        }
        report_fault(p, r, "a picture could not be prepared for the model");
        drop_picture(p, picture);
    }
    flight->count = used;
}

static uint32_t to_picture(const struct fv_picture *picture, const struct fv_letterbox *place,
                           struct fv_detection *list, uint32_t count)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct fv_detection detection = list[i];
        if (fv_plan_box_to_picture(place, picture->info.width, picture->info.height, &detection))
            list[kept++] = detection;
    }
    return kept;
}

/* Takes the picture's reference. NULL: given up. */
static struct fv_result *finish_picture(struct fv_pipeline *p, unsigned lane, unsigned index)
{
    struct fv_detector *detector = p->params.detector;
    const struct flight *flight = &p->flights[lane];
    struct fv_picture *picture = flight->pictures[index];
    void *item;
    if (fv_ring_pop(p->free, &item, 1, 0) != 1) {
        drop_picture(p, picture);
        return NULL;
    }
    struct fv_result *result = item;
    result->info = picture->info;
    result->marked = false;
    result->count = detector->ops->read(detector, lane, index, result->detections);
    result->count = to_picture(picture, &flight->places[index], result->detections, result->count);
    result->info.at.inferred = fv_now();
    result->picture = p->params.keep_pictures ? picture : NULL;
    if (!p->params.keep_pictures)
        fv_picture_unref(picture);
    return result;
}

static void deliver(struct fv_pipeline *p, unsigned lane)
{
    struct flight *flight = &p->flights[lane];
    size_t count = 0;
    for (unsigned i = 0; i < flight->count; i++) {
        struct fv_result *result = finish_picture(p, lane, i);
        if (result)
            flight->results[count++] = result;
    }
    fv_ring_push_all(p->ready, flight->results, count); /* has room for every slot */
}

/* The batch is lost. */
static void abandon(struct fv_pipeline *p, struct flight *flight, int code, const char *reason)
{
    report_fault(p, code, reason);
    for (unsigned i = 0; i < flight->count; i++)
        drop_picture(p, flight->pictures[i]);
    flight->count = 0;
}

static unsigned lane_after(const struct fv_pipeline *p, unsigned flights)
{
    return (p->oldest + flights) % p->params.detector->lanes;
}

/* The batch in the next free lane goes to the detector. */
static void submit(struct fv_pipeline *p)
{
    struct fv_detector *detector = p->params.detector;
    unsigned lane = lane_after(p, p->flying);
    struct flight *flight = &p->flights[lane];
    struct fv_error err = {0};
    place(p, flight);
    if (flight->count == 0)
        return;
    const struct fv_batch batch = {flight->pictures, flight->places, flight->count};
    int r = detector->ops->submit(detector, lane, &batch, &err);
    if (r < 0)
        abandon(p, flight, r, err.text);
    else if (p->flying++ == 0)
        p->look_at = detector->ops->done ? fv_now() + LOOK_AFTER : 0;
}

/* The oldest batch is through: hands its results on. */
static void collect(struct fv_pipeline *p)
{
    struct fv_detector *detector = p->params.detector;
    unsigned lane = p->oldest;
    struct flight *flight = &p->flights[lane];
    struct fv_error err = {0};
    int r = detector->ops->collect(detector, lane, &err);
    p->oldest = lane_after(p, 1);
    p->flying--;
    if (r < 0) {
        abandon(p, flight, r, err.text);
        return;
    }
    deliver(p, lane);
    p->last_fault = 0;
    p->batches++;
    p->batched += flight->count;
}

/* When its time has come, asks after the oldest batch. */
static void look(struct fv_pipeline *p)
{
    struct fv_detector *detector = p->params.detector;
    if (p->look_at > fv_now()) {
        struct timespec t = {.tv_sec = (time_t)(p->look_at / FV_S),
                             .tv_nsec = (long)(p->look_at % FV_S)};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
    }
    if (!detector->ops->done || detector->ops->done(detector, p->oldest)) {
        collect(p);
        p->look_at = 0; /* the next one may be through as well */
    } else {
        p->look_at = fv_now() + (p->flying < detector->lanes ? LOOK_EVERY : LOOK_BUSY);
    }
}

static void begin(const struct fv_pipeline *p)
{
    if (p->params.began)
        p->params.began(p->params.data);
}

static void enter(struct fv_pipeline *p)
{
    struct fv_detector *detector = p->params.detector;
    struct fv_error err = {0};
    int r = detector->ops->enter(detector, &err);
    if (r < 0)
        report_fault(p, r, err.text); /* each submit will fail, and say so */
}

static void swap_detector(struct fv_pipeline *p, struct fv_pipeline_change *change)
{
    struct fv_detector *before = p->params.detector;
    if (!change->detector)
        return;
    p->params.detector = change->detector;
    change->detector = before;
}

/* fv-infer: no batch is under way. The pipeline itself, as an item among the results, tells the result thread that it is its turn. */
static void take_change(struct fv_pipeline *p)
{
    pthread_mutex_lock(&p->lock);
    struct fv_pipeline_change *change = change_waits(p) ? p->change : NULL;
    p->change_taken = change != NULL;
    pthread_mutex_unlock(&p->lock);
    if (!change)
        return;
    bool other = change->detector != NULL;
    swap_detector(p, change);
    if (other)
        enter(p);
    fv_ring_push(p->ready, p); /* has room for it */
}

/* fv-result */
static void finish_change(struct fv_pipeline *p)
{
    p->change->result(p->change->data);
    pthread_mutex_lock(&p->lock);
    p->change = NULL;
    p->change_taken = false;
    pthread_mutex_unlock(&p->lock);
    pthread_cond_signal(&p->changed);
}

void fv_pipeline_change(struct fv_pipeline *p, struct fv_pipeline_change *change)
{
    if (!p->started) {
        swap_detector(p, change);
        change->result(change->data);
        return;
    }
    pthread_mutex_lock(&p->lock);
    p->change = change;
    pthread_cond_signal(&p->wake);
    while (p->change)
        pthread_cond_wait(&p->changed, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

/* A batch that is due goes first, so that the device never waits for the host; else what flies is looked after. */
static void *infer_main(void *data)
{
    struct fv_pipeline *p = data;
    begin(p);
    enter(p);
    int n = 0;
    while (n >= 0 || p->flying > 0) {
        n = 0;
        if (p->flying < p->params.detector->lanes) {
            struct flight *flight = &p->flights[lane_after(p, p->flying)];
            n = next_batch(p, p->flying ? p->look_at : FV_TIME_NEVER, flight->pictures);
            flight->count = n > 0 ? (unsigned)n : 0;
        }
        if (n > 0)
            submit(p);
        else if (p->flying > 0)
            look(p);
        else
            take_change(p);
    }
    fv_ring_close(p->ready);
    return NULL;
}

static void hand_over(struct fv_pipeline *p, struct fv_result *result)
{
    result->info.at.event = fv_now();
    p->params.result(p->params.data, result);
    fv_picture_unref(result->picture);
    result->picture = NULL;
    fv_ring_push(p->free, result);
}

static void *result_main(void *data)
{
    struct fv_pipeline *p = data;
    void *items[32];
    int64_t idle_at = fv_now() + IDLE_EVERY;
    int n;
    begin(p);
    /* Pictures are given up here: those of a device need its context. Who cannot enter has lost it. */
    if (p->params.keep_pictures)
        (void)p->keeper->ops->enter(p->keeper, NULL);
    while ((n = fv_ring_pop(p->ready, items, 32, idle_at)) >= 0) {
        for (int i = 0; i < n; i++) {
            if (items[i] == p)
                finish_change(p);
            else
                hand_over(p, items[i]);
        }
        if (fv_now() < idle_at)
            continue;
        idle_at = fv_now() + IDLE_EVERY;
        if (p->params.idle)
            p->params.idle(p->params.data);
    }
    if (p->params.ended)
        p->params.ended(p->params.data);
    return NULL;
}

static void init_wake(struct fv_pipeline *p)
{
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&p->wake, &attr);
    pthread_cond_init(&p->changed, NULL);
    pthread_condattr_destroy(&attr);
}

static int create_flights(struct fv_pipeline *p)
{
    unsigned lanes = p->params.detector->lanes;
    p->flights = fv_calloc(lanes, sizeof(p->flights[0]));
    for (unsigned i = 0; p->flights && i < lanes; i++) {
        struct flight *flight = &p->flights[i];
        flight->pictures = fv_calloc(p->params.batch, sizeof(flight->pictures[0]));
        flight->places = fv_calloc(p->params.batch, sizeof(flight->places[0]));
        flight->results = fv_calloc(p->params.batch, sizeof(flight->results[0]));
        if (!flight->pictures || !flight->places || !flight->results)
            return -ENOMEM;
    }
    return p->flights ? 0 : -ENOMEM;
}

static void destroy_flights(struct fv_pipeline *p)
{
    for (unsigned i = 0; p->flights && i < p->params.detector->lanes; i++) {
        fv_free(p->flights[i].pictures);
        fv_free(p->flights[i].places);
        fv_free(p->flights[i].results);
    }
    fv_free(p->flights);
}

static int create_parts(struct fv_pipeline *p)
{
    const struct fv_pipeline_params *params = &p->params;
    p->slots = fv_calloc(FV_PIPELINE_RESULTS, sizeof(p->slots[0]));
    p->dropped = fv_calloc(params->cameras, sizeof(p->dropped[0]));
    if (!p->slots || !p->dropped || create_flights(p) < 0)
        return -ENOMEM;
    struct fv_batcher_params batcher = {params->cameras, params->per_camera, params->batch,
                                        params->timeout};
    int r = fv_batcher_create(&batcher, &p->batcher);
    if (r == 0)
        r = fv_ring_create(FV_PIPELINE_RESULTS, &p->free);
    if (r == 0)
        r = fv_ring_create(FV_PIPELINE_RESULTS + 1, &p->ready); /* and a change */
    for (unsigned i = 0; r == 0 && i < FV_PIPELINE_RESULTS; i++)
        r = fv_ring_push(p->free, &p->slots[i]);
    return r;
}

int fv_pipeline_create(const struct fv_pipeline_params *params, struct fv_pipeline **ret_pipeline,
                       struct fv_error *err)
{
    struct fv_pipeline *p = FV_NEW(struct fv_pipeline);
    if (!p)
        return fv_error_set(err, -ENOMEM, "out of memory");
    p->params = *params;
    init_wake(p);
    int r = create_parts(p);
    if (r < 0) {
        fv_pipeline_destroy(p);
        return fv_error_set(err, r, "the pipeline could not be made: %s", fv_strerror(r));
    }
    *ret_pipeline = p;
    return 0;
}

int fv_pipeline_start(struct fv_pipeline *p, struct fv_error *err)
{
    const char *const *names = p->params.thread_names;
    p->keeper = p->params.detector;
    int r = fv_thread_start(&p->result_thread, names[1] ? names[1] : "fv-result", result_main, p);
    if (r < 0)
        return fv_error_set(err, r, "no thread for results: %s", fv_strerror(r));
    r = fv_thread_start(&p->infer_thread, names[0] ? names[0] : "fv-infer", infer_main, p);
    if (r < 0) {
        fv_ring_close(p->ready);
        pthread_join(p->result_thread, NULL);
        return fv_error_set(err, r, "no thread for inference: %s", fv_strerror(r));
    }
    p->started = true;
    return 0;
}

static void end_threads(struct fv_pipeline *p, bool *how)
{
    if (!p->started)
        return;
    p->started = false;
    pthread_mutex_lock(&p->lock);
    *how = true;
    pthread_mutex_unlock(&p->lock);
    pthread_cond_signal(&p->wake);
    pthread_join(p->infer_thread, NULL);
    pthread_join(p->result_thread, NULL);
}

void fv_pipeline_finish(struct fv_pipeline *p)
{
    end_threads(p, &p->finish);
}

void fv_pipeline_stop(struct fv_pipeline *p)
{
    end_threads(p, &p->stop);
}

void fv_pipeline_destroy(struct fv_pipeline *p)
{
    if (!p)
        return;
    fv_pipeline_stop(p);
    fv_batcher_destroy(p->batcher);
    fv_ring_destroy(p->free);
    fv_ring_destroy(p->ready);
    destroy_flights(p);
    fv_free(p->slots);
    fv_free((void *)p->dropped);
    pthread_cond_destroy(&p->changed);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    fv_free(p);
}

uint64_t fv_pipeline_dropped(struct fv_pipeline *p, uint32_t camera)
{
    return atomic_load_explicit(&p->dropped[camera], memory_order_relaxed);
}

void fv_pipeline_stats(struct fv_pipeline *p, struct fv_pipeline_stats *ret_stats)
{
    ret_stats->batches = p->batches;
    ret_stats->batched = p->batched;
}

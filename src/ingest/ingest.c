// SPDX-License-Identifier: Apache-2.0
#include "ingest/ingest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/pages.h"
#include "base/thread.h"
#include "ingest/impl.h"

#define BUFFERS_BASE ((size_t)64 << 20)
#define BUFFERS_PER_CAMERA ((size_t)4 << 20)

/* --- Pacing --- */

void fv_ingest_arm_pace(struct fv_ingest *ingest)
{
    fv_timer_set(ingest->loop, &ingest->pace_timer, fv_pace_due(&ingest->pace));
}

static void on_pace(struct fv_timer *timer, int64_t now)
{
    struct fv_ingest *ingest = FV_CONTAINER(timer, struct fv_ingest, pace_timer);
    struct fv_pace_client *client = fv_pace_take(&ingest->pace, now);
    fv_ingest_arm_pace(ingest);
    if (client)
        fv_camera_granted(FV_CONTAINER(client, struct fv_camera, pace));
}

/* --- Life --- */

/* Buffers grow with the cameras, unless their limit was given. The lock is held. */
static void size_pool(struct fv_ingest *ingest)
{
    size_t limit = ingest->params.buffer_limit;
    if (!limit)
        limit = BUFFERS_BASE + ingest->count * BUFFERS_PER_CAMERA;
    fv_buf_pool_resize(ingest->pool, limit, limit / 4);
}

static int open_parts(struct fv_ingest *ingest)
{
    int ret = fv_loop_create(ingest->params.gather, &ingest->loop);
    if (ret == 0)
        ret = fv_resolver_create(ingest->loop, &ingest->resolver);
    if (ret == 0)
        ret = fv_buf_pool_create(BUFFERS_BASE, BUFFERS_BASE / 4, &ingest->pool);
    if (ret < 0)
        return ret;
    size_pool(ingest);
    ret = fv_datagrams_create(&ingest->datagrams);
    if (ret < 0)
        return ret;
    ingest->buffer = fv_pages_alloc(FV_INGEST_TAIL_MAX + FV_INGEST_READ);
    return ingest->buffer ? 0 : -ENOMEM;
}

int fv_ingest_create(const struct fv_ingest_params *params, struct fv_ingest **ret_ingest,
                     struct fv_error *err)
{
    if (!params->handler.au || params->gather < 0 || !params->connect_rate ||
        !params->connects_per_host)
        return fv_error_set(err, -EINVAL,
                            "ingest needs a consumer, a connect rate and connects per host");
    struct fv_ingest *ingest = FV_NEW(struct fv_ingest);
    if (!ingest)
        return fv_error_set(err, -ENOMEM, "out of memory");
    ingest->params = *params;
    pthread_mutex_init(&ingest->life, NULL);
    pthread_mutex_init(&ingest->lock, NULL);
    pthread_cond_init(&ingest->served, NULL);
    fv_trusts_init(&ingest->trusts);
    fv_list_init(&ingest->attached);
    fv_list_init(&ingest->arrivals);
    fv_pace_init(&ingest->pace, params->connect_rate, params->connects_per_host);
    fv_timer_init(&ingest->pace_timer, on_pace);
    int ret = open_parts(ingest);
    if (ret < 0) {
        fv_ingest_destroy(ingest);
        return fv_error_set(err, ret, "ingest could not be set up: %s", fv_strerror(ret));
    }
    *ret_ingest = ingest;
    return 0;
}

static void set_serving(struct fv_ingest *ingest, bool serving)
{
    pthread_mutex_lock(&ingest->lock);
    ingest->serving = serving;
    pthread_cond_broadcast(&ingest->served);
    pthread_mutex_unlock(&ingest->lock);
}

static void *run_thread(void *data)
{
    struct fv_ingest *ingest = data;
    char reason[100] = "stopped";
    if (ingest->params.handler.began)
        ingest->params.handler.began(ingest->params.handler.data);
    int ret = fv_loop_run(ingest->loop);
    if (ret < 0)
        snprintf(reason, sizeof(reason), "the network thread ended: %s", fv_strerror(ret));
    FV_LIST_FOR (it, &ingest->attached) {
        fv_camera_end(FV_CONTAINER(it, struct fv_camera, link), reason);
        fv_list_remove(it);
    }
    set_serving(ingest, false);
    return NULL;
}

static int start_thread(struct fv_ingest *ingest)
{
    if (ingest->running || ingest->ended)
        return -EPROTO;
    set_serving(ingest, true);
    int ret = fv_thread_start(&ingest->thread, "fv-ingest", run_thread, ingest);
    if (ret < 0)
        set_serving(ingest, false);
    ingest->running = ret == 0;
    return ret;
}

int fv_ingest_start(struct fv_ingest *ingest, struct fv_error *err)
{
    pthread_mutex_lock(&ingest->life);
    int ret = start_thread(ingest);
    pthread_mutex_unlock(&ingest->life);
    if (ret < 0)
        return fv_error_set(err, ret, "the ingest thread could not be started: %s",
                            fv_strerror(ret));
    return 0;
}

void fv_ingest_stop(struct fv_ingest *ingest)
{
    pthread_mutex_lock(&ingest->life);
    if (ingest->running) {
        fv_loop_stop(ingest->loop);
        pthread_join(ingest->thread, NULL);
        ingest->running = false;
    }
    ingest->ended = true;
    pthread_mutex_unlock(&ingest->life);
}

void fv_ingest_destroy(struct fv_ingest *ingest)
{
    if (!ingest)
        return;
    fv_ingest_stop(ingest);
    /* Destroying the loop runs what is still posted: there must be nothing left to do. */
    fv_list_init(&ingest->arrivals);
    fv_resolver_destroy(ingest->resolver);
    for (size_t i = 0; i < ingest->count; i++)
        fv_camera_destroy(ingest->table[i]);
    ingest->count = 0;
    fv_loop_destroy(ingest->loop);
    fv_buf_pool_destroy(ingest->pool);
    fv_free(ingest->table);
    fv_pages_free(ingest->buffer, FV_INGEST_TAIL_MAX + FV_INGEST_READ);
    fv_datagrams_destroy(ingest->datagrams);
    fv_trusts_finish(&ingest->trusts);
    pthread_cond_destroy(&ingest->served);
    pthread_mutex_destroy(&ingest->lock);
    pthread_mutex_destroy(&ingest->life);
    fv_free(ingest);
}

/* --- Work for the ingest thread --- */

static struct fv_camera *take_arrival(struct fv_ingest *ingest)
{
    pthread_mutex_lock(&ingest->lock);
    struct fv_camera *camera = NULL;
    if (!fv_list_empty(&ingest->arrivals)) {
        camera = FV_CONTAINER(ingest->arrivals.next, struct fv_camera, link);
        fv_list_remove(&camera->link);
    }
    pthread_mutex_unlock(&ingest->lock);
    return camera;
}

static void serve_order(struct fv_ingest *ingest)
{
    pthread_mutex_lock(&ingest->lock);
    struct fv_order *order = ingest->order;
    pthread_mutex_unlock(&ingest->lock);
    if (!order)
        return;
    if (order->revision) {
        fv_camera_revise(order->camera, order->revision);
    } else {
        fv_list_remove(&order->camera->link);
        fv_camera_end(order->camera, "removed");
    }
    pthread_mutex_lock(&ingest->lock);
    ingest->order = NULL;
    pthread_cond_broadcast(&ingest->served);
    pthread_mutex_unlock(&ingest->lock);
}

static void run_work(void *data)
{
    struct fv_ingest *ingest = data;
    struct fv_camera *camera;
    pthread_mutex_lock(&ingest->lock);
    ingest->work_posted = false;
    pthread_mutex_unlock(&ingest->lock);
    while ((camera = take_arrival(ingest))) {
        fv_list_append(&ingest->attached, &camera->link);
        fv_camera_begin(camera);
    }
    serve_order(ingest);
}

/* The lock is held. At most one post is under way, so that it stays within what the loop keeps reserved. */
static int post_work(struct fv_ingest *ingest)
{
    int ret = ingest->work_posted ? 0 : fv_loop_post(ingest->loop, run_work, ingest);
    ingest->work_posted = ingest->work_posted || ret == 0;
    return ret;
}

/* --- The table of cameras; the lock is held --- */

/* Index of the camera, or of the first one behind where it would be. */
static size_t find(const struct fv_ingest *ingest, uint32_t id)
{
    size_t low = 0, high = ingest->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ingest->table[middle]->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct fv_camera *get(const struct fv_ingest *ingest, uint32_t id)
{
    size_t i = find(ingest, id);
    return i < ingest->count && ingest->table[i]->id == id ? ingest->table[i] : NULL;
}

static int insert(struct fv_ingest *ingest, struct fv_camera *camera)
{
    if (ingest->count == ingest->capacity) {
        size_t capacity = ingest->capacity ? ingest->capacity * 2 : 16;
        struct fv_camera **table = fv_realloc(ingest->table, capacity * sizeof(struct fv_camera *));
        if (!table)
            return -ENOMEM;
        ingest->table = table;
        ingest->capacity = capacity;
    }
    camera->id = ingest->next_id;
    camera->number =
        camera->params.number == FV_CAMERA_ITS_ID ? camera->id : camera->params.number;
    ingest->table[ingest->count++] = camera;
    size_pool(ingest);
    return 0;
}

static void take_out(struct fv_ingest *ingest, uint32_t id)
{
    size_t i = find(ingest, id);
    ingest->count--;
    memmove(&ingest->table[i], &ingest->table[i + 1],
            (ingest->count - i) * sizeof(struct fv_camera *));
    size_pool(ingest);
}

/* --- Cameras come and go --- */

static int check(const struct fv_camera_params *params)
{
    bool limits = params->resolve_timeout > 0 && params->connect_timeout > 0 &&
                  params->request_timeout > 0 && params->first_packet_timeout > 0 &&
                  params->first_key_timeout > 0 && params->stall_timeout > 0 &&
                  params->reorder >= 0;
    if (!limits || !params->url.host[0] || fv_backoff_check(&params->backoff) < 0)
        return -EINVAL;
    return fv_camera_check_route(params);
}

/* The lock is held. */
static int arrive(struct fv_ingest *ingest, struct fv_camera *camera)
{
    fv_list_append(&ingest->arrivals, &camera->link);
    int ret = post_work(ingest);
    if (ret < 0)
        fv_list_remove(&camera->link);
    return ret;
}

int fv_ingest_add(struct fv_ingest *ingest, const struct fv_camera_params *params, uint32_t *ret_id)
{
    struct fv_camera *camera;
    int ret = check(params);
    if (ret == 0)
        ret = fv_camera_create(ingest, params, &camera);
    if (ret < 0)
        return ret;
    fv_list_init(&camera->link);
    camera->held = params->held;
    pthread_mutex_lock(&ingest->lock);
    ret = insert(ingest, camera);
    if (ret == 0 && !camera->held) {
        ret = arrive(ingest, camera);
        if (ret < 0)
            take_out(ingest, camera->id);
    }
    if (ret == 0)
        *ret_id = ingest->next_id++;
    pthread_mutex_unlock(&ingest->lock);
    if (ret < 0)
        fv_camera_destroy(camera);
    return ret;
}

int fv_ingest_release(struct fv_ingest *ingest, uint32_t id)
{
    pthread_mutex_lock(&ingest->lock);
    struct fv_camera *camera = get(ingest, id);
    int ret = camera ? 0 : -ENOENT;
    if (camera && camera->held) {
        camera->held = false;
        ret = arrive(ingest, camera);
    }
    pthread_mutex_unlock(&ingest->lock);
    return ret;
}

/* Hands the order to the ingest thread and waits until it is carried out. The lock is held. 0, 1: there is no thread (any more) that
 * could, so that the caller may; or negative errno. */
static int give(struct fv_ingest *ingest, struct fv_order *order)
{
    if (!ingest->serving || order->camera->held)
        return 1;
    ingest->order = order;
    int ret = post_work(ingest);
    while (ret == 0 && ingest->order && ingest->serving)
        pthread_cond_wait(&ingest->served, &ingest->lock);
    if (ret == 0 && ingest->order)
        ret = 1;
    ingest->order = NULL;
    return ret;
}

int fv_ingest_remove(struct fv_ingest *ingest, uint32_t id)
{
    int ret;
    pthread_mutex_lock(&ingest->life);
    pthread_mutex_lock(&ingest->lock);
    struct fv_camera *camera = get(ingest, id);
    ret = camera ? give(ingest, &(struct fv_order){.camera = camera}) : -ENOENT;
    if (ret == 1) {
        fv_list_remove(&camera->link);
        ret = 0;
    }
    if (ret == 0)
        take_out(ingest, id);
    pthread_mutex_unlock(&ingest->lock);
    pthread_mutex_unlock(&ingest->life);
    if (ret == 0)
        fv_camera_destroy(camera);
    return ret;
}

int fv_ingest_change(struct fv_ingest *ingest, uint32_t id, const struct fv_camera_params *params)
{
    struct fv_revision revision;
    int ret = check(params);
    if (ret == 0)
        ret = fv_revision_init(&revision, ingest, params);
    if (ret < 0)
        return ret;
    pthread_mutex_lock(&ingest->life);
    pthread_mutex_lock(&ingest->lock);
    struct fv_camera *camera = get(ingest, id);
    ret = camera ? give(ingest, &(struct fv_order){camera, &revision}) : -ENOENT;
    if (ret == 1) {
        fv_camera_revise(camera, &revision);
        ret = 0;
    }
    pthread_mutex_unlock(&ingest->lock);
    pthread_mutex_unlock(&ingest->life);
    fv_revision_finish(&revision, ingest);
    return ret;
}

/* --- Asking --- */

int fv_ingest_stats(struct fv_ingest *ingest, uint32_t id, struct fv_camera_stats *ret_stats)
{
    pthread_mutex_lock(&ingest->lock);
    struct fv_camera *camera = get(ingest, id);
    if (camera) {
        pthread_mutex_lock(&camera->lock);
        *ret_stats = camera->shown;
        pthread_mutex_unlock(&camera->lock);
    }
    pthread_mutex_unlock(&ingest->lock);
    return camera ? 0 : -ENOENT;
}

int fv_ingest_describe(struct fv_ingest *ingest, uint32_t id,
                       struct fv_camera_description *ret_description)
{
    pthread_mutex_lock(&ingest->lock);
    struct fv_camera *camera = get(ingest, id);
    if (camera) {
        pthread_mutex_lock(&camera->lock);
        *ret_description = camera->description;
        pthread_mutex_unlock(&camera->lock);
    }
    pthread_mutex_unlock(&ingest->lock);
    return camera ? 0 : -ENOENT;
}

int fv_ingest_history(struct fv_ingest *ingest, uint32_t id, unsigned max,
                      struct fv_camera_change *ret_changes)
{
    int count = -ENOENT;
    pthread_mutex_lock(&ingest->lock);
    struct fv_camera *camera = get(ingest, id);
    if (camera) {
        pthread_mutex_lock(&camera->lock);
        uint64_t kept = camera->changes < FV_CAMERA_HISTORY ? camera->changes : FV_CAMERA_HISTORY;
        kept = kept < max ? kept : max;
        for (uint64_t i = 0; i < kept; i++)
            ret_changes[i] = camera->history[(camera->changes - kept + i) % FV_CAMERA_HISTORY];
        pthread_mutex_unlock(&camera->lock);
        count = (int)kept;
    }
    pthread_mutex_unlock(&ingest->lock);
    return count;
}

void fv_ingest_await_key(struct fv_ingest *ingest, uint32_t id)
{
    pthread_mutex_lock(&ingest->lock);
    struct fv_camera *camera = get(ingest, id);
    if (camera)
        atomic_store_explicit(&camera->key_wanted, true, memory_order_relaxed);
    pthread_mutex_unlock(&ingest->lock);
}

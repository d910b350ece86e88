// SPDX-License-Identifier: Apache-2.0
/*
 * Idle sessions, the memory budget, and the thread `fv-decode-open`: making and destroying a session takes the driver from
 * milliseconds to seconds, in which the worker serves the other cameras.
 */
#include <errno.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "decode/nvdec_impl.h"

/* Of the device's free memory, what is left to others when there is no budget. */
#define RESERVE ((size_t)128 << 20)
/* The driver works on one session at a time, whoever asks, and its decoders wait meanwhile: between two creations they get their turn. */
#define TURN (10 * FV_MS)
#define MB(bytes) ((unsigned)((bytes) >> 20))

static struct fv_nvdec_session *session_of(struct fv_list *item)
{
    return FV_CONTAINER(item, struct fv_nvdec_session, link);
}

/* With the lock held; it is given up meanwhile. The session is in no list. */
static void destroy(struct fv_nvdec *nvdec, struct fv_nvdec_session *session)
{
    size_t bytes = session->bytes;
    pthread_mutex_unlock(&nvdec->lock);
    fv_nvdec_session_destroy(session);
    pthread_mutex_lock(&nvdec->lock);
    nvdec->sessions--;
    nvdec->bytes -= bytes;
    nvdec->destroyed++;
}

static struct fv_nvdec_session *pop_idle(struct fv_nvdec *nvdec)
{
    struct fv_nvdec_session *session = session_of(nvdec->idle.next);
    fv_list_remove(&session->link);
    nvdec->idle_count--;
    return session;
}

static size_t free_memory(struct fv_nvdec *nvdec)
{
    struct fv_gpu_info info;
    return fv_gpu_info(nvdec->gpu, &info, NULL) == 0 ? info.memory_free : 0;
}

/* Makes room for `bytes` more by giving up idle sessions; with the lock held. */
static bool make_room(struct fv_nvdec *nvdec, size_t bytes)
{
    for (;;) {
        bool within = !nvdec->budget || nvdec->bytes + bytes <= nvdec->budget;
        if (within && (nvdec->budget || free_memory(nvdec) >= bytes + RESERVE))
            return true;
        if (!nvdec->idle_count)
            return false;
        destroy(nvdec, pop_idle(nvdec));
    }
}

/* The sentence of a refusal for want of memory; with the lock held. */
static int refuse(struct fv_nvdec *nvdec, const struct fv_nvdec_shape *shape, struct fv_error *err)
{
    size_t bytes = fv_nvdec_bytes_of(shape), available = free_memory(nvdec);
    available = nvdec->budget ? nvdec->budget : nvdec->bytes + available - available / 8;
    return fv_error_set(
        err, -ENOMEM,
        "no GPU memory for one more decoder: %ux%u %s takes about %u MB, %u decoders "
        "hold %u MB, and about %u such cameras fit in all: lower NVDEC_BUFFER_SIZE, "
        "GPU_MEMORY_POOL_SIZE_MB or the cameras' resolution, or use fewer cameras",
        shape->width, shape->height, fv_nvdec_codec_name(shape->codec), MB(bytes), nvdec->sessions,
        MB(nvdec->bytes), (unsigned)(available / bytes));
}

/* The same where the driver says that it has no memory: its decoders need other things of the GPU, too, which have an end (an H100 has
 * channels for 288). */
static int refused_by_driver(struct fv_nvdec *nvdec, const struct fv_nvdec_shape *shape,
                             struct fv_error *err)
{
    size_t available = free_memory(nvdec);
    if (available < fv_nvdec_bytes_of(shape) + RESERVE)
        return refuse(nvdec, shape, err);
    return fv_error_set(err, -ENOMEM,
                        "no room for one more decoder: the driver is out of what a decoder needs "
                        "beside memory (%u decoders are open, %u MB are free): use fewer cameras, "
                        "or a second GPU for the others",
                        nvdec->sessions, MB(available));
}

/* With the lock held; it is given up while the driver works. */
static int create(struct fv_nvdec *nvdec, struct fv_nvdec_job *job)
{
    size_t bytes = fv_nvdec_bytes_of(&job->shape);
    nvdec->sessions++;
    nvdec->bytes += bytes;
    pthread_mutex_unlock(&nvdec->lock);
    size_t before = free_memory(nvdec);
    int64_t start = fv_now();
    int code = fv_nvdec_session_create(nvdec, &job->shape, &job->session, &job->err);
    int64_t took = fv_now() - start;
    size_t after = free_memory(nvdec);
    pthread_mutex_lock(&nvdec->lock);
    if (code == 0) {
        nvdec->created++;
        nvdec->session_bytes = before > after ? before - after : 0;
        nvdec->open_longest = fv_max64(nvdec->open_longest, took);
        return 0;
    }
    nvdec->sessions--;
    nvdec->bytes -= bytes;
    return code;
}

/* With the lock held; it is given up while the driver works. */
static void make(struct fv_nvdec *nvdec, struct fv_nvdec_job *job)
{
    if (!make_room(nvdec, fv_nvdec_bytes_of(&job->shape))) {
        nvdec->refused++;
        job->code = refuse(nvdec, &job->shape, &job->err);
        return;
    }
    job->code = create(nvdec, job);
    while (job->code == -ENOSPC && nvdec->idle_count && !job->abandoned && !nvdec->stopping) {
        destroy(nvdec, pop_idle(nvdec));
        job->code = create(nvdec, job);
    }
    if (job->code < 0)
        nvdec->refused++;
    if (job->code == -ENOSPC)
        job->code = refused_by_driver(nvdec, &job->shape, &job->err);
}

/* With the lock held. */
static void put_idle(struct fv_nvdec *nvdec, struct fv_nvdec_session *session)
{
    fv_list_append(&nvdec->idle, &session->link);
    if (++nvdec->idle_count > FV_NVDEC_IDLE_MAX) {
        struct fv_nvdec_session *oldest = pop_idle(nvdec);
        fv_list_append(&nvdec->doomed, &oldest->link);
    }
    pthread_cond_signal(&nvdec->work);
}

/* With the lock held, so that no wake comes after a decoder was closed: the job is made or failed. */
static void deliver(struct fv_nvdec *nvdec, struct fv_nvdec_job *job)
{
    job->done = true;
    pthread_cond_broadcast(&nvdec->delivered);
    if (!job->abandoned) {
        nvdec->wake.call(nvdec->wake.data);
        return;
    }
    if (job->session) {
        job->session->refs = 0;
        put_idle(nvdec, job->session);
    }
    fv_free(job);
}

static void work(struct fv_nvdec *nvdec)
{
    if (!fv_list_empty(&nvdec->doomed)) {
        struct fv_nvdec_session *session = session_of(nvdec->doomed.next);
        fv_list_remove(&session->link);
        destroy(nvdec, session);
        return;
    }
    struct fv_nvdec_job *job = FV_CONTAINER(nvdec->jobs.next, struct fv_nvdec_job, link);
    fv_list_remove(&job->link);
    if (!job->abandoned)
        make(nvdec, job);
    deliver(nvdec, job);
    if (fv_list_empty(&nvdec->jobs) || nvdec->stopping)
        return;
    pthread_mutex_unlock(&nvdec->lock);
    nanosleep(&(struct timespec){.tv_nsec = TURN}, NULL);
    pthread_mutex_lock(&nvdec->lock);
}

static void *run(void *data)
{
    struct fv_nvdec *nvdec = data;
    struct fv_error err;
    if (fv_gpu_enter(nvdec->gpu, &err) < 0)
        fv_debug("decode", "fv-decode-open: %s", err.text);
    pthread_mutex_lock(&nvdec->lock);
    for (;;) {
        if (!fv_list_empty(&nvdec->doomed) || !fv_list_empty(&nvdec->jobs))
            work(nvdec);
        else if (nvdec->stopping)
            break;
        else
            pthread_cond_wait(&nvdec->work, &nvdec->lock);
    }
    while (nvdec->idle_count)
        destroy(nvdec, pop_idle(nvdec));
    pthread_mutex_unlock(&nvdec->lock);
    return NULL;
}

int fv_nvdec_pool_init(struct fv_nvdec *nvdec, struct fv_error *err)
{
    fv_list_init(&nvdec->jobs);
    fv_list_init(&nvdec->idle);
    fv_list_init(&nvdec->doomed);
    nvdec->budget = nvdec->params.budget;
    int code = fv_thread_start(&nvdec->opener, "fv-decode-open", run, nvdec);
    if (code < 0)
        return fv_error_set(err, code, "the thread that opens decoders does not start: %s",
                            fv_strerror(code));
    nvdec->opener_started = true;
    return 0;
}

void fv_nvdec_pool_finish(struct fv_nvdec *nvdec)
{
    if (!nvdec->opener_started)
        return;
    pthread_mutex_lock(&nvdec->lock);
    nvdec->stopping = true;
    pthread_cond_signal(&nvdec->work);
    pthread_mutex_unlock(&nvdec->lock);
    pthread_join(nvdec->opener, NULL);
    nvdec->opener_started = false;
}

struct fv_nvdec_session *fv_nvdec_pool_take(struct fv_nvdec *nvdec,
                                            const struct fv_nvdec_shape *shape)
{
    struct fv_nvdec_session *best = NULL;
    pthread_mutex_lock(&nvdec->lock);
    FV_LIST_FOR (it, &nvdec->idle) {
        struct fv_nvdec_session *session = session_of(it);
        if (fv_nvdec_session_fits(session, shape) && (!best || session->bytes < best->bytes))
            best = session;
    }
    if (best) {
        fv_list_remove(&best->link);
        nvdec->idle_count--;
        best->refs = 1;
    }
    pthread_mutex_unlock(&nvdec->lock);
    if (best)
        fv_nvdec_count(&nvdec->reused);
    return best;
}

void fv_nvdec_pool_put(struct fv_nvdec_session *session, bool broken)
{
    struct fv_nvdec *nvdec = session->nvdec;
    pthread_mutex_lock(&nvdec->lock);
    if (broken) {
        fv_list_append(&nvdec->doomed, &session->link);
        pthread_cond_signal(&nvdec->work);
    } else {
        put_idle(nvdec, session);
    }
    pthread_mutex_unlock(&nvdec->lock);
}

int fv_nvdec_pool_request(struct fv_nvdec *nvdec, const struct fv_nvdec_shape *shape,
                          struct fv_nvdec_job **ret_job)
{
    struct fv_nvdec_job *job = FV_NEW(struct fv_nvdec_job);
    if (!job)
        return -ENOMEM;
    job->shape = *shape;
    pthread_mutex_lock(&nvdec->lock);
    fv_list_append(&nvdec->jobs, &job->link);
    pthread_cond_signal(&nvdec->work);
    pthread_mutex_unlock(&nvdec->lock);
    *ret_job = job;
    return 0;
}

bool fv_nvdec_pool_result(struct fv_nvdec *nvdec, struct fv_nvdec_job *job,
                          struct fv_nvdec_session **ret_session, struct fv_error *ret_err)
{
    pthread_mutex_lock(&nvdec->lock);
    bool done = job->done;
    pthread_mutex_unlock(&nvdec->lock);
    if (!done)
        return false;
    *ret_session = job->session;
    *ret_err = job->err;
    ret_err->code = job->code;
    fv_free(job);
    return true;
}

void fv_nvdec_pool_wait(struct fv_nvdec *nvdec, struct fv_nvdec_job *job)
{
    pthread_mutex_lock(&nvdec->lock);
    while (!job->done)
        pthread_cond_wait(&nvdec->delivered, &nvdec->lock);
    pthread_mutex_unlock(&nvdec->lock);
}

void fv_nvdec_pool_abandon(struct fv_nvdec *nvdec, struct fv_nvdec_job *job)
{
    pthread_mutex_lock(&nvdec->lock);
    job->abandoned = true;
    if (job->done)
        deliver(nvdec, job);
    pthread_mutex_unlock(&nvdec->lock);
}

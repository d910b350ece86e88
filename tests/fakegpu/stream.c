// SPDX-License-Identifier: Apache-2.0
/*
 * Streams and events. A stream is a thread with a queue; the default stream is one that waits. Nothing but the queue's lock and
 * recorded events orders one thread's memory accesses before another's: no lock is shared by all, it would hide races from TSan. So
 * handles are judged by a mark inside and stay allocated for good.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "impl.h"

enum { STREAM_LIVE = 0x57AE, EVENT_LIVE = 0xE7E1, DEAD = 0xDEAD };

struct work {
    struct work *next;
    void (*run)(void *data, bool lost);
    void *data;
};

struct stream {
    struct stream *next; /* all that there ever were */
    atomic_int mark;
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t more, done;
    struct work *first, **last;
    uint64_t enqueued, finished;
    bool ends, records;
    unsigned item_count;
    struct fakegpu_item items[FAKEGPU_ITEMS];
};

struct event {
    struct event *next;
    atomic_int mark;
    unsigned flags;
    pthread_mutex_t lock;
    pthread_cond_t passed;
    uint64_t recorded, reached; /* records enqueued, and the last that its stream got to */
    int64_t when;
};

static _Atomic(struct stream *) all_streams;
static _Atomic(struct event *) all_events;

static struct stream *stream_of(const char *call, CUstream handle)
{
    struct stream *stream = (struct stream *)handle;
    if (!stream)
        fakegpu_abort(call, "the default stream: every stream is one's own here");
    if (atomic_load_explicit(&stream->mark, memory_order_relaxed) != STREAM_LIVE)
        fakegpu_abort(call, "%p is not a stream, or was destroyed", (void *)stream);
    return stream;
}

static struct event *event_of(const char *call, CUevent handle)
{
    struct event *event = (struct event *)handle;
    if (!event || atomic_load_explicit(&event->mark, memory_order_relaxed) != EVENT_LIVE)
        fakegpu_abort(call, "%p is not an event, or was destroyed", (void *)event);
    return event;
}

/* The next thing to do, or NULL at the end. */
static struct work *take(struct stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    while (!stream->first && !stream->ends)
        pthread_cond_wait(&stream->more, &stream->lock);
    struct work *work = stream->first;
    if (work) {
        stream->first = work->next;
        if (!stream->first)
            stream->last = &stream->first;
    }
    pthread_mutex_unlock(&stream->lock);
    return work;
}

static pthread_rwlock_t at_work = PTHREAD_RWLOCK_INITIALIZER;

void fakegpu_rest(void)
{
    pthread_rwlock_wrlock(&at_work);
    pthread_rwlock_unlock(&at_work);
}

/* As long as a piece of work takes; a loss ends it. */
static void take_time(int ms)
{
    for (int part; ms > 0 && !fakegpu_is_lost(); ms -= part) {
        part = ms < 10 ? ms : 10;
        nanosleep(&(struct timespec){0, part * 1000000L}, NULL);
    }
}

void fakegpu_hold(bool hold)
{
    if (hold)
        pthread_rwlock_wrlock(&at_work);
    else
        pthread_rwlock_unlock(&at_work);
}

static void *work_off(void *data)
{
    struct stream *stream = data;
    struct work *work;
    while ((work = take(stream))) {
        take_time(fakegpu_plan.slow_ms);
        pthread_rwlock_rdlock(&at_work);
        work->run(work->data, fakegpu_is_lost());
        pthread_rwlock_unlock(&at_work);
        free(work);
        pthread_mutex_lock(&stream->lock);
        stream->finished++;
        pthread_cond_broadcast(&stream->done);
        pthread_mutex_unlock(&stream->lock);
    }
    return NULL;
}

/* With the lock held. */
static void append(struct stream *stream, struct work *work)
{
    *stream->last = work;
    stream->last = &work->next;
    stream->enqueued++;
    pthread_cond_signal(&stream->more);
}

static CUresult enqueue(CUstream handle, const struct fakegpu_item *item, bool kept)
{
    struct stream *stream = stream_of("enqueue", handle);
    struct work *work = malloc(sizeof(*work));
    if (!work)
        fakegpu_abort("enqueue", "out of memory");
    *work = (struct work){NULL, item->run, item->data};
    pthread_mutex_lock(&stream->lock);
    bool records = stream->records;
    if (records && (!kept || stream->item_count == FAKEGPU_ITEMS))
        fakegpu_abort("enqueue", "this work cannot be recorded here");
    if (records)
        stream->items[stream->item_count++] = *item;
    else
        append(stream, work);
    pthread_mutex_unlock(&stream->lock);
    if (records)
        free(work);
    return CUDA_SUCCESS;
}

CUresult fakegpu_enqueue(CUstream handle, void (*run)(void *data, bool lost), void *data)
{
    return enqueue(handle, &(struct fakegpu_item){run, data}, false);
}

CUresult fakegpu_enqueue_kept(CUstream handle, void (*run)(void *data, bool lost), void *data)
{
    return enqueue(handle, &(struct fakegpu_item){run, data}, true);
}

void fakegpu_record(const char *call, CUstream handle)
{
    struct stream *stream = stream_of(call, handle);
    pthread_mutex_lock(&stream->lock);
    if (stream->records)
        fakegpu_abort(call, "the stream records already");
    stream->records = true;
    stream->item_count = 0;
    pthread_mutex_unlock(&stream->lock);
}

unsigned fakegpu_recorded(const char *call, CUstream handle,
                          struct fakegpu_item items[FAKEGPU_ITEMS])
{
    struct stream *stream = stream_of(call, handle);
    pthread_mutex_lock(&stream->lock);
    if (!stream->records)
        fakegpu_abort(call, "the stream does not record");
    stream->records = false;
    unsigned count = stream->item_count;
    memcpy(items, stream->items, sizeof(stream->items));
    pthread_mutex_unlock(&stream->lock);
    return count;
}

CUresult cuStreamCreate(CUstream *handle, unsigned flags)
{
    ENTER();
    struct stream *stream = calloc(1, sizeof(*stream));
    if (!stream)
        return (CUresult)FV_CUDA_OUT_OF_MEMORY;
    pthread_mutex_init(&stream->lock, NULL);
    pthread_cond_init(&stream->more, NULL);
    pthread_cond_init(&stream->done, NULL);
    stream->last = &stream->first;
    atomic_store(&stream->mark, STREAM_LIVE);
    if (pthread_create(&stream->thread, NULL, work_off, stream) != 0)
        fakegpu_abort(__func__, "no thread");
    stream->next = atomic_load(&all_streams);
    while (!atomic_compare_exchange_weak(&all_streams, &stream->next, stream))
        ;
    *handle = (CUstream)stream;
    return CUDA_SUCCESS;
}

static void end_stream(struct stream *stream)
{
    atomic_store(&stream->mark, DEAD);
    pthread_mutex_lock(&stream->lock);
    stream->ends = true;
    pthread_cond_signal(&stream->more);
    pthread_mutex_unlock(&stream->lock);
    pthread_join(stream->thread, NULL);
}

CUresult cuStreamDestroy(CUstream handle)
{
    CUresult result = fakegpu_enter(__func__);
    end_stream(stream_of(__func__, handle));
    return result;
}

static void drain(struct stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    if (stream->records)
        fakegpu_abort("synchronize", "waiting for a stream that records");
    uint64_t until = stream->enqueued;
    while (stream->finished < until)
        pthread_cond_wait(&stream->done, &stream->lock);
    pthread_mutex_unlock(&stream->lock);
}

CUresult cuStreamSynchronize(CUstream handle)
{
    struct stream *stream = stream_of(__func__, handle);
    ENTER();
    drain(stream);
    return fakegpu_is_lost() ? fakegpu_enter(__func__) : CUDA_SUCCESS;
}

CUresult cuStreamQuery(CUstream handle)
{
    struct stream *stream = stream_of(__func__, handle);
    ENTER();
    pthread_mutex_lock(&stream->lock);
    bool idle = stream->finished == stream->enqueued;
    pthread_mutex_unlock(&stream->lock);
    return idle ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY;
}

CUresult cuEventCreate(CUevent *handle, unsigned flags)
{
    ENTER();
    struct event *event = calloc(1, sizeof(*event));
    if (!event)
        return (CUresult)FV_CUDA_OUT_OF_MEMORY;
    event->flags = flags;
    pthread_mutex_init(&event->lock, NULL);
    pthread_cond_init(&event->passed, NULL);
    atomic_store(&event->mark, EVENT_LIVE);
    event->next = atomic_load(&all_events);
    while (!atomic_compare_exchange_weak(&all_events, &event->next, event))
        ;
    *handle = (CUevent)event;
    return CUDA_SUCCESS;
}

CUresult cuEventDestroy(CUevent handle)
{
    CUresult result = fakegpu_enter(__func__);
    atomic_store(&event_of(__func__, handle)->mark, DEAD);
    return result;
}

/* One record of an event, or the wait for one. */
struct point {
    struct event *event;
    uint64_t number;
};

static void pass(void *data, bool lost)
{
    struct point *point = data;
    struct event *event = point->event;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    pthread_mutex_lock(&event->lock);
    if (point->number > event->reached)
        event->reached = point->number;
    event->when = now.tv_sec * 1000000000LL + now.tv_nsec;
    pthread_cond_broadcast(&event->passed);
    pthread_mutex_unlock(&event->lock);
    free(point);
}

static void await(struct event *event, uint64_t number)
{
    pthread_mutex_lock(&event->lock);
    while (event->reached < number)
        pthread_cond_wait(&event->passed, &event->lock);
    pthread_mutex_unlock(&event->lock);
}

static void await_point(void *data, bool lost)
{
    struct point *point = data;
    await(point->event, point->number);
    free(point);
}

static struct point *new_point(struct event *event, bool record)
{
    struct point *point = malloc(sizeof(*point));
    if (!point)
        fakegpu_abort("event", "out of memory");
    pthread_mutex_lock(&event->lock);
    event->recorded += record;
    *point = (struct point){event, event->recorded};
    pthread_mutex_unlock(&event->lock);
    return point;
}

CUresult cuEventRecord(CUevent handle, CUstream stream)
{
    struct event *event = event_of(__func__, handle);
    stream_of(__func__, stream);
    ENTER();
    return fakegpu_enqueue(stream, pass, new_point(event, true));
}

CUresult cuStreamWaitEvent(CUstream stream, CUevent handle, unsigned flags)
{
    struct event *event = event_of(__func__, handle);
    stream_of(__func__, stream);
    ENTER();
    return fakegpu_enqueue(stream, await_point, new_point(event, false));
}

CUresult cuEventQuery(CUevent handle)
{
    struct event *event = event_of(__func__, handle);
    ENTER();
    pthread_mutex_lock(&event->lock);
    bool done = event->reached == event->recorded;
    pthread_mutex_unlock(&event->lock);
    return done ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY;
}

CUresult cuEventSynchronize(CUevent handle)
{
    struct event *event = event_of(__func__, handle);
    ENTER();
    pthread_mutex_lock(&event->lock);
    uint64_t number = event->recorded;
    pthread_mutex_unlock(&event->lock);
    await(event, number);
    return fakegpu_is_lost() ? fakegpu_enter(__func__) : CUDA_SUCCESS;
}

CUresult cuEventElapsedTime(float *ms, CUevent from, CUevent to)
{
    struct event *first = event_of(__func__, from), *second = event_of(__func__, to);
    ENTER();
    if ((first->flags | second->flags) & CU_EVENT_DISABLE_TIMING)
        return (CUresult)FV_CUDA_INVALID_HANDLE;
    await(first, first->recorded);
    await(second, second->recorded);
    *ms = (float)(second->when - first->when) / 1e6f;
    return CUDA_SUCCESS;
}

unsigned fakegpu_streams(void)
{
    unsigned n = 0;
    for (struct stream *stream = atomic_load(&all_streams); stream; stream = stream->next)
        n += atomic_load(&stream->mark) == STREAM_LIVE;
    return n;
}

unsigned fakegpu_events(void)
{
    unsigned n = 0;
    for (struct event *event = atomic_load(&all_events); event; event = event->next)
        n += atomic_load(&event->mark) == EVENT_LIVE;
    return n;
}

void fakegpu_streams_drain(void)
{
    for (struct stream *stream = atomic_load(&all_streams); stream; stream = stream->next)
        if (atomic_load(&stream->mark) == STREAM_LIVE)
            drain(stream);
}

void fakegpu_streams_reset(void)
{
    for (struct stream *stream = atomic_load(&all_streams); stream; stream = stream->next)
        if (atomic_load(&stream->mark) == STREAM_LIVE)
            end_stream(stream);
    for (struct event *event = atomic_load(&all_events); event; event = event->next)
        atomic_store(&event->mark, DEAD);
}

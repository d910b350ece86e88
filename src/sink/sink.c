// SPDX-License-Identifier: Apache-2.0
/*
 * Each sink has its own thread and a ring of slots made at open. The writer trades its spare slot
 * for the oldest one, so that nothing is copied twice and the lock is never held while the sink
 * writes.
 */
#include "sink/sink.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "zone/zone.h"

/* After a recovery the same failure is logged again only when it comes back later than this. */
#define QUIET_AFTER_LOG (60 * FV_S)

#define COUNTS_MAX 64 /* classes of a counting rule */

/* An event of a rule with what it points to. */
struct rule_copy {
    struct fv_zone_event event;
    int64_t at;
    char name[FV_RULE_NAME_MAX];
    struct fv_class_count counts[COUNTS_MAX];
};

/* What waits in the queue. */
struct item {
    bool is_rule;
    union {
        struct fv_result result;
        struct rule_copy rule;
    };
};

struct fv_sink {
    const struct fv_sink_ops *ops;
    const struct fv_sink_context *context;
    void *state;
    pthread_t thread;
    bool started;
    bool waits; /* rather than drops */
    pthread_mutex_t lock;
    pthread_cond_t wake; /* the writer: there is something */
    pthread_cond_t room; /* who puts: there is room */
    /* under lock */
    struct item **ring; /* capacity slots */
    unsigned capacity, head, count;
    bool closing;
    struct fv_sink_stats stats;
    /* owner: the writer */
    struct item *spare;
    int fault; /* the failure that was logged last; 0: works */
    int logged_code;
    int64_t logged_at;
    uint64_t lost; /* items since the sink works no more */
    struct item *slots;
};

/* The picture of an item, which then has none. */
static struct fv_picture *take_picture(struct item *item)
{
    if (item->is_rule)
        return NULL;
    struct fv_picture *picture = item->result.picture;
    item->result.picture = NULL;
    return picture;
}

/* The picture of `result` as this sink needs it: a reference, or NULL. */
static struct fv_picture *picture_for(struct fv_sink *sink, const struct fv_result *result)
{
    struct fv_picture *picture = result->picture, *copy = NULL;
    struct fv_error err = {0};
    if (!sink->ops->pictures || !picture)
        return NULL;
    if (picture->memory == FV_MEMORY_HOST)
        return fv_picture_ref(picture);
    if (!sink->context->fetch ||
        sink->context->fetch(sink->context->fetch_data, picture, &copy, &err) < 0)
        fv_debug("sink", "%s: the picture did not come from the device: %s", sink->ops->name,
                 err.text);
    return copy;
}

/* Of the detections only those that are there. Takes the picture's reference. */
static void copy_result(struct item *item, const struct fv_result *result,
                        struct fv_picture *picture)
{
    struct fv_result *slot = &item->result;
    item->is_rule = false;
    slot->info = result->info;
    slot->count = result->count < FV_DETECTIONS_MAX ? result->count : FV_DETECTIONS_MAX;
    memcpy(slot->detections, result->detections, slot->count * sizeof(slot->detections[0]));
    slot->marked = result->marked;
    if (result->marked)
        memcpy(slot->marks, result->marks, slot->count * sizeof(slot->marks[0]));
    slot->picture = picture;
}

static void copy_rule(struct item *item, const struct fv_zone_event *event, int64_t at)
{
    struct rule_copy *slot = &item->rule;
    item->is_rule = true;
    slot->event = *event;
    slot->at = at;
    snprintf(slot->name, sizeof(slot->name), "%s", event->rule);
    slot->event.rule = slot->name;
    slot->event.counts_size = event->counts_size < COUNTS_MAX ? event->counts_size : COUNTS_MAX;
    if (event->counts_size)
        memcpy(slot->counts, event->counts, slot->event.counts_size * sizeof(slot->counts[0]));
    slot->event.counts = slot->counts;
}

/* How far behind the head the oldest picture waits; `count` when there is none. */
static unsigned find_picture(const struct fv_sink *sink)
{
    unsigned at = 0;
    while (at < sink->count && sink->ring[(sink->head + at) % sink->capacity]->is_rule)
        at++;
    return at;
}

/* Takes the item at this place out; those before it move up. Its slot becomes the free one at the
 * end. */
static void remove_at(struct fv_sink *sink, unsigned at)
{
    struct item *gone = sink->ring[(sink->head + at) % sink->capacity];
    for (; at > 0; at--)
        sink->ring[(sink->head + at) % sink->capacity] =
            sink->ring[(sink->head + at - 1) % sink->capacity];
    sink->ring[sink->head] = gone;
    sink->head = (sink->head + 1) % sink->capacity;
    sink->count--;
}

/* Under the lock, with a full queue: makes room, or says that the new item is the one to go.
 * *ret_dropped is the picture of what went. */
static bool make_room(struct fv_sink *sink, bool for_rule, struct fv_picture **ret_dropped)
{
    unsigned at = find_picture(sink);
    const bool rules_only = at == sink->count;
    sink->stats.dropped++;
    if (rules_only && !for_rule)
        return false;
    if (rules_only) {
        sink->stats.dropped_rules++;
        at = 0;
    } else {
        *ret_dropped = take_picture(sink->ring[(sink->head + at) % sink->capacity]);
    }
    remove_at(sink, at);
    return true;
}

/* Under the lock: the slot for the next item, or NULL when it is dropped. */
static struct item *next_slot(struct fv_sink *sink, bool for_rule, struct fv_picture **ret_dropped)
{
    *ret_dropped = NULL;
    while (sink->waits && sink->count == sink->capacity)
        pthread_cond_wait(&sink->room, &sink->lock);
    if (sink->count == sink->capacity && !make_room(sink, for_rule, ret_dropped))
        return NULL;
    return sink->ring[(sink->head + sink->count++) % sink->capacity];
}

void fv_sink_put(struct fv_sink *sink, const struct fv_result *result)
{
    struct fv_picture *dropped;
    if (sink->ops->wants && !sink->ops->wants(sink->state, result))
        return;
    struct fv_picture *picture = picture_for(sink, result);
    pthread_mutex_lock(&sink->lock);
    struct item *slot = next_slot(sink, false, &dropped);
    if (slot)
        copy_result(slot, result, picture);
    else
        dropped = picture;
    pthread_mutex_unlock(&sink->lock);
    pthread_cond_signal(&sink->wake);
    fv_picture_unref(dropped);
}

void fv_sink_put_rule(struct fv_sink *sink, const struct fv_zone_event *event)
{
    struct fv_picture *dropped;
    if (!sink->ops->rule)
        return;
    const int64_t at = sink->waits ? event->pts : fv_now();
    pthread_mutex_lock(&sink->lock);
    copy_rule(next_slot(sink, true, &dropped), event, at); /* a rule always finds one */
    pthread_mutex_unlock(&sink->lock);
    pthread_cond_signal(&sink->wake);
    fv_picture_unref(dropped);
}

void fv_sink_stats(struct fv_sink *sink, struct fv_sink_stats *ret_stats)
{
    pthread_mutex_lock(&sink->lock);
    *ret_stats = sink->stats;
    pthread_mutex_unlock(&sink->lock);
}

static void log_failure(struct fv_sink *sink, const struct fv_error *err)
{
    sink->lost++;
    if (sink->fault == err->code)
        return;
    sink->fault = err->code;
    if (sink->logged_code == err->code && fv_now() - sink->logged_at < QUIET_AFTER_LOG)
        return;
    sink->logged_code = err->code;
    sink->logged_at = fv_now();
    fv_log(FV_LOG_ERROR, "sink", "%s: %s; items are lost until this is repaired", sink->ops->name,
           err->text);
}

static void log_recovery(struct fv_sink *sink)
{
    if (!sink->fault)
        return;
    fv_log(FV_LOG_WARNING, "sink", "%s: works again, %llu items were lost", sink->ops->name,
           (unsigned long long)sink->lost);
    sink->fault = 0;
    sink->lost = 0;
}

/* The oldest item, or NULL when there is none: at once when `wait` is false, else when the sink is
 * closed. */
static struct item *next_item(struct fv_sink *sink, bool wait)
{
    struct item *item = NULL;
    pthread_mutex_lock(&sink->lock);
    while (wait && !sink->count && !sink->closing)
        pthread_cond_wait(&sink->wake, &sink->lock);
    if (sink->count) {
        item = sink->ring[sink->head];
        sink->ring[sink->head] = sink->spare;
        sink->spare = item;
        sink->head = (sink->head + 1) % sink->capacity;
        sink->count--;
    }
    pthread_mutex_unlock(&sink->lock);
    if (sink->waits)
        pthread_cond_signal(&sink->room);
    return item;
}

static void write_item(struct fv_sink *sink, struct item *item)
{
    struct fv_error err = {0};
    int code = item->is_rule ? sink->ops->rule(sink->state, &item->rule.event, item->rule.at, &err)
                             : sink->ops->write(sink->state, &item->result, &err);
    fv_picture_unref(take_picture(item));
    if (code < 0) {
        if (err.code != code)
            fv_error_set(&err, code, "%s", fv_strerror(code));
        log_failure(sink, &err);
    } else {
        log_recovery(sink);
    }
    pthread_mutex_lock(&sink->lock);
    if (code < 0)
        sink->stats.failed++;
    else
        sink->stats.written++;
    pthread_mutex_unlock(&sink->lock);
}

static void *run(void *data)
{
    struct fv_sink *sink = data;
    struct item *item;
    while ((item = next_item(sink, true))) {
        do
            write_item(sink, item);
        while ((item = next_item(sink, false)));
        if (sink->ops->idle)
            sink->ops->idle(sink->state);
    }
    return NULL;
}

static int allocate(struct fv_sink *sink, unsigned queue)
{
    sink->ring = fv_calloc(queue, sizeof(struct item *));
    sink->slots = fv_calloc((size_t)queue + 1, sizeof(*sink->slots));
    if (!sink->ring || !sink->slots)
        return -ENOMEM;
    for (unsigned i = 0; i < queue; i++)
        sink->ring[i] = &sink->slots[i];
    sink->spare = &sink->slots[queue];
    sink->capacity = queue;
    return 0;
}

int fv_sink_open(const struct fv_sink_ops *ops, const struct fv_sink_context *context,
                 const void *config, unsigned queue, struct fv_sink **ret_sink,
                 struct fv_error *err)
{
    if (!queue)
        return fv_error_set(err, -EINVAL, "%s: the queue must hold at least 1 item", ops->name);
    struct fv_sink *sink = FV_NEW(struct fv_sink);
    if (!sink)
        return fv_error_set(err, -ENOMEM, "out of memory");
    sink->ops = ops;
    sink->context = context;
    pthread_mutex_init(&sink->lock, NULL);
    pthread_cond_init(&sink->wake, NULL);
    pthread_cond_init(&sink->room, NULL);
    sink->waits = context && context->offline;
    int code = allocate(sink, queue);
    if (code < 0) {
        fv_sink_close(sink);
        return fv_error_set(err, code, "out of memory");
    }
    code = ops->open(context, config, &sink->state, err);
    if (code == 0) {
        code = fv_thread_start(&sink->thread, "fv-sink", run, sink);
        if (code < 0) {
            ops->close(sink->state);
            fv_error_set(err, code, "%s: its thread does not start: %s", ops->name,
                         fv_strerror(code));
        }
    }
    if (code < 0) {
        fv_sink_close(sink);
        return code;
    }
    sink->started = true;
    *ret_sink = sink;
    return 0;
}

void fv_sink_stop(struct fv_sink *sink)
{
    if (!sink->started)
        return;
    sink->started = false;
    pthread_mutex_lock(&sink->lock);
    sink->closing = true;
    pthread_mutex_unlock(&sink->lock);
    pthread_cond_signal(&sink->wake);
    pthread_join(sink->thread, NULL);
    sink->ops->close(sink->state);
}

void fv_sink_close(struct fv_sink *sink)
{
    if (!sink)
        return;
    fv_sink_stop(sink);
    pthread_cond_destroy(&sink->wake);
    pthread_cond_destroy(&sink->room);
    pthread_mutex_destroy(&sink->lock);
    fv_free(sink->slots);
    fv_free(sink->ring);
    fv_free(sink);
}

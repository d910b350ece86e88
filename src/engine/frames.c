// SPDX-License-Identifier: Apache-2.0
#include "engine/frames.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/thread.h"
#include "decode/nvdec.h"
#include "engine/frames_impl.h"
#include "gpu/gpu.h"

#define PATIENCE (1 * FV_S)
#define HELD_MAX 16u
#define HELD_SUM_MAX 30u /* NVDEC maps 32 pictures of a session at a time, and two are under way */

/* --- Life --- */

unsigned fv_frames_held(const struct fv_reader_consumer *consumers, unsigned count)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < count; i++)
        sum += consumers[i].held;
    return sum;
}

/* On a thread that has entered the GPU, or will never need to. */
static void destroy(struct fv_frames *frames)
{
    for (unsigned i = 0; i < frames->count; i++) {
        struct fv_frame_consumer *consumer = &frames->consumers[i];
        for (unsigned k = 0; consumer->frames && k < consumer->count; k++)
            fv_gpu_event_destroy(consumer->frames[k].done);
        fv_free(consumer->frames);
    }
    fv_jpeg_maker_finish(&frames->jpegs);
    fv_nvdec_destroy(frames->params.nvdec);
    fv_gpu_close(frames->params.gpu);
    pthread_mutex_destroy(&frames->lock);
    fv_free(frames);
}

static void *destroy_main(void *data)
{
    struct fv_frames *frames = data;
    fv_gpu_enter(frames->params.gpu, NULL);
    destroy(frames);
    return NULL;
}

/* Closing the GPU leaves its thread without a context, which a consumer's thread must not be. */
static void destroy_apart(struct fv_frames *frames)
{
    pthread_t thread;
    if (frames->params.gpu && fv_thread_start(&thread, "fv-frames", destroy_main, frames) == 0)
        pthread_join(thread, NULL);
    else
        destroy(frames);
}

int fv_frames_check(const struct fv_reader_consumer *consumers, unsigned count,
                    struct fv_error *err)
{
    if (count > FV_READER_CONSUMERS_MAX)
        return fv_error_set(err, -EINVAL, "a reader has at most %u consumers",
                            (unsigned)FV_READER_CONSUMERS_MAX);
    if (count > 0 && !consumers)
        return fv_error_set(err, -EINVAL, "%u consumers are announced, and there is no list",
                            count);
    for (unsigned i = 0; i < count; i++) {
        const struct fv_reader_consumer *consumer = &consumers[i];
        if (!consumer->name || !consumer->name[0] || strlen(consumer->name) > 31 ||
            !consumer->frame || consumer->patience < 0)
            return fv_error_set(err, -EINVAL,
                                "consumer %u needs a name of 1 to 31 bytes, a callback and a "
                                "patience that is not negative",
                                i);
        if (consumer->held < 1 || consumer->held > HELD_MAX)
            return fv_error_set(err, -EINVAL, "consumer '%s' may keep 1 to %u frames, not %u",
                                consumer->name, HELD_MAX, consumer->held);
    }
    if (fv_frames_held(consumers, count) > HELD_SUM_MAX)
        return fv_error_set(err, -EINVAL, "the consumers of a reader may keep at most %u frames",
                            HELD_SUM_MAX);
    return 0;
}

static int add_consumer(struct fv_frames *frames, const struct fv_reader_consumer *params,
                        struct fv_error *err)
{
    struct fv_frame_consumer *consumer = &frames->consumers[frames->count++];
    snprintf(consumer->name, sizeof(consumer->name), "%s", params->name);
    consumer->patience = params->patience ? params->patience : PATIENCE;
    consumer->frame = params->frame;
    consumer->data = params->data;
    consumer->count = params->held;
    fv_list_init(&consumer->free);
    fv_list_init(&consumer->held);
    consumer->frames = fv_calloc(params->held, sizeof(*consumer->frames));
    if (!consumer->frames)
        return fv_error_set(err, -ENOMEM, "out of memory");
    for (unsigned i = 0; i < params->held; i++) {
        struct fv_reader_frame *frame = &consumer->frames[i];
        frame->frames = frames;
        frame->consumer = consumer;
        for (int k = 0; k < 3; k++)
            frame->slots[k].frame = frame;
        fv_list_append(&consumer->free, &frame->link);
        int r = frames->params.gpu ? fv_gpu_event_create(frames->params.gpu, &frame->done, err) : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

int fv_frames_create(const struct fv_frames_params *params, struct fv_frames **ret_frames,
                     struct fv_error *err)
{
    int r = fv_frames_check(params->consumers, params->consumer_count, err);
    struct fv_frames *frames = r == 0 ? FV_NEW(struct fv_frames) : NULL;
    if (!frames) {
        fv_nvdec_destroy(params->nvdec);
        fv_gpu_close(params->gpu);
        return r < 0 ? r : fv_error_set(err, -ENOMEM, "out of memory");
    }
    frames->params = *params;
    frames->params.consumers = NULL; /* only borrowed */
    frames->refs = 1;
    pthread_mutex_init(&frames->lock, NULL);
    fv_jpeg_maker_init(&frames->jpegs, params->gpu);
    for (unsigned i = 0; r == 0 && i < params->consumer_count; i++)
        r = add_consumer(frames, &params->consumers[i], err);
    if (r < 0)
        destroy(frames);
    else
        *ret_frames = frames;
    return r;
}

/* --- Giving back --- */

/* Nobody has it any more: the picture goes, the frame can be used anew. */
static void give_back(struct fv_reader_frame *frame)
{
    struct fv_frames *frames = frame->frames;
    struct fv_gpu *gpu = frames->params.gpu;
    void *before = NULL;
    const bool visiting = gpu && fv_gpu_visit(gpu, &before, NULL) == 0;
    if (frame->marked)
        fv_gpu_event_wait(frame->done, NULL); /* is over, unless no more offers come */
    fv_picture_unref(frame->picture);
    if (visiting)
        fv_gpu_leave(gpu, before);
    frame->picture = NULL;
    frame->marked = false;
    pthread_mutex_lock(&frames->lock);
    fv_list_remove(&frame->link);
    fv_list_append(&frame->consumer->free, &frame->link);
    frame->consumer->stats.held--;
    const bool last = --frames->refs == 0;
    pthread_mutex_unlock(&frames->lock);
    if (last)
        destroy_apart(frames);
}

static bool is_over(struct fv_reader_frame *frame)
{
    struct fv_gpu *gpu = frame->frames->params.gpu;
    void *before = NULL;
    if (!frame->marked || fv_gpu_visit(gpu, &before, NULL) < 0)
        return true;
    const bool over = fv_gpu_event_done(frame->done);
    fv_gpu_leave(gpu, before);
    return over;
}

void fv_reader_frame_release(struct fv_reader_frame *frame)
{
    struct fv_frames *frames = frame->frames;
    if (--frame->refs > 0)
        return;
    const bool over = is_over(frame);
    pthread_mutex_lock(&frames->lock);
    frame->returned = !over && !frames->closed;
    const bool later = frame->returned;
    pthread_mutex_unlock(&frames->lock);
    if (!later)
        give_back(frame);
}

/* The next frame that was given back and whose work is over, or with `any` whether it is or not. */
static struct fv_reader_frame *take_returned(struct fv_frames *frames,
                                             struct fv_frame_consumer *consumer, bool any)
{
    struct fv_reader_frame *found = NULL;
    pthread_mutex_lock(&frames->lock);
    FV_LIST_FOR (it, &consumer->held) {
        struct fv_reader_frame *frame = FV_CONTAINER(it, struct fv_reader_frame, link);
        if (frame->returned && (any || is_over(frame))) {
            frame->returned = false;
            found = frame;
            break;
        }
    }
    pthread_mutex_unlock(&frames->lock);
    return found;
}

static void sweep(struct fv_frames *frames, bool any)
{
    for (unsigned i = 0; i < frames->count; i++) {
        struct fv_reader_frame *frame;
        while ((frame = take_returned(frames, &frames->consumers[i], any)))
            give_back(frame);
    }
}

void fv_frames_close(struct fv_frames *frames)
{
    if (!frames)
        return;
    pthread_mutex_lock(&frames->lock);
    frames->closed = true;
    pthread_mutex_unlock(&frames->lock);
    sweep(frames, true);
    pthread_mutex_lock(&frames->lock);
    const bool last = --frames->refs == 0;
    pthread_mutex_unlock(&frames->lock);
    if (last)
        destroy_apart(frames);
}

/* --- Giving --- */

/* A free frame that is now held, or NULL, counted. */
static struct fv_reader_frame *take_free(struct fv_frames *frames,
                                         struct fv_frame_consumer *consumer, int64_t now)
{
    struct fv_reader_frame *frame = NULL;
    pthread_mutex_lock(&frames->lock);
    if (fv_list_empty(&consumer->free)) {
        consumer->stats.missed++;
    } else {
        frame = FV_CONTAINER(consumer->free.next, struct fv_reader_frame, link);
        fv_list_remove(&frame->link);
        fv_list_append(&consumer->held, &frame->link);
        frame->since = now;
        frame->told = false;
        frames->refs++;
        consumer->stats.given++;
        if (++consumer->stats.held > consumer->stats.held_most)
            consumer->stats.held_most = consumer->stats.held;
    }
    pthread_mutex_unlock(&frames->lock);
    return frame;
}

/* True, once for each frame: it is kept too long. The sentence names the consumer. */
static bool find_late(struct fv_frames *frames, struct fv_frame_consumer *consumer, int64_t now,
                      char *sentence, size_t capacity)
{
    bool found = false;
    pthread_mutex_lock(&frames->lock);
    FV_LIST_FOR (it, &consumer->held) {
        struct fv_reader_frame *frame = FV_CONTAINER(it, struct fv_reader_frame, link);
        if (frame->told || now - frame->since <= consumer->patience)
            continue;
        frame->told = found = true;
        consumer->stats.late++;
        snprintf(sentence, capacity,
                 "consumer '%s' keeps %u of its %u frames, the oldest for %.1f s%s", consumer->name,
                 consumer->stats.held, consumer->count, (double)(now - frame->since) / (double)FV_S,
                 consumer->stats.held < consumer->count
                     ? ""
                     : ": it misses pictures until it gives one back");
        break;
    }
    pthread_mutex_unlock(&frames->lock);
    return found;
}

void fv_frames_offer(struct fv_frames *frames, struct fv_picture *picture)
{
    const int64_t now = fv_now();
    char sentence[200];
    sweep(frames, false);
    for (unsigned i = 0; i < frames->count; i++) {
        struct fv_frame_consumer *consumer = &frames->consumers[i];
        if (find_late(frames, consumer, now, sentence, sizeof(sentence)) && frames->params.late)
            frames->params.late(frames->params.data, sentence);
        struct fv_reader_frame *frame = take_free(frames, consumer, now);
        if (!frame)
            continue;
        frame->refs = 1;
        frame->picture = fv_picture_ref(picture);
        fv_frames_describe(picture, frames->params.device, &frame->view);
        consumer->frame(consumer->data, frame);
    }
}

int fv_frames_stats(struct fv_frames *frames, unsigned consumer,
                    struct fv_reader_consumer_stats *ret_stats)
{
    if (consumer >= frames->count)
        return -EINVAL;
    sweep(frames, false); /* also when no offers come any more */
    struct fv_frame_consumer *c = &frames->consumers[consumer];
    pthread_mutex_lock(&frames->lock);
    *ret_stats = c->stats;
    if (!fv_list_empty(&c->held))
        ret_stats->oldest =
            fv_now() - FV_CONTAINER(c->held.next, struct fv_reader_frame, link)->since;
    pthread_mutex_unlock(&frames->lock);
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
#include "decode/feed.h"

#include <errno.h>

static bool is_stale(const struct fv_feed *feed, const struct fv_picture *picture)
{
    return feed->catching_up && fv_now() - picture->info.at.delivered > feed->params->late;
}

/* From the decoder, on the worker's thread. */
static void on_picture(void *data, struct fv_picture *picture)
{
    struct fv_feed *feed = data;
    fv_feed_count(&feed->decoded);
    uint64_t number = atomic_load_explicit(&feed->decoded, memory_order_relaxed);
    picture->info.number = number;
    picture->info.at.decoded = fv_now();
    if (is_stale(feed, picture)) {
        fv_feed_count(&feed->dropped_late);
        fv_picture_unref(picture);
        return;
    }
    if (!fv_thin_keep(&feed->thin, feed->interval, feed->gap, &picture->info)) {
        fv_feed_count(&feed->skipped_interval);
        fv_picture_unref(picture);
        return;
    }
    feed->params->picture(feed->params->data, picture);
}

/* Tells the owner, unless this cause was told for this codec already. */
static void report(struct fv_feed *feed, const struct fv_error *err)
{
    for (unsigned i = 0; i < feed->cause_count; i++)
        if (feed->causes[i] == err->code)
            return;
    if (feed->cause_count < FV_FEED_CAUSES)
        feed->causes[feed->cause_count++] = err->code;
    feed->params->fault(feed->params->data, feed->camera, err->code, err->text);
}

static void close_decoder(struct fv_feed *feed)
{
    feed->params->ops->close(feed->decoder);
    feed->decoder = NULL;
}

static void fail(struct fv_feed *feed, int code, struct fv_error *err)
{
    fv_feed_count(&feed->errors);
    feed->wait_key = true;
    /* A back end that gave no sentence is still told apart by its code. */
    if (err->code != code)
        fv_error_set(err, code, "the decoder failed: %s", fv_strerror(code));
    report(feed, err);
    if (!feed->decoder)
        return;
    /* Malformed input leaves a sound decoder; after anything else a fresh one is safer. */
    if (code == -EBADMSG)
        feed->params->ops->flush(feed->decoder);
    else
        close_decoder(feed);
}

/* Makes sure that the decoder fits the access unit, which is a key one when there is none yet. */
static int prepare(struct fv_feed *feed, const struct fv_au *au, struct fv_error *err)
{
    const struct fv_decoder_ops *ops = feed->params->ops;
    if (au->codec != feed->codec) {
        close_decoder(feed);
        feed->codec = au->codec;
        feed->cause_count = 0;
    }
    if (!feed->decoder) {
        const struct fv_decoder_params params = {.codec = au->codec,
                                                 .shared = feed->params->shared,
                                                 .complete = feed->params->complete,
                                                 .picture = on_picture,
                                                 .data = feed};
        feed->epoch = au->epoch;
        return ops->open(&params, &feed->decoder, err);
    }
    /* A new connection: what the decoder still holds belongs to the old one. */
    if (au->epoch != feed->epoch && (au->flags & FV_FRAME_KEY)) {
        ops->flush(feed->decoder);
        feed->epoch = au->epoch;
    }
    return 0;
}

int fv_feed_push(struct fv_feed *feed, const struct fv_au *au)
{
    bool key = au->flags & FV_FRAME_KEY;
    if (!key && feed->keys_only) {
        feed->wait_key = true; /* the pictures between are missing when all are wanted again */
        fv_feed_count(&feed->skipped_interval);
        return 0;
    }
    bool starts_afresh = feed->wait_key || !feed->decoder || au->codec != feed->codec;
    if (starts_afresh && !key) {
        feed->wait_key = true;
        fv_feed_count(&feed->dropped_key);
        return 0;
    }
    feed->wait_key = false;
    struct fv_error err = {0};
    int code = prepare(feed, au, &err);
    if (code == 0) {
        code = feed->params->ops->submit(feed->decoder, au, &err);
        if (code == -EAGAIN)
            return code;
        fv_feed_count(&feed->submitted);
    }
    if (code < 0)
        fail(feed, code, &err);
    return 0;
}

void fv_feed_miss(struct fv_feed *feed)
{
    feed->wait_key = true;
    fv_feed_count(&feed->dropped_late);
}

bool fv_feed_check(struct fv_feed *feed)
{
    struct fv_error err; /* large; written by a fault alone */
    int (*fault)(struct fv_decoder *, struct fv_error *) = feed->params->ops->fault;
    int code = feed->decoder && fault ? fault(feed->decoder, &err) : 0;
    if (code < 0)
        fail(feed, code, &err);
    return code < 0;
}

void fv_feed_drain(struct fv_feed *feed)
{
    struct fv_error err = {0};
    if (!feed->decoder || !feed->params->ops->drain)
        return;
    int code = feed->params->ops->drain(feed->decoder, &err);
    if (code < 0)
        fail(feed, code, &err);
}

void fv_feed_close(struct fv_feed *feed)
{
    close_decoder(feed);
    feed->codec = FV_CODEC_NONE;
    feed->cause_count = 0;
    feed->wait_key = true;
}

void fv_feed_init(struct fv_feed *feed, const struct fv_decode_worker_params *params,
                  uint32_t camera)
{
    feed->params = params;
    feed->camera = camera;
    atomic_init(&feed->interval, params->interval);
}

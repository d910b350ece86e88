// SPDX-License-Identifier: Apache-2.0
/*
 * Pictures in flight -> mapped pictures, oldest first over all cameras; within a camera always in order. Mapping waits until the
 * hardware is done with the picture, so it is put off until that is likely, or known.
 */
#include <errno.h>

#include "decode/nvdec_impl.h"

#define HOLD (8 * FV_MS)
/* At low load: soon enough that a picture ages little, late enough for the hardware to be done. */
#define HOLD_LOW (2 * FV_MS)
#define LOW_LOAD 4            /* pictures in flight */
#define TOGETHER (1 * FV_MS)  /* pictures whose time comes so soon need no pass of their own */
#define RETRY (1 * FV_MS)     /* until an unfinished picture is asked after again */
#define PATIENCE (50 * FV_MS) /* then it is waited for */

void fv_nvdec_show(struct fv_nvdec_surface *surface)
{
    struct fv_decoder *decoder = surface->decoder;
    if (surface->pending || surface->shown)
        return;
    surface->pending = surface->shown = true;
    surface->status = cuvidDecodeStatus_Invalid;
    surface->queued = fv_now();
    fv_list_append(&decoder->nvdec->pending, &surface->link);
    decoder->nvdec->pending_count++;
    decoder->pending++;
}

static void take_out(struct fv_nvdec_surface *surface)
{
    surface->pending = false;
    fv_list_remove(&surface->link);
    surface->decoder->pending--;
    surface->decoder->nvdec->pending_count--;
}

/* Asks, unless the answer is known. */
static bool in_progress(struct fv_nvdec_surface *surface)
{
    struct fv_decoder *decoder = surface->decoder;
    CUVIDGETDECODESTATUS status = {0};
    if (surface->status > cuvidDecodeStatus_InProgress)
        return false;
    CUresult result = decoder->nvdec->driver->cuvidGetDecodeStatus(decoder->session->handle,
                                                                   surface->index, &status);
    surface->status = result == CUDA_SUCCESS ? status.decodeStatus : cuvidDecodeStatus_Invalid;
    return surface->status == cuvidDecodeStatus_InProgress;
}

/* What refers to a damaged picture inherits the damage. */
static void note_status(const struct fv_nvdec_surface *surface, struct fv_frame_info *info)
{
    struct fv_decoder *decoder = surface->decoder;
    const cuvidDecodeStatus status = surface->status;
    if (status != cuvidDecodeStatus_Error && status != cuvidDecodeStatus_Error_Concealed)
        return;
    info->flags |= FV_FRAME_DAMAGED;
    fv_nvdec_count(&decoder->nvdec->damaged);
    if (info->flags & FV_FRAME_PARTIAL)
        return; /* known already while a refresh is under way */
    fv_damage_hurt(&decoder->damage);
    if (status == cuvidDecodeStatus_Error && !decoder->fault.code)
        fv_error_set(&decoder->fault, -EBADMSG, "%s: the hardware found errors in a picture",
                     fv_codec_name(decoder->params.codec));
}

/* Maps the picture and hands it out, waiting for the hardware. -ENOBUFS: it stays in flight. */
static int hand_out(struct fv_nvdec_surface *surface)
{
    struct fv_decoder *decoder = surface->decoder;
    struct fv_nvdec_picture *mapped;
    struct fv_error err = {0};
    int code = fv_nvdec_session_map(decoder->session, &surface->display, decoder->params.complete,
                                    &mapped, &err);
    if (code == -ENOBUFS)
        return code;
    take_out(surface);
    if (code < 0) {
        decoder->broken = true;
        if (!decoder->fault.code)
            decoder->fault = err;
        return code;
    }
    struct fv_picture *picture = &mapped->picture;
    picture->info = surface->info;
    picture->matrix = surface->matrix;
    picture->full_range = surface->full_range;
    (void)in_progress(surface); /* it no longer is: the map waited */
    note_status(surface, &picture->info);
    fv_nvdec_count(&decoder->nvdec->mapped);
    decoder->params.picture(decoder->params.data, picture);
    return 0;
}

static void skip(struct fv_nvdec_surface *surface)
{
    fv_nvdec_count(&surface->decoder->nvdec->skipped_held);
    take_out(surface);
}

static void clear(struct fv_nvdec_surface *surface)
{
    if (hand_out(surface) == -ENOBUFS)
        skip(surface);
}

void fv_nvdec_clear(struct fv_nvdec_surface *surface)
{
    if (!surface->pending)
        return;
    FV_LIST_FOR (it, &surface->decoder->nvdec->pending) {
        struct fv_nvdec_surface *older = FV_CONTAINER(it, struct fv_nvdec_surface, link);
        if (older->decoder == surface->decoder)
            clear(older);
        if (older == surface)
            return;
    }
}

void fv_nvdec_clear_all(struct fv_decoder *decoder, bool drop)
{
    if (!decoder->pending)
        return;
    FV_LIST_FOR (it, &decoder->nvdec->pending) {
        struct fv_nvdec_surface *surface = FV_CONTAINER(it, struct fv_nvdec_surface, link);
        if (surface->decoder != decoder)
            continue;
        if (drop)
            take_out(surface);
        else
            clear(surface);
    }
}

/* How long pictures are left alone. */
static int64_t hold_of(const struct fv_nvdec *nvdec)
{
    int64_t hold = nvdec->params.hold ? nvdec->params.hold : HOLD;
    switch (nvdec->params.map) {
    case FV_NVDEC_MAP_SAME_PASS:
        return 0;
    case FV_NVDEC_MAP_NEXT_PASS:
        return hold;
    default:
        return nvdec->pending_count <= LOW_LOAD ? fv_min64(hold, HOLD_LOW) : hold;
    }
}

/* Asks whether the hardware is done, unless the picture is old enough to be waited for. */
static bool is_ready(struct fv_nvdec_surface *surface, int64_t now)
{
    struct fv_nvdec *nvdec = surface->decoder->nvdec;
    if (nvdec->params.map != FV_NVDEC_MAP_AUTO || now - surface->queued > PATIENCE)
        return true;
    if (!in_progress(surface))
        return true;
    fv_nvdec_count(&nvdec->waited);
    return false;
}

/* A picture whose time has come. Returns when it wants to be seen again. */
static int64_t serve(struct fv_nvdec_surface *surface, int64_t now)
{
    struct fv_decoder *decoder = surface->decoder;
    struct fv_nvdec *nvdec = decoder->nvdec;
    if (decoder->held_at == nvdec->pass)
        return FV_TIME_NEVER; /* an older picture of this camera comes first */
    if (!is_ready(surface, now)) {
        decoder->held_at = nvdec->pass;
        return now + RETRY;
    }
    if (hand_out(surface) != -ENOBUFS)
        return FV_TIME_NEVER;
    /* All output surfaces are held: the newest picture waits for one, which wakes the worker. */
    if (decoder->pending > 1)
        skip(surface);
    else
        decoder->held_at = nvdec->pass;
    return FV_TIME_NEVER;
}

int64_t fv_nvdec_map_pending(struct fv_nvdec *nvdec, int64_t now)
{
    int64_t hold = hold_of(nvdec), next = FV_TIME_NEVER;
    nvdec->pass++;
    FV_LIST_FOR (it, &nvdec->pending) {
        struct fv_nvdec_surface *surface = FV_CONTAINER(it, struct fv_nvdec_surface, link);
        int64_t due = fv_later(surface->queued, hold);
        if (due > now + TOGETHER)
            return fv_min64(next, due); /* and so are all after it */
        next = fv_min64(next, serve(surface, now));
    }
    return next;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * One decoder of the driver. It lives as long as a camera's decoder or a mapped picture refers to it: pictures stay valid when
 * their stream changes or ends.
 */
#include <errno.h>

#include "base/mem.h"
#include "decode/nvdec_impl.h"

static int call(struct fv_nvdec *nvdec, CUresult result, const char *name, struct fv_error *err)
{
    return fv_nvdec_check(nvdec, result, name, err);
}

static void unref(struct fv_nvdec_session *session)
{
    pthread_mutex_lock(&session->lock);
    bool last = --session->refs == 0, broken = session->broken;
    pthread_mutex_unlock(&session->lock);
    if (last)
        fv_nvdec_pool_put(session, broken);
}

static void release(struct fv_picture *public)
{
    struct fv_nvdec_picture *picture = (struct fv_nvdec_picture *)public;
    struct fv_nvdec_session *session = picture->session;
    struct fv_nvdec *nvdec = session->nvdec;
    struct fv_error err;
    int code = call(nvdec, nvdec->driver->cuvidUnmapVideoFrame(session->handle, picture->address),
                    "cuvidUnmapVideoFrame", &err);
    pthread_mutex_lock(&session->lock);
    session->broken |= code < 0;
    picture->next_free = session->free;
    session->free = picture;
    pthread_cond_signal(&session->given_back);
    if (session->starving) /* with the lock held: no wake after the decoder left */
        nvdec->wake.call(nvdec->wake.data);
    session->starving = false;
    pthread_mutex_unlock(&session->lock);
    unref(session);
}

static int make_pictures(struct fv_nvdec_session *session, struct fv_error *err)
{
    unsigned count = session->shape.output_surfaces;
    session->pictures = fv_calloc(count, sizeof(*session->pictures));
    if (!session->pictures)
        return fv_error_set(err, -ENOMEM, "out of memory");
    for (unsigned i = 0; i < count; i++) {
        struct fv_nvdec_picture *picture = &session->pictures[i];
        picture->session = session;
        picture->picture.release = release;
        int code = fv_gpu_event_create_quiet(session->nvdec->gpu, &picture->ready, err);
        if (code < 0)
            return code;
        picture->next_free = session->free;
        session->free = picture;
    }
    return 0;
}

static int create_handle(struct fv_nvdec_session *session, struct fv_error *err)
{
    const struct fv_nvdec_shape *shape = &session->shape;
    const struct fv_nvdec_area *area = &shape->area;
    CUVIDDECODECREATEINFO info = {
        .ulWidth = shape->width,
        .ulHeight = shape->height,
        .ulMaxWidth = shape->width,
        .ulMaxHeight = shape->height,
        .ulNumDecodeSurfaces = shape->decode_surfaces,
        .ulNumOutputSurfaces = shape->output_surfaces,
        .CodecType = shape->codec,
        .ChromaFormat = shape->chroma,
        .bitDepthMinus8 = shape->depth - 8,
        .ulCreationFlags = cudaVideoCreate_PreferCUVID,
        .OutputFormat =
            shape->depth > 8 ? cudaVideoSurfaceFormat_P016 : cudaVideoSurfaceFormat_NV12,
        .DeinterlaceMode = cudaVideoDeinterlaceMode_Weave,
        .ulTargetWidth = (tcu_ulong)(area->right - area->left),
        .ulTargetHeight = (tcu_ulong)(area->bottom - area->top),
        .display_area = {area->left, area->top, area->right, area->bottom},
    };
    const struct fv_driver *driver = session->nvdec->driver;
    int code = call(session->nvdec, driver->cuvidCreateDecoder(&session->handle, &info),
                    "cuvidCreateDecoder", err);
    return code == -ENOMEM ? -ENOSPC : code;
}

int fv_nvdec_session_create(struct fv_nvdec *nvdec, const struct fv_nvdec_shape *shape,
                            struct fv_nvdec_session **ret_session, struct fv_error *err)
{
    struct fv_nvdec_session *session = FV_NEW(struct fv_nvdec_session);
    if (!session)
        return fv_error_set(err, -ENOMEM, "out of memory");
    session->nvdec = nvdec;
    session->shape = *shape;
    session->max_width = shape->width;
    session->max_height = shape->height;
    session->bytes = fv_nvdec_bytes_of(shape);
    session->refs = 1;
    pthread_mutex_init(&session->lock, NULL);
    pthread_cond_init(&session->given_back, NULL);
    fv_list_init(&session->link);
    int code = make_pictures(session, err);
    if (code == 0)
        code = create_handle(session, err);
    if (code < 0) {
        fv_nvdec_session_destroy(session);
        return code;
    }
    *ret_session = session;
    return 0;
}

void fv_nvdec_session_destroy(struct fv_nvdec_session *session)
{
    struct fv_nvdec *nvdec = session->nvdec;
    if (session->handle)
        call(nvdec, nvdec->driver->cuvidDestroyDecoder(session->handle), "cuvidDestroyDecoder",
             NULL);
    for (unsigned i = 0; session->pictures && i < session->shape.output_surfaces; i++)
        fv_gpu_event_destroy(session->pictures[i].ready);
    fv_free(session->pictures);
    pthread_cond_destroy(&session->given_back);
    pthread_mutex_destroy(&session->lock);
    fv_free(session);
}

bool fv_nvdec_session_fits(const struct fv_nvdec_session *session,
                           const struct fv_nvdec_shape *shape)
{
    const struct fv_nvdec_shape *have = &session->shape;
    return have->codec == shape->codec && have->chroma == shape->chroma &&
           have->depth == shape->depth && have->output_surfaces == shape->output_surfaces &&
           have->decode_surfaces >= shape->decode_surfaces && session->max_width >= shape->width &&
           session->max_height >= shape->height;
}

static bool same_picture(const struct fv_nvdec_shape *a, const struct fv_nvdec_shape *b)
{
    return a->width == b->width && a->height == b->height && a->area.left == b->area.left &&
           a->area.top == b->area.top && a->area.right == b->area.right &&
           a->area.bottom == b->area.bottom;
}

int fv_nvdec_session_reshape(struct fv_nvdec_session *session, const struct fv_nvdec_shape *shape,
                             struct fv_error *err)
{
    if (same_picture(&session->shape, shape))
        return 0;
    struct fv_nvdec *nvdec = session->nvdec;
    const struct fv_nvdec_area *area = &shape->area;
    CUVIDRECONFIGUREDECODERINFO info = {
        .ulWidth = shape->width,
        .ulHeight = shape->height,
        .ulTargetWidth = (unsigned)(area->right - area->left),
        .ulTargetHeight = (unsigned)(area->bottom - area->top),
        .ulNumDecodeSurfaces = session->shape.decode_surfaces,
        .display_area = {area->left, area->top, area->right, area->bottom},
    };
    int code = call(nvdec, nvdec->driver->cuvidReconfigureDecoder(session->handle, &info),
                    "cuvidReconfigureDecoder", err);
    if (code < 0)
        return code;
    session->shape.width = shape->width;
    session->shape.height = shape->height;
    session->shape.area = shape->area;
    fv_nvdec_count(&nvdec->reconfigured);
    return 0;
}

bool fv_nvdec_session_is_quiet(struct fv_nvdec_session *session)
{
    pthread_mutex_lock(&session->lock);
    bool quiet = session->refs == 1;
    pthread_mutex_unlock(&session->lock);
    return quiet;
}

void fv_nvdec_session_leave(struct fv_nvdec_session *session, bool broken)
{
    if (!session)
        return;
    pthread_mutex_lock(&session->lock);
    session->starving = false;
    session->broken |= broken;
    pthread_mutex_unlock(&session->lock);
    unref(session);
}

/* Takes a free picture, and with it a reference to the session. NULL, unless `wait`: there is none. */
static struct fv_nvdec_picture *take(struct fv_nvdec_session *session, bool wait)
{
    pthread_mutex_lock(&session->lock);
    while (wait && !session->free)
        pthread_cond_wait(&session->given_back, &session->lock);
    struct fv_nvdec_picture *picture = session->free;
    session->starving = !picture;
    if (picture) {
        session->free = picture->next_free;
        session->refs++;
    }
    pthread_mutex_unlock(&session->lock);
    return picture;
}

static void give_back(struct fv_nvdec_picture *picture)
{
    struct fv_nvdec_session *session = picture->session;
    pthread_mutex_lock(&session->lock);
    picture->next_free = session->free;
    session->free = picture;
    session->refs--; /* the camera's decoder still has its own */
    pthread_mutex_unlock(&session->lock);
}

static void set_planes(struct fv_nvdec_picture *picture, unsigned pitch)
{
    const struct fv_nvdec_shape *shape = &picture->session->shape;
    struct fv_picture *public = &picture->picture;
    size_t rows = (size_t)(shape->area.bottom - shape->area.top);
    public->format = shape->depth > 8 ? FV_PIXEL_P016 : FV_PIXEL_NV12;
    public->memory = FV_MEMORY_DEVICE;
    public->plane[0] = (const uint8_t *)(uintptr_t)picture->address;
    public->plane[1] = public->plane[0] + (size_t)pitch * rows;
    public->plane[2] = NULL;
    public->pitch[0] = public->pitch[1] = pitch;
    public->pitch[2] = 0;
    public->ready = picture->ready;
    public->refs = 1;
}

int fv_nvdec_session_map(struct fv_nvdec_session *session, const CUVIDPARSERDISPINFO *display,
                         bool wait, struct fv_nvdec_picture **ret_picture, struct fv_error *err)
{
    struct fv_nvdec *nvdec = session->nvdec;
    struct fv_nvdec_picture *picture = take(session, wait);
    if (!picture)
        return -ENOBUFS;
    CUVIDPROCPARAMS params = {
        .progressive_frame = display->progressive_frame,
        .second_field = display->repeat_first_field + 1,
        .top_field_first = display->top_field_first,
        .unpaired_field = display->repeat_first_field < 0,
        .output_stream = fv_gpu_stream_handle(nvdec->stream),
    };
    unsigned pitch = 0;
    int code = call(nvdec,
                    nvdec->driver->cuvidMapVideoFrame(session->handle, display->picture_index,
                                                      &picture->address, &pitch, &params),
                    "cuvidMapVideoFrame", err);
    if (code < 0) {
        give_back(picture);
        return code;
    }
    set_planes(picture, pitch);
    code = fv_gpu_event_record(picture->ready, nvdec->stream, err);
    if (code < 0) {
        fv_picture_unref(&picture->picture);
        return code;
    }
    *ret_picture = picture;
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
#include "engine/classify.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "engine/pipeline.h"

#define FORGET (30 * FV_S) /* a track that was not seen for so long */
#define AGAIN FV_S         /* after a fault, unless the interval is shorter: it may last */

/* What is known of a track. */
struct track {
    uint64_t id;
    int64_t seen, asked; /* asked: FV_TIME_UNKNOWN before the first time */
    bool lost;           /* what was asked last was never answered */
    uint16_t label;      /* number + 1; 0: none yet */
    float score;
};

struct crop {
    struct fv_picture picture;
    struct fv_classify *classify;
    bool answered;
};

struct camera {
    struct track tracks[FV_CLASSIFY_TRACKS]; /* count, in no order */
    unsigned count;
    struct crop crops
        [FV_CLASSIFY_CROPS]; /* the first `flying` were given away together; all are free when none flies */
    unsigned flying;
    struct fv_picture *held; /* what they were cut from */
    uint32_t generation;     /* of cameras with this index: answers for another are too late */
};

struct fv_classify {
    struct fv_classify_params params;
    struct fv_pipeline *pipeline;
    pthread_mutex_t lock; /* of the rest; never held while the pipeline is called */
    pthread_cond_t landed;
    struct camera *cameras;
    uint64_t classified, skipped;
    bool cancelled;
};

/* --- tracks; the lock is held ------------------------------------------------------------------ */

static struct track *find_track(struct camera *camera, uint64_t id)
{
    for (unsigned i = 0; i < camera->count; i++)
        if (camera->tracks[i].id == id)
            return &camera->tracks[i];
    return NULL;
}

/* When there is no room, in place of the one that was not seen for longest. NULL: all were seen now. */
static struct track *add_track(struct camera *camera, uint64_t id, int64_t now)
{
    struct track *track = &camera->tracks[0];
    if (camera->count < FV_CLASSIFY_TRACKS) {
        track = &camera->tracks[camera->count++];
    } else {
        for (unsigned i = 1; i < camera->count; i++)
            if (camera->tracks[i].seen < track->seen)
                track = &camera->tracks[i];
        if (track->seen >= now)
            return NULL;
    }
    *track = (struct track){.id = id, .seen = now, .asked = FV_TIME_UNKNOWN};
    return track;
}

static void forget_old(struct camera *camera, int64_t now)
{
    for (unsigned i = camera->count; i-- > 0;)
        if (now - camera->tracks[i].seen > FORGET)
            camera->tracks[i] = camera->tracks[--camera->count];
}

/* The one that a crop was cut for; NULL: it is forgotten. */
static struct track *track_of(struct camera *camera, const struct fv_frame_info *crop)
{
    return crop->epoch == camera->generation ? find_track(camera, crop->number) : NULL;
}

/* --- crops ------------------------------------------------------------------------------------- */

/* The last reference to a crop, on any thread. */
static void give_back(struct fv_picture *picture)
{
    const struct crop *crop = FV_CONTAINER(picture, struct crop, picture);
    struct fv_classify *c = crop->classify;
    struct camera *camera = &c->cameras[picture->info.camera];
    struct fv_picture *held = NULL;
    pthread_mutex_lock(&c->lock);
    struct track *track = crop->answered ? NULL : track_of(camera, &picture->info);
    if (track)
        track->lost = true;
    if (--camera->flying == 0) {
        held = camera->held;
        camera->held = NULL;
    }
    pthread_mutex_unlock(&c->lock);
    if (held)
        pthread_cond_signal(&c->landed);
    fv_picture_unref(held);
}

struct area {
    uint32_t x, y, width, height;
};

static uint32_t within(float value, uint32_t side)
{
    return (uint32_t)fminf(fmaxf(value, 0), (float)side); /* 0 of what is no number */
}

/* Of whole chroma samples: what the box covers, and up to two pixels more. False: nothing. */
static bool area_of(const struct fv_picture *from, const struct fv_detection *box,
                    struct area *ret_area)
{
    const uint32_t width = from->info.width, height = from->info.height;
    const uint32_t x0 = within(box->x0, width) & ~1u, y0 = within(box->y0, height) & ~1u;
    uint32_t x1 = (within(ceilf(box->x1), width) + 1) & ~1u;
    uint32_t y1 = (within(ceilf(box->y1), height) + 1) & ~1u;
    x1 = x1 < width ? x1 : width;
    y1 = y1 < height ? y1 : height;
    if (x1 <= x0 || y1 <= y0)
        return false;
    *ret_area = (struct area){x0, y0, x1 - x0, y1 - y0};
    return true;
}

static void cut(struct crop *crop, const struct fv_picture *from, const struct area *area)
{
    const size_t sample = from->format == FV_PIXEL_P016 || from->format == FV_PIXEL_I010 ? 2 : 1;
    const bool pairs = from->format == FV_PIXEL_NV12 || from->format == FV_PIXEL_P016;
    struct fv_picture *picture = &crop->picture;
    picture->info = from->info;
    picture->info.width = area->width;
    picture->info.height = area->height;
    picture->format = from->format;
    picture->memory = from->memory;
    picture->matrix = from->matrix;
    picture->full_range = from->full_range;
    picture->ready = from->ready;
    picture->refs = 1;
    picture->release = give_back;
    memcpy(picture->pitch, from->pitch, sizeof(picture->pitch));
    picture->plane[0] = from->plane[0] + area->y * from->pitch[0] + area->x * sample;
    for (int i = 1; i < 3; i++)
        picture->plane[i] = i == 2 && pairs ? NULL
                                            : from->plane[i] + area->y / 2 * from->pitch[i] +
                                                  (pairs ? area->x : area->x / 2) * sample;
}

/* --- what is asked ----------------------------------------------------------------------------- */

static bool is_wanted(const struct fv_classify_params *params, const struct fv_detection *box)
{
    const float least = (float)params->min_size;
    return box->track && box->class_id < params->class_count && params->wanted[box->class_id] &&
           box->x1 - box->x0 >= least && box->y1 - box->y0 >= least;
}

/* A clock that went back is that of a new timeline. */
static bool is_due(const struct track *track, int64_t now, int64_t interval)
{
    if (track->asked == FV_TIME_UNKNOWN || now < track->asked)
        return true;
    if (track->lost)
        interval = fv_min64(interval, AGAIN);
    return now > track->asked && now - track->asked >= interval;
}

/* The lock is held. Of each detection what is known of its track, or NULL; `full`: no room to know one that is wanted. Those that are
 * known already come first, so that none of them makes room for one that is new. */
static void find_tracks(struct fv_classify *c, const struct fv_result *result, int64_t now,
                        struct track **tracks, unsigned *ret_full)
{
    struct camera *camera = &c->cameras[result->info.camera];
    *ret_full = 0;
    for (uint32_t i = 0; i < result->count; i++) {
        const uint64_t id = result->detections[i].track;
        tracks[i] = id ? find_track(camera, id) : NULL;
        if (tracks[i])
            tracks[i]->seen = now;
    }
    for (uint32_t i = 0; i < result->count; i++) {
        if (tracks[i] || !is_wanted(&c->params, &result->detections[i]))
            continue;
        tracks[i] = add_track(camera, result->detections[i].track, now);
        *ret_full += !tracks[i];
    }
}

struct due {
    struct track *track;
    const struct fv_detection *box;
};

static unsigned list_due(const struct fv_classify *c, const struct fv_result *result, int64_t now,
                         struct track *const *tracks, struct due *list)
{
    unsigned count = 0;
    for (uint32_t i = 0; i < result->count; i++) {
        const struct fv_detection *box = &result->detections[i];
        if (tracks[i] && is_wanted(&c->params, box) && is_due(tracks[i], now, c->params.interval))
            list[count++] = (struct due){tracks[i], box};
    }
    return count;
}

/* Takes out the one that waits for longest, so that each has its turn; of equal ones the first. */
static struct due take_oldest(struct due *list, unsigned *count)
{
    unsigned oldest = 0;
    for (unsigned i = 1; i < *count; i++)
        if (list[i].track->asked < list[oldest].track->asked)
            oldest = i;
    const struct due due = list[oldest];
    --*count;
    memmove(&list[oldest], &list[oldest + 1], (*count - oldest) * sizeof(list[0]));
    return due;
}

/* The lock is held. Crops of all that is due, as far as there is room: they fly. Returns their number; *ret_left counts those that
 * had no room. */
static unsigned prepare(struct fv_classify *c, const struct fv_result *result, int64_t now,
                        struct track *const *tracks, unsigned *ret_left)
{
    struct camera *camera = &c->cameras[result->info.camera];
    const unsigned room = camera->flying == 0 ? FV_CLASSIFY_CROPS : 0;
    struct due list[FV_DETECTIONS_MAX];
    unsigned left = list_due(c, result, now, tracks, list), count = 0;
    while (left > 0 && count < room) {
        const struct due due = take_oldest(list, &left);
        struct area area;
        if (!area_of(result->picture, due.box, &area))
            continue;
        struct crop *crop = &camera->crops[count++];
        cut(crop, result->picture, &area);
        crop->picture.info.number = due.box->track;
        crop->picture.info.epoch = camera->generation;
        crop->answered = false;
        due.track->asked = now;
        due.track->lost = false;
    }
    if (count > 0)
        camera->held = fv_picture_ref(result->picture);
    camera->flying += count;
    *ret_left = left;
    return count;
}

/* The lock is held. */
static void mark(struct track *const *tracks, struct fv_result *result)
{
    result->marked = true;
    for (uint32_t i = 0; i < result->count; i++)
        result->marks[i] =
            tracks[i] ? (struct fv_mark){tracks[i]->label, tracks[i]->score} : (struct fv_mark){0};
}

bool fv_classify_result(struct fv_classify *c, struct fv_result *result)
{
    struct camera *camera = &c->cameras[result->info.camera];
    const int64_t now = c->params.waits ? result->info.pts : result->info.at.event;
    struct track *tracks[FV_DETECTIONS_MAX];
    unsigned count, left, full;
    pthread_mutex_lock(&c->lock);
    forget_old(camera, now);
    find_tracks(c, result, now, tracks, &full);
    do {
        count = prepare(c, result, now, tracks, &left);
        pthread_mutex_unlock(&c->lock);
        for (unsigned i = 0; i < count; i++)
            fv_pipeline_put(c->pipeline, &camera->crops[i].picture);
        pthread_mutex_lock(&c->lock);
        while (c->params.waits && camera->flying > 0 && !c->cancelled)
            pthread_cond_wait(&c->landed, &c->lock);
    } while (c->params.waits && count > 0 && left > 0 && !c->cancelled);
    c->skipped += left + full;
    mark(tracks, result);
    const bool complete = !(c->params.waits && c->cancelled);
    pthread_mutex_unlock(&c->lock);
    return complete;
}

void fv_classify_cancel(struct fv_classify *c)
{
    pthread_mutex_lock(&c->lock);
    c->cancelled = true;
    pthread_mutex_unlock(&c->lock);
    pthread_cond_signal(&c->landed);
}

/* --- answers ----------------------------------------------------------------------------------- */

/* fv-labels; the crop itself is given back afterwards. One that is not certain enough leaves the older one. */
static void on_answer(void *data, struct fv_result *result)
{
    struct fv_classify *c = data;
    struct camera *camera = &c->cameras[result->info.camera];
    pthread_mutex_lock(&c->lock);
    struct track *track = track_of(camera, &result->info);
    FV_CONTAINER(result->picture, struct crop, picture)->answered = true;
    c->classified++;
    if (track && result->count > 0) {
        track->label = (uint16_t)(result->detections[0].class_id + 1);
        track->score = result->detections[0].score;
    }
    pthread_mutex_unlock(&c->lock);
}

static void on_began(void *data)
{
    struct fv_classify *c = data;
    if (c->params.began)
        c->params.began(c->params.data);
}

static void on_fault(void *data, int code, const char *reason)
{
    struct fv_classify *c = data;
    c->params.fault(c->params.data, code, reason);
}

void fv_classify_forget(struct fv_classify *c, uint32_t index)
{
    pthread_mutex_lock(&c->lock);
    c->cameras[index].count = 0;
    c->cameras[index].generation++;
    pthread_mutex_unlock(&c->lock);
}

void fv_classify_stats(struct fv_classify *c, struct fv_classify_stats *ret_stats)
{
    *ret_stats = (struct fv_classify_stats){0};
    for (uint32_t i = 0; i < c->params.cameras; i++)
        ret_stats->lost += fv_pipeline_dropped(c->pipeline, i);
    pthread_mutex_lock(&c->lock);
    ret_stats->classified = c->classified;
    ret_stats->skipped = c->skipped;
    pthread_mutex_unlock(&c->lock);
}

/* --- life -------------------------------------------------------------------------------------- */

static int create_pipeline(struct fv_classify *c, struct fv_error *err)
{
    const struct fv_classify_params *params = &c->params;
    const struct fv_pipeline_params pipeline = {
        .cameras = params->cameras,
        .batch = params->waits ? 1 : params->batch,
        .per_camera = FV_CLASSIFY_CROPS,
        .timeout = params->waits ? 0 : params->timeout,
        .keep_pictures = true, /* so that a crop comes back after its answer */
        .model = params->model,
        .detector = params->detector,
        .thread_names = {"fv-classify", "fv-labels"},
        .began = on_began,
        .result = on_answer,
        .fault = on_fault,
        .data = c,
    };
    return fv_pipeline_create(&pipeline, &c->pipeline, err);
}

int fv_classify_create(const struct fv_classify_params *params, struct fv_classify **ret_classify,
                       struct fv_error *err)
{
    struct fv_classify *c = FV_NEW(struct fv_classify);
    if (!c)
        return fv_error_set(err, -ENOMEM, "out of memory");
    c->params = *params;
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->landed, NULL);
    c->cameras = fv_calloc(params->cameras, sizeof(c->cameras[0]));
    int r = c->cameras ? create_pipeline(c, err) : fv_error_set(err, -ENOMEM, "out of memory");
    if (r < 0) {
        fv_classify_destroy(c);
        return r;
    }
    for (uint32_t i = 0; i < params->cameras; i++)
        for (unsigned k = 0; k < FV_CLASSIFY_CROPS; k++)
            c->cameras[i].crops[k].classify = c;
    *ret_classify = c;
    return 0;
}

int fv_classify_start(struct fv_classify *c, struct fv_error *err)
{
    return fv_pipeline_start(c->pipeline, err);
}

void fv_classify_stop(struct fv_classify *c)
{
    fv_pipeline_stop(c->pipeline);
}

void fv_classify_destroy(struct fv_classify *c)
{
    if (!c)
        return;
    fv_pipeline_destroy(c->pipeline); /* gives the crops back that wait */
    fv_free(c->cameras);
    pthread_cond_destroy(&c->landed);
    pthread_mutex_destroy(&c->lock);
    fv_free(c);
}

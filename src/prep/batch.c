// SPDX-License-Identifier: Apache-2.0
/*
 *   turns ->  camera 4  ->  camera 0  ->  camera 9      cameras that have pictures
 *               |             |             |
 *             slots         slots         slots         their pictures, oldest first
 *
 *   ages  ->  all slots in use as they came: the first one says when the batch is due
 *
 * A camera joins `turns` at the end when its first picture comes and after each picture that is
 * taken from it, so that no camera is served twice while another waits, however fast it is.
 */
#include "prep/batch.h"

#include <errno.h>

#include "base/list.h"
#include "base/mem.h"

struct slot {
    struct fv_list age;
    struct fv_picture *picture;
    int64_t since;
};

struct camera {
    struct fv_list turn;
    struct slot *slots; /* ring of per_camera */
    unsigned head, count;
};

struct fv_batcher {
    struct fv_batcher_params params;
    struct fv_list turns, ages;
    struct camera *cameras;
    struct slot *slots;
    size_t count;
};

int fv_batcher_create(const struct fv_batcher_params *params, struct fv_batcher **ret_batcher)
{
    if (!params->cameras || !params->per_camera || !params->batch || params->timeout < 0)
        return -EINVAL;
    struct fv_batcher *batcher = FV_NEW(struct fv_batcher);
    if (!batcher)
        return -ENOMEM;
    batcher->params = *params;
    fv_list_init(&batcher->turns);
    fv_list_init(&batcher->ages);
    batcher->cameras = fv_calloc(params->cameras, sizeof(*batcher->cameras));
    batcher->slots = fv_calloc((size_t)params->cameras * params->per_camera, sizeof(struct slot));
    if (!batcher->cameras || !batcher->slots) {
        fv_batcher_destroy(batcher);
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < params->cameras; i++) {
        fv_list_init(&batcher->cameras[i].turn);
        batcher->cameras[i].slots = batcher->slots + (size_t)i * params->per_camera;
    }
    *ret_batcher = batcher;
    return 0;
}

/* The camera's oldest picture; it must have one. */
static struct fv_picture *pop_oldest(struct fv_batcher *batcher, struct camera *camera)
{
    struct slot *slot = &camera->slots[camera->head];
    struct fv_picture *picture = slot->picture;
    slot->picture = NULL;
    fv_list_remove(&slot->age);
    camera->head = (camera->head + 1) % batcher->params.per_camera;
    camera->count--;
    batcher->count--;
    return picture;
}

/* The picture of the camera whose turn it is; the batcher must not be empty. */
static struct fv_picture *take_turn(struct fv_batcher *batcher)
{
    struct camera *camera = FV_CONTAINER(batcher->turns.next, struct camera, turn);
    struct fv_picture *picture = pop_oldest(batcher, camera);
    fv_list_remove(&camera->turn);
    if (camera->count)
        fv_list_append(&batcher->turns, &camera->turn);
    return picture;
}

void fv_batcher_destroy(struct fv_batcher *batcher)
{
    if (!batcher)
        return;
    while (batcher->count)
        fv_picture_unref(take_turn(batcher));
    fv_free(batcher->slots);
    fv_free(batcher->cameras);
    fv_free(batcher);
}

void fv_batcher_put(struct fv_batcher *batcher, struct fv_picture *picture, int64_t now,
                    struct fv_picture **ret_dropped)
{
    *ret_dropped = NULL;
    if (picture->info.camera >= batcher->params.cameras) {
        *ret_dropped = picture;
        return;
    }
    struct camera *camera = &batcher->cameras[picture->info.camera];
    /* The camera keeps its turn: only the picture is replaced. */
    bool has_turn = camera->count > 0;
    if (camera->count == batcher->params.per_camera)
        *ret_dropped = pop_oldest(batcher, camera);

    struct slot *slot = &camera->slots[(camera->head + camera->count) % batcher->params.per_camera];
    slot->picture = picture;
    slot->since = now;
    fv_list_append(&batcher->ages, &slot->age);
    camera->count++;
    batcher->count++;
    if (!has_turn)
        fv_list_append(&batcher->turns, &camera->turn);
}

unsigned fv_batcher_forget(struct fv_batcher *batcher, uint32_t id)
{
    unsigned count = 0;
    if (id >= batcher->params.cameras)
        return 0;
    struct camera *camera = &batcher->cameras[id];
    fv_list_remove(&camera->turn);
    for (; camera->count; count++)
        fv_picture_unref(pop_oldest(batcher, camera));
    return count;
}

int64_t fv_batcher_due(const struct fv_batcher *batcher)
{
    if (!batcher->count)
        return FV_TIME_NEVER;
    const struct slot *oldest = FV_CONTAINER(batcher->ages.next, struct slot, age);
    if (batcher->count >= batcher->params.batch)
        return oldest->since;
    return fv_later(oldest->since, batcher->params.timeout);
}

unsigned fv_batcher_take(struct fv_batcher *batcher, struct fv_picture **out)
{
    unsigned taken = 0;
    while (taken < batcher->params.batch && batcher->count)
        out[taken++] = take_turn(batcher);
    return taken;
}

size_t fv_batcher_count(const struct fv_batcher *batcher)
{
    return batcher->count;
}

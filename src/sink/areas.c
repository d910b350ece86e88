// SPDX-License-Identifier: Apache-2.0
#include "sink/areas.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/mem.h"

/* The areas of one camera: from `first` on, so many. */
struct share {
    char *camera;
    unsigned first, count;
};

struct fv_areas_sheet {
    struct share *shares;
    uint32_t share_count;
    struct fv_overlay_area *items;
    unsigned item_count;
};

struct fv_areas {
    pthread_mutex_t lock;
    struct fv_areas_sheet *sheet; /* under lock; NULL: none */
};

/* Counted before it is whole, so that destroy finds what there is of it. */
static int copy_area(struct fv_areas_sheet *sheet, const struct fv_overlay_area *from)
{
    struct fv_overlay_area *to = &sheet->items[sheet->item_count++];
    double(*points)[2] = fv_calloc(from->point_count + 1, sizeof(*points));
    if (points)
        memcpy(points, from->points, from->point_count * sizeof(*points));
    *to = (struct fv_overlay_area){fv_strdup(from->name), (const double(*)[2])points,
                                   from->point_count, from->mask};
    return to->name && points ? 0 : -ENOMEM;
}

static int copy_camera(struct fv_areas_sheet *sheet, const struct fv_overlay_areas *from)
{
    struct share *share = &sheet->shares[sheet->share_count++];
    *share =
        (struct share){fv_strdup(from->camera ? from->camera : ""), sheet->item_count, from->count};
    int r = share->camera ? 0 : -ENOMEM;
    for (unsigned i = 0; r == 0 && i < from->count; i++)
        r = copy_area(sheet, &from->items[i]);
    return r;
}

int fv_areas_sheet_create(const struct fv_overlay_areas *cameras, uint32_t camera_count,
                          struct fv_areas_sheet **ret_sheet)
{
    unsigned all = 0;
    for (uint32_t i = 0; i < camera_count; i++)
        all += cameras[i].count;
    struct fv_areas_sheet *sheet = FV_NEW(struct fv_areas_sheet);
    if (!sheet)
        return -ENOMEM;
    sheet->items = fv_calloc(all + 1, sizeof(*sheet->items));
    sheet->shares = fv_calloc(camera_count + 1, sizeof(*sheet->shares));
    int r = sheet->items && sheet->shares ? 0 : -ENOMEM;
    for (uint32_t i = 0; r == 0 && i < camera_count; i++)
        r = copy_camera(sheet, &cameras[i]);
    if (r < 0)
        fv_areas_sheet_destroy(sheet);
    else
        *ret_sheet = sheet;
    return r;
}

void fv_areas_sheet_destroy(struct fv_areas_sheet *sheet)
{
    if (!sheet)
        return;
    for (unsigned i = 0; i < sheet->item_count; i++) {
        fv_free((void *)sheet->items[i].name);
        fv_free((void *)sheet->items[i].points);
    }
    for (uint32_t i = 0; i < sheet->share_count; i++)
        fv_free(sheet->shares[i].camera);
    fv_free(sheet->items);
    fv_free(sheet->shares);
    fv_free(sheet);
}

int fv_areas_create(struct fv_areas **ret_areas)
{
    struct fv_areas *areas = FV_NEW(struct fv_areas);
    if (!areas)
        return -ENOMEM;
    pthread_mutex_init(&areas->lock, NULL);
    *ret_areas = areas;
    return 0;
}

void fv_areas_destroy(struct fv_areas *areas)
{
    if (!areas)
        return;
    fv_areas_sheet_destroy(areas->sheet);
    pthread_mutex_destroy(&areas->lock);
    fv_free(areas);
}

struct fv_areas_sheet *fv_areas_turn(struct fv_areas *areas, struct fv_areas_sheet *sheet)
{
    pthread_mutex_lock(&areas->lock);
    struct fv_areas_sheet *before = areas->sheet;
    areas->sheet = sheet;
    pthread_mutex_unlock(&areas->lock);
    return before;
}

void fv_areas_visit(struct fv_areas *areas, uint32_t camera, const char *name,
                    void (*each)(void *data, const struct fv_overlay_area *area), void *data)
{
    pthread_mutex_lock(&areas->lock);
    const struct fv_areas_sheet *sheet = areas->sheet;
    if (sheet && camera < sheet->share_count && !strcmp(sheet->shares[camera].camera, name)) {
        const struct share *share = &sheet->shares[camera];
        for (unsigned i = 0; i < share->count; i++)
            each(data, &sheet->items[share->first + i]);
    }
    pthread_mutex_unlock(&areas->lock);
}

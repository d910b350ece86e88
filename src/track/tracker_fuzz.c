// SPDX-License-Identifier: Apache-2.0
/* Pictures with any boxes at any times: tracks stay sane, ids unique, and every detection has at most one owner. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "track/tracker.h"

#define BOXES_MOST 24

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A picture: int64 step in time, a byte whose low bits count the boxes, whose high bit says that they are raw floats. */
struct input {
    const uint8_t *data;
    size_t size;
};

static bool take(struct input *input, void *out, size_t size)
{
    if (input->size < size)
        return false;
    memcpy(out, input->data, size);
    input->data += size;
    input->size -= size;
    return true;
}

static bool take_box(struct input *input, bool raw, struct fv_detection *ret_box)
{
    uint8_t small[6];
    if (raw)
        return take(input, ret_box, sizeof(*ret_box));
    if (!take(input, small, sizeof(small)))
        return false;
    *ret_box = (struct fv_detection){.x0 = small[0],
                                     .y0 = small[1],
                                     .x1 = (float)small[0] + small[2] / 4.0f,
                                     .y1 = (float)small[1] + small[3] / 4.0f,
                                     .score = small[4] / 255.0f,
                                     .class_id = small[5] & 1};
    return true;
}

static void check(const struct fv_track *tracks, int count, uint32_t seen)
{
    bool taken[BOXES_MOST] = {0};
    for (int i = 0; i < count; i++) {
        const struct fv_track *t = &tracks[i];
        if (!isfinite(t->x0 + t->y0 + t->x1 + t->y1) || !isfinite(t->vx + t->vy) || t->x0 > t->x1 ||
            t->y0 > t->y1 || t->age < 0 || t->last_seen < t->first_seen || t->hits == 0)
            abort();
        if (t->id == 0 || (i > 0 && t->id <= tracks[i - 1].id))
            abort();
        if ((t->detection >= 0) != (t->state == FV_TRACK_TRACKED) || t->detection >= (int32_t)seen)
            abort();
        if (t->detection >= 0 && taken[t->detection])
            abort();
        if (t->detection >= 0)
            taken[t->detection] = true;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fv_tracker_params params = fv_tracker_defaults;
    struct input input = {data, size};
    struct fv_tracker *tracker;
    int64_t time = 0, step;
    uint8_t head;
    params.max_tracks = 40;
    params.max_detections = 20;
    if (fv_tracker_create(&params, &tracker) < 0)
        return 0;
    while (take(&input, &step, sizeof(step)) && take(&input, &head, 1)) {
        struct fv_detection boxes[BOXES_MOST];
        const struct fv_track *tracks;
        uint32_t count = 0;
        time = (int64_t)((uint64_t)time + (uint64_t)step);
        while (count < (head & 127u) % BOXES_MOST && take_box(&input, head >> 7, &boxes[count]))
            count++;
        const int shown = fv_tracker_update(tracker, boxes, count, time, &tracks);
        check(tracks, shown, count);
    }
    fv_tracker_destroy(tracker);
    return 0;
}

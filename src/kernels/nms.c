// SPDX-License-Identifier: Apache-2.0
#include "kernels/nms.h"

/* A total order, so that the result does not depend on how candidates are sorted. */
static bool better(const struct fv_candidate *a, const struct fv_candidate *b)
{
    if (a->box.score != b->box.score)
        return a->box.score > b->box.score;
    return a->row < b->row;
}

/* The candidates are a binary heap with the best on top: few are taken out, sorting all would be
 * waste. */
static void sift_down(struct fv_candidate *heap, uint32_t count, uint32_t at)
{
    const struct fv_candidate item = heap[at];
    for (uint32_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && better(&heap[child + 1], &heap[child]))
            child++;
        if (!better(&heap[child], &item))
            break;
        heap[at] = heap[child];
    }
    heap[at] = item;
}

static struct fv_candidate take_best(struct fv_candidate *heap, uint32_t *count)
{
    struct fv_candidate best = heap[0];
    heap[0] = heap[--*count];
    sift_down(heap, *count, 0);
    return best;
}

static float area(const struct fv_detection *box)
{
    return (box->x1 - box->x0) * (box->y1 - box->y0);
}

static bool overlaps(const struct fv_detection *a, const struct fv_detection *b, float threshold)
{
    float width = (a->x1 < b->x1 ? a->x1 : b->x1) - (a->x0 > b->x0 ? a->x0 : b->x0);
    float height = (a->y1 < b->y1 ? a->y1 : b->y1) - (a->y0 > b->y0 ? a->y0 : b->y0);
    if (!(width > 0 && height > 0))
        return false;
    float intersection = width * height;
    return intersection > threshold * (area(a) + area(b) - intersection);
}

static bool suppressed(const struct fv_detection *kept, uint32_t count,
                       const struct fv_detection *box, float threshold)
{
    for (uint32_t i = 0; i < count; i++)
        if (kept[i].class_id == box->class_id && overlaps(&kept[i], box, threshold))
            return true;
    return false;
}

uint32_t fv_nms_run(const struct fv_nms_params *params, struct fv_candidate *candidates,
                    uint32_t count, struct fv_detection *out, uint32_t *ret_dropped)
{
    uint32_t kept = 0, dropped = 0;
    for (uint32_t i = count / 2; i-- > 0;)
        sift_down(candidates, count, i);
    for (uint32_t taken = 0; count > 0 && taken < params->max_candidates; taken++) {
        struct fv_candidate best = take_best(candidates, &count);
        if (suppressed(out, kept, &best.box, params->iou_threshold))
            continue;
        if (kept < params->max_boxes)
            out[kept++] = best.box;
        else
            dropped++;
    }
    *ret_dropped = dropped + count;
    return kept;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Network output -> boxes, one block for each image. candidates.c and nms.c are the definition; built without fused multiply-add, so
 * that the results are the same bits. No step depends on the order in which threads run.
 *
 *   decode: each row that is a candidate becomes a key, in any order
 *   select: more candidates than may be looked at: the smallest key that still belongs to the best
 *   sort:   keys in shared memory, the best first
 *   walk:   the best that is left is kept, and all threads strike out what it suppresses
 */
#include "kernels/device.h"
#include "kernels/exp.h"
#include "kernels/layout.h"

#define BOX_EXTENT 65536.0f  /* as FV_BOX_EXTENT */
#define SCORE_SLACK 1.001f   /* as FV_SCORE_SLACK */
#define INFINITE 0x7F800000u /* bits of a float */
#define MINUS_INFINITY 0xFF800000u
#define NOT_A_NUMBER 0x7FC00000u
#define WORDS (FV_LAUNCH_CANDIDATES_MAX / 32)

/* What a block shares. */
struct shared {
    uint64_t keys[FV_LAUNCH_CANDIDATES_MAX];
    uint32_t struck[WORDS]; /* one bit for each sorted candidate that is out or was kept */
    uint32_t histogram[256];
    uint16_t kept[FV_LAUNCH_BOXES_MAX];
    uint32_t candidates, loaded, left;
    uint64_t prefix; /* of the key that is being searched */
    uint32_t wanted; /* its rank among those with this prefix */
};

struct found {
    struct fv_launch_corners corners;
    float score;
    uint32_t class_id;
};

/* --- Keys: order by falling score, equal scores by rising row. The class rides along. --- */

FV_DEVICE uint64_t key_of(float score, uint32_t row, uint32_t class_id)
{
    const uint32_t bits =
        fv_bits_of_float(score + 0.0f); /* no -0; of positive numbers bits order as values */
    return (uint64_t)bits << 32 | (FV_LAUNCH_ROWS_MAX - 1 - row) << 12 | class_id;
}

FV_DEVICE float score_of(uint64_t key)
{
    return fv_float_of_bits((uint32_t)(key >> 32));
}

FV_DEVICE uint32_t row_of(uint64_t key)
{
    return FV_LAUNCH_ROWS_MAX - 1 - ((uint32_t)key >> 12);
}

FV_DEVICE uint32_t class_of(uint64_t key)
{
    return (uint32_t)key & (FV_LAUNCH_CLASSES_MAX - 1);
}

/* --- Decode --- */

/* Element `index` of the outputs that begin at `base`. */
FV_DEVICE float load(const struct fv_launch_boxes *launch, uint64_t base, uint64_t index)
{
    return launch->half ? fv_float_of_half(fv_load_u16(base + 2 * index))
                        : fv_load_f32(base + 4 * index);
}

/* Column, line and stride of the cell of a row of a grid. */
struct cell {
    uint32_t column, line, stride;
};

FV_DEVICE struct cell cell_of(const struct fv_launch_reading *r, uint32_t row)
{
    struct cell cell = {0, 0, 0};
    for (uint32_t i = 0; i < r->stride_count; i++) {
        cell.stride = r->strides[i];
        const uint32_t columns = r->width / cell.stride;
        const uint32_t rows = columns * (r->height / cell.stride);
        if (row < rows) {
            cell.line = row / columns;
            cell.column = row % columns;
            break;
        }
        row -= rows;
    }
    return cell;
}

FV_DEVICE uint32_t corners_valid(const struct fv_launch_corners *c)
{
    return c->x0 >= -BOX_EXTENT && c->x1 <= BOX_EXTENT && c->x0 < c->x1 && c->y0 >= -BOX_EXTENT &&
           c->y1 <= BOX_EXTENT && c->y0 < c->y1;
}

/* The four values of a row's box, and what becomes of them: each function works on all. */
struct values {
    float a, b, c, d;
};

FV_DEVICE struct values grid_extent(const struct fv_launch_reading *r, uint32_t row,
                                    struct values v)
{
    const struct cell cell = cell_of(r, row);
    const float stride = (float)cell.stride;
    const struct values extent = {(v.a + (float)cell.column) * stride,
                                  (v.b + (float)cell.line) * stride, fv_exp(v.c) * stride,
                                  fv_exp(v.d) * stride};
    return extent;
}

FV_DEVICE struct values prior_extent(const struct fv_launch_boxes *launch, uint32_t row,
                                     struct values v)
{
    const struct fv_launch_reading *r = &launch->reading;
    const uint64_t at = launch->priors + 16 * (uint64_t)row;
    const float width = fv_load_f32(at + 8), height = fv_load_f32(at + 12);
    const struct values extent = {(v.a * r->variances[0] * width + fv_load_f32(at)) * r->scale_x,
                                  (v.b * r->variances[1] * height + fv_load_f32(at + 4)) *
                                      r->scale_y,
                                  fv_exp(v.c * r->variances[2]) * width * r->scale_x,
                                  fv_exp(v.d * r->variances[3]) * height * r->scale_y};
    return extent;
}

FV_DEVICE struct fv_launch_corners around(struct values extent)
{
    const struct fv_launch_corners corners = {extent.a - extent.c / 2, extent.b - extent.d / 2,
                                              extent.a + extent.c / 2, extent.b + extent.d / 2};
    return corners;
}

FV_DEVICE struct values box_values(const struct fv_launch_boxes *launch, uint32_t row)
{
    const struct fv_launch_reading *r = &launch->reading;
    const uint64_t at = (uint64_t)fv_block_x() * r->box_image + (uint64_t)row * r->box_row;
    const uint64_t step = r->box_step;
    const struct values v = {
        load(launch, launch->output, at), load(launch, launch->output, at + step),
        load(launch, launch->output, at + 2 * step), load(launch, launch->output, at + 3 * step)};
    return v;
}

FV_DEVICE struct fv_launch_corners corners_of(const struct fv_launch_boxes *launch, uint32_t row)
{
    const struct fv_launch_reading *r = &launch->reading;
    const struct values v = box_values(launch, row);
    const struct values scaled = {v.a * r->scale_x, v.b * r->scale_y, v.c * r->scale_x,
                                  v.d * r->scale_y};
    if (r->code == FV_BOX_GRID)
        return around(grid_extent(r, row, v));
    if (r->code == FV_BOX_PRIOR)
        return around(prior_extent(launch, row, v));
    if (r->code == FV_BOX_CENTRE)
        return around(scaled);
    if (r->code == FV_BOX_WHOLE) {
        const struct fv_launch_corners whole = {0, 0, (float)r->width, (float)r->height};
        return whole;
    }
    if (r->code == FV_BOX_CORNERS) {
        const struct fv_launch_corners corners = {scaled.a, scaled.b, scaled.c, scaled.d};
        return corners;
    }
    const struct fv_launch_corners turned = {v.b * r->scale_x, v.a * r->scale_y, v.d * r->scale_x,
                                             v.c * r->scale_y};
    return turned;
}

/* Where the columns of a row's scores lie. */
struct columns {
    uint64_t first, step;
};

FV_DEVICE float column(const struct fv_launch_boxes *launch, struct columns at, uint32_t number)
{
    return load(launch, launch->scores, at.first + number * at.step);
}

FV_DEVICE float best_class(const struct fv_launch_boxes *launch, struct columns at,
                           uint32_t *ret_class)
{
    const struct fv_launch_reading *r = &launch->reading;
    float best = fv_float_of_bits(MINUS_INFINITY);
    uint32_t class_id = 0;
    for (uint32_t i = 0; i < r->classes; i++) {
        const float value = column(launch, at, r->class_first + i);
        if (value > best) {
            best = value;
            class_id = i;
        }
    }
    *ret_class = class_id;
    return best;
}

FV_DEVICE float softmax(const struct fv_launch_boxes *launch, struct columns at, float best)
{
    const struct fv_launch_reading *r = &launch->reading;
    float top = best, sum = 0;
    for (uint32_t i = 0; i < r->columns; i++) {
        const float value = column(launch, at, i);
        if (value > top)
            top = value;
    }
    const float part = fv_exp(best - top);
    if (!(part >= r->score_threshold)) /* too low: the sum is at least 1 */
        return part;
    for (uint32_t i = 0; i < r->columns; i++)
        sum += fv_exp(column(launch, at, i) - top);
    return part / sum;
}

FV_DEVICE float activated(const struct fv_launch_boxes *launch, struct columns at,
                          uint32_t *ret_class)
{
    const float best = best_class(launch, at, ret_class);
    if (!(best > fv_float_of_bits(MINUS_INFINITY) && best < fv_float_of_bits(INFINITE)))
        return fv_float_of_bits(NOT_A_NUMBER); /* which reaches no threshold, not even 0 */
    if (launch->reading.activation == FV_SCORE_NONE)
        return best;
    if (launch->reading.activation == FV_SCORE_SOFTMAX)
        return softmax(launch, at, best);
    return 1 / (1 + fv_exp(-best));
}

/* Not 0: the score is enough. */
FV_DEVICE uint32_t score_row(const struct fv_launch_boxes *launch, uint32_t row,
                             struct found *found)
{
    const struct fv_launch_reading *r = &launch->reading;
    const struct columns at = {(uint64_t)fv_block_x() * r->score_image + r->score_first +
                                   (uint64_t)row * r->score_row,
                               r->score_step};
    float score = 1;
    if (r->objectness) {
        score = load(launch, launch->scores, at.first - at.step);
        if (!(score >= r->score_threshold && score <= SCORE_SLACK))
            return 0;
    }
    const float best = activated(launch, at, &found->class_id);
    score *= best;
    found->score = score > 1 ? 1 : score;
    return score >= r->score_threshold && best <= SCORE_SLACK;
}

/* Not 0: the row is a candidate. */
FV_DEVICE uint32_t decode(const struct fv_launch_boxes *launch, uint32_t row, struct found *found)
{
    if (!score_row(launch, row, found))
        return 0;
    if (launch->wanted && !fv_load_u8(launch->wanted + found->class_id))
        return 0;
    found->corners = corners_of(launch, row);
    return corners_valid(&found->corners);
}

FV_DEVICE void gather(const struct fv_launch_boxes *launch, struct shared *shared, uint64_t *keys)
{
    for (uint32_t row = fv_thread_x(); row < launch->reading.rows; row += fv_threads_x()) {
        struct found found;
        if (decode(launch, row, &found))
            keys[fv_atomic_add(&shared->candidates, 1)] = key_of(found.score, row, found.class_id);
    }
    fv_sync();
}

/* --- Select and sort --- */

/* One byte more of the key with rank `wanted`, counted from the largest. */
FV_DEVICE void narrow(struct shared *shared, const uint64_t *keys, uint32_t count, uint32_t shift)
{
    const uint64_t prefix = shared->prefix;
    for (uint32_t i = fv_thread_x(); i < 256; i += fv_threads_x())
        shared->histogram[i] = 0;
    fv_sync();
    for (uint32_t i = fv_thread_x(); i < count; i += fv_threads_x())
        if (shift == 56 || keys[i] >> (shift + 8) == prefix)
            fv_atomic_add(&shared->histogram[keys[i] >> shift & 255], 1);
    fv_sync();
    if (fv_thread_x() == 0) {
        uint32_t bin = 255, rank = shared->wanted;
        while (rank > shared->histogram[bin])
            rank -= shared->histogram[bin--];
        shared->wanted = rank;
        shared->prefix = prefix << 8 | bin;
    }
    fv_sync();
}

/* The `take` largest keys go to shared memory, padded with zeros to a power of two; returns that. Keys are distinct. */
FV_DEVICE uint32_t take_best(struct shared *shared, const uint64_t *keys, uint32_t count,
                             uint32_t take)
{
    if (count > take) {
        if (fv_thread_x() == 0)
            shared->wanted = take;
        fv_sync();
        for (uint32_t shift = 64; shift > 0; shift -= 8)
            narrow(shared, keys, count, shift - 8);
    }
    const uint64_t smallest = shared->prefix;
    for (uint32_t i = fv_thread_x(); i < count; i += fv_threads_x())
        if (keys[i] >= smallest)
            shared->keys[fv_atomic_add(&shared->loaded, 1)] = keys[i];
    uint32_t size = 1;
    while (size < take)
        size *= 2;
    for (uint32_t i = take + fv_thread_x(); i < size; i += fv_threads_x())
        shared->keys[i] = 0;
    fv_sync();
    return size;
}

/* Bitonic sort, the largest first. `size`: a power of two. */
FV_DEVICE void sort(uint64_t *keys, uint32_t size)
{
    for (uint32_t block = 2; block <= size; block *= 2)
        for (uint32_t distance = block / 2; distance > 0; distance /= 2) {
            for (uint32_t i = fv_thread_x(); i < size / 2; i += fv_threads_x()) {
                const uint32_t low = 2 * i - (i & (distance - 1)), high = low + distance;
                const uint64_t a = keys[low], b = keys[high];
                if ((a < b) == ((low & block) == 0)) {
                    keys[low] = b;
                    keys[high] = a;
                }
            }
            fv_sync();
        }
}

/* --- Walk --- */

FV_DEVICE float area(const struct fv_launch_corners *box)
{
    return (box->x1 - box->x0) * (box->y1 - box->y0);
}

FV_DEVICE uint32_t overlaps(const struct fv_launch_corners *a, const struct fv_launch_corners *b,
                            float threshold)
{
    const float width = (a->x1 < b->x1 ? a->x1 : b->x1) - (a->x0 > b->x0 ? a->x0 : b->x0);
    const float height = (a->y1 < b->y1 ? a->y1 : b->y1) - (a->y0 > b->y0 ? a->y0 : b->y0);
    if (!(width > 0 && height > 0))
        return 0;
    const float intersection = width * height;
    return intersection > threshold * (area(a) + area(b) - intersection);
}

/* The first candidate at or behind `at` that is not struck out; `count` or more: none. Each thread finds it for itself. */
FV_DEVICE uint32_t next_left(const struct shared *shared, uint32_t at, uint32_t count)
{
    for (uint32_t word = at / 32; word < (count + 31) / 32; word++) {
        uint32_t left = ~shared->struck[word];
        if (word == at / 32)
            left &= ~0u << at % 32;
        if (left)
            return word * 32 + fv_lowest_bit(left);
    }
    return count;
}

FV_DEVICE void strike_overlapped(struct shared *shared, const struct fv_launch_corners *corners,
                                 uint32_t at, uint32_t count, float threshold)
{
    const struct fv_launch_corners best = corners[at];
    const uint32_t class_id = class_of(shared->keys[at]);
    for (uint32_t i = at + 1 + fv_thread_x(); i < count; i += fv_threads_x()) {
        if (class_of(shared->keys[i]) != class_id)
            continue;
        const struct fv_launch_corners other = corners[i];
        if (overlaps(&best, &other, threshold))
            fv_atomic_or(&shared->struck[i / 32], 1u << i % 32);
    }
}

/* Returns the number of boxes kept; their places are in shared->kept. */
FV_DEVICE uint32_t walk(const struct fv_launch_boxes *launch, struct shared *shared,
                        const struct fv_launch_corners *corners, uint32_t count)
{
    uint32_t kept = 0;
    for (uint32_t at = 0; kept < launch->max_boxes; at++, kept++) {
        at = next_left(shared, at, count);
        if (at >= count)
            break;
        fv_sync(); /* all have found it */
        if (fv_thread_x() == 0) {
            shared->kept[kept] = (uint16_t)at;
            fv_atomic_or(&shared->struck[at / 32], 1u << at % 32);
        }
        strike_overlapped(shared, corners, at, count, launch->iou_threshold);
        fv_sync();
    }
    return kept;
}

/* --- All of it --- */

FV_DEVICE void reset(struct shared *shared)
{
    if (fv_thread_x() == 0) {
        shared->candidates = shared->loaded = shared->left = shared->wanted = 0;
        shared->prefix = 0;
    }
    for (uint32_t i = fv_thread_x(); i < WORDS; i += fv_threads_x())
        shared->struck[i] = 0;
    fv_sync();
}

/* Candidates that nothing suppressed, but for which there is no room. */
FV_DEVICE void count_left(struct shared *shared, uint32_t count)
{
    for (uint32_t i = fv_thread_x(); i < (count + 31) / 32; i += fv_threads_x()) {
        uint32_t left = ~shared->struck[i];
        if (count - i * 32 < 32)
            left &= (1u << (count - i * 32)) - 1;
        fv_atomic_add(&shared->left, fv_count_bits(left));
    }
    fv_sync();
}

FV_DEVICE void report(const struct shared *shared, const struct fv_launch_corners *corners,
                      uint32_t kept, uint32_t dropped, struct fv_launch_result *result)
{
    if (fv_thread_x() == 0) {
        result->count = kept;
        result->dropped = dropped;
    }
    for (uint32_t i = fv_thread_x(); i < kept; i += fv_threads_x()) {
        const uint32_t at = shared->kept[i];
        const struct fv_launch_box box = {corners[at].x0,
                                          corners[at].y0,
                                          corners[at].x1,
                                          corners[at].y1,
                                          score_of(shared->keys[at]),
                                          class_of(shared->keys[at])};
        result->boxes[i] = box;
    }
}

FV_KERNEL fv_boxes(const struct fv_launch_boxes launch)
{
    FV_SHARED struct shared shared;
    const uint64_t image = fv_block_x();
    uint64_t *keys = (uint64_t *)(uintptr_t)launch.keys + image * launch.reading.rows;
    struct fv_launch_corners *corners =
        (struct fv_launch_corners *)(uintptr_t)launch.corners + image * launch.max_candidates;
    struct fv_launch_result *result = (struct fv_launch_result *)(uintptr_t)launch.results + image;

    reset(&shared);
    gather(&launch, &shared, keys);
    const uint32_t count = shared.candidates;
    const uint32_t take = count < launch.max_candidates ? count : launch.max_candidates;
    sort(shared.keys, take_best(&shared, keys, count, take));
    for (uint32_t i = fv_thread_x(); i < take; i += fv_threads_x())
        corners[i] = corners_of(&launch, row_of(shared.keys[i]));
    fv_sync();
    const uint32_t kept = walk(&launch, &shared, corners, take);
    count_left(&shared, take);
    report(&shared, corners, kept, shared.left + (count - take), result);
}

// SPDX-License-Identifier: Apache-2.0
#include "kernels/candidates.h"

#include <errno.h>
#include <math.h>

#include "kernels/exp.h"

/* --- The table of layouts --- */

static const struct fv_layout_info layouts[FV_LAYOUTS] = {
    [FV_LAYOUT_YOLOX] = {"yolox", false, false, true, true, FV_BOX_GRID},
    [FV_LAYOUT_YOLOV5] = {"yolov5", false, false, true, true, FV_BOX_CENTRE},
    [FV_LAYOUT_YOLOV8] = {"yolov8", true, false, false, true, FV_BOX_CENTRE},
    [FV_LAYOUT_SSD] = {"ssd", false, true, false, true, FV_BOX_CODES},
    [FV_LAYOUT_DETR] = {"detr", false, true, false, false, FV_BOX_CENTRE},
    [FV_LAYOUT_CLASSES] = {"classifier", false, false, false, false, FV_BOX_WHOLE},
};

const struct fv_layout_info *fv_layout_info(enum fv_layout layout)
{
    return &layouts[layout];
}

/* --- From layout to numbers --- */

/* 0: strides or sizes that make no grid. */
static uint64_t count_rows(const struct fv_box_spec *spec)
{
    uint64_t rows = 0;
    if (spec->layout == FV_LAYOUT_CLASSES)
        return 1;
    if (spec->layout != FV_LAYOUT_YOLOX)
        return spec->rows;
    if (spec->stride_count > 4)
        return 0;
    for (uint32_t i = 0; i < spec->stride_count; i++) {
        if (spec->strides[i] == 0)
            return 0;
        rows += (uint64_t)(spec->width / spec->strides[i]) * (spec->height / spec->strides[i]);
    }
    return rows;
}

static bool columns_usable(const struct fv_box_spec *spec)
{
    const uint32_t others = spec->columns - spec->classes;
    if (spec->columns < spec->classes || others > 1)
        return false;
    return others == 1 || spec->activation != FV_SCORE_SOFTMAX;
}

static bool spec_usable(const struct fv_box_spec *spec)
{
    if ((unsigned)spec->layout >= FV_LAYOUTS || spec->classes == 0 ||
        spec->classes > FV_LAUNCH_CLASSES_MAX)
        return false;
    const uint64_t rows = count_rows(spec);
    if (rows == 0 || rows > FV_LAUNCH_ROWS_MAX)
        return false;
    if (spec->layout == FV_LAYOUT_SSD &&
        ((unsigned)spec->code >= FV_BOX_CODES || spec->code == FV_BOX_GRID ||
         spec->code == FV_BOX_WHOLE || (spec->code == FV_BOX_PRIOR && !spec->priors)))
        return false;
    if (spec->layout == FV_LAYOUT_CLASSES)
        return spec->columns == spec->classes;
    return !layouts[spec->layout].second || columns_usable(spec);
}

static void read_scores(struct fv_launch_reading *r, const struct fv_box_spec *spec)
{
    const struct fv_layout_info *layout = &layouts[spec->layout];
    if (layout->second || spec->layout == FV_LAYOUT_CLASSES) {
        r->columns = spec->columns;
        r->class_first = spec->layout == FV_LAYOUT_SSD ? spec->columns - spec->classes : 0;
        r->score_row = spec->columns;
        r->score_step = 1;
        r->activation = spec->activation;
        r->score_image = r->rows * spec->columns;
        return;
    }
    r->columns = spec->classes;
    r->activation = FV_SCORE_NONE;
    r->score_row = r->box_row;
    r->score_step = r->box_step;
    r->score_first = (layout->objectness ? 5 : 4) * r->box_step;
    r->score_image = r->box_image;
}

/* How far the boxes of rows, and the values of one, lie apart. */
static void read_boxes(struct fv_launch_reading *r, const struct fv_box_spec *spec)
{
    const struct fv_layout_info *layout = &layouts[spec->layout];
    const uint32_t values = layout->second ? 4 : (layout->objectness ? 5 : 4) + spec->classes;
    if (spec->layout == FV_LAYOUT_CLASSES) {
        r->box_image = spec->classes; /* whoever reads four values of a box finds the first score */
        return;
    }
    r->box_row = layout->transposed ? 1 : values;
    r->box_step = layout->transposed ? r->rows : 1;
    r->box_image = r->rows * values;
}

int fv_box_reading_init(struct fv_launch_reading *reading, const struct fv_box_spec *spec)
{
    if (!spec_usable(spec))
        return -EINVAL;
    const struct fv_layout_info *layout = &layouts[spec->layout];
    const bool fraction =
        spec->layout == FV_LAYOUT_DETR || (spec->layout == FV_LAYOUT_SSD && spec->fraction);
    *reading = (struct fv_launch_reading){
        .rows = (uint32_t)count_rows(spec),
        .classes = spec->classes,
        .objectness = layout->objectness,
        .code = layout->own_code < FV_BOX_CODES ? layout->own_code : spec->code,
        .scale_x = fraction ? (float)spec->width : 1,
        .scale_y = fraction ? (float)spec->height : 1,
        .score_threshold = spec->score_threshold,
        .width = spec->width,
        .height = spec->height,
        .stride_count = spec->stride_count,
    };
    for (uint32_t i = 0; i < 4; i++) {
        reading->strides[i] = spec->strides[i];
        reading->variances[i] = spec->variances[i];
    }
    read_boxes(reading, spec);
    read_scores(reading, spec);
    return 0;
}

/* --- Scores --- */

/* The best class and its value; the lower number of equal ones. Minus infinity: there is none. */
static float best_class(const struct fv_launch_reading *r, const float *scores, uint32_t *ret_class)
{
    float best = -INFINITY;
    *ret_class = 0;
    for (uint32_t i = 0; i < r->classes; i++) {
        const float value = scores[(size_t)(r->class_first + i) * r->score_step];
        if (value > best) {
            best = value;
            *ret_class = i;
        }
    }
    return best;
}

/* Of the column with the value `best`; where it is below the threshold some other value below it. */
static float softmax(const struct fv_launch_reading *r, const float *scores, float best)
{
    float top = best, sum = 0;
    for (uint32_t i = 0; i < r->columns; i++) {
        const float value = scores[(size_t)i * r->score_step];
        if (value > top)
            top = value;
    }
    const float part = fv_exp(best - top);
    if (!(part >= r->score_threshold)) /* too low: the sum is at least 1 */
        return part;
    for (uint32_t i = 0; i < r->columns; i++)
        sum += fv_exp(scores[(size_t)i * r->score_step] - top);
    return part / sum;
}

static float score_of(const struct fv_launch_reading *r, const float *scores, uint32_t *ret_class)
{
    const float best = best_class(r, scores, ret_class);
    if (!(best > -INFINITY && best < INFINITY))
        return NAN; /* which reaches no threshold, not even 0 */
    switch (r->activation) {
    case FV_SCORE_SOFTMAX:
        return softmax(r, scores, best);
    case FV_SCORE_SIGMOID:
        return 1 / (1 + fv_exp(-best));
    default:
        return best;
    }
}

/* False when the class is not wanted or the score is too low or no score at all. */
static bool decode_score(const struct fv_launch_reading *r, const uint8_t *wanted,
                         const float *scores, struct fv_detection *box)
{
    float score = 1;
    uint32_t class_id;
    if (r->objectness) {
        /* Nearly all rows end here: the class scores are not even read. */
        score = *(scores - r->score_step);
        if (!(score >= r->score_threshold && score <= FV_SCORE_SLACK))
            return false;
    }
    const float best = score_of(r, scores, &class_id);
    score *= best;
    if (!(score >= r->score_threshold && best <= FV_SCORE_SLACK))
        return false;
    if (wanted && !wanted[class_id])
        return false;
    box->score = score > 1 ? 1 : score + 0.0f; /* no -0 */
    box->class_id = (uint16_t)class_id;
    return true;
}

/* --- Boxes --- */

/* Centre and size of the box, in tensor pixels. */
struct extent {
    float x, y, width, height;
};

static struct extent of_grid(const struct fv_launch_reading *r, uint32_t row, const float v[4])
{
    uint32_t column = 0, line = 0;
    float stride = 1;
    for (uint32_t i = 0; i < r->stride_count; i++) {
        const uint32_t columns = r->width / r->strides[i];
        const uint32_t cells = columns * (r->height / r->strides[i]);
        stride = (float)r->strides[i];
        if (row < cells) {
            line = row / columns;
            column = row % columns;
            break;
        }
        row -= cells;
    }
    return (struct extent){(v[0] + (float)column) * stride, (v[1] + (float)line) * stride,
                           fv_exp(v[2]) * stride, fv_exp(v[3]) * stride};
}

static struct extent of_prior(const struct fv_launch_reading *r, const float prior[4],
                              const float v[4])
{
    const float *a = r->variances;
    return (struct extent){(v[0] * a[0] * prior[2] + prior[0]) * r->scale_x,
                           (v[1] * a[1] * prior[3] + prior[1]) * r->scale_y,
                           fv_exp(v[2] * a[2]) * prior[2] * r->scale_x,
                           fv_exp(v[3] * a[3]) * prior[3] * r->scale_y};
}

static void set_extent(struct fv_detection *box, const struct extent *e)
{
    box->x0 = e->x - e->width / 2;
    box->y0 = e->y - e->height / 2;
    box->x1 = e->x + e->width / 2;
    box->y1 = e->y + e->height / 2;
}

static void set_corners(struct fv_detection *box, const struct fv_launch_reading *r,
                        const float v[4], bool swapped)
{
    box->x0 = v[swapped ? 1 : 0] * r->scale_x;
    box->y0 = v[swapped ? 0 : 1] * r->scale_y;
    box->x1 = v[swapped ? 3 : 2] * r->scale_x;
    box->y1 = v[swapped ? 2 : 3] * r->scale_y;
}

static void decode_corners(const struct fv_box_spec *spec, const struct fv_launch_reading *r,
                           uint32_t row, const float v[4], struct fv_detection *box)
{
    struct extent e;
    switch (r->code) {
    case FV_BOX_CORNERS:
    case FV_BOX_CORNERS_YX:
        set_corners(box, r, v, r->code == FV_BOX_CORNERS_YX);
        return;
    case FV_BOX_WHOLE:
        box->x0 = box->y0 = 0;
        box->x1 = (float)r->width;
        box->y1 = (float)r->height;
        return;
    case FV_BOX_GRID:
        e = of_grid(r, row, v);
        break;
    case FV_BOX_PRIOR:
        e = of_prior(r, spec->priors + (size_t)4 * row, v);
        break;
    default:
        e = (struct extent){v[0] * r->scale_x, v[1] * r->scale_y, v[2] * r->scale_x,
                            v[3] * r->scale_y};
        break;
    }
    set_extent(box, &e);
}

static bool corners_usable(const struct fv_detection *box)
{
    return box->x0 >= -FV_BOX_EXTENT && box->x1 <= FV_BOX_EXTENT && box->x0 < box->x1 &&
           box->y0 >= -FV_BOX_EXTENT && box->y1 <= FV_BOX_EXTENT && box->y0 < box->y1;
}

uint32_t fv_candidates_decode(const struct fv_box_spec *spec, const float *output,
                              const float *scores, struct fv_candidate *out)
{
    struct fv_launch_reading r;
    uint32_t count = 0;
    if (fv_box_reading_init(&r, spec) < 0)
        return 0;
    const float *score = (scores ? scores : output) + r.score_first;
    for (uint32_t row = 0; row < r.rows; row++, score += r.score_row) {
        struct fv_candidate *candidate = &out[count];
        if (!decode_score(&r, spec->wanted, score, &candidate->box))
            continue;
        const float *first = output + (size_t)row * r.box_row;
        const float v[4] = {first[0], first[r.box_step], first[(size_t)2 * r.box_step],
                            first[(size_t)3 * r.box_step]};
        decode_corners(spec, &r, row, v, &candidate->box);
        candidate->row = row;
        count += corners_usable(&candidate->box);
    }
    return count;
}

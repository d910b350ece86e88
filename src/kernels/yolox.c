// SPDX-License-Identifier: Apache-2.0
#include "kernels/yolox.h"

#include "kernels/exp.h"

/* Where a row's cell lies. */
struct cell {
    uint32_t column, line, stride;
};

/* False when the class is not wanted or the score is too low or no score at all. */
static bool decode_score(const struct fv_yolox_spec *spec, const float *row,
                         struct fv_detection *box)
{
    float best = 0;
    uint32_t class_id = 0;
    for (uint32_t i = 0; i < spec->classes; i++)
        if (row[5 + i] > best) {
            best = row[5 + i];
            class_id = i;
        }
    float score = row[4] * best;
    if (!(score >= spec->score_threshold && best <= FV_SCORE_SLACK))
        return false;
    if (spec->wanted && !spec->wanted[class_id])
        return false;
    box->score = score > 1 ? 1 : score;
    box->class_id = (uint16_t)class_id;
    return true;
}

static bool decode_corners(const struct cell *cell, const float *row, struct fv_detection *box)
{
    float stride = (float)cell->stride;
    float x = (row[0] + (float)cell->column) * stride, y = (row[1] + (float)cell->line) * stride;
    float width = fv_exp(row[2]) * stride, height = fv_exp(row[3]) * stride;
    box->x0 = x - width / 2;
    box->y0 = y - height / 2;
    box->x1 = x + width / 2;
    box->y1 = y + height / 2;
    return box->x0 >= -FV_BOX_EXTENT && box->x1 <= FV_BOX_EXTENT && box->x0 < box->x1 &&
           box->y0 >= -FV_BOX_EXTENT && box->y1 <= FV_BOX_EXTENT && box->y0 < box->y1;
}

static bool decode_row(const struct fv_yolox_spec *spec, const struct cell *cell, const float *row,
                       struct fv_detection *box)
{
    return decode_score(spec, row, box) && decode_corners(cell, row, box);
}

uint32_t fv_yolox_decode(const struct fv_yolox_spec *spec, const float *output,
                         struct fv_candidate *out)
{
    uint32_t count = 0, row = 0;
    for (uint32_t i = 0; i < spec->stride_count; i++) {
        struct cell cell = {.stride = spec->strides[i]};
        for (cell.line = 0; cell.line < spec->height / cell.stride; cell.line++)
            for (cell.column = 0; cell.column < spec->width / cell.stride; cell.column++, row++) {
                const float *values = output + (size_t)row * (5 + spec->classes);
                /* Nearly all rows end here: the class scores are not even read. */
                if (!(values[4] >= spec->score_threshold && values[4] <= FV_SCORE_SLACK))
                    continue;
                struct fv_candidate *candidate = &out[count];
                candidate->row = row;
                count += decode_row(spec, &cell, values, &candidate->box);
            }
    }
    return count;
}

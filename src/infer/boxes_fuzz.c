// SPDX-License-Identifier: Apache-2.0
/* Any floats as a network's output: what comes out are sane boxes in order. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "infer/boxes.h"

#define ROWS 42
#define COLUMNS 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct fv_detection *out, uint32_t count)
{
    if (count > FV_DETECTIONS_MAX)
        abort();
    for (uint32_t i = 0; i < count; i++) {
        const struct fv_detection *box = &out[i];
        if (!isfinite(box->x0 + box->y0 + box->x1 + box->y1) || !(box->x0 < box->x1) ||
            !(box->y0 < box->y1) || !(box->score >= 0.2f && box->score <= 1) || box->class_id > 2)
            abort();
        if (i > 0 && out[i - 1].score < box->score)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct fv_model model = {.width = 64,
                                   .height = 32,
                                   .layout = FV_LAYOUT_YOLOX,
                                   .strides = {8, 16, 32},
                                   .stride_count = 3,
                                   .rows = ROWS,
                                   .columns = COLUMNS,
                                   .label_count = 3};
    const struct fv_boxes_params params = {
        .model = &model, .score_threshold = 0.2f, .iou_threshold = 0.45f};
    float output[ROWS * COLUMNS] = {0};
    struct fv_detection out[FV_DETECTIONS_MAX];
    struct fv_boxes *boxes;
    memcpy(output, data, size < sizeof(output) ? size : sizeof(output));
    if (fv_boxes_create(&params, &boxes) < 0)
        return 0;
    check(out, fv_boxes_decode(boxes, output, out, NULL));
    fv_boxes_destroy(boxes);
    return 0;
}

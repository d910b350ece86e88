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

/* The same numbers in any layout: 3 labels, 8 columns of ROWS rows at most. */
static struct fv_model model_of(enum fv_layout layout, const float *priors)
{
    const struct fv_layout_info *info = fv_layout_info(layout);
    return (struct fv_model){.width = 64,
                             .height = 32,
                             .layout = layout,
                             .strides = {8, 16, 32},
                             .stride_count = 3,
                             .rows = layout == FV_LAYOUT_CLASSES ? 1 : ROWS,
                             .columns = layout == FV_LAYOUT_CLASSES ? 3
                                        : info->second              ? 4
                                        : info->objectness          ? 8
                                                                    : 7,
                             .activation = FV_SCORE_SOFTMAX,
                             .code = FV_BOX_PRIOR,
                             .fraction = true,
                             .priors = (float *)(uintptr_t)priors,
                             .variances = {1, 1, 1, 1},
                             .label_count = 3};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* A byte behind the numbers chooses the layout. */
    float output[ROWS * COLUMNS] = {0};
    const enum fv_layout layout =
        size > sizeof(output) ? (enum fv_layout)(data[sizeof(output)] % FV_LAYOUTS) : 0;
    const struct fv_model model = model_of(layout, output);
    const struct fv_boxes_params params = {
        .model = &model, .score_threshold = 0.2f, .iou_threshold = 0.45f};
    const float *scores = fv_layout_info(layout)->second ? output + (ptrdiff_t)ROWS * 4 : NULL;
    struct fv_detection out[FV_DETECTIONS_MAX];
    struct fv_boxes *boxes;
    memcpy(output, data, size < sizeof(output) ? size : sizeof(output));
    if (fv_boxes_create(&params, &boxes) < 0)
        return 0;
    check(out, fv_boxes_decode(boxes, output, scores, out, NULL));
    fv_boxes_destroy(boxes);
    return 0;
}

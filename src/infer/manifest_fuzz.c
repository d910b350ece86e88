// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a manifest: refused with a sentence, or a model whose numbers fit together. */
#include <stdlib.h>
#include <string.h>

#include "infer/boxes.h"
#include "infer/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fv_model *model;
    struct fv_error err = {0};
    int result = fv_manifest_parse((const char *)data, size, &model, &err);
    if (result < 0) {
        if (err.code != result || !err.text[0])
            abort();
        return 0;
    }
    /* What the parser lets through, the decoder must accept. */
    struct fv_boxes *boxes;
    if (fv_boxes_create(&(struct fv_boxes_params){.model = model}, &boxes) == 0)
        fv_boxes_destroy(boxes);
    else if (model->rows < 100000)
        abort();
    fv_model_free(model);
    return 0;
}

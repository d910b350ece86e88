// SPDX-License-Identifier: Apache-2.0
/*
 * A model and its manifest: the JSON file beside `x.onnx` named `x.json` that says how to feed it and how to read it. A model that
 * contradicts its manifest is refused with a message that says what differs. Format: docs/model-manifest.md.
 */
#ifndef FV_INFER_MODEL_H
#define FV_INFER_MODEL_H

#include "base/error.h"
#include "prep/plan.h"

enum fv_layout { FV_LAYOUT_YOLOX }; /* how the output tensor codes boxes */
enum fv_order { FV_ORDER_BGR, FV_ORDER_RGB };

struct fv_model {
    char name[64];
    char path[1024]; /* of the ONNX file */
    char sha256[65]; /* lower-case hex, of the ONNX file */
    char input_name[64], output_name[64];
    uint32_t width, height;  /* of the input tensor [N, 3, height, width] */
    enum fv_element element; /* of both tensors */
    enum fv_order order;
    float range;           /* the input's value for full intensity: 255 or 1 */
    float mean[3], std[3]; /* after range, per channel in `order`: (v - mean) / std */
    enum fv_pad pad;
    float pad_value;    /* in units of range */
    bool dynamic_batch; /* N is free; else 1 */
    enum fv_layout layout;
    uint32_t strides[4], stride_count; /* YOLOX */
    uint32_t rows, columns;            /* of the output [N, rows, columns] */
    char **labels;                     /* label_count strings */
    uint32_t label_count;              /* columns - 5 for YOLOX */
};

/* Reads the manifest of `onnx_path` and checks the file's sha256 against it. 0, -ENOENT, -EACCES, -EBADMSG, -EINVAL, -EIO,
 * -ENOMEM; err says which file, what differs and the cure. */
int fv_model_load(const char *onnx_path, struct fv_model **ret_model, struct fv_error *err);
void fv_model_free(struct fv_model *model); /* NULL is fine */
/* Index of a label (ASCII case ignored), or -ENOENT. */
int fv_model_class(const struct fv_model *model, const char *label);

#endif

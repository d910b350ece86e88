// SPDX-License-Identifier: Apache-2.0
/*
 * A model and its manifest: the JSON file beside `x.onnx` named `x.json` that says how to feed it and how to read it. A model that
 * contradicts its manifest is refused with a message that says what differs. Format: docs/model-manifest.md.
 */
#ifndef FV_INFER_MODEL_H
#define FV_INFER_MODEL_H

#include "base/error.h"
#include "kernels/candidates.h"
#include "prep/plan.h"

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
    uint32_t strides[4], stride_count; /* yolox */
    uint32_t rows, columns;            /* boxes; values of a box, or scores of one when they have */
    char scores_name[64];              /* an output of their own; else empty */
    enum fv_score_activation activation; /* ssd, detr, classes */
    enum fv_box_code code;               /* ssd */
    bool fraction;                       /* ssd: boxes are fractions of the input, not pixels */
    float *priors, variances[4];         /* ssd, FV_BOX_PRIOR: [rows, 4] */
    float threshold;                     /* classes: a lower score is no answer */
    char **labels;                       /* label_count strings */
    uint32_t label_count;
};

/* An output as the network has it: [N, dims[0], dims[1]], or of a classifier [N, dims[0]] (dims[1] is 1). */
struct fv_model_output {
    const char *name; /* borrowed from the model */
    unsigned rank;    /* 2, or 1: of dims */
    uint32_t dims[2];
    size_t count; /* elements of one image */
};
#define FV_MODEL_OUTPUTS_MAX 2

/* It tells what a picture shows (`"kind": "classifier"`), and finds no boxes. */
static inline bool fv_model_classifies(const struct fv_model *model)
{
    return model->layout == FV_LAYOUT_CLASSES;
}

/* The outputs that are read, boxes first. Returns their number, 1 or 2. */
unsigned fv_model_outputs(const struct fv_model *model,
                          struct fv_model_output ret_outputs[FV_MODEL_OUTPUTS_MAX]);
/* Runtimes lay the outputs for `batch` images one behind the other: bytes of them all, and where the second begins (0: there is
 * none). Each begins at a multiple of 256 bytes. */
size_t fv_model_output_bytes(const struct fv_model *model, unsigned batch,
                             size_t *ret_scores_offset);

/* How the model's output is decoded, but for threshold and wanted classes. Borrows the priors. */
void fv_model_box_spec(const struct fv_model *model, struct fv_box_spec *ret_spec);

/* Reads the manifest of `onnx_path` and checks the file's sha256 against it. 0, -ENOENT, -EACCES, -EBADMSG, -EINVAL, -EIO,
 * -ENOMEM; err says which file, what differs and the cure. */
int fv_model_load(const char *onnx_path, struct fv_model **ret_model, struct fv_error *err);
/* As fv_model_load(), and it must be of this kind: -EINVAL. */
int fv_model_load_kind(const char *onnx_path, bool classifier, struct fv_model **ret_model,
                       struct fv_error *err);
void fv_model_free(struct fv_model *model); /* NULL is fine */
/* Index of a label (ASCII case ignored), or -ENOENT. */
int fv_model_class(const struct fv_model *model, const char *label);

#endif

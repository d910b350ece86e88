// SPDX-License-Identifier: Apache-2.0
/* The text of a manifest -> struct fv_model, without touching a file. Format: docs/model-manifest.md. Pure. */
#ifndef FV_INFER_MANIFEST_H
#define FV_INFER_MANIFEST_H

#include "infer/model.h"

#define FV_MANIFEST_VERSION 1
#define FV_MANIFEST_SIZE_MAX (1u << 20) /* bytes of text */
#define FV_MODEL_SIDE_MAX 4096u         /* of the input tensor */
#define FV_MODEL_ROWS_MAX (1u << 20)    /* of the output tensor */
#define FV_MODEL_LABELS_MAX 1000u

/* `path` of the result stays empty. 0; -EBADMSG: not JSON (err has line and column); -EINVAL: err names every field that is missing,
 * unknown or wrong, as many as fit; -ENOMEM. The result is freed with fv_model_free(). */
int fv_manifest_parse(const char *text, size_t size, struct fv_model **ret_model,
                      struct fv_error *err);

#endif

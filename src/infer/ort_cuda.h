// SPDX-License-Identifier: Apache-2.0
/* The CUDA provider of ONNX Runtime, added to a session's options. For ort_cuda.c. */
#ifndef FV_INFER_ORT_CUDA_H
#define FV_INFER_ORT_CUDA_H

#include "infer/ort.h"
#include "infer/runtime.h"

#define FV_ORT_CUDA_OPTIONS 8 /* at most */

/* A provider's option; both texts are borrowed. */
struct fv_ort_option {
    const char *key, *value;
};

/* The oldest ONNX Runtime that knows all options, as 1.N. */
#define FV_ORT_CUDA_MINOR 20

/* For fv_ort_session_params.add_provider; `data` is a const struct fv_runtime_params with gpu and stream. -ENOTSUP: the library has no
 * CUDA provider; -ENOENT: a library that it needs is missing (err names it and the cure); -EIO, -ENODEV. */
int fv_ort_add_cuda(const struct fv_ort_library *library, OrtSessionOptions *session, void *data,
                    struct fv_error *err);

/* For fv_runtime_ops.check: the library is there and has the provider. */
int fv_ort_check_cuda(struct fv_error *err);

#endif

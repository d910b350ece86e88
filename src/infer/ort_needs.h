// SPDX-License-Identifier: Apache-2.0
/* What ONNX Runtime's GPU providers are linked to, and how a person gets it (where it lies: base/library.h). */
#ifndef FV_INFER_ORT_NEEDS_H
#define FV_INFER_ORT_NEEDS_H

#include <stdbool.h>
#include <stddef.h>

/* The library that the dynamic linker missed, as its message names it: "...: libcudnn.so.9: cannot open shared object file". False: the
 * message is another one. */
bool fv_ort_missing(const char *message, char *out, size_t capacity);

/* What a person installs to have `name`: "the NVIDIA driver", "pip install nvidia-cublas". */
const char *fv_ort_cure(const char *name);

#endif

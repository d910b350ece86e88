// SPDX-License-Identifier: Apache-2.0
/* Where the libraries lie that ONNX Runtime's GPU providers are linked to: the linker's places, pip's, the CUDA toolkit's. */
#ifndef FV_INFER_ORT_NEEDS_H
#define FV_INFER_ORT_NEEDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* The pattern for glob(3) of `below` in pip's place number `index`: the active environment's, the user's, the system's. False: there
 * are no more. A place that cannot be named gives a pattern that matches nothing. */
bool fv_ort_packages(unsigned index, const char *below, char *out, size_t capacity);

/*
 * Loads the shared library `name` ("libcublas.so.13") for good, so that a library that is linked to it, or opens it by this name, finds
 * it: by the linker's rules, then beside ONNX Runtime (`ort_folder`, may be ""), in pip's nvidia packages and in the CUDA toolkit.
 * 0; -ENOENT: nowhere found; -ENOTSUP: found, but it cannot be loaded: err says why.
 */
int fv_ort_need(const char *name, const char *ort_folder, struct fv_error *err);

/* The library that the dynamic linker missed, as its message names it: "...: libcudnn.so.9: cannot open shared object file". False: the
 * message is another one. */
bool fv_ort_missing(const char *message, char *out, size_t capacity);

/* What a person installs to have `name`: "the NVIDIA driver", "pip install nvidia-cublas". */
const char *fv_ort_cure(const char *name);

#endif

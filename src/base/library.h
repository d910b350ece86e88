// SPDX-License-Identifier: Apache-2.0
/* Where NVIDIA's libraries lie that are opened at run time: the linker's places, pip's, the CUDA toolkit's. Any thread. */
#ifndef FV_BASE_LIBRARY_H
#define FV_BASE_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* The pattern for glob(3) of `below` in pip's place number `index`: the active environment's, the user's, the system's. False: there
 * are no more. A place that cannot be named gives a pattern that matches nothing. */
bool fv_library_packages(unsigned index, const char *below, char *out, size_t capacity);

/*
 * Loads the shared library `name` ("libcublas.so.13") for good, so that a library that is linked to it, or opens it by this name, finds
 * it: by the linker's rules, then in the folder `beside` (may be "") and in pip's packages that it belongs to, in pip's nvidia packages
 * and in the CUDA toolkit. `ret_handle` (may be NULL) is never closed. 0; -ENOENT: nowhere found; -ENOTSUP: found, but it cannot be
 * loaded: err says why.
 */
int fv_library_open(const char *name, const char *beside, void **ret_handle, struct fv_error *err);

#endif

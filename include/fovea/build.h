// SPDX-License-Identifier: Apache-2.0
/* What this build contains. */
#ifndef FOVEA_BUILD_H
#define FOVEA_BUILD_H

#include <stdbool.h>

#include "fovea/error.h"

struct fv_build_part {
    const char *name;    /* "FFmpeg", "ONNX Runtime", ... */
    const char *purpose; /* what it is for */
    bool built_in;
    const char *licence; /* a note on what linking with it means, or NULL */
};

/* Ends with a part whose name is NULL. */
FV_API_DATA const struct fv_build_part fv_build_parts[];

#endif

// SPDX-License-Identifier: Apache-2.0
#include "fovea/build.h"

#include <stddef.h>

#include "engine/build_config.h"


const struct fv_build_part fv_build_parts[] = {
    {"FFmpeg", "CPU decoding, container files", FV_HAVE_FFMPEG,
     "Debian builds FFmpeg under the GPL: a binary linked with it falls under the GPL as a whole. "
     "Build with -Dffmpeg=disabled to avoid that."},
    {"GPU path", "decoding and inference on NVIDIA GPUs", FV_HAVE_GPU, NULL},
    {"ONNX Runtime", "inference (its library is opened at run time)", FV_HAVE_ORT, NULL},
    {"libjpeg-turbo", "annotated snapshots", FV_HAVE_JPEG, NULL},
    {NULL, NULL, false, NULL},
};

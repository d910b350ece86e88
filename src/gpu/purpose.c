// SPDX-License-Identifier: Apache-2.0
#include "gpu/gpu.h"

static const char *const names[FV_GPU_PURPOSES] = {
    [FV_GPU_BITSTREAM] = "bitstream", [FV_GPU_BOXES] = "boxes",     [FV_GPU_SNAPSHOT] = "snapshot",
    [FV_GPU_WEIGHTS] = "weights",     [FV_GPU_CONTROL] = "control",
};

const char *fv_gpu_purpose_name(enum fv_gpu_purpose purpose)
{
    return (unsigned)purpose < FV_GPU_PURPOSES ? names[purpose] : "unknown";
}

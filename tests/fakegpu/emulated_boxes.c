// SPDX-License-Identifier: Apache-2.0
#include "kernels/boxes.cu"

#include "fakegpu/emulated.h"

static void run(void *const *parameters)
{
    fv_boxes(*(const struct fv_launch_boxes *)parameters[0]);
}

const struct fv_emulated_kernel fv_emulated_boxes = {"fv_boxes", true, run};

// SPDX-License-Identifier: Apache-2.0
#include "kernels/letterbox.cu"

#include "fakegpu/emulated.h"

static void run(void *const *parameters)
{
    fv_letterbox(*(const struct fv_launch_letterbox *)parameters[0]);
}

const struct fv_emulated_kernel fv_emulated_letterbox = {"fv_letterbox", false, run};

// SPDX-License-Identifier: Apache-2.0
#include "kernels/recode.cu"

#include "fakegpu/emulated.h"

static void run(void *const *parameters)
{
    fv_recode(*(const struct fv_launch_recode *)parameters[0]);
}

const struct fv_emulated_kernel fv_emulated_recode = {"fv_recode", false, run};

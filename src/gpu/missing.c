// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "gpu/probe.h"

int fv_gpu_missing(unsigned missing, struct fv_error *err)
{
    return fv_error_set(err, -ENODEV,
                        "GPU-only mode (the default) cannot start: %u thing%s missing. There is no "
                        "silent fallback to the CPU: "
                        "ask for it with --backend cpu",
                        missing, missing == 1 ? " is" : "s are");
}

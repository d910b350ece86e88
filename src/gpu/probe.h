// SPDX-License-Identifier: Apache-2.0
/* Looks at what GPU-only mode needs and reports each missing thing with its cure: the driver and its age, a device, the decoder's
 * library, the codecs, memory. */
#ifndef FV_GPU_PROBE_H
#define FV_GPU_PROBE_H

#include "base/error.h"
#include "fovea/config.h"
#include "gpu/gpu.h"

/*
 * `params` is what fv_gpu_open() will be given. Each missing thing goes to `problem` (may be NULL) as an error with the code
 * "gpu_missing"; err sums up. 0: all is there; -ENODEV: something is missing. Activates the device's context for a moment when it gets
 * that far (some 0.2 s); no context is current for the calling thread afterwards.
 */
int fv_gpu_probe(const struct fv_gpu_params *params, fv_problem_fn problem, void *data,
                 struct fv_error *err);

/* The same summary for who has found more than the probe looks for: -ENODEV. */
int fv_gpu_missing(unsigned missing, struct fv_error *err);

#endif

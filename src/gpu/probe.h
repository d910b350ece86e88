// SPDX-License-Identifier: Apache-2.0
/* Looks at what GPU-only mode needs and reports each missing thing with its cure. Opens libraries, creates nothing. */
#ifndef FV_GPU_PROBE_H
#define FV_GPU_PROBE_H

#include "base/error.h"
#include "fovea/config.h"

/* Each missing thing goes to `problem` (may be NULL) as an error with the code "gpu_missing"; err sums up. Returns -ENODEV: this version
 * has no GPU pipeline, which is one of the things that are reported. At most a second. */
int fv_gpu_probe(fv_problem_fn problem, void *data, struct fv_error *err);

#endif

// SPDX-License-Identifier: Apache-2.0
/* Which inference library is there, without a model. */
#ifndef FV_INFER_ABOUT_H
#define FV_INFER_ABOUT_H

#include "base/error.h"

struct fv_infer_about {
    char version[32];    /* "1.31.1" */
    char providers[400]; /* "TensorrtExecutionProvider, CPUExecutionProvider" */
};

/* Opens the library that a runtime would open. 0; -ENOENT: nowhere found; -ENOTSUP: not usable, or not built in; err says more. */
int fv_infer_about(struct fv_infer_about *ret_about, struct fv_error *err);

#endif

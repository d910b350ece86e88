// SPDX-License-Identifier: Apache-2.0
#ifndef FOVEA_CONFIG_H
#define FOVEA_CONFIG_H

#include "fovea/error.h"

enum fv_severity { FV_SEVERITY_ERROR, FV_SEVERITY_WARNING, FV_SEVERITY_INFO, FV_SEVERITY_OBSOLETE };

/* One finding about a configuration. Borrowed: valid during the callback only. Never shows a secret. */
struct fv_problem {
    enum fv_severity severity;
    const char *code;    /* stable: "syntax", "unknown_key", "wrong_type", "out_of_range", "gpu_only_conflict", ... (docs/config.md) */
    const char *file;    /* as given */
    unsigned line, column; /* from 1; 0 when there is no place */
    const char *key;     /* "processing.BACKEND", "cameras.RTSP_STREAMS[0].url", or "" */
    const char *message; /* what is wrong and why */
    const char *fix;     /* what to do, or "" */
};

typedef void (*fv_problem_fn)(void *data, const struct fv_problem *problem);

#endif

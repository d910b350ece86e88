// SPDX-License-Identifier: Apache-2.0
/* What there is to say about a configuration file. Settings, rules and codes: docs/config.md. Any
 * thread. */
#ifndef FOVEA_CONFIG_H
#define FOVEA_CONFIG_H

#include "fovea/error.h"

enum fv_severity { FV_SEVERITY_ERROR, FV_SEVERITY_WARNING, FV_SEVERITY_INFO, FV_SEVERITY_OBSOLETE };

/* One finding about a configuration. Borrowed: valid during the callback only. Never shows a
 * secret. */
struct fv_problem {
    enum fv_severity severity;
    const char *code;      /* stable: "syntax", "unknown_key", "wrong_type", "out_of_range",
                              "gpu_only_conflict", ... (docs/config.md) */
    const char *file;      /* as given */
    unsigned line, column; /* from 1; 0 when there is no place; columns count characters */
    const char *key;       /* "processing.BACKEND", "cameras.RTSP_STREAMS[0].url", or "" */
    const char *message;   /* what is wrong and why */
    const char *fix;       /* what to do, or "" */
    const char *excerpt;   /* the line around the place, with secrets masked; NULL or "": none */
    unsigned caret;        /* the place in the excerpt, in characters from 1; 0: none */
};

typedef void (*fv_problem_fn)(void *data, const struct fv_problem *problem);

/* Judges the file alone: no device, no network, no file that it names. Each finding goes to
 * `problem` in the order of the file. `backend` ("gpu", "cpu") overrides processing.BACKEND; NULL:
 * none. 0: no errors; -EINVAL: there are errors (each was reported; also when `backend` is neither:
 * then err says so); -ENOENT, -EACCES, -EIO: it cannot be read (err); -ENOMEM. */
FV_API int fv_config_check(const char *path, const char *backend, fv_problem_fn problem, void *data,
                           struct fv_error *err);

/* Receives text in pieces. */
typedef void (*fv_text_fn)(void *data, const char *text);

/* All that is known about a setting, as plain text. `key`: "processing.BACKEND", or a bare name:
 * then every section that has it. 0, or -ENOENT: err proposes the nearest name. */
FV_API int fv_config_explain(const char *key, fv_text_fn text, void *data, struct fv_error *err);
/* docs/config.md. */
FV_API void fv_config_document(fv_text_fn text, void *data);

#endif

// SPDX-License-Identifier: Apache-2.0
/* Is this machine fit for it? Any thread; nothing is changed, no camera is played. */
#ifndef FOVEA_DOCTOR_H
#define FOVEA_DOCTOR_H

#include "fovea/config.h"

/* As fv_config_check(), with the environment (FOVEA_SECTION__NAME) and the references to passwords
 * looked up as `fovea run` does, and with the rules that need this machine: cores, memory, files,
 * model, permissions, and the GPU unless the backend is "cpu". */
struct fv_machine_params {
    const char *path;
    const char *backend;    /* overrides processing.BACKEND; NULL: none */
    const char *output_dir; /* overrides output.OUTPUT_DIR; NULL: none */
    fv_problem_fn problem;  /* may be NULL */
    void *data;
};
FV_API int fv_config_check_machine(const struct fv_machine_params *params, struct fv_error *err);

enum fv_doctor_state { FV_DOCTOR_OK, FV_DOCTOR_WARNING, FV_DOCTOR_PROBLEM };

/* One thing that was looked at. Borrowed: valid during the callback only. Never shows a secret. */
struct fv_doctor_finding {
    enum fv_doctor_state state;
    const char *id;    /* stable: "cpu", "memory", "open_files", ... (docs/troubleshooting.md) */
    const char *title; /* for people: "processor" */
    const char *found; /* what is there */
    const char *why;   /* why it matters, a sentence */
    const char *cure;  /* what to do, a sentence; "" when all is well */
};

typedef void (*fv_doctor_fn)(void *data, const struct fv_doctor_finding *finding);

struct fv_doctor_params {
    const char *path;    /* a configuration, whose cameras are probed; NULL: none */
    const char *backend; /* "gpu", "cpu"; NULL: as the configuration says, else gpu */
    fv_doctor_fn finding;
    void *data;
};

/* Looks at everything; each camera gets one connection and one OPTIONS request, without
 * credentials. Less than 10 seconds. Returns the number of problems, or -ENOMEM. */
FV_API int fv_doctor(const struct fv_doctor_params *params);

#endif

// SPDX-License-Identifier: Apache-2.0
/* Findings about a configuration as text for people. */
#ifndef FV_TOOLS_PROBLEMS_H
#define FV_TOOLS_PROBLEMS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "fovea/config.h"

struct fv_problems {
    FILE *out;
    unsigned errors, warnings, infos, obsolete; /* counted while printing */
};

/* A fv_problem_fn; `data` is a struct fv_problems. On a terminal with marks, otherwise (or with
 * NO_COLOR) in plain words. */
void fv_problems_print(void *data, const struct fv_problem *problem);
/* "2 errors, 1 warning", or "no errors". */
void fv_problems_summary(const struct fv_problems *problems, const char *file);
/* Whether `out` is a terminal that gets marks and colours. */
bool fv_problems_marks(FILE *out);
/* "error", "warning", "info", "obsolete". */
const char *fv_problems_severity(enum fv_severity severity);

/* {"errors": [], "warnings": [], "info": [], "obsolete": []}, or NULL. */
json_t *fv_problems_json(void);
/* Adds a finding to its list of that object. */
void fv_problems_to_json(json_t *found, const struct fv_problem *problem);

#endif

// SPDX-License-Identifier: Apache-2.0
/* The findings about one configuration: collected in any order, handed out in the order of the
 * file. */
#ifndef FV_CONF_REPORT_H
#define FV_CONF_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "fovea/config.h"

#define FV_FINDINGS_MAX 200 /* of one file; the rest is counted */
#define FV_NOWHERE ((size_t)-1)

struct fv_finding;

struct fv_report {
    struct fv_finding *items;
    unsigned count, capacity;
    unsigned errors;   /* also those beyond FV_FINDINGS_MAX */
    unsigned left_out; /* findings beyond FV_FINDINGS_MAX */
    int failure;       /* sticky: -ENOMEM */
};

/* What a finding is about. Texts are borrowed. */
struct fv_about {
    enum fv_severity severity;
    const char *code;
    const char *key; /* path, or "" */
    size_t offset;   /* byte in the text, or FV_NOWHERE */
};

/* Adds a finding: message, then fix (both complete sentences, already free of secrets). `fix` may
 * be "". */
void fv_report_add(struct fv_report *report, const struct fv_about *about, const char *message,
                   const char *fix);

/* Calls `problem` (not NULL) for each finding, in the order of the file. `text` is masked by this
 * call, in place. */
void fv_report_emit(struct fv_report *report, const char *file, char *text, size_t size,
                    fv_problem_fn problem, void *data);
void fv_report_free(struct fv_report *report);

#endif

// SPDX-License-Identifier: Apache-2.0
/* The findings about one configuration: collected in any order, handed out in the order of the
 * file. */
#ifndef FV_CONF_REPORT_H
#define FV_CONF_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/locate.h"
#include "fovea/config.h"

#define FV_FINDINGS_MAX 200 /* of one file; the rest is counted */

struct fv_finding;

struct fv_report {
    struct fv_finding *items;
    unsigned count, capacity;
    unsigned errors;   /* also those beyond FV_FINDINGS_MAX */
    unsigned left_out; /* findings beyond FV_FINDINGS_MAX */
    unsigned limit;    /* instead of FV_FINDINGS_MAX; 0: that */
    int failure;       /* sticky: -ENOMEM */
};

/* What a finding is about. Texts are borrowed. */
struct fv_about {
    enum fv_severity severity;
    const char *code;
    const char *key;    /* path, or "" */
    size_t offset;      /* byte in the text, or FV_NOWHERE */
    const char *source; /* what stands for the file's name; outlives the report; NULL: the file */
    uint32_t node;      /* for fv_report_error(); FV_NODE_NONE: none */
};

/* Adds a finding: message, then fix (both complete sentences, already free of secrets). `fix` may
 * be "". */
void fv_report_add(struct fv_report *report, const struct fv_about *about, const char *message,
                   const char *fix);

/* The n-th error (from 0), in the order in which they were found. False: there are no more of which
 * more than the number is known. */
bool fv_report_error(const struct fv_report *report, unsigned n, struct fv_about *ret_about,
                     const char **ret_message);

/* Calls `problem` (not NULL) for each finding, in the order of the file. `text` is masked by this
 * call, in place. */
void fv_report_emit(struct fv_report *report, const char *file, char *text, size_t size,
                    fv_problem_fn problem, void *data);
void fv_report_free(struct fv_report *report);

#endif

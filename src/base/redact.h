// SPDX-License-Identifier: Apache-2.0
/* What looks like a password is not shown: fv_redact() of fovea/error.h, and a part of it. */
#ifndef FV_BASE_REDACT_H
#define FV_BASE_REDACT_H

#include "fovea/error.h"

/* As fv_redact(), but an address without credentials is known: only the values of password=, token= and the like become "***".
 * Returns `buffer`. */
char *fv_redact_values(const char *text, char *buffer, size_t size);

#endif

// SPDX-License-Identifier: Apache-2.0
/* Secrets in a configuration's text, found without trust in its syntax: what may be a password is
 * never shown. */
#ifndef FV_CONF_MASK_H
#define FV_CONF_MASK_H

#include "base/slice.h"

/* Stands in place of each masked byte: no valid text holds it. */
#define FV_MASK '\x01'

/* Overwrites in `text`, byte for byte: user and password of addresses, values of keys that sound
 * secret, password parameters of a query. A string that never ends is masked from "://" on. */
void fv_mask_text(char *text, size_t size);

/* For messages: outside text in `buffer`, at most 60 characters, secrets as "***", control
 * characters as '?'. Returns `buffer`, FV_SHOW_MAX bytes. */
#define FV_SHOW_MAX 260
char *fv_mask_show(const char *text, char *buffer);

/* Copies masked text into `out` (size >= 1): a run of masked bytes becomes "***", control
 * characters '?'. Returns characters (not bytes) written; cut at a character's end when `size` is
 * too small. */
size_t fv_mask_print(struct fv_slice masked, char *out, size_t size);

#endif

// SPDX-License-Identifier: Apache-2.0
/* The nearest name to a misspelt one. */
#ifndef FV_CONF_SUGGEST_H
#define FV_CONF_SUGGEST_H

/* Best candidate so far; start with {.wanted = text}. */
struct fv_suggest {
    const char *wanted;
    const char *best; /* NULL: nothing is near */
    unsigned distance;
};

/* Edits (insert, delete, replace, swap of neighbours; ASCII case ignored) from a to b, at most
 * `limit` + 1. Only the first 63 bytes count. */
unsigned fv_edit_distance(const char *a, const char *b, unsigned limit);
/* Offers a candidate (borrowed). Near is: at most a third of the wanted name's length, and at least
 * 1, of edits. */
void fv_suggest_offer(struct fv_suggest *suggest, const char *candidate);

#endif

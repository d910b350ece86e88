// SPDX-License-Identifier: Apache-2.0
#include "conf/suggest.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define NAME_MAX_SEEN 63

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static int same(char a, char b)
{
    return toupper((unsigned char)a) == toupper((unsigned char)b);
}

/* Optimal string alignment over three rows. */
unsigned fv_edit_distance(const char *a, const char *b, unsigned limit)
{
    unsigned rows[3][NAME_MAX_SEEN + 1];
    unsigned *before = rows[0], *last = rows[1], *row = rows[2];
    unsigned m = (unsigned)strnlen(a, NAME_MAX_SEEN), n = (unsigned)strnlen(b, NAME_MAX_SEEN);
    for (unsigned j = 0; j <= n; j++)
        last[j] = j;
    for (unsigned i = 1; i <= m; i++) {
        row[0] = i;
        for (unsigned j = 1; j <= n; j++) {
            row[j] = least(least(last[j], row[j - 1]) + 1, last[j - 1] + !same(a[i - 1], b[j - 1]));
            if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
                row[j] = least(row[j], before[j - 2] + 1);
        }
        unsigned *spare = before;
        before = last;
        last = row;
        row = spare;
    }
    return last[n] <= limit ? last[n] : limit + 1;
}

void fv_suggest_offer(struct fv_suggest *suggest, const char *candidate)
{
    unsigned length = (unsigned)strnlen(suggest->wanted, NAME_MAX_SEEN);
    unsigned limit = length >= 6 ? length / 3 : 1;
    unsigned distance = fv_edit_distance(suggest->wanted, candidate, limit);
    /* The beginning of a name is a good guess, but never better than a slip. */
    if (distance > limit && length >= 4 && !strncasecmp(suggest->wanted, candidate, length))
        distance = limit;
    if (distance > limit || (suggest->best && distance >= suggest->distance))
        return;
    suggest->best = candidate;
    suggest->distance = distance;
}

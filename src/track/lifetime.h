// SPDX-License-Identifier: Apache-2.0
/* How long a lost track lives, whatever the rate of the pictures. */
#ifndef FV_TRACK_LIFETIME_H
#define FV_TRACK_LIFETIME_H

#include <stdint.h>

#define FV_LIFETIME_INTERVALS 5

/* Pictures may be further apart than the buffer is long (key pictures only, a large ANALYSIS_FRAME_INTERVAL). Then no track
 * would live to its next picture. So life is the buffer or one and a half usual intervals, whichever is longer; the usual
 * interval is the median of the last few, which a single gap does not move. */
struct fv_lifetime {
    int64_t buffer;                          /* ns */
    int64_t interval[FV_LIFETIME_INTERVALS]; /* ns, a ring */
    uint32_t count;                          /* of all intervals noted */
};

void fv_lifetime_init(struct fv_lifetime *lifetime, int64_t buffer);
void fv_lifetime_note(struct fv_lifetime *lifetime,
                      int64_t interval);                 /* between two pictures, >= 0 */
int64_t fv_lifetime(const struct fv_lifetime *lifetime); /* ns */

#endif

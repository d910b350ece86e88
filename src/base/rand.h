// SPDX-License-Identifier: Apache-2.0
/* A small seedable generator for jitter, phases and simulated loss (not for secrets: cnonces come from OpenSSL). */
#ifndef FV_BASE_RAND_H
#define FV_BASE_RAND_H

#include <stdint.h>

struct fv_rand {
    uint64_t state;
};

void fv_rand_seed(struct fv_rand *rand, uint64_t seed); /* any seed, 0 too */
uint64_t fv_rand_u64(struct fv_rand *rand);
uint64_t fv_rand_below(struct fv_rand *rand, uint64_t limit); /* 0 .. limit-1, limit >= 1 */
double fv_rand_unit(struct fv_rand *rand);                    /* [0, 1) */
uint64_t fv_rand_system(void);                                /* from the kernel, for seeds */

#endif

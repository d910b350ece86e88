// SPDX-License-Identifier: Apache-2.0
#include "base/rand.h"

#include <sys/random.h>

#include "base/clock.h"

void fv_rand_seed(struct fv_rand *rand, uint64_t seed)
{
    rand->state = seed;
}

/* SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014). */
uint64_t fv_rand_u64(struct fv_rand *rand)
{
    uint64_t z = rand->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t fv_rand_below(struct fv_rand *rand, uint64_t limit)
{
    return fv_rand_u64(rand) % limit;
}

double fv_rand_unit(struct fv_rand *rand)
{
    return (double)(fv_rand_u64(rand) >> 11) * 0x1p-53;
}

uint64_t fv_rand_system(void)
{
    uint64_t seed;
    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) == (ssize_t)sizeof(seed))
        return seed;
    return (uint64_t)fv_now() ^ (uint64_t)fv_wall() << 20; /* early boot: good enough for jitter */
}

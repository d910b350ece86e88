// SPDX-License-Identifier: Apache-2.0
/*
 * libnvcuvid.so.1's look-alike, next to fakegpu.h's libcuda. The parser cuts with the product's own codec/ and calls back as the
 * driver's does; a decoded picture is a pattern made from the bytes of its slices, so that a test can tell which access unit it
 * was made of (with VP9, AV1 and JPEG: from the bytes of its frame, payload or image); an output surface is written by the stream that mapping was given.
 *
 * Misuse aborts: a surface beyond those of the decoder, mapping what was not decoded, or a picture twice (VP9 and AV1 may show one
 * again), more maps than output surfaces,
 * unmapping what is not mapped, reconfiguring or destroying with mapped pictures, a decoder or parser that is left at the end.
 *
 * Words for FOVEA_FAKE_GPU beside those of fakegpu.h:
 *   h265=0, vp9=0, jpeg=0   not these                   max-width=N, max-height=N   4096
 *   av1=1             AV1, too                          jpeg422=1                   JPEG also with 4:2:2, which comes out as NV12
 *   max-decoders=N    more are "out of memory"          decode-ms=N                 each picture takes so long
 *   create-ms=N       making a decoder takes so long    error-at=N                  a decoder's N-th picture ends in error
 *   concealed-at=N    ... in concealed error            synthetic=1                 byte 3 of a slice is its order count
 *   no-status=1       VP9 and AV1 have no cuvidGetDecodeStatus, of which the driver's header says so
 *   lowest=1          the parser takes the lowest free surface instead of the next one
 *   reorder=N         pictures the parser holds back where the stream does not say
 */
#ifndef FAKEGPU_CUVID_H
#define FAKEGPU_CUVID_H

#include <pthread.h>

#include "fakegpu.h"

/* Sample (x, y) of the luma plane of a picture whose first slice is `nal`, 8 bit. */
static inline uint8_t fakegpu_seed(const uint8_t *nal, size_t size)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ nal[i]) * 16777619u;
    return (uint8_t)(hash >> 24 ^ hash >> 13);
}
static inline uint8_t fakegpu_luma(uint8_t seed, unsigned x, unsigned y)
{
    return (uint8_t)(seed + x + 3 * y);
}

struct fakegpu_cuvid_live {
    unsigned decoders, parsers, mapped;
    unsigned created, reconfigured; /* since the process began */
};
/* For tests, by dlsym from libnvcuvid.so.1. */
FAKEGPU_API void fakegpu_cuvid_live(struct fakegpu_cuvid_live *ret_live);
/* From `true` to `false` no decoder comes into being. */
FAKEGPU_API void fakegpu_cuvid_hold(bool hold);

/* Between the files of the look-alike. */
extern pthread_mutex_t fakegpu_cuvid_lock; /* protects what follows */
extern struct fakegpu_cuvid_live fakegpu_cuvid_count;

#define FAKEGPU_DECLARE(name, symbol, arguments)                                                   \
    FAKEGPU_API CUresult name arguments __asm__(symbol);
FV_CUVID_ENTRIES(FAKEGPU_DECLARE)
#undef FAKEGPU_DECLARE

#endif

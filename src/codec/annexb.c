// SPDX-License-Identifier: Apache-2.0
#include "codec/annexb.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define START_CODE 3 /* 00 00 01; a zero byte before it belongs to it, too */
#define STEP 16      /* positions looked at together */

/* Sixteen positions at a time, as long as none of them begins two zeros. */
static const uint8_t *skip_without_zeros(const uint8_t *p, const uint8_t *end)
{
#ifdef __SSE2__
    for (; end - p > STEP; p += STEP) {
        __m128i here = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i next = _mm_loadu_si128((const __m128i *)(const void *)(p + 1));
        __m128i pairs = _mm_cmpeq_epi8(_mm_or_si128(here, next), _mm_setzero_si128());
        if (_mm_movemask_epi8(pairs))
            break;
    }
#else
    (void)end;
#endif
    return p;
}

/* The next 00 00 01 at or behind `p`, or `end`. Most third bytes rule out three positions at once. */
static const uint8_t *find_start_code(const uint8_t *p, const uint8_t *end)
{
    while (end - (p = skip_without_zeros(p, end)) >= START_CODE) {
        const uint8_t *stop = end - p >= STEP + START_CODE ? p + STEP : end - START_CODE + 1;
        while (p < stop) {
            if (p[2] > 1)
                p += 3;
            else if (p[2] == 0)
                p += p[1] ? 2 : 1;
            else if (p[0] == 0 && p[1] == 0)
                return p;
            else
                p += 3;
        }
    }
    return end;
}

void fv_annexb_init(struct fv_annexb *it, const uint8_t *data, size_t size)
{
    it->end = data + size;
    it->pos = find_start_code(data, it->end);
}

bool fv_annexb_next(struct fv_annexb *it, struct fv_nal *ret_nal)
{
    while (it->pos < it->end) {
        const uint8_t *nal = it->pos + START_CODE;
        it->pos = find_start_code(nal, it->end);
        size_t size = (size_t)(it->pos - nal);
        while (size > 0 && nal[size - 1] == 0)
            size--;
        if (size > 0) {
            *ret_nal = (struct fv_nal){nal, size};
            return true;
        }
    }
    return false;
}

bool fv_annexb_peek(const struct fv_annexb *it, struct fv_nal *ret_nal)
{
    if (it->end - it->pos <= START_CODE)
        return false;
    *ret_nal = (struct fv_nal){it->pos + START_CODE, (size_t)(it->end - it->pos) - START_CODE};
    return true;
}

size_t fv_rbsp_unescape(const uint8_t *nal, size_t size, uint8_t *out, size_t capacity)
{
    size_t written = 0;
    unsigned zeros = 0;
    for (size_t i = 0; i < size && written < capacity; i++) {
        if (zeros >= 2 && nal[i] == 3) {
            zeros = 0;
            continue;
        }
        zeros = nal[i] ? 0 : zeros + 1;
        out[written++] = nal[i];
    }
    return written;
}

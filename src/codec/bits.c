// SPDX-License-Identifier: Apache-2.0
#include "codec/bits.h"

void fv_bits_init(struct fv_bits *bits, const uint8_t *data, size_t size)
{
    *bits = (struct fv_bits){.data = data, .size = size};
}

/* Bits that are left; 0 once an error was met, so that nothing is read past it. */
static size_t left(const struct fv_bits *bits)
{
    return bits->error ? 0 : bits->size * 8 - bits->pos;
}

static uint32_t fail(struct fv_bits *bits)
{
    bits->error = true;
    return 0;
}

uint32_t fv_bits_u(struct fv_bits *bits, unsigned count)
{
    if (count > 32 || count > left(bits))
        return fail(bits);
    uint64_t value = 0;
    while (count > 0) {
        unsigned offset = bits->pos & 7;
        unsigned take = 8 - offset < count ? 8 - offset : count;
        unsigned byte = bits->data[bits->pos / 8];
        value = value << take | (byte >> (8 - offset - take) & ((1u << take) - 1));
        bits->pos += take;
        count -= take;
    }
    return (uint32_t)value;
}

uint32_t fv_bits_ue(struct fv_bits *bits)
{
    unsigned zeros = 0;
    while (fv_bits_u(bits, 1) == 0)
        if (bits->error || ++zeros == 32) /* no syntax element needs more than 2^32 - 2 */
            return fail(bits);
    uint32_t suffix = fv_bits_u(bits, zeros);
    return bits->error ? 0 : (uint32_t)((UINT64_C(1) << zeros) - 1 + suffix);
}

int32_t fv_bits_se(struct fv_bits *bits)
{
    uint32_t code = fv_bits_ue(bits);
    int64_t value = code & 1 ? (int64_t)(code / 2) + 1 : -(int64_t)(code / 2);
    return (int32_t)value;
}

void fv_bits_skip(struct fv_bits *bits, size_t count)
{
    if (count > left(bits))
        fail(bits);
    else
        bits->pos += count;
}

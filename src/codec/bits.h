// SPDX-License-Identifier: Apache-2.0
/* Bit reader with a sticky error: read everything, check once. Past the end it yields zeros and sets `error`. */
#ifndef FV_CODEC_BITS_H
#define FV_CODEC_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fv_bits {
    const uint8_t *data;
    size_t size; /* bytes */
    size_t pos;  /* bits read */
    bool error;
};

void fv_bits_init(struct fv_bits *bits, const uint8_t *data, size_t size);
uint32_t fv_bits_u(struct fv_bits *bits, unsigned count); /* 0..32 bits, most significant first */
uint32_t fv_bits_ue(struct fv_bits *bits);                /* unsigned Exp-Golomb, 9.1 */
int32_t fv_bits_se(struct fv_bits *bits);                 /* signed Exp-Golomb, 9.1.1 */
void fv_bits_skip(struct fv_bits *bits, size_t count);

#endif

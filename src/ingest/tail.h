// SPDX-License-Identifier: Apache-2.0
/* Bytes of an incomplete message that one connection keeps between two reads. Mostly less than a packet. */
#ifndef FV_INGEST_TAIL_H
#define FV_INGEST_TAIL_H

#include <stddef.h>
#include <stdint.h>

struct fv_tail {
    uint8_t *data;
    size_t size, capacity;
};

/* Replaces what is kept. 0 or -ENOMEM (then it is empty). `data` may be NULL when size is 0. */
int fv_tail_keep(struct fv_tail *tail, const uint8_t *data, size_t size);
/* Copies what is kept to `out` and forgets it; returns its size. */
size_t fv_tail_take(struct fv_tail *tail, uint8_t *out);
void fv_tail_finish(struct fv_tail *tail); /* zeroed afterwards */

#endif

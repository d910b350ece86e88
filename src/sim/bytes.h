// SPDX-License-Identifier: Apache-2.0
/* A bounded byte buffer that grows as needed. */
#ifndef FV_SIM_BYTES_H
#define FV_SIM_BYTES_H

#include <stddef.h>
#include <stdint.h>

struct fv_sim_bytes {
    uint8_t *data;
    size_t size, capacity;
};

/* Room for `more` bytes behind the used ones; there is some `capacity` already. 0, -ENOBUFS (beyond
 * `limit`), -ENOMEM. */
int fv_sim_bytes_reserve(struct fv_sim_bytes *bytes, size_t more, size_t limit);
/* An empty buffer. 0 or -ENOMEM. */
int fv_sim_bytes_start(struct fv_sim_bytes *bytes, size_t capacity);
/* Takes the first `count` bytes out. */
void fv_sim_bytes_drop(struct fv_sim_bytes *bytes, size_t count);

#endif

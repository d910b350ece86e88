// SPDX-License-Identifier: Apache-2.0
#include "sim/bytes.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"

int fv_sim_bytes_reserve(struct fv_sim_bytes *bytes, size_t more, size_t limit)
{
    if (bytes->size + more > limit)
        return -ENOBUFS;
    size_t wanted = bytes->capacity;
    while (wanted < bytes->size + more)
        wanted = wanted * 2 < limit ? wanted * 2 : limit;
    if (wanted == bytes->capacity)
        return 0;
    uint8_t *larger = fv_realloc(bytes->data, wanted);
    if (!larger)
        return -ENOMEM;
    bytes->data = larger;
    bytes->capacity = wanted;
    return 0;
}

int fv_sim_bytes_start(struct fv_sim_bytes *bytes, size_t capacity)
{
    bytes->data = fv_calloc(1, capacity);
    bytes->capacity = capacity;
    return bytes->data ? 0 : -ENOMEM;
}

void fv_sim_bytes_drop(struct fv_sim_bytes *bytes, size_t count)
{
    bytes->size -= count;
    memmove(bytes->data, bytes->data + count, bytes->size);
}

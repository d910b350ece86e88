// SPDX-License-Identifier: Apache-2.0
#include "ingest/tail.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"

#define SMALLEST 2048u
#define LARGEST_IDLE                                                                               \
    (128u                                                                                          \
     << 10) /* holds the largest interleaved frame: more is only for a long message and given back */

static int reserve(struct fv_tail *tail, size_t size)
{
    if (tail->capacity > LARGEST_IDLE && size <= LARGEST_IDLE)
        fv_tail_finish(tail);
    if (size <= tail->capacity)
        return 0;
    size_t capacity = SMALLEST;
    while (capacity < size)
        capacity *= 2;
    fv_tail_finish(tail);
    tail->data = fv_calloc(1, capacity);
    if (!tail->data)
        return -ENOMEM;
    tail->capacity = capacity;
    return 0;
}

int fv_tail_keep(struct fv_tail *tail, const uint8_t *data, size_t size)
{
    tail->size = 0;
    int ret = reserve(tail, size);
    if (ret < 0 || size == 0)
        return ret;
    memcpy(tail->data, data, size);
    tail->size = size;
    return 0;
}

size_t fv_tail_take(struct fv_tail *tail, uint8_t *out)
{
    size_t size = tail->size;
    if (size)
        memcpy(out, tail->data, size);
    tail->size = 0;
    return size;
}

void fv_tail_finish(struct fv_tail *tail)
{
    fv_free(tail->data);
    *tail = (struct fv_tail){0};
}

// SPDX-License-Identifier: Apache-2.0
#include "movie/unit.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "codec/av1.h"
#include "codec/jpeg.h"

void fv_unit_buffer_free(struct fv_unit_buffer *buffer)
{
    fv_free(buffer->data);
    *buffer = (struct fv_unit_buffer){0};
}

static int reserve(struct fv_unit_buffer *buffer, size_t size)
{
    if (size <= buffer->capacity)
        return 0;
    uint8_t *data = fv_realloc(buffer->data, size + size / 2);
    if (!data)
        return -ENOMEM;
    buffer->data = data;
    buffer->capacity = size + size / 2;
    return 0;
}

int fv_unit_pack_av1(struct fv_unit_buffer *buffer, const uint8_t *sequence, size_t sequence_size,
                     struct fv_movie_unit *unit)
{
    struct fv_av1_unit found;
    int code = fv_av1_look(unit->data, unit->size, &found);
    if (code == -EBADMSG)
        unit->key = false;
    if (code < 0)
        return code == -EBADMSG ? 1 : code;
    size_t front = found.key && !found.sequence && sequence ? sequence_size : 0;
    code = reserve(buffer, fv_av1_pack_bound(front) + fv_av1_pack_bound(unit->size));
    if (code < 0)
        return code;
    int64_t begin = front ? fv_av1_pack(sequence, front, buffer->data) : 0;
    if (begin < 0)
        return -EBADMSG;
    int64_t size = fv_av1_pack(unit->data, unit->size, buffer->data + begin);
    if (size < 0)
        return -EBADMSG;
    unit->data = buffer->data;
    unit->size = (size_t)(begin + size);
    unit->key = found.key && (found.sequence || front);
    return found.frames > 0;
}

int fv_unit_complete_jpeg(struct fv_unit_buffer *buffer, struct fv_movie_unit *unit)
{
    if (!fv_jpeg_lacks_tables(unit->data, unit->size))
        return 0;
    if (reserve(buffer, unit->size + FV_JPEG_TABLES_MAX) < 0)
        return -ENOMEM;
    unit->size = fv_jpeg_add_tables(unit->data, unit->size, buffer->data);
    unit->data = buffer->data;
    return 0;
}

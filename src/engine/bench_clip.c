// SPDX-License-Identifier: Apache-2.0
#include "engine/bench_clip.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "codec/codec.h"

static int read_file(const char *path, uint8_t **ret_data, size_t *ret_size, struct fv_error *err)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        int code = errno ? -errno : -EIO;
        return fv_error_set(err, code, "%s: %s", path, fv_strerror(code));
    }
    long size = fseek(file, 0, SEEK_END) < 0 ? -1 : ftell(file);
    rewind(file);
    if (size < 0 || (size_t)size > FV_BENCH_CLIP_BYTES) {
        fclose(file);
        return fv_error_set(err, -EIO, "%s: no file, or larger than 1 GB", path);
    }
    uint8_t *data = fv_calloc((size_t)size + 1, 1);
    size_t got = data ? fread(data, 1, (size_t)size, file) : 0;
    fclose(file);
    if (!data)
        return fv_error_set(err, -ENOMEM, "out of memory");
    if (got != (size_t)size) {
        fv_free(data);
        return fv_error_set(err, -EIO, "%s: cannot be read", path);
    }
    *ret_data = data;
    *ret_size = got;
    return 0;
}

static int append(struct fv_bench_clip *clip, size_t *capacity, const uint8_t *data, size_t size)
{
    if (clip->count == *capacity) {
        size_t more = *capacity ? 2 * *capacity : 256;
        struct fv_au *units = fv_realloc(clip->units, more * sizeof(*units));
        if (!units)
            return -ENOMEM;
        clip->units = units;
        *capacity = more;
    }
    struct fv_au *au = &clip->units[clip->count];
    *au = (struct fv_au){.size = size, .codec = clip->codec, .wall = FV_TIME_UNKNOWN};
    if (fv_buf_get(clip->pool, size + FV_AU_PADDING, &au->buf) < 0)
        return -ENOMEM;
    memcpy(au->buf->data, data, size);
    memset(au->buf->data + size, 0, FV_AU_PADDING);
    clip->count++;
    return 0;
}

static int cut(struct fv_bench_clip *clip, const uint8_t *data, size_t size)
{
    const struct fv_codec_ops *ops = fv_codec_ops(clip->codec);
    const uint8_t *unit;
    size_t offset = 0, unit_size, capacity = 0;
    bool key;
    while (fv_codec_next_au(ops, data, size, &offset, &unit, &unit_size, &key)) {
        if (!clip->count && !key)
            continue;
        int code = append(clip, &capacity, unit, unit_size);
        if (code < 0)
            return code;
        clip->units[clip->count - 1].flags = key ? FV_FRAME_KEY : 0;
    }
    return clip->count ? 0 : -EBADMSG;
}

int fv_bench_clip_load(const char *path, struct fv_bench_clip *ret_clip, struct fv_error *err)
{
    uint8_t *data = NULL;
    size_t size = 0;
    int code = read_file(path, &data, &size, err);
    if (code < 0)
        return code;
    struct fv_bench_clip clip = {.codec = fv_codec_guess(data, size)};
    if (clip.codec == FV_CODEC_NONE)
        code = -EBADMSG;
    if (code == 0)
        code = fv_buf_pool_create(4 * FV_BENCH_CLIP_BYTES, 0, &clip.pool);
    if (code == 0)
        code = cut(&clip, data, size);
    fv_free(data);
    if (code < 0) {
        fv_bench_clip_free(&clip);
        return code == -ENOMEM
                   ? fv_error_set(err, code, "out of memory")
                   : fv_error_set(err, code, "%s: no raw H.264 or H.265 stream with a key picture",
                                  path);
    }
    *ret_clip = clip;
    return 0;
}

void fv_bench_clip_free(struct fv_bench_clip *clip)
{
    for (size_t i = 0; i < clip->count; i++)
        fv_au_drop(&clip->units[i]);
    fv_free(clip->units);
    fv_buf_pool_destroy(clip->pool);
    *clip = (struct fv_bench_clip){0};
}

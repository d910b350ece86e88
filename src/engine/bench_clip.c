// SPDX-License-Identifier: Apache-2.0
#include "engine/bench_clip.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "movie/movie.h"

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

/* What comes before the first key picture is left out. */
static int read_units(struct fv_bench_clip *clip, struct fv_movie *movie, struct fv_error *err)
{
    struct fv_movie_unit unit;
    size_t capacity = 0, bytes = 0;
    int code;
    while ((code = fv_movie_next(movie, &unit, err)) > 0) {
        if (!clip->count && !unit.key)
            continue;
        bytes += unit.size;
        if (bytes > FV_BENCH_CLIP_BYTES)
            return fv_error_set(err, -EIO, "larger than 1 GB");
        if (append(clip, &capacity, unit.data, unit.size) < 0)
            return fv_error_set(err, -ENOMEM, "out of memory");
        clip->units[clip->count - 1].flags = unit.key ? FV_FRAME_KEY : 0;
    }
    if (code == 0 && !clip->count)
        return fv_error_set(err, -EBADMSG, "no stream with a key picture");
    return code;
}

int fv_bench_clip_load(const char *path, struct fv_bench_clip *ret_clip, struct fv_error *err)
{
    const struct fv_movie_params params = {.path = path};
    struct fv_movie *movie = NULL;
    int code = fv_movie_open(&params, &movie, err);
    if (code < 0)
        return code;
    struct fv_bench_clip clip = {.codec = fv_movie_codec(movie)};
    code = fv_buf_pool_create(4 * FV_BENCH_CLIP_BYTES, 0, &clip.pool);
    if (code < 0)
        fv_error_set(err, code, "out of memory");
    else
        code = read_units(&clip, movie, err);
    fv_movie_close(movie);
    if (code < 0) {
        fv_bench_clip_free(&clip);
        return fv_error_prefix(err, code, "%s", path);
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

// SPDX-License-Identifier: Apache-2.0
#include "movie/raw.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "codec/jpeg.h"
#include "movie/ivf.h"
#include "movie/unit.h"

#define DEFAULT_FPS 25.0
#define TICKS_MAX ((double)((int64_t)1 << 52)) /* more than a thousand years */

enum kind { ANNEX_B, IMAGES, IVF };

struct fv_raw {
    enum kind kind;
    enum fv_codec codec;
    uint8_t *data;
    size_t size, offset;
    int64_t count;                /* access units handed out */
    double fps;                   /* 0: by the file's times */
    struct fv_unit_buffer buffer; /* AV1, JPEG */
    /* IVF */
    struct fv_ivf ivf;
    int64_t interval, last; /* ticks; last: INT64_MIN before the first */
};

/* The whole stream, from its beginning. */
static int read_all(struct fv_raw *raw, FILE *stream)
{
    struct stat info;
    if (fstat(fileno(stream), &info) < 0)
        return -EIO;
    if (info.st_size > FV_MOVIE_RAW_MAX)
        return -ENOTSUP;
    raw->size = (size_t)info.st_size;
    raw->data = fv_alloc_aligned(64, raw->size);
    if (!raw->data)
        return -ENOMEM;
    rewind(stream);
    return fread(raw->data, 1, raw->size, stream) == raw->size ? 0 : -EIO;
}

static int load(struct fv_raw *raw, FILE *stream, struct fv_error *err)
{
    int rc = read_all(raw, stream);
    if (rc == -ENOTSUP)
        return fv_error_set(err, -EBADMSG,
                            "the raw stream is larger than %u MiB; cut it, or put it into a "
                            "container, which is read bit by bit: ffmpeg -i FILE -c copy file.mkv",
                            FV_MOVIE_RAW_MAX >> 20);
    return rc < 0 ? fv_error_set(err, rc, "cannot read the file: %s", fv_strerror(rc)) : 0;
}

static bool begins_with_start_code(const uint8_t *head, size_t size)
{
    size_t zeros = 0;
    while (zeros < size && !head[zeros])
        zeros++;
    return zeros >= 2 && zeros < size && head[zeros] == 1;
}

static bool begins_image(const uint8_t *data, size_t size)
{
    return size >= 3 && data[0] == 0xff && data[1] == 0xd8 && data[2] == 0xff;
}

static bool begins_ivf(const uint8_t *data, size_t size)
{
    return size >= 4 && memcmp(data, "DKIF", 4) == 0;
}

int fv_raw_probe(FILE *stream)
{
    uint8_t head[64];
    errno = 0;
    size_t size = fread(head, 1, sizeof(head), stream);
    if (!size)
        return errno ? -errno : -EBADMSG;
    return begins_with_start_code(head, size) || begins_image(head, size) || begins_ivf(head, size);
}

/* By the first sequence parameter set. */
static double rate_of(const struct fv_raw *raw)
{
    const struct fv_codec_ops *ops = fv_codec_ops(raw->codec);
    struct fv_video_format format;
    struct fv_annexb it;
    struct fv_nal nal;
    fv_annexb_init(&it, raw->data, raw->size);
    while (fv_annexb_next(&it, &nal)) {
        if (ops->kind(nal.data, nal.size) != FV_NAL_SPS ||
            ops->parse_sps(nal.data, nal.size, &format) < 0)
            continue;
        const double fps = format.fps_num && format.fps_den
                               ? (double)format.fps_num / format.fps_den
                               : DEFAULT_FPS;
        return fps >= 0.1 && fps <= 240 ? fps : DEFAULT_FPS;
    }
    return DEFAULT_FPS;
}

/* -ENOENT: not a stream of ours. */
static int open_annex_b(struct fv_raw *raw, const struct fv_movie_params *params,
                        struct fv_error *err)
{
    raw->kind = ANNEX_B;
    raw->codec = fv_codec_guess(raw->data, raw->size);
    if (params->codec) {
        const struct fv_codec_ops *ops = fv_codec_by_rtp_name(params->codec, strlen(params->codec));
        if (!ops)
            return fv_error_set(err, -EINVAL, "unknown codec '%s': h264 or h265", params->codec);
        raw->codec = ops->codec;
    }
    if (raw->codec == FV_CODEC_NONE)
        return -ENOENT;
    raw->fps = params->fps > 0 ? params->fps : rate_of(raw);
    return 0;
}

/* Ticks, as the file counts. */
static int64_t ticks_of(const struct fv_raw *raw, uint64_t time)
{
    double ticks = (double)time * FV_MOVIE_CLOCK * raw->ivf.scale / raw->ivf.rate;
    return llround(fmin(ticks, TICKS_MAX));
}

/* The time from the first frame to the second; the unit of time may be much finer. */
static int64_t interval_of(const struct fv_raw *raw)
{
    struct fv_ivf it = raw->ivf;
    struct fv_ivf_frame first, second;
    int64_t interval = 0;
    if (fv_ivf_next(&it, raw->data, raw->size, &first) > 0 &&
        fv_ivf_next(&it, raw->data, raw->size, &second) > 0 && second.time > first.time)
        interval = ticks_of(raw, second.time - first.time);
    return interval > 0 ? interval : FV_MOVIE_CLOCK / (int64_t)DEFAULT_FPS;
}

static int open_ivf(struct fv_raw *raw, const struct fv_movie_params *params, struct fv_error *err)
{
    int rc = fv_ivf_open(&raw->ivf, raw->data, raw->size);
    if (rc == -ENOTSUP)
        return fv_error_set(err, -EBADMSG, "the IVF file holds '%.4s', only VP9 and AV1 are read",
                            (const char *)raw->data + 8);
    if (rc < 0)
        return fv_error_set(err, rc, "the IVF file's header is damaged");
    raw->kind = IVF;
    raw->codec = raw->ivf.codec;
    raw->fps = params->fps;
    raw->interval = interval_of(raw);
    raw->last = INT64_MIN;
    return 0;
}

static int open_images(struct fv_raw *raw, const struct fv_movie_params *params)
{
    raw->kind = IMAGES;
    raw->codec = FV_CODEC_JPEG;
    raw->fps = params->fps > 0 ? params->fps : DEFAULT_FPS;
    return 0;
}

int fv_raw_open(FILE *stream, const struct fv_movie_params *params, struct fv_raw **ret_raw,
                struct fv_error *err)
{
    struct fv_raw *raw = FV_NEW(struct fv_raw);
    if (!raw)
        return fv_error_set(err, -ENOMEM, "out of memory");
    int rc = load(raw, stream, err);
    if (rc == 0)
        rc = begins_ivf(raw->data, raw->size)     ? open_ivf(raw, params, err)
             : begins_image(raw->data, raw->size) ? open_images(raw, params)
                                                  : open_annex_b(raw, params, err);
    if (rc < 0) {
        fv_raw_close(raw);
        return rc;
    }
    *ret_raw = raw;
    return 0;
}

void fv_raw_close(struct fv_raw *raw)
{
    if (!raw)
        return;
    fv_unit_buffer_free(&raw->buffer);
    fv_free(raw->data);
    fv_free(raw);
}

/* A stream without times: its pictures are taken to be in order and evenly spaced. */
static int64_t even_time(const struct fv_raw *raw, int64_t count)
{
    return llround((double)count * FV_MOVIE_CLOCK / raw->fps);
}

static int next_nals(struct fv_raw *raw, struct fv_movie_unit *unit)
{
    return fv_codec_next_au(fv_codec_ops(raw->codec), raw->data, raw->size, &raw->offset,
                            &unit->data, &unit->size, &unit->key);
}

/* The rest of the file is no whole picture: it was cut off, or a size in it is wrong. */
static int ends_within(struct fv_raw *raw, size_t offset, struct fv_error *err)
{
    raw->offset = raw->size;
    return fv_error_set(err, -EBADMSG, "the file ends within the picture at byte %zu", offset);
}

/* Where the next image begins, from `offset` on. */
static size_t next_start(const struct fv_raw *raw, size_t offset)
{
    while (offset < raw->size && !begins_image(raw->data + offset, raw->size - offset))
        offset++;
    return offset;
}

/* What lies between two images is passed over. One whose end is not found goes up to the next one's beginning: the decoder refuses
 * and counts it. */
static int next_image(struct fv_raw *raw, struct fv_movie_unit *unit, struct fv_error *err)
{
    const size_t begin = next_start(raw, raw->offset);
    raw->offset = raw->size;
    if (begin == raw->size)
        return 0;
    unit->data = raw->data + begin;
    int rc = fv_jpeg_length(unit->data, raw->size - begin, &unit->size);
    if (rc < 0) {
        const size_t end = next_start(raw, begin + 2);
        if (rc == -EAGAIN && end == raw->size)
            return ends_within(raw, begin, err);
        unit->size = end - begin;
    }
    raw->offset = begin + unit->size;
    unit->key = true;
    rc = fv_unit_complete_jpeg(&raw->buffer, unit);
    return rc < 0 ? fv_error_set(err, rc, "out of memory") : 1;
}

static int next_ivf(struct fv_raw *raw, struct fv_movie_unit *unit, struct fv_error *err)
{
    struct fv_ivf_frame frame;
    int rc;
    do {
        rc = fv_ivf_next(&raw->ivf, raw->data, raw->size, &frame);
        raw->offset = rc > 0 ? raw->ivf.offset : raw->size;
        if (rc < 0)
            return fv_error_set(err, rc, "the file is damaged");
        if (rc == 0)
            return raw->ivf.offset == raw->size ? 0 : ends_within(raw, raw->ivf.offset, err);
        *unit = (struct fv_movie_unit){.data = frame.data, .size = frame.size};
        unit->time = ticks_of(raw, frame.time);
        unit->key = fv_codec_is_key(raw->codec, frame.data, frame.size);
        if (raw->codec == FV_CODEC_AV1)
            rc = fv_unit_pack_av1(&raw->buffer, NULL, 0, unit);
        if (rc < 0)
            return fv_error_set(err, rc, "cannot read a picture: %s", fv_strerror(rc));
    } while (rc == 0);
    if (raw->last != INT64_MIN && unit->time <= raw->last)
        unit->time = raw->last + raw->interval;
    raw->last = unit->time;
    return 1;
}

int fv_raw_next(struct fv_raw *raw, struct fv_movie_unit *ret_unit, struct fv_error *err)
{
    struct fv_movie_unit unit = {0};
    int rc = raw->kind == IVF       ? next_ivf(raw, &unit, err)
             : raw->kind == ANNEX_B ? next_nals(raw, &unit)
                                    : next_image(raw, &unit, err);
    if (rc <= 0)
        return rc;
    if (raw->fps > 0)
        unit.time = even_time(raw, raw->count);
    raw->count++;
    unit.send = unit.time;
    *ret_unit = unit;
    return 1;
}

enum fv_codec fv_raw_codec(const struct fv_raw *raw)
{
    return raw->codec;
}

int64_t fv_raw_interval(const struct fv_raw *raw)
{
    return raw->fps > 0 ? even_time(raw, 1) : raw->interval;
}

double fv_raw_done(const struct fv_raw *raw)
{
    return (double)raw->offset / (double)raw->size;
}

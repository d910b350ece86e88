// SPDX-License-Identifier: Apache-2.0
/* Files -> clips: raw Annex B streams here, everything else in container.c. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "sim/container.h"

#define DEFAULT_FPS 25.0

struct file {
    uint8_t *data;
    size_t size;
};

/* The whole stream, from its beginning. */
static int read_all(FILE *stream, struct file *ret_file)
{
    struct stat info;
    if (fstat(fileno(stream), &info) < 0)
        return -EIO;
    if (info.st_size > FV_CLIP_FILE_MAX)
        return -ENOTSUP;
    struct file file = {.size = (size_t)info.st_size};
    file.data = fv_alloc_aligned(64, file.size);
    if (!file.data)
        return -ENOMEM;
    rewind(stream);
    if (fread(file.data, 1, file.size, stream) != file.size) {
        fv_free(file.data);
        return -EIO;
    }
    *ret_file = file;
    return 0;
}

static int load(FILE *stream, struct file *ret_file, struct fv_error *err)
{
    int rc = read_all(stream, ret_file);
    if (rc == -ENOTSUP)
        return fv_error_set(err, rc,
                            "the file is larger than %u MiB; cut it: it is played in a loop anyway",
                            FV_CLIP_FILE_MAX >> 20);
    return rc < 0 ? fv_error_set(err, rc, "cannot read the file: %s", fv_strerror(rc)) : 0;
}

/* 1: an Annex B start code stands first; 0: something else; negative errno: empty or unreadable. */
static int begins_with_start_code(FILE *stream)
{
    uint8_t head[64];
    size_t zeros = 0;
    errno = 0;
    size_t size = fread(head, 1, sizeof(head), stream);
    if (!size)
        return errno ? -EIO : -EBADMSG;
    while (zeros < size && !head[zeros])
        zeros++;
    return zeros >= 2 && zeros < size && head[zeros] == 1;
}

static double stream_fps(const struct fv_clip_params *params, const struct fv_video_format *format)
{
    if (params->fps > 0)
        return params->fps;
    if (format && format->fps_num && format->fps_den) {
        double fps = (double)format->fps_num / format->fps_den;
        if (fps >= 0.1 && fps <= 240)
            return fps;
    }
    return DEFAULT_FPS;
}

/* A raw stream carries no times: its pictures are taken to be in order and evenly spaced. */
static int build_raw(const struct file *file, struct fv_clip_builder *builder,
                     const struct fv_codec_ops *codec, int64_t *ret_count)
{
    const uint8_t *au;
    size_t offset = 0, size;
    int64_t count = 0;
    bool key;
    while (fv_codec_next_au(codec, file->data, file->size, &offset, &au, &size, &key)) {
        int rc = fv_clip_builder_add(builder, au, size, count, count);
        if (rc < 0)
            return rc;
        count++;
    }
    *ret_count = count;
    return 0;
}

static int open_raw(const struct fv_clip_params *params, const struct file *file,
                    const struct fv_codec_ops *codec, struct fv_clip **ret_clip,
                    struct fv_error *err)
{
    struct fv_clip_builder *builder;
    int64_t count;
    int rc = fv_clip_builder_create(codec, &builder);
    if (rc < 0)
        return fv_error_set(err, rc, "out of memory");
    rc = build_raw(file, builder, codec, &count);
    if (rc < 0)
        fv_error_set(err, rc, "cannot packetize the %s stream: %s", codec->name, fv_strerror(rc));
    else
        rc = fv_clip_builder_finish(
            builder, count, stream_fps(params, fv_clip_builder_format(builder)), ret_clip, err);
    fv_clip_builder_destroy(builder);
    return rc;
}

/* FV_CODEC_NONE: not a raw stream of ours. */
static int choose_codec(const struct fv_clip_params *params, const struct file *file,
                        enum fv_codec *ret_codec, struct fv_error *err)
{
    if (!params->codec) {
        *ret_codec = fv_codec_guess(file->data, file->size);
        return 0;
    }
    const struct fv_codec_ops *named = fv_codec_by_rtp_name(params->codec, strlen(params->codec));
    if (!named)
        return fv_error_set(err, -EINVAL, "unknown codec '%s': h264 or h265", params->codec);
    *ret_codec = named->codec;
    return 0;
}

static int open_start_code(const struct fv_clip_params *params, FILE *stream,
                           struct fv_clip **ret_clip, struct fv_error *err)
{
    struct file file = {0};
    enum fv_codec codec = FV_CODEC_NONE;
    int rc = load(stream, &file, err);
    if (rc < 0)
        return rc;
    rc = choose_codec(params, &file, &codec, err);
    if (rc == 0 && codec != FV_CODEC_NONE)
        rc = open_raw(params, &file, fv_codec_ops(codec), ret_clip, err);
    fv_free(file.data);
    return rc < 0 || codec != FV_CODEC_NONE ? rc : fv_clip_open_container(params, ret_clip, err);
}

static int open_stream(const struct fv_clip_params *params, FILE *stream, struct fv_clip **ret_clip,
                       struct fv_error *err)
{
    int rc = begins_with_start_code(stream);
    if (rc == -EBADMSG)
        return fv_error_set(err, rc, "the file is empty");
    if (rc < 0)
        return fv_error_set(err, rc, "cannot read the file: %s", strerror(errno));
    return rc ? open_start_code(params, stream, ret_clip, err)
              : fv_clip_open_container(params, ret_clip, err);
}

int fv_clip_open(const struct fv_clip_params *params, struct fv_clip **ret_clip,
                 struct fv_error *err)
{
    if (!(params->fps >= 0 && params->fps <= 1000))
        return fv_error_set(err, -EINVAL, "fps must lie between 0 and 1000");
    FILE *stream = fopen(params->path, "rbe");
    if (!stream) {
        int code = errno == ENOENT || errno == ENOTDIR ? -ENOENT
                   : errno == EACCES || errno == EPERM ? -EACCES
                                                       : -EIO;
        return fv_error_set(err, code, "%s: cannot open: %s", params->path, strerror(errno));
    }
    int rc = open_stream(params, stream, ret_clip, err);
    fclose(stream);
    return rc < 0 ? fv_error_prefix(err, rc, "%s", params->path) : 0;
}

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

static int read_all(FILE *stream, struct file *ret_file)
{
    struct stat info;
    if (fstat(fileno(stream), &info) < 0 || S_ISDIR(info.st_mode))
        return -EIO;
    if (info.st_size <= 0)
        return -EBADMSG;
    if (info.st_size > FV_CLIP_FILE_MAX)
        return -ENOTSUP;
    struct file file = {.size = (size_t)info.st_size};
    file.data = fv_alloc_aligned(64, file.size);
    if (!file.data)
        return -ENOMEM;
    if (fread(file.data, 1, file.size, stream) != file.size) {
        fv_free(file.data);
        return -EIO;
    }
    *ret_file = file;
    return 0;
}

static int load(const char *path, struct file *ret_file, struct fv_error *err)
{
    FILE *stream = fopen(path, "rbe");
    if (!stream) {
        int code = errno == ENOENT || errno == ENOTDIR ? -ENOENT
                   : errno == EACCES || errno == EPERM ? -EACCES
                                                       : -EIO;
        return fv_error_set(err, code, "cannot open: %s", strerror(errno));
    }
    int rc = read_all(stream, ret_file);
    fclose(stream);
    switch (rc) {
    case -EBADMSG:
        return fv_error_set(err, rc, "the file is empty");
    case -ENOTSUP:
        return fv_error_set(err, rc,
                            "the file is larger than %u MiB; cut it: it is played in a loop anyway",
                            FV_CLIP_FILE_MAX >> 20);
    case -EIO:
        return fv_error_set(err, rc, "the file cannot be read");
    case -ENOMEM:
        return fv_error_set(err, rc, "not enough memory for the file");
    default:
        return rc;
    }
}

static bool starts_with_start_code(const struct file *file)
{
    size_t zeros = 0;
    while (zeros < file->size && zeros < 64 && !file->data[zeros])
        zeros++;
    return zeros >= 2 && zeros < file->size && file->data[zeros] == 1;
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
static int build_raw(const struct fv_clip_params *params, const struct file *file,
                     struct fv_clip_builder *builder, const struct fv_codec_ops *codec,
                     int64_t *ret_count)
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
    rc = build_raw(params, file, builder, codec, &count);
    if (rc < 0)
        fv_error_set(err, rc, "cannot packetize the %s stream: %s", codec->name, fv_strerror(rc));
    else
        rc = fv_clip_builder_finish(
            builder, count, stream_fps(params, fv_clip_builder_format(builder)), ret_clip, err);
    fv_clip_builder_destroy(builder);
    return rc;
}

static int open_file(const struct fv_clip_params *params, const struct file *file,
                     struct fv_clip **ret_clip, struct fv_error *err)
{
    if (!starts_with_start_code(file))
        return fv_clip_open_container(params, ret_clip, err);
    enum fv_codec codec = fv_codec_guess(file->data, file->size);
    if (params->codec) {
        const struct fv_codec_ops *named =
            fv_codec_by_rtp_name(params->codec, strlen(params->codec));
        if (!named)
            return fv_error_set(err, -EINVAL, "unknown codec '%s': h264 or h265", params->codec);
        codec = named->codec;
    }
    if (codec == FV_CODEC_NONE)
        return fv_clip_open_container(params, ret_clip, err);
    return open_raw(params, file, fv_codec_ops(codec), ret_clip, err);
}

int fv_clip_open(const struct fv_clip_params *params, struct fv_clip **ret_clip,
                 struct fv_error *err)
{
    if (!(params->fps >= 0 && params->fps <= 1000))
        return fv_error_set(err, -EINVAL, "fps must lie between 0 and 1000");
    struct file file = {0};
    int rc = load(params->path, &file, err);
    if (rc == 0) {
        rc = open_file(params, &file, ret_clip, err);
        fv_free(file.data);
    }
    return rc < 0 ? fv_error_prefix(err, rc, "%s", params->path) : 0;
}

// SPDX-License-Identifier: Apache-2.0
/* What an access unit says of its stream, whatever its codec. */
#include <errno.h>

#include "codec/av1.h"
#include "codec/codec.h"
#include "codec/jpeg.h"
#include "codec/vp9.h"

/* Parameter sets come first; a slice's end is far away. */
static int read_sets(const struct fv_codec_ops *ops, const uint8_t *data, size_t size,
                     struct fv_video_format *ret_format)
{
    struct fv_annexb it;
    struct fv_nal nal;
    int found = -ENOENT;
    fv_annexb_init(&it, data, size);
    while (fv_annexb_peek(&it, &nal)) {
        enum fv_nal_kind kind = ops->kind(nal.data, nal.size);
        if (kind == FV_NAL_SLICE || kind == FV_NAL_SLICE_KEY)
            break;
        if (!fv_annexb_next(&it, &nal) || kind != FV_NAL_SPS)
            continue;
        found = ops->parse_sps(nal.data, nal.size, ret_format);
        if (found < 0)
            break;
    }
    return found;
}

static int read_vp9(const uint8_t *data, size_t size, struct fv_video_format *ret_format,
                    bool *ret_key)
{
    struct fv_vp9_frame frames[FV_VP9_FRAMES_MAX];
    struct fv_vp9_header header;
    int code = fv_vp9_split(data, size, frames);
    if (code > 0)
        code = fv_vp9_parse(frames[0].data, frames[0].size, &header);
    if (code < 0)
        return code;
    *ret_key = header.key;
    if (!header.key)
        return -ENOENT;
    *ret_format = header.format;
    return 0;
}

static int read_av1(const uint8_t *data, size_t size, struct fv_video_format *ret_format,
                    bool *ret_key)
{
    struct fv_av1_unit unit;
    int code = fv_av1_look(data, size, &unit);
    if (code < 0)
        return code;
    *ret_key = unit.key && unit.sequence;
    if (!unit.sequence)
        return -ENOENT;
    *ret_format = unit.format;
    return 0;
}

int fv_codec_read_format(enum fv_codec codec, const uint8_t *data, size_t size,
                         struct fv_video_format *ret_format)
{
    bool key;
    switch (codec) {
    case FV_CODEC_JPEG:
        return fv_jpeg_parse(data, size, ret_format);
    case FV_CODEC_VP9:
        return read_vp9(data, size, ret_format, &key);
    case FV_CODEC_AV1:
        return read_av1(data, size, ret_format, &key);
    default:
        return read_sets(fv_codec_ops(codec), data, size, ret_format);
    }
}

static bool has_key_slice(const struct fv_codec_ops *ops, const uint8_t *data, size_t size)
{
    struct fv_annexb it;
    struct fv_nal nal;
    fv_annexb_init(&it, data, size);
    while (fv_annexb_next(&it, &nal))
        if (ops->kind(nal.data, nal.size) == FV_NAL_SLICE_KEY)
            return true;
    return false;
}

bool fv_codec_is_key(enum fv_codec codec, const uint8_t *data, size_t size)
{
    struct fv_video_format format;
    bool key = false;
    switch (codec) {
    case FV_CODEC_JPEG:
        return true;
    case FV_CODEC_VP9:
        (void)read_vp9(data, size, &format, &key);
        return key;
    case FV_CODEC_AV1:
        (void)read_av1(data, size, &format, &key);
        return key;
    default:
        return has_key_slice(fv_codec_ops(codec), data, size);
    }
}

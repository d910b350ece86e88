// SPDX-License-Identifier: Apache-2.0
#include "codec/codec.h"

#include "base/slice.h"
#include "codec/codecs.h"

#define GUESS_NALS 64 /* a parameter set comes early or never */

static const struct fv_codec_ops *const codecs[] = {&fv_codec_h264, &fv_codec_h265};
#define CODECS (sizeof(codecs) / sizeof(codecs[0]))

const struct fv_codec_ops *fv_codec_ops(enum fv_codec codec)
{
    for (size_t i = 0; i < CODECS; i++)
        if (codecs[i]->codec == codec)
            return codecs[i];
    return NULL;
}

const struct fv_codec_ops *fv_codec_by_rtp_name(const char *name, size_t size)
{
    struct fv_slice wanted = {name, size};
    for (size_t i = 0; i < CODECS; i++)
        if (fv_slice_eq_nocase(wanted, fv_slice_of(codecs[i]->rtp_name)))
            return codecs[i];
    return NULL;
}

bool fv_codec_starts_au(const struct fv_codec_ops *ops, enum fv_nal_kind kind, const uint8_t *nal,
                        size_t size)
{
    switch (kind) {
    case FV_NAL_VPS:
    case FV_NAL_SPS:
    case FV_NAL_PPS:
    case FV_NAL_SEI:
    case FV_NAL_AUD:
        return true;
    case FV_NAL_SLICE:
    case FV_NAL_SLICE_KEY:
        return ops->first_slice(nal, size);
    default:
        return false;
    }
}

/* Where the start code of `nal` begins: three bytes before it, or four when a zero byte is there. */
static size_t start_of(const uint8_t *data, const struct fv_nal *nal, size_t lowest)
{
    size_t start = (size_t)(nal->data - data) - 3;
    return start > lowest && data[start - 1] == 0 ? start - 1 : start;
}

bool fv_codec_next_au(const struct fv_codec_ops *ops, const uint8_t *data, size_t size,
                      size_t *offset, const uint8_t **ret_au, size_t *ret_size, bool *ret_key)
{
    struct fv_annexb it;
    struct fv_nal nal;
    size_t begin = size, end = size;
    bool picture = false, key = false;
    fv_annexb_init(&it, data + *offset, size - *offset);
    while (fv_annexb_next(&it, &nal)) {
        enum fv_nal_kind kind = ops->kind(nal.data, nal.size);
        size_t start = start_of(data, &nal, *offset);
        if (picture && fv_codec_starts_au(ops, kind, nal.data, nal.size)) {
            end = start;
            break;
        }
        if (begin == size)
            begin = start;
        picture |= kind == FV_NAL_SLICE || kind == FV_NAL_SLICE_KEY;
        key |= kind == FV_NAL_SLICE_KEY;
    }
    *offset = end;
    if (!picture)
        return false;
    *ret_au = data + begin;
    *ret_size = end - begin;
    *ret_key = key;
    return true;
}

enum fv_codec fv_codec_guess(const uint8_t *data, size_t size)
{
    struct fv_annexb it;
    struct fv_nal nal;
    fv_annexb_init(&it, data, size);
    for (unsigned n = 0; n < GUESS_NALS && fv_annexb_next(&it, &nal); n++) {
        struct fv_video_format format;
        for (size_t i = 0; i < CODECS; i++)
            if (codecs[i]->parse_sps(nal.data, nal.size, &format) == 0)
                return codecs[i]->codec;
    }
    return FV_CODEC_NONE;
}

// SPDX-License-Identifier: Apache-2.0
#include "movie/ivf.h"

#include <errno.h>
#include <string.h>

#define HEADER 32
#define FRAME_HEADER 12
#define RATE_MAX 1000000000

static uint32_t read32(const uint8_t *data)
{
    return data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 | (uint32_t)data[3] << 24;
}

static enum fv_codec codec_of(const uint8_t *fourcc)
{
    if (memcmp(fourcc, "VP90", 4) == 0)
        return FV_CODEC_VP9;
    return memcmp(fourcc, "AV01", 4) == 0 ? FV_CODEC_AV1 : FV_CODEC_NONE;
}

int fv_ivf_open(struct fv_ivf *ivf, const uint8_t *data, size_t size)
{
    if (size < HEADER || memcmp(data, "DKIF", 4) != 0 || data[4] || data[5])
        return -EBADMSG;
    struct fv_ivf found = {.codec = codec_of(data + 8),
                           .rate = read32(data + 16),
                           .scale = read32(data + 20),
                           .offset = data[6] | (size_t)data[7] << 8};
    if (found.offset < HEADER || !found.rate || !found.scale || found.rate > RATE_MAX ||
        found.scale > RATE_MAX)
        return -EBADMSG;
    if (found.codec == FV_CODEC_NONE)
        return -ENOTSUP;
    *ivf = found;
    return 0;
}

int fv_ivf_next(struct fv_ivf *ivf, const uint8_t *data, size_t size,
                struct fv_ivf_frame *ret_frame)
{
    if (ivf->offset > size || size - ivf->offset < FRAME_HEADER)
        return 0;
    const uint8_t *header = data + ivf->offset;
    size_t left = size - ivf->offset - FRAME_HEADER, frame = read32(header);
    if (!frame || frame > FV_IVF_FRAME_MAX)
        return -EBADMSG;
    if (frame > left)
        return 0;
    *ret_frame = (struct fv_ivf_frame){
        .data = header + FRAME_HEADER,
        .size = frame,
        .time = read32(header + 4) | (uint64_t)read32(header + 8) << 32,
    };
    ivf->offset += FRAME_HEADER + frame;
    return 1;
}

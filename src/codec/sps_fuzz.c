// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a parameter set or SEI message of both codecs: refused, or within the promised limits. */
#include <stdlib.h>

#include "codec/codec.h"
#include "codec/h264.h"
#include "codec/h265.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool promise)
{
    if (!promise)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (enum fv_codec codec = FV_CODEC_H264; codec <= FV_CODEC_H265; codec++) {
        const struct fv_codec_ops *ops = fv_codec_ops(codec);
        struct fv_video_format format;
        (void)fv_h265_counts_fit(data, size);
        (void)fv_h264_one_slice_group(data, size);
        if (size >= ops->header_size) {
            check(ops->set_id(data, size) <= 255);
            check(ops->recovery(data, size) <= UINT16_MAX);
            ops->role(data, size);
        }
        if (ops->parse_sps(data, size, &format) < 0)
            continue;
        check(ops->kind(data, size) == FV_NAL_SPS && format.codec == codec);
        check(format.width >= 1 && format.width <= format.coded_width &&
              format.coded_width <= 16384);
        check(format.height >= 1 && format.height <= format.coded_height &&
              format.coded_height <= 16384);
        check(format.bit_depth >= 8 && format.bit_depth <= 16 && format.chroma <= 3);
        check(format.reorder_frames <= 16 && (format.fps_num == 0) == (format.fps_den == 0));
    }
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
/* Any bytes as an IVF file: each frame lies within them, behind the one before. */
#include <stdlib.h>

#include "movie/ivf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool promise)
{
    if (!promise)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fv_ivf ivf;
    struct fv_ivf_frame frame;
    if (fv_ivf_open(&ivf, data, size) < 0)
        return 0;
    check((ivf.codec == FV_CODEC_VP9 || ivf.codec == FV_CODEC_AV1) && ivf.rate && ivf.scale);
    const uint8_t *end = data + 32;
    while (fv_ivf_next(&ivf, data, size, &frame) > 0) {
        check(frame.size && frame.data >= end + 12 && frame.data + frame.size <= data + size);
        end = frame.data + frame.size;
    }
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
#include "rtp/fuzz_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fv_fuzz_stream(FV_CODEC_VP9, data, size);
    return 0;
}

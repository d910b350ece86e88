// SPDX-License-Identifier: Apache-2.0
/* What the look-alike can do, and what is left of it at the end. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cuvid.h"

pthread_mutex_t fakegpu_cuvid_lock = PTHREAD_MUTEX_INITIALIZER;
struct fakegpu_cuvid_live fakegpu_cuvid_count;

void fakegpu_cuvid_live(struct fakegpu_cuvid_live *ret_live)
{
    pthread_mutex_lock(&fakegpu_cuvid_lock);
    *ret_live = fakegpu_cuvid_count;
    pthread_mutex_unlock(&fakegpu_cuvid_lock);
}

/* With the other objects that a process leaves, see device.c. */
__attribute__((destructor)) static void check_leaks(void)
{
    const struct fakegpu_cuvid_live *live = &fakegpu_cuvid_count;
    if (fakegpu_number("leaks", 1) == 0 || (!live->decoders && !live->parsers && !live->mapped))
        return;
    fprintf(stderr, "fakegpu: left at the end: %u decoders, %u parsers, %u mapped pictures\n",
            live->decoders, live->parsers, live->mapped);
    _exit(99);
}

/* As an H100: all but AV1. */
static bool decodes(cudaVideoCodec codec, unsigned more_bits)
{
    switch (codec) {
    case cudaVideoCodec_H264:
        return more_bits == 0;
    case cudaVideoCodec_HEVC:
        return more_bits <= 2 && fakegpu_number("h265", 1);
    case cudaVideoCodec_VP9:
        return more_bits <= 2 && fakegpu_number("vp9", 1);
    case cudaVideoCodec_JPEG:
        return more_bits == 0 && fakegpu_number("jpeg", 1);
    case cudaVideoCodec_AV1:
        return more_bits <= 2 && fakegpu_number("av1", 0);
    default:
        return false;
    }
}

CUresult cuvidGetDecoderCaps(CUVIDDECODECAPS *caps)
{
    CUresult result = fakegpu_enter(__func__);
    if (result != CUDA_SUCCESS)
        return result;
    bool chroma =
        caps->eChromaFormat == cudaVideoChromaFormat_420 ||
        (caps->eCodecType == cudaVideoCodec_JPEG &&
         caps->eChromaFormat == cudaVideoChromaFormat_422 && fakegpu_number("jpeg422", 0));
    caps->bIsSupported = chroma && decodes(caps->eCodecType, caps->nBitDepthMinus8);
    if (!caps->bIsSupported)
        return CUDA_SUCCESS;
    caps->nNumNVDECs = 1;
    caps->nOutputFormatMask = caps->nBitDepthMinus8 ? 3 : 1;
    caps->nMaxWidth = (unsigned)fakegpu_number("max-width", 4096);
    caps->nMaxHeight = (unsigned)fakegpu_number("max-height", 4096);
    caps->nMaxMBCount = 65536;
    caps->nMinWidth = 48;
    caps->nMinHeight = 16;
    return CUDA_SUCCESS;
}

CUresult cuvidCtxLockCreate(CUvideoctxlock *lock, CUcontext context)
{
    return (CUresult)FV_CUDA_NOT_SUPPORTED;
}

CUresult cuvidCtxLockDestroy(CUvideoctxlock lock)
{
    return (CUresult)FV_CUDA_NOT_SUPPORTED;
}

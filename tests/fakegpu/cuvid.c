// SPDX-License-Identifier: Apache-2.0
/* libnvcuvid.so.1's look-alike: its capabilities; decoding is not made yet. */
#include "fakegpu.h"

#define FAKEGPU_DECLARE(name, symbol, arguments)                                                   \
    FAKEGPU_API CUresult name arguments __asm__(symbol);
FV_CUVID_ENTRIES(FAKEGPU_DECLARE)
#undef FAKEGPU_DECLARE

CUresult cuvidGetDecoderCaps(CUVIDDECODECAPS *caps)
{
    CUresult result = fakegpu_enter(__func__);
    if (result != CUDA_SUCCESS)
        return result;
    bool known = caps->eCodecType == cudaVideoCodec_H264 || caps->eCodecType == cudaVideoCodec_HEVC;
    caps->bIsSupported = known && caps->eChromaFormat == cudaVideoChromaFormat_420;
    return CUDA_SUCCESS;
}

#define REFUSE(name, arguments)                                                                    \
    CUresult name arguments                                                                        \
    {                                                                                              \
        return (CUresult)FV_CUDA_NOT_SUPPORTED;                                                    \
    }
REFUSE(cuvidCreateDecoder, (CUvideodecoder * decoder, CUVIDDECODECREATEINFO *info))
REFUSE(cuvidDestroyDecoder, (CUvideodecoder decoder))
REFUSE(cuvidReconfigureDecoder, (CUvideodecoder decoder, CUVIDRECONFIGUREDECODERINFO *info))
REFUSE(cuvidDecodePicture, (CUvideodecoder decoder, CUVIDPICPARAMS *parameters))
REFUSE(cuvidGetDecodeStatus, (CUvideodecoder decoder, int picture, CUVIDGETDECODESTATUS *status))
REFUSE(cuvidMapVideoFrame, (CUvideodecoder decoder, int picture, CUdeviceptr *address,
                            unsigned *pitch, CUVIDPROCPARAMS *parameters))
REFUSE(cuvidUnmapVideoFrame, (CUvideodecoder decoder, CUdeviceptr address))
REFUSE(cuvidCreateVideoParser, (CUvideoparser * parser, CUVIDPARSERPARAMS *parameters))
REFUSE(cuvidParseVideoData, (CUvideoparser parser, CUVIDSOURCEDATAPACKET *packet))
REFUSE(cuvidDestroyVideoParser, (CUvideoparser parser))
REFUSE(cuvidCtxLockCreate, (CUvideoctxlock * lock, CUcontext context))
REFUSE(cuvidCtxLockDestroy, (CUvideoctxlock lock))

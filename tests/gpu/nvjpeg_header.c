// SPDX-License-Identifier: Apache-2.0
/*
 * Whether what gpu/nvjpeg.h declares is what NVIDIA's own header says, where there is one: it compiles, or it does not.
 *
 *   cc -fsyntax-only -I src -I include -I /usr/local/cuda/include tests/gpu/nvjpeg_header.c
 */
#include <nvjpeg.h>

#include "gpu/nvjpeg.h"

#define SAME(ours, theirs) _Static_assert((int)(ours) == (int)(theirs), #theirs)
SAME(FV_NVJPEG_SUCCESS, NVJPEG_STATUS_SUCCESS);
SAME(FV_NVJPEG_INVALID_PARAMETER, NVJPEG_STATUS_INVALID_PARAMETER);
SAME(FV_NVJPEG_ALLOCATOR_FAILURE, NVJPEG_STATUS_ALLOCATOR_FAILURE);
SAME(FV_NVJPEG_EXECUTION_FAILED, NVJPEG_STATUS_EXECUTION_FAILED);
SAME(FV_NVJPEG_ARCH_MISMATCH, NVJPEG_STATUS_ARCH_MISMATCH);
SAME(FV_NVJPEG_NOT_SUPPORTED, NVJPEG_STATUS_IMPLEMENTATION_NOT_SUPPORTED);
SAME(FV_NVJPEG_CSS_420, NVJPEG_CSS_420);
SAME(0, NVJPEG_BACKEND_DEFAULT);
SAME(sizeof(int), sizeof(nvjpegStatus_t));
SAME(sizeof(int), sizeof(nvjpegChromaSubsampling_t));
SAME(sizeof(int), sizeof(nvjpegBackend_t));

SAME(sizeof(struct fv_nvjpeg_image), sizeof(nvjpegImage_t));
SAME(offsetof(struct fv_nvjpeg_image, pitch), offsetof(nvjpegImage_t, pitch));
SAME(sizeof(struct fv_nvjpeg_allocator), sizeof(nvjpegDevAllocatorV2_t));
SAME(offsetof(struct fv_nvjpeg_allocator, free), offsetof(nvjpegDevAllocatorV2_t, dev_free));
SAME(offsetof(struct fv_nvjpeg_allocator, context), offsetof(nvjpegDevAllocatorV2_t, dev_ctx));
SAME(sizeof(struct fv_nvjpeg_allocator), sizeof(nvjpegPinnedAllocatorV2_t));
SAME(offsetof(struct fv_nvjpeg_allocator, free), offsetof(nvjpegPinnedAllocatorV2_t, pinned_free));
SAME(offsetof(struct fv_nvjpeg_allocator, context),
     offsetof(nvjpegPinnedAllocatorV2_t, pinned_ctx));

/* Ours called as theirs: the same number of arguments, each of which converts without a warning that matters. Handles are pointers to
 * opaque structs there. */
void fv_nvjpeg_header(const struct fv_nvjpeg *ours, void *stream);
void fv_nvjpeg_header(const struct fv_nvjpeg *ours, void *stream)
{
    struct fv_nvjpeg_allocator device = {0}, pinned = {0};
    struct fv_nvjpeg_image image = {0};
    nvjpegHandle_t library = NULL;
    nvjpegEncoderState_t state = NULL;
    nvjpegEncoderParams_t params = NULL;
    unsigned char *data = NULL;
    size_t length = 0;
    nvjpegCreateExV2(NVJPEG_BACKEND_DEFAULT, (nvjpegDevAllocatorV2_t *)(void *)&device,
                     (nvjpegPinnedAllocatorV2_t *)(void *)&pinned, 0, &library);
    ours->nvjpegCreateExV2(0, &device, &pinned, 0, (void **)&library);
    nvjpegEncoderStateCreate(library, &state, stream);
    ours->nvjpegEncoderStateCreate(library, (void **)&state, stream);
    nvjpegEncoderParamsCreate(library, &params, stream);
    ours->nvjpegEncoderParamsCreate(library, (void **)&params, stream);
    nvjpegEncoderParamsSetQuality(params, 90, stream);
    ours->nvjpegEncoderParamsSetQuality(params, 90, stream);
    nvjpegEncoderParamsSetSamplingFactors(params, NVJPEG_CSS_420, stream);
    ours->nvjpegEncoderParamsSetSamplingFactors(params, FV_NVJPEG_CSS_420, stream);
    nvjpegEncodeYUV(library, state, params, (nvjpegImage_t *)(void *)&image, NVJPEG_CSS_420, 1, 1,
                    stream);
    ours->nvjpegEncodeYUV(library, state, params, &image, FV_NVJPEG_CSS_420, 1, 1, stream);
    nvjpegEncodeRetrieveBitstream(library, state, data, &length, stream);
    ours->nvjpegEncodeRetrieveBitstream(library, state, data, &length, stream);
    nvjpegEncoderParamsDestroy(params);
    ours->nvjpegEncoderParamsDestroy(params);
    nvjpegEncoderStateDestroy(state);
    ours->nvjpegEncoderStateDestroy(state);
    nvjpegDestroy(library);
    ours->nvjpegDestroy(library);
}

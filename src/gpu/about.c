// SPDX-License-Identifier: Apache-2.0
#include "gpu/about.h"

#include <errno.h>

#include "base/str.h"
#include "gpu/driver.h"

static const struct {
    cudaVideoCodec codec;
    const char *name;
} codecs[] = {
    {cudaVideoCodec_H264, "H.264"}, {cudaVideoCodec_HEVC, "H.265"}, {cudaVideoCodec_VP9, "VP9"},
    {cudaVideoCodec_AV1, "AV1"},    {cudaVideoCodec_JPEG, "JPEG"},
};

/* First those that are decoded, with the largest picture; then, after "not", the others. */
static void describe_codecs(struct fv_gpu *gpu, struct fv_str *out)
{
    struct fv_str none;
    char others[100];
    fv_str_init(&none, others, sizeof(others));
    for (size_t i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++) {
        struct fv_error err;
        CUVIDDECODECAPS caps = {.eCodecType = codecs[i].codec,
                                .eChromaFormat = cudaVideoChromaFormat_420};
        bool known = FV_GPU_CALL(gpu, &err, cuvidGetDecoderCaps, &caps) == 0;
        if (known && caps.bIsSupported)
            fv_str_addf(out, "%s%s up to %ux%u", out->size ? ", " : "", codecs[i].name,
                        caps.nMaxWidth, caps.nMaxHeight);
        else
            fv_str_addf(&none, "%s%s", none.size ? ", " : "", codecs[i].name);
    }
    if (none.size)
        fv_str_addf(out, "%snot %s", out->size ? "; " : "", others);
}

int fv_gpu_about(unsigned device, struct fv_gpu_about *ret_about, struct fv_error *err)
{
    const struct fv_gpu_params params = {.device = device};
    struct fv_gpu *gpu = NULL;
    struct fv_gpu_about about = {0};
    struct fv_str out;
    int r = fv_gpu_open(&params, &gpu, err);
    if (r == 0)
        r = fv_gpu_info(gpu, &about.info, err);
    if (r == 0) {
        fv_str_init(&out, about.codecs, sizeof(about.codecs));
        describe_codecs(gpu, &out);
        *ret_about = about;
    }
    fv_gpu_close(gpu);
    return r;
}

// SPDX-License-Identifier: Apache-2.0
/* Stands in for nvdec.c in a build without the GPU path. */
#include <errno.h>
#include <string.h>

#include "decode/nvdec.h"

int fv_nvdec_create(const struct fv_nvdec_params *params, struct fv_nvdec **ret_nvdec,
                    struct fv_error *err)
{
    (void)params;
    (void)ret_nvdec;
    return fv_error_set(
        err, -ENOTSUP,
        "this build has no GPU decoder: install libffmpeg-nvenc-dev and clang, then "
        "configure with -Dgpu=enabled");
}

void fv_nvdec_destroy(struct fv_nvdec *nvdec)
{
    (void)nvdec;
}

void fv_nvdec_stats(struct fv_nvdec *nvdec, struct fv_nvdec_stats *ret_stats)
{
    (void)nvdec;
    memset(ret_stats, 0, sizeof(*ret_stats));
}

/* Without a struct fv_nvdec nothing of it is ever called. */
const struct fv_decoder_ops fv_decoder_nvdec = {.name = "nvdec", .memory = FV_MEMORY_DEVICE};

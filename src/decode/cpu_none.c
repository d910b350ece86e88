// SPDX-License-Identifier: Apache-2.0
/* Stands in for cpu.c in a build without libavcodec. */
#include <errno.h>

#include "decode/decoder.h"

static int none_open(const struct fv_decoder_params *params, struct fv_decoder **ret_decoder,
                     struct fv_error *err)
{
    (void)params;
    (void)ret_decoder;
    return fv_error_set(err, -ENOTSUP,
                        "this build has no CPU decoder: install libavcodec-dev, libavutil-dev and "
                        "libavformat-dev, then configure with -Dffmpeg=enabled");
}

static int none_submit(struct fv_decoder *decoder, const struct fv_au *au, struct fv_error *err)
{
    (void)decoder;
    (void)au;
    return fv_error_set(err, -ENOTSUP, "this build has no CPU decoder");
}

static void none_do_nothing(struct fv_decoder *decoder)
{
    (void)decoder;
}

const struct fv_decoder_ops fv_decoder_cpu = {
    .name = "cpu",
    .memory = FV_MEMORY_HOST,
    .open = none_open,
    .submit = none_submit,
    .flush = none_do_nothing,
    .close = none_do_nothing,
};

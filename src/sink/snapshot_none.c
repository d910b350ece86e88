// SPDX-License-Identifier: Apache-2.0
/* Stands in for snapshot.c and jpeg.c in a build without libturbojpeg. */
#include <errno.h>

#include "sink/jpeg.h"
#include "sink/sink.h"

static const char cure[] = "this build cannot write JPEG files: install libturbojpeg0-dev, then "
                           "configure with -Djpeg=enabled";

int fv_jpeg_of_picture(const struct fv_picture *picture, unsigned quality, uint8_t **ret_data,
                       size_t *ret_size, struct fv_error *err)
{
    return fv_error_set(err, -ENOTSUP, "%s", cure);
}

static int none_open(const struct fv_sink_context *context, const void *config, void **ret_state,
                     struct fv_error *err)
{
    (void)context;
    (void)config;
    (void)ret_state;
    return fv_error_set(err, -ENOTSUP, "%s", cure);
}

static int none_write(void *state, const struct fv_result *result, struct fv_error *err)
{
    (void)state;
    (void)result;
    return fv_error_set(err, -ENOTSUP, "this build cannot write JPEG files");
}

static void none_close(void *state)
{
    (void)state;
}

const struct fv_sink_ops fv_sink_snapshot = {
    .name = "snapshot",
    .open = none_open,
    .write = none_write,
    .close = none_close,
};

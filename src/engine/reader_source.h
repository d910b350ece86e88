// SPDX-License-Identifier: Apache-2.0
/* Which camera a reader reads, and where it decodes: by address, or as a configuration says. No threads, no network. */
#ifndef FV_ENGINE_READER_SOURCE_H
#define FV_ENGINE_READER_SOURCE_H

#include "fovea/reader.h"
#include "ingest/ingest.h"

struct fv_reader_source {
    struct fv_camera_params camera; /* with credentials: fv_reader_source_wipe() */
    const char *file;               /* instead of a camera: borrowed from the params; else NULL */
    bool on_gpu;
    unsigned device;
};

/* 0, or as fv_reader_open() of url, backend and configuration. */
int fv_reader_source_init(const struct fv_reader_params *params, struct fv_reader_source *source,
                          struct fv_error *err);
void fv_reader_source_wipe(struct fv_reader_source *source);

#endif

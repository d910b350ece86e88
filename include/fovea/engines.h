// SPDX-License-Identifier: Apache-2.0
/*
 * Built TensorRT engines on disk: `fovea engine`. Any thread; other processes may build, load and remove at the same time.
 * The runtimes that use them have not been run on hardware in this version.
 */
#ifndef FOVEA_ENGINES_H
#define FOVEA_ENGINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fovea/config.h"

enum fv_engines_state {
    FV_ENGINES_WHOLE,
    FV_ENGINES_DAMAGED, /* it is built again when it is wanted */
    FV_ENGINES_LEFT,    /* of a build that was broken off */
    FV_ENGINES_BUSY,    /* being built, loaded or removed */
};

/* Borrowed: valid during the callback only. Texts that are not known are "". */
struct fv_engines_item {
    const char *name; /* of its folder, for fv_engines_remove() */
    enum fv_engines_state state;
    const char *why; /* it is damaged */
    uint64_t bytes;
    int64_t built; /* s since 1970 */
    const char *runtime, *model, *shape, *gpu, *onnxruntime;
};
/* Another value than 0 ends the list and is returned. */
typedef int (*fv_engines_fn)(void *data, const struct fv_engines_item *item);

/* Where engines lie: models.DETECTION_ENGINE_PATH of the configuration, else the user's cache folder. config_path may be NULL. As
 * fv_config_check() for one that cannot be used; -ENOENT: no place; -EINVAL: the path is too long. */
FV_API int fv_engines_folder(const char *config_path, char *ret_folder, size_t size, struct fv_error *err);
/* In order of name; a folder that does not exist is empty. `verify` reads every byte. 0, -EACCES, -EIO, -ENOMEM. */
FV_API int fv_engines_list(const char *folder, bool verify, fv_engines_fn each, void *data,
                           struct fv_error *err);
/* 0, -EBUSY, -ENOENT, -EINVAL (not an engine's name), -EACCES, -EIO. */
FV_API int fv_engines_remove(const char *folder, const char *name, struct fv_error *err);

struct fv_engines_build_params {
    const char *config_path; /* model, provider, batch size, precision, folder; NULL: the defaults */
    void (*progress)(void *data, const char *text);
    void *data;
};
/* Builds what `fovea run` would build at its start, and loads it; what is there is only loaded. It cannot be stopped from within: a process
 * that may have to be is for this alone. Codes as fv_engine_open(); -EINVAL: the configuration asks for no engine. */
FV_API int fv_engines_build(const struct fv_engines_build_params *params, struct fv_error *err);

#endif

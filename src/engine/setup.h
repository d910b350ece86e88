// SPDX-License-Identifier: Apache-2.0
/* What the engine needs before it can start: the model, what runs it, which classes count. No threads, no network. */
#ifndef FV_ENGINE_SETUP_H
#define FV_ENGINE_SETUP_H

#include "base/error.h"
#include "conf/conf.h"
#include "engine/detector.h"
#include "engine/device.h"
#include "infer/runtime.h"

struct fv_setup {
    /* What takes long, for people; set before fv_setup_init, may be NULL. */
    void (*progress)(void *data, const char *text);
    void *data;
    struct fv_gpu_alarm alarm; /* of the GPU; set before, as well */
    struct fv_device *device;  /* NULL: the CPU back end */
    struct fv_gpu_stream *stream; /* of a second model: its own; NULL: the device's */
    bool second;                  /* the device is borrowed */
    struct fv_model *model;
    const struct fv_runtime_ops *runtime_ops;
    struct fv_runtime *runtime;
    struct fv_detector *detector;
    unsigned batch; /* pictures per batch that the configuration asks for */
    int person;     /* class number of "person", -1 when the model has none */
};

/* 0, or negative errno with a sentence: -ENOENT (model, library), -EBADMSG, -EINVAL (unknown class, provider), -ENODEV (no GPU
 * path), -ENOTSUP, -ENOMEM. */
int fv_setup_init(struct fv_setup *setup, const struct fv_config *config, struct fv_error *err);
/* A second model on the same device, with a stream of its own: the classifier of the configuration. `first` is there, outlives it and
 * is not changed. Results as fv_setup_init; fv_setup_finish ends it. */
int fv_setup_second(struct fv_setup *second, const struct fv_setup *first,
                    const struct fv_config *config, struct fv_error *err);
void fv_setup_finish(struct fv_setup *setup); /* an empty one is fine */

/* What a runtime is opened with. Borrows from both. */
struct fv_runtime_params fv_setup_runtime_params(const struct fv_setup *setup,
                                                 const struct fv_config *config);

/* A detector as the configuration says: its thresholds and classes. `config` may be another one than that of init. */
int fv_setup_detector(const struct fv_setup *setup, const struct fv_config *config,
                      struct fv_detector **ret_detector, struct fv_error *err);

/* What CLASS_NAMES makes of the model's labels. */
enum fv_class_names {
    FV_CLASS_NAMES_SAME,    /* or not given */
    FV_CLASS_NAMES_CHANGED, /* they differ from the manifest's and took their place */
    FV_CLASS_NAMES_REFUSED, /* there are not as many as classes: the manifest's stay */
};
/* -ENOMEM leaves the model as it was. */
int fv_setup_name_classes(struct fv_model *model, const struct fv_conf_strings *names,
                          enum fv_class_names *ret_result);
/* A sentence about it without its full stop. */
void fv_setup_tell_names(const struct fv_model *model, const struct fv_conf_strings *names,
                         enum fv_class_names result, char *text, size_t size);
/* The path of the model that the configuration means, `path` holds 1024 bytes. 0, or -ENOENT as fv_setup_bundled_model(). */
int fv_setup_model_path(const struct fv_config *config, char *path, struct fv_error *err);
/* Is there what the provider of the configuration needs beside a GPU? 0; -ENOENT, -ENOTSUP: err says what is missing, and its cure. */
int fv_setup_check_provider(const struct fv_config *config, struct fv_error *err);

/* Number of a class given by number or name, or -ENOENT. */
int fv_setup_class(const struct fv_model *model, const char *text);

/* Path of the detector that came with the program, `half`: in FP16: FOVEA_MODEL_PATH, `model/` beside the executable, then the installed one.
 * -ENOENT names the places. `path` holds 1024 bytes. */
int fv_setup_bundled_model(bool half, char *path, size_t size, struct fv_error *err);

#endif

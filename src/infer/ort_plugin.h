// SPDX-License-Identifier: Apache-2.0
/*
 * ONNX Runtime's plug-in providers. They came with API 1.22, and the header that Fovea is built with may be older: the library is asked for
 * that version of its table of functions at run time, and the functions are taken by their places, which never change.
 */
#ifndef FV_INFER_ORT_PLUGIN_H
#define FV_INFER_ORT_PLUGIN_H

#include "infer/ort_provider.h"

/*
 * Registers the plug-in at `path` in the session's environment, where it is not yet, and adds its provider `name` on the GPU with that
 * ordinal. 0; -ENOTSUP: the library is older than 1.22, or the plug-in has no provider for this GPU; codes of fv_ort_status().
 */
struct fv_ort_plugin {
    const char *path; /* of the library */
    const char *name; /* of its provider */
    unsigned device;  /* ordinal */
};
int fv_ort_plugin_add(const struct fv_ort_session *session, OrtSessionOptions *options,
                      const struct fv_ort_plugin *plugin, const struct fv_ort_options *list,
                      struct fv_error *err);

#endif

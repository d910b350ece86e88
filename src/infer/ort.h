// SPDX-License-Identifier: Apache-2.0
/* What the files of the ONNX Runtime back end share. Not for others. */
#ifndef FV_INFER_ORT_H
#define FV_INFER_ORT_H

#include <onnxruntime_c_api.h>

#include "infer/model.h"

/* The opened library. */
struct fv_ort_library {
    void *handle;
    const OrtApi *api;
    char version[32];  /* of the library: "1.31.1" */
    unsigned minor;    /* 31 */
    char folder[1024]; /* where it lies; its providers lie beside it. "" when unknown */
};

/*
 * Finds and opens the library. `path`: a file or a folder, or NULL: FOVEA_ORT_PATH; then the folder `ort` beside the executable, the dynamic
 * linker's own places, well-known folders and pip's. 0, -ENOENT (nowhere found), -ENOTSUP (found, but not usable: err says why).
 */
int fv_ort_library_open(const char *path, struct fv_ort_library *ret_library, struct fv_error *err);
void fv_ort_library_close(struct fv_ort_library *library); /* a zeroed one is fine */

/* Releases `status` and turns it into 0 or a negative errno with the runtime's own words behind `what`. */
int fv_ort_status(const OrtApi *api, OrtStatus *status, const char *what, struct fv_error *err);

/* Compares inputs and outputs with the manifest. 0, or -EINVAL with every difference in `err`. */
int fv_ort_check_model(const OrtApi *api, const OrtSession *session, const struct fv_model *model,
                       struct fv_error *err);

/* A model opened in ONNX Runtime. */
struct fv_ort_session {
    struct fv_ort_library library;
    OrtEnv *env;
    OrtSession *session;
};

struct fv_ort_session_params {
    const struct fv_model *model; /* borrowed, as the library's path */
    const char *library;          /* as fv_ort_library_open() */
    unsigned threads;             /* for one inference, >= 1 */
    bool plain_graph;             /* no optimisation */
    unsigned minor_min;           /* oldest library, as 1.N; 0: any that opens */
    const char *path;             /* opened in place of the model's own; NULL: that one */
    /* Adds what computes; NULL: the CPU provider alone. The session has its library and environment, no more. */
    int (*add_provider)(const struct fv_ort_session *session, OrtSessionOptions *options,
                        void *data, struct fv_error *err);
    void *data;
};

/* -ENOTSUP: older than 1.`minor_min`. */
int fv_ort_check_version(const struct fv_ort_library *library, unsigned minor_min,
                         struct fv_error *err);

/* Opens the library and the model, and checks the model against its manifest. Spinning is off. Codes as fv_runtime_ops.open. On
 * failure *ret_session holds nothing. */
int fv_ort_session_open(const struct fv_ort_session_params *params,
                        struct fv_ort_session *ret_session, struct fv_error *err);
void fv_ort_session_close(struct fv_ort_session *session); /* a zeroed one is fine */

/* The tensors' type in ONNX Runtime's words. */
ONNXTensorElementDataType fv_ort_element(const struct fv_model *model);

#endif

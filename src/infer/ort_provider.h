// SPDX-License-Identifier: Apache-2.0
/*
 * What computes on the GPU: ONNX Runtime's CUDA, TensorRT and TensorRT-RTX providers. They share ort_cuda.c (stream, device memory, batch
 * sizes, recorded graphs); here stands what differs. Each session has one shape.
 */
#ifndef FV_INFER_ORT_PROVIDER_H
#define FV_INFER_ORT_PROVIDER_H

#include "infer/engine_cache.h"
#include "infer/ort.h"
#include "infer/runtime.h"

/* An option of a provider; both texts are borrowed. */
struct fv_ort_option {
    const char *key, *value;
};

#define FV_ORT_OPTIONS_MAX 16

struct fv_ort_options {
    struct fv_ort_option items[FV_ORT_OPTIONS_MAX];
    size_t count;
};

void fv_ort_option_add(struct fv_ort_options *options, const char *key, const char *value);

struct fv_ort_request {
    const struct fv_runtime_params *params; /* with gpu and stream */
    unsigned images;                        /* of the session's shape */
    const char *folder;                     /* of the engine; NULL: the provider builds none */
    bool build;                             /* the folder is empty: the engine is written there */
};

struct fv_ort_provider {
    const char *name;   /* in ONNX Runtime */
    unsigned minor_min; /* the oldest ONNX Runtime, as 1.N */
    /* Adds the provider to the options. -ENOTSUP: the library or the GPU cannot; -ENOENT: a library is missing (err names it and the
     * cure); -EIO, -ENODEV. */
    int (*add)(const struct fv_ort_session *session, OrtSessionOptions *options,
               const struct fv_ort_request *request, struct fv_error *err);
    /* Looks for the libraries that it needs beside ONNX Runtime's own, and loads them for good. -ENOENT, -ENOTSUP: err names what is
     * missing and the cure. */
    int (*find_parts)(const struct fv_ort_library *library, struct fv_error *err);
    /* Providers that build engines; NULL: this one does not. Adds what an engine depends on beyond the model, the GPU and ONNX
     * Runtime. Finds out first what is missing: codes as add(). */
    int (*add_facts)(const struct fv_ort_library *library, const struct fv_ort_request *request,
                     struct fv_engine_key *key, struct fv_error *err);
    const char *
        compiled; /* the engine is a model of this name in its folder; NULL: the model is opened all the same */
};

extern const struct fv_ort_provider fv_ort_cuda, fv_ort_tensorrt, fv_ort_rtx;

/* Opens the model for batches of `images`; an engine comes from the cache, or is built into it. Codes as fv_runtime_ops.open. */
int fv_ort_provider_open(const struct fv_ort_provider *provider,
                         const struct fv_runtime_params *params, unsigned images,
                         struct fv_ort_session *ret_session, struct fv_error *err);

/* As fv_runtime_ops.check. */
int fv_ort_provider_check(const struct fv_ort_provider *provider, struct fv_error *err);
/* The same without a cache: as the request says. */
int fv_ort_provider_session(const struct fv_ort_provider *provider,
                            const struct fv_ort_request *request,
                            struct fv_ort_session *ret_session, struct fv_error *err);

/* --- Shared by the providers; `of`: "CUDA", for people --- */

/* As fv_library_open(), with a sentence that names the cure. */
int fv_ort_need_for(const char *of, const char *name, const struct fv_ort_library *library,
                    struct fv_error *err);
/* An option call of ONNX Runtime loads the provider's library; what that misses is fetched and the call
 * repeated. */
int fv_ort_load_provider(const struct fv_ort_library *library, const char *of,
                         OrtStatus *(*set)(const OrtApi *api, void *provider,
                                           const struct fv_ort_options *options),
                         void *provider, const struct fv_ort_options *options,
                         struct fv_error *err);
/* -ENOTSUP: this ONNX Runtime was built without the provider. */
int fv_ort_has_provider(const struct fv_ort_library *library, const char *name,
                        struct fv_error *err);
/* Nothing may be computed beside the GPU: a node that it cannot take is an error. */
int fv_ort_forbid_cpu(const OrtApi *api, OrtSessionOptions *options, struct fv_error *err);
/* A node's shape "images:4x3x416x416" of the request, for optimisation profiles. */
void fv_ort_shape(const struct fv_ort_request *request, char *out, size_t capacity);

#endif

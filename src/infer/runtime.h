// SPDX-License-Identifier: Apache-2.0
/*
 * Inference runtimes: tensors in, tensors out. One table entry each, chosen by name (INFERENCE_PROVIDER): "cpu", "cuda", "tensorrt",
 * "tensorrt-rtx"; tests register a mock. A runtime is used by one thread at a time; with a GPU each has entered it.
 */
#ifndef FV_INFER_RUNTIME_H
#define FV_INFER_RUNTIME_H

#include "infer/model.h"

struct fv_runtime; /* each has its own */

struct fv_gpu;
struct fv_gpu_stream;

struct fv_runtime_params {
    const struct fv_model *model; /* borrowed, outlives the runtime */
    unsigned max_batch;           /* >= 1 */
    unsigned
        lanes; /* batches that may be in flight, each with tensors of its own; >= 1, host runtimes: 1 */
    bool plain_graph; /* leave the model's graph as it is: to find a fault; it is slower */
    unsigned threads; /* CPU threads for one inference; 0: one per core */
    const char *
        library; /* path of the runtime's shared library; NULL: FOVEA_ORT_PATH, then the usual places */
    /* Runtimes with device memory: */
    struct fv_gpu *gpu; /* borrowed, as the stream: all runs are enqueued there, in order */
    struct fv_gpu_stream *stream;
    size_t memory_limit; /* bytes of device memory for the runtime's own arena; 0: none */
    unsigned warm_up;    /* runs of each batch size at open, beyond what its graph needs */
    /* How the fastest convolutions are found: "HEURISTIC", "DEFAULT", "EXHAUSTIVE" (seconds for each batch size); NULL: the first. */
    const char *conv_search;
    /* Runtimes that build engines ("tensorrt", "tensorrt-rtx"): */
    const char
        *engines;     /* where they are kept (engine_cache.h); NULL: fv_engine_root()'s own place */
    size_t workspace; /* bytes of device memory for the builder; 0: its own choice */
    bool half; /* "tensorrt": it may compute in half precision where the model does not say so */
    /* What takes long at open, for people ("batch 4 of 16: searching the fastest convolutions"); may be NULL. */
    void (*progress)(void *data, const char *text);
    void *data;
};

struct fv_runtime_ops {
    const char *name;      /* "cpu", "cuda", "mock" */
    enum fv_memory memory; /* of both tensors */
    /* 0, -ENOENT (library, model), -EINVAL (contradicts its manifest), -ENOTSUP, -ENOMEM, -EIO, -ENODEV. */
    int (*open)(const struct fv_runtime_params *params, struct fv_runtime **ret_runtime,
                struct fv_error *err);
    /* Is there what it needs beside a GPU? Nothing is kept. 0, or as open; err says what is missing, and its cure. NULL: it needs
     * nothing, or only open can tell. */
    int (*check)(struct fv_error *err);
    void (*close)(struct fv_runtime *runtime); /* NULL is fine */
    /* Of both tensors. NULL: float32. */
    enum fv_element (*element)(const struct fv_runtime *runtime);
    /* The lane's input tensor [max_batch, 3, height, width], fixed for the runtime's life; the caller fills the first n images.
     * A host pointer, or a device address in a pointer. */
    void *(*input)(struct fv_runtime *runtime, unsigned lane);
    /* Runs on the first `batch` images. *ret_output: the first output [batch, ...], with a second one behind it as for a batch of
     * max_batch (fv_model_output_bytes()); valid until the lane's next run. Host runtimes are done at the return; device runtimes
     * only enqueue: the output is there when the stream passed. */
    int (*run)(struct fv_runtime *runtime, unsigned lane, unsigned batch, const void **ret_output,
               struct fv_error *err);
    /* What really runs: "ONNX Runtime 1.x.y, CPUExecutionProvider, 2 threads". Owned by the runtime. */
    const char *(*describe)(struct fv_runtime *runtime);
};

extern const struct fv_runtime_ops fv_runtime_ort_cpu, fv_runtime_ort_cuda, fv_runtime_ort_tensorrt,
    fv_runtime_ort_rtx;

/* The largest batch and the most lanes of a runtime. */
#define FV_RUNTIME_BATCH_MAX 256u
#define FV_RUNTIME_LANES_MAX 8u

/* By name, or NULL. */
const struct fv_runtime_ops *fv_runtime_find(const char *name);
/* For tests: adds a runtime before any engine is open. It stands in for a built-in one of the same name. 0, -EINVAL (no name, or
 * registered before), -ENOBUFS (more than 4). */
int fv_runtime_register(const struct fv_runtime_ops *ops);

#endif

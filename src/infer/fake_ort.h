// SPDX-License-Identifier: Apache-2.0
/*
 * A look-alike of ONNX Runtime with its GPU providers, for tests without a GPU: it keeps account of what it is told, and its network's output
 * is the beginning of its input. The test opens the library, asks fake_ort() for this struct and sets the scene.
 */
#ifndef FV_INFER_FAKE_ORT_H
#define FV_INFER_FAKE_ORT_H

#include <stdbool.h>
#include <stddef.h>

#define FAKE_ORT_RUNS 512

struct fake_ort_run {
    int graph;         /* gpu_graph_id; 0: not given */
    bool asynchronous; /* disable_synchronize_execution_providers */
    long images;
    const void *input;
    void *output;
};

struct fake_ort {
    /* The scene. */
    const char *version; /* of the library */
    bool no_api;         /* it offers none */
    bool cpu_only;       /* built without the GPU providers */
    bool no_tensorrt;    /* built without TensorRT */
    const char
        *missing; /* a library that the provider needs: until it is loaded the provider cannot be */
    bool cpu_node;           /* a node that only the CPU provider could take */
    const char *build_error; /* building an engine fails with this text */
    const char *load_error;  /* so does loading one */
    bool half_written;       /* an engine's file is cut off, without an error */
    const char *
        plugin_gpu; /* "device_id" of the plug-in's device; NULL: it says none; "": it has no device */
    unsigned fail_at;           /* the n-th call that can fail does so, from 1; 0: none */
    const char *run_error;      /* each run fails with this text */
    const char *input, *output; /* names of the tensors */
    int type;                   /* ONNXTensorElementDataType of both */
    long batch;                 /* -1: free */
    long side, rows, columns;   /* [batch, 3, side, side] -> [batch, rows, columns] */
    const char *scores;         /* name of a second output, the end of the input; NULL: none */
    long score_columns;         /* [batch, rows, score_columns] */

    /* What was seen. */
    unsigned calls;                     /* that can fail */
    int live;                           /* objects that were made and not released */
    char provider[2048], session[2048]; /* options as "key=value " in order of their setting */
    char model[1024];                   /* the file that was opened last */
    char plugin[1024];                  /* the library that was registered last */
    unsigned builds, loads;             /* of engines */
    int level;                          /* GraphOptimizationLevel of the last session */
    void *stream;
    char memory[32]; /* name of the tensors' memory */
    int device;
    unsigned runs;
    struct fake_ort_run run[FAKE_ORT_RUNS];
};

struct fake_ort *fake_ort(void);

/* For tests (fake_ort_open.c): opens libfake_ort.so in the build's src/infer, with the scene as it was at the first
 * opening, and gives its path. NULL when it was not built. It stays open. */
struct fake_ort *fake_ort_open(char *ret_path, size_t capacity);

#endif

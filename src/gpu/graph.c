// SPDX-License-Identifier: Apache-2.0
/* Launches recorded once and replayed with one call. */
#include "base/mem.h"
#include "gpu/gpu.h"
#include "gpu/impl.h"

#include <errno.h>

/* CU_STREAM_CAPTURE_MODE_RELAXED: while one thread records, others may allocate and create decoders. */
#define RELAXED 2

struct fv_gpu_graph {
    struct fv_gpu *gpu;
    void *handle; /* CUgraphExec */
};

int fv_gpu_graph_begin(struct fv_gpu_stream *stream, struct fv_error *err)
{
    return FV_GPU_CALL(stream->gpu, err, cuStreamBeginCapture, stream->handle, RELAXED);
}

int fv_gpu_graph_end(struct fv_gpu_stream *stream, struct fv_gpu_graph **ret_graph,
                     struct fv_error *err)
{
    struct fv_gpu *gpu = stream->gpu;
    void *recorded = NULL;
    int r = FV_GPU_CALL(gpu, err, cuStreamEndCapture, stream->handle, &recorded);
    if (r < 0)
        return r;
    struct fv_gpu_graph *graph = FV_NEW(struct fv_gpu_graph);
    if (!graph)
        r = fv_error_set(err, -ENOMEM, "out of memory");
    else
        r = FV_GPU_CALL(gpu, err, cuGraphInstantiateWithFlags, &graph->handle, recorded, 0);
    FV_GPU_CALL(gpu, NULL, cuGraphDestroy, recorded);
    if (r < 0) {
        fv_free(graph);
        return r;
    }
    graph->gpu = gpu;
    *ret_graph = graph;
    return 0;
}

int fv_gpu_graph_launch(struct fv_gpu_graph *graph, struct fv_gpu_stream *stream,
                        struct fv_error *err)
{
    return FV_GPU_CALL(graph->gpu, err, cuGraphLaunch, graph->handle, stream->handle);
}

void fv_gpu_graph_destroy(struct fv_gpu_graph *graph)
{
    if (!graph)
        return;
    FV_GPU_CALL(graph->gpu, NULL, cuGraphExecDestroy, graph->handle);
    fv_free(graph);
}

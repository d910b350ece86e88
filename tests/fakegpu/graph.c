// SPDX-License-Identifier: Apache-2.0
/* Graphs: what was enqueued while a stream records, to be enqueued again and again. */
#include <stdlib.h>

#include "impl.h"

enum { RECORDED = 0x66AF, EXECUTABLE = 0xE8EC, DEAD = 0xDEAD };

struct graph {
    int mark;
    unsigned count;
    struct fakegpu_item items[FAKEGPU_ITEMS];
};

static atomic_uint living;

static struct graph *graph_of(const char *call, void *handle, int mark)
{
    struct graph *graph = handle;
    if (!graph || graph->mark != mark)
        fakegpu_abort(call, "%p is not such a graph, or was destroyed", handle);
    return graph;
}

static struct graph *new_graph(const char *call, int mark)
{
    struct graph *graph = calloc(1, sizeof(*graph));
    if (!graph)
        fakegpu_abort(call, "out of memory");
    graph->mark = mark;
    atomic_fetch_add(&living, 1);
    return graph;
}

static void end_graph(struct graph *graph)
{
    graph->mark = DEAD;
    free(graph);
    atomic_fetch_sub(&living, 1);
}

CUresult cuStreamBeginCapture(CUstream stream, int mode)
{
    ENTER();
    fakegpu_record(__func__, stream);
    return CUDA_SUCCESS;
}

CUresult cuStreamEndCapture(CUstream stream, void **handle)
{
    struct graph *graph = new_graph(__func__, RECORDED);
    graph->count = fakegpu_recorded(__func__, stream, graph->items);
    CUresult result = fakegpu_enter(__func__);
    if (result == CUDA_SUCCESS)
        *handle = graph;
    else
        end_graph(graph);
    return result;
}

CUresult cuGraphInstantiateWithFlags(void **handle, void *recorded, unsigned long long flags)
{
    const struct graph *from = graph_of(__func__, recorded, RECORDED);
    ENTER();
    struct graph *graph = new_graph(__func__, EXECUTABLE);
    graph->count = from->count;
    for (unsigned i = 0; i < from->count; i++)
        graph->items[i] = from->items[i];
    *handle = graph;
    return CUDA_SUCCESS;
}

CUresult cuGraphLaunch(void *handle, CUstream stream)
{
    const struct graph *graph = graph_of(__func__, handle, EXECUTABLE);
    ENTER();
    CUresult result = CUDA_SUCCESS;
    for (unsigned i = 0; result == CUDA_SUCCESS && i < graph->count; i++)
        result = fakegpu_enqueue_kept(stream, graph->items[i].run, graph->items[i].data);
    return result;
}

CUresult cuGraphExecDestroy(void *handle)
{
    CUresult result = fakegpu_enter(__func__);
    end_graph(graph_of(__func__, handle, EXECUTABLE));
    return result;
}

CUresult cuGraphDestroy(void *handle)
{
    CUresult result = fakegpu_enter(__func__);
    end_graph(graph_of(__func__, handle, RECORDED));
    return result;
}

unsigned fakegpu_graphs(void)
{
    return atomic_load(&living);
}

// SPDX-License-Identifier: Apache-2.0
/* A build without the GPU path: opening says so, and what works on something opened is never reached. */
#include <errno.h>
#include <string.h>

#include "gpu/about.h"
#include "gpu/gpu.h"
#include "gpu/jpeg.h"
#include "gpu/kernels.h"
#include "gpu/probe.h"

static const char what[] = "this fovea was built without the GPU path";
static const char cure[] =
    "install ffnvcodec's headers (Debian: libffmpeg-nvenc-dev) and clang, and "
    "build again";

static int unavailable(struct fv_error *err)
{
    return fv_error_set(err, -ENODEV, "%s: %s", what, cure);
}

int fv_gpu_probe(const struct fv_gpu_params *params, fv_problem_fn problem, void *data,
                 struct fv_error *err)
{
    struct fv_problem missing = {.severity = FV_SEVERITY_ERROR,
                                 .code = "gpu_missing",
                                 .file = "",
                                 .key = "processing.BACKEND",
                                 .message = what,
                                 .fix = cure};
    if (problem)
        problem(data, &missing);
    return unavailable(err);
}

int fv_gpu_open(const struct fv_gpu_params *params, struct fv_gpu **ret_gpu, struct fv_error *err)
{
    return unavailable(err);
}

int fv_gpu_reset(unsigned device, struct fv_error *err)
{
    return unavailable(err);
}

int fv_gpu_about(unsigned device, struct fv_gpu_about *ret_about, struct fv_error *err)
{
    return unavailable(err);
}

void fv_gpu_close(struct fv_gpu *gpu) {}

int fv_gpu_enter(struct fv_gpu *gpu, struct fv_error *err)
{
    return unavailable(err);
}

int fv_gpu_info(struct fv_gpu *gpu, struct fv_gpu_info *ret_info, struct fv_error *err)
{
    return unavailable(err);
}

bool fv_gpu_lost(const struct fv_gpu *gpu)
{
    return true;
}

int fv_gpu_stream_create(struct fv_gpu *gpu, struct fv_gpu_stream **ret_stream,
                         struct fv_error *err)
{
    return unavailable(err);
}

void fv_gpu_stream_destroy(struct fv_gpu_stream *stream) {}

int fv_gpu_stream_finish(struct fv_gpu_stream *stream, struct fv_error *err)
{
    return unavailable(err);
}

void *fv_gpu_stream_handle(struct fv_gpu_stream *stream)
{
    return NULL;
}

int fv_gpu_event_create(struct fv_gpu *gpu, struct fv_gpu_event **ret_event, struct fv_error *err)
{
    return unavailable(err);
}

int fv_gpu_event_create_quiet(struct fv_gpu *gpu, struct fv_gpu_event **ret_event,
                              struct fv_error *err)
{
    return unavailable(err);
}

void fv_gpu_event_destroy(struct fv_gpu_event *event) {}

int fv_gpu_event_record(struct fv_gpu_event *event, struct fv_gpu_stream *stream,
                        struct fv_error *err)
{
    return unavailable(err);
}

int fv_gpu_event_gate(struct fv_gpu_event *event, struct fv_gpu_stream *stream,
                      struct fv_error *err)
{
    return unavailable(err);
}

int fv_gpu_event_wait(struct fv_gpu_event *event, struct fv_error *err)
{
    return unavailable(err);
}

bool fv_gpu_event_done(struct fv_gpu_event *event)
{
    return true;
}

int fv_gpu_visit(struct fv_gpu *gpu, void **ret_before, struct fv_error *err)
{
    return unavailable(err);
}

void fv_gpu_leave(struct fv_gpu *gpu, void *before) {}

int fv_gpu_event_gate_handle(struct fv_gpu_event *event, void *handle, struct fv_error *err)
{
    return unavailable(err);
}

int fv_gpu_event_record_handle(struct fv_gpu_event *event, void *handle, struct fv_error *err)
{
    return unavailable(err);
}

int fv_gpu_graph_begin(struct fv_gpu_stream *stream, struct fv_error *err)
{
    return unavailable(err);
}

int fv_gpu_graph_end(struct fv_gpu_stream *stream, struct fv_gpu_graph **ret_graph,
                     struct fv_error *err)
{
    return unavailable(err);
}

int fv_gpu_graph_launch(struct fv_gpu_graph *graph, struct fv_gpu_stream *stream,
                        struct fv_error *err)
{
    return unavailable(err);
}

void fv_gpu_graph_destroy(struct fv_gpu_graph *graph) {}

int fv_gpu_alloc(struct fv_gpu *gpu, size_t bytes, const char *owner, fv_gpu_address *ret_address,
                 struct fv_error *err)
{
    return unavailable(err);
}

void fv_gpu_free(struct fv_gpu *gpu, fv_gpu_address address) {}

int fv_gpu_host_alloc(struct fv_gpu *gpu, size_t bytes, void **ret_host, fv_gpu_address *ret_device,
                      struct fv_error *err)
{
    return unavailable(err);
}

void fv_gpu_host_free(struct fv_gpu *gpu, void *host) {}

void fv_gpu_memory_stats(struct fv_gpu *gpu, struct fv_gpu_memory_stats *ret_stats)
{
    memset(ret_stats, 0, sizeof(*ret_stats));
}

int fv_gpu_upload(struct fv_gpu_stream *stream, fv_gpu_address to, const void *from, size_t bytes,
                  enum fv_gpu_purpose purpose, struct fv_error *err)
{
    return unavailable(err);
}

int fv_gpu_download(struct fv_gpu_stream *stream, void *to, fv_gpu_address from, size_t bytes,
                    enum fv_gpu_purpose purpose, struct fv_error *err)
{
    return unavailable(err);
}

void fv_gpu_account(struct fv_gpu *gpu, enum fv_gpu_purpose purpose, bool to_device, size_t bytes)
{
}

void fv_gpu_traffic(const struct fv_gpu *gpu, struct fv_gpu_traffic *ret_traffic)
{
    memset(ret_traffic, 0, sizeof(*ret_traffic));
}

int fv_gpu_kernels_create(const struct fv_gpu_kernels_params *params,
                          struct fv_gpu_kernels **ret_kernels, struct fv_error *err)
{
    return unavailable(err);
}

void fv_gpu_kernels_destroy(struct fv_gpu_kernels *kernels) {}

int fv_gpu_letterbox(struct fv_gpu_kernels *kernels, unsigned lane, struct fv_gpu_stream *stream,
                     const struct fv_gpu_letterbox_batch *batch, struct fv_error *err)
{
    return unavailable(err);
}

int fv_gpu_boxes(struct fv_gpu_kernels *kernels, unsigned lane, struct fv_gpu_stream *stream,
                 fv_gpu_address output, unsigned count, struct fv_error *err)
{
    return unavailable(err);
}

uint32_t fv_gpu_boxes_read(struct fv_gpu_kernels *kernels, unsigned lane, unsigned index,
                           struct fv_detection *out, uint32_t *ret_dropped)
{
    return 0;
}

int fv_gpu_jpeg_check(struct fv_error *err)
{
    return unavailable(err);
}

int fv_gpu_jpeg_create(struct fv_gpu *gpu, struct fv_gpu_jpeg **ret_jpeg, struct fv_error *err)
{
    return unavailable(err);
}

void fv_gpu_jpeg_destroy(struct fv_gpu_jpeg *jpeg) {}

int fv_gpu_jpeg_encode(struct fv_gpu_jpeg *jpeg, const struct fv_picture *picture, unsigned quality,
                       struct fv_gpu_jpeg_file *ret_file, struct fv_error *err)
{
    return unavailable(err);
}

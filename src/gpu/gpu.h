// SPDX-License-Identifier: Apache-2.0
/*
 * One GPU: its primary context (shared with the inference runtime, waits block instead of spinning), streams, events, memory and
 * the account of every byte that crosses between host and device. Stages know the GPU by this header; CUDA types stay behind it.
 *
 * A thread that calls anything here, or a library that works on the same context, has entered it once (fv_gpu_enter). Unless
 * said otherwise functions may be called from any such thread.
 *
 * Codes: -ENODEV: no usable GPU, or it is lost (fv_gpu_lost() says so from then on); -ENOMEM: device or host memory; -EIO: a call of
 * the driver failed, named in err.
 */
#ifndef FV_GPU_GPU_H
#define FV_GPU_GPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct fv_gpu;
struct fv_gpu_stream; /* work in order; created non-blocking towards the default stream */
struct fv_gpu_event;  /* a point in a stream */

typedef uint64_t fv_gpu_address; /* of device memory; 0: none */

/* What nobody may overlook. Called on the thread that met it, which may hold locks of its stage: must neither block nor call into the
 * GPU. Borrowed text. Each may be NULL. */
struct fv_gpu_alarm {
    void (*lost)(void *data, const char *reason);    /* once */
    void (*tripped)(void *data, const char *reason); /* each time that the guard of copies trips */
    void *data;
};

struct fv_gpu_params {
    unsigned device; /* ordinal of "cuda:N" */
    size_t
        pool_bytes; /* allocated at once at open (GPU_MEMORY_POOL_SIZE_MB); 0: no pool, each allocation is the driver's */
    struct fv_gpu_alarm alarm;
};

struct fv_gpu_info {
    char name[128];
    unsigned device;
    int major, minor;                 /* compute capability */
    int driver;                       /* CUDA version of the driver: 13000 for 13.0 */
    char build[32];                   /* version of the driver: "580.159.04", or "unknown" */
    size_t memory_free, memory_total; /* bytes, now, of the whole device */
    bool spins; /* another library activated the context before with other flags, and they could not be changed: waits spin */
};

/* The context is current for the calling thread afterwards. -EINVAL: there is no such ordinal. err of -ENOMEM says how much was
 * asked for and how much is free. */
int fv_gpu_open(const struct fv_gpu_params *params, struct fv_gpu **ret_gpu, struct fv_error *err);
/* Everything made from it was destroyed before. No context is current for the calling thread afterwards. NULL is fine. */
void fv_gpu_close(struct fv_gpu *gpu);
/*
 * After a loss: throws away all state of the process on this device, also what other libraries keep there, and tries whether a new
 * context can be made. Everything made from the lost gpu was destroyed and it was closed before; so was every inference session on
 * the device. 0: fv_gpu_open() begins anew; -ENODEV: only a new process helps. The latter is the rule: after an illegal address the
 * driver (measured: 580) makes no context in this process any more, in whatever way one asks (docs/design/gpu.md).
 */
int fv_gpu_reset(unsigned device, struct fv_error *err);
/* Makes the context current for the calling thread. */
int fv_gpu_enter(struct fv_gpu *gpu, struct fv_error *err);
int fv_gpu_info(struct fv_gpu *gpu, struct fv_gpu_info *ret_info, struct fv_error *err);
/* A call said that the device or the context is gone for good. */
bool fv_gpu_lost(const struct fv_gpu *gpu);

/* --- Streams and events --- */

int fv_gpu_stream_create(struct fv_gpu *gpu, struct fv_gpu_stream **ret_stream,
                         struct fv_error *err);
void fv_gpu_stream_destroy(struct fv_gpu_stream *stream); /* waits for its work; NULL is fine */
int fv_gpu_stream_finish(struct fv_gpu_stream *stream,
                         struct fv_error *err);           /* sleeps until all work is done, also when it fails */
void *fv_gpu_stream_handle(struct fv_gpu_stream *stream); /* the CUstream, for libraries */

/* To be waited for. Each time that one is passed, the device interrupts the host, and a thread of the driver wakes up. */
int fv_gpu_event_create(struct fv_gpu *gpu, struct fv_gpu_event **ret_event, struct fv_error *err);
/* For gates and questions (fv_gpu_event_done) alone: passing one costs the host nothing. A wait for one spins. */
int fv_gpu_event_create_quiet(struct fv_gpu *gpu, struct fv_gpu_event **ret_event,
                              struct fv_error *err);
void fv_gpu_event_destroy(struct fv_gpu_event *event); /* NULL is fine */
int fv_gpu_event_record(struct fv_gpu_event *event, struct fv_gpu_stream *stream,
                        struct fv_error *err);
/* What is enqueued in `stream` from now on waits for the event. The host does not. */
int fv_gpu_event_gate(struct fv_gpu_event *event, struct fv_gpu_stream *stream,
                      struct fv_error *err);
int fv_gpu_event_wait(struct fv_gpu_event *event,
                      struct fv_error *err); /* the calling thread sleeps until it is over, also when it fails */
bool fv_gpu_event_done(
    struct fv_gpu_event *event); /* does not wait; true also when the device is lost */

/* --- Threads and streams of others, who use the same primary context --- */

/* Makes the context current for a while on a thread that may have another; leave() makes that one current again. */
int fv_gpu_visit(struct fv_gpu *gpu, void **ret_before, struct fv_error *err);
void fv_gpu_leave(struct fv_gpu *gpu, void *before);
/* `handle`: a CUstream. As fv_gpu_event_gate() and fv_gpu_event_record(). */
int fv_gpu_event_gate_handle(struct fv_gpu_event *event, void *handle, struct fv_error *err);
int fv_gpu_event_record_handle(struct fv_gpu_event *event, void *handle, struct fv_error *err);

/* --- Graphs: many launches, recorded once, replayed with one call --- */

struct fv_gpu_graph;

/* From now on what is enqueued in `stream` is recorded instead of done; nothing may wait for it. */
int fv_gpu_graph_begin(struct fv_gpu_stream *stream, struct fv_error *err);
/* Ends the recording, also after a failure in between. */
int fv_gpu_graph_end(struct fv_gpu_stream *stream, struct fv_gpu_graph **ret_graph,
                     struct fv_error *err);
/* Enqueues all of it, on the addresses that it was recorded with. */
int fv_gpu_graph_launch(struct fv_gpu_graph *graph, struct fv_gpu_stream *stream,
                        struct fv_error *err);
void fv_gpu_graph_destroy(struct fv_gpu_graph *graph); /* its work is done; NULL is fine */

/* --- Memory --- */

/* From the pool, 256-byte aligned; when it is full or there is none, from the driver. `what` names the owner in messages. */
int fv_gpu_alloc(struct fv_gpu *gpu, size_t bytes, const char *what, fv_gpu_address *ret_address,
                 struct fv_error *err);
void fv_gpu_free(struct fv_gpu *gpu, fv_gpu_address address); /* 0 is fine */
/* Pinned host memory, also visible to kernels at *ret_device. */
int fv_gpu_host_alloc(struct fv_gpu *gpu, size_t bytes, void **ret_host, fv_gpu_address *ret_device,
                      struct fv_error *err);
void fv_gpu_host_free(struct fv_gpu *gpu, void *host); /* NULL is fine */

struct fv_gpu_memory_stats {
    size_t pool_bytes, pool_used, pool_peak; /* of the pool */
    size_t pool_largest_free;                /* the largest allocation that would fit */
    unsigned pool_blocks;                    /* allocations in it */
    uint64_t outside;    /* allocations that the pool could not serve, since open */
    size_t outside_used; /* bytes of them now */
    size_t host_used;    /* pinned */
};
void fv_gpu_memory_stats(struct fv_gpu *gpu, struct fv_gpu_memory_stats *ret_stats);

/* --- Copies: every byte between host and device goes through here, with its purpose --- */

enum fv_gpu_purpose {
    FV_GPU_BITSTREAM, /* access units to the decoder */
    FV_GPU_BOXES,     /* detections back */
    FV_GPU_SNAPSHOT,  /* pictures that somebody asked for */
    FV_GPU_WEIGHTS,   /* model and tables, at start */
    FV_GPU_CONTROL,   /* descriptors of launches, counters */
    FV_GPU_PURPOSES,
};
const char *fv_gpu_purpose_name(enum fv_gpu_purpose purpose); /* "bitstream", ... */

/* Enqueued. `from` stays valid and unchanged until the stream passed it; for a copy that overlaps with others it is pinned. */
int fv_gpu_upload(struct fv_gpu_stream *stream, fv_gpu_address to, const void *from, size_t bytes,
                  enum fv_gpu_purpose purpose, struct fv_error *err);
/* Enqueued. Trips the guard (below) when the purpose does not allow so many bytes. */
int fv_gpu_download(struct fv_gpu_stream *stream, void *to, fv_gpu_address from, size_t bytes,
                    enum fv_gpu_purpose purpose, struct fv_error *err);
/* Bytes that a library or a kernel moved itself (the decoder's bitstream, results written to pinned memory): one call per transfer.
 * It cannot be refused any more, but trips the guard as a download does. */
void fv_gpu_account(struct fv_gpu *gpu, enum fv_gpu_purpose purpose, bool to_device, size_t bytes);

/* A single transfer to the host of at least this many bytes is pixel-sized: only snapshots may. */
#define FV_GPU_PIXEL_SIZED 65536u

struct fv_gpu_traffic {
    uint64_t to_device[FV_GPU_PURPOSES], to_host[FV_GPU_PURPOSES]; /* bytes since open */
    uint64_t
        tripped; /* pixel-sized transfers that no purpose allowed: fv_gpu_download refused with -EPROTO */
};
void fv_gpu_traffic(const struct fv_gpu *gpu, struct fv_gpu_traffic *ret_traffic);

#endif

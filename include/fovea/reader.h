// SPDX-License-Identifier: Apache-2.0
/*
 * The reader: one camera's decoded pictures, reconnects handled. For those who want frames and nothing else. Two ways to get them:
 *
 *   picture()    host memory, borrowed for the length of a callback; CPU back end
 *   consumers    frames that may be kept, on either back end, and taken as DLPack tensors by PyTorch, CuPy, NumPy or a C program
 *                without a copy
 *
 * Several readers of one process share nothing; for many cameras use the engine. Examples: examples/ in the source.
 *
 * Threads: open, start, stop and close from any thread, one at a time for each reader; never from a callback, which they wait for. A child
 * of fork() has no readers: it calls exec or _exit. A NULL is an error of the caller's where nothing else is said; `err` may be NULL.
 */
#ifndef FOVEA_READER_H
#define FOVEA_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "fovea/config.h"
#include "fovea/dlpack.h"
#include "fovea/event.h"

struct fv_reader;
struct fv_reader_frame;

/* A picture. In a callback: borrowed, valid until it returns. Of a frame: valid until the frame is released. */
struct fv_reader_picture {
    struct fv_frame_info frame; /* camera is 0 */
    int format;                 /* enum fv_reader_format */
    const uint8_t *plane[3];    /* NULL when the format has fewer; device addresses on the GPU back end */
    size_t pitch[3];            /* bytes from one row to the next */
    bool bt709, full_range;
    bool on_device; /* the planes are device memory of GPU `device` */
    unsigned device;
};
/* 4:2:0. Planes Y, U, V; or Y and UV in turn. P016: 16 bit, significant bits at the top; I010: 10 bit in the low bits of 16. */
enum fv_reader_format { FV_READER_I420, FV_READER_NV12, FV_READER_P016, FV_READER_I010 };

/*
 * Somebody who takes frames. Each has frames of its own: while a consumer keeps all of its `held`, it gets no new ones (they are
 * counted as missed), and the others go on as if nothing was. A frame that is kept longer than `patience` is told once, with the
 * consumer's name, by the reader's state callback (code -EBUSY) and counted.
 */
struct fv_reader_consumer {
    const char *name; /* 1 to 31 bytes, copied */
    unsigned held;    /* frames that it may keep at a time, 1 to 16; at most 30 in all of a reader's consumers */
    int64_t patience; /* ns; 0: one second */
    /* Takes the frame: gives it back by fv_reader_frame_release(), now or later, on any thread. On the decode thread: a slow
     * callback makes the reader drop pictures. */
    void (*frame)(void *data, struct fv_reader_frame *frame);
    void *data;
};
#define FV_READER_CONSUMERS_MAX 8

struct fv_reader_params {
    /* rtsp://[user:password@]host[:port]/path, or rtsps://...; or the path of a file (a raw stream or a container), which is played once,
     * in its own time: its end is a change of state to FV_CAMERA_DISABLED. */
    const char *url;
    const char *backend; /* "cpu", "gpu" */
    /* On the decode thread: a slow callback makes the reader drop pictures, never fall behind. CPU back end; may be NULL when there
     * are consumers. */
    void (*picture)(void *data, const struct fv_reader_picture *picture);
    /* State changes, on the ingest thread; what happens to pictures (kept too long, a lost GPU) on the decode thread. code < 0 says
     * what went wrong. Reconnects go on by themselves. -ENODEV: the GPU was lost and no picture comes any more; no process gets back a
     * GPU that it lost: close the reader and end the process. May be NULL. */
    void (*state)(void *data, const struct fv_camera_event *event);
    void *data;
    const struct fv_reader_consumer *consumers; /* [consumer_count], copied */
    unsigned consumer_count;
    unsigned device; /* GPU back end: ordinal of "cuda:N" */
    /* Instead of `url`: a camera of a configuration file, with its login, transport and deadlines, and the file's device. A `backend`
     * of NULL means the file's, too. Of the file no more is used. */
    const char *config_path;
    const char *camera;    /* its name; NULL: the first one that is enabled */
    fv_problem_fn problem; /* findings about the configuration, during open; may be NULL */
};

/* 0; -EINVAL (url, backend, consumers, errors in the configuration, no such camera); -ENOENT, -EACCES, -EIO (the configuration or the
 * file cannot be read); -EISDIR, -EBADMSG (of a file); -ENOTSUP (not built in); -ENODEV (no usable GPU); -ENOMEM. Borrows params;
 * touches no network. On the GPU back end its primary context, the one that the CUDA runtime and PyTorch use, is current for the calling
 * thread afterwards. */
FV_API int fv_reader_open(const struct fv_reader_params *params, struct fv_reader **ret_reader,
                          struct fv_error *err);
/* Once: a reader that was stopped does not start again (-EPROTO). */
FV_API int fv_reader_start(struct fv_reader *reader, struct fv_error *err);
FV_API void
fv_reader_stop(struct fv_reader *reader); /* no callback comes after the return; idempotent */
/* Stops first; NULL is fine. Frames and tensors that are still kept stay valid: the device's memory goes with the last of them. */
FV_API void fv_reader_close(struct fv_reader *reader);

struct fv_reader_consumer_stats {
    uint64_t given, missed, late; /* frames; late: kept longer than `patience` */
    unsigned held, held_most;     /* frames kept: now, and at most so far */
    int64_t oldest;               /* ns since the oldest of them was given; 0: none is kept */
};
/* 0 or -EINVAL (no such consumer). Any thread, until close. */
FV_API int fv_reader_consumer_stats(struct fv_reader *reader, unsigned consumer,
                                    struct fv_reader_consumer_stats *ret_stats);

/* --- Frames: by any thread, one at a time for each frame --- */

FV_API const struct fv_reader_picture *fv_reader_frame_picture(const struct fv_reader_frame *frame);
/* Gives the frame back. Its tensors may live on; the memory is used anew when the frame and all its tensors were given back. */
FV_API void fv_reader_frame_release(struct fv_reader_frame *frame);

/*
 * A plane as a tensor, without a copy: [height, width], or [height / 2, width / 2, 2] where U and V come in turn; uint8, or uint16 for
 * P016 and I010. Kept alive by the tensor, not by the frame. Read-only: decoder and other consumers see the same memory. The consumer
 * calls the deleter; PyTorch and the others do. One at a time of each plane: 0; -EINVAL (no such plane); -EBUSY (there is one);
 * -ENOTSUP (rows that are no whole number of elements).
 */
FV_API int fv_reader_frame_tensor(struct fv_reader_frame *frame, unsigned plane,
                                  struct fv_dl_tensor **ret_tensor);
FV_API int fv_reader_frame_tensor_versioned(struct fv_reader_frame *frame, unsigned plane,
                                            struct fv_dl_tensor_versioned **ret_tensor);

/*
 * Order on the device. `stream` is the consumer's CUstream or cudaStream_t on the frame's GPU, in whose work the pixels are read
 * (NULL: the legacy default stream; PyTorch: torch.cuda.current_stream().cuda_stream). On the CPU back end both do nothing.
 *
 *   gate   what is enqueued in `stream` from now on waits, on the device, until the pixels are there. Before the first read.
 *   hold   the memory is not used anew before what `stream` holds now is done. After the last read was enqueued and before the last
 *          release; who has waited for the work itself does not need it. Several streams: one call for each.
 *
 * Neither waits on the host. 0, -EIO, -ENODEV.
 */
FV_API int fv_reader_frame_gate(struct fv_reader_frame *frame, void *stream, struct fv_error *err);
FV_API int fv_reader_frame_hold(struct fv_reader_frame *frame, void *stream, struct fv_error *err);

/*
 * The frame as a JPEG file in memory: the whole picture, 4:2:0, JFIF, 8 bits. It is made where the picture lies: on the CPU back end by
 * libturbojpeg; on the GPU by nvJPEG, and only the compressed bytes come to the host, accounted as snapshot. libnvjpeg is opened at the
 * first call (pip install nvidia-nvjpeg, or the CUDA toolkit); without it there is no JPEG: the picture itself is never fetched instead.
 *
 * The call waits for the pixels and the work, milliseconds, and the first one of a reader on a GPU for some hundred: in the callback that
 * gives frames it makes the reader drop pictures. Calls of one reader wait for each other. `quality`: 1 to 100. *ret_data is the caller's:
 * fv_reader_jpeg_free(). 0; -EINVAL (quality, a side above 16384); -ENOTSUP (this build or this machine cannot: err has the cure);
 * -ENOMEM, -EIO, -ENODEV. After a failure the frame and the reader go on as if nothing was.
 */
FV_API int fv_reader_frame_jpeg(struct fv_reader_frame *frame, unsigned quality, uint8_t **ret_data,
                                size_t *ret_size, struct fv_error *err);
FV_API void fv_reader_jpeg_free(uint8_t *data); /* NULL is fine */

#endif

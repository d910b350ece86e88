// SPDX-License-Identifier: Apache-2.0
/*
 * Access units in, pictures out. A decoder serves one camera; all its calls come from one decode
 * worker's thread. Back ends are tables of functions: cpu.c (libavcodec), nvdec.c; tests add
 * their own.
 *
 * Hardware decodes while the thread goes on: such a back end holds a pass's pictures back, and the
 * worker collects them when every camera's access units of the pass are submitted.
 */
#ifndef FV_DECODE_DECODER_H
#define FV_DECODE_DECODER_H

#include "base/error.h"
#include "flow.h"

struct fv_decoder; /* each back end has its own */

struct fv_decoder_params {
    enum fv_codec codec;
    void *
        shared; /* what the worker's decoders have in common, see fv_decode_worker_params; NULL for cpu */
    /* A decoded picture, in output order. Takes the reference. Called from submit(), flush(), collect()
     * and drain(). */
    void (*picture)(void *data, struct fv_picture *picture);
    void *data;
    /* Pictures that are out are waited for when there is no room for one more, instead of leaving one out. Whoever has them gives
     * them back without further pictures. */
    bool complete;
};

/* How a back end's own thread gets the worker's attention. */
struct fv_decode_wake {
    void (*call)(void *data);
    void *data;
};

struct fv_decoder_ops {
    const char *name; /* "cpu", "nvdec" */
    enum fv_memory memory;
    /* 0, -ENOTSUP (codec), -ENOMEM, -EIO. */
    int (*open)(const struct fv_decoder_params *params, struct fv_decoder **ret_decoder,
                struct fv_error *err);
    /* Borrows the access unit. 0; -EBADMSG: this picture was not decodable (the next key picture
     * starts afresh); -ENOTSUP: legal, but not 4:2:0 or of another depth; -ENOMEM; -EIO. Pictures
     * carry fv_frame_info from the access unit that they were made of: camera, epoch, pts, wall,
     * flags, stamps; `number` is left 0 for the worker. -EAGAIN, of back ends with collect() only: not
     * now; the same access unit again after a collect(). */
    int (*submit)(struct fv_decoder *decoder, const struct fv_au *au, struct fv_error *err);
    /* Forgets everything; the next access unit must be a key one. Held-back pictures are dropped.
     */
    void (*flush)(struct fv_decoder *decoder);
    /* The stream ended: hands out the pictures that are held back for their order. 0, or as submit() of one of them. Only flush and
     * close may follow. NULL: nothing is ever held back. */
    int (*drain)(struct fv_decoder *decoder, struct fv_error *err);
    /* Pictures that are still referenced stay valid. NULL is fine. */
    void (*close)(struct fv_decoder *decoder);

    /* The next four are for back ends that hold pictures back, NULL for others. On the worker's thread. */
    /* Once, before everything else: the thread will use `shared`. `wake` may be called from any thread until the last decoder
     * was closed and makes the worker call collect() soon. */
    int (*enter)(void *shared, const struct fv_decode_wake *wake, struct fv_error *err);
    /* After each pass over the queue: hands out pictures that are finished, oldest first. Returns when it wants to be called
     * again although nothing was pushed (monotonic ns), FV_TIME_NEVER when nothing is held back. */
    int64_t (*collect)(void *shared, int64_t now);
    /* A fault that came up for this decoder since the last call (a picture that could not be decoded, a lost device): 0 when
     * there is none, else a code as submit() returns it. */
    int (*fault)(struct fv_decoder *decoder, struct fv_error *err);
    /* At the end of a stream: sleeps until the access unit that submit() answered with -EAGAIN can be submitted. */
    void (*await)(struct fv_decoder *decoder);
};

/* libavcodec. In a build without it open() answers -ENOTSUP and says so. */
extern const struct fv_decoder_ops fv_decoder_cpu;

#endif

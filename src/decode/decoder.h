// SPDX-License-Identifier: Apache-2.0
/*
 * Access units in, pictures out. A decoder serves one camera; all its calls come from one decode
 * worker's thread. Back ends are tables of functions: cpu.c (libavcodec), later nvdec.c; tests add
 * their own.
 */
#ifndef FV_DECODE_DECODER_H
#define FV_DECODE_DECODER_H

#include "base/error.h"
#include "flow.h"

struct fv_decoder; /* each back end has its own */

struct fv_decoder_params {
    enum fv_codec codec;
    /* A decoded picture, in output order. Takes the reference. Called from submit() and flush(). */
    void (*picture)(void *data, struct fv_picture *picture);
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
     * flags, stamps; `number` is left 0 for the worker. */
    int (*submit)(struct fv_decoder *decoder, const struct fv_au *au, struct fv_error *err);
    /* Forgets everything; the next access unit must be a key one. Held-back pictures are dropped.
     */
    void (*flush)(struct fv_decoder *decoder);
    /* Pictures that are still referenced stay valid. NULL is fine. */
    void (*close)(struct fv_decoder *decoder);
};

/* libavcodec. In a build without it open() answers -ENOTSUP and says so. */
extern const struct fv_decoder_ops fv_decoder_cpu;

#endif

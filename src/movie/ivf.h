// SPDX-License-Identifier: Apache-2.0
/* IVF, the file format of libvpx and libaom: 32 bytes, then each frame behind 12 bytes with its size and time. Pure functions on
 * borrowed bytes. */
#ifndef FV_MOVIE_IVF_H
#define FV_MOVIE_IVF_H

#include <stddef.h>
#include <stdint.h>

#include "flow.h"

#define FV_IVF_FRAME_MAX (64u << 20) /* bytes */

struct fv_ivf {
    enum fv_codec codec;
    uint32_t rate, scale; /* times count scale / rate seconds; both 1 .. 10^9 */
    size_t offset;        /* of the next frame's header */
};

struct fv_ivf_frame {
    const uint8_t *data;
    size_t size;   /* >= 1 */
    uint64_t time; /* as the file counts */
};

/* The file's header. 0; -EBADMSG: no IVF, or of no rate; -ENOTSUP: another codec than VP9 and AV1. */
int fv_ivf_open(struct fv_ivf *ivf, const uint8_t *data, size_t size);
/* The next frame of the same bytes. 1; 0: the end, also of a file that was cut off within a frame; -EBADMSG: a frame that
 * is empty or larger than FV_IVF_FRAME_MAX. */
int fv_ivf_next(struct fv_ivf *ivf, const uint8_t *data, size_t size,
                struct fv_ivf_frame *ret_frame);

#endif

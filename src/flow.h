// SPDX-License-Identifier: Apache-2.0
/*
 * The things that move, in the order in which they move. A stage knows this file, base/ and itself.
 *
 *   camera --RTP packets--> [rtp] --fv_au--> [decode] --fv_picture--> [prep] --tensor--> [infer] --fv_detection--> [sink]
 *
 * Ownership words: *takes* (the callee owns it afterwards, also on failure, unless said otherwise), *borrows* (valid during the
 * call), *returns a reference* (the caller must unref).
 */
#ifndef FV_FLOW_H
#define FV_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "fovea/event.h"

enum fv_codec {
    FV_CODEC_NONE,
    FV_CODEC_H264,
    FV_CODEC_H265, /* to here of NAL units (codec/codec.h); the others move as whole pictures */
    FV_CODEC_JPEG,
    FV_CODEC_VP9,
    FV_CODEC_AV1,
};
const char *fv_codec_name(enum fv_codec codec); /* "h264", "h265", "jpeg", "vp9", "av1", "none" */

/*
 * 1. Access unit: one picture as coded, one copy away from the socket. H.264, H.265: its NAL units as Annex B (4-byte start
 * codes). JPEG: one image in interchange format, SOI to EOI with its tables (ITU-T T.81 B.2). VP9: a frame, or a superframe
 * of the frames that are not shown and the one that is (its Annex B). AV1: a temporal unit in the low-overhead format, each
 * OBU with its size, without temporal delimiters (its section 5.2).
 *
 * A key access unit (an intra picture or a recovery point) always carries its parameter sets (the depacketizer puts them in
 * front when the camera sends them out of band), so a decoder can start at any key access unit. `FV_AU_PADDING` zero bytes follow
 * the data (libavcodec's and bit readers' over-read). Immutable once published; references are counted through `buf`.
 */
#define FV_AU_PADDING 64

struct fv_au {
    struct fv_buf *buf; /* one reference belongs to this struct */
    size_t size;        /* bytes in buf->data, without the padding */
    enum fv_codec codec;
    uint32_t camera;
    uint32_t epoch; /* see fv_frame_info */
    uint32_t
        format; /* serial number of the parameter sets in force; a change means: size or profile may differ */
    uint32_t flags;    /* FV_FRAME_* */
    uint32_t rtp_time; /* as sent */
    int64_t pts;       /* ns since the epoch's first access unit */
    int64_t wall;      /* ns since 1970 by sender reports, or FV_TIME_UNKNOWN */
    int64_t first_packet, last_packet, delivered; /* monotonic */
};

/* Gives the access unit's reference back. The struct itself is the caller's. NULL buf is fine. */
static inline void fv_au_drop(struct fv_au *au)
{
    fv_buf_unref(au->buf);
    au->buf = NULL;
}

/* A second holder: copies the struct and takes one more reference. */
static inline struct fv_au fv_au_share(const struct fv_au *au)
{
    struct fv_au copy = *au;
    copy.buf = fv_buf_ref(au->buf);
    return copy;
}

/* 2. Picture: decoded, reference-counted, in host or device memory; immutable. 4:2:0 only. */
enum fv_pixel_format {
    FV_PIXEL_I420, /* planes Y, U, V; 8 bit */
    FV_PIXEL_NV12, /* planes Y, UV interleaved; 8 bit */
    FV_PIXEL_P016, /* as NV12 with 16-bit little-endian samples, significant bits at the top */
    FV_PIXEL_I010, /* planes Y, U, V; 10 bit in the low bits of 16-bit samples */
};
struct fv_gpu_event; /* gpu/gpu.h */
enum fv_memory { FV_MEMORY_HOST, FV_MEMORY_DEVICE };
enum fv_matrix { FV_MATRIX_BT601, FV_MATRIX_BT709 };

struct fv_picture {
    struct fv_frame_info
        info; /* width and height: visible size; planes start at the visible top left */
    enum fv_pixel_format format;
    enum fv_memory memory;
    enum fv_matrix matrix;
    bool full_range;         /* 0..255 instead of 16..235 */
    const uint8_t *plane[3]; /* device addresses when memory is DEVICE */
    size_t pitch[3];         /* bytes from one row to the next */
    struct fv_gpu_event
        *ready; /* device memory: the planes can be read once it passed; NULL: they can */
    /* owner: the decoder that made it */
    _Atomic int refs;
    void (*release)(
        struct fv_picture *picture); /* called once, on the thread that drops the last reference */
};

struct fv_picture *fv_picture_ref(struct fv_picture *picture); /* returns a reference */
void fv_picture_unref(struct fv_picture *picture);             /* NULL is fine */

/* Numbers of a tensor. */
enum fv_element { FV_ELEMENT_F32, FV_ELEMENT_F16 };
static inline size_t fv_element_size(enum fv_element element)
{
    return element == FV_ELEMENT_F16 ? 2 : 4;
}

/* 3. Input of a network: where a picture lies in the tensor. Made by prep/plan, used both ways. */
struct fv_letterbox {
    float scale;            /* tensor pixels per picture pixel, the same in x and y */
    uint16_t x, y;          /* where the picture's top left lies in the tensor */
    uint16_t width, height; /* of the scaled picture in the tensor; the rest is padding */
};

/* 4. Result: what was found in one picture. */
#define FV_DETECTIONS_MAX                                                                          \
    300 /* per picture; the best by score survive, the rest is counted as dropped */

/* What a second model says about a detection. */
struct fv_mark {
    uint16_t label; /* its number among the second model's labels, + 1; 0: not known */
    float score;    /* 0..1 */
};

struct fv_result {
    struct fv_frame_info info;
    struct fv_picture
        *picture; /* a reference when somebody needs the pixels (snapshots), else NULL */
    uint32_t count;
    bool marked; /* there are marks: a classifier is in use */
    struct fv_detection detections[FV_DETECTIONS_MAX];
    struct fv_mark marks[FV_DETECTIONS_MAX]; /* of each detection */
};

#endif

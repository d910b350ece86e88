// SPDX-License-Identifier: Apache-2.0
/*
 * VP9 (the "VP9 Bitstream & Decoding Process Specification", section numbers of version 0.6): superframes and the part of a frame's header that a
 * receiver needs. Pure functions on borrowed bytes.
 */
#ifndef FV_CODEC_VP9_H
#define FV_CODEC_VP9_H

#include "codec/codec.h"

#define FV_VP9_FRAMES_MAX 8 /* of a superframe */

struct fv_vp9_frame {
    const uint8_t *data;
    size_t size; /* >= 1 */
};

/* Annex B: the frames of a superframe, in order; a chunk without a valid index is one frame. Returns their number, 1 to
 * FV_VP9_FRAMES_MAX; -EBADMSG: empty, or the index does not fit the bytes. */
int fv_vp9_split(const uint8_t *data, size_t size,
                 struct fv_vp9_frame ret_frames[FV_VP9_FRAMES_MAX]);

/* Whether the frames that fv_vp9_split() found in the chunk are all that is in it, as Annex B has it: each begins with a frame_marker, none of the
 * index's sizes is 0, and nothing lies between the last frame and the index. True of a chunk without an index. */
bool fv_vp9_fills(const uint8_t *data, size_t size, const struct fv_vp9_frame *frames, int count);

struct fv_vp9_header {
    bool existing; /* show_existing_frame: nothing is coded, a frame from before is shown */
    bool key;      /* then `format` is set */
    bool shown;
    bool intra_only; /* of hidden frames, the others are not looked at */
    uint8_t profile;
    struct fv_video_format format;
};

/* 6.2: the uncompressed header of one frame. 0; -EBADMSG; -ENOTSUP: a key frame larger than FV_SIZE_MAX. */
int fv_vp9_parse(const uint8_t *frame, size_t size, struct fv_vp9_header *ret_header);

#endif

// SPDX-License-Identifier: Apache-2.0
/*
 * The bitstreams' own syntax, as far as a receiver needs it: kinds of NAL units, parameter sets, where a picture begins.
 * Pure functions on borrowed bytes; no allocation. One table entry per codec of NAL units (h264.c, h265.c); the others have
 * headers of their own (jpeg.h, vp9.h, av1.h).
 */
#ifndef FV_CODEC_CODEC_H
#define FV_CODEC_CODEC_H

#include "codec/annexb.h"
#include "flow.h"

/* Kinds of NAL units, the same words for every codec. */
enum fv_nal_kind {
    FV_NAL_OTHER,     /* ignored by receivers, passed to the decoder */
    FV_NAL_VPS,       /* H.265 only */
    FV_NAL_SPS,
    FV_NAL_PPS,
    FV_NAL_SEI,       /* prefix SEI: belongs to the picture that follows */
    FV_NAL_AUD,       /* access unit delimiter: a picture begins here */
    FV_NAL_END,       /* end of sequence or stream, filler: belongs to the picture before */
    FV_NAL_SLICE,     /* of a picture that needs others */
    FV_NAL_SLICE_KEY, /* of a picture from which decoding can start (H.264 IDR; H.265 IRAP 16..21) */
    FV_NAL_INVALID,   /* forbidden bit set, too short, reserved for RTP */
};

/* What a sequence parameter set says. Values outside sane limits (size > 16384, chroma, depth) are -ENOTSUP, not clamped. */
struct fv_video_format {
    enum fv_codec codec;
    uint16_t width, height;       /* visible, after cropping */
    uint16_t coded_width, coded_height;
    uint8_t profile, level;       /* profile_idc, level_idc as coded */
    uint8_t bit_depth;            /* 8..16, luma */
    uint8_t chroma;               /* chroma_format_idc: 0 mono, 1 4:2:0, 2 4:2:2, 3 4:4:4 */
    bool interlaced;              /* field pictures are possible */
    bool full_range;              /* video_full_range_flag */
    uint8_t matrix;               /* matrix_coefficients (H.273), 2 when unspecified */
    uint8_t max_ref_frames;       /* max_num_ref_frames / sps_max_dec_pic_buffering */
    uint8_t reorder_frames;       /* pictures of output delay the stream may need; 0 when it says none */
    bool reorder_known;           /* the stream says reorder_frames (bitstream restriction, or profile without B) */
    uint32_t fps_num, fps_den;    /* from timing info, 0/0 when absent */
};

/* What a slice says about its picture. */
struct fv_slice_role {
    bool counts;  /* towards a recovery point: H.264 a reference picture, H.265 any */
    bool intra;   /* H.264: it refers to no other picture; not looked at in H.265 */
    bool leading; /* H.265 RASL: refers to pictures before its key picture, which a receiver may not have */
    bool broken;  /* H.265 BLA: a key picture whose RASL pictures are never decodable */
};

struct fv_codec_ops {
    enum fv_codec codec;
    const char *name;     /* "h264" */
    const char *rtp_name; /* "H264": encoding name in SDP */
    unsigned header_size; /* of a NAL unit: 1 or 2 bytes */
    enum fv_nal_kind (*kind)(const uint8_t *nal, size_t size);
    /* For slices: is it the first slice of its picture? (first_mb_in_slice == 0; first_slice_segment_in_pic_flag) */
    bool (*first_slice)(const uint8_t *nal, size_t size);
    /* By a slice's header and the byte behind it, with which a picture begins. */
    struct fv_slice_role (*role)(const uint8_t *nal, size_t size);
    /* SEI NAL unit with header: after how many pictures, from this one on, everything is whole when decoding starts here (H.264
     * D.1.8, H.265 D.2.8); -ENOENT: it has no recovery point. */
    int (*recovery)(const uint8_t *nal, size_t size);
    /* SPS NAL unit with header -> format. 0, -EBADMSG, -ENOTSUP. */
    int (*parse_sps)(const uint8_t *nal, size_t size, struct fv_video_format *ret_format);
    /* Id of a VPS, SPS or PPS NAL unit with header (size >= header_size), or -EBADMSG. */
    int (*set_id)(const uint8_t *nal, size_t size);
};

/* NULL for codecs without NAL units. */
const struct fv_codec_ops *fv_codec_ops(enum fv_codec codec);
/* By SDP encoding name, ASCII case ignored ("H264", "h265", "HEVC" is not one). NULL when unknown. */
const struct fv_codec_ops *fv_codec_by_rtp_name(const char *name, size_t size);

/* Does this NAL unit begin a new access unit when it follows a slice? (H.264 7.4.1.2.3, H.265 7.4.2.4.4) */
bool fv_codec_starts_au(const struct fv_codec_ops *ops, enum fv_nal_kind kind, const uint8_t *nal, size_t size);
/* Splits a whole Annex B stream into access units: at each call the next one, as a range of the input.
 * `offset` starts at 0 and is advanced. False at the end. Sets *ret_key. Used by the simulator and by file sources. */
bool fv_codec_next_au(const struct fv_codec_ops *ops, const uint8_t *data, size_t size, size_t *offset,
                      const uint8_t **ret_au, size_t *ret_size, bool *ret_key);
/* Guesses the codec of an Annex B stream from its first NAL units; FV_CODEC_NONE when neither fits. */
enum fv_codec fv_codec_guess(const uint8_t *data, size_t size);

/* Of any codec but FV_CODEC_NONE. What a whole access unit (flow.h) says of its stream. 0; -ENOENT: nothing; -EBADMSG, -ENOTSUP. */
int fv_codec_read_format(enum fv_codec codec, const uint8_t *data, size_t size,
                         struct fv_video_format *ret_format);
/* Can decoding start with this access unit, as far as it tells itself? JPEG always; H.264 and H.265 by a slice (recovery points
 * do not count); VP9 a key frame first; AV1 a shown key frame first, with a sequence header. */
bool fv_codec_is_key(enum fv_codec codec, const uint8_t *data, size_t size);

#endif

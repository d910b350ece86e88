// SPDX-License-Identifier: Apache-2.0
/* ITU-T H.264: NAL unit header 7.3.1, sequence parameter set 7.3.2.1, VUI E.1.1, recovery point D.1.8. */
#include "codec/h264.h"

#include <errno.h>

#include "codec/codecs.h"
#include "codec/sei.h"
#include "codec/sps.h"

#define PROFILE_BASELINE 66
#define CONSTRAINT_SET3 0x10 /* in the byte of constraint flags */

static enum fv_nal_kind h264_kind(const uint8_t *nal, size_t size)
{
    if (size < 1 || nal[0] & 0x80)
        return FV_NAL_INVALID;
    switch (nal[0] & 0x1f) {
    case 1:
    case 2: /* data partition A */
        return FV_NAL_SLICE;
    case 5:
        return FV_NAL_SLICE_KEY;
    case 6:
        return FV_NAL_SEI;
    case 7:
        return FV_NAL_SPS;
    case 8:
        return FV_NAL_PPS;
    case 9:
        return FV_NAL_AUD;
    case 10:
    case 11:
    case 12:
        return FV_NAL_END;
    case 0: /* 0 and 24..31: unspecified, used by RFC 6184 */
    case 24:
    case 25:
    case 26:
    case 27:
    case 28:
    case 29:
    case 30:
    case 31:
        return FV_NAL_INVALID;
    default:
        return FV_NAL_OTHER;
    }
}

/* 7.3.3: first_mb_in_slice is 0 when its first bit is 1. */
static bool h264_first_slice(const uint8_t *nal, size_t size)
{
    return size >= 2 && nal[1] & 0x80;
}

/* 7.3.3: slice_type follows first_mb_in_slice; both lie in the first byte when that is 0. */
static struct fv_slice_role h264_role(const uint8_t *nal, size_t size)
{
    struct fv_bits bits;
    fv_bits_init(&bits, nal + 1, size < 2 ? 0 : 1);
    uint32_t first = fv_bits_ue(&bits), type = fv_bits_ue(&bits) % 5;
    return (struct fv_slice_role){
        .counts = nal[0] & 0x60,
        .intra = !bits.error && first == 0 && (type == 2 || type == 4), /* I, SI */
    };
}

/* D.1.8: recovery_frame_cnt is below MaxFrameNum, at most 65536. */
static int h264_recovery(const uint8_t *nal, size_t size)
{
    uint8_t rbsp[FV_SEI_MAX];
    struct fv_bits bits;
    if (h264_kind(nal, size) != FV_NAL_SEI ||
        !fv_sei_find(nal + 1, size - 1, FV_SEI_RECOVERY_POINT, rbsp, &bits))
        return -ENOENT;
    uint32_t frames = fv_bits_ue(&bits);
    return bits.error || frames > UINT16_MAX ? -ENOENT : (int)frames;
}

static bool has_chroma_info(unsigned profile)
{
    static const uint8_t profiles[] = {100, 110, 122, 244, 44,  83, 86,
                                       118, 128, 138, 139, 134, 135};
    for (size_t i = 0; i < sizeof(profiles); i++)
        if (profiles[i] == profile)
            return true;
    return false;
}

/* 7.3.2.1.1.1 */
static void skip_scaling_list(struct fv_bits *bits, unsigned count)
{
    int last = 8, next = 8;
    for (unsigned i = 0; i < count && !bits->error; i++) {
        if (next != 0)
            next = (int)(((int64_t)last + fv_bits_se(bits)) & 0xff);
        if (next != 0)
            last = next;
    }
}

/* The fields that the High profiles add. Returns ChromaArrayType, or a negative errno. */
static int read_chroma_info(struct fv_bits *bits, struct fv_video_format *format)
{
    uint32_t chroma = fv_bits_ue(bits);
    if (chroma > 3)
        return -EBADMSG;
    bool separate = chroma == 3 && fv_bits_u(bits, 1);
    uint32_t luma_depth = fv_bits_ue(bits), chroma_depth = fv_bits_ue(bits);
    if (luma_depth > 6 || chroma_depth > 6)
        return -ENOTSUP;
    fv_bits_skip(bits, 1); /* qpprime_y_zero_transform_bypass_flag */
    if (fv_bits_u(bits, 1))
        for (unsigned i = 0; i < (chroma == 3 ? 12u : 8u); i++)
            if (fv_bits_u(bits, 1))
                skip_scaling_list(bits, i < 6 ? 16 : 64);
    format->chroma = (uint8_t)chroma;
    format->bit_depth = (uint8_t)(8 + luma_depth);
    return separate ? 0 : (int)chroma;
}

/* Reads pic_order_cnt_type and what belongs to it. Returns the type, or -EBADMSG. */
static int read_order_count(struct fv_bits *bits)
{
    uint32_t type = fv_bits_ue(bits);
    if (type > 2)
        return -EBADMSG;
    if (type == 0)
        fv_bits_ue(bits);
    if (type != 1)
        return (int)type;
    fv_bits_skip(bits, 1);
    fv_bits_se(bits);
    fv_bits_se(bits);
    uint32_t cycle = fv_bits_ue(bits);
    if (cycle > 255)
        return -EBADMSG;
    for (uint32_t i = 0; i < cycle; i++)
        fv_bits_se(bits);
    return (int)type;
}

/* E.1.2 */
static void skip_hrd(struct fv_bits *bits)
{
    uint32_t count = fv_bits_ue(bits);
    if (count > 31) {
        bits->error = true;
        return;
    }
    fv_bits_skip(bits, 8);
    for (uint32_t i = 0; i <= count; i++) {
        fv_bits_ue(bits);
        fv_bits_ue(bits);
        fv_bits_skip(bits, 1);
    }
    fv_bits_skip(bits, 20);
}

static void read_restriction(struct fv_bits *bits, struct fv_video_format *format)
{
    fv_bits_skip(bits, 1);
    for (int i = 0; i < 4; i++)
        fv_bits_ue(bits);
    uint32_t reorder = fv_bits_ue(bits);
    fv_bits_ue(bits); /* max_dec_frame_buffering */
    if (reorder > 16 || bits->error)
        return;
    format->reorder_frames = (uint8_t)reorder;
    format->reorder_known = true;
}

/* E.1.1. Cameras write broken VUIs: what follows a fault is dropped, the picture size stays. */
static void read_vui(struct fv_bits *bits, struct fv_video_format *format)
{
    struct fv_video_format read = *format;
    fv_vui_read_head(bits, &read);
    if (fv_bits_u(bits, 1)) {
        uint64_t units = fv_bits_u(bits, 32), scale = fv_bits_u(bits, 32);
        fv_bits_skip(bits, 1);
        fv_sps_set_fps(&read, scale, 2 * units); /* ticks are fields */
    }
    if (bits->error)
        return;
    *format = read;
    bool nal_hrd = fv_bits_u(bits, 1);
    if (nal_hrd)
        skip_hrd(bits);
    bool vcl_hrd = fv_bits_u(bits, 1);
    if (vcl_hrd)
        skip_hrd(bits);
    if (nal_hrd || vcl_hrd)
        fv_bits_skip(bits, 1);
    fv_bits_skip(bits, 1); /* pic_struct_present_flag */
    if (fv_bits_u(bits, 1))
        read_restriction(bits, format);
}

/* From pic_width_in_mbs_minus1 up to the cropping window. */
static int read_size(struct fv_bits *bits, int chroma_array, struct fv_video_format *format)
{
    uint64_t width = ((uint64_t)fv_bits_ue(bits) + 1) * 16;
    uint64_t map_units = (uint64_t)fv_bits_ue(bits) + 1;
    bool frames_only = fv_bits_u(bits, 1);
    if (!frames_only)
        fv_bits_skip(bits, 1); /* mb_adaptive_frame_field_flag */
    fv_bits_skip(bits, 1);     /* direct_8x8_inference_flag */
    struct fv_sps_window window = {0};
    if (fv_bits_u(bits, 1))
        fv_sps_window_read(bits, &window);
    if (bits->error)
        return -EBADMSG;
    unsigned fields = frames_only ? 1 : 2;
    format->interlaced = !frames_only;
    return fv_sps_set_size(format, width, map_units * 16 * fields, &window,
                           fv_chroma_step_x((unsigned)chroma_array),
                           fv_chroma_step_y((unsigned)chroma_array) * fields);
}

/* Streams that cannot have pictures out of order although they do not say so. */
static bool never_reorders(const struct fv_video_format *format, unsigned constraints,
                           int order_type)
{
    bool intra_only = constraints & CONSTRAINT_SET3 && has_chroma_info(format->profile);
    return format->profile == PROFILE_BASELINE || order_type == 2 || intra_only;
}

static int read_sps(struct fv_bits *bits, struct fv_video_format *format)
{
    format->profile = (uint8_t)fv_bits_u(bits, 8);
    unsigned constraints = fv_bits_u(bits, 8);
    format->level = (uint8_t)fv_bits_u(bits, 8);
    if (fv_bits_ue(bits) > 31)
        return -EBADMSG;
    int chroma_array = 1;
    if (has_chroma_info(format->profile))
        chroma_array = read_chroma_info(bits, format);
    if (chroma_array < 0)
        return chroma_array;
    if (fv_bits_ue(bits) > 12) /* log2_max_frame_num_minus4 */
        return -EBADMSG;
    int order_type = read_order_count(bits);
    if (order_type < 0)
        return order_type;
    uint32_t refs = fv_bits_ue(bits);
    if (refs > 16)
        return -EBADMSG;
    format->max_ref_frames = (uint8_t)refs;
    fv_bits_skip(bits, 1); /* gaps_in_frame_num_value_allowed_flag */
    int rc = read_size(bits, chroma_array, format);
    if (rc < 0)
        return rc;
    format->reorder_known = never_reorders(format, constraints, order_type);
    if (fv_bits_u(bits, 1))
        read_vui(bits, format);
    return 0;
}

static int h264_parse_sps(const uint8_t *nal, size_t size, struct fv_video_format *ret_format)
{
    if (h264_kind(nal, size) != FV_NAL_SPS)
        return -EBADMSG;
    uint8_t rbsp[FV_SPS_MAX];
    struct fv_bits bits;
    fv_bits_init(&bits, rbsp, fv_rbsp_unescape(nal + 1, size - 1, rbsp, sizeof(rbsp)));
    struct fv_video_format format = {
        .codec = FV_CODEC_H264, .bit_depth = 8, .chroma = 1, .matrix = FV_MATRIX_UNSPECIFIED};
    int rc = read_sps(&bits, &format);
    if (rc == 0)
        *ret_format = format;
    return rc;
}

/* 7.3.2.1.1, 7.3.2.2: the id follows three bytes in the SPS, comes first in the PPS. */
static int h264_set_id(const uint8_t *nal, size_t size)
{
    if (size < 1)
        return -EBADMSG;
    bool sps = h264_kind(nal, size) == FV_NAL_SPS;
    uint8_t rbsp[16];
    struct fv_bits bits;
    fv_bits_init(&bits, rbsp, fv_rbsp_unescape(nal + 1, size - 1, rbsp, sizeof(rbsp)));
    fv_bits_skip(&bits, sps ? 24 : 0);
    uint32_t id = fv_bits_ue(&bits);
    return bits.error || id > (sps ? 31 : 255) ? -EBADMSG : (int)id;
}

bool fv_h264_one_slice_group(const uint8_t *nal, size_t size)
{
    if (h264_kind(nal, size) != FV_NAL_PPS)
        return false;
    uint8_t rbsp[32]; /* two codes of up to 63 bits, two flags, a code */
    struct fv_bits bits;
    fv_bits_init(&bits, rbsp, fv_rbsp_unescape(nal + 1, size - 1, rbsp, sizeof(rbsp)));
    fv_bits_ue(&bits); /* pic_parameter_set_id, seq_parameter_set_id */
    fv_bits_ue(&bits);
    fv_bits_skip(&bits, 2);
    uint32_t more_groups = fv_bits_ue(&bits);
    return !bits.error && more_groups == 0;
}

const struct fv_codec_ops fv_codec_h264 = {
    .codec = FV_CODEC_H264,
    .name = "h264",
    .rtp_name = "H264",
    .header_size = 1,
    .kind = h264_kind,
    .first_slice = h264_first_slice,
    .role = h264_role,
    .recovery = h264_recovery,
    .parse_sps = h264_parse_sps,
    .set_id = h264_set_id,
};

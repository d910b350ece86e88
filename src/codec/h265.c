// SPDX-License-Identifier: Apache-2.0
/* ITU-T H.265: NAL unit header 7.3.1.2, sequence parameter set 7.3.2.2, profile and level 7.3.3, VUI and HRD E.2.1 to E.2.3, recovery point D.2.8. */
#include "codec/h265.h"

#include <errno.h>

#include "codec/codecs.h"
#include "codec/sei.h"
#include "codec/sps.h"

#define HEADER 2
#define SUB_LAYERS_MAX 7
#define GENERAL_PROFILE_BITS 88 /* of profile_tier_level without the level */
#define SHORT_TERM_SETS_MAX 64
#define SET_PICTURES_MAX 16
#define DELTA_MAX (1 << 15) /* of order counts */
#define CPBS_MAX 32         /* coded picture buffers of a sub-layer */

static unsigned nal_type(const uint8_t *nal)
{
    return nal[0] >> 1 & 0x3f;
}

/* Table 7-1. Layers above 0 (extensions) are left to the decoder, which ignores them. */
static enum fv_nal_kind h265_kind(const uint8_t *nal, size_t size)
{
    if (size < HEADER || nal[0] & 0x80 || (nal[1] & 7) == 0)
        return FV_NAL_INVALID;
    unsigned type = nal_type(nal);
    bool base_layer = !(nal[0] & 1) && nal[1] >> 3 == 0;
    if (type >= 48 && type <= 50) /* aggregation, fragmentation, PACI of RFC 7798 */
        return FV_NAL_INVALID;
    if (!base_layer)
        return FV_NAL_OTHER;
    if (type <= 9)
        return FV_NAL_SLICE;
    if (type >= 16 && type <= 21)
        return FV_NAL_SLICE_KEY;
    static const uint8_t kinds[] = {FV_NAL_VPS, FV_NAL_SPS, FV_NAL_PPS, FV_NAL_AUD, FV_NAL_END,
                                    FV_NAL_END, FV_NAL_END, FV_NAL_SEI, FV_NAL_END};
    if (type >= 32 && type - 32 < sizeof(kinds))
        return kinds[type - 32];
    return FV_NAL_OTHER;
}

/* 7.3.6.1 */
static bool h265_first_slice(const uint8_t *nal, size_t size)
{
    return size > HEADER && nal[HEADER] & 0x80;
}

static struct fv_slice_role h265_role(const uint8_t *nal, size_t size)
{
    unsigned type = nal_type(nal);
    return (struct fv_slice_role){
        .counts = true,
        .leading = type == 8 || type == 9,
        .broken = type >= 16 && type <= 18,
    };
}

/* D.2.8: recovery_poc_cnt counts pictures in output order and may be negative. */
static int h265_recovery(const uint8_t *nal, size_t size)
{
    uint8_t rbsp[FV_SEI_MAX];
    struct fv_bits bits;
    if (h265_kind(nal, size) != FV_NAL_SEI ||
        !fv_sei_find(nal + HEADER, size - HEADER, FV_SEI_RECOVERY_POINT, rbsp, &bits))
        return -ENOENT;
    int32_t pictures = fv_bits_se(&bits);
    if (bits.error || pictures > INT16_MAX)
        return -ENOENT;
    return pictures > 0 ? pictures : 0;
}

/* 7.3.3 with profilePresentFlag 1. False: a flag of the sub-layers is 0 behind one that is 1, which NVIDIA's parser (driver 580)
 * takes for 1: it reads other bits than we. */
static bool read_profile_tier_level(struct fv_bits *bits, unsigned sub_layers,
                                    struct fv_video_format *format)
{
    fv_bits_skip(bits, 3); /* profile space, tier */
    format->profile = (uint8_t)fv_bits_u(bits, 5);
    fv_bits_skip(bits, 32); /* compatibility flags */
    bool progressive = fv_bits_u(bits, 1), interlaced = fv_bits_u(bits, 1);
    format->interlaced = interlaced && !progressive;
    fv_bits_skip(bits, 46);
    format->level = (uint8_t)fv_bits_u(bits, 8);
    if (sub_layers == 1)
        return true;
    unsigned present = fv_bits_u(bits, 16); /* two flags for each of 8 sub-layers */
    unsigned all = present >> (18 - 2 * sub_layers);
    for (unsigned i = 0; i < sub_layers - 1; i++) {
        unsigned flags = present >> (14 - 2 * i) & 3;
        fv_bits_skip(bits, (flags & 2 ? GENERAL_PROFILE_BITS : 0) + (flags & 1 ? 8 : 0));
    }
    return (all & (all + 1)) == 0;
}

/* sps_max_dec_pic_buffering and reordering of the highest sub-layer. */
static int read_ordering(struct fv_bits *bits, unsigned sub_layers, struct fv_video_format *format)
{
    unsigned first = fv_bits_u(bits, 1) ? 0 : sub_layers - 1;
    uint32_t buffering = 0, reorder = 0;
    for (unsigned i = first; i < sub_layers; i++) {
        buffering = fv_bits_ue(bits);
        reorder = fv_bits_ue(bits);
        fv_bits_ue(bits); /* sps_max_latency_increase_plus1 */
    }
    if (buffering > 15 || reorder > buffering)
        return -EBADMSG;
    format->max_ref_frames = (uint8_t)(buffering + 1);
    format->reorder_frames = (uint8_t)reorder;
    format->reorder_known = true;
    return 0;
}

/* 7.3.4 */
static void skip_scaling_lists(struct fv_bits *bits)
{
    for (unsigned size = 0; size < 4; size++) {
        for (unsigned matrix = 0; matrix < 6 && !bits->error; matrix += size == 3 ? 3 : 1) {
            if (!fv_bits_u(bits, 1)) {
                fv_bits_ue(bits); /* scaling_list_pred_matrix_id_delta */
                continue;
            }
            if (size > 1)
                fv_bits_se(bits);
            for (unsigned i = 0; i < (size == 0 ? 16u : 64u); i++)
                fv_bits_se(bits);
        }
    }
}

/* Pictures of a short-term set: differences of order counts, those before first, nearest first (7-61, 7-62). */
struct ref_set {
    unsigned count;
    int32_t delta[2 * SET_PICTURES_MAX + 1];
};

/* Keeps the order. */
static void insert(struct ref_set *set, int32_t delta)
{
    unsigned at = set->count++;
    for (; at > 0 && (set->delta[at - 1] < 0 ? delta < 0 && delta > set->delta[at - 1]
                                             : delta < set->delta[at - 1]);
         at--)
        set->delta[at] = set->delta[at - 1];
    set->delta[at] = delta;
}

/* 7.3.7 with inter_ref_pic_set_prediction_flag 1. `set`: the one before, then this one. */
static void read_predicted_set(struct fv_bits *bits, struct ref_set *set)
{
    bool sign = fv_bits_u(bits, 1);
    uint32_t distance = fv_bits_ue(bits);
    if (distance >= DELTA_MAX) {
        bits->error = true;
        return;
    }
    int32_t difference = sign ? -(int32_t)distance - 1 : (int32_t)distance + 1;
    struct ref_set next = {0};
    set->delta[set->count] = 0;
    for (unsigned i = 0; i <= set->count; i++) {
        bool used = fv_bits_u(bits, 1);
        int32_t delta = set->delta[i] + difference;
        if ((!used && !fv_bits_u(bits, 1)) || delta == 0) /* itself is none of its references */
            continue;
        insert(&next, delta);
    }
    *set = next;
}

/* 7.3.7 with inter_ref_pic_set_prediction_flag 0. */
static void read_plain_set(struct fv_bits *bits, struct ref_set *set)
{
    uint32_t negative = fv_bits_ue(bits), positive = fv_bits_ue(bits);
    if (negative > SET_PICTURES_MAX || positive > SET_PICTURES_MAX) {
        bits->error = true;
        return;
    }
    int32_t delta = 0;
    *set = (struct ref_set){.count = negative + positive};
    for (unsigned i = 0; i < set->count; i++) {
        uint32_t distance = fv_bits_ue(bits);
        if (distance >= DELTA_MAX)
            bits->error = true;
        if (i == negative)
            delta = 0;
        delta += (i < negative ? -1 : 1) * ((int32_t)(distance & (DELTA_MAX - 1)) + 1);
        set->delta[i] = delta;
        fv_bits_skip(bits, 1);
    }
}

/* 7.3.7: all sets of the SPS. */
static int skip_short_term_sets(struct fv_bits *bits)
{
    uint32_t sets = fv_bits_ue(bits);
    struct ref_set set = {0};
    if (sets > SHORT_TERM_SETS_MAX)
        return -EBADMSG;
    for (uint32_t i = 0; i < sets; i++) {
        if (i > 0 && fv_bits_u(bits, 1))
            read_predicted_set(bits, &set);
        else
            read_plain_set(bits, &set);
        if (bits->error || set.count > SET_PICTURES_MAX)
            return -EBADMSG;
    }
    return 0;
}

/* E.2.1 up to the timing. As in H.264, a broken VUI costs the format only what it says itself. True: HRD parameters follow. */
static bool read_vui(struct fv_bits *bits, struct fv_video_format *format)
{
    struct fv_video_format read = *format;
    fv_vui_read_head(bits, &read);
    fv_bits_skip(bits, 1); /* neutral_chroma_indication_flag */
    read.interlaced |= fv_bits_u(bits, 1);
    fv_bits_skip(bits, 1); /* frame_field_info_present_flag */
    if (fv_bits_u(bits, 1)) {
        struct fv_sps_window
            display; /* a hint for players; the conformance window is the picture */
        fv_sps_window_read(bits, &display);
    }
    bool timing = fv_bits_u(bits, 1);
    if (timing) {
        uint32_t units = fv_bits_u(bits, 32), scale = fv_bits_u(bits, 32);
        fv_sps_set_fps(&read, scale, units);
    }
    if (!bits->error)
        *format = read;
    if (timing && fv_bits_u(bits, 1)) /* vui_poc_proportional_to_timing_flag */
        fv_bits_ue(bits);
    return timing && fv_bits_u(bits, 1); /* vui_hrd_parameters_present_flag */
}

/* E.2.3 */
static void skip_sub_layer_hrd(struct fv_bits *bits, uint32_t count, bool sub_pictures)
{
    for (uint32_t i = 0; i < count && !bits->error; i++) {
        for (unsigned values = sub_pictures ? 4 : 2; values > 0; values--)
            fv_bits_ue(bits);
        fv_bits_skip(bits, 1); /* cbr_flag */
    }
}

/* E.2.2 of one sub-layer. */
static int skip_sub_layer(struct fv_bits *bits, unsigned kinds, bool sub_pictures)
{
    bool general = fv_bits_u(bits, 1), fixed = general || fv_bits_u(bits, 1);
    bool low_delay = false;
    if (fixed)
        fv_bits_ue(bits); /* elemental_duration_in_tc_minus1 */
    else
        low_delay = fv_bits_u(bits, 1);
    uint32_t count = low_delay ? 0 : fv_bits_ue(bits);
    if (count >= CPBS_MAX)
        return -EBADMSG;
    for (; kinds > 0; kinds--)
        skip_sub_layer_hrd(bits, count + 1, sub_pictures);
    return bits->error ? -EBADMSG : 0;
}

/* E.2.2 with commonInfPresentFlag 1 */
static int skip_hrd(struct fv_bits *bits, unsigned sub_layers)
{
    unsigned kinds = fv_bits_u(bits, 1); /* for NAL units, for VCL NAL units */
    kinds += fv_bits_u(bits, 1);
    bool sub_pictures = kinds && fv_bits_u(bits, 1);
    if (kinds)
        fv_bits_skip(bits, sub_pictures ? 19 + 8 + 4 + 15 : 8 + 15);
    int rc = 0;
    for (unsigned i = 0; i < sub_layers && rc == 0; i++)
        rc = skip_sub_layer(bits, kinds, sub_pictures);
    return rc;
}

/* From the coding block sizes to the VUI. Only the VUI matters to us, so a fault before it is none to who asks for the format.
 * -EBADMSG: a fault in a count, or the bytes end too early. */
static int read_tail(struct fv_bits *bits, unsigned order_bits, unsigned sub_layers,
                     struct fv_video_format *format)
{
    for (int i = 0; i < 6; i++)
        fv_bits_ue(bits); /* block sizes, transform depths */
    if (fv_bits_u(bits, 1) && fv_bits_u(bits, 1))
        skip_scaling_lists(bits);
    fv_bits_skip(bits, 2); /* amp_enabled_flag, sample_adaptive_offset_enabled_flag */
    if (fv_bits_u(bits, 1)) {
        fv_bits_skip(bits, 8); /* PCM depths */
        fv_bits_ue(bits);
        fv_bits_ue(bits);
        fv_bits_skip(bits, 1);
    }
    if (skip_short_term_sets(bits) < 0)
        return -EBADMSG;
    if (fv_bits_u(bits, 1)) {
        uint32_t long_term = fv_bits_ue(bits);
        if (long_term > 32)
            return -EBADMSG;
        fv_bits_skip(bits, (size_t)long_term * (order_bits + 1));
    }
    fv_bits_skip(bits, 2); /* sps_temporal_mvp_enabled_flag, strong_intra_smoothing_enabled_flag */
    bool vui = fv_bits_u(bits, 1);
    if (bits->error)
        return -EBADMSG;
    if (vui && read_vui(bits, format))
        return skip_hrd(bits, sub_layers);
    return bits->error ? -EBADMSG : 0;
}

/* chroma_format_idc to bit_depth_chroma_minus8. */
static int read_size(struct fv_bits *bits, struct fv_video_format *format)
{
    uint32_t chroma = fv_bits_ue(bits);
    if (chroma > 3)
        return -EBADMSG;
    unsigned array = chroma == 3 && fv_bits_u(bits, 1) ? 0 : chroma;
    uint32_t width = fv_bits_ue(bits), height = fv_bits_ue(bits);
    struct fv_sps_window window = {0};
    if (fv_bits_u(bits, 1))
        fv_sps_window_read(bits, &window);
    uint32_t luma_depth = fv_bits_ue(bits), chroma_depth = fv_bits_ue(bits);
    if (bits->error)
        return -EBADMSG;
    if (luma_depth > 8 || chroma_depth > 8)
        return -ENOTSUP;
    format->chroma = (uint8_t)chroma;
    format->bit_depth = (uint8_t)(8 + luma_depth);
    return fv_sps_set_size(format, width, height, &window, fv_chroma_step_x(array),
                           fv_chroma_step_y(array));
}

/* *ret_tail: what read_tail() says. */
static int read_sps(struct fv_bits *bits, struct fv_video_format *format, int *ret_tail)
{
    fv_bits_skip(bits, 4); /* sps_video_parameter_set_id */
    unsigned sub_layers = fv_bits_u(bits, 3) + 1;
    fv_bits_skip(bits, 1); /* sps_temporal_id_nesting_flag */
    if (sub_layers > SUB_LAYERS_MAX)
        return -EBADMSG;
    bool alike = read_profile_tier_level(bits, sub_layers, format);
    if (fv_bits_ue(bits) > 15)
        return -EBADMSG;
    int rc = read_size(bits, format);
    if (rc < 0)
        return rc;
    uint32_t order_bits = fv_bits_ue(bits) + 4; /* log2_max_pic_order_cnt_lsb */
    if (order_bits > 16)
        return -EBADMSG;
    rc = read_ordering(bits, sub_layers, format);
    if (rc < 0 || bits->error)
        return -EBADMSG;
    *ret_tail = read_tail(bits, order_bits, sub_layers, format);
    if (!alike)
        *ret_tail = -EBADMSG;
    return 0;
}

static int parse_sps(const uint8_t *nal, size_t size, struct fv_video_format *ret_format,
                     int *ret_tail)
{
    if (h265_kind(nal, size) != FV_NAL_SPS)
        return -EBADMSG;
    uint8_t rbsp[FV_SPS_MAX];
    struct fv_bits bits;
    fv_bits_init(&bits, rbsp, fv_rbsp_unescape(nal + HEADER, size - HEADER, rbsp, sizeof(rbsp)));
    *ret_format = (struct fv_video_format){.codec = FV_CODEC_H265, .matrix = FV_MATRIX_UNSPECIFIED};
    return read_sps(&bits, ret_format, ret_tail);
}

static int h265_parse_sps(const uint8_t *nal, size_t size, struct fv_video_format *ret_format)
{
    struct fv_video_format format;
    int tail, rc = parse_sps(nal, size, &format, &tail);
    if (rc == 0)
        *ret_format = format;
    return rc;
}

bool fv_h265_counts_fit(const uint8_t *nal, size_t size)
{
    struct fv_video_format format;
    int tail;
    return parse_sps(nal, size, &format, &tail) == 0 && tail == 0;
}

static int h265_set_id(const uint8_t *nal, size_t size)
{
    enum fv_nal_kind kind = h265_kind(nal, size);
    if (kind == FV_NAL_INVALID)
        return -EBADMSG;
    uint8_t rbsp[256]; /* profile_tier_level with all sub-layers takes 99 bytes */
    struct fv_bits bits;
    fv_bits_init(&bits, rbsp, fv_rbsp_unescape(nal + HEADER, size - HEADER, rbsp, sizeof(rbsp)));
    uint32_t id, max = 15;
    if (kind == FV_NAL_VPS) {
        id = fv_bits_u(&bits, 4);
    } else if (kind == FV_NAL_SPS) {
        fv_bits_skip(&bits, 4);
        unsigned sub_layers = fv_bits_u(&bits, 3) + 1;
        fv_bits_skip(&bits, 1);
        struct fv_video_format ignored;
        read_profile_tier_level(&bits, sub_layers, &ignored);
        id = fv_bits_ue(&bits);
    } else {
        id = fv_bits_ue(&bits);
        max = 63;
    }
    return bits.error || id > max ? -EBADMSG : (int)id;
}

const struct fv_codec_ops fv_codec_h265 = {
    .codec = FV_CODEC_H265,
    .name = "h265",
    .rtp_name = "H265",
    .header_size = HEADER,
    .kind = h265_kind,
    .first_slice = h265_first_slice,
    .role = h265_role,
    .recovery = h265_recovery,
    .parse_sps = h265_parse_sps,
    .set_id = h265_set_id,
};

// SPDX-License-Identifier: Apache-2.0
/* AV1: a frame header from its quantizers up to its end. Little of it is kept: most only takes up room. */
#include "codec/av1_header.h"

#define LUMA_POINTS_MAX 14 /* 6.8.20 */
#define CHROMA_POINTS_MAX 10

static bool has_chroma(const struct fv_av1_header *header)
{
    return header->sequence->format.chroma != 0;
}

/* su(n), 4.10.6 */
static int read_su(struct fv_bits *bits, unsigned n)
{
    uint32_t value = fv_bits_u(bits, n), sign = 1u << (n - 1);
    return value & sign ? (int)value - (int)(2 * sign) : (int)value;
}

/* read_delta_q(), 5.9.13 */
static void read_delta_q(struct fv_av1_header *header)
{
    if (fv_bits_u(&header->bits, 1) && read_su(&header->bits, 7) != 0)
        header->has_delta_q = true;
}

/* 5.9.12 */
static void read_quantization(struct fv_av1_header *header)
{
    struct fv_bits *bits = &header->bits;
    bool separate = header->sequence->separate_uv;
    header->base_q = fv_bits_u(bits, 8);
    read_delta_q(header);
    if (has_chroma(header)) {
        bool differ = separate && fv_bits_u(bits, 1); /* diff_uv_delta */
        for (unsigned i = 0; i < (differ ? 4 : 2); i++)
            read_delta_q(header);
    }
    if (fv_bits_u(bits, 1)) /* using_qmatrix */
        fv_bits_skip(bits, separate ? 12 : 8);
}

/* The features of all segments; of the first one, which changes the quantizer, the value is kept. */
static void read_features(struct fv_bits *bits, struct fv_av1_slot *slot)
{
    static const uint8_t sizes[] = {9, 7, 7, 7, 7, 3, 0, 0}; /* with sign */
    slot->segments = 0;
    for (unsigned i = 0; i < FV_AV1_SEGMENTS; i++) {
        for (unsigned k = 0; k < sizeof(sizes); k++) {
            if (!fv_bits_u(bits, 1))
                continue;
            if (k) {
                fv_bits_skip(bits, sizes[k]);
                continue;
            }
            slot->segments |= (uint8_t)(1u << i);
            int value = read_su(bits, sizes[k]);
            slot->quantizers[i] = (int16_t)(value < -255 ? -255 : value);
        }
    }
}

/* 5.9.14. What a frame does not say it has from its primary reference (load_previous(), 7.20). */
static void read_segmentation(struct fv_av1_header *header)
{
    struct fv_bits *bits = &header->bits;
    struct fv_av1_slot *slot = &header->frame.slot;
    bool none = header->primary == PRIMARY_REF_NONE;
    slot->segments = 0;
    if (!fv_bits_u(bits, 1)) /* segmentation_enabled */
        return;
    if (!none) {
        const struct fv_av1_slot *before = &header->stream->slots[header->refs[header->primary]];
        slot->segments = before->segments;
        for (unsigned i = 0; i < FV_AV1_SEGMENTS; i++)
            slot->quantizers[i] = before->quantizers[i];
        if (fv_bits_u(bits, 1))    /* segmentation_update_map */
            fv_bits_skip(bits, 1); /* temporal_update */
    }
    if (none || fv_bits_u(bits, 1)) /* segmentation_update_data */
        read_features(bits, slot);
}

/* CodedLossless of 5.9.2, by get_qidx() of 7.12.2. */
static bool is_lossless(const struct fv_av1_header *header)
{
    const struct fv_av1_slot *slot = &header->frame.slot;
    for (unsigned i = 0; i < FV_AV1_SEGMENTS; i++) {
        int own = slot->segments >> i & 1 ? slot->quantizers[i] : 0;
        if ((int)header->base_q + own > 0)
            return false;
    }
    return !header->has_delta_q;
}

/* 5.9.17, 5.9.18 */
static void read_deltas(struct fv_av1_header *header)
{
    struct fv_bits *bits = &header->bits;
    if (!header->base_q || !fv_bits_u(bits, 1)) /* delta_q_present */
        return;
    fv_bits_skip(bits, 2);
    if (!header->intrabc && fv_bits_u(bits, 1)) /* delta_lf_present */
        fv_bits_skip(bits, 3);
}

/* 5.9.11 */
static void read_loop_filter(struct fv_av1_header *header)
{
    struct fv_bits *bits = &header->bits;
    if (header->coded_lossless || header->intrabc)
        return;
    if (fv_bits_u(bits, 12) && has_chroma(header)) /* two levels */
        fv_bits_skip(bits, 12);
    fv_bits_skip(bits, 3);
    if (!fv_bits_u(bits, 1) || !fv_bits_u(bits, 1)) /* delta_enabled, delta_update */
        return;
    for (unsigned i = 0; i < 8 + 2; i++)
        if (fv_bits_u(bits, 1))
            fv_bits_skip(bits, 7);
}

/* 5.9.19 */
static void read_cdef(struct fv_av1_header *header)
{
    struct fv_bits *bits = &header->bits;
    if (header->coded_lossless || header->intrabc || !header->sequence->cdef)
        return;
    fv_bits_skip(bits, 2);
    unsigned count = 1u << fv_bits_u(bits, 2);
    fv_bits_skip(bits, (has_chroma(header) ? 12 : 6) * count);
}

/* 5.9.20 */
static void read_restoration(struct fv_av1_header *header)
{
    struct fv_bits *bits = &header->bits;
    const struct fv_av1_size *size = &header->frame.slot.size;
    bool all_lossless = header->coded_lossless && size->width == size->upscaled;
    if (all_lossless || header->intrabc || !header->sequence->restoration)
        return;
    unsigned luma = fv_bits_u(bits, 2), chroma = has_chroma(header) ? fv_bits_u(bits, 4) : 0;
    if (!luma && !chroma)
        return;
    if (fv_bits_u(bits, 1) && !header->sequence->large_blocks) /* lr_unit_shift */
        fv_bits_skip(bits, 1);
    if (chroma && header->sequence->format.chroma == 1)
        fv_bits_skip(bits, 1); /* lr_uv_shift */
}

/* skipModeAllowed of 5.9.22: there is a reference before and one behind, or two before. */
static bool allows_skip_mode(const struct fv_av1_header *header)
{
    const struct fv_av1_sequence *sequence = header->sequence;
    uint32_t now = header->frame.slot.order_hint, forward = 0;
    bool before = false, behind = false, second = false;
    for (unsigned i = 0; i < REFS; i++) {
        uint32_t hint = header->stream->slots[header->refs[i]].order_hint;
        int distance = fv_av1_distance(sequence, hint, now);
        behind = behind || distance > 0;
        if (distance < 0 && (!before || fv_av1_distance(sequence, hint, forward) > 0)) {
            before = true;
            forward = hint;
        }
    }
    for (unsigned i = 0; before && i < REFS; i++) {
        uint32_t hint = header->stream->slots[header->refs[i]].order_hint;
        second = second || fv_av1_distance(sequence, hint, forward) < 0;
    }
    return before && (behind || second);
}

/* read_tx_mode() to reduced_tx_set of 5.9.2. */
static void read_modes(struct fv_av1_header *header)
{
    struct fv_bits *bits = &header->bits;
    if (!header->coded_lossless)
        fv_bits_skip(bits, 1);               /* tx_mode_select */
    if (!header->intra && fv_bits_u(bits, 1) /* reference_select */
        && header->sequence->order_bits && allows_skip_mode(header))
        fv_bits_skip(bits, 1); /* skip_mode_present */
    if (!header->intra && !header->error_resilient && header->sequence->warped)
        fv_bits_skip(bits, 1); /* allow_warped_motion */
    fv_bits_skip(bits, 1);     /* reduced_tx_set */
}

/* decode_signed_subexp_with_ref() of 5.9.26: how many bits it takes does not hang on what it is a difference to. */
static void skip_subexp(struct fv_bits *bits, unsigned abs_bits)
{
    uint32_t symbols = (2u << abs_bits) + 1, mk = 0;
    for (unsigned i = 0;; i++) {
        unsigned b = i ? 3 + i - 1 : 3;
        if (symbols <= mk + (3u << b)) {
            (void)fv_av1_read_ns(bits, symbols - mk);
            return;
        }
        if (!fv_bits_u(bits, 1)) { /* subexp_more_bits */
            fv_bits_skip(bits, b);
            return;
        }
        mk += 1u << b;
    }
}

/* 5.9.24, 5.9.25 */
static void read_motion(struct fv_av1_header *header)
{
    struct fv_bits *bits = &header->bits;
    for (unsigned i = 0; !header->intra && i < REFS; i++) {
        if (!fv_bits_u(bits, 1)) /* is_global */
            continue;
        bool zoom = fv_bits_u(bits, 1), translation = !zoom && fv_bits_u(bits, 1);
        unsigned alphas = zoom ? 2 : translation ? 0 : 4;
        for (unsigned k = 0; k < alphas; k++)
            skip_subexp(bits, 12);
        for (unsigned k = 0; k < 2; k++)
            skip_subexp(bits, !translation ? 12 : header->precise_mv ? 9 : 8);
    }
}

/* 5.9.30, from num_y_points on. */
static void read_grain(struct fv_av1_header *header)
{
    struct fv_bits *bits = &header->bits;
    unsigned luma = fv_bits_u(bits, 4), blue = 0, red = 0;
    fv_bits_skip(bits, 16 * luma);
    bool from_luma = has_chroma(header) && fv_bits_u(bits, 1);
    if (has_chroma(header) && !from_luma && (header->sequence->format.chroma != 1 || luma)) {
        blue = fv_bits_u(bits, 4);
        fv_bits_skip(bits, 16 * blue);
        red = fv_bits_u(bits, 4);
        fv_bits_skip(bits, 16 * red);
    }
    fv_bits_skip(bits, 2);
    unsigned lag = fv_bits_u(bits, 2), positions = 2 * lag * (lag + 1);
    if (luma)
        fv_bits_skip(bits, 8 * positions++);
    if (from_luma || blue)
        fv_bits_skip(bits, 8 * positions);
    if (from_luma || red)
        fv_bits_skip(bits, 8 * positions);
    fv_bits_skip(bits, 4 + (blue ? 25 : 0) + (red ? 25 : 0) + 2);
    header->bad = header->bad || luma > LUMA_POINTS_MAX || blue > CHROMA_POINTS_MAX ||
                  red > CHROMA_POINTS_MAX;
}

/* 5.9.30 */
static void read_film_grain(struct fv_av1_header *header)
{
    struct fv_bits *bits = &header->bits;
    if (!header->sequence->film_grain || (!header->frame.shown && !header->showable))
        return;
    if (!fv_bits_u(bits, 1)) /* apply_grain */
        return;
    fv_bits_skip(bits, 16);
    if (header->frame.slot.type != INTER_FRAME || fv_bits_u(bits, 1)) { /* update_grain */
        read_grain(header);
        return;
    }
    unsigned from = fv_bits_u(bits, 3); /* film_grain_params_ref_idx */
    bool referred = false;
    for (unsigned i = 0; i < REFS; i++)
        referred = referred || header->refs[i] == from;
    header->bad = header->bad || !referred;
}

void fv_av1_read_filters(struct fv_av1_header *header)
{
    read_quantization(header);
    read_segmentation(header);
    read_deltas(header);
    header->coded_lossless = is_lossless(header);
    read_loop_filter(header);
    read_cdef(header);
    read_restoration(header);
    read_modes(header);
    read_motion(header);
    read_film_grain(header);
}

// SPDX-License-Identifier: Apache-2.0
/* AV1, 5.5: the sequence header. */
#include <errno.h>

#include "codec/av1_frame.h"
#include "codec/bits.h"
#include "codec/sps.h"

#define REFERENCES 8
#define SELECT 2 /* SELECT_SCREEN_CONTENT_TOOLS, SELECT_INTEGER_MV */
#define ID_BITS_MAX 16
#define LEVEL_MAX 23 /* of those that are defined, but for */
#define LEVEL_ANY 31

/* 4.10.3 */
static void skip_uvlc(struct fv_bits *bits)
{
    unsigned zeros = 0;
    while (!bits->error && fv_bits_u(bits, 1) == 0)
        zeros++;
    if (zeros < 32)
        fv_bits_skip(bits, zeros);
}

/* timing_info() and decoder_model_info(), 5.5.3 and 5.5.4. The bits of a delay. */
static unsigned read_timing(struct fv_bits *bits, struct fv_av1_sequence *sequence)
{
    uint32_t tick = fv_bits_u(bits, 32), scale = fv_bits_u(bits, 32);
    sequence->equal_interval = fv_bits_u(bits, 1);
    if (sequence->equal_interval) {
        skip_uvlc(bits);
        fv_sps_set_fps(&sequence->format, scale, tick);
    }
    sequence->model = fv_bits_u(bits, 1);
    if (!sequence->model)
        return 0;
    unsigned delay_bits = fv_bits_u(bits, 5) + 1;
    fv_bits_skip(bits, 32);
    sequence->removal_bits = (uint8_t)(fv_bits_u(bits, 5) + 1);
    sequence->presentation_bits = (uint8_t)(fv_bits_u(bits, 5) + 1);
    return delay_bits;
}

/* 5.5.1; whether the levels are ones that 6.4.1 allows. */
static bool read_points(struct fv_bits *bits, struct fv_av1_sequence *sequence)
{
    bool known = true;
    unsigned delay_bits = fv_bits_u(bits, 1) ? read_timing(bits, sequence) : 0;
    bool delay = fv_bits_u(bits, 1); /* initial_display_delay_present_flag */
    sequence->points = (uint8_t)(fv_bits_u(bits, 5) + 1);
    for (unsigned i = 0; i < sequence->points && !bits->error; i++) {
        sequence->point_idc[i] = (uint16_t)fv_bits_u(bits, 12);
        unsigned level = fv_bits_u(bits, 5);
        known = known && (level <= LEVEL_MAX || level == LEVEL_ANY);
        if (i == 0)
            sequence->format.level = (uint8_t)level;
        if (level > 7)
            fv_bits_skip(bits, 1);
        sequence->point_model[i] = sequence->model && fv_bits_u(bits, 1);
        if (sequence->point_model[i])
            fv_bits_skip(bits, 2 * delay_bits + 1);
        if (delay && fv_bits_u(bits, 1))
            fv_bits_skip(bits, 4);
    }
    return known;
}

/* 5.5.1, from enable_interintra_compound up to order_hint_bits_minus_1. */
static void read_inter_tools(struct fv_bits *bits, struct fv_av1_sequence *sequence)
{
    fv_bits_skip(bits, 2); /* interintra, masked compound */
    sequence->warped = fv_bits_u(bits, 1);
    fv_bits_skip(bits, 1); /* dual filter */
    bool order_hint = fv_bits_u(bits, 1);
    if (order_hint) {
        fv_bits_skip(bits, 1); /* jnt_comp */
        sequence->ref_mvs = fv_bits_u(bits, 1);
    }
    sequence->screen_tools = (uint8_t)(fv_bits_u(bits, 1) ? SELECT : fv_bits_u(bits, 1));
    if (sequence->screen_tools)
        sequence->integer_mv = (uint8_t)(fv_bits_u(bits, 1) ? SELECT : fv_bits_u(bits, 1));
    if (order_hint)
        sequence->order_bits = (uint8_t)(fv_bits_u(bits, 3) + 1);
}

/* 5.5.1, from frame_id_numbers_present_flag up to enable_restoration. */
static void read_tools(struct fv_bits *bits, struct fv_av1_sequence *sequence)
{
    if (!sequence->reduced && fv_bits_u(bits, 1)) {
        sequence->delta_id_bits = (uint8_t)(fv_bits_u(bits, 4) + 2);
        sequence->id_bits = (uint8_t)(fv_bits_u(bits, 3) + sequence->delta_id_bits + 1);
    }
    sequence->large_blocks = fv_bits_u(bits, 1);
    fv_bits_skip(bits, 2); /* filter_intra, intra_edge_filter */
    sequence->screen_tools = sequence->integer_mv = SELECT;
    if (!sequence->reduced)
        read_inter_tools(bits, sequence);
    sequence->superres = fv_bits_u(bits, 1);
    sequence->cdef = fv_bits_u(bits, 1);
    sequence->restoration = fv_bits_u(bits, 1);
}

/* Subsampling of what is neither grey nor RGB, by profile. */
static uint8_t chroma_of(struct fv_bits *bits, const struct fv_video_format *format)
{
    if (format->profile < 2)
        return format->profile ? 3 : 1;
    if (format->bit_depth < 12)
        return 2;
    bool x = fv_bits_u(bits, 1);
    return !x ? 3 : fv_bits_u(bits, 1) ? 1 : 2;
}

/* 5.5.2, up to the subsampling. */
static void read_color(struct fv_bits *bits, struct fv_video_format *format)
{
    bool high = fv_bits_u(bits, 1);
    format->bit_depth = high ? 10 : 8;
    if (format->profile == 2 && high)
        format->bit_depth = fv_bits_u(bits, 1) ? 12 : 10;
    bool grey = format->profile != 1 && fv_bits_u(bits, 1);
    uint32_t description = 0;
    if (fv_bits_u(bits, 1)) {
        description = fv_bits_u(bits, 24); /* primaries, transfer, matrix */
        format->matrix = (uint8_t)description;
    }
    if (!grey && description == 0x010d00) { /* BT.709, sRGB, identity: RGB */
        format->full_range = true;
        format->chroma = 3;
        return;
    }
    format->full_range = fv_bits_u(bits, 1);
    format->chroma = grey ? 0 : chroma_of(bits, format);
}

/* Up to the color, which is all that receivers need. Whether nothing in it is reserved. */
static bool read_front(struct fv_bits *bits, struct fv_av1_sequence *sequence)
{
    struct fv_video_format *format = &sequence->format;
    bool known = true;
    format->profile = (uint8_t)fv_bits_u(bits, 3);
    bool still = fv_bits_u(bits, 1);
    sequence->reduced = fv_bits_u(bits, 1);
    if (sequence->reduced) {
        sequence->points = 1;
        format->level = (uint8_t)fv_bits_u(bits, 5);
        known = still && (format->level <= LEVEL_MAX || format->level == LEVEL_ANY);
    } else {
        known = read_points(bits, sequence);
    }
    sequence->width_bits = (uint8_t)(fv_bits_u(bits, 4) + 1);
    sequence->height_bits = (uint8_t)(fv_bits_u(bits, 4) + 1);
    sequence->width = fv_bits_u(bits, sequence->width_bits) + 1;
    sequence->height = fv_bits_u(bits, sequence->height_bits) + 1;
    read_tools(bits, sequence);
    read_color(bits, format);
    return known;
}

static int set_size(struct fv_av1_sequence *sequence)
{
    uint32_t width = sequence->width, height = sequence->height;
    unsigned coded_width = (width + 7) / 8 * 8, coded_height = (height + 7) / 8 * 8;
    const struct fv_sps_window window = {.right = coded_width - width,
                                         .bottom = coded_height - height};
    return fv_sps_set_size(&sequence->format, coded_width, coded_height, &window, 1, 1);
}

static const struct fv_av1_sequence EMPTY = {.format = {.codec = FV_CODEC_AV1,
                                                        .matrix = FV_MATRIX_UNSPECIFIED,
                                                        .max_ref_frames = REFERENCES,
                                                        .reorder_known = true}};

int fv_av1_parse_sequence(const uint8_t *payload, size_t size, struct fv_video_format *ret_format)
{
    struct fv_av1_sequence sequence = EMPTY;
    struct fv_bits bits;
    fv_bits_init(&bits, payload, size);
    (void)read_front(&bits, &sequence);
    if (bits.error || sequence.format.profile > 2)
        return -EBADMSG;
    int code = set_size(&sequence);
    if (code == 0)
        *ret_format = sequence.format;
    return code;
}

/* 5.3.4: a one, and zeros up to the byte's end. */
static bool ends_here(struct fv_bits *bits)
{
    unsigned rest = 8 - (unsigned)(bits->pos % 8);
    return fv_bits_u(bits, rest) == 1u << (rest - 1);
}

int fv_av1_read_sequence(const uint8_t *payload, size_t size, struct fv_av1_sequence *ret_sequence)
{
    struct fv_av1_sequence sequence = EMPTY;
    struct fv_bits bits;
    fv_bits_init(&bits, payload, size);
    bool known = read_front(&bits, &sequence);
    const struct fv_video_format *format = &sequence.format;
    if (format->chroma == 1)
        fv_bits_skip(&bits, 2); /* chroma_sample_position */
    if (format->chroma != 0)
        sequence.separate_uv = fv_bits_u(&bits, 1);
    sequence.film_grain = fv_bits_u(&bits, 1);
    bool ends = ends_here(&bits);
    if (bits.error || !known || !ends || format->profile > 2 || sequence.id_bits > ID_BITS_MAX)
        return -EBADMSG;
    int code = set_size(&sequence);
    if (code == 0)
        *ret_sequence = sequence;
    return code;
}

// SPDX-License-Identifier: Apache-2.0
/* AV1, 5.9.2: the header of a frame up to its tiles; the rest of it is in av1_filters.c. */
#include <errno.h>
#include <string.h>

#include "codec/av1_header.h"

#define ALL_SLOTS 0xff
#define SUPERRES_NUM 8
#define SUPERRES_DENOM_MIN 9

int fv_av1_distance(const struct fv_av1_sequence *sequence, uint32_t a, uint32_t b)
{
    if (!sequence->order_bits)
        return 0;
    int m = 1 << (sequence->order_bits - 1), diff = (int)a - (int)b;
    return (diff & (m - 1)) - (diff & m);
}

/* 5.9.31; not there where pictures come at equal intervals. */
static void skip_presentation(struct fv_av1_header *header)
{
    if (header->sequence->model && !header->sequence->equal_interval)
        fv_bits_skip(&header->bits, header->sequence->presentation_bits);
}

/* A frame from before. A key frame so shown begins the stream anew (7.21). */
static void read_existing(struct fv_av1_header *header)
{
    const struct fv_av1_slot *slot = &header->stream->slots[fv_bits_u(&header->bits, 3)];
    skip_presentation(header);
    fv_bits_skip(&header->bits, header->sequence->id_bits);
    header->bad = !slot->valid;
    header->frame.existing = header->frame.shown = true;
    header->frame.slot = *slot;
    header->frame.refresh = slot->type == KEY_FRAME ? ALL_SLOTS : 0;
}

/* From frame_type up to error_resilient_mode. */
static void read_kind(struct fv_av1_header *header)
{
    struct fv_bits *bits = &header->bits;
    unsigned type = fv_bits_u(bits, 2);
    bool shown = fv_bits_u(bits, 1);
    if (shown)
        skip_presentation(header);
    header->showable = shown ? type != KEY_FRAME : fv_bits_u(bits, 1);
    header->error_resilient =
        type == SWITCH_FRAME || (type == KEY_FRAME && shown) || fv_bits_u(bits, 1);
    header->frame.slot.type = (uint8_t)type;
    header->frame.shown = shown;
}

static void read_coding_tools(struct fv_av1_header *header)
{
    struct fv_bits *bits = &header->bits;
    const struct fv_av1_sequence *sequence = header->sequence;
    header->cdf_update = !fv_bits_u(bits, 1);
    header->screen_tools =
        sequence->screen_tools == SELECT ? fv_bits_u(bits, 1) : sequence->screen_tools;
    if (header->screen_tools)
        header->integer_mv =
            sequence->integer_mv == SELECT ? fv_bits_u(bits, 1) : sequence->integer_mv;
}

/* buffer_removal_time of the operating points that this frame belongs to. */
static void skip_removal_times(struct fv_av1_header *header)
{
    const struct fv_av1_sequence *sequence = header->sequence;
    if (!sequence->model || !fv_bits_u(&header->bits, 1))
        return;
    for (unsigned i = 0; i < sequence->points; i++) {
        unsigned idc = sequence->point_idc[i];
        bool within = !idc || (idc >> header->temporal & idc >> (header->spatial + 8) & 1);
        if (sequence->point_model[i] && within)
            fv_bits_skip(&header->bits, sequence->removal_bits);
    }
}

/* From current_frame_id up to refresh_frame_flags. */
static void read_order(struct fv_av1_header *header)
{
    struct fv_bits *bits = &header->bits;
    const struct fv_av1_sequence *sequence = header->sequence;
    unsigned type = header->frame.slot.type;
    fv_bits_skip(bits, sequence->id_bits);
    header->sized = type == SWITCH_FRAME || (!sequence->reduced && fv_bits_u(bits, 1));
    header->frame.slot.order_hint = fv_bits_u(bits, sequence->order_bits);
    header->primary = PRIMARY_REF_NONE;
    if (!header->intra && !header->error_resilient)
        header->primary = fv_bits_u(bits, 3);
    skip_removal_times(header);
    bool all = type == SWITCH_FRAME || (type == KEY_FRAME && header->frame.shown);
    header->frame.refresh = all ? ALL_SLOTS : (uint8_t)fv_bits_u(bits, 8);
    /* 6.8.2: so that something is left to go on from */
    header->bad = header->bad || (type == INTRA_ONLY_FRAME && header->frame.refresh == ALL_SLOTS);
}

/* ref_order_hint: of a slot that has another one, its frame was lost. */
static void check_hints(struct fv_av1_header *header)
{
    if (header->intra && header->frame.refresh == ALL_SLOTS)
        return;
    if (!header->error_resilient || !header->sequence->order_bits)
        return;
    for (unsigned i = 0; i < FV_AV1_SLOTS; i++) {
        const struct fv_av1_slot *slot = &header->stream->slots[i];
        uint32_t hint = fv_bits_u(&header->bits, header->sequence->order_bits);
        header->bad = header->bad || !slot->valid || slot->order_hint != hint;
    }
}

/* superres_params(), 5.9.8, of a frame whose upscaled width is known. */
static void read_superres(struct fv_av1_header *header, struct fv_av1_size *size)
{
    size->width = size->upscaled;
    if (!header->sequence->superres || !fv_bits_u(&header->bits, 1))
        return;
    unsigned denom = fv_bits_u(&header->bits, 3) + SUPERRES_DENOM_MIN;
    size->width = (size->upscaled * SUPERRES_NUM + denom / 2) / denom;
}

/* frame_size() and render_size(), 5.9.5, 5.9.6. */
static void read_size(struct fv_av1_header *header)
{
    struct fv_bits *bits = &header->bits;
    const struct fv_av1_sequence *sequence = header->sequence;
    struct fv_av1_size size = {.upscaled = sequence->width, .height = sequence->height};
    if (header->sized) {
        size.upscaled = fv_bits_u(bits, sequence->width_bits) + 1;
        size.height = fv_bits_u(bits, sequence->height_bits) + 1;
    }
    header->bad = header->bad || size.upscaled > sequence->width || size.height > sequence->height;
    read_superres(header, &size);
    if (fv_bits_u(bits, 1))
        fv_bits_skip(bits, 32);
    header->frame.slot.size = size;
}

/* 5.9.7 */
static void read_size_with_refs(struct fv_av1_header *header)
{
    for (unsigned i = 0; i < REFS; i++) {
        if (!fv_bits_u(&header->bits, 1)) /* found_ref */
            continue;
        struct fv_av1_size size = header->stream->slots[header->refs[i]].size;
        read_superres(header, &size);
        header->frame.slot.size = size;
        return;
    }
    read_size(header);
}

/* The slot, of those not used, that comes last (`late`) or first of all before, or not before, this frame; -1: there is none. 7.8. */
static int find_ref(const struct fv_av1_header *header, unsigned used, bool before, bool late)
{
    int found = -1, best = 0;
    for (int i = 0; i < FV_AV1_SLOTS; i++) {
        int distance = fv_av1_distance(header->sequence, header->stream->slots[i].order_hint,
                                       header->frame.slot.order_hint);
        if (used >> i & 1 || (distance < 0) != before)
            continue;
        if (found < 0 || (late ? distance >= best : distance < best)) {
            found = i;
            best = distance;
        }
    }
    return found;
}

/* The first of all slots in output order, used or not. */
static unsigned find_earliest(const struct fv_av1_header *header)
{
    int before = find_ref(header, 0, true, false);
    return (unsigned)(before >= 0 ? before : find_ref(header, 0, false, false));
}

/* set_frame_refs(), 7.8 */
static void set_refs(struct fv_av1_header *header, unsigned last, unsigned gold)
{
    enum { LAST, LAST2, LAST3, GOLDEN, BWDREF, ALTREF2, ALTREF };
    static const struct {
        unsigned ref;
        bool before, late;
    } order[] = {{ALTREF, false, true}, {BWDREF, false, false}, {ALTREF2, false, false},
                 {LAST2, true, true},   {LAST3, true, true},    {BWDREF, true, true},
                 {ALTREF2, true, true}, {ALTREF, true, true}};
    unsigned used = 1u << last | 1u << gold, set = 1u << LAST | 1u << GOLDEN;
    header->refs[LAST] = last;
    header->refs[GOLDEN] = gold;
    for (unsigned i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        if (set >> order[i].ref & 1)
            continue;
        int found = find_ref(header, used, order[i].before, order[i].late);
        if (found < 0)
            continue;
        header->refs[order[i].ref] = (unsigned)found;
        used |= 1u << found;
        set |= 1u << order[i].ref;
    }
    for (unsigned i = 0; i < REFS; i++)
        if (!(set >> i & 1))
            header->refs[i] = find_earliest(header);
}

/* ref_frame_idx and what belongs to it. */
static void read_refs(struct fv_av1_header *header)
{
    struct fv_bits *bits = &header->bits;
    bool brief = header->sequence->order_bits && fv_bits_u(bits, 1);
    if (brief) { /* frame_refs_short_signaling */
        unsigned last = fv_bits_u(bits, 3), gold = fv_bits_u(bits, 3);
        set_refs(header, last, gold);
    }
    for (unsigned i = 0; i < FV_AV1_SLOTS; i++)
        header->bad = header->bad || (brief && !header->stream->slots[i].valid);
    for (unsigned i = 0; i < REFS; i++) {
        if (!brief)
            header->refs[i] = fv_bits_u(bits, 3);
        fv_bits_skip(bits, header->sequence->delta_id_bits);
        header->bad = header->bad || !header->stream->slots[header->refs[i]].valid;
    }
}

static void read_intra(struct fv_av1_header *header)
{
    read_size(header);
    const struct fv_av1_size *size = &header->frame.slot.size;
    if (header->screen_tools && size->width == size->upscaled)
        header->intrabc = fv_bits_u(&header->bits, 1);
}

static void read_inter(struct fv_av1_header *header)
{
    struct fv_bits *bits = &header->bits;
    const struct fv_av1_sequence *sequence = header->sequence;
    read_refs(header);
    if (header->sized && !header->error_resilient)
        read_size_with_refs(header);
    else
        read_size(header);
    if (!header->integer_mv)
        header->precise_mv = fv_bits_u(bits, 1);
    if (!fv_bits_u(bits, 1)) /* is_filter_switchable */
        fv_bits_skip(bits, 2);
    fv_bits_skip(bits, 1); /* is_motion_mode_switchable */
    if (!header->error_resilient && sequence->ref_mvs)
        fv_bits_skip(bits, 1);
}

/* Of a frame that is coded here. */
static void read_coded(struct fv_av1_header *header)
{
    header->intra =
        header->frame.slot.type == KEY_FRAME || header->frame.slot.type == INTRA_ONLY_FRAME;
    header->frame.slot.valid = true;
    read_coding_tools(header);
    read_order(header);
    check_hints(header);
    if (header->intra)
        read_intra(header);
    else
        read_inter(header);
    if (!header->sequence->reduced && header->cdf_update)
        fv_bits_skip(&header->bits, 1); /* disable_frame_end_update_cdf */
    if (header->bad || header->bits.error)
        return;
    fv_av1_read_tiles(header);
    fv_av1_read_filters(header);
}

int fv_av1_read_frame(const struct fv_av1_stream *stream, const struct fv_av1_obu *obu,
                      struct fv_av1_frame *ret_frame)
{
    struct fv_av1_header header = {.stream = stream,
                                   .sequence = &stream->sequence,
                                   .temporal = obu->header[1] >> 5,
                                   .spatial = obu->header[1] >> 3 & 3};
    if (!stream->started)
        return -EBADMSG;
    fv_bits_init(&header.bits, obu->payload, obu->payload_size);
    if (stream->sequence.reduced) {
        header.frame.slot.type = KEY_FRAME;
        header.frame.shown = header.error_resilient = true;
        read_coded(&header);
    } else if (fv_bits_u(&header.bits, 1)) {
        read_existing(&header);
    } else {
        read_kind(&header);
        read_coded(&header);
    }
    if (header.bits.error || header.bad)
        return -EBADMSG;
    header.frame.header_bits = header.bits.pos;
    *ret_frame = header.frame;
    return 0;
}

/* Both began as copies of the same bytes, so that nothing differs between their members. */
void fv_av1_set_sequence(struct fv_av1_stream *stream, const struct fv_av1_sequence *sequence)
{
    if (stream->started && memcmp(sequence, &stream->sequence, sizeof(*sequence)) == 0)
        return;
    *stream = (struct fv_av1_stream){.started = true, .sequence = *sequence};
}

void fv_av1_apply(struct fv_av1_stream *stream, const struct fv_av1_frame *frame)
{
    for (unsigned i = 0; i < FV_AV1_SLOTS; i++)
        if (frame->refresh >> i & 1)
            stream->slots[i] = frame->slot;
}

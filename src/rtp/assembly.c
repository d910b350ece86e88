// SPDX-License-Identifier: Apache-2.0
#include "rtp/assembly.h"

#include <errno.h>
#include <string.h>

#include "flow.h"

#define START_CODE 4
#define FIRST_SIZE 4096        /* when nothing is known yet */
#define WAITING_MAX (64 << 10) /* bytes of NAL units that wait for a picture */

static bool is_slice(enum fv_nal_kind kind)
{
    return kind == FV_NAL_SLICE || kind == FV_NAL_SLICE_KEY;
}

/* Takes `buf` in the place of the one at hand. */
static void set_buffer(struct fv_assembly *a, struct fv_buf *buf)
{
    fv_buf_unref(a->buf);
    a->buf = buf;
    a->bytes = buf ? buf->data : NULL;
    a->room = buf ? buf->capacity - FV_AU_PADDING : 0;
}

void fv_assembly_finish(struct fv_assembly *assembly)
{
    set_buffer(assembly, NULL);
}

/* Nothing is at hand; a buffer that nobody took is kept. */
static void clear(struct fv_assembly *a)
{
    a->open = a->picture = a->key = a->damaged = a->no_buffer = a->unwanted = a->fragment = false;
    a->point = false;
    a->inside = a->until_whole = 0;
    a->size = a->delimiter = 0;
}

void fv_assembly_abandon(struct fv_assembly *assembly)
{
    clear(assembly);
    assembly->gap = true;
    assembly->last_by_marker = false;
}

/* Bytes of this picture are of no use to anyone. */
static bool wasted(const struct fv_assembly *a)
{
    return a->no_buffer || a->unwanted || (a->damaged && !a->keep_damaged);
}

/* Makes room for `capacity` bytes and the padding: a larger buffer, and one copy of what is there. */
static bool grow(struct fv_assembly *a, size_t capacity)
{
    struct fv_buf *larger;
    if (fv_buf_get(a->pool, capacity + FV_AU_PADDING, &larger) < 0) {
        a->no_buffer = true;
        return false;
    }
    if (a->buf)
        memcpy(larger->data, a->bytes, a->size);
    set_buffer(a, larger);
    return true;
}

static bool reserve(struct fv_assembly *a, size_t more)
{
    size_t wanted = a->size + more;
    if (wanted <= a->room)
        return true;
    if (wanted < FIRST_SIZE - FV_AU_PADDING)
        wanted = FIRST_SIZE - FV_AU_PADDING;
    if (wanted < 2 * a->size && 2 * a->size + FV_AU_PADDING <= FV_BUF_MAX)
        wanted = 2 * a->size;
    return grow(a, wanted);
}

static void append(struct fv_assembly *a, const uint8_t *data, size_t size)
{
    if (wasted(a) || !reserve(a, size))
        return;
    memcpy(a->bytes + a->size, data, size);
    a->size += size;
}

/* Recent sizes of its kind, with a slow way down: the next one's first guess. */
static void remember_size(struct fv_assembly *a)
{
    size_t *usual = a->key ? &a->usual_key : &a->usual_other;
    size_t faded = *usual - *usual / 16;
    *usual = a->size > faded ? a->size : faded;
}

static enum fv_unit_state unit_state(const struct fv_assembly *a)
{
    if (a->damaged)
        return FV_UNIT_DAMAGED;
    if (a->no_buffer)
        return FV_UNIT_NO_BUFFER;
    return a->unwanted ? FV_UNIT_UNWANTED : FV_UNIT_WHOLE;
}

/* The picture at hand is over. */
static void end_picture(struct fv_assembly *a, bool by_marker)
{
    if (a->fragment)
        fv_assembly_fragment_end(a);
    if (a->closing && a->picture)
        a->closing(a->closing_data);
    if (a->buf)
        memset(a->bytes + a->size, 0, FV_AU_PADDING);
    struct fv_unit unit = {
        .state = unit_state(a),
        .key = a->key,
        .point = a->point,
        .until_whole = a->until_whole,
        .role = a->role,
        .timestamp = a->picture_time,
        .first_packet = a->first_packet,
        .last_packet = a->last_packet,
        .buf = a->buf,
        .size = a->picture ? a->size : 0,
    };
    if (unit.state == FV_UNIT_WHOLE)
        remember_size(a);
    a->last_time = a->picture_time;
    a->last_by_marker = by_marker;
    a->buf = NULL;
    a->ended(a->data, &unit);
    a->buf = unit.buf;
    set_buffer(a, NULL);
    clear(a);
}

/* Another timestamp: ends a picture; what has no slice yet waits for the next. */
static void change_time(struct fv_assembly *a)
{
    if (a->picture || a->damaged) {
        if (a->fragment && !a->ends_known)
            fv_quirk_meet(a->quirks, FV_QUIRK_FU_MISSING_END);
        a->damaged |= a->fragment && a->ends_known; /* the rest of the unit was never sent */
        if (!a->marker && !a->damaged)
            fv_quirk_meet(a->quirks, FV_QUIRK_MARKER_MISSING);
        end_picture(a, false);
    } else if (a->size > WAITING_MAX) {
        fv_assembly_abandon(a);
    }
}

void fv_assembly_packet(struct fv_assembly *assembly, uint32_t timestamp, int64_t arrival,
                        bool lost)
{
    if (lost) {
        assembly->gap = true;
        assembly->damaged |= assembly->open;
        assembly->fragment = assembly->resumable = assembly->marker_in_fragment = false;
    }
    if (timestamp != assembly->timestamp && assembly->open) {
        if (assembly->fragment && !assembly->picture)
            fv_assembly_fragment_end(assembly); /* it may hide a picture, of this time */
        change_time(assembly);
    }
    assembly->timestamp = timestamp;
    assembly->arrival = arrival;
}

/* Packets come in order here, but a late one arrived after those behind it. */
static void note_arrival(struct fv_assembly *a)
{
    a->first_packet = fv_min64(a->first_packet, a->arrival);
    a->last_packet = fv_max64(a->last_packet, a->arrival);
}

/* The first NAL unit of a picture, or of what waits for one. */
static void open_picture(struct fv_assembly *a, enum fv_nal_kind kind, const uint8_t *nal,
                         size_t size)
{
    bool begins = fv_codec_starts_au(a->codec, kind, nal, size);
    a->open = true;
    a->picture_time = a->timestamp;
    a->first_packet = a->last_packet = a->arrival;
    if (a->gap)
        a->damaged = !begins;
    else if (!begins && is_slice(kind) && a->last_by_marker && a->timestamp == a->last_time) {
        fv_quirk_meet(a->quirks, FV_QUIRK_MARKER_FALSE);
        a->damaged = true; /* its beginning went out with the picture before */
    }
}

/* Puts the parameter sets that are in force in front of a key picture, behind its delimiter. */
static void put_sets_in_front(struct fv_assembly *a)
{
    const struct fv_sets *sets = a->sets;
    unsigned needed = fv_sets_needed(sets);
    if (!fv_sets_complete(sets))
        a->unwanted = true; /* no decoder could start here */
    if ((a->inside & needed) == needed || wasted(a) || !reserve(a, sets->size))
        return;
    uint8_t *at = a->bytes + a->delimiter;
    memmove(at + sets->size, at, a->size - a->delimiter);
    memcpy(at, sets->bytes, sets->size);
    a->size += sets->size;
}

/* A message that promises whole pictures at once is believed only of an intra picture. */
static void set_role(struct fv_assembly *a, enum fv_nal_kind kind, const uint8_t *nal, size_t size)
{
    a->role = a->codec->role(nal, size);
    a->key = kind == FV_NAL_SLICE_KEY;
    a->point = a->point && !a->key && (a->until_whole > 0 || a->role.intra);
}

static void reserve_usual(struct fv_assembly *a)
{
    size_t usual = a->key ? a->usual_key : a->usual_other;
    if (!wasted(a) && usual > a->size)
        reserve(a, usual - a->size);
}

static void begin_slices(struct fv_assembly *a, enum fv_nal_kind kind, const uint8_t *nal,
                         size_t size)
{
    a->picture = true;
    set_role(a, kind, nal, size);
    if (a->picture_time != a->timestamp) {
        fv_quirk_meet(a->quirks, FV_QUIRK_SETS_APART);
        a->picture_time = a->timestamp;
        a->first_packet = a->last_packet = a->arrival;
    }
    bool start = a->key || a->point;
    a->unwanted = !start && a->key_only;
    reserve_usual(a);
    if (start)
        put_sets_in_front(a);
}

/* A NAL unit begins. `nal` holds its header and, where there is one, the byte behind it. Interlaced pictures may bring two first
 * slices, one for each field, under one timestamp. */
static void begin_nal(struct fv_assembly *a, enum fv_nal_kind kind, const uint8_t *nal, size_t size)
{
    if (a->fragment)
        fv_assembly_fragment_end(a);
    bool slice = is_slice(kind);
    if (a->picture && (kind == FV_NAL_AUD ||
                       (slice && !a->sets->format.interlaced && a->codec->first_slice(nal, size))))
        end_picture(a, false);
    if (!a->open)
        open_picture(a, kind, nal, size);
    a->gap = a->resumable = a->marker_in_fragment = false;
    if (slice && !a->picture)
        begin_slices(a, kind, nal, size);
    note_arrival(a);
    a->kind = kind;
    a->nal = a->size;
}

static void note_set(struct fv_assembly *a, enum fv_nal_kind kind, const uint8_t *nal, size_t size)
{
    bool known = a->sets->kinds >> kind & 1;
    int rc = fv_sets_add(a->sets, kind, nal, size);
    if (rc >= 0)
        a->inside |= 1u << kind;
    if (rc > 0 && known)
        fv_quirk_meet(a->quirks, FV_QUIRK_SETS_CHANGED);
}

/* Whether decoding can start with the picture that follows. */
static void note_recovery(struct fv_assembly *a, const uint8_t *nal, size_t size)
{
    int pictures = a->picture ? -ENOENT : a->codec->recovery(nal, size);
    if (pictures < 0)
        return;
    a->point = true;
    a->until_whole = (unsigned)pictures;
}

static void put_start_code(struct fv_assembly *a)
{
    static const uint8_t start_code[START_CODE] = {0, 0, 0, 1};
    append(a, start_code, START_CODE);
}

static void put_nal(struct fv_assembly *a, enum fv_nal_kind kind, const uint8_t *nal, size_t size)
{
    if (kind == FV_NAL_INVALID) {
        fv_quirk_meet(a->quirks, FV_QUIRK_UNKNOWN_UNIT);
        if (nal[0] & 0x80)
            fv_assembly_damage(a); /* forbidden_zero_bit: somebody on the way saw errors */
        return;
    }
    if (kind == FV_NAL_END && !a->picture)
        return; /* of a picture that is gone already */
    begin_nal(a, kind, nal, size);
    if (fv_is_set(kind))
        note_set(a, kind, nal, size);
    if (kind == FV_NAL_SEI)
        note_recovery(a, nal, size);
    put_start_code(a);
    append(a, nal, size);
    if (kind == FV_NAL_AUD && a->nal == 0)
        a->delimiter = a->size;
}

/* Anything but a slice may hide start codes. */
static void split_nal(struct fv_assembly *a, enum fv_nal_kind kind, const uint8_t *nal, size_t size)
{
    struct fv_annexb it;
    struct fv_nal part;
    fv_annexb_init(&it, nal, size);
    size_t head = (size_t)(it.pos - nal);
    if (it.pos == it.end || (head > 0 && kind == FV_NAL_INVALID && nal[0])) {
        put_nal(a, kind, nal, size);
        return;
    }
    fv_quirk_meet(a->quirks, FV_QUIRK_ANNEXB);
    while (head > 0 && nal[head - 1] == 0)
        head--;
    if (head > 0)
        put_nal(a, a->codec->kind(nal, head), nal, head);
    while (fv_annexb_next(&it, &part))
        put_nal(a, a->codec->kind(part.data, part.size), part.data, part.size);
}

void fv_assembly_nal(struct fv_assembly *assembly, const uint8_t *nal, size_t size)
{
    enum fv_nal_kind kind = assembly->codec->kind(nal, size);
    if (is_slice(kind))
        put_nal(assembly, kind, nal, size);
    else
        split_nal(assembly, kind, nal, size);
}

void fv_assembly_fragment(struct fv_assembly *assembly, const struct fv_fragment *fragment)
{
    uint8_t head[3] = {fragment->header[0], fragment->header[1]};
    size_t size = fragment->header_size;
    if (fragment->size > 0)
        head[size++] = fragment->data[0];
    enum fv_nal_kind kind = assembly->codec->kind(head, size);
    if (kind == FV_NAL_INVALID) {
        fv_assembly_damage(assembly);
        return;
    }
    begin_nal(assembly, kind, head, size);
    put_start_code(assembly);
    append(assembly, fragment->header, fragment->header_size);
    append(assembly, fragment->data, fragment->size);
    assembly->fragment = true;
}

void fv_assembly_more(struct fv_assembly *assembly, const uint8_t *data, size_t size)
{
    if (assembly->marker_in_fragment) {
        fv_quirk_meet(assembly->quirks, FV_QUIRK_MARKER_FALSE);
        assembly->marker_in_fragment = false;
    }
    note_arrival(assembly);
    append(assembly, data, size);
}

/* Takes parameter sets out of a fragmented NAL unit; one with start codes inside may even bring the picture. */
static void inspect_fragment(struct fv_assembly *a)
{
    struct fv_annexb it;
    struct fv_nal part;
    struct fv_nal picture = {0};
    unsigned parts = 0;
    fv_annexb_init(&it, a->bytes + a->nal, a->size - a->nal);
    while (fv_annexb_next(&it, &part)) {
        enum fv_nal_kind kind = a->codec->kind(part.data, part.size);
        if (fv_is_set(kind))
            note_set(a, kind, part.data, part.size);
        if (kind == FV_NAL_SEI)
            note_recovery(a, part.data, part.size);
        if (is_slice(kind) && !picture.data)
            picture = part;
        parts++;
    }
    if (parts > 1)
        fv_quirk_meet(a->quirks, FV_QUIRK_ANNEXB);
    if (!picture.data || a->picture)
        return;
    int64_t last = a->last_packet; /* the packet at hand may be the next one */
    begin_slices(a, a->codec->kind(picture.data, picture.size), picture.data, picture.size);
    a->first_packet = fv_min64(a->first_packet, last);
    a->last_packet = last;
}

void fv_assembly_fragment_end(struct fv_assembly *assembly)
{
    assembly->fragment = false;
    assembly->resumable = true;
    if (!is_slice(assembly->kind) && !wasted(assembly) && assembly->buf)
        inspect_fragment(assembly);
}

bool fv_assembly_resume(struct fv_assembly *assembly)
{
    if (!assembly->open || !assembly->resumable)
        return false;
    assembly->fragment = true;
    return true;
}

void fv_assembly_open(struct fv_assembly *assembly)
{
    if (assembly->open)
        return;
    assembly->open = true;
    assembly->picture_time = assembly->timestamp;
    assembly->first_packet = assembly->last_packet = assembly->arrival;
}

void fv_assembly_picture(struct fv_assembly *assembly, bool key)
{
    struct fv_assembly *a = assembly;
    if (a->picture)
        end_picture(a, false);
    fv_assembly_open(a);
    note_arrival(a);
    a->picture_time = a->timestamp;
    a->gap = false;
    a->picture = true;
    a->key = key;
    a->role = (struct fv_slice_role){0};
    a->unwanted = !key && a->key_only;
    reserve_usual(a);
}

void fv_assembly_insert(struct fv_assembly *assembly, const uint8_t *data, size_t size)
{
    if (size > 0)
        append(assembly, data, size);
}

bool fv_assembly_collects(const struct fv_assembly *assembly)
{
    return !wasted(assembly);
}

void fv_assembly_rewrite(struct fv_assembly *assembly, size_t offset, const uint8_t *data,
                         size_t size)
{
    if (offset + size <= assembly->size)
        memcpy(assembly->bytes + offset, data, size);
}

void fv_assembly_orphan(struct fv_assembly *assembly)
{
    const struct fv_assembly *a = assembly;
    if (!a->open && !a->gap && a->last_by_marker && a->timestamp == a->last_time)
        fv_quirk_meet(a->quirks, FV_QUIRK_MARKER_FALSE);
    fv_assembly_damage(assembly);
}

void fv_assembly_damage(struct fv_assembly *assembly)
{
    fv_assembly_open(assembly);
    assembly->damaged = true;
    assembly->fragment = assembly->resumable = false;
}

void fv_assembly_packet_end(struct fv_assembly *assembly, bool marker)
{
    struct fv_assembly *a = assembly;
    a->marker = marker;
    if (!marker) {
        a->marker_proven |= a->picture;
        return;
    }
    if (a->fragment && !fv_quirk_learned(a->quirks, FV_QUIRK_FU_MISSING_END)) {
        a->marker_in_fragment = true;
        return;
    }
    if (!a->picture && !a->damaged) {
        a->marker_suspect |= a->open;
        return;
    }
    if (!fv_quirk_learned(a->quirks, FV_QUIRK_MARKER_FALSE) &&
        (a->marker_proven || !a->marker_suspect))
        end_picture(a, true);
}

// SPDX-License-Identifier: Apache-2.0
#include "rtp/sets.h"

#include <errno.h>
#include <string.h>

#define START_CODE 4

static const uint8_t start_code[START_CODE] = {0, 0, 0, 1};

void fv_sets_init(struct fv_sets *sets, const struct fv_codec_ops *codec)
{
    *sets = (struct fv_sets){.codec = codec};
}

unsigned fv_sets_needed(const struct fv_sets *sets)
{
    unsigned both = 1u << FV_NAL_SPS | 1u << FV_NAL_PPS;
    return sets->codec->codec == FV_CODEC_H265 ? both | 1u << FV_NAL_VPS : both;
}

/* The place of (kind, id): where it is, or where it belongs. */
static unsigned find(const struct fv_sets *sets, enum fv_nal_kind kind, int id, size_t *ret_offset)
{
    unsigned i = 0;
    *ret_offset = 0;
    while (i < sets->count && (sets->entries[i].kind < kind ||
                               (sets->entries[i].kind == kind && sets->entries[i].id < id)))
        *ret_offset += sets->entries[i++].size;
    return i;
}

/* Makes the `size` bytes at `offset` of entry `i` to `new_size` bytes; moves what is behind. */
static void resize(struct fv_sets *sets, size_t offset, size_t size, size_t new_size)
{
    uint8_t *at = sets->bytes + offset;
    memmove(at + new_size, at + size, sets->size - offset - size);
    sets->size = sets->size - size + new_size;
}

int fv_sets_add(struct fv_sets *sets, enum fv_nal_kind kind, const uint8_t *nal, size_t size)
{
    while (size > 0 && nal[size - 1] == 0)
        size--; /* no NAL unit ends with zeros */
    if (size <= sets->codec->header_size)
        return -EBADMSG;
    int id = sets->codec->set_id(nal, size);
    if (id < 0)
        return id;
    size_t offset, new_size = START_CODE + size;
    unsigned at = find(sets, kind, id, &offset);
    struct fv_sets_entry *entry = &sets->entries[at];
    bool known = at < sets->count && entry->kind == kind && entry->id == id;
    size_t old_size = known ? entry->size : 0;
    if (known && old_size == new_size && memcmp(sets->bytes + offset + START_CODE, nal, size) == 0)
        return 0;
    if (sets->size - old_size + new_size > FV_SETS_BYTES || (!known && sets->count == FV_SETS_MAX))
        return -ENOBUFS;
    int rc = kind == FV_NAL_SPS ? sets->codec->parse_sps(nal, size, &sets->format) : 0;
    if (rc < 0)
        return rc;
    resize(sets, offset, old_size, new_size);
    memcpy(sets->bytes + offset, start_code, START_CODE);
    memcpy(sets->bytes + offset + START_CODE, nal, size);
    if (!known) {
        memmove(entry + 1, entry, (sets->count - at) * sizeof(*entry));
        sets->count++;
    }
    *entry = (struct fv_sets_entry){kind, id, new_size};
    sets->kinds |= 1u << kind;
    sets->changes += kind == FV_NAL_SPS;
    return 1;
}

void fv_sets_add_stream(struct fv_sets *sets, const uint8_t *data, size_t size)
{
    struct fv_annexb it;
    struct fv_nal nal;
    fv_annexb_init(&it, data, size);
    while (fv_annexb_next(&it, &nal)) {
        enum fv_nal_kind kind = sets->codec->kind(nal.data, nal.size);
        if (fv_is_set(kind))
            fv_sets_add(sets, kind, nal.data, nal.size);
    }
}

/* Of what codecs without parameter sets say: their formats leave the rest alone. */
static bool same_format(const struct fv_video_format *a, const struct fv_video_format *b)
{
    return a->codec == b->codec && a->width == b->width && a->height == b->height &&
           a->coded_width == b->coded_width && a->coded_height == b->coded_height &&
           a->profile == b->profile && a->level == b->level && a->bit_depth == b->bit_depth &&
           a->chroma == b->chroma && a->full_range == b->full_range && a->matrix == b->matrix;
}

void fv_sets_note_format(struct fv_sets *sets, const struct fv_video_format *format)
{
    if (same_format(&sets->format, format))
        return;
    sets->format = *format;
    sets->changes++;
}
